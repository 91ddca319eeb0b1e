//! The sizes of a server, one after the other.

use caso_model::usage::SizeSpan;

/// For how many seconds Nova may not have shown a resize that had ended.
const LATE: i64 = 3_600;

/// A server of size `before` is seen with `after`. Answers from when on it counts.
///
/// Nova moves `launched_at` to the end of a resize. Where that does not lie after
/// `reported`, the last moment that was reported with the old size, it is not the resize,
/// or the resize became visible late: then the new size counts from there. What was
/// reported once is never taken back, so that no cumulative number falls. A server that
/// grew a little while before cannot make one fall: its size counts from its boot.
pub(crate) fn change(
    sizes: &mut Vec<SizeSpan>,
    created: Option<i64>,
    reported: i64,
    launched: Option<i64>,
    (before, after): (u32, u32),
) {
    if sizes.is_empty() {
        sizes.push(SizeSpan {
            since: created.unwrap_or(reported).min(reported),
            vcpus: before,
        });
    }
    let last = sizes.last().map_or(reported, |last| last.since);
    let earliest = if after > before {
        reported.saturating_sub(LATE).max(last)
    } else {
        reported.max(last)
    };
    let otherwise = reported.max(last);
    let since = launched
        .filter(|launched| *launched >= earliest)
        .unwrap_or(otherwise);
    // Of two in one second the later one holds.
    if sizes.len() > 1 {
        sizes.pop_if(|last| last.since == since);
    }
    if sizes.last().is_none_or(|last| last.vcpus != after) {
        sizes.push(SizeSpan {
            since,
            vcpus: after,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(sizes: &[SizeSpan]) -> Vec<(i64, u32)> {
        sizes.iter().map(|span| (span.since, span.vcpus)).collect()
    }

    #[test]
    fn a_resize_counts_from_the_boot_that_ended_it() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 1_000, Some(1_500), (16, 2));
        assert_eq!(spans(&sizes), [(100, 16), (1_500, 2)]);
        change(&mut sizes, Some(100), 2_000, Some(2_900), (2, 8));
        assert_eq!(spans(&sizes), [(100, 16), (1_500, 2), (2_900, 8)]);
    }

    #[test]
    fn what_was_reported_stays() {
        // The boot lies before the last report: not the moment of this change.
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 1_000, Some(900), (16, 2));
        assert_eq!(spans(&sizes), [(100, 16), (1_000, 2)]);
        let mut unknown = Vec::new();
        change(&mut unknown, None, 1_000, None, (16, 2));
        assert_eq!(spans(&unknown), [(1_000, 16), (1_000, 2)]);
    }

    #[test]
    fn growth_that_became_visible_late_counts_from_its_boot() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 10_000, Some(9_100), (2, 16));
        assert_eq!(spans(&sizes), [(100, 2), (9_100, 16)]);
        let mut shrunk = Vec::new();
        change(&mut shrunk, Some(100), 10_000, Some(9_100), (16, 2));
        assert_eq!(spans(&shrunk), [(100, 16), (10_000, 2)]);
        // A boot of yesterday is not this resize.
        let mut old = Vec::new();
        change(&mut old, Some(100), 10_000, Some(5_000), (2, 16));
        assert_eq!(spans(&old), [(100, 2), (10_000, 16)]);
    }

    #[test]
    fn of_two_changes_in_a_second_the_later_holds() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 1_000, Some(1_500), (16, 2));
        change(&mut sizes, Some(100), 1_200, Some(1_500), (2, 4));
        assert_eq!(spans(&sizes), [(100, 16), (1_500, 4)]);
        change(&mut sizes, Some(100), 1_200, Some(1_500), (4, 16));
        assert_eq!(spans(&sizes), [(100, 16)]);
    }
}
