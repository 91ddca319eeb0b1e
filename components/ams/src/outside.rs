//! The host, as far as this messenger needs it.

use std::time::{Duration, Instant};

use crate::http::{self, HttpError, Request, Response};
use crate::signing::{self, SignError};

/// Signs, sends and knows how late it is.
pub trait Outside {
    /// The message as it is published.
    ///
    /// # Errors
    /// Why it was not signed.
    fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError>;

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

impl Outside for Host {
    fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        signing::sign(crate::SIGNATURE, message)
    }

    fn send(&mut self, origin: &str, request: &Request) -> Result<Response, HttpError> {
        http::send(origin, request)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
