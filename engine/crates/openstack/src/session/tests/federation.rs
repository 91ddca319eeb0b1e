//! Federated logins, against what a real Keystone, its Apache and a certified
//! OpenID Provider said to keystoneauth.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::testing::*;
use crate::{ApiError, Scope, Session};
use caso_login::{
    Bearer, Login, LoginMethod, OidcGrant, OidcLogin, OidcProvider, ProviderPlace, TokenLogin,
    WantedToken,
};
use caso_model::secret::Secret;
use caso_net::{Method, Request};

const VO_PROJECT: &str = "3174786e9d0146608dfdbebc1b4a983e";

fn provider(client: &str, secret: &str) -> OidcProvider {
    OidcProvider {
        place: ProviderPlace::Discovery(
            "https://localhost:15556/.well-known/openid-configuration"
                .parse()
                .unwrap(),
        ),
        client_id: client.into(),
        client_secret: Some(Secret::new(secret)),
        scope: "openid profile".into(),
        wanted: WantedToken::Access,
        grant: OidcGrant::ClientCredentials,
    }
}

fn federated(identity_provider: &str, protocol: &str, bearer: Bearer) -> Login {
    Login {
        auth_url: "https://localhost:15443/v3".parse().unwrap(),
        method: LoginMethod::Oidc(OidcLogin {
            identity_provider: identity_provider.into(),
            protocol: protocol.into(),
            bearer,
        }),
        configured: None,
        project_domain: None,
    }
}

fn client(id: &str) -> Login {
    federated(
        "test-op",
        "openid",
        Bearer::Provider(provider(id, "secret")),
    )
}

fn given(token: &str) -> Login {
    let access_token = Secret::new(token);
    federated("test-op", "openid", Bearer::Given { access_token })
}

fn session_of(login: &Login, fake: &Arc<Fake>) -> (Session, Arc<ManualClock>) {
    session_with(settings(login), fake)
}

fn project() -> Scope {
    Scope::Project(VO_PROJECT.into())
}

#[tokio::test]
async fn the_exchanges_of_keystoneauth() {
    let fake = replaying(&["oidc/cc-project"]);
    let (session, _) = session_of(&client("caso"), &fake);
    let own = session.own_project(&project()).await.unwrap();
    assert_eq!(own.as_deref(), Some(VO_PROJECT));
    let asked = fake.asked.lock().unwrap();
    let recorded = recorded("oidc/cc-project");
    assert_eq!(asked.len(), recorded.len());
    for (asked, recorded) in asked.iter().zip(&recorded) {
        assert_eq!(asked.url.as_str(), recorded.request.url);
        assert_eq!(
            asked.header("authorization"),
            recorded
                .request
                .headers
                .get("authorization")
                .map(String::as_str)
        );
    }
    let form = |text: &str| {
        let mut pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        pairs.sort();
        pairs
    };
    let theirs = recorded[1].request.body.as_str().unwrap();
    assert_eq!(form(asked[1].body.as_deref().unwrap()), form(theirs));
    assert_eq!(
        (asked[2].method, asked[2].body.clone()),
        (Method::Post, None)
    );
    let ours: Value = serde_json::from_str(asked[3].body.as_deref().unwrap()).unwrap();
    assert_eq!(ours, recorded[3].request.body);
}

#[tokio::test]
async fn a_token_endpoint_needs_no_document_and_an_access_token_no_provider() {
    let fake = replaying(&["oidc/cc-project"]);
    let mut direct = provider("caso", "secret");
    direct.place = ProviderPlace::Direct("https://localhost:15556/token".parse().unwrap());
    let login = federated("test-op", "openid", Bearer::Provider(direct));
    let (session, _) = session_of(&login, &fake);
    session.own_project(&project()).await.unwrap();
    assert_eq!(fake.asked.lock().unwrap().len(), 3);

    let fake = replaying(&["oidc/at-project"]);
    let bearer = recorded("oidc/at-project")[0].request.headers["authorization"].clone();
    let (session, _) = session_of(&given(bearer.trim_start_matches("Bearer ")), &fake);
    session.own_project(&project()).await.unwrap();
    let asked = fake.asked.lock().unwrap();
    assert_eq!(asked[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(asked.len(), 2);
}

/// cASO 5.2.2 takes the 500 for the end of the run.
#[tokio::test]
async fn a_federated_user_has_no_system_scope_and_the_run_goes_on() {
    let fake = replaying(&["oidc/cc-system"]);
    let (session, _) = session_of(&client("caso"), &fake);
    assert_eq!(session.own_project(&Scope::System).await.unwrap(), None);
    assert!(session.system_refused());
    let fake = replaying(&["oidc/cc-local-system"]);
    let (session, _) = session_of(&client("caso-local"), &fake);
    session.own_project(&Scope::System).await.unwrap();
    assert!(!session.system_refused());
}

/// A provider and a Keystone whose tokens last as long as they are told to.
fn lasting(access: i64, keystone: i64) -> (Arc<Fake>, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(0));
    let at = now.clone();
    let fake = Fake::new(move |request| {
        let time = |seconds: i64| {
            let time = chrono::DateTime::from_timestamp(START + seconds, 0).unwrap();
            time.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
        };
        let issued = at.load(Ordering::SeqCst);
        match request.url.path() {
            "/.well-known/openid-configuration" => answer(
                200,
                &json!({"token_endpoint": "https://localhost:15556/token"}),
            ),
            "/token" => answer(200, &json!({"access_token": "a", "expires_in": access})),
            _ => {
                let project = request.scope.strip_prefix("project:");
                let token = json!({"token": {
                    "issued_at": time(issued), "expires_at": time(issued + keystone),
                    "project": project.map(|id| json!({"id": id})), "catalog": catalog()}});
                text(201, &[("x-subject-token", "t")], &token.to_string())
            }
        }
    });
    (fake, now)
}

fn asked(fake: &Fake, path: &str) -> usize {
    let asked = fake.asked.lock().unwrap();
    asked
        .iter()
        .filter(|request| request.url.path().ends_with(path))
        .count()
}

#[tokio::test]
async fn one_access_token_and_one_unscoped_token_for_all_scopes() {
    let (fake, now) = lasting(3600, 7200);
    let (session, clock) = session_of(&client("caso"), &fake);
    let scopes: Vec<Scope> = (0..10).map(|n| Scope::Project(format!("p{n}"))).collect();
    let each = scopes.iter().map(|scope| session.own_project(scope));
    for own in futures_util::future::join_all(each).await {
        own.unwrap();
    }
    let counts = |fake: &Fake| {
        [
            asked(fake, "/token"),
            asked(fake, "/auth"),
            asked(fake, "/tokens"),
        ]
    };
    assert_eq!(counts(&fake), [1, 1, 10]);
    assert_eq!(asked(&fake, "openid-configuration"), 1);
    // The provider's token has ended, Keystone's has not: nobody needs it.
    clock.turn(3600);
    now.store(3600, Ordering::SeqCst);
    session
        .own_project(&Scope::Project("late".into()))
        .await
        .unwrap();
    assert_eq!(counts(&fake), [1, 1, 11]);
    // Then both are due, and so is every scoped token made of them.
    clock.turn(3600);
    now.store(7200, Ordering::SeqCst);
    session.own_project(&scopes[0]).await.unwrap();
    assert_eq!(counts(&fake), [2, 2, 12]);
    assert_eq!(asked(&fake, "openid-configuration"), 1);
}

#[tokio::test]
async fn an_unscoped_token_that_was_revoked_is_replaced() {
    let (fake, _) = lasting(36_000, 36_000);
    let revoked = Fake::new({
        let fake = fake.clone();
        let seen = AtomicI64::new(0);
        move |request: &Request| {
            let later = request.scope == "project:q";
            if later && seen.fetch_add(1, Ordering::SeqCst) == 0 {
                return refusal(401);
            }
            fake.play(request)
        }
    });
    let (session, clock) = session_of(&client("caso"), &revoked);
    session
        .own_project(&Scope::Project("p".into()))
        .await
        .unwrap();
    clock.turn(600);
    session
        .own_project(&Scope::Project("q".into()))
        .await
        .unwrap();
    assert_eq!(asked(&revoked, "/auth"), 2);
}

async fn refused(login: Login, cases: &[&str]) -> String {
    let fake = replaying(cases);
    let (session, _) = session_of(&login, &fake);
    let error = session.own_project(&project()).await.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
    // Final: nobody asks again.
    let before = fake.asked.lock().unwrap().len();
    session.own_project(&Scope::System).await.unwrap_err();
    assert_eq!(fake.asked.lock().unwrap().len(), before);
    format!("{error}; {}", error.hint().unwrap_or_default())
}

#[tokio::test]
async fn each_refusal_says_what_was_tried_and_the_way_out() {
    let wrong = federated(
        "test-op",
        "openid",
        Bearer::Provider(provider("caso", "wrong")),
    );
    let unknown = federated(
        "nosuch",
        "openid",
        Bearer::Provider(provider("caso", "secret")),
    );
    let protocol = federated(
        "test-op",
        "nosuch",
        Bearer::Provider(provider("caso", "secret")),
    );
    let cases: [(Login, &str, &[&str]); 6] = [
        (
            wrong,
            "oidc/cc-bad-secret",
            &[
                "the OpenID provider refused the client `caso`",
                "invalid_client",
                "`client_secret`",
            ],
        ),
        (
            unknown,
            "oidc/cc-bad-idp",
            &[
                "Could not find Identity Provider: nosuch",
                "check `identity_provider`",
            ],
        ),
        (
            protocol,
            "oidc/cc-bad-protocol",
            &["check `protocol`", "no `nosuch`"],
        ),
        (
            client("caso-novo"),
            "oidc/cc-no-mapping",
            &["client `caso-novo`", "mapping of `test-op`"],
        ),
        (
            given("nonsense"),
            "oidc/at-bad",
            &[
                "invalid_token",
                "`access_token_file`",
                "identity provider `test-op`",
            ],
        ),
        (given("expired"), "oidc/at-expired", &["has expired"]),
    ];
    for (login, case, words) in cases {
        let said = refused(login, &[case]).await;
        for word in words {
            assert!(said.contains(word), "{case}: {said}");
        }
        assert!(
            !said.contains("`secret`") && !said.contains("nonsense"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_project_without_a_role_is_not_a_wrong_login() {
    let fake = replaying(&["oidc/cc-no-role"]);
    let (session, _) = session_of(&client("caso"), &fake);
    let url = recorded("oidc/cc-no-role")[3].request.body["auth"]["scope"]["project"]["id"].clone();
    let scope = Scope::Project(url.as_str().unwrap().to_owned());
    let error = session.own_project(&scope).await.unwrap_err();
    assert!(matches!(error, ApiError::NoRole { .. }), "{error}");
    assert!(error.to_string().contains("client `caso`"), "{error}");
}

#[tokio::test]
async fn a_provider_that_only_knows_the_other_way() {
    let fake = Fake::new(|request| match request.url.path() {
        "/.well-known/openid-configuration" => answer(
            200,
            &json!({"token_endpoint": "https://localhost:15556/token"}),
        ),
        "/token" if request.header("authorization").is_some() => {
            answer(401, &json!({"error": "invalid_client"}))
        }
        "/token" => answer(200, &json!({"access_token": "a"})),
        _ => token(
            &Request {
                body: Some("{}".into()),
                ..request.clone()
            },
            "t",
        ),
    });
    let (session, _) = session_of(&client("caso"), &fake);
    session.own_project(&Scope::Unscoped).await.unwrap();
    assert_eq!(asked(&fake, "/token"), 2);
}

#[tokio::test]
async fn a_token_of_somebody_elses() {
    let login = Login {
        method: LoginMethod::Token(TokenLogin {
            token: Secret::new("nonsense"),
        }),
        ..given("")
    };
    let none = recorded("oidc/tls-v3applicationcredential-none").remove(0);
    let fake = Fake::new(move |_| none.outcome());
    let (session, _) = session_of(&login, &fake);
    let error = session.own_project(&project()).await.unwrap_err();
    let told = format!("{error}; {}", error.hint().unwrap_or_default());
    for word in [
        "Could not recognize Fernet token",
        "`token_file`",
        "expired",
    ] {
        assert!(told.contains(word), "{told}");
    }
}

#[tokio::test]
async fn plain_http_to_a_port_that_speaks_tls() {
    let page = recorded("oidc/tls-http-to-https-port").remove(0);
    let fake = Fake::new(move |_| page.outcome());
    let login = Login {
        auth_url: "http://localhost:15443/v3".parse().unwrap(),
        ..password()
    };
    let (session, _) = session_of(&login, &fake);
    for scope in [Scope::System, project()] {
        let error = session.own_project(&scope).await.unwrap_err().to_string();
        assert!(error.contains("write `https://`"), "{error}");
        assert!(error.contains("`auth_url`"), "{error}");
    }
}
