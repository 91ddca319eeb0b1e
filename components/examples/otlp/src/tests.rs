//! Batches against a receiver that answers as each case would have it.

use std::collections::VecDeque;
use std::time::Duration;

use caso_component::log;
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
struct Receiver {
    /// Answers to come, before it takes all.
    next: VecDeque<Answered>,
    /// A point with this is not taken.
    bad: Option<&'static str>,
    taken: Vec<Value>,
    requests: Vec<Request>,
}

fn answer(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

impl Client for Receiver {
    fn send(&mut self, origin: &str, request: &Request) -> Answered {
        assert_eq!(origin, crate::ORIGIN);
        self.requests.push(request.clone());
        if let Some(next) = self.next.pop_front() {
            return next;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if self.bad.is_some_and(|bad| body.to_string().contains(bad)) {
            return Ok(answer(400, r#"{"code":3,"message":"no such host"}"#));
        }
        self.taken.push(body);
        Ok(answer(200, "{}"))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

impl Receiver {
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

    /// The VMs of the points of the first metric, in their order.
    fn vms(&self) -> Vec<String> {
        let points = self.taken.iter().flat_map(|body| {
            let metric = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
            metric["sum"]["dataPoints"].as_array().unwrap().clone()
        });
        points
            .map(|point| {
                let host = &point["attributes"][0];
                assert_eq!(host["key"], "host.id");
                host["value"]["stringValue"].as_str().unwrap().to_owned()
            })
            .collect()
    }
}

fn vms(count: usize) -> Vec<CloudRecord> {
    let record = |number: usize| CloudRecord {
        vm_uuid: format!("vm-{number}-"),
        ..samples::cloud()
    };
    (0..count).map(record).collect()
}

#[test]
fn points_go_in_their_order_with_the_headers() {
    let mut receiver = Receiver::default();
    let answer = receiver.deliver_with(&[("token", "abc"), ("headers", "x=y")], vms(150));
    assert_eq!((answer.accepted, said(&answer).as_str()), (150, "done"));
    let expected: Vec<String> = vms(150).into_iter().map(|it| it.vm_uuid).collect();
    assert_eq!(receiver.vms(), expected);
    assert_eq!(receiver.requests.len(), 2);
    let request = &receiver.requests[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/metrics")
    );
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|it| format!("{}: {}", it.name, it.value))
        .collect();
    assert_eq!(
        headers,
        [
            "content-type: application/json",
            "x: y",
            "authorization: Bearer abc"
        ]
    );
}

#[test]
fn a_record_that_otlp_cannot_say_costs_itself() {
    let mut records = vms(3);
    records[1].start = -1;
    let mut receiver = Receiver::default();
    let answer = receiver.deliver(records);
    assert_eq!((answer.accepted, said(&answer).as_str()), (3, "done"));
    assert_eq!(answer.refused.len(), 1);
    assert_eq!(answer.refused[0].index, 1);
    assert_eq!(receiver.vms(), ["vm-0-", "vm-2-"]);
}

#[test]
fn rejected_points_are_not_sent_again_and_their_records_set_aside() {
    let partial = |rejected: &str, message: &str| {
        let body = format!(
            r#"{{"partialSuccess":{{"rejectedDataPoints":"{rejected}","errorMessage":"{message}"}}}}"#
        );
        Ok(answer(200, &body))
    };
    let mut receiver = Receiver::answering([partial("2", "abc\\ntoo old")]);
    let changes = [("token", "abc")];
    let answer = receiver.deliver_with(&changes, vms(103));
    assert_eq!((answer.accepted, said(&answer).as_str()), (103, "done"));
    assert_eq!(answer.refused.len(), 100);
    assert_eq!(
        answer.refused[0].reason,
        "2 of the 700 data points in its request were rejected, and not said which; \
         `https://otel.example.org:4318` answered the metrics with 200: *** too old"
    );
    assert_eq!((receiver.requests.len(), receiver.vms().len()), (2, 3));
    // A warning is none of that.
    let _ = log::take_lines();
    let mut receiver = Receiver::answering([partial("0", "version 1 ends")]);
    let answer = receiver.deliver(vms(3));
    assert_eq!((answer.accepted, answer.refused.len()), (3, 0));
    let lines = format!("{:?}", log::take_lines());
    assert!(lines.contains("version 1 ends"), "{lines}");
}

#[test]
fn a_bad_record_is_found_and_refused_with_the_receivers_words() {
    let mut receiver = Receiver {
        bad: Some("vm-7-"),
        ..Receiver::default()
    };
    let answer = receiver.deliver(vms(50));
    assert_eq!((answer.accepted, said(&answer).as_str()), (50, "done"));
    assert_eq!(answer.refused.len(), 1);
    assert_eq!(answer.refused[0].index, 7);
    assert_eq!(
        answer.refused[0].reason,
        "`https://otel.example.org:4318` answered the metrics with 400: no such host"
    );
    // No point came twice.
    assert_eq!(receiver.vms().len(), 49);
    // Where all are refused it is not the records'.
    let mut receiver = Receiver {
        bad: Some("caso.vm"),
        ..Receiver::default()
    };
    let answer = receiver.deliver(vms(50));
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    assert!(said(&answer).starts_with("other: none of 5 records was taken: "));
}

#[test]
fn what_passes_is_tried_again_and_nothing_else_is() {
    let html = "<html><head><title>504 Gateway Time-out</title></head></html>";
    for answered in [
        Ok(answer(429, "slow down")),
        Ok(answer(502, html)),
        Ok(answer(503, html)),
        Ok(answer(504, html)),
        Ok(answer(200, html)),
        Ok(answer(200, "[]")),
        Err(HttpError::Closed),
        Err(HttpError::TimedOut),
        Err(HttpError::Unavailable("the connection was refused".into())),
    ] {
        let answer = Receiver::answering([answered.clone()]).deliver(vms(3));
        assert_eq!(
            (answer.accepted, answer.refused.len()),
            (0, 0),
            "{answered:?}"
        );
        let said = said(&answer);
        assert!(said.starts_with("retry 30: "), "{said}");
    }
    let later = Response {
        headers: vec![header("retry-after", "7")],
        ..answer(429, "")
    };
    let answer = Receiver::answering([Ok(later)]).deliver(vms(1));
    assert!(said(&answer).starts_with("retry 7: "));
    for status in [400, 402, 408, 500, 501, 505] {
        let mut receiver = Receiver::answering([Ok(self::answer(status, html))]);
        let answer = receiver.deliver(vms(3));
        assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
        assert!(said(&answer).starts_with("other: "), "{status}");
        assert_eq!(receiver.requests.len(), 1);
    }
}

#[test]
fn what_the_site_has_to_mend_is_said_without_its_secrets() {
    for (answered, words) in [
        (Ok(answer(401, "no user hunter2")), "`token`"),
        (
            Ok(answer(403, r#"{"message":"Bearer hunter2 is no token"}"#)),
            "`headers`",
        ),
        (Ok(answer(404, "not found")), "check `endpoint`"),
        (Ok(answer(405, "")), "check `endpoint`"),
        (Ok(answer(415, "")), "check `endpoint`"),
        (Ok(answer(307, "")), "check `endpoint`"),
        (
            Err(HttpError::Denied("add `http:https://a` to `grants`".into())),
            "add `http:",
        ),
        (Err(HttpError::Tls("unknown issuer".into())), "unknown"),
    ] {
        let mut receiver = Receiver::answering([answered]);
        let headers = [("headers", "Authorization=Bearer%20hunter2")];
        let answer = receiver.deliver_with(&headers, vms(3));
        assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
        let said = said(&answer);
        assert!(
            said.starts_with("misconfigured: ") && said.contains(words),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn what_is_too_large_is_sent_in_smaller_requests() {
    let large = || Ok(answer(413, ""));
    let mut receiver = Receiver::answering([large(), large()]);
    let answer = receiver.deliver(vms(8));
    assert_eq!((answer.accepted, said(&answer).as_str()), (8, "done"));
    assert_eq!(receiver.vms().len(), 8);
    let answer = Receiver::answering([large()]).deliver(vms(1));
    assert_eq!((answer.accepted, answer.refused.len()), (1, 1));
}

/// As the host answers in a dry run, where no request leaves.
#[test]
fn in_a_dry_run_nothing_is_kept_back() {
    let nothing = || Ok(answer(204, ""));
    let answer = Receiver::answering([nothing(), nothing()]).deliver(vms(150));
    assert_eq!((answer.accepted, said(&answer).as_str()), (150, "done"));
}
