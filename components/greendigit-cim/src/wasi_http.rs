//! The HTTP client of the sandbox: `wasi:http`.
//!
//! The host bounds each wait by itself. The bounds here are parts of the time that a call
//! may take, so that two slow requests fit into it: it then ends with an answer, and not by
//! the host's hand.

use std::time::{Duration, Instant};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::account::Account;
use crate::http::{HttpClient, HttpError, Request, Response};

/// For connecting, TLS included, at most.
const CONNECT: Duration = Duration::from_secs(5);
/// From the request to the first byte of the response, at most.
const FIRST_BYTE: Duration = Duration::from_secs(20);
/// From one piece of the response to the next, at most.
const BETWEEN: Duration = Duration::from_secs(5);
/// Bytes of a response that are read. A token is shorter, and so is a reason.
const BODY: usize = 64 << 10;

/// A client for the origin that the host granted, for one call of `deliver`.
pub struct WasiHttp {
    https: bool,
    authority: String,
    began: Instant,
    /// For all waits of the call together: what is left of it is for answering.
    waits: Duration,
    /// What the call may take.
    time: Duration,
}

impl WasiHttp {
    /// A client for the account's service; the call begins now and may take so long.
    pub fn new(account: &Account, time: Duration) -> Self {
        Self {
            https: account.https,
            authority: account.authority.clone(),
            began: Instant::now(),
            waits: time * 5 / 6,
            time,
        }
    }

    fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let headers = Fields::new();
        for (name, value) in &request.headers {
            headers
                .append(name, value.as_bytes())
                .map_err(|error| Failure::Other(format!("header `{name}`: {error:?}")))?;
        }
        let outgoing = OutgoingRequest::new(headers);
        let method = match request.body {
            Some(_) => Method::Post,
            None => Method::Get,
        };
        let scheme = if self.https {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let rejected = |what: &str| Failure::Other(format!("the host does not accept {what}"));
        outgoing
            .set_method(&method)
            .map_err(|()| rejected("the method"))?;
        outgoing
            .set_scheme(Some(&scheme))
            .map_err(|()| rejected("the scheme"))?;
        outgoing
            .set_authority(Some(&self.authority))
            .map_err(|()| rejected("the host of `base_url`"))?;
        outgoing
            .set_path_with_query(Some(&request.path))
            .map_err(|()| rejected("the path of `base_url`"))?;
        let body = outgoing.body().map_err(|()| rejected("a body"))?;
        let pending = outgoing_handler::handle(outgoing, Some(self.options()))?;
        // Where the request has failed already, the response says why.
        let _ = write(&body, request.body.as_deref().unwrap_or_default());
        OutgoingBody::finish(body, None)?;
        pending.subscribe().block();
        let response = pending
            .get()
            .ok_or_else(|| Failure::Other("the response is not ready".to_owned()))?
            .map_err(|()| Failure::Other("the response was taken already".to_owned()))??;
        Ok(self.read(&response))
    }

    fn options(&self) -> RequestOptions {
        let left = self.waits.saturating_sub(self.began.elapsed());
        // Never nothing: a wait of no time would fail whatever the service does.
        let first_byte = left.max(self.time / 50).min(self.time / 3).min(FIRST_BYTE);
        let short = self.time / 12;
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).ok();
        let options = RequestOptions::new();
        // A host that does not support one of them uses its own.
        let _ = options.set_connect_timeout(nanoseconds(short.min(CONNECT)));
        let _ = options.set_first_byte_timeout(nanoseconds(first_byte));
        let _ = options.set_between_bytes_timeout(nanoseconds(short.min(BETWEEN)));
        options
    }

    fn read(&self, response: &IncomingResponse) -> Response {
        let headers = response.headers();
        let header = |name: &str| {
            let value = headers.get(name).into_iter().next()?;
            String::from_utf8(value).ok()
        };
        let mut bytes = Vec::new();
        if let Ok(body) = response.consume()
            && let Ok(stream) = body.stream()
        {
            // A response that is cut short still counts, for its status has come.
            while bytes.len() < BODY && self.began.elapsed() < self.waits {
                match stream.blocking_read(8 << 10) {
                    Ok(piece) => bytes.extend(piece),
                    Err(_) => break,
                }
            }
        }
        Response {
            status: response.status(),
            retry_after: header("retry-after").and_then(|value| value.trim().parse().ok()),
            location: header("location"),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// Sends the whole body.
fn write(body: &OutgoingBody, text: &str) -> Result<(), StreamError> {
    let stream: OutputStream = body.write().map_err(|()| StreamError::Closed)?;
    let mut left = text.as_bytes();
    while !left.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = left.split_at(room.min(left.len()));
        stream.write(now)?;
        left = later;
    }
    stream.flush()
}

impl HttpClient for WasiHttp {
    fn send(&mut self, request: &Request) -> Result<Response, HttpError> {
        self.exchange(request).map_err(Failure::into)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Why an exchange failed: as `wasi:http` says, or in words.
enum Failure {
    Code(ErrorCode),
    Other(String),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<Failure> for HttpError {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Code(code) => code,
            Failure::Other(text) => return Self::Other(text),
        };
        let unavailable = |text: &str| Self::Unavailable(text.to_owned());
        match code {
            ErrorCode::HttpRequestDenied => Self::Denied,
            ErrorCode::TlsCertificateError => {
                Self::Tls("its certificate is not accepted".to_owned())
            }
            ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
                Self::Tls("the TLS handshake failed".to_owned())
            }
            ErrorCode::ConfigurationError => {
                Self::Tls("TLS cannot be set up; the host's log says why".to_owned())
            }
            ErrorCode::ConnectionRefused => unavailable("the connection was refused"),
            ErrorCode::ConnectionTimeout => unavailable("no connection was made in time"),
            ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout => {
                unavailable("there was no response in time")
            }
            ErrorCode::DnsError(error) => Self::Unavailable(
                error
                    .rcode
                    .unwrap_or_else(|| "its name is unknown".to_owned()),
            ),
            ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
                unavailable("the connection was closed before the response")
            }
            ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationNotFound
            | ErrorCode::DnsTimeout => unavailable("it cannot be reached"),
            ErrorCode::InternalError(Some(text)) => Self::Other(text),
            other => Self::Other(format!("{other:?}")),
        }
    }
}
