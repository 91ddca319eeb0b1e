//! Finding the item on which a mapper fails.
//!
//! A page on which the component fails is halved, down to the one item, each
//! half in a fresh store; what is fine gets its outcome, what is not gets its
//! failure. The work is bounded: a component that fails whatever it is given
//! is noticed after a few single items, and one that loops again and again is
//! given up rather than waited for all night.

use std::ops::Range;
use std::time::Duration;

use caso_model::guest::{BoxFuture, FailureKind, GuestFailure, Outcome};

/// Single items that fail before anything succeeded: then the component is
/// broken, not the items.
const SINGLES: usize = 3;
/// Calls of one page that may run into the deadline. Finding one item among a
/// thousand takes eleven.
const SLOW: usize = 48;

/// A call for a part of the page, with this much of the limits' time.
pub trait Part: Send {
    fn call(
        &mut self,
        range: Range<usize>,
        share: Share,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>>;
}

/// The part of a page that a call gets, for its time limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    items: usize,
    of: usize,
}

impl Share {
    /// Half the items get half the time, but never so little that a healthy
    /// item on a loaded machine looks like a bad one.
    pub fn of(self, limit: Duration) -> Duration {
        let items = u32::try_from(self.items.max(1)).unwrap_or(u32::MAX);
        let of = u32::try_from(self.of.max(1)).unwrap_or(u32::MAX);
        let least = (limit / 8).max(Duration::from_secs(1)).min(limit);
        let part = limit.saturating_mul(items) / of;
        part.clamp(least, limit)
    }
}

/// One outcome for each of `len` items. `proven` says that this mapper has
/// mapped something before.
pub async fn isolate(
    part: &mut dyn Part,
    len: usize,
    proven: bool,
) -> Result<Vec<Outcome>, GuestFailure> {
    let mut outcomes = Vec::with_capacity(len);
    let mut todo = Vec::from([Range { start: 0, end: len }]);
    let mut succeeded = proven;
    let (mut singles, mut slow) = (0, 0);
    let mut last = None;
    while let Some(range) = todo.pop() {
        let share = Share {
            items: range.len(),
            of: len,
        };
        let failure = match part.call(range.clone(), share).await {
            Ok(some) => {
                outcomes.extend(some);
                succeeded = true;
                continue;
            }
            Err(failure) => failure,
        };
        if matches!(failure.kind, FailureKind::Start | FailureKind::Host) || range.is_empty() {
            return Err(failure);
        }
        if failure.kind == FailureKind::Deadline {
            slow += 1;
            if slow > SLOW {
                let detail = format!("{}, for the {slow}th time in one page", failure.detail);
                return Err(GuestFailure { detail, ..failure });
            }
        }
        if range.len() == 1 {
            singles += 1;
            if !succeeded && singles >= SINGLES {
                return Err(failure);
            }
            last = Some(failure.clone());
            outcomes.push(Outcome::Failed(failure));
        } else {
            let middle = range.start + range.len() / 2;
            todo.push(middle..range.end);
            todo.push(range.start..middle);
        }
    }
    match last {
        // Nothing ever went well. A lone item may be to blame for that: then
        // at least an empty page is no trouble.
        Some(failure) if !succeeded => {
            if len > 1 {
                return Err(failure);
            }
            let share = Share { items: 1, of: 1 };
            part.call(0..0, share).await.map(|_| outcomes)
        }
        _ => Ok(outcomes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapper that fails on some items, and counts its calls.
    struct Fake {
        bad: fn(usize) -> bool,
        bad_when_empty: bool,
        kind: FailureKind,
        calls: usize,
    }

    impl Fake {
        fn new(bad: fn(usize) -> bool) -> Self {
            Self {
                bad,
                bad_when_empty: false,
                kind: FailureKind::Trap,
                calls: 0,
            }
        }
    }

    impl Part for Fake {
        fn call(
            &mut self,
            mut range: Range<usize>,
            _: Share,
        ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>> {
            self.calls += 1;
            let fails = range.clone().any(self.bad) || (range.is_empty() && self.bad_when_empty);
            let answer = if fails {
                Err(GuestFailure {
                    component: "fake".to_owned(),
                    instance: "fake".to_owned(),
                    call: "map-usage",
                    kind: self.kind,
                    detail: format!("{range:?}"),
                    frames: Vec::new(),
                    stderr: String::new(),
                })
            } else {
                Ok(range
                    .by_ref()
                    .map(|index| Outcome::Refused(index.to_string()))
                    .collect())
            };
            Box::pin(async move { answer })
        }
    }

    async fn failed(fake: &mut Fake, len: usize, proven: bool) -> Result<Vec<usize>, GuestFailure> {
        let outcomes = isolate(fake, len, proven).await?;
        assert_eq!(outcomes.len(), len);
        let mut failed = Vec::new();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Outcome::Failed(_) => failed.push(index),
                other => assert_eq!(other, Outcome::Refused(index.to_string())),
            }
        }
        Ok(failed)
    }

    #[tokio::test]
    async fn a_good_page_is_one_call() {
        let mut fake = Fake::new(|_| false);
        assert_eq!(
            failed(&mut fake, 1_000, false).await.unwrap(),
            Vec::<usize>::new()
        );
        assert_eq!(fake.calls, 1);
    }

    #[tokio::test]
    async fn one_bad_item_is_found_wherever_it_stands() {
        for bad in [|i| i == 0, |i| i == 617, |i| i == 999] as [fn(usize) -> bool; 3] {
            let mut fake = Fake::new(bad);
            let found = failed(&mut fake, 1_000, false).await.unwrap();
            assert!(found.len() == 1 && bad(found[0]), "{found:?}");
            assert!(fake.calls <= 21, "{}", fake.calls);
        }
    }

    #[tokio::test]
    async fn many_bad_items_are_all_found() {
        let found = failed(&mut Fake::new(|i| i % 10 == 3), 100, false)
            .await
            .unwrap();
        assert_eq!(found, [3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
    }

    #[tokio::test]
    async fn a_component_that_always_fails_is_broken_soon() {
        let mut fake = Fake::new(|_| true);
        assert!(failed(&mut fake, 1_000, false).await.is_err());
        assert!(fake.calls <= 14, "{}", fake.calls);
        assert!(failed(&mut Fake::new(|_| true), 2, false).await.is_err());
    }

    #[tokio::test]
    async fn a_lone_bad_item_is_the_item_unless_nothing_works() {
        assert_eq!(
            failed(&mut Fake::new(|_| true), 1, false).await.unwrap(),
            [0]
        );
        let mut fake = Fake {
            bad_when_empty: true,
            ..Fake::new(|_| true)
        };
        assert!(failed(&mut fake, 1, false).await.is_err());
    }

    #[tokio::test]
    async fn a_proven_component_is_not_to_blame() {
        assert_eq!(
            failed(&mut Fake::new(|_| true), 5, true).await.unwrap(),
            [0, 1, 2, 3, 4]
        );
    }

    #[tokio::test]
    async fn a_component_that_cannot_start_is_not_halved() {
        let mut fake = Fake {
            kind: FailureKind::Start,
            ..Fake::new(|i| i == 5)
        };
        assert!(failed(&mut fake, 10, true).await.is_err());
        assert_eq!(fake.calls, 1);
    }

    #[tokio::test]
    async fn loops_are_not_waited_for_all_night() {
        let mut fake = Fake {
            kind: FailureKind::Deadline,
            ..Fake::new(|i| i % 2 == 0)
        };
        let failure = failed(&mut fake, 1_000, false).await.unwrap_err();
        assert!(failure.detail.contains("49th time"), "{failure}");
        assert!(fake.calls < 120, "{}", fake.calls);
    }

    #[test]
    fn time_shrinks_with_the_items_but_not_below_a_second() {
        let of = |items, limit| Share { items, of: 1_000 }.of(Duration::from_millis(limit));
        assert_eq!(of(1_000, 10_000), Duration::from_secs(10));
        assert_eq!(of(500, 10_000), Duration::from_secs(5));
        assert_eq!(of(1, 10_000), Duration::from_millis(1_250));
        assert_eq!(of(1, 200), Duration::from_millis(200));
    }
}
