//! Whatever a messenger answers, in whatever order: no record is lost, none
//! is delivered after its successor, and the order is kept.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::support::*;
use crate::*;
use caso_model::guest::*;

/// What a messenger does when it is asked.
#[derive(Debug, Clone)]
enum Mood {
    All,
    /// Accepts a share of the records and refuses some, with a word on the rest.
    Some(u8, Vec<u8>, u8),
    Fails(u8),
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        3 => Just(Mood::All),
        3 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..3), 0u8..6)
            .prop_map(|(share, refused, rest)| Mood::Some(share, refused, rest)),
        2 => (0u8..7).prop_map(Mood::Fails),
    ]
}

impl Mood {
    fn answer(&self, count: usize) -> Result<Answer, GuestFailure> {
        match self {
            Mood::All => Ok(answer(count, &[], Rest::Done)),
            Mood::Some(share, refused, rest) => {
                let accepted = usize::from(*share) * (count + 1) / 256;
                let refused: BTreeSet<u32> = refused
                    .iter()
                    .map(|at| u32::from(*at) % count as u32)
                    .collect();
                let refused: Vec<u32> = refused.into_iter().collect();
                let rest = match rest {
                    0 => Rest::Done,
                    1 => again(0),
                    2 => again(60),
                    3 => Rest::TooLarge,
                    4 => Rest::Misconfigured("x".into()),
                    _ => Rest::Other("y".into()),
                };
                Ok(answer(accepted, &refused, rest))
            }
            Mood::Fails(kind) => Err(failure(match kind {
                0 => FailureKind::Trap,
                1 => FailureKind::Memory,
                2 => FailureKind::Deadline,
                3 => FailureKind::Contract,
                4 => FailureKind::Start,
                5 => FailureKind::Host,
                _ => FailureKind::Room,
            })),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_answer_loses_a_record(
        runs in prop::collection::vec((0usize..12, prop::collection::vec(mood(), 0..12)), 1..6),
        bad in prop::collection::btree_set(0usize..40, 0..5),
    ) {
        let site = Site::new(&["m"]);
        let sink = Sink::default();
        let bad: BTreeSet<String> = bad.into_iter().map(|at| format!("{at:03}")).collect();
        let mut made = Vec::new();
        for (records, moods) in runs {
            let first = made.len();
            made.extend((first..first + records).map(|at| format!("{at:03}")));
            let new: Vec<&str> = made[first..].iter().map(String::as_str).collect();
            if !new.is_empty() {
                site.extract(&new);
            }
            let mut moods = moods.into_iter();
            let bad = bad.clone();
            site.deliver(vec![sink.messenger("m", move |records| {
                if records.iter().any(|record| bad.contains(&record.head().id)) {
                    return Err(failure(FailureKind::Trap));
                }
                moods.next().unwrap_or(Mood::All).answer(records.len())
            })]);
        }
        // A good one at the end, so that the last bad one can be told from it.
        site.extract(&["end"]);
        let reports = site.deliver(vec![sink.poisoned(
            "m",
            &bad.iter().map(String::as_str).collect::<Vec<_>>(),
        )]);
        let quarantined: BTreeSet<String> = site.quarantined_ids("m").into_iter().collect();
        let got = sink.ids();
        let delivered: BTreeSet<String> = got.iter().cloned().collect();
        if reports[0].outcome.is_complete() {
            for id in &made {
                // Both, where it was proof against a suspect before it and was
                // refused in its turn.
                let (here, there) = (delivered.contains(id), quarantined.contains(id));
                let right = if bad.contains(id) { there && !here } else { here || there };
                prop_assert!(right, "{id}: {delivered:?} {quarantined:?}");
            }
            prop_assert_eq!(reports[0].waiting, 0);
            prop_assert_eq!(site.files("segments"), [""; 0]);
        } else {
            // Only a cluster at the end of a batch looks like a broken messenger.
            prop_assert!(matches!(reports[0].outcome, Ending::Broken(_)), "{}", reports[0].outcome);
            prop_assert!(bad.len() >= 3);
            let gone = delivered.union(&quarantined).count() as u64;
            prop_assert_eq!(reports[0].waiting, made.len() as u64 + 1 - gone);
        }
        // What came last of each came in order: one that was a proof before
        // its turn came again in it.
        let mut last: Vec<String> = Vec::new();
        for id in got.into_iter().rev() {
            if !quarantined.contains(&id) && !last.contains(&id) {
                last.push(id);
            }
        }
        last.reverse();
        let mut sorted = last.clone();
        sorted.sort();
        prop_assert_eq!(last, sorted);
    }
}
