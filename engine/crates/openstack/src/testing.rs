//! Stand-ins for the tests of this room: a clock that is turned by hand and
//! a transport that a closure answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caso_stand_in::documents::{self, Issued, IssuedFor};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Session, SessionSettings};
use caso_base::Clock;
use caso_login::{
    ApplicationCredentialLogin, CredentialRef, DomainRef, GenericLogin, GenericUser, Login,
    LoginMethod, PasswordLogin, UserRef,
};
use caso_model::secret::Secret;
use caso_net::Transport;
use caso_net::{Method, Request, Response, TransportError};

/// Stands still until it is turned; a sleep turns it and takes no time.
pub struct ManualClock {
    now: AtomicI64,
    pub slept: Mutex<Vec<Duration>>,
}

impl ManualClock {
    pub fn at(now: i64) -> Arc<Self> {
        Arc::new(ManualClock {
            now: AtomicI64::new(now),
            slept: Mutex::new(Vec::new()),
        })
    }

    pub fn turn(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn pauses(&self) -> usize {
        self.slept.lock().unwrap().len()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.now().unsigned_abs())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.slept.lock().unwrap().push(duration);
        self.turn(duration.as_secs_f64().ceil() as i64);
        futures_util::future::ready(()).boxed()
    }
}

pub type Outcome = Result<Response, TransportError>;

/// Answers by a closure, and remembers what was asked.
pub struct Fake {
    answer: Box<dyn Fn(&Request) -> Outcome + Send + Sync>,
    pub asked: Mutex<Vec<Request>>,
}

impl Fake {
    pub fn new(answer: impl Fn(&Request) -> Outcome + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Fake {
            answer: Box::new(answer),
            asked: Mutex::new(Vec::new()),
        })
    }

    /// What it would answer; not noted as asked.
    pub fn play(&self, request: &Request) -> Outcome {
        (self.answer)(request)
    }

    /// What was asked, one line each: token requests by scope, others by
    /// path and query.
    pub fn lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| match request.method {
                Method::Post => format!("POST {}", request.scope),
                method @ (Method::Patch | Method::Put) => {
                    let body = request.body.as_deref().unwrap_or_default();
                    format!("{} {} {body}", method.name(), request.url.path())
                        .trim_end()
                        .to_owned()
                }
                Method::Get => {
                    let query = request.url.query().map(|q| format!("?{q}"));
                    format!("{}{}", request.url.path(), query.unwrap_or_default())
                }
            })
            .collect()
    }

    pub fn tokens(&self) -> usize {
        let lines = self.lines();
        lines.iter().filter(|line| line.starts_with("POST")).count()
    }
}

impl Transport for Fake {
    fn send(&self, request: Request) -> BoxFuture<'_, Outcome> {
        async move {
            self.asked.lock().unwrap().push(request.clone());
            // Room for others to come in between, as on a network.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            (self.answer)(&request)
        }
        .boxed()
    }
}

pub fn answer(status: u16, body: &Value) -> Outcome {
    text(
        status,
        &[("content-type", "application/json")],
        &body.to_string(),
    )
}

pub fn text(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    Ok(Response {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.into(),
    })
}

pub fn refusal(status: u16) -> Outcome {
    answer(
        status,
        &json!({"error": {"code": status, "message": "words of the server"}}),
    )
}

/// Start of the time in tests: 2026-11-21T17:20:00Z.
pub const START: i64 = 1_795_281_600;

/// A token for what was asked, good for an hour.
pub fn token(request: &Request, id: &str) -> Outcome {
    let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
    let scope = body.pointer("/auth/scope").cloned().unwrap_or_default();
    // By name, it is the one project that has one here.
    let project = scope.get("project").map(|project| {
        let id = project.get("id").and_then(Value::as_str);
        id.unwrap_or("project-id")
    });
    let issued = documents::token(Issued {
        method: "password",
        user_id: "user-id",
        user_name: "accounting",
        role: "reader",
        at: START,
        expires: START + 3600,
        scope: match project {
            Some(id) => IssuedFor::Project {
                id,
                name: "some-project",
                catalog: catalog(),
            },
            None if scope.is_object() => IssuedFor::System { catalog: catalog() },
            None => IssuedFor::Nothing,
        },
    });
    text(201, &[("x-subject-token", id)], &issued.to_string())
}

pub fn catalog() -> Value {
    let at = |kind: &str, url: &str| {
        documents::service(kind, kind, [("public", "RegionOne", url.to_owned())])
    };
    json!([
        at("identity", "http://cloud:5000/v3"),
        at("compute", "http://cloud:8774/v2.1"),
        at("image", "http://cloud:9292"),
        at("metric", "http://cloud:8041"),
        at("metering", "http://cloud:8777"),
    ])
}

pub fn password() -> Login {
    Login {
        auth_url: "http://cloud:5000/v3".parse().unwrap(),
        method: LoginMethod::Password(PasswordLogin {
            user: UserRef::Name {
                name: "accounting".into(),
                domain: DomainRef::Id("default".into()),
            },
            password: Secret::new("hunter2"),
        }),
        configured: None,
        project_domain: None,
    }
}

/// `auth_type = password`, with the domains that are handed in.
pub fn generic(user_domain: Option<DomainRef>, default_domain: Option<DomainRef>) -> Login {
    Login {
        method: LoginMethod::Generic(GenericLogin {
            user: GenericUser::Name("accounting".into()),
            user_domain,
            default_domain,
            password: Secret::new("hunter2"),
            tenant: None,
        }),
        ..password()
    }
}

pub fn application_credential() -> Login {
    Login {
        method: LoginMethod::ApplicationCredential(ApplicationCredentialLogin {
            credential: CredentialRef::Id("cred-id".into()),
            secret: Secret::new("hunter2"),
        }),
        ..password()
    }
}

pub fn settings(login: &Login) -> SessionSettings {
    SessionSettings::new(login.clone())
}

/// A session with a password, on a fake cloud at [`START`].
pub fn session(fake: &Arc<Fake>) -> (Session, Arc<ManualClock>) {
    session_with(settings(&password()), fake)
}

pub fn session_with(settings: SessionSettings, fake: &Arc<Fake>) -> (Session, Arc<ManualClock>) {
    let clock = ManualClock::at(START);
    (Session::new(settings, fake.clone(), clock.clone()), clock)
}

/// One exchange of `testdata/logins.json`: what keystoneauth 5.18.1 and direct
/// calls said to the real parts of `tests/openstack/parts`, and what came back.
/// Tokens have short names there.
#[derive(Clone, Deserialize)]
pub struct Recorded {
    pub request: RecordedRequest,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

#[derive(Clone, Deserialize)]
pub struct RecordedRequest {
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

/// The exchanges of one case, in their order.
pub fn recorded(case: &str) -> Vec<Recorded> {
    let text = include_str!("testdata/logins.json");
    let mut cases: BTreeMap<String, Vec<Recorded>> = serde_json::from_str(text).unwrap();
    cases.remove(case).unwrap()
}

impl Recorded {
    pub fn outcome(&self) -> Outcome {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = match &self.body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        text(self.status, &headers, &body)
    }

    /// Whether it is this that was asked, for all that Keystone looks at.
    fn is(&self, request: &Request) -> bool {
        let same = self.request.method == request.method.name()
            && self.request.url.trim_end_matches('/') == request.url.as_str().trim_end_matches('/');
        let body = request.body.as_deref();
        let asked = body.map(|body| serde_json::from_str(body).unwrap_or(Value::Null));
        same && (!self.request.body.is_object() || asked.as_ref() == Some(&self.request.body))
    }
}

/// Answers as the real ones did to the same request; the last recorded of
/// several equal ones. What was not recorded is refused.
pub fn replaying(cases: &[&str]) -> Arc<Fake> {
    let exchanges: Vec<Recorded> = cases.iter().flat_map(|case| recorded(case)).collect();
    Fake::new(
        move |request| match exchanges.iter().rev().find(|exchange| exchange.is(request)) {
            Some(exchange) => exchange.outcome(),
            None => Err(TransportError::Unrecorded(format!(
                "{} {} {:?}",
                request.method.name(),
                request.url,
                request.body
            ))),
        },
    )
}
