//! Whether a service is there, from its answers and from its version document.

use crate::testing::*;
use crate::{ApiError, Scope, Service, Session};
use caso_net::{Method, TransportError};

fn scope() -> Scope {
    Scope::Project("p".to_owned())
}

async fn servers(session: &Session) -> Result<serde_json::Value, ApiError> {
    session
        .get(&scope(), Service::Compute, "/servers", &[], None)
        .await
}

/// Nova with this for whatever is asked of it.
async fn asked(outcome: Outcome) -> (Session, Result<(), ApiError>, Vec<String>) {
    let fake = Fake::new(move |request| match request.method {
        Method::Post => token(request, "t"),
        _ => outcome.clone(),
    });
    let (session, clock) = session(&fake);
    let there = session.is_there(&scope(), Service::Compute).await;
    assert_eq!(clock.pauses(), 0, "without patience");
    (session, there, fake.lines())
}

#[tokio::test]
async fn whatever_a_service_says_it_is_there() {
    for status in [200, 300, 400, 401, 403, 404, 500, 501] {
        let outcome = match status {
            200 | 300 => text(status, &[], "no JSON"),
            _ => refusal(status),
        };
        let (session, there, lines) = asked(outcome).await;
        assert!(there.is_ok(), "{status}");
        assert_eq!(session.answers(Service::Compute), 1, "{status}");
        assert_eq!(lines.len(), 2, "a token, and the document: {lines:?}");
    }
}

#[tokio::test]
async fn what_a_proxy_says_in_its_place_is_no_answer() {
    let away: Vec<Outcome> = vec![
        refusal(502),
        refusal(503),
        refusal(504),
        refusal(429),
        Err(TransportError::Connect("refused".into())),
        Err(TransportError::Timeout("silence".into())),
        Err(TransportError::Truncated("cut".into())),
    ];
    for outcome in away {
        let (session, there, _) = asked(outcome).await;
        assert!(there.unwrap_err().is_outage());
        assert_eq!(session.answers(Service::Compute), 0);
    }
}

#[tokio::test]
async fn answers_are_counted_by_service_and_region() {
    let fake = Fake::new(|request| match request.method {
        Method::Post => token(request, "t"),
        _ => refusal(500),
    });
    let (session, _) = session(&fake);
    let error = servers(&session).await.unwrap_err();
    assert!(!error.is_outage(), "{error}");
    assert_eq!(session.answers(Service::Compute), 1);
    assert_eq!(session.answers(Service::Identity), 1);
    assert_eq!(session.answers(Service::Image), 0);
    let other = session.in_region(Some("RegionTwo"));
    assert_eq!(other.answers(Service::Compute), 0);
}
