//! Batches against a service that takes what the test wants.

use super::*;
use caso_component::records::RecordList;
use caso_component::samples;

/// Takes a request unless one of its records is `bad`.
#[derive(Default)]
struct Picky {
    bad: Vec<usize>,
    /// What it answers instead.
    verdict: Option<fn() -> Result<Verdict, Rest>>,
    taken: Vec<usize>,
    requests: Vec<usize>,
    each: Duration,
}

fn at_fault() -> Result<Verdict, Rest> {
    Ok(Verdict::AtFault {
        reason: "bad".into(),
        unless: None,
    })
}

fn unless() -> Result<Verdict, Rest> {
    Ok(Verdict::AtFault {
        reason: "bad".into(),
        unless: Some(Rest::retry(9, "away")),
    })
}

impl Service<()> for Picky {
    fn send(&mut self, records: &[Entry<()>]) -> Result<Verdict, Rest> {
        self.requests.push(records.len());
        if records.iter().any(|entry| self.bad.contains(&entry.index)) {
            return self.verdict.unwrap_or(at_fault)();
        }
        self.taken.extend(records.iter().map(|entry| entry.index));
        Ok(Verdict::Taken)
    }

    fn elapsed(&self) -> Duration {
        self.each * u32::try_from(self.requests.len()).unwrap()
    }
}

/// The records `sent` of a batch of `count`.
fn run(service: &mut Picky, count: usize, sent: &[usize], refused: &[usize]) -> Answer {
    let batch = samples::batch(RecordList::Cloud(vec![samples::cloud(); count]));
    let entry = |index: &usize| Entry {
        index: *index,
        bytes: 10,
        value: (),
    };
    let entries: Vec<Entry<()>> = sent.iter().map(entry).collect();
    let refused = refused
        .iter()
        .map(|index| Refusal::new(*index, "no such thing"));
    let most = Most {
        records: 100,
        bytes: 1_000,
    };
    deliver(&batch, &entries, refused.collect(), most, service)
}

fn all(service: &mut Picky, count: usize) -> Answer {
    run(service, count, &(0..count).collect::<Vec<_>>(), &[])
}

fn indices(answer: &Answer) -> Vec<usize> {
    let mut all: Vec<usize> = answer.refused.iter().map(|it| it.index as usize).collect();
    all.sort_unstable();
    all
}

#[test]
fn requests_are_as_large_as_they_may_be() {
    let mut service = Picky::default();
    let answer = all(&mut service, 250);
    assert_eq!((answer.accepted, answer.rest), (250, Rest::Done));
    assert_eq!(service.requests, [100, 100, 50]);
    assert_eq!(service.taken, (0..250).collect::<Vec<_>>());
}

#[test]
fn the_record_at_fault_is_refused_and_no_other() {
    for bad in [vec![0], vec![41], vec![99], vec![3, 4, 70], vec![0, 1, 2]] {
        for verdict in [at_fault, unless, || Ok(Verdict::Fewer("bad".into()))] {
            let mut service = Picky {
                bad: bad.clone(),
                verdict: Some(verdict),
                ..Picky::default()
            };
            let answer = all(&mut service, 100);
            assert_eq!((answer.accepted, &answer.rest), (100, &Rest::Done));
            assert_eq!(indices(&answer), bad);
            assert_eq!(service.taken.len(), 100 - bad.len());
            assert!(service.requests.len() < 20 * bad.len() + 10);
        }
    }
}

/// After an answer that was lost: nothing is tried twice that needs not be.
#[test]
fn what_the_service_has_is_passed_one_by_one() {
    struct Has(Vec<usize>, usize);
    impl Service<()> for Has {
        fn send(&mut self, records: &[Entry<()>]) -> Result<Verdict, Rest> {
            self.1 += 1;
            let known = records.iter().any(|entry| self.0.contains(&entry.index));
            match (known, records.len()) {
                (true, 1) => Ok(Verdict::Known),
                (true, _) => Ok(Verdict::Fewer("it has one of them".into())),
                (false, _) => Ok(Verdict::Taken),
            }
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }
    let mut service = Has((0..100).collect(), 0);
    let batch = samples::batch(RecordList::Cloud(vec![samples::cloud(); 200]));
    let entries: Vec<Entry<()>> = (0..200)
        .map(|index| Entry {
            index,
            bytes: 10,
            value: (),
        })
        .collect();
    let most = Most {
        records: 100,
        bytes: 10_000,
    };
    let answer = deliver(&batch, &entries, Vec::new(), most, &mut service);
    assert_eq!((answer.accepted, answer.rest), (200, Rest::Done));
    assert!(
        answer.refused.is_empty() && service.1 < 120,
        "{}",
        service.1
    );
}

#[test]
fn where_nothing_is_taken_it_is_not_the_records() {
    let nothing = |count: usize, verdict: fn() -> Result<Verdict, Rest>| {
        let mut service = Picky {
            bad: (0..count).collect(),
            verdict: Some(verdict),
            ..Picky::default()
        };
        all(&mut service, count)
    };
    let answer = nothing(100, at_fault);
    assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
    assert_eq!(
        answer.rest,
        Rest::Other("none of 5 records was taken: bad".into())
    );
    // Too few to tell: they would be offered for ever.
    let answer = nothing(4, at_fault);
    assert_eq!((answer.accepted, indices(&answer)), (4, vec![0, 1, 2, 3]));
    // Where it may be the service's fault, they wait.
    for count in [1, 4, 100] {
        let answer = nothing(count, unless);
        assert_eq!((answer.accepted, answer.refused.len()), (0, 0));
        assert_eq!(answer.rest, Rest::retry(9, "away"));
    }
}

#[test]
fn what_needs_no_delivery_and_what_has_no_form_are_dealt_with() {
    let mut service = Picky::default();
    let answer = run(&mut service, 5, &[1, 4], &[2]);
    assert_eq!((answer.accepted, indices(&answer)), (5, vec![2]));
    assert_eq!(service.taken, [1, 4]);
    // As far as the first that is not.
    let mut service = Picky {
        bad: vec![4],
        verdict: Some(|| Err(Rest::Other("stop".into()))),
        ..Picky::default()
    };
    let answer = run(&mut service, 5, &[4], &[2]);
    assert_eq!((answer.accepted, indices(&answer)), (4, vec![2]));
    assert_eq!(answer.rest, Rest::Other("stop".into()));
    assert_eq!(answer.attributes[0].value, "stop");
    let answer = run(&mut Picky::default(), 3, &[], &[]);
    assert_eq!((answer.accepted, answer.rest), (3, Rest::Done));
}

#[test]
fn a_stop_in_the_middle_leaves_the_rest() {
    let mut service = Picky {
        bad: vec![150],
        verdict: Some(|| Err(Rest::retry(30, "away"))),
        ..Picky::default()
    };
    let answer = all(&mut service, 250);
    assert_eq!(
        (answer.accepted, answer.rest),
        (100, Rest::retry(30, "away"))
    );
    let mut service = Picky {
        bad: (100..200).collect(),
        verdict: Some(|| Ok(Verdict::Refused("all of them".into()))),
        ..Picky::default()
    };
    let answer = all(&mut service, 250);
    assert_eq!(indices(&answer), (100..200).collect::<Vec<_>>());
    assert_eq!((answer.accepted, answer.rest), (250, Rest::Done));
}

#[test]
fn a_slow_service_gets_the_rest_in_another_call() {
    let mut service = Picky {
        each: Duration::from_secs(8),
        ..Picky::default()
    };
    let answer = all(&mut service, 1_000);
    assert_eq!(answer.accepted, 200);
    assert!(matches!(answer.rest, Rest::Retry(retry) if retry.after_seconds == 0));
    // However many requests it takes, it is fewer than the host allows.
    let mut service = Picky {
        bad: (0..1_000).step_by(2).collect(),
        ..Picky::default()
    };
    let answer = all(&mut service, 1_000);
    assert_eq!(service.requests.len(), REQUESTS);
    assert!(answer.accepted > 100 && answer.accepted < 1_000);
    assert!(matches!(answer.rest, Rest::Retry(retry) if retry.after_seconds == 0));
}
