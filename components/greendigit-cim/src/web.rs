//! The way to the service, as far as it is needed; a test has its own.

use std::time::Duration;

/// A request to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    /// With a body it is a `POST`, without one a `GET`.
    pub body: Option<String>,
}

/// What the service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Seconds, where it names some.
    pub retry_after: Option<u32>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The beginning of it, at least.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebError {
    /// The host does not let us go there.
    Denied,
    /// Its certificate was not accepted, or TLS failed otherwise.
    Tls(String),
    /// Nobody answers, or not in time: worth another try.
    Away(String),
    /// The answer is none, or the request was one that cannot be sent.
    Other(String),
}

/// Sends requests.
pub trait Web {
    /// Sends one and waits for the answer.
    ///
    /// # Errors
    /// Why there is none.
    fn send(&mut self, request: &Request) -> Result<Reply, WebError>;

    /// How long this call has lasted.
    fn elapsed(&self) -> Duration;
}
