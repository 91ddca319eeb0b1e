//! The flavors of a server, one after the other.

use caso_model::usage::SizeSpan;
use serde::{Deserialize, Serialize};

use crate::sizes::{LATE, Size};

/// The flavor that a server had from some moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FlavorSpan {
    pub(crate) since: i64,
    pub(crate) flavor: String,
}

/// A server of flavor `before` is seen with `after`; notes from when on it had that one.
///
/// Nova moves `launched_at` to the end of a resize. Where that lies after `reported`, the last
/// moment that was reported with the old flavor, or a little before, since the resize became
/// visible late, it is the moment. Any other boot is not the resize, and the moment is `reported`.
pub(crate) fn change(
    flavors: &mut Vec<FlavorSpan>,
    created: Option<i64>,
    reported: i64,
    launched: Option<i64>,
    (before, after): (&str, &str),
) {
    let span = |since, flavor: &str| FlavorSpan {
        since,
        flavor: flavor.to_owned(),
    };
    let last = match flavors.last() {
        Some(last) => last.since,
        None => {
            let since = created.unwrap_or(reported).min(reported);
            flavors.push(span(since, before));
            since
        }
    };
    let earliest = reported.saturating_sub(LATE).max(last);
    let since = launched
        .filter(|launched| *launched >= earliest)
        .unwrap_or(reported.max(last));
    // Of two in one second the later one holds.
    if flavors.len() > 1 {
        flavors.pop_if(|last| last.since == since);
    }
    if flavors.last().is_none_or(|last| last.flavor != after) {
        flavors.push(span(since, after));
    }
}

/// Flavors that a server had at `since` or later, in epoch seconds; the present one is the last.
pub(crate) fn had(flavors: &[FlavorSpan], since: i64) -> impl Iterator<Item = &str> {
    let ended = flavors.iter().skip(1);
    let ended = ended.take_while(|next| next.since <= since).count();
    let had = flavors.iter().skip(ended);
    had.map(|span| span.flavor.as_str())
}

/// Sizes and flavors of a server as one story. `vcpus` are those of a server whose CPUs never
/// changed; where nobody knows them, there is no story.
pub(crate) fn together(
    sizes: &[Size],
    flavors: &[FlavorSpan],
    vcpus: Option<u32>,
) -> Vec<SizeSpan> {
    let whole = match (sizes.first(), flavors.first(), vcpus) {
        (None, Some(first), Some(vcpus)) => Some(Size {
            since: first.since,
            vcpus,
        }),
        _ => None,
    };
    let sizes = whole.as_ref().map_or(sizes, std::slice::from_ref);
    let Some((first, later)) = sizes.split_first() else {
        return Vec::new();
    };
    let (flavor, later_flavors) = match flavors.split_first() {
        Some((flavor, later)) => (Some(flavor), later),
        None => (None, flavors),
    };
    let mut moments: Vec<i64> = later.iter().map(|size| size.since).collect();
    moments.extend(later_flavors.iter().map(|span| span.since));
    moments.sort_unstable();
    moments.dedup();
    let span = |since, size: &Size, flavor: Option<&FlavorSpan>| SizeSpan {
        since,
        vcpus: size.vcpus,
        flavor_id: flavor.map(|span| span.flavor.clone()),
    };
    // The oldest one holds before its moment, too.
    let mut story = vec![span(first.since, first, flavor)];
    story.extend(moments.into_iter().map(|since| {
        let begun = later.iter().take_while(|size| size.since <= since);
        let flavors = later_flavors.iter().take_while(|span| span.since <= since);
        span(
            since,
            begun.last().unwrap_or(first),
            flavors.last().or(flavor),
        )
    }));
    story
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(steps: &[(i64, Option<i64>, &str, &str)]) -> Vec<(i64, String)> {
        let mut flavors = Vec::new();
        for (reported, launched, before, after) in steps {
            change(
                &mut flavors,
                Some(100),
                *reported,
                *launched,
                (before, after),
            );
        }
        flavors
            .into_iter()
            .map(|span| (span.since, span.flavor))
            .collect()
    }

    fn spans(spans: &[(i64, &str)]) -> Vec<(i64, String)> {
        spans
            .iter()
            .map(|(since, flavor)| (*since, (*flavor).to_owned()))
            .collect()
    }

    #[test]
    fn a_flavor_counts_from_the_boot_that_ended_the_resize() {
        let once = (10_000, Some(10_500), "a", "b");
        assert_eq!(changed(&[once]), spans(&[(100, "a"), (10_500, "b")]));
        // Visible late.
        let late = (10_000, Some(9_100), "a", "b");
        assert_eq!(changed(&[late]), spans(&[(100, "a"), (9_100, "b")]));
        // A boot of long ago is another one's, and so is none.
        for launched in [Some(5_000), None] {
            let other = (10_000, launched, "a", "b");
            assert_eq!(changed(&[other]), spans(&[(100, "a"), (10_000, "b")]));
        }
        let back = (20_000, Some(20_100), "b", "a");
        assert_eq!(
            changed(&[once, back]),
            spans(&[(100, "a"), (10_500, "b"), (20_100, "a")])
        );
    }

    #[test]
    fn of_two_changes_in_a_second_the_later_holds() {
        let once = (10_000, Some(10_500), "a", "b");
        let again = (10_200, Some(10_500), "b", "c");
        assert_eq!(changed(&[once, again]), spans(&[(100, "a"), (10_500, "c")]));
        let back = (10_200, Some(10_500), "b", "a");
        assert_eq!(changed(&[once, back]), spans(&[(100, "a")]));
    }

    #[test]
    fn sizes_and_flavors_become_one_story() {
        let size = |since, vcpus| Size { since, vcpus };
        let flavor = |since, flavor: &str| FlavorSpan {
            since,
            flavor: flavor.to_owned(),
        };
        let story = |sizes: &[Size], flavors: &[FlavorSpan], vcpus| -> Vec<(i64, u32, String)> {
            let story = together(sizes, flavors, vcpus).into_iter();
            story
                .map(|it| (it.since, it.vcpus, it.flavor_id.unwrap_or_default()))
                .collect()
        };
        let expect = |spans: &[(i64, u32, &str)]| -> Vec<(i64, u32, String)> {
            let spans = spans.iter();
            spans
                .map(|(since, vcpus, flavor)| (*since, *vcpus, (*flavor).to_owned()))
                .collect()
        };
        let flavors = [flavor(100, "a"), flavor(900, "b")];
        // The same CPUs all the time.
        assert_eq!(
            story(&[], &flavors, Some(4)),
            expect(&[(100, 4, "a"), (900, 4, "b")])
        );
        assert_eq!(story(&[], &flavors, None), expect(&[]));
        // At the same moment, and at others: one that shrank uses nothing for a while.
        let sizes = [size(100, 4), size(900, 2)];
        assert_eq!(
            story(&sizes, &flavors, Some(2)),
            expect(&[(100, 4, "a"), (900, 2, "b")])
        );
        let sizes = [size(100, 4), size(1_000, 0), size(1_200, 2)];
        assert_eq!(
            story(&sizes, &flavors, Some(2)),
            expect(&[
                (100, 4, "a"),
                (900, 4, "b"),
                (1_000, 0, "b"),
                (1_200, 2, "b")
            ])
        );
        // Of one whose beginning nobody knows: the first size and the second have one moment.
        let sizes = [size(900, 4), size(900, 2)];
        assert_eq!(
            story(&sizes, &flavors, Some(2)),
            expect(&[(900, 4, "a"), (900, 2, "b")])
        );
        assert_eq!(
            story(&sizes, &[], Some(2)),
            expect(&[(900, 4, ""), (900, 2, "")])
        );
    }

    #[test]
    fn what_it_had_since_a_moment() {
        let flavor = |since, flavor: &str| FlavorSpan {
            since,
            flavor: flavor.to_owned(),
        };
        let flavors = [flavor(100, "a"), flavor(900, "b"), flavor(1_500, "c")];
        let had = |since| had(&flavors, since).collect::<Vec<_>>().concat();
        assert_eq!(
            [had(0), had(899), had(900), had(2_000)],
            ["abc", "abc", "bc", "c"]
        );
    }
}
