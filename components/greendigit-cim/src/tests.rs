//! Deliveries to a service that the test controls.

use std::time::Duration;

use caso_component::messenger::{Answer, Batch, Rest};
use caso_component::records::{EnergyRecord, RecordList};
use caso_component::samples;

use crate::account::tests::account;
use crate::{HttpClient, HttpError, Request, Response, deliver};

fn batch(count: usize) -> Batch {
    let record = |number: usize| EnergyRecord {
        exec_unit_id: format!("vm-{number}-"),
        ..samples::energy()
    };
    samples::batch(RecordList::Energy((0..count).map(record).collect()))
}

/// A service that gives these responses first, and then behaves as it should.
#[derive(Default)]
struct Cim {
    next: Vec<Result<Response, HttpError>>,
    /// Lists that contain one of these are refused.
    bad: Vec<String>,
    elapsed: Duration,
    /// What each request takes.
    each: Duration,
    tokens: u32,
    asked: Vec<Request>,
    accepted: Vec<String>,
}

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        retry_after: None,
        location: None,
        body: body.into(),
    }
}

impl HttpClient for Cim {
    fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        self.elapsed += self.each;
        self.asked.push(request.clone());
        if !self.next.is_empty() {
            return self.next.remove(0);
        }
        let Some(body) = &request.body else {
            self.tokens += 1;
            return Ok(response(
                200,
                &format!("{{\"access_token\":\"t-{}\"}}", self.tokens),
            ));
        };
        let expected = format!("Bearer t-{}", self.tokens);
        if !request.headers.contains(&("authorization", expected)) {
            return Ok(response(401, "{\"detail\":\"token expired\"}"));
        }
        if self.bad.iter().any(|bad| body.contains(bad.as_str())) {
            return Ok(response(422, "{\"detail\":\"no such unit\"}"));
        }
        self.accepted.push(body.clone());
        Ok(response(200, "{}"))
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl Cim {
    fn answering(next: impl IntoIterator<Item = Result<Response, HttpError>>) -> Self {
        Self {
            next: next.into_iter().collect(),
            ..Self::default()
        }
    }

    fn refusing(bad: impl IntoIterator<Item = usize>) -> Self {
        Self {
            bad: bad.into_iter().map(|n| format!("vm-{n}-")).collect(),
            ..Self::default()
        }
    }

    fn deliver(&mut self, token: &mut Option<String>, count: usize) -> Answer {
        let account = account("https://cim.example").unwrap();
        deliver(&account, token, &batch(count), self)
    }

    fn units(&self) -> Vec<String> {
        let lists = self.accepted.iter().flat_map(|list| {
            let list: Vec<serde_json::Value> = serde_json::from_str(list).unwrap();
            list.into_iter()
                .map(|r| r["ExecUnitID"].as_str().unwrap().to_owned())
        });
        lists.collect()
    }
}

fn text(rest: &Rest) -> String {
    match rest {
        Rest::Misconfigured(text) | Rest::Other(text) => text.clone(),
        Rest::Retry(retry) => retry.reason.clone(),
        _ => panic!("{rest:?}"),
    }
}

#[test]
fn one_login_one_list() {
    let mut cim = Cim::default();
    let mut token = None;
    let answer = cim.deliver(&mut token, 3);
    assert_eq!((answer.accepted, &answer.rest), (3, &Rest::Done));
    assert!(answer.refused.is_empty());
    assert_eq!(cim.units(), ["vm-0-", "vm-1-", "vm-2-"]);
    assert_eq!(cim.asked.len(), 2);
    assert!(cim.asked[0].path.starts_with("/gd-cim-api/v1/token?email="));
    assert_eq!(cim.asked[1].path, "/gd-cim-api/v1/submit");
    let header = |name| {
        cim.asked[1]
            .headers
            .iter()
            .find(|(n, _)| *n == name)
            .unwrap()
    };
    assert_eq!(header("idempotency-key").1, "\"batch\"");
    assert_eq!(header("content-type").1, "application/json");
    // The token is kept for the next batch.
    assert_eq!(cim.deliver(&mut token, 1).accepted, 1);
    assert_eq!(cim.asked.len(), 3);
}

#[test]
fn either_name_of_a_token_will_do() {
    let mut cim = Cim::answering([Ok(response(200, "{\"token\":\"t-0\"}"))]);
    assert_eq!(cim.deliver(&mut None, 1).accepted, 1);
}

#[test]
fn a_token_that_has_run_out_is_renewed_once() {
    let mut cim = Cim::default();
    let mut token = Some("old".to_owned());
    assert_eq!(cim.deliver(&mut token, 2).accepted, 2);
    assert_eq!(token.as_deref(), Some("t-1"));
    // 401 to the new one as well is no question of time.
    let no = || Ok(response(401, "who is t-2?"));
    let login = Ok(response(200, "{\"token\":\"t-2\"}"));
    let mut cim = Cim::answering([no(), login, no()]);
    let answer = cim.deliver(&mut token, 2);
    assert_eq!((answer.accepted, token), (0, None));
    assert!(matches!(answer.rest, Rest::Misconfigured(_)));
    assert_eq!(cim.asked.len(), 3);
    let text = text(&answer.rest);
    assert!(
        text.contains("refuses the token") && !text.contains("t-2"),
        "{text}"
    );
}

#[test]
fn a_login_that_fails_is_configuration() {
    for (status, part) in [
        (400, "`email` and `password`"),
        (401, "`email` and `password`"),
        (403, "`email` and `password`"),
        (404, "`base_url`"),
        (307, "`base_url`"),
    ] {
        let body = format!("no: p\u{e4}ss w/rd& {}", "long ".repeat(500));
        let mut cim = Cim::answering([Ok(response(status, &body))]);
        let answer = cim.deliver(&mut None, 1);
        assert!(matches!(answer.rest, Rest::Misconfigured(_)), "{status}");
        let text = text(&answer.rest);
        assert!(text.contains(part) && text.contains("***"), "{text}");
        assert!(!text.contains("p\u{e4}ss") && text.len() < 600, "{text}");
    }
    for body in [
        "",
        "<html>hello</html>",
        "{}",
        "{\"token\":\"\"}",
        "{\"token\":\"a\\nb\"}",
    ] {
        let answer = Cim::answering([Ok(response(200, body))]).deliver(&mut None, 1);
        assert!(text(&answer.rest).contains("without a token"), "{body}");
        assert!(matches!(answer.rest, Rest::Misconfigured(_)));
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        for login in [true, false] {
            let mut token = (!login).then(|| "t-0".to_owned());
            let mut cim = Cim::answering([Ok(response(status, "busy"))]);
            let answer = cim.deliver(&mut token, 2);
            assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
            assert!(matches!(answer.rest, Rest::Retry(_)), "{status}");
            assert!(text(&answer.rest).contains("busy"));
        }
    }
    for (retry_after, waited) in [
        (Some(0), 1),
        (Some(7), 7),
        (Some(1_000_000), 3_600),
        (None, 30),
    ] {
        let busy = Response {
            retry_after,
            ..response(503, "")
        };
        let answer = Cim::answering([Ok(busy)]).deliver(&mut None, 1);
        assert!(matches!(answer.rest, Rest::Retry(retry) if retry.after_seconds == waited));
    }
    let away = HttpError::Unavailable("the connection was refused".into());
    let answer = Cim::answering([Err(away)]).deliver(&mut None, 1);
    assert!(text(&answer.rest).contains("`https://cim.example` did not answer the login"));
}

#[test]
fn what_a_retry_cannot_fix_is_misconfigured() {
    for error in [HttpError::Denied, HttpError::Tls("unknown issuer".into())] {
        let answer = Cim::answering([Err(error)]).deliver(&mut None, 1);
        assert!(matches!(answer.rest, Rest::Misconfigured(_)));
    }
    let login = || Ok(response(200, "{\"token\":\"t\"}"));
    let moved = Response {
        location: Some("https://new.example/submit?token=t".into()),
        ..response(308, "")
    };
    for refused in [
        response(403, ""),
        response(404, ""),
        response(405, ""),
        moved,
    ] {
        let answer = Cim::answering([login(), Ok(refused.clone())]).deliver(&mut None, 1);
        assert!(matches!(answer.rest, Rest::Misconfigured(_)), "{refused:?}");
        let text = text(&answer.rest);
        assert_eq!(
            refused.status == 308,
            text.contains("`https://new.example/submit`")
        );
    }
}

#[test]
fn a_list_that_is_too_large_is_halved_by_the_host() {
    let mut token = Some("t-0".to_owned());
    let answer = Cim::answering([Ok(response(413, ""))]).deliver(&mut token, 9);
    assert_eq!((answer.accepted, answer.rest), (0, Rest::TooLarge));
}

#[test]
fn the_record_at_fault_is_refused_and_no_other() {
    for bad in [vec![0], vec![41], vec![99], vec![3, 4, 70]] {
        let mut cim = Cim::refusing(bad.clone());
        let answer = cim.deliver(&mut None, 100);
        assert_eq!((answer.accepted, answer.rest), (100, Rest::Done));
        let refused: Vec<usize> = answer.refused.iter().map(|r| r.index as usize).collect();
        assert_eq!(refused, bad);
        assert!(
            answer.refused[0]
                .reason
                .contains("422: {\"detail\":\"no such unit\"}")
        );
        let expected: Vec<String> = (0..100)
            .filter(|n| !bad.contains(n))
            .map(|n| format!("vm-{n}-"))
            .collect();
        assert_eq!(cim.units(), expected);
        assert!(cim.asked.len() < 20 * bad.len() + 10, "{}", cim.asked.len());
        let keys: std::collections::BTreeSet<_> = cim
            .asked
            .iter()
            .flat_map(|request| &request.headers)
            .filter(|(name, _)| *name == "idempotency-key")
            .collect();
        // The login has none; no two lists have the same.
        assert_eq!(keys.len(), cim.asked.len() - 1);
    }
    let answer = Cim::refusing([0]).deliver(&mut None, 1);
    assert_eq!((answer.accepted, answer.refused.len()), (1, 1));
}

#[test]
fn where_nothing_is_accepted_it_is_not_the_records() {
    let mut cim = Cim::refusing(0..100);
    let answer = cim.deliver(&mut None, 100);
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    let Rest::Other(reason) = answer.rest else {
        panic!("{:?}", answer.rest);
    };
    assert!(
        reason.contains("none of 10 records was accepted"),
        "{reason}"
    );
    assert!(cim.asked.len() < 30);
}

#[test]
fn a_slow_service_gets_the_rest_in_another_call() {
    let mut cim = Cim {
        each: Duration::from_secs(6),
        ..Cim::refusing([50])
    };
    let answer = cim.deliver(&mut None, 100);
    assert!(answer.accepted < 100 && cim.asked.len() < 6);
    assert!(matches!(answer.rest, Rest::Retry(retry) if retry.after_seconds == 0));
}

/// As the host answers in a dry run.
#[test]
fn a_login_without_content_needs_no_token() {
    let nothing = || Ok(response(204, ""));
    let mut cim = Cim::answering([nothing(), nothing()]);
    let answer = cim.deliver(&mut None, 2);
    assert_eq!((answer.accepted, answer.rest), (2, Rest::Done));
    assert!(
        cim.asked[1]
            .headers
            .iter()
            .all(|(name, _)| *name != "authorization")
    );
}
