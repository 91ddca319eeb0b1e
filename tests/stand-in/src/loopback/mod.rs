//! The cloud behind a port of the loopback interface: which faults are in force,
//! and every request it has seen.

mod cut;
mod fault;
mod gate;
mod listen;
mod remote;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::Response;
use serde_json::json;
use tokio::runtime::Runtime;

use self::fault::Faults;
pub use self::fault::{Change, Fault, Rule};
pub use self::gate::Gate;
pub use self::listen::{Certificate, Cut, runtime, serve};
use self::listen::{Door, bind};
use crate::answer::{Answer, compute, identity, image};
use crate::plan::Plan;
use crate::request::Seen;
use crate::routes;
use crate::state::{State, lock};

/// A cloud that answers until it is dropped.
pub struct Cloud {
    port: Arc<Port>,
    runtime: Option<Runtime>,
}

impl Cloud {
    /// On a free port of the loopback interface.
    pub fn start(plan: Plan) -> Self {
        Cloud::start_at(plan, 0, None).expect("a free port on the loopback interface")
    }

    /// The same behind TLS, with that certificate.
    pub fn start_tls(plan: Plan, certificate: &Certificate) -> Self {
        Cloud::start_at(plan, 0, Some(certificate)).expect("a free port on the loopback interface")
    }

    /// On that port, or on any free one if it is 0.
    pub fn start_at(
        plan: Plan,
        port: u16,
        certificate: Option<&Certificate>,
    ) -> std::io::Result<Self> {
        let runtime = runtime()?;
        let (listener, address) = runtime.block_on(bind(port))?;
        let scheme = if certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let port = Arc::new(Port {
            state: State::new(plan, format!("{scheme}://{address}")),
            faults: Mutex::default(),
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(handle).with_state(port.clone());
        let door = Door {
            listener,
            tls: certificate.map(Certificate::acceptor),
        };
        runtime.spawn(async move {
            axum::serve(door, router.into_make_service_with_connect_info::<Cut>()).await
        });
        Ok(Cloud {
            port,
            runtime: Some(runtime),
        })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.port.state.base
    }

    /// What goes into `[keystone_auth] auth_url`.
    pub fn auth_url(&self) -> String {
        format!("{}/identity/v3", self.url())
    }

    /// From now on, `fault` befalls what `rule` matches.
    pub fn inject(&self, rule: Rule, fault: Fault) {
        lock(&self.port.faults).add(rule, fault);
    }

    /// All well again.
    pub fn heal(&self) {
        lock(&self.port.faults).clear();
    }

    /// The requests so far, in the order of their arrival.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.port.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn forget_seen(&self) {
        lock(&self.port.seen).clear();
    }

    /// How many requests so far have that pattern in method, path and query.
    pub fn count(&self, pattern: &str) -> usize {
        self.seen()
            .iter()
            .filter(|seen| format!("{} {}", seen.method, seen.path).contains(pattern))
            .count()
    }

    /// Changes the cloud: from the next request on it is so.
    pub fn change(&self, change: impl FnOnce(&mut Plan)) {
        self.port.state.change(change);
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the handler of requests and the test have in common.
struct Port {
    state: State,
    faults: Mutex<Faults>,
    seen: Mutex<Vec<Seen>>,
}

impl Port {
    fn note(&self, seen: Seen) {
        lock(&self.seen).push(seen);
    }

    fn counts(&self) -> Answer {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for seen in lock(&self.seen).iter() {
            *kinds.entry(seen.kind()).or_default() += 1;
        }
        let total: usize = kinds.values().sum();
        Answer::json(200, &json!({"total": total, "kinds": kinds}))
    }
}

async fn handle(
    Shared(port): Shared<Arc<Port>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let state = &port.state;
    let mut seen = read(request).await;
    // How another process reads and forgets the counts.
    if seen.path == "/stand-in/requests" {
        let answer = port.counts();
        if seen.method == "DELETE" {
            lock(&port.seen).clear();
        }
        return response(answer);
    }
    if seen.path == "/stand-in/faults" {
        return response(remote::answer(&port, &seen));
    }
    routes::recognise(state, &mut seen);
    let due = lock(&port.faults).due(&seen);
    for fault in &due {
        match fault {
            Fault::Never => {
                port.note(seen);
                return std::future::pending().await;
            }
            Fault::Held(gate) => gate.pass().await,
            Fault::Closed => cut.now(),
            Fault::Slow(delay) => tokio::time::sleep(*delay).await,
            Fault::TokenEnds => {
                if let Some(id) = &seen.token {
                    state.tokens().remove(id);
                }
            }
            _ => {}
        }
    }
    let mut answer = routes::answer(state, &seen);
    let mut truncated = false;
    for fault in due {
        match fault {
            Fault::Status(status) => answer = refusal(&seen, status),
            Fault::Words(status, words) => answer = refusal_in(&seen, status, words),
            Fault::Refuse {
                status,
                header: (name, value),
            } => answer = refusal(&seen, status).with(name, value),
            Fault::Html => {
                answer = Answer::html(
                    200,
                    "<html><body><h1>Welcome to the network</h1></body></html>",
                )
            }
            Fault::Json(body) => body.clone_into(&mut answer.body),
            Fault::Truncated => truncated = true,
            Fault::HalfBody => cut::halve_body(&mut answer),
            Fault::Unlinked => cut::unlink(&mut answer),
            Fault::HalfList => {
                cut::unlink(&mut answer);
                cut::halve(&mut answer);
            }
            Fault::Vanish(ids) => state.vanish(ids),
            Fault::VanishLast => state.vanish(cut::last_row(&answer.body)),
            Fault::Delete(ids) => state.delete(ids),
            Fault::Then(change) => state.change(|plan| change.make(plan)),
            Fault::TokenEnds | Fault::Never | Fault::Held(_) | Fault::Closed | Fault::Slow(_) => {}
        }
    }
    answer = routes::dated(state, &seen, answer);
    seen.status = answer.status;
    seen.answered_bytes = answer.body.len();
    port.note(seen);
    if truncated {
        cut::half(answer)
    } else {
        response(answer)
    }
}

async fn read(request: Request) -> Seen {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20)
        .await
        .unwrap_or_default();
    let headers = parts.headers.iter();
    Seen::new(
        parts.method.as_str(),
        parts.uri.path(),
        parts.uri.query().unwrap_or_default(),
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
        String::from_utf8_lossy(&body).into_owned(),
    )
}

fn response(answer: Answer) -> Response<Body> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Body::from(answer.body))
        .expect("a status in range, and headers of this crate")
}

fn refusal(seen: &Seen, status: u16) -> Answer {
    let text = "The server is currently unavailable. Please try again at a later time.";
    refusal_in(seen, status, text)
}

fn refusal_in(seen: &Seen, status: u16, text: &str) -> Answer {
    match routes::split(&seen.path).0 {
        "identity" => identity(status, text),
        "compute" | "volume" => compute(status, text),
        "network" => identity(status, text),
        _ => image(status, text),
    }
}
