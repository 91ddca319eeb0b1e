//! A guest's stdout and stderr, which end in its log.
//!
//! Always ready and never full: what is too much the log drops. wasmtime's own
//! adapter would write from a task of its own, and the last words before a
//! trap would come after the report.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::log::{GuestLog, Stdio};

/// Bytes taken at once.
const PERMIT: usize = 64 << 10;

#[derive(Clone)]
pub struct GuestStdio {
    log: GuestLog,
    stdio: Stdio,
}

impl GuestStdio {
    pub fn new(log: GuestLog, stdio: Stdio) -> Self {
        Self { log, stdio }
    }
}

impl IsTerminal for GuestStdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestStdio {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for GuestStdio {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        if bytes.len() > PERMIT {
            // `check-write` said how much, and WASI has a guest that takes no notice trap.
            return Err(StreamError::trap("more was written than was permitted"));
        }
        self.log.bytes(self.stdio, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

impl AsyncWrite for GuestStdio {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.log.bytes(self.stdio, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
