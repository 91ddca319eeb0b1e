//! What everything that works on an open journal has in common: where it
//! lies, the number of the run, which sealed segments there are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caso_disk::Disk;
use caso_model::Origin;
use caso_model::notice::Notice;
use serde::{Deserialize, Serialize};

use crate::error::JournalError;
use crate::kind::RecordKind;
use crate::layout::{FORMAT, Layout, QueueFolder, SegmentName};
use crate::lines::{self, Bad};
use crate::packing;
use crate::quarantine::Taken;
use crate::recovery::{self, Found, SetAside};
use crate::segment::{Footer, Header, Order, SegmentKey};

pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) disk: Disk,
    /// When the run began.
    pub(crate) now: i64,
    run: Mutex<Run>,
    segments: Mutex<BTreeMap<SegmentName, SegmentState>>,
    /// What this run seals of projects from this place on is not packed yet.
    held_from: Mutex<Option<u32>>,
    /// What the configuration gives each messenger.
    record_types: Mutex<BTreeMap<String, Option<Vec<String>>>>,
    /// Segments whose checksum was compared in this run.
    verified: Mutex<HashSet<SegmentName>>,
    set_aside: Mutex<Vec<SetAside>>,
    notices: Mutex<Vec<Notice>>,
    /// Nothing is to be moved or written.
    looks: bool,
    /// The keys in each queue's quarantine, once somebody asked.
    pub(crate) quarantined: Mutex<HashMap<QueueFolder, HashSet<u64>>>,
    /// The queues in whose quarantine this run put something.
    pub(crate) grown: Mutex<HashSet<QueueFolder>>,
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

/// `journal.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) format: u32,
    pub(crate) engine: String,
    pub(crate) last_run: u64,
}

/// A sealed segment as the journal knows it.
#[derive(Debug, Clone)]
pub(crate) enum SegmentState {
    Good(Arc<SegmentInfo>),
    /// Written by a newer cASO.
    Newer(u32),
}

#[derive(Debug)]
pub(crate) struct SegmentInfo {
    /// The form of its records.
    pub(crate) format: u32,
    pub(crate) key: SegmentKey,
    pub(crate) origin: Arc<Origin>,
    pub(crate) messengers: Vec<String>,
    record_types: BTreeMap<String, Option<Vec<String>>>,
    pub(crate) records: u64,
    pub(crate) by_kind: BTreeMap<RecordKind, u64>,
    pub(crate) bytes: u64,
    pub(crate) created: i64,
    /// Which lines of its messenger's quarantine it was made of.
    pub(crate) taken: Vec<Taken>,
}

impl SegmentInfo {
    pub(crate) fn new(header: &Header, footer: &Footer, bytes: u64) -> Self {
        SegmentInfo {
            format: header.format,
            key: header.key.clone(),
            origin: Arc::new(header.origin()),
            messengers: header.messengers.clone(),
            record_types: header.record_types.clone(),
            records: footer.records,
            by_kind: footer
                .by_type
                .iter()
                .filter_map(|(tag, count)| Some((RecordKind::parse(tag)?, *count)))
                .collect(),
            bytes,
            created: header.created,
            taken: header.taken.clone(),
        }
    }

    pub(crate) fn is_for(&self, messenger: &str) -> bool {
        self.messengers.iter().any(|name| name == messenger)
    }

    /// Whether the configuration gave a messenger records of that type when they were sealed.
    pub(crate) fn was_for(&self, messenger: &str, kind: &RecordKind) -> bool {
        let types = self.record_types.get(messenger);
        types.is_some_and(|types| packing::takes(types.as_deref(), kind))
    }
}

impl Shared {
    pub(crate) fn new(layout: Layout, disk: Disk, now: i64, found: Found) -> Self {
        Shared {
            layout,
            disk,
            now,
            run: Mutex::new(Run {
                number: found.last_run + 1,
                kept: false,
                parts: HashMap::new(),
            }),
            segments: Mutex::new(found.segments),
            held_from: Mutex::new(None),
            record_types: Mutex::default(),
            verified: Mutex::new(HashSet::new()),
            set_aside: Mutex::new(Vec::new()),
            notices: Mutex::new(Vec::new()),
            looks: found.looks,
            quarantined: Mutex::new(HashMap::new()),
            grown: Mutex::default(),
            _lock: found.lock,
        }
    }

    /// The number of this run; on disk when this returns, so that it is never
    /// given again, whatever becomes of the files that carry it.
    pub(crate) fn run_number(&self) -> Result<u64, JournalError> {
        let mut run = locked(&self.run);
        self.keep(&mut run)?;
        Ok(run.number)
    }

    /// The number of the last run that sealed something.
    pub(crate) fn last_run(&self) -> u64 {
        let run = locked(&self.run);
        match run.kept {
            true => run.number,
            false => run.number.saturating_sub(1),
        }
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

    /// What is sealed from now on is for messengers that are given these types.
    pub(crate) fn gives(&self, record_types: BTreeMap<String, Option<Vec<String>>>) {
        *locked(&self.record_types) = record_types;
    }

    pub(crate) fn record_types_of(
        &self,
        messengers: &[String],
    ) -> BTreeMap<String, Option<Vec<String>>> {
        let known = locked(&self.record_types);
        let of = |name: &String| Some((name.clone(), known.get(name)?.clone()));
        messengers.iter().filter_map(of).collect()
    }

    pub(crate) fn next_segment(&self, order: Order) -> Result<SegmentName, JournalError> {
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

    pub(crate) fn add_segment(&self, name: SegmentName, info: SegmentInfo) {
        // We wrote its checksum a moment ago.
        locked(&self.verified).insert(name);
        locked(&self.segments).insert(name, SegmentState::Good(Arc::new(info)));
    }

    /// All sealed segments in their order, as they are now.
    pub(crate) fn segments(&self) -> Vec<(SegmentName, SegmentState)> {
        locked(&self.segments)
            .iter()
            .map(|(name, state)| (*name, state.clone()))
            .collect()
    }

    /// Those that may be packed: in the order of the journal, up to the first of which it is not
    /// known whether it, or one before it, is still to come.
    pub(crate) fn ready(&self) -> Vec<(SegmentName, SegmentState)> {
        let mut segments = self.segments();
        if let Some(place) = *locked(&self.held_from) {
            let first = self.first_of(place);
            segments.retain(|(name, _)| *name < first);
        }
        segments
    }

    pub(crate) fn hold_from(&self, place: Option<u32>) {
        *locked(&self.held_from) = place;
    }

    /// How many records this run has sealed of the projects in these places.
    pub(crate) fn sealed_of(&self, places: Range<u32>) -> u64 {
        let names = self.first_of(places.start)..self.first_of(places.end);
        let segments = locked(&self.segments);
        let counts = segments.range(names).map(|(_, state)| match state {
            SegmentState::Good(info) => info.records,
            SegmentState::Newer(_) => 0,
        });
        counts.sum()
    }

    /// Before every segment that this run has of the project in this place.
    fn first_of(&self, project: u32) -> SegmentName {
        SegmentName {
            run: locked(&self.run).number,
            project,
            extractor: 0,
            part: 0,
        }
    }

    /// One of them, if it is there and can be read.
    pub(crate) fn segment(&self, name: SegmentName) -> Option<Arc<SegmentInfo>> {
        match locked(&self.segments).get(&name) {
            Some(SegmentState::Good(info)) => Some(info.clone()),
            Some(SegmentState::Newer(_)) | None => None,
        }
    }

    pub(crate) fn segment_keys(&self) -> Vec<SegmentKey> {
        locked(&self.segments)
            .values()
            .filter_map(|state| match state {
                // What came back from a quarantine says nothing of cursors.
                SegmentState::Good(info) => info.taken.is_empty().then(|| info.key.clone()),
                SegmentState::Newer(_) => None,
            })
            .collect()
    }

    pub(crate) fn revoke(&self, name: SegmentName) -> Result<(), JournalError> {
        self.disk.remove(&self.layout.segment(name))?;
        self.forget_segment(name);
        self.disk.sync_folder(&self.layout.segments())?;
        Ok(())
    }

    pub(crate) fn forget_segment(&self, name: SegmentName) {
        locked(&self.segments).remove(&name);
    }

    /// Compares a segment with its checksum, once a run. One that differs is
    /// set aside; false then.
    pub(crate) fn verify(&self, name: SegmentName) -> Result<bool, JournalError> {
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
                if !self.looks {
                    self.put_aside(&path, reason)?;
                }
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

    fn put_aside(&self, path: &Path, reason: String) -> Result<(), JournalError> {
        let aside = recovery::put_aside(&self.layout, &self.disk, path, reason)?;
        locked(&self.set_aside).extend(aside);
        Ok(())
    }

    /// Something odd that cost no record.
    pub(crate) fn note(&self, notice: Notice) {
        locked(&self.notices).push(notice);
    }

    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *locked(&self.notices))
    }

    pub(crate) fn take_set_aside(&self) -> Vec<SetAside> {
        std::mem::take(&mut *locked(&self.set_aside))
    }
}

/// What stands behind these locks is changed in single steps, so a task that
/// panicked left it whole.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
