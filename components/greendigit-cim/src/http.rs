//! An HTTP client, as far as this messenger needs one. Tests have their own.

use std::time::Duration;

/// A request to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// With a body the request is a `POST`, without one a `GET`.
    pub body: Option<String>,
}

/// The service's response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// `Retry-After` in seconds, where the service states one.
    pub retry_after: Option<u32>,
    /// `Location`: where a redirect leads.
    pub location: Option<String>,
    /// The body, or the beginning of a long one.
    pub body: String,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// The host does not grant requests to this origin.
    Denied,
    /// The certificate was not accepted, or TLS failed otherwise.
    Tls(String),
    /// The service cannot be reached, or does not respond in time: worth a retry.
    Unavailable(String),
    /// The request could not be sent, or the response could not be understood.
    Other(String),
}

/// Sends requests to one origin.
pub trait HttpClient {
    /// Sends a request and waits for the response.
    ///
    /// # Errors
    /// Why there is no response.
    fn send(&mut self, request: &Request) -> Result<Response, HttpError>;

    /// How long the current call of `deliver` has lasted.
    fn elapsed(&self) -> Duration;
}
