//! HTTP to origins that were granted: `wasi:http`, and `caso:http` for those who have no
//! `wasi:http` ([`plain`]).
//!
//! wasmtime's `wasi:http` keeps a guest's headers, requests and answers; what
//! leaves the machine is decided here and sent by `send`. A guest writes its
//! own addresses, so each request is judged by the address that is really
//! asked: parsed once, by the URL standard, compared as scheme, host and port,
//! and sent to what was compared. The `Host` header is made from it. Nothing is
//! followed: a redirect is an answer like any other, and leads nowhere that was
//! not granted.
//!
//! A request is held until its body is whole, and leaves whole or not at all.
//! Nothing of a call outlives it: with the call, requests under way and answers
//! half read end in an error.
//!
//! The codes of `wasi:http` say to the guest what went wrong; the reason, and
//! the line that would grant what was denied, go to its log for the operator.

mod client;
mod failure;
mod incoming;
mod outgoing;
mod plain;

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use http::{HeaderName, Method, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use url::Url;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp,
    WasiHttpHooks, WasiHttpView as _,
};

pub use self::client::Clients;
use self::outgoing::{Answering, Exchange};
use super::limits::Limits;
use super::log::{GuestLog, Level};
use super::policy::{Granted, HttpTerms, Kind};
use super::redirect::{Sent, Sink, bytes_of, locked};
use super::state::State;

/// Of the time of a call, what is left to the guest when its last request has waited.
const LAST_PART: u32 = 10;

/// Reasons that are reported to the operator in one call; the rest repeat them.
const MOST_SAID: usize = 20;

pub fn add_to_linker(l: &mut Linker<State>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<State, WasiHttp>(l, State::http)?;
    types::add_to_linker::<State, WasiHttp>(l, &types::LinkOptions::default(), State::http)
}

/// The requests of one call.
pub struct Http {
    granted: Arc<Granted>,
    clients: Arc<Clients>,
    words: Words,
    most: Most,
    quota: Arc<Quota>,
    /// Lives as long as the call; who waits for it hears of the end.
    call: watch::Sender<()>,
    /// When a request of this call must have its answer.
    ends: Instant,
    /// Where requests lead nowhere, and what they were.
    redirected: Option<Sink>,
    sent: Sent,
}

/// What one call may do; see `Limits`.
#[derive(Debug, Clone, Copy)]
struct Most {
    requests: u32,
    at_once: u32,
    request_bytes: u64,
    bytes: u64,
    header_bytes: usize,
    connect: Duration,
    transfer: Duration,
}

/// What is left of it.
struct Quota {
    requests: AtomicU32,
    bytes: AtomicU64,
    at_once: Arc<Semaphore>,
}

/// What is said to the operator, each reason once a call.
#[derive(Clone)]
struct Words {
    log: GuestLog,
    said: Arc<std::sync::Mutex<BTreeSet<String>>>,
}

impl Http {
    pub fn new(
        limits: &Limits,
        granted: Arc<Granted>,
        clients: Arc<Clients>,
        log: GuestLog,
    ) -> Self {
        let most = Most {
            requests: limits.http_requests,
            at_once: limits.http_requests_at_once,
            request_bytes: limits.http_request_bytes,
            bytes: limits.http_bytes,
            header_bytes: limits.http_header_bytes,
            connect: limits.connect_timeout,
            transfer: limits.transfer_timeout,
        };
        Self {
            granted,
            clients,
            words: Words {
                log,
                said: Arc::default(),
            },
            most,
            quota: Quota::full(most),
            call: watch::Sender::default(),
            ends: Instant::now(),
            redirected: None,
            sent: Sent::default(),
        }
    }

    /// Sends requests there instead of outside.
    pub fn redirected(mut self, sink: Option<Sink>) -> Self {
        self.redirected = sink;
        self
    }

    /// A new call, which may take so long: a new quota, and nothing of the last one.
    pub fn begin_call(&mut self, timeout: Duration) {
        self.call = watch::Sender::default();
        // The rest is for the guest, to say how far it got.
        self.ends = Instant::now() + timeout - timeout / LAST_PART;
        self.quota = Quota::full(self.most);
        locked(&self.sent).clear();
        self.words.forget();
    }

    /// Bytes of this call that lead nowhere, and are yet to be handed over.
    pub fn redirected_bytes(&self) -> usize {
        bytes_of(&self.sent)
    }

    /// After a call that went well.
    pub fn end_call(&mut self) -> io::Result<()> {
        self.call = watch::Sender::default();
        if let Some(sink) = &self.redirected {
            let mut sent = locked(&self.sent);
            for (name, bytes) in sent.drain(..) {
                sink(&name, &bytes)?;
            }
        }
        Ok(())
    }

    /// Decides on a request. What is given back may be sent.
    fn admit(
        &self,
        request: &Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Exchange, Error> {
        if is_no_method(request.method()) {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let url = address(request)?;
        let (name, terms) = self.terms(&url)?;
        let permit = self.quota.request(&self.most)?;
        let options = options.unwrap_or_default();
        let no_longer =
            |asked: Option<Duration>, most: Duration| asked.map_or(most, |a| a.min(most));
        let connect = no_longer(options.connect_timeout, self.most.connect);
        let first_byte = no_longer(options.first_byte_timeout, self.most.transfer);
        Ok(Exchange {
            name: name.to_owned(),
            terms: terms.clone(),
            cafile: self.granted.cafile_place(),
            url,
            until_answer: connect.saturating_add(first_byte),
            between_bytes: no_longer(options.between_bytes_timeout, self.most.transfer),
            most_bytes: self.most.request_bytes,
            clients: Arc::clone(&self.clients),
            quota: Arc::clone(&self.quota),
            permit,
            call: self.call.subscribe(),
            words: self.words.clone(),
            redirected: self.redirected.is_some().then(|| Arc::clone(&self.sent)),
        })
    }

    /// The grant that covers an address.
    fn terms(&self, url: &Url) -> Result<(&str, &HttpTerms), Error> {
        let origin = url.origin().ascii_serialization();
        let granted = self
            .granted
            .origins()
            .find(|(_, terms)| terms.origin == origin);
        granted.ok_or_else(|| {
            let text = self.granted.refusal(Kind::Http, &origin);
            self.words.say(text);
            Error::HttpRequestDenied
        })
    }
}

/// Bytes of a method: the longest that is registered has 17.
const METHOD_BYTES: usize = 64;

/// A tunnel, and an echo of what proxies add; and what is a body in the place of a method.
/// A proxy may read `connect` as it reads `CONNECT`.
fn is_no_method(method: &Method) -> bool {
    let forbidden = [Method::CONNECT, Method::TRACE];
    method.as_str().len() > METHOD_BYTES
        || forbidden
            .iter()
            .any(|known| known.as_str().eq_ignore_ascii_case(method.as_str()))
}

/// The address of a request, as the URL standard reads it.
fn address(request: &Request<WasiBody>) -> Result<Url, Error> {
    let uri = request.uri();
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    // `granted.example@elsewhere.example` is at home elsewhere.
    if authority.as_str().contains('@') {
        return Err(Error::HttpRequestUriInvalid);
    }
    let url = Url::parse(&uri.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(Error::HttpProtocolError),
    }
}

impl WasiHttpHooks for Http {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    /// It is made from the address when the request is sent.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Answering> + Send> {
        match self.admit(&request, options) {
            Ok(exchange) => Box::new(exchange.run(request)),
            Err(error) => Box::new(async { Err(error) }),
        }
    }
}

/// Headers that are the connection's, not the request's.
fn is_forbidden(name: &HeaderName) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || ["te", "trailer", "expect", "via", "forwarded"].contains(&name.as_str())
}

impl Quota {
    fn full(most: Most) -> Arc<Self> {
        let at_once = usize::try_from(most.at_once).unwrap_or(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            requests: AtomicU32::new(most.requests),
            bytes: AtomicU64::new(most.bytes),
            at_once: Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS))),
        })
    }

    /// One request more. The permit is held until its answer has ended.
    fn request(&self, most: &Most) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.at_once)
            .try_acquire_owned()
            .map_err(|_| Error::ConnectionLimitReached)?;
        let left = |left: u32| left.checked_sub(1);
        self.requests
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .map_err(|_| {
                let text = format!("more than {} HTTP requests in one call", most.requests);
                Error::InternalError(Some(text))
            })?;
        Ok(permit)
    }

    /// So many bytes of a body; false when there is no room for them.
    fn bytes(&self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let left = |left: u64| left.checked_sub(count);
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
    }
}

impl Words {
    fn say(&self, text: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID && !said.contains(&text) {
            self.log.write(Level::Warning, &text);
            said.insert(text);
        }
    }

    fn forget(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clear();
    }
}

#[cfg(test)]
mod tests;
