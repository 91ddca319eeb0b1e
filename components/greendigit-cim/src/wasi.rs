//! The way to the service through `wasi:http`.
//!
//! The host bounds each wait by itself; here they are made so short that two
//! slow requests still fit into one call, which then ends with an answer and
//! not with the host's patience.

use std::time::{Duration, Instant};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::account::Account;
use crate::web::{Reply, Request, Web, WebError};

/// Until the service stands ready to be asked.
const CONNECT: Duration = Duration::from_secs(5);
/// Until its answer begins, at most.
const FIRST_BYTE: Duration = Duration::from_secs(20);
/// From one piece of the answer to the next.
const BETWEEN: Duration = Duration::from_secs(5);
/// After so long there is no more waiting in this call.
const CALL: Duration = Duration::from_secs(50);
/// Bytes of an answer that are read. A token is shorter, and so is a reason.
const BODY: usize = 64 << 10;

/// The origin that the host granted.
pub struct Granted {
    https: bool,
    authority: String,
    began: Instant,
}

impl Granted {
    pub fn new(account: &Account) -> Self {
        Self {
            https: account.https,
            authority: account.authority.clone(),
            began: Instant::now(),
        }
    }

    fn exchange(&self, request: &Request) -> Result<Reply, Failure> {
        let headers = Fields::new();
        for (name, value) in &request.headers {
            headers
                .append(name, value.as_bytes())
                .map_err(|error| Failure::Odd(format!("header `{name}`: {error:?}")))?;
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
        let odd = |what: &str| Failure::Odd(format!("the host does not take {what}"));
        outgoing
            .set_method(&method)
            .map_err(|()| odd("the method"))?;
        outgoing
            .set_scheme(Some(&scheme))
            .map_err(|()| odd("the scheme"))?;
        outgoing
            .set_authority(Some(&self.authority))
            .map_err(|()| odd("the host of `base_url`"))?;
        outgoing
            .set_path_with_query(Some(&request.path))
            .map_err(|()| odd("the path of `base_url`"))?;
        let body = outgoing.body().map_err(|()| odd("a body"))?;
        let answer = outgoing_handler::handle(outgoing, Some(self.options()))?;
        // Where the request has failed already, the answer says why.
        let _ = write(&body, request.body.as_deref().unwrap_or_default());
        OutgoingBody::finish(body, None)?;
        answer.subscribe().block();
        let reply = answer
            .get()
            .ok_or_else(|| odd("patience"))?
            .map_err(|()| odd("a second look"))??;
        Ok(self.read(&reply))
    }

    fn options(&self) -> RequestOptions {
        let left = CALL.saturating_sub(self.began.elapsed());
        let first_byte = left.clamp(Duration::from_secs(1), FIRST_BYTE);
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).ok();
        let options = RequestOptions::new();
        // A host that does not take one of them has its own.
        let _ = options.set_connect_timeout(nanoseconds(CONNECT));
        let _ = options.set_first_byte_timeout(nanoseconds(first_byte));
        let _ = options.set_between_bytes_timeout(nanoseconds(BETWEEN));
        options
    }

    fn read(&self, reply: &IncomingResponse) -> Reply {
        let headers = reply.headers();
        let header = |name: &str| {
            let value = headers.get(name).into_iter().next()?;
            String::from_utf8(value).ok()
        };
        let mut bytes = Vec::new();
        if let Ok(body) = reply.consume() {
            if let Ok(stream) = body.stream() {
                // An answer cut short is still one: its status has come.
                while bytes.len() < BODY && self.began.elapsed() < CALL {
                    match stream.blocking_read(8 << 10) {
                        Ok(piece) => bytes.extend(piece),
                        Err(_) => break,
                    }
                }
            }
        }
        Reply {
            status: reply.status(),
            retry_after: header("retry-after").and_then(|value| value.trim().parse().ok()),
            location: header("location"),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

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

impl Web for Granted {
    fn send(&mut self, request: &Request) -> Result<Reply, WebError> {
        self.exchange(request).map_err(Failure::into)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

enum Failure {
    Code(ErrorCode),
    Odd(String),
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<Failure> for WebError {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::Code(code) => code,
            Failure::Odd(text) => return Self::Other(text),
        };
        let away = |text: &str| Self::Away(text.to_owned());
        match code {
            ErrorCode::HttpRequestDenied => Self::Denied,
            ErrorCode::TlsCertificateError => {
                Self::Tls("its certificate is not accepted".to_owned())
            }
            ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
                Self::Tls("it does not speak TLS as we do".to_owned())
            }
            ErrorCode::ConfigurationError => {
                Self::Tls("its trust cannot be set up; the log says why".to_owned())
            }
            ErrorCode::ConnectionRefused => away("the connection was refused"),
            ErrorCode::ConnectionTimeout => away("there was no connection in time"),
            ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout => {
                away("there was no answer in time")
            }
            ErrorCode::DnsError(error) => Self::Away(
                error
                    .rcode
                    .unwrap_or_else(|| "its name is unknown".to_owned()),
            ),
            ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => {
                away("the connection was closed before the answer came")
            }
            ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationNotFound
            | ErrorCode::DnsTimeout => away("it cannot be reached"),
            ErrorCode::InternalError(Some(text)) => Self::Other(text),
            other => Self::Other(format!("{other:?}")),
        }
    }
}
