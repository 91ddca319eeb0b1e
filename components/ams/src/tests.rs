//! A batch against a host that signs by putting a word before the text, and an AMS that
//! answers as each case would have it.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caso_component::messenger::Answer;
use caso_component::records::{AcceleratorRecord, RecordList};
use caso_component::samples::{self, batch, said};
use caso_http::client::Client;
use serde_json::{Value, json};

use crate::deliver;
use crate::http::{Header, HttpError, Request, Response};
use crate::options::tests::options;
use crate::outside::Outside;
use crate::service::Service;
use crate::signing::SignError;

const SIGNED: &str = "signed ";
const DN: &str = "/DC=org/DC=example/CN=caso.example.org";

type Answered = Result<Response, HttpError>;

#[derive(Default)]
struct Ams {
    /// Answers to come, before all are taken.
    next: VecDeque<Answered>,
    /// The same for tokens.
    next_token: VecDeque<Answered>,
    /// What the host says of signatures to come.
    next_signed: VecDeque<Result<(), SignError>>,
    requests: Vec<Request>,
    tokens: usize,
    /// The texts of each request that was taken, and their ids.
    taken: Vec<Vec<(String, String)>>,
    signatures: usize,
    /// What a signature adds to each byte of the text.
    grows: usize,
    /// A text with this is refused.
    bad: Option<&'static str>,
    /// AMS takes bodies of fewer bytes.
    takes: Option<usize>,
    time: Duration,
    each: Duration,
}

impl Ams {
    fn answering(next: impl IntoIterator<Item = Answered>) -> Self {
        Self {
            next: next.into_iter().collect(),
            ..Self::default()
        }
    }

    fn deliver(&mut self, records: Vec<AcceleratorRecord>) -> Answer {
        self.deliver_with(&[], &mut None, records)
    }

    fn deliver_with(
        &mut self,
        changes: &[(&str, &str)],
        token: &mut Option<String>,
        records: Vec<AcceleratorRecord>,
    ) -> Answer {
        let options = options(changes).ok().unwrap();
        let mut batch = batch(RecordList::Accelerator(records));
        batch.record_type = "accelerator".to_owned();
        let mut service = Service {
            options: &options,
            subject: Some(DN),
            token,
            outside: self,
            renewed: false,
        };
        deliver(&mut service, &batch)
    }

    /// The VMs of each message, request by request.
    fn vms(&self) -> Vec<Vec<Vec<String>>> {
        let of = |text: &String| {
            let value: Value = serde_json::from_str(text).unwrap();
            let records = value["UsageRecords"].as_array().unwrap().iter();
            records
                .map(|record| record["AssociatedRecord"].as_str().unwrap().to_owned())
                .collect()
        };
        self.taken
            .iter()
            .map(|request| request.iter().map(|(text, _)| of(text)).collect())
            .collect()
    }

    fn take(&mut self, request: &Request) -> Answered {
        if self.takes.is_some_and(|most| request.body.len() >= most) {
            return Ok(ams(413, "Message size is too large", "INVALID_ARGUMENT"));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let messages: Vec<(String, String)> = body["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let data = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
                let text = String::from_utf8(data).unwrap();
                let id = message["attributes"]["empaid"].as_str().unwrap();
                let text = text.strip_prefix(SIGNED).unwrap().trim_end().to_owned();
                (text, id.to_owned())
            })
            .collect();
        if let Some(bad) = self.bad
            && messages.iter().any(|(text, _)| text.contains(bad))
        {
            return Ok(ams(400, "no such thing", "INVALID_ARGUMENT"));
        }
        let ids: Vec<usize> = (0..messages.len()).collect();
        self.taken.push(messages);
        Ok(answer(200, &json!({ "messageIds": ids }).to_string()))
    }
}

impl Outside for Ams {
    fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.next_signed.pop_front().unwrap_or(Ok(()))?;
        self.signatures += 1;
        let mut signed = SIGNED.as_bytes().to_vec();
        signed.extend_from_slice(message);
        signed.extend(std::iter::repeat_n(b'\n', message.len() * self.grows));
        Ok(signed)
    }
}

impl Client for Ams {
    fn send(&mut self, origin: &str, request: &Request) -> Answered {
        self.time += self.each;
        if origin == crate::TOKEN {
            let path = "/v1/service-types/ams/hosts/ams.example.org:authx509";
            assert_eq!(
                (request.method.as_str(), request.path.as_str()),
                ("GET", path)
            );
            self.tokens += 1;
            let token = format!("{{\"token\": \"t-{}\"}}", self.tokens);
            return self
                .next_token
                .pop_front()
                .unwrap_or(Ok(answer(200, &token)));
        }
        assert_eq!(origin, crate::PUBLISH);
        self.requests.push(request.clone());
        match self.next.pop_front() {
            Some(answered) => answered,
            None => self.take(request),
        }
    }

    fn elapsed(&self) -> Duration {
        self.time
    }
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

fn ams(code: u16, message: &str, status: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message, "status": status}});
    answer(code, &body.to_string())
}

fn record(number: usize) -> AcceleratorRecord {
    AcceleratorRecord {
        associated_record: format!("vm-{number}"),
        ..samples::accelerator()
    }
}

fn records(count: usize) -> Vec<AcceleratorRecord> {
    (0..count).map(record).collect()
}

fn key(request: &Request) -> Option<&str> {
    let mut headers = request.headers.iter();
    let header = headers.find(|header| header.name == "x-api-key")?;
    Some(&header.value)
}

#[test]
fn messages_go_together_in_their_order_with_one_token() {
    let mut ams = Ams::default();
    let mut token = None;
    for _ in 0..2 {
        let answer = ams.deliver_with(&[], &mut token, records(5));
        assert_eq!((answer.accepted, said(&answer).as_str()), (5, "done"));
    }
    let pairs = |vms: &[&str]| vms.iter().map(|vm| (*vm).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        ams.vms()[0],
        [
            pairs(&["vm-0", "vm-1"]),
            pairs(&["vm-2", "vm-3"]),
            pairs(&["vm-4"])
        ]
    );
    assert_eq!((ams.requests.len(), ams.tokens), (2, 1));
    let request = &ams.requests[0];
    assert_eq!(
        request.path,
        "/v1/projects/accounting/topics/eu-egi-cloud-accounting:publish"
    );
    assert_eq!(key(request), Some("t-1"));
    // The same records have the same ids, and no two messages have one.
    assert_eq!(ams.taken[0], ams.taken[1]);
    let mut ids: Vec<&String> = ams.taken[0].iter().map(|(_, id)| id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_token_of_the_sites_is_used_and_none_is_asked_for() {
    let mut ams = Ams::default();
    let answer = ams.deliver_with(&[("token", "given")], &mut None, records(1));
    assert_eq!((answer.accepted, ams.tokens), (1, 0));
    assert_eq!(key(&ams.requests[0]), Some("given"));
    let refused = self::ams(401, "Unauthorized: given", "UNAUTHORIZED");
    let mut ams = Ams::answering([Ok(refused)]);
    let answer = ams.deliver_with(&[("token", "given")], &mut None, records(1));
    let said = said(&answer);
    assert!(said.starts_with("misconfigured: ") && said.ends_with("(UNAUTHORIZED); check `token`"));
    assert!(said.contains("Unauthorized: ***"), "{said}");
    assert_eq!((answer.accepted, ams.tokens, ams.requests.len()), (0, 0, 1));
}

#[test]
fn a_token_that_ends_in_the_middle_is_replaced_once() {
    let unauthorised = || Ok(ams(401, "Unauthorized", "UNAUTHORIZED"));
    let two = Ok(answer(200, r#"{"messageIds":["1","2"]}"#));
    let mut ended = Ams::answering([unauthorised()]);
    let mut token = Some("old".to_owned());
    let answer = ended.deliver_with(&[], &mut token, records(3));
    assert_eq!((answer.accepted, ended.tokens), (3, 1));
    assert_eq!(key(&ended.requests[0]), Some("old"));
    assert_eq!(key(&ended.requests[1]), Some("t-1"));
    // Also one that was asked for in the same call.
    let mut same_call = Ams::answering([two, unauthorised()]);
    let answer = same_call.deliver(records(5));
    assert_eq!((answer.accepted, same_call.tokens), (5, 2));
    // One that was given just now is not asked for again.
    let mut never = Ams::answering([unauthorised(), unauthorised(), unauthorised()]);
    let answer = never.deliver(records(1));
    assert_eq!((never.tokens, never.requests.len()), (1, 1));
    let said = said(&answer);
    assert!(said.starts_with("misconfigured: "), "{said}");
    assert!(
        said.contains("gave the token itself") && said.contains(DN),
        "{said}"
    );
}

#[test]
fn who_is_not_known_reads_which_dn_belongs_where() {
    let forbidden = || {
        Ok(ams(
            403,
            "Access to this resource is forbidden",
            "FORBIDDEN",
        ))
    };
    let unbound = || Ok(ams(404, "Binding was not found", "NOT_FOUND"));
    let mut at_token = Ams {
        next_token: [unbound()].into(),
        ..Ams::default()
    };
    for ams in [&mut Ams::answering([forbidden()]), &mut at_token] {
        let answer = ams.deliver(records(3));
        let said = said(&answer);
        assert_eq!(answer.accepted, 0);
        assert!(said.starts_with("misconfigured: "), "{said}");
        assert!(
            said.contains(DN) && said.contains("`eu.egi.cloud.accounting`"),
            "{said}"
        );
    }
    assert_eq!(at_token.requests.len(), 0);
    let no_topic = Ok(ams(404, "Topic doesn't exist", "NOT_FOUND"));
    let answer = Ams::answering([no_topic]).deliver(records(1));
    let said = said(&answer);
    assert!(said.contains("`ams_project` (`accounting`)"), "{said}");
    assert!(said.contains("Topic doesn't exist (NOT_FOUND)"), "{said}");
}

#[test]
fn what_passes_is_tried_again_and_costs_nothing() {
    let html = "<html><head><title>504 Gateway Time-out</title></head></html>";
    for answered in [
        Ok(answer(
            408,
            r#"{"error":{"code":408,"message":"Timeout","status":"TIMEOUT"}}"#,
        )),
        Ok(answer(429, "slow down")),
        Ok(answer(500, html)),
        Ok(answer(502, html)),
        Ok(answer(503, html)),
        Ok(answer(504, html)),
        Ok(answer(200, html)),
        Ok(answer(200, r#"{"messageIds":[]}"#)),
        Ok(answer(204, "")),
        Err(HttpError::Closed),
        Err(HttpError::TimedOut),
        Err(HttpError::Unavailable("the connection was refused".into())),
    ] {
        let mut ams = Ams::answering([answered.clone()]);
        let answer = ams.deliver(records(3));
        assert_eq!(
            (answer.accepted, answer.refused.len()),
            (0, 0),
            "{answered:?}"
        );
        assert!(
            said(&answer).starts_with("retry 30: `ams.example.org` "),
            "{}",
            said(&answer)
        );
        let mut ams = Ams {
            next_token: [answered.clone()].into(),
            ..Ams::default()
        };
        let answer = ams.deliver(records(3));
        if !matches!(answered, Ok(Response { status: 204, .. })) {
            assert_eq!(answer.accepted, 0, "{answered:?}");
            assert!(said(&answer).starts_with("retry 30: "), "{}", said(&answer));
        }
    }
    let later = Response {
        headers: vec![Header {
            name: "retry-after".into(),
            value: "7".into(),
        }],
        ..answer(503, "")
    };
    let answer = Ams::answering([Ok(later)]).deliver(records(1));
    assert!(said(&answer).starts_with("retry 7: "));
}

#[test]
fn an_answer_with_fewer_ids_says_how_many_were_taken() {
    let two = Ok(answer(200, r#"{"messageIds":["1","2"]}"#));
    let mut ams = Ams::answering([two.clone()]);
    let answer = ams.deliver(records(10));
    assert_eq!((answer.accepted, said(&answer).as_str()), (10, "done"));
    // Two of five messages are not published again.
    assert_eq!(ams.requests.len(), 2);
    assert_eq!(
        ams.vms()[0].concat(),
        ["vm-4", "vm-5", "vm-6", "vm-7", "vm-8", "vm-9"]
    );
    let mut ams = Ams::answering([two, Err(HttpError::Closed)]);
    let answer = ams.deliver(records(10));
    assert_eq!(answer.accepted, 4);
    assert!(said(&answer).starts_with("retry 30: "));
}

/// Another topic's schema, or another AMS: the fault is not the messages'.
#[test]
fn where_ams_takes_none_of_the_first_messages_all_of_them_wait() {
    let mut ams = Ams {
        bad: Some("\"vm-"),
        ..Ams::default()
    };
    let answer = ams.deliver(records(20));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    let said = said(&answer);
    assert!(
        said.starts_with("other: none of 5 messages was taken: ") && said.contains("no such thing"),
        "{said}"
    );
}

#[test]
fn a_message_that_is_refused_for_good_costs_its_records() {
    let mut ams = Ams {
        bad: Some("\"vm-3\""),
        ..Ams::default()
    };
    let answer = ams.deliver(records(7));
    assert_eq!((answer.accepted, said(&answer).as_str()), (7, "done"));
    let refused: Vec<u32> = answer.refused.iter().map(|it| it.index).collect();
    assert_eq!(refused, [2, 3]);
    assert!(
        answer.refused[0]
            .reason
            .contains("no such thing (INVALID_ARGUMENT)")
    );
    assert_eq!(
        ams.vms().concat().concat(),
        ["vm-0", "vm-1", "vm-4", "vm-5", "vm-6"]
    );
    // What is not AMS's refuses nothing for good.
    let nginx = answer_of_a_balancer();
    let answer = Ams::answering([Ok(nginx)]).deliver(records(1));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    assert!(said(&answer).starts_with("other: "), "{}", said(&answer));
}

fn answer_of_a_balancer() -> Response {
    answer(
        400,
        "<html><title>400 No required SSL certificate was sent</title></html>",
    )
}

#[test]
fn what_is_too_large_comes_in_smaller_messages() {
    let one = {
        let mut ams = Ams::default();
        ams.deliver(records(1));
        ams.requests[0].body.len()
    };
    let mut ams = Ams {
        takes: Some(one + 100),
        ..Ams::default()
    };
    let mut large = records(4);
    large[2].model = Some("x".repeat(250));
    let answer = ams.deliver(large);
    assert_eq!((answer.accepted, said(&answer).as_str()), (4, "done"));
    assert_eq!(ams.vms().concat(), [["vm-0"], ["vm-1"], ["vm-3"]]);
    assert_eq!(answer.refused.len(), 1);
    assert_eq!(answer.refused[0].index, 2);
    assert!(
        answer.refused[0]
            .reason
            .contains("Message size is too large")
    );
}

/// Signed and encrypted a text has several times its size.
#[test]
fn what_is_published_stays_below_a_megabyte() {
    let mut ams = Ams {
        grows: 400,
        takes: Some(1_000_000),
        ..Ams::default()
    };
    let mut all = records(60);
    all[7].model = Some("x".repeat(255));
    let answer = ams.deliver_with(&[], &mut None, all);
    assert_eq!((answer.accepted, answer.refused.len()), (60, 0));
    assert!(
        ams.requests
            .iter()
            .all(|request| request.body.len() < 1_000_000)
    );
    assert_eq!(ams.vms().concat().concat().len(), 60);
    // Never signed twice but for those that were too large.
    assert!(ams.signatures <= 62, "{}", ams.signatures);
    // One that is too large alone.
    let mut ams = Ams {
        grows: 2_000,
        ..Ams::default()
    };
    let answer = ams.deliver(records(2));
    assert_eq!(
        (answer.accepted, answer.refused.len(), ams.requests.len()),
        (2, 2, 0)
    );
    assert!(
        answer.refused[0]
            .reason
            .contains("the record alone makes a message of")
    );
}

#[test]
fn what_the_host_does_not_sign_is_not_published() {
    let signing = |errors: Vec<Result<(), SignError>>| Ams {
        next_signed: errors.into(),
        ..Ams::default()
    };
    let denied = || Err(SignError::Denied("no signature `host`".into()));
    let mut ams = signing(vec![denied()]);
    let answer = ams.deliver(records(3));
    assert_eq!((answer.accepted, ams.requests.len()), (0, 0));
    assert_eq!(said(&answer), "misconfigured: no signature `host`");

    // What is signed is published first, and then it is asked again.
    let ends = Err(SignError::Misconfigured("the certificate ends".into()));
    let mut ams = signing(vec![Ok(()), ends.clone(), ends]);
    let answer = ams.deliver(records(4));
    assert_eq!((answer.accepted, ams.requests.len()), (2, 1));
    assert_eq!(said(&answer), "misconfigured: the certificate ends");

    // The limit is for a call.
    let mut ams = signing(vec![Ok(()), Err(SignError::Full)]);
    let answer = ams.deliver(records(4));
    assert_eq!(answer.accepted, 2);
    assert!(said(&answer).starts_with("retry 0: "));
    let answer = signing(vec![Err(SignError::Full)]).deliver(records(4));
    assert!(said(&answer).starts_with("other: "));

    let invalid = Err(SignError::Invalid("it has a NUL".into()));
    let mut ams = signing(vec![Ok(()), invalid.clone(), invalid]);
    let answer = ams.deliver(records(5));
    assert_eq!((answer.accepted, said(&answer).as_str()), (5, "done"));
    let refused: Vec<u32> = answer.refused.iter().map(|it| it.index).collect();
    assert_eq!(refused, [2, 3]);
}

/// As the host answers in a dry run: nothing is signed, and all requests get 204.
#[test]
fn in_a_dry_run_nothing_is_kept_back() {
    struct Dry;
    impl Outside for Dry {
        fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError> {
            Ok(message.to_vec())
        }
    }
    impl Client for Dry {
        fn send(&mut self, _: &str, request: &Request) -> Answered {
            assert_eq!(key(request), None);
            Ok(answer(204, ""))
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }
    let options = options(&[]).ok().unwrap();
    let mut service = Service {
        options: &options,
        subject: None,
        token: &mut None,
        outside: &mut Dry,
        renewed: false,
    };
    let answer = deliver(&mut service, &batch(RecordList::Accelerator(records(5))));
    assert_eq!((answer.accepted, said(&answer).as_str()), (5, "done"));
}

#[test]
fn a_slow_service_gets_the_rest_in_another_call() {
    let mut ams = Ams {
        each: Duration::from_secs(20),
        ..Ams::default()
    };
    let answer = ams.deliver(records(100));
    assert_eq!(answer.accepted, 40);
    assert!(said(&answer).starts_with("retry 0: "));
}

#[test]
fn a_grant_that_is_missing_and_a_certificate_that_is_not_trusted_are_the_sites() {
    for (error, words) in [
        (
            HttpError::Denied("add `http:https://ams.example.org`".into()),
            "add `http:",
        ),
        (HttpError::Tls("unknown issuer".into()), "unknown issuer"),
    ] {
        let answer = Ams::answering([Err(error)]).deliver(records(1));
        let said = said(&answer);
        assert!(
            said.starts_with("misconfigured: ") && said.contains(words),
            "{said}"
        );
    }
}

/// Each to its topic, in their order, and no two topics in a request.
#[test]
fn messages_of_others_go_as_they_are_each_to_its_topic() {
    use crate::adopted::KIND;
    use caso_component::records::OtherRecord;
    let texts = [
        "APEL-cloud-message: v0.4\na: 1",
        "APEL-cloud-message: v0.4\na: 2",
        "<sr:StorageUsageRecords/>",
        "APEL-cloud-message: v0.4\na: 3",
    ];
    let record = |text: &str| OtherRecord {
        kind: KIND.to_owned(),
        payload: Some(text.to_owned()),
        ..samples::other()
    };
    let mut records: Vec<OtherRecord> = texts.into_iter().map(record).collect();
    records.push(record("no message"));
    let mut batch = batch(RecordList::Other(records));
    batch.record_type = KIND.to_owned();
    let mut ams = Ams::default();
    let options = options(&[]).ok().unwrap();
    let mut service = Service {
        options: &options,
        subject: None,
        token: &mut None,
        outside: &mut ams,
        renewed: false,
    };
    let answer = deliver(&mut service, &batch);
    assert_eq!((answer.accepted, said(&answer).as_str()), (5, "done"));
    assert_eq!(answer.refused.len(), 1);
    let taken: Vec<&String> = ams.taken.iter().flatten().map(|(text, _)| text).collect();
    assert_eq!(taken, texts.iter().collect::<Vec<_>>());
    let sizes: Vec<usize> = ams.taken.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 1, 1]);
    assert!(
        ams.requests[1]
            .path
            .contains("/eu-egi-storage-accounting:publish")
    );
}
