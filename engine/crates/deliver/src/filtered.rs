//! Filters between the journal and a messenger: what they change or leave out is changed or
//! left out for this messenger alone, and the journal stays what it is.
//!
//! Nothing goes by a filter. Where one fails, or answers what it may not, the delivery fails
//! as it does where the host cannot do its part: no record is at fault, none is quarantined,
//! all of them wait for the next run.

use std::mem::take;

use caso_journal::RecordKind;
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{
    Answer, Batch, BoxFuture, FailureKind, Filter, GuestFailure, Messenger, Refusal, Rest, Verdict,
};
use caso_model::record::AccountingRecord;

/// A messenger behind filters, the first one next to the journal.
pub struct Filtered {
    filters: Vec<Box<dyn Filter>>,
    messenger: Box<dyn Messenger>,
    /// Stands behind a batch's id: of other filters the same batch has other records.
    mark: String,
}

impl Filtered {
    /// `mark` is another one for other filters, and for the same ones with other options.
    pub fn new(
        filters: Vec<Box<dyn Filter>>,
        messenger: Box<dyn Messenger>,
        mark: impl Into<String>,
    ) -> Self {
        Self {
            filters,
            messenger,
            mark: mark.into(),
        }
    }

    async fn attempt(&mut self, offered: &Batch<'_>) -> Result<CheckedAnswer, GuestFailure> {
        let mut passed = Passed::all(offered);
        passed.batch.id = format!("{}.{}", offered.id, self.mark);
        for filter in &mut self.filters {
            if passed.batch.records.is_empty() {
                break;
            }
            let verdicts = filter.filter(&passed.batch).await.map_err(at_the_filter)?;
            passed.apply(verdicts);
        }
        let count = offered.records.len();
        let answer = match passed.batch.records.is_empty() {
            true => Answer {
                accepted: u32::try_from(count).unwrap_or(u32::MAX),
                refused: Vec::new(),
                rest: Rest::Done,
                attributes: Vec::new(),
            },
            false => {
                let answer = self.messenger.deliver(&passed.batch).await?;
                passed.translated(answer.into_inner(), count)
            }
        };
        CheckedAnswer::with_dropped(answer, take(&mut passed.dropped), count).map_err(|problem| {
            let (name, problem) = (&offered.instance, problem.to_string());
            GuestFailure::seen_by_host(name, name, "deliver", FailureKind::Contract, problem)
        })
    }
}

/// A filter's failure is no record's, and not the messenger's.
fn at_the_filter(failure: GuestFailure) -> GuestFailure {
    GuestFailure {
        kind: FailureKind::Host,
        detail: format!("as filter `{}`: {}", failure.instance, failure.detail),
        instance: failure.component.clone(),
        ..failure
    }
}

/// What is left of a batch.
struct Passed<'a> {
    batch: Batch<'a>,
    /// Of each record in it, the index in the batch that was offered.
    places: Vec<u32>,
    dropped: Vec<Refusal>,
}

impl<'a> Passed<'a> {
    fn all(offered: &'a Batch<'_>) -> Self {
        let count = u32::try_from(offered.records.len()).unwrap_or(u32::MAX);
        Self {
            batch: offered.clone(),
            places: (0..count).collect(),
            dropped: Vec::new(),
        }
    }

    /// There is a verdict for each record, and one that is replaced has its type.
    fn apply(&mut self, verdicts: Vec<Verdict>) {
        let none = self.batch.records.none();
        let records = std::mem::replace(&mut self.batch.records, none).into_records();
        let origins = take(&mut self.batch.origin_of);
        let places = take(&mut self.places);
        let mut kept: Vec<AccountingRecord> = Vec::new();
        for (((record, origin), place), verdict) in
            records.into_iter().zip(origins).zip(places).zip(verdicts)
        {
            let record = match verdict {
                Verdict::Keep => record,
                Verdict::Replace(other) => *other,
                Verdict::Drop(reason) => {
                    self.dropped.push(Refusal {
                        index: place,
                        reason,
                    });
                    continue;
                }
            };
            kept.push(record);
            self.batch.origin_of.push(origin);
            self.places.push(place);
        }
        if let Some(first) = kept.first() {
            self.batch.records = RecordKind::of(first).list(kept.iter()).into_owned();
        }
    }

    /// The messenger's answer, of the records that were offered. What was dropped between
    /// those that it accepted is dealt with, too.
    fn translated(&self, answer: Answer, offered: usize) -> Answer {
        let place = |index: u32| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            self.places.get(index).copied()
        };
        let all = u32::try_from(offered).unwrap_or(u32::MAX);
        let refused = answer.refused.into_iter();
        Answer {
            // As far as the first record that it left.
            accepted: place(answer.accepted).unwrap_or(all),
            refused: refused
                .filter_map(|refusal| {
                    Some(Refusal {
                        index: place(refusal.index)?,
                        reason: refusal.reason,
                    })
                })
                .collect(),
            rest: answer.rest,
            attributes: answer.attributes,
        }
    }
}

impl Messenger for Filtered {
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        Box::pin(self.attempt(batch))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;
    use caso_model::record::{CloudRecord, RecordList};

    /// Answers by the first letter of a VM's name: `k`eep, `d`rop, `r`eplace; fails on `x`.
    struct ByName;

    impl Filter for ByName {
        fn filter<'a>(
            &'a mut self,
            batch: &'a Batch<'_>,
        ) -> BoxFuture<'a, Result<Vec<Verdict>, GuestFailure>> {
            let verdict = |record: AccountingRecord| {
                let AccountingRecord::Cloud(vm) = record else {
                    panic!("VMs alone");
                };
                Some(match vm.vm_uuid.as_bytes()[0] {
                    b'k' => Verdict::Keep,
                    b'd' => Verdict::Drop(format!("no {}", vm.vm_uuid)),
                    b'r' => Verdict::Replace(Box::new(AccountingRecord::Cloud(CloudRecord {
                        vm_uuid: "hidden".to_owned(),
                        ..vm
                    }))),
                    _ => return None,
                })
            };
            let records = batch.records.clone().into_records().into_iter();
            let verdicts: Option<Vec<Verdict>> = records.map(verdict).collect();
            let verdicts = verdicts.ok_or_else(|| failure(FailureKind::Trap));
            Box::pin(std::future::ready(verdicts))
        }
    }

    fn failure(kind: FailureKind) -> GuestFailure {
        GuestFailure::seen_by_host("c", "i", "filter", kind, "d")
    }

    type Seen = Arc<Mutex<Vec<(String, Vec<String>, Vec<u32>)>>>;

    /// Answers what it was told, and keeps what it saw.
    struct Told(Answer, Seen);

    impl Messenger for Told {
        fn deliver<'a>(
            &'a mut self,
            batch: &'a Batch<'_>,
        ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
            let RecordList::Cloud(vms) = &batch.records else {
                panic!("VMs alone");
            };
            let names = vms.iter().map(|vm| vm.vm_uuid.clone()).collect();
            let seen = (batch.id.clone(), names, batch.origin_of.clone());
            self.1.lock().unwrap().push(seen);
            let answer = CheckedAnswer::new(self.0.clone(), batch.records.len()).unwrap();
            Box::pin(std::future::ready(Ok(answer)))
        }
    }

    fn batch(names: &[&str]) -> Batch<'static> {
        let vm = |name: &&str| CloudRecord {
            vm_uuid: (*name).to_owned(),
            ..CloudRecord::default()
        };
        Batch {
            id: "b".to_owned(),
            attempt: 1,
            instance: "mine".to_owned(),
            record_type: "cloud".to_owned(),
            origins: Vec::new(),
            origin_of: (0..names.len())
                .map(|at| u32::try_from(at).unwrap())
                .collect(),
            records: names.iter().map(vm).collect::<Vec<_>>().into(),
            now: 0,
            time_left: Duration::ZERO,
            attributes: Vec::new(),
        }
    }

    fn answer(accepted: u32, refused: &[u32], rest: Rest) -> Answer {
        let refused = refused.iter().map(|index| Refusal {
            index: *index,
            reason: "r".to_owned(),
        });
        Answer {
            accepted,
            refused: refused.collect(),
            rest,
            attributes: Vec::new(),
        }
    }

    fn run(
        names: &[&str],
        filters: usize,
        told: Answer,
    ) -> (Result<CheckedAnswer, GuestFailure>, Seen) {
        let seen = Seen::default();
        let filters = (0..filters).map(|_| Box::new(ByName) as Box<dyn Filter>);
        let messenger = Box::new(Told(told, Arc::clone(&seen)));
        let mut filtered = Filtered::new(filters.collect(), messenger, "m");
        let batch = batch(names);
        let answered = futures_util::FutureExt::now_or_never(filtered.deliver(&batch)).unwrap();
        (answered, seen)
    }

    fn dealt(answer: &CheckedAnswer) -> (u32, Vec<u32>, Vec<u32>) {
        let indices = |list: &[Refusal]| list.iter().map(|refusal| refusal.index).collect();
        (
            answer.accepted,
            indices(&answer.refused),
            indices(answer.dropped()),
        )
    }

    #[test]
    fn the_messenger_sees_what_is_left_and_its_answer_is_of_what_was_offered() {
        let names = ["d1", "k1", "d2", "r1", "k2"];
        let (answered, seen) = run(&names, 1, answer(3, &[1], Rest::Done));
        let answered = answered.unwrap();
        assert_eq!(dealt(&answered), (5, vec![3], vec![0, 2]));
        assert_eq!(answered.rest, Rest::Done);
        assert_eq!(
            *seen.lock().unwrap(),
            [(
                "b.m".to_owned(),
                vec!["k1".to_owned(), "hidden".to_owned(), "k2".to_owned()],
                vec![1, 3, 4]
            )]
        );
        assert_eq!(answered.dropped()[0].reason, "no d1");
    }

    #[test]
    fn what_it_leaves_is_left() {
        let names = ["k1", "d1", "k2", "d2"];
        let wait = || Rest::Other("later".to_owned());
        // Nothing of it: what was dropped is dropped all the same.
        let (answered, _) = run(&names, 1, answer(0, &[], wait()));
        assert_eq!(dealt(&answered.unwrap()), (0, vec![], vec![1, 3]));
        // As far as the second one, and what was dropped before that.
        let (answered, _) = run(&names, 1, answer(1, &[], wait()));
        assert_eq!(dealt(&answered.unwrap()), (2, vec![], vec![1, 3]));
    }

    #[test]
    fn where_nothing_is_left_the_messenger_is_not_asked() {
        let (answered, seen) = run(&["d1", "d2"], 2, answer(0, &[], Rest::Done));
        assert_eq!(dealt(&answered.unwrap()), (2, vec![], vec![0, 1]));
        assert!(seen.lock().unwrap().is_empty());
    }

    /// A refusal behind a dropped one, and done: nothing is left.
    #[test]
    fn done_is_done_with_what_was_dropped_in_between() {
        let (answered, _) = run(&["k1", "d1", "k2"], 1, answer(1, &[1], Rest::Done));
        let answered = answered.unwrap();
        assert_eq!(answered.rest, Rest::Done);
        assert_eq!(dealt(&answered), (2, vec![2], vec![1]));
    }

    #[test]
    fn nothing_goes_by_a_filter_that_fails() {
        let (answered, seen) = run(&["k1", "x1"], 1, answer(2, &[], Rest::Done));
        let failure = answered.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Host);
        assert_eq!(
            failure.to_string(),
            "component `c` failed in `filter`: as filter `i`: d"
        );
        assert!(seen.lock().unwrap().is_empty());
    }
}
