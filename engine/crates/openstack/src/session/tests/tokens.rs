//! Tokens: one a scope, renewed in time, and what each refusal means.

use serde_json::{Value, json};

use crate::testing::*;
use crate::{ApiError, Scope, Service, Session};
use caso_login::{ConfiguredScope, DomainRef, ProjectChoice};
use caso_net::{Method, Request};

async fn servers(session: &Session, scope: &Scope) -> Result<Value, ApiError> {
    session
        .get(scope, Service::Compute, "/servers", &[], None)
        .await
}

fn project(id: &str) -> Scope {
    Scope::Project(id.to_owned())
}

fn is_post(request: &Request) -> bool {
    request.method == Method::Post
}

fn good_cloud() -> std::sync::Arc<Fake> {
    let count = std::sync::atomic::AtomicU32::new(0);
    Fake::new(move |request| {
        if is_post(request) {
            let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            token(request, &format!("token-{n}"))
        } else {
            answer(200, &json!({"seen": request.header("x-auth-token")}))
        }
    })
}

#[tokio::test]
async fn one_token_for_many_at_once() {
    let fake = good_cloud();
    let (session, _) = session(&fake);
    let calls = (0..20).map(|_| async { servers(&session, &project("p")).await });
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap()["seen"], "token-0");
    }
    assert_eq!(fake.tokens(), 1);
    servers(&session, &project("q")).await.unwrap();
    assert_eq!(fake.tokens(), 2);
    assert_eq!(session.requests(), 23);
}

#[tokio::test]
async fn renewed_two_minutes_before_its_end() {
    let fake = good_cloud();
    let (session, clock) = session(&fake);
    servers(&session, &project("p")).await.unwrap();
    clock.turn(3600 - 121);
    servers(&session, &project("p")).await.unwrap();
    assert_eq!(fake.tokens(), 1);
    clock.turn(1);
    assert_eq!(
        servers(&session, &project("p")).await.unwrap()["seen"],
        "token-1"
    );
    assert_eq!(fake.tokens(), 2);
}

#[tokio::test]
async fn after_a_401_one_new_token_and_one_more_try() {
    let fake = Fake::new(|request| match request.header("x-auth-token") {
        None if request.scope == "system" => token(request, "system"),
        None => token(request, "p"),
        Some("system") => answer(200, &json!({})),
        Some(_) => refusal(401),
    });
    let (session, _) = session(&fake);
    servers(&session, &Scope::System).await.unwrap();
    let error = servers(&session, &project("p")).await.unwrap_err();
    assert!(matches!(error, ApiError::Unauthorized { .. }), "{error}");
    assert_eq!(error.call().unwrap().tries, 2);
    assert_eq!(
        fake.lines(),
        [
            "POST system",
            "/v2.1/servers",
            "POST project:p",
            "/v2.1/servers",
            "POST project:p",
            "/v2.1/servers"
        ]
    );
    // Only that one was thrown away.
    servers(&session, &Scope::System).await.unwrap();
    assert_eq!(fake.tokens(), 3);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once_for_all_who_hold_it() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::new(move |request| {
        if is_post(request) {
            let n = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            token(request, &format!("token-{n}"))
        } else if request.header("x-auth-token") == Some("token-0") {
            refusal(401)
        } else {
            answer(200, &json!({}))
        }
    });
    let (session, _) = session(&fake);
    let calls = (0..10).map(|_| async { servers(&session, &project("p")).await });
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(fake.tokens(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_not_once_a_project() {
    let fake = Fake::new(|_| refusal(401));
    let (session, clock) = session(&fake);
    let scopes: Vec<Scope> = (0..10).map(|n| project(&n.to_string())).collect();
    let calls = scopes.iter().map(|scope| servers(&session, scope));
    for answer in futures_util::future::join_all(calls).await {
        let error = answer.unwrap_err();
        assert!(matches!(error, ApiError::Credentials { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("user `accounting` of domain `default`"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }
    // The project, then without scope, to be sure.
    assert_eq!(fake.lines(), ["POST project:0", "POST unsaid"]);
    assert!(
        servers(&session, &Scope::System)
            .await
            .unwrap_err()
            .is_unauthorized()
    );
    assert_eq!(fake.lines().len(), 2);
    assert_eq!(clock.pauses(), 0);
}

#[tokio::test]
async fn no_role_on_a_project_is_about_the_project() {
    let fake = Fake::new(|request| match request.scope.as_str() {
        "project:p" => refusal(401),
        _ => token(request, "t"),
    });
    let (session, _) = session(&fake);
    for _ in 0..3 {
        let error = servers(&session, &project("p")).await.unwrap_err();
        assert!(matches!(error, ApiError::NoRole { .. }), "{error}");
        assert!(
            error.is_forbidden() && error.to_string().contains("`p`"),
            "{error}"
        );
    }
    assert_eq!(fake.lines(), ["POST project:p", "POST unsaid"]);
}

#[tokio::test]
async fn a_refused_system_falls_back_and_remembers() {
    for status in [401, 400, 403, 500] {
        let fake = Fake::new(move |request| match request.scope.as_str() {
            "system" if is_post(request) => refusal(status),
            _ if is_post(request) => token(request, "t"),
            _ => answer(200, &json!({})),
        });
        let (session, clock) = session(&fake);
        // No catalog in such a token: Keystone is where `auth_url` says.
        let get =
            || session.get::<Value>(&Scope::System, Service::Identity, "/v3/projects", &[], None);
        get().await.unwrap();
        assert!(session.system_refused());
        clock.turn(4000);
        get().await.unwrap();
        assert_eq!(
            fake.lines(),
            [
                "POST system",
                "POST unsaid",
                "/v3/projects",
                "POST unsaid",
                "/v3/projects"
            ],
            "{status}"
        );
        let error = servers(&session, &Scope::System).await.unwrap_err();
        assert!(matches!(error, ApiError::NoEndpoint { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_fallback_is_what_the_configuration_names() {
    let fake = Fake::new(|request| match request.scope.as_str() {
        "system" if is_post(request) => refusal(401),
        _ if is_post(request) => token(request, "t"),
        _ => answer(200, &json!({})),
    });
    let mut options = password();
    options.configured = Some(ConfiguredScope::Project(ProjectChoice::Id(
        "configured".into(),
    )));
    let (session, _) = session_with(settings(&options), &fake);
    servers(&session, &Scope::System).await.unwrap();
    assert_eq!(
        fake.lines(),
        ["POST system", "POST project:configured", "/v2.1/servers"]
    );
    assert_eq!(
        session
            .own_project(&Scope::System)
            .await
            .unwrap()
            .as_deref(),
        Some("configured")
    );
}

#[tokio::test]
async fn keystone_away_is_no_refused_system() {
    let fake = Fake::new(|_| refusal(503));
    let (session, clock) = session(&fake);
    let error = servers(&session, &Scope::System).await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    assert_eq!(error.call().unwrap().tries, 5);
    assert!(!session.system_refused());
    // Waited for once; then asked without the system, once, to be sure.
    assert_eq!(clock.pauses(), 4);
    let lines = fake.lines();
    assert_eq!(
        (lines.len(), lines.last().unwrap().as_str()),
        (6, "POST unsaid")
    );
}

/// Keystones before Queens say 400, Keystone 30 to a federated user 500, and
/// proxies what they like: cASO went on after 401 alone.
#[tokio::test]
async fn whatever_refuses_the_system_scope_the_run_goes_on() {
    for status in [400, 401, 403, 500, 501, 502, 503] {
        let fake = Fake::new(move |request| match request.scope.as_str() {
            "system" if is_post(request) => refusal(status),
            _ if is_post(request) => token(request, "t"),
            _ => answer(200, &json!({"projects": []})),
        });
        let (session, _) = session(&fake);
        crate::keystone::projects_by_tag(&session, "caso")
            .await
            .unwrap();
        assert!(session.system_refused(), "{status}");
        assert!(fake.lines().contains(&"POST unsaid".to_owned()));
    }
}

#[tokio::test]
async fn those_who_waited_share_the_failure() {
    let fake = Fake::new(|_| refusal(503));
    let (session, _) = session(&fake);
    let scope = project("p");
    let calls = (0..10).map(|_| servers(&session, &scope));
    for answer in futures_util::future::join_all(calls).await {
        assert!(answer.unwrap_err().is_outage());
    }
    assert_eq!(fake.tokens(), 5);
    // Who comes later may find it well again.
    assert!(servers(&session, &scope).await.is_err());
    assert_eq!(fake.tokens(), 10);
}

#[tokio::test]
async fn an_outage_is_waited_for_once_not_once_a_project() {
    let fake = Fake::new(|_| refusal(503));
    let (session, clock) = session(&fake);
    let scopes: Vec<Scope> = (0..10).map(|n| project(&n.to_string())).collect();
    let calls = scopes.iter().map(|scope| servers(&session, scope));
    for answer in futures_util::future::join_all(calls).await {
        assert!(answer.unwrap_err().is_outage());
    }
    assert_eq!(fake.tokens(), 5);
    assert_eq!(clock.pauses(), 4);
}

#[tokio::test]
async fn an_application_credential_sends_no_scope_and_has_one_project() {
    let fake = Fake::new(|request| {
        if !is_post(request) {
            return answer(200, &json!({}));
        }
        let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["auth"].get("scope"), None);
        assert_eq!(
            body["auth"]["identity"]["methods"],
            json!(["application_credential"])
        );
        let token = json!({"token": {
            "expires_at": null, "catalog": catalog(),
            "project": {"id": "own", "name": "own-name"},
        }});
        text(201, &[("x-subject-token", "t")], &token.to_string())
    });
    let (session, clock) = session_with(settings(&application_credential()), &fake);
    servers(&session, &Scope::System).await.unwrap();
    servers(&session, &project("own")).await.unwrap();
    let error = servers(&session, &project("other")).await.unwrap_err();
    assert!(
        matches!(&error, ApiError::OtherProject { wanted, own } if wanted == "other" && own == "own"),
        "{error}"
    );
    // An end that Keystone did not tell is not made up.
    clock.turn(1_000_000);
    servers(&session, &project("own")).await.unwrap();
    assert_eq!(fake.tokens(), 1);
}

#[tokio::test]
async fn a_password_whose_token_is_for_another_project_is_not_called_an_application_credential() {
    let fake = Fake::new(|_| {
        let token = json!({"token": {
            "expires_at": null, "catalog": catalog(),
            "project": {"id": "own", "name": "own-name"},
        }});
        text(201, &[("x-subject-token", "t")], &token.to_string())
    });
    let (session, _) = session(&fake);
    let error = servers(&session, &project("other")).await.unwrap_err();
    assert!(
        matches!(&error, ApiError::WrongToken { wanted, own: Some(own), .. } if wanted == "other" && own == "own"),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("a token for project `own`, where one for project `other` was asked for")
            && !text.contains("application credential"),
        "{text}"
    );
}

#[tokio::test]
async fn odd_answers_to_token_requests() {
    type Headers = &'static [(&'static str, &'static str)];
    let odd: [(Headers, &str, &str); 6] = [
        (&[], r#"{"token": {}}"#, "X-Subject-Token"),
        (
            &[("x-subject-token", "t")],
            r#"{"token": null}"#,
            "at `token`",
        ),
        (&[("x-subject-token", "t")], "[]", "at `token`"),
        (&[("x-subject-token", "t")], "", "empty body"),
        (
            &[("content-type", "text/html")],
            "<html>Welcome</html>",
            "Welcome",
        ),
        (
            &[("x-subject-token", "t")],
            r#"{"token": {"catalog": [{"#,
            "in the middle",
        ),
    ];
    for (headers, body, expected) in odd {
        let fake = Fake::new(move |_| text(201, headers, body));
        let (session, _) = session(&fake);
        let error = servers(&session, &project("p"))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{body}: {error}");
    }
}

#[tokio::test]
async fn ends_in_odd_formats() {
    for (end, due) in [
        ("2026-11-21T18:20:00.000000Z", true),
        ("2026-11-21T18:20:00Z", true),
        ("2026-11-21T19:20:00+01:00", true),
        ("2026-11-21T18:20:00.000000", true),
        ("2026-11-21 18:20:00", true),
        ("2026-11-21T19:20:00.5+0100", true),
        ("in an hour", false),
    ] {
        let fake = Fake::new(move |request| {
            if !is_post(request) {
                return answer(200, &json!({}));
            }
            let token = json!({"token": {"expires_at": end, "catalog": catalog()}});
            text(201, &[("x-subject-token", "t")], &token.to_string())
        });
        let (session, clock) = session(&fake);
        servers(&session, &project("p")).await.unwrap();
        clock.turn(3479);
        servers(&session, &project("p")).await.unwrap();
        assert_eq!(fake.tokens(), 1, "{end}");
        clock.turn(2);
        servers(&session, &project("p")).await.unwrap();
        assert_eq!(fake.tokens() == 2, due, "{end}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_does_not_end_tokens() {
    let fake = good_cloud();
    let (session, clock) = session(&fake);
    clock.turn(7200);
    servers(&session, &project("p")).await.unwrap();
    servers(&session, &project("p")).await.unwrap();
    assert_eq!(fake.tokens(), 1);
}

#[tokio::test]
async fn generic_password_looks_at_the_version_document_first() {
    let mut options = generic(Some(DomainRef::Id("default".into())), None);
    options.auth_url = "http://cloud:5000/identity/".parse().unwrap();
    let document = json!({"versions": {"values": [{"id": "v3.14", "links": [
        {"rel": "self", "href": "http://elsewhere/identity/v3/"}]}]}});
    for found in [
        answer(300, &document),
        refusal(404),
        text(200, &[], "<html>"),
    ] {
        let fake = Fake::new(move |request| {
            assert_eq!(request.url.host_str(), Some("cloud"));
            match request.url.path() {
                "/identity/" => found.clone(),
                "/identity/v3/auth/tokens" => token(request, "t"),
                _ => answer(200, &json!({})),
            }
        });
        let (session, _) = session_with(settings(&options), &fake);
        servers(&session, &project("p")).await.unwrap();
        servers(&session, &project("q")).await.unwrap();
        assert_eq!(fake.lines()[0], "/identity/");
        assert_eq!(fake.lines().len(), 5);
    }
}

#[tokio::test]
async fn not_found_is_said_of_the_right_thing() {
    let gone = json!({"error": {"message": "Could not find Application Credential: cred-id."}});
    let fake = Fake::new(move |_| answer(404, &gone));
    let (credential, _) = session_with(settings(&application_credential()), &fake);
    let error = servers(&credential, &Scope::System).await.unwrap_err();
    assert!(matches!(error, ApiError::Credentials { .. }), "{error}");

    let fake = Fake::new(|_| text(404, &[], "<h1>Not Found</h1>"));
    let (session, _) = session(&fake);
    let error = servers(&session, &project("p")).await.unwrap_err();
    assert!(!error.is_not_found(), "{error}");
    assert!(error.to_string().contains("`auth_url`"), "{error}");
}
