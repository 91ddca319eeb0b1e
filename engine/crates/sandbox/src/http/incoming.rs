//! The body of an answer, piece by piece as the guest reads it.
//!
//! It is bounded by what is left of the call's bytes and of its time, and each
//! wait by a timeout: a server that never ends its answer, or never goes on
//! with it, costs the guest its answer and nobody else anything.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::Error;

use super::Quota;

/// A body that the guest has not read to its end.
pub struct Incoming {
    body: reqwest::Body,
    quota: Arc<Quota>,
    call_ends: Pin<Box<dyn Future<Output = ()> + Send>>,
    between_bytes: Duration,
    patience: Pin<Box<Sleep>>,
    /// Gone when the body has ended, well or not.
    permit: Option<OwnedSemaphorePermit>,
}

impl Incoming {
    pub fn new(
        body: reqwest::Body,
        quota: &Arc<Quota>,
        permit: OwnedSemaphorePermit,
        mut call: watch::Receiver<()>,
        between_bytes: Duration,
    ) -> Self {
        Self {
            body,
            quota: Arc::clone(quota),
            call_ends: Box::pin(async move {
                let _ = call.changed().await;
            }),
            between_bytes,
            patience: Box::pin(sleep(between_bytes)),
            permit: Some(permit),
        }
    }

    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.call_ends.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(Error::ConnectionTerminated)));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let count = frame.data_ref().map_or(0, Bytes::len);
                let after = Instant::now().checked_add(self.between_bytes);
                if let Some(after) = after {
                    self.patience.as_mut().reset(after);
                }
                Poll::Ready(Some(if self.quota.bytes(count) {
                    Ok(frame)
                } else {
                    Err(Error::HttpResponseBodySize(None))
                }))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(Error::HttpResponseIncomplete))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.patience.as_mut().poll(context).is_ready() => {
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.permit.is_none() {
            return Poll::Ready(None);
        }
        let piece = self.poll_piece(context);
        if matches!(piece, Poll::Ready(None | Some(Err(_)))) {
            self.permit = None;
        }
        piece
    }

    fn is_end_stream(&self) -> bool {
        self.permit.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
