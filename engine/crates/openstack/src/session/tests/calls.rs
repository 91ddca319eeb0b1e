//! Calls: what is repeated and what is not, and what each failure is called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::*;
use crate::{ApiError, Microversion, Scope, Service, Session};
use caso_net::{Method, TransportError};

fn scope() -> Scope {
    Scope::Project("p".to_owned())
}

/// Gives tokens, and these answers, one after the other, the last for ever.
fn cloud(answers: Vec<Outcome>) -> Arc<Fake> {
    let next = AtomicUsize::new(0);
    Fake::new(move |request| {
        if request.method == Method::Post {
            return token(request, "the-token");
        }
        let at = next.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        answers[at].clone()
    })
}

async fn flavors(session: &Session) -> Result<Value, ApiError> {
    session
        .get(&scope(), Service::Compute, "/flavors", &[], None)
        .await
}

async fn page(session: &Session) -> Result<Value, ApiError> {
    let limit = [("limit", "1000".to_owned())];
    session
        .get(&scope(), Service::Compute, "/servers", &limit, None)
        .await
}

#[tokio::test]
async fn asks_again_where_it_may_help() {
    let passing: Vec<Outcome> = vec![
        Err(TransportError::Connect("refused".into())),
        Err(TransportError::Timeout("silence".into())),
        Err(TransportError::Truncated("cut".into())),
        refusal(502),
        refusal(503),
        refusal(504),
        refusal(429),
        text(413, &[("retry-after", "3")], ""),
        text(200, &[], r#"{"flavors": ["#),
    ];
    for failure in passing {
        let fake = cloud(vec![failure.clone(), answer(200, &json!({"flavors": []}))]);
        let (session, clock) = session(&fake);
        flavors(&session).await.unwrap();
        assert_eq!(clock.pauses(), 1, "{failure:?}");

        let fake = cloud(vec![failure.clone()]);
        let (session, clock) = session_with(settings(&password()), &fake);
        let error = flavors(&session).await.unwrap_err();
        assert_eq!(error.call().unwrap().tries, 5, "{error}");
        assert_eq!(clock.pauses(), 4, "{failure:?}");
        assert!(error.is_outage(), "{error}");
    }
}

#[tokio::test]
async fn connections_and_answers_have_a_bound_each() {
    let lost = Err(TransportError::Connect("refused".into()));
    for (answer, tries) in [(lost, 2), (refusal(503), 4)] {
        let mut settings = settings(&password());
        settings.retry.connect_retries = 1;
        settings.retry.retries = 3;
        let (session, _) = session_with(settings, &cloud(vec![answer]));
        let error = flavors(&session).await.unwrap_err();
        assert_eq!(error.call().unwrap().tries, tries, "{error}");
    }
}

#[tokio::test]
async fn and_not_where_it_may_not() {
    let lasting: Vec<(Outcome, &str)> = vec![
        (refusal(400), "status 400"),
        (refusal(403), "forbids"),
        (refusal(404), "does not know"),
        (refusal(406), "status 406"),
        (text(413, &[], ""), "status 413"),
        (refusal(500), "status 500"),
        (
            text(200, &[("content-type", "text/html")], "<p>Log in</p>"),
            "Log in",
        ),
        (
            Err(TransportError::TooLarge { limit: 5 }),
            "larger than 5 bytes",
        ),
        (
            Err(TransportError::Tls {
                unknown_issuer: true,
                detail: "who?".into(),
                remedy: None,
            }),
            "cannot trust Nova",
        ),
    ];
    for (failure, expected) in lasting {
        let fake = cloud(vec![failure]);
        let (session, clock) = session(&fake);
        let error = flavors(&session).await.unwrap_err();
        let text = error.to_string();
        let unknown = matches!(error, ApiError::Tls { .. });
        let hint = error.hint().unwrap_or_default();
        assert_eq!(unknown, hint.contains("set `cafile`"), "{hint}");
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("http://cloud:8774/v2.1/flavors"), "{text}");
        assert!(text.contains("project `p`"), "{text}");
        assert!(!text.contains("the-token"), "{text}");
        assert_eq!(clock.pauses(), 0, "{text}");
    }
}

/// Also where the words of the answer are cut in the middle of it.
#[tokio::test]
async fn what_a_service_repeats_of_the_token_is_in_no_error() {
    let html = [("content-type", "text/html")];
    for length in 0..400 {
        let page = format!("{} X-Auth-Token: the-token", "x".repeat(length));
        for answer in [text(200, &html, &page), text(500, &html, &page)] {
            let fake = cloud(vec![answer]);
            let (session, _) = session(&fake);
            let told = flavors(&session).await.unwrap_err().to_string();
            for part in ["the-", "-token"] {
                let of_it = told.replace("X-Auth-Token", "");
                assert!(!of_it.contains(part), "{length}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_out_of_time_is_its_callers_business() {
    for late in [Err(TransportError::Timeout("silence".into())), refusal(504)] {
        let fake = cloud(vec![late]);
        let (session, clock) = session(&fake);
        let error = page(&session).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let link = session
            .get_link::<Value>(&scope(), Service::Compute, "/v2.1/servers?marker=a", None)
            .await;
        assert!(link.unwrap_err().is_timeout());
        assert_eq!(clock.pauses(), 0);
        assert_eq!(session.requests(), 3);
    }
    // Other failures of a page are as passing as those of anything else.
    let fake = cloud(vec![refusal(503), answer(200, &json!({}))]);
    let (session, _) = session(&fake);
    page(&session).await.unwrap();
}

#[tokio::test]
async fn waits_as_long_as_it_is_told() {
    let date = "Sat, 21 Nov 2026 17:20:40 GMT";
    for (header, seconds) in [("9", 9), (date, 40), ("100000", 120)] {
        let fake = cloud(vec![
            text(503, &[("retry-after", header)], ""),
            answer(200, &json!({})),
        ]);
        let (session, clock) = session(&fake);
        flavors(&session).await.unwrap();
        assert_eq!(*clock.slept.lock().unwrap(), [Duration::from_secs(seconds)]);
    }
}

/// Each try waited for the most in vain.
#[tokio::test]
async fn who_wants_to_be_left_alone_for_long_is_waited_for_once() {
    for status in [503, 429] {
        let fake = cloud(vec![text(status, &[("retry-after", "99999")], "")]);
        let (session, clock) = session(&fake);
        let error = flavors(&session).await.unwrap_err().to_string();
        assert_eq!(*clock.slept.lock().unwrap(), [Duration::from_secs(120)]);
        assert!(error.contains("for 99999 s"), "{error}");
    }
}

#[tokio::test]
async fn redirects_keep_to_the_host() {
    let to = |location: &'static str| text(301, &[("location", location)], "");
    let fake = cloud(vec![to("/v2.1/flavors/"), answer(200, &json!({}))]);
    let (session, _) = session(&fake);
    flavors(&session).await.unwrap();
    assert_eq!(fake.lines()[2], "/v2.1/flavors/");

    for location in ["http://evil/v2.1/flavors", "//evil/", "ftp://cloud/"] {
        let fake = cloud(vec![to(location)]);
        let (session, _) = session_with(settings(&password()), &fake);
        let error = flavors(&session).await.unwrap_err();
        assert!(matches!(error, ApiError::Redirect { .. }), "{error}");
        assert_eq!(session.requests(), 2);
    }

    let fake = cloud(vec![to("/v2.1/flavors")]);
    let (session, _) = session_with(settings(&password()), &fake);
    let error = flavors(&session).await.unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
}

#[tokio::test]
async fn microversions_are_asked_once_and_sent() {
    let fake = Fake::new(|request| match request.url.path() {
        "/v3/auth/tokens" => token(request, "t"),
        "/v2.1/" => answer(
            200,
            &json!({"version": {"id": "v2.1", "version": "2.104", "min_version": "2.1"}}),
        ),
        _ => answer(
            200,
            &json!({
                "api": request.header("openstack-api-version"),
                "nova": request.header("x-openstack-nova-api-version"),
            }),
        ),
    });
    let (session, _) = session(&fake);
    let scope = scope();
    let asks = (0..5).map(|_| session.microversions(&scope, Service::Compute));
    for range in futures_util::future::join_all(asks).await {
        let range = range.unwrap();
        assert!(range.contains(Microversion::new(2, 61)));
        assert!(!range.contains(Microversion::new(2, 105)));
    }
    assert_eq!(fake.lines().len(), 2);
    let version = Some(Microversion::new(2, 61));
    let seen: Value = session
        .get(&scope, Service::Compute, "/servers", &[], version)
        .await
        .unwrap();
    assert_eq!(seen, json!({"api": "compute 2.61", "nova": "2.61"}));
    let seen: Value = session
        .get(&scope, Service::Image, "/v2/images", &[], version)
        .await
        .unwrap();
    assert_eq!(seen, json!({"api": null, "nova": null}));
}

#[tokio::test]
async fn a_missing_endpoint_says_what_there_is() {
    let fake = cloud(vec![answer(200, &json!({}))]);
    let mut settings = settings(&password());
    settings.region = Some("RegionTwo".into());
    let (session, _) = session_with(settings, &fake);
    let error = flavors(&session).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the catalog has no region `RegionTwo`; there is `RegionOne`"
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("set `region_name = RegionOne`")
    );
    // Keystone is one for all regions.
    session
        .get::<Value>(&scope(), Service::Identity, "/v3/users/a", &[], None)
        .await
        .unwrap();
    // The region is there, the service is not.
    let text = session
        .in_region(Some("RegionOne"))
        .get::<Value>(&scope(), Service::BlockStorage, "/volumes", &[], None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("no endpoint for Cinder") && text.contains("public compute in RegionOne"),
        "{text}"
    );
}

/// One token for all of them.
#[tokio::test]
async fn regions_share_tokens_and_the_count_of_requests() {
    let fake = cloud(vec![answer(200, &json!({"flavors": []}))]);
    let (session, _) = session(&fake);
    flavors(&session.in_region(Some("RegionOne")))
        .await
        .unwrap();
    let before = session.requests();
    flavors(&session).await.unwrap();
    assert_eq!(session.requests(), before + 1);
}

#[tokio::test]
async fn how_far_each_services_clock_is_off() {
    let fake = cloud(vec![text(
        200,
        &[("date", "Sat, 21 Nov 2026 17:25:00 GMT")],
        "{}",
    )]);
    let (session, _) = session(&fake);
    assert_eq!(session.clock_skew(Service::Compute), None);
    flavors(&session).await.unwrap();
    assert_eq!(session.clock_skew(Service::Compute), Some(300));
    assert_eq!(session.clock_skew(Service::BlockStorage), None);
}

/// What Keystone says to a login is no answer of the service behind it, whatever the status.
#[tokio::test]
async fn a_login_that_fails_says_nothing_of_the_service_behind_it() {
    for status in [400, 401, 403, 404, 418, 500] {
        let fake = Fake::new(move |_| refusal(status));
        let (session, _) = session(&fake);
        let scope = scope();
        let versions = session.microversions(&scope, Service::Compute).await;
        let listed = page(&session).await;
        for error in [versions.unwrap_err(), listed.unwrap_err()] {
            assert!(
                !matches!(error, ApiError::NoMicroversions { .. }),
                "{error}"
            );
            assert!(!error.is_refusal_of(Service::Compute), "{error}");
            assert_eq!(error.status_of(Service::Compute), None, "{error}");
        }
    }
}

#[tokio::test]
async fn a_service_that_answers_without_its_microversions_has_said_so() {
    for (answers, unsaid) in [
        (vec![refusal(404)], true),
        (vec![refusal(401)], true),
        (vec![text(200, &[], "<html>welcome</html>")], true),
        (vec![answer(200, &json!({"versions": []}))], true),
        // That says nothing of what there is, whatever comes before or behind it.
        (vec![refusal(500)], false),
        (vec![refusal(500), refusal(404)], false),
        (vec![refusal(404), refusal(500)], false),
        (vec![refusal(503)], false),
    ] {
        let fake = cloud(answers.clone());
        let (session, _) = session(&fake);
        let asked = session.microversions(&scope(), Service::Compute).await;
        let error = asked.unwrap_err();
        let is_unsaid = matches!(error, ApiError::NoMicroversions { .. });
        assert_eq!(is_unsaid, unsaid, "{answers:?}: {error}");
    }
    let (session, _) = session(&cloud(vec![refusal(403)]));
    let error = page(&session).await.unwrap_err();
    assert_eq!(error.status_of(Service::Compute), Some(403));
    assert_eq!(error.status_of(Service::Image), None);
    assert!(error.is_refusal_of(Service::Compute));
    assert!(!error.is_refusal_of(Service::Image));
}
