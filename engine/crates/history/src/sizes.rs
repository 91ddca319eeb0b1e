//! The sizes of a server, one after the other.

use caso_model::usage::SizeSpan;

/// A server of size `before` is seen with `after`. Answers from when on it counts.
///
/// Nova moves `launched_at` to the end of a resize. Where that does not lie after
/// `reported`, the last moment that was reported with the old size, it cannot be
/// the resize: then the new size counts from there. What was reported once is
/// never taken back, so that no cumulative number falls.
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
    let earliest = reported.max(last);
    let since = launched.unwrap_or(earliest).max(earliest);
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
    fn of_two_changes_in_a_second_the_later_holds() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 1_000, Some(1_500), (16, 2));
        change(&mut sizes, Some(100), 1_200, Some(1_500), (2, 4));
        assert_eq!(spans(&sizes), [(100, 16), (1_500, 4)]);
        change(&mut sizes, Some(100), 1_200, Some(1_500), (4, 16));
        assert_eq!(spans(&sizes), [(100, 16)]);
    }
}
