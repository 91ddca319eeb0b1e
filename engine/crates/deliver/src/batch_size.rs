//! How many records to offer next. Pure: numbers in, a number out.
//!
//! Offers always start at the first record that is not dealt with, so that what
//! is accepted is a prefix. Two things make them smaller:
//!
//! - the consumer finds a batch too large, or its queue has no room for it: from then
//!   on no offer of this run is larger than half of that one;
//! - the messenger fails on an offer: then the culprit is among the first so many
//!   records, the *zone*. Half of the zone is offered; where that is
//!   accepted the zone is its other half, where it fails the zone is this one.
//!   After about log2 offers one record is left, which is offered alone. Where what fails is the time of a
//!   call, an eighth is offered instead of a half: each of these takes minutes.
//!
//! A half is cut to whole packing units where it can be, so that halving makes
//! few messages more than need be.

#[derive(Debug, Clone)]
pub(crate) struct BatchSize {
    unit: usize,
    ceiling: usize,
    zone: usize,
    /// The zone took too long.
    slow: bool,
}

impl BatchSize {
    pub(crate) fn new(unit: Option<u32>) -> Self {
        BatchSize {
            unit: unit
                .and_then(|unit| usize::try_from(unit).ok())
                .unwrap_or(1)
                .max(1),
            ceiling: usize::MAX,
            zone: 0,
            slow: false,
        }
    }

    /// Records to offer, of so many that are left: at least 1 where one is.
    pub(crate) fn next(&self, left: usize) -> usize {
        let most = left.min(self.ceiling);
        match self.zone {
            0 => most,
            1 => most.min(1),
            zone => most.min(self.part(zone, if self.slow { 8 } else { 2 })),
        }
    }

    /// So many records from the front are dealt with.
    pub(crate) fn moved(&mut self, records: usize) {
        self.zone = self.zone.saturating_sub(records);
    }

    /// The consumer found so many too many. False where it was one already.
    pub(crate) fn too_large(&mut self, offered: usize) -> bool {
        if offered > 1 {
            self.ceiling = self.half(offered);
        }
        offered > 1
    }

    /// There was no room for so many. False where they were one message already: fewer
    /// records would need as many messages, and more of them.
    pub(crate) fn no_room(&mut self, offered: usize) -> bool {
        let fewer = offered > self.unit;
        if fewer {
            self.ceiling = self.half(offered).max(self.unit);
        }
        fewer
    }

    /// The messenger failed on so many, maybe as they took too long. False where it was one already.
    pub(crate) fn failed(&mut self, offered: usize, too_long: bool) -> bool {
        self.slow = too_long;
        self.zone = if offered > 1 { offered } else { 0 };
        offered > 1
    }

    fn half(&self, of: usize) -> usize {
        self.part(of, 2)
    }

    fn part(&self, of: usize, parts: usize) -> usize {
        let part = (of / parts).max(1);
        if part >= self.unit {
            part / self.unit * self.unit
        } else {
            part
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn without_room_a_message_is_the_least() {
        let mut size = BatchSize::new(Some(100));
        let mut offered = vec![size.next(1_000)];
        while size.no_room(offered[offered.len() - 1]) {
            offered.push(size.next(1_000));
        }
        assert_eq!(offered, [1_000, 500, 200, 100]);
        // Half of one and a half messages would be less than one.
        let mut size = BatchSize::new(Some(100));
        assert!(size.no_room(150));
        assert_eq!(size.next(150), 100);
        let mut whole = BatchSize::new(None);
        assert!(whole.no_room(2) && !whole.no_room(1));
    }

    /// Of a messenger that hangs whatever it is given: four calls and not eleven.
    #[test]
    fn what_takes_too_long_is_soon_offered_alone() {
        for (too_long, expected) in [
            (true, &[1_000, 125, 15, 1][..]),
            (false, &[1_000, 500, 250, 125, 62, 31, 15, 7, 3, 1]),
        ] {
            let mut size = BatchSize::new(None);
            let mut offered = vec![size.next(1_000)];
            while size.failed(offered[offered.len() - 1], too_long) {
                offered.push(size.next(1_000));
            }
            assert_eq!(offered, expected);
        }
    }

    proptest! {
        /// Each bad record is found, alone, no good one is, and the order stays.
        #[test]
        fn bad_records_are_isolated(
            records in 1usize..300,
            bad in prop::collection::btree_set(0usize..300, 0..6),
            unit in prop::option::of(1u32..150),
            too_long in prop::bool::ANY,
        ) {
            let bad: Vec<usize> = bad.into_iter().filter(|b| *b < records).collect();
            let mut size = BatchSize::new(unit);
            let (mut at, mut found, mut calls) = (0, Vec::new(), 0);
            while at < records {
                let n = size.next(records - at);
                prop_assert!(n >= 1 && n <= records - at);
                calls += 1;
                if !bad.iter().any(|b| (at..at + n).contains(b)) {
                    at += n;
                    size.moved(n);
                } else if !size.failed(n, too_long) {
                    found.push(at);
                    at += 1;
                }
            }
            let for_each = if too_long { 40 } else { 24 };
            prop_assert!(calls <= 2 + bad.len() * for_each + bad.len() * bad.len());
            prop_assert_eq!(found, bad);
        }

        #[test]
        fn a_consumers_limit_is_met(records in 1usize..3000, limit in 1usize..3000) {
            let mut size = BatchSize::new(Some(100));
            let (mut at, mut calls) = (0, 0);
            while at < records {
                let n = size.next(records - at);
                calls += 1;
                if n > limit {
                    prop_assert!(size.too_large(n));
                } else {
                    at += n;
                    size.moved(n);
                }
            }
            prop_assert!(calls <= 14 + 4 * records / limit);
        }
    }
}
