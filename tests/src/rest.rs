//! A server of requests and answers on the loopback interface, which misbehaves on demand:
//! what stand-ins of a service over HTTP share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::{Response, header};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use caso_stand_in::{Certificate, Cut, runtime, serve};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method and path.
    pub line: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: u16,
    pub content: &'static str,
    pub body: String,
}

impl Said {
    pub fn new(status: u16, content: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            content,
            body: body.into(),
        }
    }

    /// As a load balancer writes it, or another server in the service's place.
    pub fn page(status: u16) -> Self {
        let body = format!("<html><head><title>{status} of the balancer</title></head></html>\n");
        Self::new(status, "text/html", body)
    }
}

/// What befalls a request in the place of its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer, and the request is not looked at.
    Says(Said),
    /// The same with `Retry-After` in seconds.
    Busy(Said, u32),
    /// The connection ends before the request is looked at.
    Cut,
    /// What is asked happens, and the connection ends before the answer.
    CutAfter,
}

/// The service itself.
pub trait Service: Send + 'static {
    /// Does what is asked.
    fn answer(&mut self, asked: &Asked) -> Said;
}

struct State<S> {
    service: S,
    faults: VecDeque<Fault>,
    asked: Vec<Asked>,
}

/// A service behind a port, until it is dropped.
pub struct Rest<S> {
    port: u16,
    tls: bool,
    state: Arc<Mutex<State<S>>>,
    runtime: Option<Runtime>,
}

impl<S: Service> Rest<S> {
    /// In plain HTTP.
    pub fn start(service: S) -> Self {
        Self::serve(service, None)
    }

    /// In TLS, for who has the other certificate.
    pub fn start_tls(service: S, server: &Certificate, client: &Certificate) -> Self {
        let config = server.server(Some(client));
        Self::serve(service, Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn serve(service: S, acceptor: Option<TlsAcceptor>) -> Self {
        let state = Arc::new(Mutex::new(State {
            service,
            faults: VecDeque::new(),
            asked: Vec::new(),
        }));
        let router = Router::new()
            .fallback(handle::<S>)
            .with_state(state.clone());
        let tls = acceptor.is_some();
        let runtime = runtime().expect("a runtime");
        Self {
            port: serve(&runtime, router, acceptor),
            tls,
            state,
            runtime: Some(runtime),
        }
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// This befalls the next request that nothing befalls yet.
    pub fn befalls(&self, fault: Fault) {
        locked(&self.state).faults.push_back(fault);
    }

    /// All requests, in the order in which they came.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.state).asked.clone()
    }

    /// Looks at the service, or changes it.
    pub fn with<T>(&self, what: impl FnOnce(&mut S) -> T) -> T {
        what(&mut locked(&self.state).service)
    }
}

impl<S> Drop for Rest<S> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn locked<S>(state: &Mutex<State<S>>) -> MutexGuard<'_, State<S>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle<S: Service>(
    Shared(state): Shared<Arc<Mutex<State<S>>>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into();
    let asked = Asked {
        line: format!("{} {}", head.method, head.uri.path()),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut state = locked(&state);
    state.asked.push(asked.clone());
    let (said, after) = match state.faults.pop_front() {
        None => (state.service.answer(&asked), None),
        Some(Fault::Says(said)) => (said, None),
        Some(Fault::Busy(said, after)) => (said, Some(after)),
        Some(Fault::Cut) => {
            cut.now();
            (Said::page(500), None)
        }
        Some(Fault::CutAfter) => {
            cut.now();
            (state.service.answer(&asked), None)
        }
    };
    let mut answer = Response::builder()
        .status(said.status)
        .body(Body::from(said.body))
        .expect("a status and a body");
    let headers = answer.headers_mut();
    if !said.content.is_empty() {
        headers.insert(
            header::CONTENT_TYPE,
            said.content.parse().expect("a content type"),
        );
    }
    if let Some(after) = after {
        headers.insert(header::RETRY_AFTER, after.into());
    }
    answer
}
