//! The sizes of a server, one after the other.

use serde::{Deserialize, Serialize};

/// For how many seconds Nova may not have shown a resize that had ended.
pub(crate) const LATE: i64 = 3_600;

/// The CPUs that a server had from some moment on, in epoch seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) since: i64,
    pub(crate) vcpus: u32,
}

/// A server of size `before` is seen with `after`; notes from when on it counts.
///
/// Nova moves `launched_at` to the end of a resize. Where that lies after `reported`, the last
/// moment that was reported with the old size, the new size counts from there. Where it lies a
/// little before, the resize became visible late. A server that had grown is then short of
/// what it used, and its size counts from its boot. One that had shrunk was reported to have used
/// more than it did, and what was reported once is never taken back, so that no cumulative number
/// falls: it uses nothing more, by a size of 0, until the excess is made up for. Any other boot is
/// not the resize, and the new size counts from `reported`.
pub(crate) fn change(
    sizes: &mut Vec<Size>,
    created: Option<i64>,
    reported: i64,
    launched: Option<i64>,
    (before, after): (u32, u32),
) {
    if sizes.is_empty() {
        sizes.push(Size {
            since: created.unwrap_or(reported).min(reported),
            vcpus: before,
        });
    }
    let last = sizes.get(first_to_make_up(sizes).unwrap_or(sizes.len() - 1));
    let last = last.map_or(reported, |last| last.since);
    let earliest = reported.saturating_sub(LATE).max(last);
    let late = launched.filter(|launched| (earliest..reported).contains(launched));
    let since = match late {
        Some(boot) if after > before => boot,
        Some(_) => reported,
        None => launched.unwrap_or(reported).max(reported).max(last),
    };
    let mut excess = take_excess(sizes, since);
    if let Some(boot) = late.filter(|_| after < before) {
        excess += (reported - boot) * i64::from(before - after);
    }
    // Of two in one second the later one holds.
    if sizes.len() > 1 {
        sizes.pop_if(|last| last.since == since);
    }
    make_up(sizes, since, excess, after);
}

/// Where the spans begin by which an excess is made up for before the last size, see
/// [`make_up`].
fn first_to_make_up(sizes: &[Size]) -> Option<usize> {
    match sizes {
        [.., nothing, _] if nothing.vcpus == 0 => Some(sizes.len() - 2),
        [.., nothing, less, then] if nothing.vcpus == 0 && less.since + 1 == then.since => {
            Some(sizes.len() - 3)
        }
        _ => None,
    }
}

/// CPU seconds that were reported in excess and are not made up for at that moment; what
/// would do so from there on is taken away.
fn take_excess(sizes: &mut Vec<Size>, moment: i64) -> i64 {
    let (Some(first), Some(last)) = (first_to_make_up(sizes), sizes.last().copied()) else {
        return 0;
    };
    let mut excess = 0;
    let mut end = last.since;
    while end > moment && sizes.len() > first + 1 {
        sizes.pop();
        let Some(span) = sizes.last() else { break };
        let seconds = (end - span.since.max(moment)).max(0);
        excess += seconds * (i64::from(last.vcpus) - i64::from(span.vcpus));
        end = span.since;
    }
    excess
}

/// CPU seconds of these sizes between two moments; the oldest one holds before, too.
pub(crate) fn used(sizes: &[Size], from: i64, to: i64) -> u64 {
    let ends = sizes.iter().skip(1).map(|span| span.since);
    let mut from = from;
    let mut sum: u64 = 0;
    for (span, end) in sizes.iter().zip(ends.chain([to])) {
        let end = end.min(to);
        let seconds = u64::try_from(end.saturating_sub(from)).unwrap_or(0);
        sum = sum.saturating_add(seconds.saturating_mul(u64::from(span.vcpus)));
        from = from.max(end);
    }
    sum
}

/// A size from a moment on, which first makes up for CPU seconds reported in excess: that
/// long nothing is used, and in one more second as much less as remains.
fn make_up(sizes: &mut Vec<Size>, moment: i64, excess: i64, vcpus: u32) {
    let mut push = |since, vcpus| {
        if sizes.last().is_none_or(|last| last.vcpus != vcpus) {
            sizes.push(Size { since, vcpus });
        }
    };
    let size = i64::from(vcpus);
    let (whole, rest) = match size {
        0 => (0, 0),
        _ => (excess / size, excess % size),
    };
    if whole > 0 {
        push(moment, 0);
    }
    let moment = moment + whole;
    if rest > 0 {
        push(moment, u32::try_from(size - rest).unwrap_or(vcpus));
    }
    push(moment + i64::from(rest > 0), vcpus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(sizes: &[Size]) -> Vec<(i64, u32)> {
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
        // The boot lies long before the last report: not the moment of this change.
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 9_000, Some(900), (16, 2));
        assert_eq!(spans(&sizes), [(100, 16), (9_000, 2)]);
        let mut unknown = Vec::new();
        change(&mut unknown, None, 1_000, None, (16, 2));
        assert_eq!(spans(&unknown), [(1_000, 16), (1_000, 2)]);
    }

    #[test]
    fn growth_that_became_visible_late_counts_from_its_boot() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 10_000, Some(9_100), (2, 16));
        assert_eq!(spans(&sizes), [(100, 2), (9_100, 16)]);
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

    #[test]
    fn what_was_reported_in_excess_is_made_up_for_and_never_taken_back() {
        // From 16 to 3 at 9,100, and seen after 10,000.
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 10_000, Some(9_100), (16, 3));
        let right = |moment: u64| 9_000 * 16 + (moment - 9_100) * 3;
        let reported = 9_900 * 16;
        let mut last = reported;
        for moment in 10_000..15_000 {
            let now = used(&sizes, 100, moment as i64);
            assert_eq!(now, right(moment).max(reported), "at {moment}");
            assert!(now >= last);
            last = now;
        }
        // It grows before all of it is made up for.
        let before = sizes.clone();
        change(&mut sizes, Some(100), 11_000, Some(11_500), (3, 8));
        let right = |moment: u64| right(11_500) + (moment - 11_500) * 8;
        for moment in 11_500..15_000 {
            assert_eq!(
                used(&sizes, 100, moment as i64),
                right(moment).max(reported),
                "at {moment}"
            );
        }
        assert_eq!(used(&sizes, 100, 11_400), used(&before, 100, 11_400));
        // And shrinks to nothing, which makes up for nothing.
        change(&mut sizes, Some(100), 12_000, Some(11_900), (8, 0));
        assert_eq!(used(&sizes, 100, 20_000), used(&sizes, 100, 12_000));
    }

    #[test]
    fn an_excess_that_the_size_divides_leaves_no_second_of_less() {
        let mut sizes = Vec::new();
        change(&mut sizes, Some(100), 1_000, Some(900), (16, 2));
        assert_eq!(spans(&sizes), [(100, 16), (1_000, 0), (1_700, 2)]);
    }
}
