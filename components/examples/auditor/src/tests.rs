//! Batches against an AUDITOR that stores as the real one does, or answers as each case would
//! have it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use caso_component::messenger::Answer;
use caso_component::records::{CloudRecord, RecordList};
use caso_component::samples::{self, batch, said};
use caso_http::client::{Client, header};
use caso_http::http::{HttpError, Request, Response};
use serde_json::Value;

use crate::deliver;
use crate::options::tests::options;

type Answered = Result<Response, HttpError>;

#[derive(Default)]
struct Auditor {
    /// Answers to come, before it answers itself.
    next: VecDeque<Answered>,
    /// `ignore_record_exists_error`.
    ignores: bool,
    /// A record with this is not taken.
    bad: Option<&'static str>,
    /// It cannot store.
    broken: bool,
    stored: BTreeMap<String, Value>,
    asked: Vec<String>,
    headers: Vec<String>,
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

impl Client for Auditor {
    fn send(&mut self, origin: &str, request: &Request) -> Answered {
        assert_eq!(origin, crate::ORIGIN);
        let asked = format!("{} {}", request.method, request.path);
        self.asked.push(asked.clone());
        self.headers = request
            .headers
            .iter()
            .map(|it| format!("{}: {}", it.name, it.value))
            .collect();
        if let Some(next) = self.next.pop_front() {
            return next;
        }
        if asked == "GET /health_check" {
            return Ok(answer(if self.broken { 500 } else { 200 }, ""));
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if self.bad.is_some_and(|bad| body.to_string().contains(bad)) {
            return Ok(answer(400, "Json deserialize error: Parsing 'x' failed"));
        }
        if self.broken {
            return Ok(answer(500, "UNEXPECTED_ERROR"));
        }
        let id = |record: &Value| record["record_id"].as_str().unwrap().to_owned();
        if asked == "PUT /record" {
            let stored = self.stored.get_mut(&id(&body)).unwrap();
            stored["stop_time"] = body["stop_time"].clone();
            return Ok(answer(200, ""));
        }
        let records = match body {
            Value::Array(records) => records,
            record => vec![record],
        };
        if records.iter().any(|it| self.stored.contains_key(&id(it))) {
            return Ok(match self.ignores {
                true => answer(
                    200,
                    r#"{"warning":"ignored due to AUDITOR configuration."}"#,
                ),
                false => answer(500, "RECORD_EXISTS"),
            });
        }
        self.stored
            .extend(records.into_iter().map(|it| (id(&it), it)));
        Ok(answer(200, ""))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

impl Auditor {
    fn answering(next: impl IntoIterator<Item = Answered>) -> Self {
        Self {
            next: next.into_iter().collect(),
            ..Self::default()
        }
    }

    fn deliver(&mut self, records: Vec<CloudRecord>) -> Answer {
        self.deliver_with(&[], records)
    }

    fn deliver_with(&mut self, changes: &[(&str, &str)], records: Vec<CloudRecord>) -> Answer {
        let options = options(changes).ok().unwrap();
        deliver(&options, &batch(RecordList::Cloud(records)), self)
    }
}

fn ended(count: usize) -> Vec<CloudRecord> {
    let record = |number: usize| CloudRecord {
        vm_uuid: format!("vm-{number}-"),
        end: Some(2_000),
        ..samples::cloud()
    };
    (0..count).map(record).collect()
}

#[test]
fn records_go_together_and_one_alone() {
    let mut auditor = Auditor::default();
    let answer = auditor.deliver(ended(201));
    assert_eq!((answer.accepted, said(&answer).as_str()), (201, "done"));
    assert_eq!(
        auditor.asked,
        ["POST /records", "POST /records", "POST /record"]
    );
    assert_eq!(auditor.stored.len(), 201);
    assert_eq!(auditor.headers, ["content-type: application/json"]);
    auditor.deliver_with(&[("token", "abc")], ended(1));
    assert_eq!(auditor.headers[1], "authorization: Bearer abc");
}

#[test]
fn what_auditor_has_counts_once_however_it_says_so() {
    for ignores in [false, true] {
        let mut auditor = Auditor {
            ignores,
            ..Auditor::default()
        };
        // Some of them in the middle of a batch, then all.
        auditor.deliver(ended(30).split_off(20));
        let answer = auditor.deliver(ended(60));
        assert_eq!((answer.accepted, said(&answer).as_str()), (60, "done"));
        assert_eq!(auditor.stored.len(), 60);
        let answer = auditor.deliver(ended(60));
        assert_eq!((answer.accepted, said(&answer).as_str()), (60, "done"));
        assert_eq!(answer.refused.len(), 0);
        assert_eq!(auditor.stored.len(), 60);
    }
    // As HTTP has a word for it.
    let mut auditor = Auditor::default();
    auditor.deliver(ended(1));
    auditor.next.push_back(Ok(answer(409, "")));
    let answer = auditor.deliver(ended(1));
    assert_eq!((answer.accepted, said(&answer).as_str()), (1, "done"));
    assert_eq!(auditor.asked[1..], ["POST /record", "PUT /record"]);
}

#[test]
fn a_vm_that_runs_is_opened_and_its_end_closes_it() {
    let open = [("running", "open")];
    let mut auditor = Auditor::default();
    let mut running = ended(3);
    running[1].end = None;
    let answer = auditor.deliver_with(&open, running);
    assert_eq!(answer.accepted, 3);
    assert!(auditor.stored["caso-vm-1-"].get("stop_time").is_none());
    for _ in 0..2 {
        let answer = auditor.deliver_with(&open, ended(3));
        assert_eq!((answer.accepted, said(&answer).as_str()), (3, "done"));
        assert_eq!(
            auditor.stored["caso-vm-1-"]["stop_time"],
            "1970-01-01T00:33:20Z"
        );
    }
    assert_eq!(auditor.stored.len(), 3);
    // Where only those that have ended are sent, what runs is dealt with all the same.
    let mut auditor = Auditor::default();
    let answer = auditor.deliver(vec![samples::cloud(); 4]);
    assert_eq!((answer.accepted, said(&answer).as_str()), (4, "done"));
    assert!(auditor.asked.is_empty());
}

#[test]
fn the_record_at_fault_is_refused_with_auditors_words() {
    let mut auditor = Auditor {
        bad: Some("vm-7-"),
        ..Auditor::default()
    };
    let answer = auditor.deliver(ended(100));
    assert_eq!((answer.accepted, said(&answer).as_str()), (100, "done"));
    assert_eq!(answer.refused.len(), 1);
    assert_eq!(answer.refused[0].index, 7);
    assert!(
        answer.refused[0]
            .reason
            .contains("400: Json deserialize error"),
        "{}",
        answer.refused[0].reason
    );
    assert_eq!(auditor.stored.len(), 99);
}

#[test]
fn a_database_that_is_away_costs_no_record() {
    let mut auditor = Auditor {
        broken: true,
        ..Auditor::default()
    };
    let answer = auditor.deliver(ended(100));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    let reason = said(&answer);
    assert!(reason.starts_with("retry 30: "), "{reason}");
    assert!(reason.contains("lost its database"), "{reason}");
    assert_eq!(auditor.asked, ["POST /records", "GET /health_check"]);
}

/// There again when it is asked, and it stored nothing all the same.
#[test]
fn what_cannot_be_stored_waits_until_another_record_can() {
    let error = || Ok(answer(500, "UNEXPECTED_ERROR"));
    let healthy = || Ok(answer(200, ""));
    let forbidden = || Ok(answer(403, "Insufficient permissions"));
    let mut auditor = Auditor::answering([error(), healthy()]);
    let answer = auditor.deliver(ended(1));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    assert!(said(&answer).starts_with("retry 30: "));
    // One of several, also where it does not say how it is.
    let mut auditor = Auditor::answering([error(), healthy(), error(), forbidden()]);
    let answer = auditor.deliver(ended(2));
    assert_eq!((answer.accepted, said(&answer).as_str()), (2, "done"));
    assert_eq!(answer.refused[0].index, 0);
}

#[test]
fn what_passes_is_tried_again_and_costs_nothing() {
    let html = "<html><head><title>504 Gateway Time-out</title></head></html>";
    for answered in [
        Ok(answer(408, "")),
        Ok(answer(429, "slow down")),
        Ok(answer(500, html)),
        Ok(answer(502, html)),
        Ok(answer(503, html)),
        Ok(answer(504, html)),
        Ok(answer(200, html)),
        Ok(answer(200, "{}")),
        Ok(answer(201, "created")),
        Err(HttpError::Closed),
        Err(HttpError::TimedOut),
        Err(HttpError::Unavailable("the connection was refused".into())),
    ] {
        let answer = Auditor::answering([answered.clone()]).deliver(ended(3));
        assert_eq!(
            (answer.accepted, answer.refused.len()),
            (0, 0),
            "{answered:?}"
        );
        let said = said(&answer);
        assert!(
            said.starts_with("retry 30: `https://auditor.example.org:8001` "),
            "{said}"
        );
    }
    let later = Response {
        headers: vec![header("retry-after", "7")],
        ..answer(503, "")
    };
    let answer = Auditor::answering([Ok(later)]).deliver(ended(1));
    assert!(said(&answer).starts_with("retry 7: "));
}

#[test]
fn what_the_site_has_to_mend_is_said() {
    let moved = Response {
        headers: vec![header("location", "https://elsewhere.example.org")],
        ..answer(302, "")
    };
    for (answered, words) in [
        (
            Ok(answer(403, "Insufficient permissions")),
            "`write_access_cn`",
        ),
        (Ok(answer(401, "abc is no token")), "`token`"),
        (Ok(answer(404, "not found")), "check `url`"),
        (Ok(answer(405, "")), "check `url`"),
        (Ok(moved), "check `url`"),
        (
            Err(HttpError::Denied("add `http:https://a` to `grants`".into())),
            "add `http:",
        ),
        (Err(HttpError::Tls("unknown issuer".into())), "unknown"),
    ] {
        let mut auditor = Auditor::answering([answered]);
        let answer = auditor.deliver_with(&[("token", "abc")], ended(3));
        assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
        let said = said(&answer);
        assert!(
            said.starts_with("misconfigured: ") && said.contains(words),
            "{said}"
        );
        assert!(!said.contains("abc"), "{said}");
    }
    // Of a balancer, which knows nothing of records.
    let page = "<html><title>400 No required SSL certificate was sent</title></html>";
    let answer = Auditor::answering([Ok(answer(400, page))]).deliver(ended(3));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    assert!(said(&answer).starts_with("other: "));
}

#[test]
fn what_is_too_large_is_sent_in_smaller_requests() {
    let large = || Ok(answer(413, "JSON payload is larger than allowed"));
    let mut auditor = Auditor::answering([large(), large()]);
    let answer = auditor.deliver(ended(8));
    assert_eq!((answer.accepted, said(&answer).as_str()), (8, "done"));
    assert_eq!(auditor.stored.len(), 8);
    let answer = Auditor::answering([large()]).deliver(ended(1));
    assert_eq!((answer.accepted, answer.refused.len()), (1, 1));
}

/// As the host answers in a dry run, where no request leaves.
#[test]
fn in_a_dry_run_nothing_is_kept_back() {
    let nothing = || Ok(answer(204, ""));
    let answer = Auditor::answering([nothing(), nothing()]).deliver(ended(150));
    assert_eq!((answer.accepted, said(&answer).as_str()), (150, "done"));
}

#[test]
fn a_type_without_a_record_is_the_sites_mistake() {
    let options = options(&[]).ok().unwrap();
    let batch = batch(RecordList::Ip(vec![samples::ip()]));
    let answer = deliver(&options, &batch, &mut Auditor::default());
    assert!(said(&answer).starts_with("misconfigured: "));
    assert!(said(&answer).contains("`record_types`"));
}
