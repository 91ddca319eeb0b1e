//! The host, as far as this messenger needs it.

use caso_http::client::{Client, Host};

use crate::signing::{self, SignError};

/// Signs, too.
pub trait Outside: Client {
    /// The message as it is published.
    ///
    /// # Errors
    /// Why it was not signed.
    fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl Outside for Host {
    fn sign(&mut self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        signing::sign(crate::SIGNATURE, message)
    }
}
