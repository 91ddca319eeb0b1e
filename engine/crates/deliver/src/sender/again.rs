//! A record on which the messenger failed alone, offered again.
//!
//! A messenger that fails now and then, since what it talks to does, fails on good records
//! too, and nobody takes those out of the quarantine again. How often a record is offered
//! before it is suspected follows from how often the messenger fails at all: so often that
//! one that fails by chance is suspected once in ten thousand times.

use std::collections::VecDeque;

use caso_journal::{BatchItem, PackedBatch};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{FailureKind, GuestFailure};

use super::{Sender, Stop};

/// Offers of a record after its first failure: at least so many,
const FEWEST: u32 = 3;
/// and at most: what fails more than four times in five is no messenger.
const MOST: u32 = 41;
/// How likely a good record may be suspected.
const CHANCE: f64 = 1e-4;

/// What became of a messenger's calls.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Calls {
    all: u32,
    failed: u32,
}

impl Calls {
    pub(super) fn count(&mut self, went_well: bool) {
        self.all = self.all.saturating_add(1);
        self.failed = self.failed.saturating_add(u32::from(!went_well));
    }

    /// How often a record is offered again before it is suspected.
    fn offers(self) -> u32 {
        // By Laplace's rule: after no call at all, one in two.
        let share = f64::from(self.failed + 1) / f64::from(self.all + 2);
        let offers = (CHANCE.ln() / share.ln()).ceil();
        (FEWEST..=MOST)
            .find(|n| f64::from(*n) >= offers)
            .unwrap_or(MOST)
    }
}

impl Sender<'_> {
    /// Offers the first of `items` again, alone. The inner error is the last failure.
    pub(super) async fn once_more(
        &mut self,
        batch: &PackedBatch,
        items: &VecDeque<BatchItem>,
        failure: GuestFailure,
    ) -> Result<Result<CheckedAnswer, GuestFailure>, Stop> {
        // What hangs costs its time limit with each offer: once says enough.
        let mut left = match failure.kind {
            FailureKind::Deadline => 1,
            _ => self.calls.offers(),
        };
        let mut last = failure;
        while left > 0 {
            self.check_bounds()?;
            match self.call(batch, items.iter().take(1)).await? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(failure) => {
                    left = match failure.kind {
                        FailureKind::Deadline => 0,
                        _ => left - 1,
                    };
                    last = failure;
                }
            }
        }
        Ok(Err(last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_it_fails_the_more_often_a_record_is_offered() {
        let offers = |all, failed| Calls { all, failed }.offers();
        assert_eq!(offers(0, 0), 14);
        assert_eq!(offers(1_000, 1), 3);
        assert_eq!(offers(100, 30), 8);
        assert_eq!(offers(100, 80), 40);
        assert_eq!(offers(1_000, 1_000), MOST);
    }
}
