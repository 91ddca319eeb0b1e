//! The bound of a run's delivery.

use std::time::Duration;

use caso_base::Clock;

/// The end of the time that a run spends on delivery, on the clock's
/// `monotonic`.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Duration,
}

impl Deadline {
    /// So long from now.
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
