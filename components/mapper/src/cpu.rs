//! The CPU time of a server: what was counted, or else its CPUs for as long as it had them.
//!
//! Nova says the present size alone. Taken for the whole life, a server that shrinks had used
//! less in total than it was reported to have, and APEL, which takes differences, books the
//! rest as negative. So the time is the sum over the sizes that the server was seen to have,
//! which never falls from one moment to the next.

use crate::counted;
use crate::lifetime::Reported;
use crate::usage::{Server, SizeSpan};
use caso_component::types::Window;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// CPU time, in seconds, from the start to `reported.until`; absent where neither a counter nor
/// the CPUs are known.
///
/// # Errors
/// When it is out of range.
pub fn seconds(
    server: &Server,
    vcpus: Option<u32>,
    reported: Reported,
    window: Window,
) -> Result<Option<u64>, String> {
    if let Some(counted) = counted::at(server, reported, window, |it| it.cpu_nanoseconds) {
        return Ok(Some(counted / NANOSECONDS_PER_SECOND));
    }
    let Some(vcpus) = vcpus else {
        return Ok(None);
    };
    let out_of_range = || {
        let wall = reported.seconds();
        format!(
            "server `{}`: the CPU time of {wall} s on {vcpus} CPUs is out of range",
            server.id
        )
    };
    let whole = [SizeSpan {
        since: reported.start,
        vcpus,
        attributes: Vec::new(),
    }];
    let sizes = if server.sizes.is_empty() {
        &whole
    } else {
        &server.sizes[..]
    };
    let mut sum: u64 = 0;
    let mut from = reported.start;
    let mut rest = sizes.iter().peekable();
    while let Some(size) = rest.next() {
        let to = rest
            .peek()
            .map_or(reported.until, |next| next.since.min(reported.until));
        let seconds = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        let used = seconds.checked_mul(u64::from(size.vcpus));
        sum = used
            .and_then(|used| sum.checked_add(used))
            .ok_or_else(out_of_range)?;
        from = from.max(to);
    }
    Ok(Some(sum))
}

/// The CPUs at a moment, where sizes were seen. The oldest one holds before it, too; and the
/// one after it where nothing is counted for a while, because more was reported than was used.
pub fn at(sizes: &[SizeSpan], moment: i64) -> Option<u32> {
    let begun = sizes.partition_point(|size| size.since <= moment);
    let (_, from) = sizes.split_at_checked(begun.saturating_sub(1))?;
    let counted = from.iter().find(|size| size.vcpus > 0);
    counted.or(from.first()).map(|size| size.vcpus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::usage::Counters;
    use proptest::prelude::*;

    fn until(until: i64) -> Reported {
        Reported {
            start: 1_000,
            end: None,
            until,
        }
    }

    fn sized(spans: &[(i64, u32)]) -> Server {
        let mut server = samples::server();
        let span = |(since, vcpus): &(i64, u32)| SizeSpan {
            since: *since,
            vcpus: *vcpus,
            attributes: Vec::new(),
        };
        server.sizes = spans.iter().map(span).collect();
        server
    }

    const WINDOW: Window = Window {
        start: 1_000,
        end: 10_000,
    };

    fn cpu(server: &Server, moment: i64) -> u64 {
        let seconds = seconds(server, Some(2), until(moment), WINDOW);
        seconds.unwrap().unwrap()
    }

    #[test]
    fn each_size_counts_for_its_time() {
        let server = sized(&[(1_200, 16), (2_000, 2), (3_000, 8)]);
        assert_eq!(cpu(&server, 1_500), 500 * 16);
        assert_eq!(cpu(&server, 2_500), 1_000 * 16 + 500 * 2);
        assert_eq!(cpu(&server, 3_001), 1_000 * 16 + 1_000 * 2 + 8);
        assert_eq!(at(&server.sizes, 900), Some(16));
        assert_eq!(at(&server.sizes, 2_000), Some(2));
        assert_eq!(at(&[], 2_000), None);
        let made_up = sized(&[(1_200, 16), (2_000, 0), (3_000, 2)]).sizes;
        assert_eq!(at(&made_up, 2_500), Some(2));
        assert_eq!(at(&made_up, 1_999), Some(16));
    }

    #[test]
    fn a_size_from_before_the_start_counts_from_the_start() {
        assert_eq!(cpu(&sized(&[(0, 4), (500, 2)]), 2_000), 1_000 * 2);
        assert_eq!(cpu(&sized(&[]), 2_000), 1_000 * 2);
    }

    #[test]
    fn between_two_readings_a_counter_grows_evenly() {
        let counters = |at, seconds: u64| {
            Some(Counters {
                cpu_nanoseconds: Some(seconds * NANOSECONDS_PER_SECOND),
                network_incoming_bytes: None,
                network_outgoing_bytes: None,
                measured_at: Some(at),
                attributes: Vec::new(),
            })
        };
        let mut server = sized(&[]);
        server.counters = counters(3_000, 100);
        // From nothing at the start.
        assert_eq!(cpu(&server, 2_000), 50);
        server.earlier_counters = counters(2_000, 90);
        assert_eq!(cpu(&server, 1_500), 90);
        assert_eq!(cpu(&server, 2_500), 95);
        assert_eq!(cpu(&server, 4_000), 100);
        // What ended is reported with its last reading.
        let ended = Reported {
            end: Some(2_500),
            ..until(2_500)
        };
        let last = seconds(&server, Some(2), ended, WINDOW);
        assert_eq!(last, Ok(Some(100)));
    }

    proptest! {
        #[test]
        fn it_never_falls_and_is_the_sum_of_every_second(
            mut since in proptest::collection::vec(0..5_000_i64, 0..6),
            vcpus in proptest::collection::vec(1..64_u32, 6),
            moments in proptest::collection::vec(1_000..6_000_i64, 2),
        ) {
            since.sort_unstable();
            let spans: Vec<_> = since.into_iter().zip(vcpus).collect();
            let server = sized(&spans);
            let truth = |moment: i64| -> u64 {
                (1_000..moment)
                    .map(|second| u64::from(at(&server.sizes, second).unwrap_or(2)))
                    .sum()
            };
            for moment in &moments {
                prop_assert_eq!(cpu(&server, *moment), truth(*moment));
            }
        }
    }
}
