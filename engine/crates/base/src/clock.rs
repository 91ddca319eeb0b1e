//! Time, handed in: when a token ends, how long a try took, and the waits
//! between tries. A replay pins it; a test turns it by hand.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The time, as whoever is handed it has it.
pub trait Clock: Send + Sync {
    /// Seconds since the Unix epoch, UTC.
    fn now(&self) -> i64;
    /// Time since a fixed instant of this clock's own choice; never goes back.
    fn monotonic(&self) -> Duration;
    /// Waits, as the pause between two tries does.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's clock and tokio's timer.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Its monotonic time begins now.
    pub fn new() -> Self {
        SystemClock {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            // A machine whose clock stands before 1970.
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        }
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// A clock that stands still at a recorded second and never waits: replaying
/// an hour of back-off takes no time, and a token of then does not expire.
#[derive(Debug, Clone)]
pub struct PinnedClock {
    now: i64,
    start: Instant,
}

impl PinnedClock {
    /// Stands still at `now`, in seconds since the Unix epoch, UTC.
    pub fn at(now: i64) -> Self {
        PinnedClock {
            now,
            start: Instant::now(),
        }
    }
}

impl Clock for PinnedClock {
    fn now(&self) -> i64 {
        self.now
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'_, ()> {
        futures_util::future::ready(()).boxed()
    }
}
