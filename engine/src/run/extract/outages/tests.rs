//! The scheduling rule against services of a few lines, with random sets of
//! projects that fail.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

const NOVA: Suspect = Suspect::Service(Service::Compute);

/// A service: what it answered, and what it was asked.
#[derive(Default)]
struct Fake {
    away: AtomicBool,
    answers: AtomicU64,
    asked: AtomicU64,
}

impl Fake {
    fn away() -> Self {
        Fake {
            away: true.into(),
            ..Fake::default()
        }
    }

    fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Witness for Fake {
    fn answers(&self, _: Suspect) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    async fn is_there(&self, _: Suspect, _: &Scope) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let there = !self.away.load(Ordering::Relaxed);
        if there {
            self.answer();
        }
        there
    }
}

/// How a project fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Healthy,
    /// Nothing that it asks is answered.
    Silent,
    /// Some of it is answered, and its list is not.
    Late,
}

/// What came of a round of projects, several at a time: what is begun together
/// ends together.
struct Round {
    tried: BTreeSet<usize>,
    passed: Vec<usize>,
    troubles: Vec<Trouble>,
}

async fn round(
    outages: &Outages,
    fake: &Fake,
    projects: &[usize],
    at_a_time: usize,
    fate: impl Fn(usize) -> Fate,
) -> Round {
    let mut round = Round {
        tried: BTreeSet::new(),
        passed: Vec::new(),
        troubles: Vec::new(),
    };
    for together in projects.chunks(at_a_time) {
        let mut begun = Vec::new();
        for project in together {
            match outages.may_try(Extractor::Nova, fake).await {
                true => begun.push(*project),
                false => round.passed.push(*project),
            }
        }
        for project in begun {
            round.tried.insert(project);
            let fate = match fake.away.load(Ordering::Relaxed) {
                true => Fate::Silent,
                false => fate(project),
            };
            if fate != Fate::Silent {
                fake.answer();
            }
            if fate != Fate::Healthy {
                let scope = Scope::Project(project.to_string());
                let trouble = outages.note(Extractor::Nova, NOVA, scope, fake).await;
                round.troubles.push(trouble);
            }
        }
    }
    round
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![Just(Fate::Healthy), Just(Fate::Silent), Just(Fate::Late)];
    // Of one kind in long rows as well.
    let row = (fate, 1..12usize).prop_map(|(fate, count)| vec![fate; count]);
    prop::collection::vec(row, 1..12).prop_map(|rows| rows.concat())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

proptest! {
    /// Whichever projects fail, of a service that is there all are tried, and
    /// each failure is its project's.
    #[test]
    fn no_set_of_failing_projects_keeps_another_from_its_turn(
        fates in fates(),
        at_a_time in prop_oneof![Just(1usize), Just(2), Just(4)],
    ) {
        block_on(async {
            let (fake, outages) = (Fake::default(), Outages::of(&[Extractor::Nova]));
            let all: Vec<usize> = (0..fates.len()).collect();
            let round = round(&outages, &fake, &all, at_a_time, |n| fates[n]).await;
            assert_eq!(round.tried.len(), fates.len());
            for trouble in &round.troubles {
                assert!(!outages.is_outage(trouble, &fake).await);
            }
        });
    }

    /// One that is away costs the first few projects, and then questions that
    /// grow rarer; all its failures are its own.
    #[test]
    fn a_service_that_is_away_costs_little(
        count in 1..400usize,
        at_a_time in prop_oneof![Just(1usize), Just(2), Just(4)],
    ) {
        block_on(async {
            let (fake, outages) = (Fake::away(), Outages::of(&[Extractor::Nova]));
            let all: Vec<usize> = (0..count).collect();
            let round = round(&outages, &fake, &all, at_a_time, |_| Fate::Silent).await;
            assert!(round.tried.len() < ENOUGH + at_a_time);
            assert!(fake.asked() <= 1 + u64::from(count.ilog2()));
            let before = fake.asked();
            if !round.passed.is_empty() {
                assert!(!outages.is_back(Extractor::Nova, &fake).await);
            }
            for trouble in &round.troubles {
                assert!(outages.is_outage(trouble, &fake).await);
            }
            assert_eq!(fake.asked(), before + 1, "once at the end");
        });
    }

    /// One that comes back, whenever that is, has all projects tried that found
    /// it there, or were passed over.
    #[test]
    fn after_an_outage_those_that_were_passed_over_have_their_turn(
        before in 0..20usize,
        during in 0..60usize,
        after in 0..20usize,
        at_a_time in prop_oneof![Just(1usize), Just(2), Just(4)],
    ) {
        block_on(async {
            let (fake, outages) = (Fake::default(), Outages::of(&[Extractor::Nova]));
            let all: Vec<usize> = (0..before + during + after).collect();
            let (first, rest) = all.split_at(before);
            let (second, third) = rest.split_at(during);
            round(&outages, &fake, first, at_a_time, |_| Fate::Healthy).await;
            fake.away.store(true, Ordering::Relaxed);
            let mut passed = round(&outages, &fake, second, at_a_time, |_| Fate::Healthy).await.passed;
            fake.away.store(false, Ordering::Relaxed);
            let last = round(&outages, &fake, third, at_a_time, |_| Fate::Healthy).await;
            passed.extend(last.passed);
            if !passed.is_empty() {
                assert!(outages.is_back(Extractor::Nova, &fake).await);
            }
            let again = round(&outages, &fake, &passed, at_a_time, |_| Fate::Healthy).await;
            assert_eq!(again.tried.len(), passed.len());
        });
    }
}

#[test]
fn each_service_counts_alone() {
    block_on(async {
        let fake = Fake::away();
        let outages = Outages::of(&[Extractor::Nova, Extractor::Cinder]);
        for _ in 0..ENOUGH {
            let scope = Scope::Unscoped;
            outages.note(Extractor::Cinder, NOVA, scope, &fake).await;
        }
        assert!(!outages.may_try(Extractor::Cinder, &fake).await);
        assert!(outages.may_try(Extractor::Nova, &fake).await);
    });
}

/// Nova and Keystone by turns: neither is away for three projects in a row.
#[test]
fn a_row_is_of_one_service() {
    block_on(async {
        let fake = Fake::away();
        let outages = Outages::of(&[Extractor::Nova]);
        let keystone = Suspect::Service(Service::Identity);
        for suspect in [NOVA, NOVA, keystone, keystone, NOVA, NOVA] {
            let scope = Scope::Unscoped;
            outages.note(Extractor::Nova, suspect, scope, &fake).await;
            assert!(outages.may_try(Extractor::Nova, &fake).await);
        }
        assert_eq!(fake.asked(), 0);
    });
}
