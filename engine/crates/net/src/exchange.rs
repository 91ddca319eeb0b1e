//! Requests and answers as plain values, and the trait between those who ask
//! and the network. Plain, so that a recorder can keep them, a recording can
//! stand in for the network, and a test can write them down.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use url::Url;

use crate::proxy::Through;

/// Reading, asking for a token, and the two methods by which
/// `caso-mapping-migrate` writes to Keystone on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    Get,
    Post,
    Patch,
    Put,
}

impl Method {
    /// The word on the wire.
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
    /// What is done at the address.
    pub method: Method,
    /// With its query, which is escaped.
    pub url: Url,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON or a form, if any.
    pub body: Option<String>,
    /// What the token in it is for, or, when it asks for one, which scope it
    /// asks for; never on the wire. Distinguishes two otherwise equal requests
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
    /// HTTP's status code.
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

/// Why there is no answer. The texts are sentences without the address, which
/// the caller has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection, or one that was cut before the answer began: the server
    /// may not have seen the request, and asking again may help.
    #[error("{0}")]
    Connect(String),
    /// A proxy answered in the server's place, and lets nothing through to it.
    #[error("{detail}")]
    Proxy {
        /// Not without a login.
        wants_login: bool,
        /// Which proxy, and what it said.
        detail: String,
    },
    /// The TLS handshake failed, by their certificate or ours.
    #[error("{detail}")]
    Tls {
        /// Signed by nobody we know: `cafile` would help.
        unknown_issuer: bool,
        /// The reason.
        detail: String,
        /// What to do about it, where more is known than that `cafile` would help.
        remedy: Option<String>,
    },
    /// One of the bounds of [`Timeouts`](crate::Timeouts) is over.
    #[error("{0}")]
    Timeout(String),
    /// The answer ended in the middle of its body.
    #[error("{0}")]
    Truncated(String),
    /// The body has more bytes, unpacked, than we take.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// A recording stands in for the network and has no such exchange.
    #[error("{0}")]
    Unrecorded(String),
    /// Anything else between us and them.
    #[error("{0}")]
    Protocol(String),
}

/// Sends a request and gives the answer, whatever its status. Neither retries
/// nor follows redirects: that is for whoever asks
/// ([`RetryPolicy`](crate::RetryPolicy), [`redirect`](crate::redirect)).
pub trait Transport: Send + Sync {
    /// One exchange.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;

    /// When the certificates end of the servers that were spoken to, in epoch seconds, by
    /// name; empty without TLS.
    fn certificate_ends(&self) -> BTreeMap<String, i64> {
        BTreeMap::new()
    }

    /// The proxy that an address is asked through, which may then be what fails.
    fn through(&self, _: &Url) -> Option<Through> {
        None
    }
}

/// An address without user and password, for people and recordings.
pub fn clean(url: &Url) -> String {
    let mut url = url.clone();
    strip_user(&mut url);
    url.to_string()
}

/// Removes user and password.
pub(crate) fn strip_user(url: &mut Url) {
    // Only addresses that cannot have a user refuse to lose it.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}
