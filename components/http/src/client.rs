//! The host's HTTP, as far as a messenger needs it.

use std::time::{Duration, Instant};

use caso_component::messenger::StartError;
use caso_component::settings::Settings;

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

/// The option of this name, a token that a header's value can hold; an empty one is none.
///
/// # Errors
/// It cannot be in a header; the error does not show it.
pub fn token(settings: Settings<'_>, name: &str) -> Result<Option<String>, StartError> {
    let token = settings
        .optional_text(name)?
        .filter(|token| !token.is_empty());
    match &token {
        Some(text) if !is_token(text) => Err(StartError::option(
            name,
            "has spaces, line ends or characters that are not ASCII",
        )),
        _ => Ok(token),
    }
}

/// Whether a header's value can hold this, as a token: ASCII without spaces.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
