//! From the readings of a cumulative counter to the use they stand for.
//!
//! A counter counts from the boot of the machine that has it (libvirt's
//! domain): a hard reboot, a stop, a migration let it fall to nothing. Between
//! two falls its greatest reading is all that was used since the boot before,
//! whether or not the readings in between are kept; the sum over the boots is
//! the use since the first of them.
//!
//! | readings | use | why |
//! |---|---|---|
//! | none | absent | nothing is known, which is not nothing used |
//! | 5 | 5 | counted before it was first read |
//! | 5 9 | 9 | |
//! | 5 9 2 4 | 9 + 4 | a reset between 9 and 2 |
//! | 5 (gap) 90 | 90 | the counter went on through the gap |
//! | 5 9 (gap) 20 | 20 | a reset in the gap that it grew over shows nowhere |
//!
//! What is emitted is never too much: what a counter held when it fell, beyond
//! its last reading, is lost, and so is a boot of which no reading is kept.

/// A fall by less than this part of a reading is none: a mean of equal numbers
/// beyond 2⁵³ differs from them in its last digits.
const NOISE: f64 = 1e-9;

/// What the readings of one counter, or of several added up, come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Count {
    /// Use, resets bridged.
    pub used: f64,
    /// The greatest reading of any one counter.
    pub largest: f64,
    /// How often it fell.
    pub resets: u32,
}

impl Count {
    /// Readings in the order of time; none of no reading.
    ///
    /// `blurred`: each is the mean over so long a time that a reset may lie
    /// within. Such a mean lies between what was before and what came after, so
    /// that the counter seems to fall twice; it is no boot of its own.
    pub fn of(readings: impl IntoIterator<Item = f64>, blurred: bool) -> Option<Count> {
        let mut count: Option<Count> = None;
        // Of the present boot.
        let mut peak = 0.0_f64;
        let mut alone = false;
        let readings = readings.into_iter();
        for reading in readings.filter(|reading| reading.is_finite() && *reading >= 0.0) {
            let Some(count) = &mut count else {
                peak = reading;
                count = Some(Count {
                    used: 0.0,
                    largest: reading,
                    resets: 0,
                });
                continue;
            };
            if reading < peak - peak * NOISE {
                if blurred && alone {
                    // The one before was a mixture: this is the same fall.
                } else {
                    count.used += peak;
                    count.resets += 1;
                }
                peak = reading;
                alone = true;
            } else {
                peak = peak.max(reading);
                alone = false;
            }
            count.largest = count.largest.max(reading);
        }
        let mut count = count?;
        count.used += peak;
        Some(count)
    }

    /// Two interfaces of one server.
    pub fn and(self, other: Count) -> Count {
        Count {
            used: self.used + other.used,
            largest: self.largest.max(other.largest),
            resets: self.resets.saturating_add(other.resets),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn used(readings: &[f64]) -> Option<f64> {
        Count::of(readings.iter().copied(), false).map(|count| count.used)
    }

    fn blurred(readings: &[f64]) -> Option<f64> {
        Count::of(readings.iter().copied(), true).map(|count| count.used)
    }

    #[test]
    fn the_table_above() {
        assert_eq!(used(&[]), None);
        assert_eq!(used(&[5.0]), Some(5.0));
        assert_eq!(used(&[0.0]), Some(0.0));
        assert_eq!(used(&[5.0, 9.0]), Some(9.0));
        assert_eq!(used(&[5.0, 9.0, 2.0, 4.0]), Some(13.0));
        assert_eq!(used(&[5.0, 90.0]), Some(90.0));
        let count = Count::of([5.0, 9.0, 2.0, 4.0, 0.0], false).unwrap();
        assert_eq!((count.largest, count.resets), (9.0, 2));
    }

    #[test]
    fn a_mean_over_a_reset_is_no_boot() {
        // Ten a step until the reset, in the middle of the third.
        assert_eq!(blurred(&[1000.0, 1010.0, 510.0, 15.0, 25.0]), Some(1035.0));
        assert_eq!(used(&[1000.0, 1010.0, 510.0, 15.0, 25.0]), Some(1545.0));
        // The reset early in the third: little of what was before is in it.
        assert_eq!(blurred(&[1000.0, 1010.0, 12.0, 15.0]), Some(1025.0));
    }

    #[test]
    fn last_digits_are_no_reset() {
        let mean = 1_750_092_840_978_472.0;
        assert_eq!(used(&[mean, mean - 0.25, mean]), Some(mean));
    }

    #[test]
    fn what_is_no_reading_is_left_out() {
        assert_eq!(used(&[5.0, f64::NAN, -3.0, f64::INFINITY, 9.0]), Some(9.0));
        assert_eq!(used(&[f64::NAN]), None);
    }

    /// Boots, each with the growth from reading to reading.
    fn boots() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let growth = proptest::collection::vec(0u32..1_000_000, 1..20);
        proptest::collection::vec(growth, 1..6)
    }

    /// Readings of the boots one after another, with the truth.
    fn readings(boots: &[Vec<u32>]) -> (Vec<f64>, f64) {
        let mut readings = Vec::new();
        let mut truth = 0.0;
        for boot in boots {
            let mut counter = 0.0;
            for growth in boot {
                counter += f64::from(*growth);
                readings.push(counter);
            }
            truth += counter;
        }
        (readings, truth)
    }

    proptest! {
        #[test]
        fn never_more_than_was_used(boots in boots(), keep in proptest::collection::vec(any::<bool>(), 100)) {
            let (readings, truth) = readings(&boots);
            let kept = || readings.iter().zip(keep.iter().cycle()).filter(|(_, keep)| **keep);
            for blurred in [false, true] {
                if let Some(count) = Count::of(kept().map(|(reading, _)| *reading), blurred) {
                    prop_assert!(count.used <= truth);
                    prop_assert!(count.used >= count.largest);
                }
            }
        }

        #[test]
        fn gaps_within_a_boot_cost_nothing(boots in boots(), keep in proptest::collection::vec(any::<bool>(), 100)) {
            // Each boot starts lower than the one before ended, and of each the
            // first and the last reading are kept.
            let mut all = Vec::new();
            let mut some = Vec::new();
            for (at, boot) in boots.iter().enumerate() {
                let mut counter = 0.0;
                let mut of_boot = vec![0.0];
                for growth in boot {
                    counter += f64::from(*growth) + 1.0;
                    of_boot.push(counter);
                }
                let last = of_boot.len() - 1;
                for (n, reading) in of_boot.into_iter().enumerate() {
                    all.push(reading);
                    if n == 0 || n == last || keep[(at * 20 + n) % keep.len()] {
                        some.push(reading);
                    }
                }
            }
            let (_, truth) = readings(&boots);
            let grown = boots.iter().map(Vec::len).sum::<usize>() as f64;
            prop_assert_eq!(Count::of(all, false).unwrap().used, truth + grown);
            prop_assert_eq!(Count::of(some, false).unwrap().used, truth + grown);
        }

        #[test]
        fn more_time_never_takes_use_back(boots in boots()) {
            let (readings, _) = readings(&boots);
            let mut before = 0.0;
            for end in 1..=readings.len() {
                let count = Count::of(readings[..end].iter().copied(), false).unwrap();
                prop_assert!(count.used >= before);
                before = count.used;
            }
        }

        #[test]
        fn no_readings_break_it(readings in proptest::collection::vec(any::<f64>(), 0..50), blurred: bool) {
            if let Some(count) = Count::of(readings, blurred) {
                prop_assert!(count.used >= 0.0 && count.largest >= 0.0);
            }
        }
    }
}
