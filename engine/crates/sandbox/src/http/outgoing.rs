//! One request, from the guest's body to the head of its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use tokio::sync::{OwnedSemaphorePermit, watch};
use url::Url;
use wasmtime_wasi_http::{Error, WasiBody};

use super::super::mask::Mask;
use super::super::policy::HttpTerms;
use super::super::redirect::{Sent, locked};
use super::client::Clients;
use super::failure::code;
use super::incoming::Incoming;
use super::{Quota, Words};
use caso_net::Failure;

/// What the hook of `wasi:http` answers with.
pub type Answering = Result<
    (
        Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

/// A request that was admitted.
pub struct Exchange {
    /// Of the capability.
    pub name: String,
    pub terms: HttpTerms,
    /// Where its `cafile` stands.
    pub cafile: String,
    pub url: Url,
    pub until_answer: Duration,
    pub between_bytes: Duration,
    pub most_bytes: u64,
    pub clients: Arc<Clients>,
    pub quota: Arc<Quota>,
    pub permit: OwnedSemaphorePermit,
    pub call: watch::Receiver<()>,
    pub words: Words,
    /// Set where requests lead nowhere.
    pub redirected: Option<Sent>,
}

impl Exchange {
    pub async fn run(self, request: Request<WasiBody>) -> Answering {
        let mut call = self.call.clone();
        let answer = tokio::select! {
            biased;
            _ = call.changed() => Err(Error::ConnectionTerminated),
            answer = self.exchange(request) => answer,
        }?;
        // All work is done where the body is read: there is nothing to drive.
        Ok((answer, Box::new(async { Ok(()) })))
    }

    async fn exchange(self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let (head, body) = request.into_parts();
        let body = self.whole(body).await?;
        let outgoing = request_of(head.method, self.url.clone(), head.headers, body);
        if let Some(sent) = &self.redirected {
            locked(sent).push((self.name.clone(), show(&outgoing, self.words.log.mask())));
            return nowhere();
        }
        let answer = ask(&self.clients, &self.terms, outgoing, self.until_answer)
            .await
            .map_err(|unanswered| {
                let told = unanswered.at(&self.terms.origin, &self.cafile);
                self.words.say(told);
                unanswered.code()
            })?;
        let (head, body) = Response::from(answer).into_parts();
        let body = Incoming::new(
            body,
            &self.quota,
            self.permit,
            self.call,
            self.between_bytes,
        );
        Ok(Response::from_parts(head, body.boxed_unsync()))
    }

    /// The whole of a body. A guest that gives it up, or says more of it than it
    /// announced, has sent nothing.
    async fn whole(&self, mut body: WasiBody) -> Result<Bytes, Error> {
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(piece) = frame?.into_data() else {
                return Err(Error::HttpRequestTrailerSectionSize(Some(0)));
            };
            let length = whole.len().saturating_add(piece.len());
            if u64::try_from(length).is_ok_and(|length| length > self.most_bytes)
                || !self.quota.bytes(piece.len())
            {
                return Err(Error::HttpRequestBodySize(Some(self.most_bytes)));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

/// Why a request that was sent has no answer.
pub enum Unanswered {
    /// What the grant says of TLS cannot be had.
    NotSetUp(String),
    /// It failed on its way.
    Failed(Failure),
    /// Nothing came within this time.
    Silence(Duration),
}

impl Unanswered {
    /// The story in one line, about the origin, and where a `cafile` for it stands.
    pub fn at(&self, origin: &str, cafile: &str) -> String {
        match self {
            Self::NotSetUp(reason) => reason.clone(),
            Self::Failed(failure) => failure.at_and(origin, cafile),
            Self::Silence(wait) => format!("`{origin}` did not answer within {wait:?}"),
        }
    }

    /// As `wasi:http` has it.
    fn code(&self) -> Error {
        match self {
            Self::NotSetUp(_) => Error::ConfigurationError,
            Self::Failed(failure) => code(failure),
            Self::Silence(_) => Error::HttpResponseTimeout,
        }
    }
}

/// Sends a request that is whole, and waits until its answer begins.
pub async fn ask(
    clients: &Clients,
    terms: &HttpTerms,
    request: reqwest::Request,
    patience: Duration,
) -> Result<reqwest::Response, Unanswered> {
    let client = clients
        .of(terms, request.url())
        .await
        .map_err(Unanswered::NotSetUp)?;
    match tokio::time::timeout(patience, client.execute(request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Unanswered::Failed(Failure::of_request(error))),
        Err(_) => Err(Unanswered::Silence(patience)),
    }
}

/// What a request that leads nowhere is answered: that there is no content. A
/// messenger that wanted a token goes on without one, so that what it would
/// deliver is seen.
fn nowhere() -> Result<Response<WasiBody>, Error> {
    let body = Empty::<Bytes>::new().map_err(Error::from).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}

/// A request with the whole of its body.
pub fn request_of(
    method: http::Method,
    url: Url,
    headers: http::HeaderMap,
    body: impl Into<Bytes>,
) -> reqwest::Request {
    let body = body.into();
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    if !body.is_empty() {
        *request.body_mut() = Some(body.into());
    }
    request
}

/// A request for people: no headers, which carry credentials, and no secret.
pub fn show(request: &reqwest::Request, mask: &Mask) -> Vec<u8> {
    let (method, url) = (request.method(), request.url());
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let body = body.unwrap_or_default();
    let mut shown = mask.hidden(&format!("{method} {url}\n")).into_bytes();
    match std::str::from_utf8(body) {
        Ok(text) => shown.extend(mask.hidden(text).into_bytes()),
        Err(_) => shown.extend(body),
    }
    if !shown.ends_with(b"\n") {
        shown.push(b'\n');
    }
    shown
}
