//! The stand-in OpenStack (`caso-stand-in`) for the tests of this room: a small plan of it,
//! and a transport that lets a test see every request first, change the plan
//! between two of them, or answer itself.

mod kept;
mod plan;
pub mod prometheus;

pub use kept::Kept;
pub use plan::{
    Planned, flavor, floating_ip, new, odd, of_flavor, old, plan, project_with, uuid, volume,
};

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use caso_stand_in::InProcess;
pub use caso_stand_in::{Plan, Seen};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::Value;

use super::*;
use caso_base::PinnedClock;
use caso_login::{DomainRef, Login, LoginMethod, PasswordLogin, UserRef};
use caso_model::secret::Secret;
use caso_net::Transport;
use caso_net::{Request, Response, TransportError};
use caso_openstack::{RetryPolicy, SessionSettings};

/// When the tests' run begins, and their window.
pub const NOW: i64 = 1_795_000_000;
pub const WINDOW: Window = Window {
    start: 1_790_000_000,
    end: 1_794_000_000,
};

pub type Reply = Result<Response, TransportError>;
type Event = Box<dyn FnMut(&Seen, &mut Plan) -> Option<Reply> + Send>;

/// The cloud behind a session.
pub struct Stand {
    cloud: InProcess,
    event: Mutex<Event>,
    log: Mutex<Vec<(String, Seen)>>,
}

impl Stand {
    /// `event` sees every request but those for tokens first, and may change the
    /// cloud or answer.
    pub fn start(
        plan: Plan,
        event: impl FnMut(&Seen, &mut Plan) -> Option<Reply> + Send + 'static,
    ) -> Arc<Stand> {
        Arc::new(Stand {
            cloud: InProcess::new(plan, "http://cloud"),
            event: Mutex::new(Box::new(event)),
            log: Mutex::default(),
        })
    }

    pub fn context(self: &Arc<Self>) -> ExtractContext {
        let mut settings = SessionSettings::new(Login {
            auth_url: self.cloud.auth_url().parse().unwrap(),
            method: LoginMethod::Password(PasswordLogin {
                user: UserRef::Name {
                    name: "accounting".into(),
                    domain: DomainRef::Id("default".into()),
                },
                password: Secret::new("secret"),
            }),
            configured: None,
            project_domain: None,
        });
        settings.retry = RetryPolicy {
            retries: 1,
            ..RetryPolicy::default()
        };
        ExtractContext {
            session: Session::new(settings, self.clone(), Arc::new(PinnedClock::at(NOW))),
            caches: Arc::new(RunCaches::default()),
            page_size: 1000,
            reads_ahead: true,
            now: NOW,
            counters: CounterOptions::default(),
            ip_records_for_past_windows: false,
            without_names: Arc::default(),
            power: None,
        }
    }

    /// Lets something happen between two extractions.
    pub fn change(&self, happen: impl FnOnce(&mut Plan)) {
        self.cloud.change(happen);
    }

    /// Scope and address of every request.
    pub fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().map(|(line, _)| line.clone()).collect()
    }

    pub fn seen(&self) -> Vec<Seen> {
        let log = self.log.lock().unwrap();
        log.iter().map(|(_, seen)| seen.clone()).collect()
    }

    /// How often something was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.log().iter().filter(|line| line.contains(path)).count()
    }

    fn answer(&self, request: &Request) -> Reply {
        let headers = request.headers.iter();
        let mut seen = Seen::new(
            request.method.name(),
            request.url.path(),
            request.url.query().unwrap_or_default(),
            headers.map(|(name, value)| (name.as_str(), value.as_str())),
            request.body.clone().unwrap_or_default(),
        );
        self.cloud.recognise(&mut seen);
        let line = format!("{} {}", request.scope, request.url);
        self.log.lock().unwrap().push((line, seen.clone()));
        assert_eq!(request.url.host_str(), Some("cloud"), "a link's own host");
        let keys: BTreeSet<&str> = seen.query.iter().map(|(key, _)| key.as_str()).collect();
        assert!(
            keys.len() == seen.query.len() || keys.contains("q.field"),
            "a parameter twice: {}",
            request.url
        );
        let event = |plan: &mut Plan| (self.event.lock().unwrap())(&seen, plan);
        if let Some(reply) = self.cloud.change(event) {
            return reply;
        }
        let answer = self.cloud.answer(&mut seen);
        assert!(
            !answer.body.contains("The resource could not be found."),
            "nobody should ask {seen:?}"
        );
        let headers = answer.headers.into_iter();
        Ok(Response {
            status: answer.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: answer.body.into_bytes(),
        })
    }
}

impl Transport for Stand {
    fn send(&self, request: Request) -> BoxFuture<'_, Reply> {
        ready(self.answer(&request)).boxed()
    }
}

pub fn ok(body: Value) -> Reply {
    Ok(Response {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    })
}

pub fn status(status: u16) -> Reply {
    Ok(Response {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<html>no</html>".to_vec(),
    })
}

pub fn timeout() -> Reply {
    Err(TransportError::Timeout("test".into()))
}

pub fn project(id: &str) -> ProjectRef {
    ProjectRef {
        id: id.into(),
        configured: None,
        name: None,
        vo: "vo".into(),
        disabled: false,
    }
}
