//! A stand-in for ARGO's messaging service (AMS) behind two ports, as it has them: one that
//! gives a token to who shows a certificate, one that takes and hands out messages.
//!
//! What it follows: AMS's documentation (argoeu.github.io/argo-messaging: "API Errors",
//! "Topics", "Subscriptions", "Authentication") for requests, answers and errors of AMS; the
//! client that every site uses, `argo-ams-library` 1.0.0, for the request for a token, the
//! header `x-api-key`, and what a load balancer before AMS answers (500, 502, 503 and 504 as
//! HTML, 408). The library itself is run against it (`tests/ams/library`). What a real AMS
//! does besides that is not known here.

mod answers;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::response::Response;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::loopback::{Certificate, Cut, Gate, runtime, serve};

/// The project that there is.
pub const PROJECT: &str = "accounting";
/// Bytes of a message that AMS does not take any more.
pub const TOO_LARGE: usize = 1_000_000;

/// What befalls a request in the place of its answer.
#[derive(Debug, Clone)]
pub enum AmsFault {
    /// AMS's own error: code, message, status.
    Error(u16, &'static str, &'static str),
    /// The load balancer's: a code as HTML.
    Balancer(u16),
    /// The same, and when to come again, in seconds.
    Busy(u16, u32),
    /// The connection ends before the request is looked at.
    Cut,
    /// What is published is taken, and then the connection ends.
    CutAfter,
    /// Only so many of its messages are taken.
    Takes(usize),
    /// No token is valid any more.
    TokensEnd,
    /// What is published is taken, and the answer waits.
    Held(Gate),
}

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its topic.
    pub topic: String,
    /// The attribute `empaid`.
    pub empaid: String,
    /// What the publisher signed.
    pub data: Vec<u8>,
}

/// What there is behind both ports.
#[derive(Debug, Default)]
struct State {
    topics: Vec<String>,
    /// Names of subscriptions, with their topic and how many are acknowledged.
    subscriptions: BTreeMap<String, (String, usize)>,
    /// Those that are valid.
    tokens: Vec<String>,
    issued: usize,
    /// Requests for a token, and those that publish.
    asked: usize,
    publishes: usize,
    largest: usize,
    published: Vec<Publication>,
    token_faults: VecDeque<AmsFault>,
    publish_faults: VecDeque<AmsFault>,
}

/// AMS, until it is dropped.
pub struct Ams {
    state: Arc<Mutex<State>>,
    port: u16,
    authn_port: u16,
    runtime: Option<Runtime>,
}

impl Ams {
    /// With the server's certificate, the anchor of the certificates that it knows, and these
    /// topics, each with a subscription of the same name.
    pub fn start(server: &Certificate, client: &Certificate, topics: &[&str]) -> Self {
        let runtime = runtime().expect("a runtime");
        let topics = || topics.iter().map(|topic| (*topic).to_owned());
        let state = Arc::new(Mutex::new(State {
            topics: topics().collect(),
            subscriptions: topics().map(|topic| (topic.clone(), (topic, 0))).collect(),
            ..State::default()
        }));
        let serve = |certificate: rustls::ServerConfig, authn: bool| {
            let router = Router::new()
                .fallback(handle)
                .with_state((state.clone(), authn));
            let tls = TlsAcceptor::from(Arc::new(certificate));
            serve(&runtime, router, Some(tls))
        };
        let port = serve(server.server(None), false);
        let authn_port = serve(server.server(Some(client)), true);
        Self {
            state,
            port,
            authn_port,
            runtime: Some(runtime),
        }
    }

    /// Where messages are published.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a token is given for a certificate.
    pub fn authn_port(&self) -> u16 {
        self.authn_port
    }

    /// A token that is valid.
    pub fn token(&self) -> String {
        locked(&self.state).issue()
    }

    /// This befalls the next request for a token that nothing befalls yet.
    pub fn at_token(&self, fault: AmsFault) {
        locked(&self.state).token_faults.push_back(fault);
    }

    /// The same of the next publish.
    pub fn at_publish(&self, fault: AmsFault) {
        locked(&self.state).publish_faults.push_back(fault);
    }

    /// All well again.
    pub fn heal(&self) {
        let mut state = locked(&self.state);
        state.token_faults.clear();
        state.publish_faults.clear();
    }

    /// All messages that were taken, in the order in which they came.
    pub fn published(&self) -> Vec<Publication> {
        locked(&self.state).published.clone()
    }

    /// How often a token was asked for, and something published.
    pub fn requests(&self) -> (usize, usize) {
        let state = locked(&self.state);
        (state.asked, state.publishes)
    }

    /// Bytes of the largest request that published.
    pub fn largest(&self) -> usize {
        locked(&self.state).largest
    }
}

impl Drop for Ams {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl State {
    fn issue(&mut self) -> String {
        self.issued += 1;
        let token = format!("stand-in-token-{:04}", self.issued);
        self.tokens.push(token.clone());
        token
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(
    Shared((state, authn)): Shared<(Arc<Mutex<State>>, bool)>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20)
        .await
        .unwrap_or_default();
    let asked = requests::Asked::new(&parts, &body);
    if authn {
        let fault = asked.is_for_a_token().then(|| {
            let mut state = locked(&state);
            state.asked += 1;
            state.token_faults.pop_front()
        });
        return match fault.flatten() {
            Some(fault) => answers::of_fault(&fault, &cut),
            None => asked.token(&mut locked(&state)),
        };
    }
    let fault = asked.publishes().then(|| {
        let mut state = locked(&state);
        state.publishes += 1;
        state.largest = state.largest.max(body.len());
        state.publish_faults.pop_front()
    });
    match fault.flatten() {
        None => asked.answer(&mut locked(&state), None),
        Some(AmsFault::Takes(most)) => asked.answer(&mut locked(&state), Some(most)),
        Some(AmsFault::TokensEnd) => {
            let mut state = locked(&state);
            state.tokens.clear();
            asked.answer(&mut state, None)
        }
        Some(AmsFault::CutAfter) => {
            cut.now();
            asked.answer(&mut locked(&state), None)
        }
        Some(AmsFault::Held(gate)) => {
            let answer = asked.answer(&mut locked(&state), None);
            gate.pass().await;
            answer
        }
        Some(fault) => answers::of_fault(&fault, &cut),
    }
}
