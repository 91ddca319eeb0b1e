//! The connection to the server: what `deliver` needs of one, and the one that the host
//! grants.

use std::time::{Duration, Instant};

use caso_component::messenger::connection::{self, ConnectionError};

use crate::CONNECTION;

/// Bytes to ask for where none are expected.
const RECEIVED: u32 = 4_096;

/// A connection that can be opened again after it was closed. Tests have their own.
pub trait Connection {
    /// Connects.
    ///
    /// # Errors
    /// Why there is no connection.
    fn open(&mut self) -> Result<(), ConnectionError>;
    /// Sends all of the bytes.
    ///
    /// # Errors
    /// Why they could not be sent.
    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError>;
    /// Ends our side; the server sees the end of what was sent.
    ///
    /// # Errors
    /// Why it could not be ended properly.
    fn finish(&mut self) -> Result<(), ConnectionError>;
    /// Waits for bytes, drops them, and returns how many there were; 0 when the server
    /// has ended its side.
    ///
    /// # Errors
    /// Why neither bytes nor an end came.
    fn receive(&mut self) -> Result<usize, ConnectionError>;
    /// Closes the connection, if it is open.
    fn close(&mut self);
    /// Whether this call has lasted so long that it should answer with what is done,
    /// before the host ends it.
    fn is_late(&self) -> bool;
}

/// The connection that the host granted, for one call of `deliver`.
pub struct Granted {
    handle: Option<u32>,
    began: Instant,
    /// For how long this call begins new portions.
    begins: Duration,
}

impl Granted {
    /// Not connected yet; the call begins now and may take so long. A quarter of that is
    /// for beginning new portions, the rest for what the last one may still take.
    pub fn new(time_left: Duration) -> Self {
        Self {
            handle: None,
            began: Instant::now(),
            begins: time_left / 4,
        }
    }

    fn handle(&self) -> Result<u32, ConnectionError> {
        self.handle
            .ok_or_else(|| ConnectionError::Invalid("not connected".to_owned()))
    }
}

impl Connection for Granted {
    fn open(&mut self) -> Result<(), ConnectionError> {
        self.handle = Some(connection::open(CONNECTION)?);
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        connection::send(self.handle()?, bytes)
    }

    fn finish(&mut self) -> Result<(), ConnectionError> {
        connection::finish(self.handle()?)
    }

    fn receive(&mut self) -> Result<usize, ConnectionError> {
        connection::receive(self.handle()?, RECEIVED).map(|bytes| bytes.len())
    }

    fn close(&mut self) {
        if let Some(handle) = self.handle.take() {
            connection::close(handle);
        }
    }

    fn is_late(&self) -> bool {
        self.began.elapsed() > self.begins
    }
}
