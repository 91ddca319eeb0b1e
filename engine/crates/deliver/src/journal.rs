//! The journal of one spool, opened by one process.

use caso_base::error_chain;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use caso_state::{Disk, Spool};

use super::cleanup;
use super::error::JournalError;
use super::kind::Kind;
use super::layout::{FORMAT, Layout, Queue, SegmentName};
use super::lines::{self, Bad};
use super::recovery::{self, Recovery, SetAside};
use super::segment::{Footer, Header, MapperIdentity, Order, SegmentKey, SegmentWriter};
use super::waiting::{self, Waiting};

/// Cheap to clone; all clones are one journal.
#[derive(Clone)]
pub struct Journal {
    pub(super) shared: Arc<Shared>,
}

/// What the tasks of a journal have in common.
pub struct Shared {
    pub layout: Layout,
    pub disk: Disk,
    /// When the run began.
    pub now: i64,
    run: Mutex<Run>,
    segments: Mutex<BTreeMap<SegmentName, SegmentState>>,
    /// Segments whose checksum was compared in this run.
    verified: Mutex<HashSet<SegmentName>>,
    set_aside: Mutex<Vec<SetAside>>,
    /// Held as long as the journal is open.
    _lock: Option<File>,
}

/// The number of this run, on disk before it is first used.
struct Run {
    number: u64,
    kept: bool,
    /// How many segments each place has had.
    parts: HashMap<(u32, u32), u32>,
}

#[derive(Serialize, Deserialize)]
pub struct Counter {
    pub format: u32,
    pub engine: String,
    pub last_run: u64,
}

/// A sealed segment as the journal knows it.
#[derive(Debug, Clone)]
pub enum SegmentState {
    Good(Arc<SegmentInfo>),
    /// Written by a newer cASO.
    Newer(u32),
}

#[derive(Debug)]
pub struct SegmentInfo {
    pub messengers: Vec<String>,
    pub records: u64,
    pub by_kind: BTreeMap<Kind, u64>,
    pub bytes: u64,
    pub created: i64,
}

impl SegmentInfo {
    pub fn new(header: &Header, footer: &Footer, bytes: u64) -> Self {
        SegmentInfo {
            messengers: header.messengers.clone(),
            records: footer.records,
            by_kind: footer
                .by_type
                .iter()
                .filter_map(|(tag, count)| Some((Kind::parse(tag)?, *count)))
                .collect(),
            bytes,
            created: header.created,
        }
    }
}

impl Journal {
    /// Opens, and makes where there is none, the journal of a spool; discards
    /// what an interrupted run left open. `now` is when this run began.
    pub fn open(spool: &Spool, now: i64) -> Result<(Journal, Recovery), JournalError> {
        let layout = Layout::new(spool.journal_folder());
        let disk = spool.disk().clone();
        let found = recovery::recover(&layout, &disk)?;
        let shared = Shared {
            layout,
            disk,
            now,
            run: Mutex::new(Run {
                number: found.last_run + 1,
                kept: false,
                parts: HashMap::new(),
            }),
            segments: Mutex::new(found.segments),
            verified: Mutex::new(HashSet::new()),
            set_aside: Mutex::new(Vec::new()),
            _lock: found.lock,
        };
        let journal = Journal {
            shared: Arc::new(shared),
        };
        if let Err(failed) = cleanup::clean(&journal.shared) {
            // A full disk must not keep from being delivered what would empty it.
            tracing::warn!(
                "what is delivered could not be removed: {}",
                error_chain(&failed)
            );
        }
        Ok((journal, found.recovery))
    }

    /// Begins a segment. `messengers` are the names of the instances of this
    /// run: each of them will get the records, once it takes them.
    pub fn begin(
        &self,
        key: SegmentKey,
        order: Order,
        messengers: &[String],
        mapper: &MapperIdentity,
    ) -> Result<SegmentWriter, JournalError> {
        let name = self.shared.next_segment(order)?;
        SegmentWriter::begin(self.shared.clone(), name, key, messengers, mapper)
    }

    /// What waits, by messenger, also for those that are no longer configured.
    pub fn waiting(&self) -> Result<Vec<Waiting>, JournalError> {
        waiting::waiting(&self.shared)
    }

    /// Damaged files that were set aside, in this run or an earlier one, and
    /// that nobody has taken away since.
    pub fn damaged(&self) -> Result<Vec<PathBuf>, JournalError> {
        entries(&self.shared.layout.set_aside())
    }

    /// The operator gives up what waits for a messenger, and its unfinished
    /// batches; its quarantine stays. Answers how many records that were.
    /// Killed in between, it is to be said again.
    pub fn forget(&self, messenger: &str) -> Result<u64, JournalError> {
        cleanup::forget(&self.shared, messenger)
    }

    /// Usage items in the mapper's quarantine.
    pub fn quarantined_usage(&self) -> Result<u64, JournalError> {
        waiting::lines_in(&self.shared.layout.mapper_quarantine())
    }
}

impl Shared {
    pub fn queue(&self, instance: &str) -> Queue {
        Queue {
            folder: self.layout.queue(instance),
        }
    }

    /// The number of this run; on disk when this returns, so that it is never
    /// given again, whatever becomes of the files that carry it.
    pub fn run_number(&self) -> Result<u64, JournalError> {
        let mut run = locked(&self.run);
        self.keep(&mut run)?;
        Ok(run.number)
    }

    fn keep(&self, run: &mut Run) -> Result<(), JournalError> {
        if !run.kept {
            let path = self.layout.counter();
            let counter = Counter {
                format: FORMAT,
                engine: env!("CARGO_PKG_VERSION").to_owned(),
                last_run: run.number,
            };
            self.disk
                .replace(&path, &lines::to_line(&path, &counter)?)?;
            run.kept = true;
        }
        Ok(())
    }

    fn next_segment(&self, order: Order) -> Result<SegmentName, JournalError> {
        let mut run = locked(&self.run);
        self.keep(&mut run)?;
        let number = run.number;
        let part = run
            .parts
            .entry((order.project, order.extractor))
            .or_default();
        let name = SegmentName {
            run: number,
            project: order.project,
            extractor: order.extractor,
            part: *part,
        };
        *part += 1;
        Ok(name)
    }

    pub fn add_segment(&self, name: SegmentName, info: SegmentInfo) {
        // We wrote its checksum a moment ago.
        locked(&self.verified).insert(name);
        locked(&self.segments).insert(name, SegmentState::Good(Arc::new(info)));
    }

    /// All sealed segments in their order, as they are now.
    pub fn segments(&self) -> Vec<(SegmentName, SegmentState)> {
        locked(&self.segments)
            .iter()
            .map(|(name, state)| (*name, state.clone()))
            .collect()
    }

    pub fn forget_segment(&self, name: SegmentName) {
        locked(&self.segments).remove(&name);
    }

    /// Compares a segment with its checksum, once a run. One that differs is
    /// set aside; false then.
    pub fn verify(&self, name: SegmentName) -> Result<bool, JournalError> {
        if locked(&self.verified).contains(&name) {
            return Ok(true);
        }
        let path = self.layout.segment(name);
        match lines::verify(&path) {
            Ok(()) => {
                locked(&self.verified).insert(name);
                Ok(true)
            }
            Err(Bad::Corrupt(reason)) => {
                self.forget_segment(name);
                self.put_aside(&path, reason)?;
                Ok(false)
            }
            // Another messenger's task set it aside a moment ago, or it was
            // taken away by hand.
            Err(Bad::Io(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                self.forget_segment(name);
                Ok(false)
            }
            Err(Bad::Io(e)) => Err(JournalError::read(&path)(e)),
        }
    }

    pub fn put_aside(&self, path: &Path, reason: String) -> Result<(), JournalError> {
        let aside = recovery::put_aside(&self.layout, &self.disk, path, reason)?;
        locked(&self.set_aside).extend(aside);
        Ok(())
    }

    pub fn take_set_aside(&self) -> Vec<SetAside> {
        std::mem::take(&mut *locked(&self.set_aside))
    }
}

/// What stands behind these locks is changed in single steps, so a task that
/// panicked left it whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entries of a folder, sorted; none where there is no folder.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(JournalError::read(folder)(e)),
    };
    let mut paths = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(JournalError::read(folder))?;
    paths.sort();
    Ok(paths)
}
