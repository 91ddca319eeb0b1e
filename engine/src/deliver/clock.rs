//! Time as delivery needs it, handed in so that a test waits for nothing.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::guest::BoxFuture;

pub trait Clock: Send + Sync {
    /// Seconds since the Unix epoch, UTC.
    fn now(&self) -> i64;
    /// Time since a fixed instant of this clock's own choice; never goes back.
    fn monotonic(&self) -> Duration;
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's clock and tokio's timer.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or(0)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The end of the time that a run spends on delivery, on the clock's
/// `monotonic`.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Duration,
}

impl Deadline {
    pub fn after(clock: &dyn Clock, budget: Duration) -> Deadline {
        Deadline {
            at: clock.monotonic().saturating_add(budget),
        }
    }

    /// What is left; none when it is over.
    pub fn left(&self, clock: &dyn Clock) -> Option<Duration> {
        self.at
            .checked_sub(clock.monotonic())
            .filter(|left| !left.is_zero())
    }
}
