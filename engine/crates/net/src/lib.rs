//! Requests and answers as plain values, and the one trait between the
//! session and the network. Plain, so that a recorder can keep them, a
//! recording can stand in for the network, and a test can write them down.

pub mod http;
pub mod proxy;
pub mod tls;

#[cfg(test)]
mod tests_http;

use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;

/// Reading, asking for a token, and the two by which `caso-mapping-migrate`
/// writes to Keystone when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Patch,
    Put,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
            Method::Put => "PUT",
        }
    }
}

/// One request, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON, if any.
    pub body: Option<String>,
    /// What the token in it is for, or, when it asks for one, which scope it
    /// asks for; never on the wire. Tells two otherwise equal requests apart
    /// in a recording: `system`, `project:ID`, `unscoped`.
    pub scope: String,
}

impl Request {
    /// Value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

/// One answer, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Unpacked.
    pub body: Vec<u8>,
}

impl Response {
    /// Value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(have, _)| have == name)
        .map(|(_, value)| value.as_str())
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error("{0}")]
    Connect(String),
    #[error("{detail}")]
    Tls {
        /// Signed by nobody we know: `cafile` would help.
        unknown_issuer: bool,
        detail: String,
    },
    #[error("{0}")]
    Timeout(String),
    #[error("{0}")]
    Truncated(String),
    #[error("larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("{0}")]
    Unrecorded(String),
    #[error("{0}")]
    Protocol(String),
}

/// Sends a request and gives the answer, whatever its status. Neither
/// retries nor follows redirects: that is the session's business.
pub trait Transport: Send + Sync {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

/// Bounds of one request, each of what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, TCP and TLS.
    pub connect: Duration,
    /// Silence while we wait for the answer or the next piece of it, as
    /// python-requests' `timeout`.
    pub read: Duration,
    /// The request as a whole.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

impl Timeouts {
    /// From the `timeout` option of `[keystone_auth]`, in seconds: there it
    /// bounds connecting and silence alike.
    pub fn from_option(timeout: Duration) -> Self {
        let default = Timeouts::default();
        Timeouts {
            connect: timeout.min(default.connect),
            read: timeout,
            total: default.total.max(timeout),
        }
    }
}

/// An address without user and password, for people and recordings.
pub fn clean(url: &Url) -> String {
    if url.username().is_empty() && url.password().is_none() {
        return url.to_string();
    }
    let mut url = url.clone();
    // Only addresses that cannot have a user refuse to lose it.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
