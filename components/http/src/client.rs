//! The host's HTTP, as far as a messenger needs it.

use std::time::{Duration, Instant};

use crate::http::{self, Header, HttpError, Request, Response};

/// Sends requests and knows how late it is.
pub trait Client {
    /// Asks the origin that was granted under this name.
    ///
    /// # Errors
    /// Why there is no answer.
    fn send(&mut self, origin: &str, request: &Request) -> Result<Response, HttpError>;

    /// How long the current call of `deliver` has lasted.
    fn elapsed(&self) -> Duration;
}

/// The sandbox's host, for one call, which begins now.
#[derive(Debug)]
pub struct Host(Instant);

impl Host {
    /// The call begins.
    #[must_use]
    #[allow(
        clippy::new_without_default,
        reason = "what begins now is not a default"
    )]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Client for Host {
    fn send(&mut self, origin: &str, request: &Request) -> Result<Response, HttpError> {
        http::send(origin, request)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A field of a request, its name in lower case.
#[must_use]
pub fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// Whether a header's value can hold this, as a token: ASCII without spaces.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
