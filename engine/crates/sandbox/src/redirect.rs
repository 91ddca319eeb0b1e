//! Where a messenger's output goes instead of outside: a dry run shows it, a
//! replay keeps it in a folder of its own. The component cannot see a difference.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Takes what was meant for the queue, connection or origin of this name.
pub type Sink = Arc<dyn Fn(&str, &[u8]) -> io::Result<()> + Send + Sync>;

/// The output that is redirected instead of delivered. The rest is delivered.
#[derive(Clone, Default)]
pub struct Redirect {
    /// Each message that was put into a queue.
    pub queues: Option<Sink>,
    /// The bytes of one call that were sent over a connection.
    pub connections: Option<Sink>,
    /// Each message that would be signed.
    pub signatures: Option<Sink>,
    /// Each HTTP request, without its headers and secrets.
    pub requests: Option<Sink>,
}

impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirect")
            .field("queues", &self.queues.is_some())
            .field("connections", &self.connections.is_some())
            .field("signatures", &self.signatures.is_some())
            .field("requests", &self.requests.is_some())
            .finish()
    }
}

/// What a call sent by ways that lead nowhere, in order.
pub type Sent = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// What there is so far. Who panicked while it was held has left it whole.
pub fn locked(sent: &Sent) -> MutexGuard<'_, Vec<(String, Vec<u8>)>> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call sent, over all its ways.
pub fn bytes_of(sent: &Sent) -> usize {
    let sent = locked(sent);
    sent.iter()
        .fold(0, |bytes, (_, one)| bytes.saturating_add(one.len()))
}

/// A connection that leads nowhere: takes everything, and has ended its side.
pub struct DeadEnd {
    pub name: String,
    pub sent: Sent,
}

impl AsyncWrite for DeadEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut sent = locked(&self.sent);
        match sent.last_mut() {
            Some((name, all)) if *name == self.name => all.extend_from_slice(bytes),
            _ => sent.push((self.name.clone(), bytes.to_vec())),
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for DeadEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
