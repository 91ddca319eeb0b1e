//! The same against a real OpenStack, with `CASO_TEST_OPENSTACK=1`: what the
//! fakes of the other tests claim must be what Keystone and Nova do. The
//! users and projects are those that `tests/openstack` sets up.

use std::sync::Arc;

use serde_json::{Value, json};

use super::recording::{Header, Names, RecordedSession, Recorder, Replayer};
use super::{ApiError, Microversion, Scope, Service, Session, SessionSettings, keystone};
use caso_base::{Clock, PinnedClock, SystemClock};
use caso_login::{
    ApplicationCredentialLogin, CredentialRef, DomainRef, GenericLogin, GenericUser, Login,
    LoginMethod, PasswordLogin, UserRef,
};
use caso_model::secret::Secret;
use caso_net::http::{HttpTransport, TransportSettings};

const KEYSTONE: &str = "http://127.0.0.1:15000";
const OTHER: &str = "no-such-project";

fn wanted() -> bool {
    std::env::var_os("CASO_TEST_OPENSTACK").is_some()
}

fn options(user: &str, secret: &str) -> Login {
    Login {
        auth_url: format!("{KEYSTONE}/v3").parse().unwrap(),
        method: LoginMethod::Password(PasswordLogin {
            user: UserRef::Name {
                name: user.to_owned(),
                domain: DomainRef::Id("default".into()),
            },
            password: Secret::new(secret),
        }),
        configured: None,
        project_domain: None,
    }
}

fn session(options: &Login) -> Session {
    Session::new(
        SessionSettings::new(options.clone()),
        Arc::new(HttpTransport::new(&TransportSettings::default()).unwrap()),
        Arc::new(SystemClock::new()),
    )
}

async fn vo_project() -> keystone::Project {
    let session = session(&options("accounting", "secret"));
    let projects = keystone::projects_by_tag(&session, "caso").await.unwrap();
    let mut named = projects.into_iter().filter(|p| p.name == "vo-project");
    named.next().unwrap()
}

#[tokio::test]
async fn an_account_with_a_role_on_the_system() {
    if !wanted() {
        return;
    }
    let mut options = options("accounting", "secret");
    options.method = LoginMethod::Generic(GenericLogin {
        user: GenericUser::Name("accounting".into()),
        user_domain: Some(DomainRef::Id("default".into())),
        default_domain: None,
        password: Secret::new("secret"),
        tenant: None,
    });
    options.auth_url = KEYSTONE.parse().unwrap();
    let session = session(&options);
    let project = vo_project().await;
    assert_eq!(project.extra["VO"], "vo.example.org");
    let again = keystone::project_by_id(&session, &project.id)
        .await
        .unwrap();
    assert_eq!(again, project);
    let domain = DomainRef::Id("default".into());
    let named = keystone::project_by_name(&session, "vo-project", &domain).await;
    assert_eq!(named.unwrap().unwrap().id, project.id);
    assert!(!session.system_refused());
    assert_eq!(keystone::user_name(&session, OTHER).await.unwrap(), None);

    let scope = Scope::Project(project.id.clone());
    let range = session
        .microversions(&scope, Service::Compute)
        .await
        .unwrap();
    let version = Microversion::new(2, 61);
    assert!(range.contains(version));
    let range = session
        .microversions(&scope, Service::BlockStorage)
        .await
        .unwrap();
    assert_eq!(range.min, Microversion::new(3, 0));

    let mut ids = Vec::new();
    let limit = [("limit", "10".to_owned())];
    let mut page: Value = session
        .get(
            &scope,
            Service::Compute,
            "/servers/detail",
            &limit,
            Some(version),
        )
        .await
        .unwrap();
    loop {
        ids.extend(
            page["servers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s["id"].to_string()),
        );
        let links = page["servers_links"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let Some(next) = links.iter().find(|l| l["rel"] == "next") else {
            break;
        };
        let href = next["href"].as_str().unwrap().to_owned();
        page = session
            .get_link(&scope, Service::Compute, &href, Some(version))
            .await
            .unwrap();
    }
    ids.dedup();
    assert!(ids.len() > 10, "{}", ids.len());
    let images: Value = session
        .get(
            &scope,
            Service::Image,
            "/v2/images",
            &[("limit", "3".to_owned())],
            None,
        )
        .await
        .unwrap();
    let next = images["next"].as_str().unwrap();
    let more: Value = session
        .get_link(&scope, Service::Image, next, None)
        .await
        .unwrap();
    assert_ne!(images["images"], more["images"]);
    assert!(session.clock_skew(Service::Identity).unwrap().abs() < 5);
}

#[tokio::test]
async fn an_account_without_one() {
    if !wanted() {
        return;
    }
    let project = vo_project().await;
    let session = session(&options("acct-noscope", "secret"));
    let error = keystone::projects_by_tag(&session, "caso")
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(session.system_refused());
    let own = keystone::project_by_id(&session, &project.id)
        .await
        .unwrap();
    assert_eq!(own.name, "vo-project");
    let domain = DomainRef::Id("default".into());
    let named = keystone::project_by_name(&session, "vo-project", &domain).await;
    assert_eq!(named.unwrap().unwrap().id, project.id);
    let error = keystone::project_by_id(&session, OTHER).await.unwrap_err();
    assert!(matches!(error, ApiError::NoRole { .. }), "{error}");
    assert!(
        keystone::user_name(&session, OTHER)
            .await
            .unwrap_err()
            .is_forbidden()
    );
}

#[tokio::test]
async fn a_wrong_password() {
    if !wanted() {
        return;
    }
    let session = session(&options("accounting", "wrong"));
    for scope in [Scope::Project(OTHER.into()), Scope::System, Scope::Unscoped] {
        let answer: Result<Value, _> = session
            .get(&scope, Service::Compute, "/servers", &[], None)
            .await;
        let error = answer.unwrap_err();
        assert!(matches!(error, ApiError::Credentials { .. }), "{error}");
    }
    assert_eq!(session.requests(), 2);
}

#[tokio::test]
async fn recorded_and_replayed() {
    if !wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Arc::new(HttpTransport::new(&TransportSettings::default()).unwrap());
    let clock = SystemClock::new();
    let mut header = Header::new(clock.now(), None, Names::Replaced);
    let settings = SessionSettings::new(options("accounting", "secret"));
    header.sessions.push(RecordedSession::of(&settings));
    let recorder = Arc::new(Recorder::new(network, folder.path(), header).unwrap());
    let live = Session::new(settings, recorder.clone(), Arc::new(clock));
    let seen = tour(&live).await;
    recorder.finish().unwrap();

    let replayer = Replayer::open(folder.path()).unwrap();
    let header = replayer.header().clone();
    let settings = header.sessions[0].settings();
    let pinned = Arc::new(PinnedClock::at(header.clock));
    let replay = Session::new(settings, Arc::new(replayer), pinned);
    let again = tour(&replay).await;
    assert_eq!(live.requests(), replay.requests());
    assert!(seen.len() > 20, "{}", seen.len());
    let ids = |values: &[Value]| values.iter().map(|v| v["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&again));
    let text = std::fs::read_to_string(folder.path().join("recording.jsonl")).unwrap();
    // Some are called as states are (`building`), which stay.
    let names = seen.iter().filter_map(|value| value["name"].as_str());
    for name in names.filter(|name| name.contains('-')) {
        assert!(!text.contains(&format!("\"{name}\"")), "{name}");
    }
    for secret in ["gAAAA", "\"secret\"", "accounting\""] {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// Projects, servers and images of a cloud: what has an id and a name.
async fn tour(session: &Session) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut projects = keystone::projects_by_tag(session, "caso").await.unwrap();
    projects.sort_by(|a, b| a.id.cmp(&b.id));
    for project in projects {
        let again = keystone::project_by_id(session, &project.id).await.unwrap();
        seen.push(json!({"id": again.id, "name": again.name}));
        let scope = Scope::Project(project.id);
        let page: Value = session
            .get(
                &scope,
                Service::Compute,
                "/servers/detail",
                &[],
                Some(Microversion::new(2, 61)),
            )
            .await
            .unwrap();
        seen.extend(page["servers"].as_array().unwrap().iter().cloned());
    }
    seen
}

/// Posts as the account itself, for what a session never does: making and
/// removing an application credential.
async fn own_token(project: &str) -> (String, String) {
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "accounting", "domain": {"id": "default"}, "password": "secret"}}},
        "scope": {"project": {"id": project}}}});
    let answer = reqwest_client()
        .post(format!("{KEYSTONE}/v3/auth/tokens"))
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let token = answer.headers()["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let user = body["token"]["user"]["id"].as_str().unwrap().to_owned();
    (token, user)
}

fn reqwest_client() -> reqwest::Client {
    let tls = caso_net::tls::TlsClient::trusting_nobody().unwrap();
    let client = caso_net::client_builder(&tls.config, Default::default());
    client.build().unwrap()
}

#[tokio::test]
async fn an_application_credential() {
    if !wanted() {
        return;
    }
    let project = vo_project().await;
    let (token, user) = own_token(&project.id).await;
    let credentials = format!("{KEYSTONE}/v3/users/{user}/application_credentials");
    let name = format!("caso-test-{}", uuid::Uuid::new_v4());
    let body = json!({"application_credential": {"name": name, "secret": "an-open-secret"}});
    let made = reqwest_client()
        .post(&credentials)
        .header("x-auth-token", &token)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let made: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
    let id = made["application_credential"]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let with = |credential| Login {
        auth_url: KEYSTONE.parse().unwrap(),
        method: LoginMethod::ApplicationCredential(ApplicationCredentialLogin {
            credential,
            secret: Secret::new("an-open-secret"),
        }),
        configured: None,
        project_domain: None,
    };
    let by_id = with(CredentialRef::Id(id.clone()));
    let by_name = with(CredentialRef::Name {
        name,
        user: UserRef::Id(user),
    });
    let mut outcomes = Vec::new();
    for options in [&by_id, &by_name] {
        let session = session(options);
        let found = keystone::project_by_id(&session, &project.id).await;
        let other: Result<Value, _> = session
            .get(
                &Scope::Project(OTHER.into()),
                Service::Compute,
                "/servers",
                &[],
                None,
            )
            .await;
        let own = session.own_project(&Scope::System).await;
        outcomes.push((found, other, own, session.requests()));
    }
    let removed = reqwest_client()
        .delete(format!("{credentials}/{id}"))
        .header("x-auth-token", &token)
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), 204);
    for (found, other, own, requests) in outcomes {
        assert_eq!(found.unwrap().name, "vo-project");
        let error = other.unwrap_err();
        assert!(matches!(error, ApiError::OtherProject { .. }), "{error}");
        assert_eq!(own.unwrap(), Some(project.id.clone()));
        assert_eq!(requests, 2);
    }
    let gone = keystone::project_by_id(&session(&by_id), &project.id).await;
    let error = gone.unwrap_err();
    assert!(error.is_unauthorized(), "{error}");
}
