//! A site of its own for each test: a spool, a clock that a test turns, and
//! messengers of a few lines.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::*;
use caso_journal::Journal;
use caso_model::answer::CheckedAnswer;
use caso_model::guest::*;
use caso_model::record::*;

pub use caso_base::Clock;

#[path = "../../../journal/src/tests/site.rs"]
mod site;

pub use self::site::{cloud, ip, key, mapper, other, usage};

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

/// A delivery when everything is extracted.
pub async fn deliver(
    journal: &Journal,
    instances: Vec<Instance>,
    budget: Duration,
    clock: Arc<dyn Clock>,
    cancel: watch::Receiver<bool>,
) -> Delivery {
    begin(journal, instances, budget, clock, cancel).end().await
}

/// Time passes only where somebody waits.
#[derive(Default)]
pub struct TestClock {
    milliseconds: AtomicU64,
}

impl TestClock {
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.milliseconds.load(Ordering::SeqCst))
    }

    pub fn pass(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap();
        self.milliseconds.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        1_795_280_273
    }

    fn monotonic(&self) -> Duration {
        self.waited()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Tasks that can go on without waiting do so first.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.pass(duration);
        })
    }
}

/// The journal's site, with a clock.
pub struct Site {
    site: site::Site,
    pub clock: Arc<TestClock>,
}

impl Deref for Site {
    type Target = site::Site;

    fn deref(&self) -> &site::Site {
        &self.site
    }
}

impl Site {
    pub fn new(messengers: &[&str]) -> Site {
        Site {
            site: site::Site::new(messengers),
            clock: Arc::new(TestClock::default()),
        }
    }

    /// A run that delivers, with an hour for it.
    pub fn deliver(&self, instances: Vec<Instance>) -> Vec<InstanceReport> {
        self.deliver_within(Duration::from_secs(3600), instances)
    }

    pub fn deliver_within(
        &self,
        budget: Duration,
        instances: Vec<Instance>,
    ) -> Vec<InstanceReport> {
        let (journal, _) = self.open();
        self.deliver_from(&journal, budget, instances).instances
    }

    pub fn deliver_from(
        &self,
        journal: &Journal,
        budget: Duration,
        instances: Vec<Instance>,
    ) -> Delivery {
        let (_keep, cancel) = watch::channel(false);
        let clock = self.clock.clone();
        block_on(deliver(journal, instances, budget, clock, cancel))
    }
}

/// What a consumer got, and what was offered.
#[derive(Clone, Default)]
pub struct Sink {
    pub got: Arc<Mutex<Vec<AccountingRecord>>>,
    pub offers: Arc<Mutex<Vec<Offered>>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    pub id: String,
    pub attempt: u32,
    pub record_type: String,
    pub records: Vec<String>,
    /// The project of each, by its origin.
    pub projects: Vec<String>,
    /// How often an origin stands in the batch.
    pub origins: usize,
    pub time_left: Duration,
}

impl Sink {
    pub fn ids(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter().map(|record| record.head().id.clone()).collect()
    }

    pub fn offered(&self) -> Vec<Offered> {
        self.offers.lock().unwrap().clone()
    }

    pub fn take(&self, records: &[AccountingRecord]) {
        self.got.lock().unwrap().extend_from_slice(records);
    }

    /// A messenger with one rule: what it answers to these records.
    pub fn messenger<F>(&self, name: &str, rule: F) -> Instance
    where
        F: FnMut(&[AccountingRecord]) -> Result<Answer, GuestFailure> + Send + 'static,
    {
        Instance {
            name: name.into(),
            record_types: None,
            component_types: None,
            packing_unit: None,
            beside: true,
            messenger: Box::new(Ruled {
                sink: self.clone(),
                rule,
            }),
        }
    }

    /// Takes everything.
    pub fn healthy(&self, name: &str) -> Instance {
        self.messenger(name, |records| Ok(all(records)))
    }

    /// Traps on any batch that has one of these.
    pub fn poisoned(&self, name: &str, bad: &[&str]) -> Instance {
        let bad: BTreeSet<String> = bad.iter().map(|id| (*id).to_owned()).collect();
        self.messenger(name, move |records| {
            if records.iter().any(|r| bad.contains(&r.head().id)) {
                return Err(failure(FailureKind::Trap));
            }
            Ok(all(records))
        })
    }
}

struct Ruled<F> {
    sink: Sink,
    rule: F,
}

impl<F> Messenger for Ruled<F>
where
    F: FnMut(&[AccountingRecord]) -> Result<Answer, GuestFailure> + Send,
{
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        let records = records(&batch.records);
        holds(&self.sink.offered(), batch, &records);
        self.sink.offers.lock().unwrap().push(Offered {
            id: batch.id.clone(),
            attempt: batch.attempt,
            record_type: batch.record_type.clone(),
            records: records.iter().map(|r| r.head().id.clone()).collect(),
            projects: batch
                .origin_of
                .iter()
                .map(|at| batch.origins[*at as usize].project_id.clone())
                .collect(),
            origins: batch.origins.len(),
            time_left: batch.time_left,
        });
        let answer = (self.rule)(&records);
        if let Ok(answer) = &answer {
            let refused: BTreeSet<usize> =
                answer.refused.iter().map(|r| r.index as usize).collect();
            for (at, record) in records.iter().enumerate() {
                if at < answer.accepted as usize && !refused.contains(&at) {
                    self.sink.take(std::slice::from_ref(record));
                }
            }
        }
        let checked = answer.and_then(|answer| {
            CheckedAnswer::new(answer, records.len()).map_err(|error| GuestFailure {
                detail: error.to_string(),
                ..failure(FailureKind::Contract)
            })
        });
        Box::pin(std::future::ready(checked))
    }
}

/// What every batch is promised to be (`wit/README.md`, "What holds"), in all of these
/// tests: it has records, each with an origin; the same id means the same records; and
/// the number of the attempt rises from each at a batch, or a part of it, to the next.
/// (By one; but a kill may come between counting and offering.)
fn holds(before: &[Offered], batch: &Batch<'_>, records: &[AccountingRecord]) {
    assert!(!records.is_empty(), "an empty batch");
    assert_eq!(batch.origin_of.len(), records.len());
    let ids: Vec<&str> = records.iter().map(|r| r.head().id.as_str()).collect();
    for offer in before.iter().filter(|offer| offer.id == batch.id) {
        assert_eq!(offer.records, ids, "the id `{}` means two things", batch.id);
    }
    let whole = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
    let mut same = before.iter().filter(|it| whole(&it.id) == whole(&batch.id));
    if let Some(last) = same.next_back() {
        assert!(batch.attempt > last.attempt, "of batch `{}`", batch.id);
    }
}

pub fn records(list: &RecordList<'_>) -> Vec<AccountingRecord> {
    list.clone().into_records()
}

pub fn answer(accepted: usize, refused: &[u32], rest: Rest) -> Answer {
    Answer {
        accepted: accepted as u32,
        refused: refused
            .iter()
            .map(|index| Refusal {
                index: *index,
                reason: "not to my taste".into(),
            })
            .collect(),
        rest,
        attributes: Vec::new(),
    }
}

pub fn again(after_seconds: u32) -> Rest {
    Rest::Retry {
        after_seconds,
        reason: "busy".into(),
    }
}

pub fn all(records: &[AccountingRecord]) -> Answer {
    answer(records.len(), &[], Rest::Done)
}

pub fn failure(kind: FailureKind) -> GuestFailure {
    GuestFailure {
        component: "guest".into(),
        instance: "guest".into(),
        call: "deliver",
        kind,
        option: None,
        limit: None,
        detail: "unreachable".into(),
        frames: vec!["format".into()],
        stderr: String::new(),
    }
}
