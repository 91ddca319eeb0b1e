//! The bound of a run's delivery.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use caso_base::Clock;

/// The end of the time that a run spends on delivery. It begins when nothing is left to be
/// extracted: what is delivered beside the extraction takes nothing of it. Clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    budget: Duration,
    /// On the clock's `monotonic`.
    began: Arc<OnceLock<Duration>>,
}

impl Deadline {
    /// So long, once it begins.
    pub(crate) fn of(budget: Duration) -> Deadline {
        Deadline {
            budget,
            began: Arc::default(),
        }
    }

    /// The time begins, if it has not begun.
    pub(crate) fn begin(&self, clock: &dyn Clock) {
        self.began.get_or_init(|| clock.monotonic());
    }

    /// What is left; none when it is over.
    pub(crate) fn left(&self, clock: &dyn Clock) -> Option<Duration> {
        let passed = self
            .began
            .get()
            .map(|began| clock.monotonic().saturating_sub(*began));
        self.budget
            .checked_sub(passed.unwrap_or_default())
            .filter(|left| !left.is_zero())
    }
}
