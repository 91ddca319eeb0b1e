//! A site of its own for each test: a spool, a clock that a test turns, and
//! messengers of a few lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::*;
use caso_model::Window;
use caso_model::answer::CheckedAnswer;
use caso_model::guest::*;
use caso_model::record::*;
use caso_model::usage::{OtherUsage, UsageItem};
use caso_state::{Disk, Spool};

pub use caso_base::Clock;
pub use caso_state::faults::folder;

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
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
            // Whoever can get on without waiting does so first.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            self.pass(duration);
        })
    }
}

pub fn head(id: &str, key: &str, at: i64) -> Head {
    Head {
        id: id.into(),
        supersedes: key.into(),
        measured_at: at,
        attributes: Vec::new(),
    }
}

pub fn cloud(id: &str, key: &str, at: i64) -> AccountingRecord {
    AccountingRecord::Cloud(CloudRecord {
        head: head(id, key, at),
        vm_uuid: key.into(),
        site_name: "SITE".into(),
        compute_service: "SITE".into(),
        cloud_type: "caso".into(),
        machine_name: "ma%%chine \u{1f980}\n".into(),
        local_user_id: None,
        local_group_id: "p".into(),
        global_user_name: None,
        fqan: "vo".into(),
        status: "started".into(),
        start: 0,
        end: None,
        suspend_seconds: None,
        wall_seconds: Some(1),
        cpu_seconds: Some(1),
        cpu_count: Some(1),
        network_type: None,
        network_inbound_bytes: None,
        network_outbound_bytes: None,
        public_ip_count: None,
        memory_mib: Some(1),
        disk_gib: Some(1),
        benchmark_type: None,
        benchmark_value: Some(0.1 + 0.2),
        storage_record_id: None,
        image_id: None,
    })
}

pub fn ip(id: &str) -> AccountingRecord {
    AccountingRecord::Ip(IpRecord {
        head: head(id, id, 1),
        site_name: "SITE".into(),
        compute_service: "SITE".into(),
        cloud_type: "caso".into(),
        uuid: id.into(),
        local_user: None,
        local_group: "p".into(),
        global_user_name: None,
        fqan: "vo".into(),
        ip_version: 4,
        ip_count: 1,
    })
}

pub fn other(id: &str, kind: &str) -> AccountingRecord {
    AccountingRecord::Other(OtherRecord {
        head: head(id, id, 1),
        kind: kind.into(),
        payload: "{}".into(),
    })
}

pub fn usage(id: &str) -> UsageItem {
    UsageItem::Other(OtherUsage {
        kind: "bucket".into(),
        id: id.into(),
        project_id: "p".into(),
        payload: "{}".into(),
        attributes: Vec::new(),
    })
}

pub fn mapper() -> MapperIdentity {
    MapperIdentity {
        name: "mapper".into(),
        version: "1".into(),
        digest: "0".into(),
    }
}

pub fn key(project: u32, window: Window) -> SegmentKey {
    SegmentKey {
        cloud: "default".into(),
        region: None,
        project: format!("project-{project}"),
        extractor: "nova".into(),
        window,
    }
}

/// A spool and the messengers that its segments are for.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub messengers: Vec<String>,
}

impl Site {
    pub fn new(messengers: &[&str]) -> Site {
        Site {
            dir: folder().unwrap(),
            clock: Arc::new(TestClock::default()),
            messengers: messengers.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    pub fn spool(&self, disk: Disk) -> Spool {
        Spool::look(self.dir.path(), disk)
    }

    pub fn open(&self) -> (Journal, Recovery) {
        Journal::open(&self.spool(Disk::default()), 1000).unwrap()
    }

    pub fn seal(&self, journal: &Journal, project: u32, records: &[AccountingRecord]) -> Sealed {
        let window = Window { start: 0, end: 1 };
        let order = Order {
            project,
            extractor: 0,
        };
        let mut writer = journal
            .begin(key(project, window), order, &self.messengers, &mapper())
            .unwrap();
        for record in records {
            writer.append(record).unwrap();
        }
        writer.seal().unwrap()
    }

    /// Records `names`, in one project, in a run of its own.
    pub fn extract(&self, names: &[&str]) {
        let records: Vec<_> = names.iter().map(|id| cloud(id, id, 1)).collect();
        self.seal(&self.open().0, 0, &records);
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
        let deadline = Deadline::after(&*self.clock, budget);
        block_on(deliver(
            journal,
            instances,
            deadline,
            self.clock.clone(),
            cancel,
        ))
    }

    /// Ids in a messenger's quarantine, in order, with reasons.
    pub fn quarantined(&self, messenger: &str) -> Vec<(String, String)> {
        let folder = self.path(&format!("messengers/{messenger}/quarantine"));
        let mut found = Vec::new();
        for path in list(&folder) {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let record: AccountingRecord =
                    serde_json::from_value(line["record"].clone()).unwrap();
                assert!(line["batch_id"].is_string());
                found.push((
                    record.head().id.clone(),
                    line["reason"].as_str().unwrap().to_owned(),
                ));
            }
        }
        found
    }

    pub fn quarantined_ids(&self, messenger: &str) -> Vec<String> {
        let found = self.quarantined(messenger);
        found.into_iter().map(|(id, _)| id).collect()
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join("caso-journal").join(inside)
    }

    pub fn files(&self, inside: &str) -> Vec<String> {
        let names = list(&self.path(inside)).into_iter();
        names
            .filter(|path| path.is_file())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    }

    pub fn waiting(&self) -> BTreeMap<String, u64> {
        let waiting = self.open().0.waiting().unwrap();
        waiting
            .into_iter()
            .map(|waiting| (waiting.messenger, waiting.records))
            .collect()
    }
}

pub fn list(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|listing| listing.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
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
            packing_unit: None,
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
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        let records = records(&batch.records);
        self.sink.offers.lock().unwrap().push(Offered {
            id: batch.id.clone(),
            attempt: batch.attempt,
            record_type: batch.record_type.clone(),
            records: records.iter().map(|r| r.head().id.clone()).collect(),
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

pub fn records(list: &RecordList) -> Vec<AccountingRecord> {
    match list.clone() {
        RecordList::Cloud(r) => r.into_iter().map(AccountingRecord::Cloud).collect(),
        RecordList::Ip(r) => r.into_iter().map(AccountingRecord::Ip).collect(),
        RecordList::Accelerator(r) => r.into_iter().map(AccountingRecord::Accelerator).collect(),
        RecordList::Storage(r) => r.into_iter().map(AccountingRecord::Storage).collect(),
        RecordList::Energy(r) => r.into_iter().map(AccountingRecord::Energy).collect(),
        RecordList::Other(r) => r.into_iter().map(AccountingRecord::Other).collect(),
    }
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
        detail: "unreachable".into(),
        frames: vec!["format".into()],
        stderr: String::new(),
    }
}
