//! A pack while it is being delivered, and its batches.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batch::{self, BatchRecords};
use crate::error::JournalError;
use crate::kind::RecordKind;
use crate::layout::{PackName, QueueFolder};
use crate::pack::{self, BatchLine, Header};
use crate::progress::AckFile;
use crate::quarantine::{self, Quarantined};
use crate::shared::Shared;
use crate::since;
use caso_model::record::AccountingRecord;

/// A pack that is being delivered: hands out its batches in their order.
pub struct OpenPack {
    reader: pack::Reader,
    opened: Arc<Opened>,
}

/// What the pack and its batches share.
struct Opened {
    shared: Arc<Shared>,
    folder: QueueFolder,
    messenger: String,
    name: PackName,
    header: Header,
    ack: Mutex<AckFile>,
}

/// A batch as it was packed, with its records still to be delivered. Clones are
/// one batch.
#[derive(Clone)]
pub struct PackedBatch {
    opened: Arc<Opened>,
    index: u32,
    kind: RecordKind,
    line: Arc<BatchLine>,
}

impl OpenPack {
    pub(crate) fn open(
        shared: &Arc<Shared>,
        folder: &QueueFolder,
        messenger: &str,
        name: PackName,
    ) -> Result<OpenPack, JournalError> {
        let reader = pack::Reader::open(&folder.pack(name))?;
        let header = reader.header.clone();
        let ack = AckFile::open(&shared.disk, &folder.ack(name), &header.id)?;
        Ok(OpenPack {
            reader,
            opened: Arc::new(Opened {
                shared: shared.clone(),
                folder: folder.clone(),
                messenger: messenger.to_owned(),
                name,
                header,
                ack: Mutex::new(ack),
            }),
        })
    }

    /// Its place in the queue.
    pub fn name(&self) -> PackName {
        self.opened.name
    }

    /// The next batch of which a record is left.
    ///
    /// # Errors
    /// The pack cannot be read, or has a batch of an unknown type.
    pub fn next_batch(&mut self) -> Result<Option<PackedBatch>, JournalError> {
        let path = self.opened.path();
        while let Some((index, line)) = self.reader.next_batch(&path)? {
            if self.opened.ack().progress.open(index, line.items) == 0 {
                continue;
            }
            let Some(kind) = RecordKind::parse(&line.tag) else {
                return Err(JournalError::UnknownType {
                    path,
                    record_type: line.tag,
                });
            };
            return Ok(Some(PackedBatch {
                opened: self.opened.clone(),
                index,
                kind,
                line: Arc::new(line),
            }));
        }
        Ok(None)
    }

    /// Ends a pack whose every record is resolved: notes that its segments are
    /// done with, and removes it.
    ///
    /// # Errors
    /// The note could not be written, or the files not removed; the next start
    /// ends it.
    pub fn finish(self) -> Result<(), JournalError> {
        pack::finish(
            &self.opened.shared.disk,
            &self.opened.folder,
            self.opened.name,
        )
    }
}

impl Opened {
    fn path(&self) -> PathBuf {
        self.folder.pack(self.name)
    }

    /// A line is added in one step, so a task that panicked left it whole.
    fn ack(&self) -> MutexGuard<'_, AckFile> {
        self.ack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PackedBatch {
    /// Its id, fixed on disk when it was packed.
    pub fn id(&self) -> &str {
        &self.line.id
    }

    /// The type of all its records.
    pub fn kind(&self) -> &RecordKind {
        &self.kind
    }

    /// How many records it was packed with.
    pub fn items(&self) -> u32 {
        self.line.items
    }

    /// Its records that are still to be delivered, in their order.
    ///
    /// # Errors
    /// A segment cannot be read. One that is damaged or gone is none: its
    /// records are `missing`.
    pub fn records(&self) -> Result<BatchRecords, JournalError> {
        // Whoever delivers another batch meanwhile writes his progress.
        let rest = self.opened.ack().progress.of(self.index);
        batch::read(&self.opened.shared, &self.opened.header, &self.line, &rest)
    }

    /// Counts an attempt to deliver some of it and returns its number, from 1.
    /// On disk when this returns: to be called before the records are offered.
    ///
    /// # Errors
    /// The line could not be written; nothing is to be offered then.
    pub fn attempt(&self) -> Result<u32, JournalError> {
        self.opened.ack().attempt(self.index)
    }

    /// Notes that the records with these indices are dealt with: accepted, in
    /// quarantine, or missing. On disk when this returns: to be called only after
    /// that is true.
    ///
    /// # Errors
    /// The line could not be written; the records are still to be delivered.
    pub fn resolve(&self, indices: impl IntoIterator<Item = u32>) -> Result<(), JournalError> {
        self.opened.ack().resolve(self.index, indices)
    }

    /// Notes why filters left out the records with these indices. On disk when this
    /// returns; it resolves none.
    ///
    /// # Errors
    /// The line could not be written.
    pub fn note_dropped(&self, reasons: &BTreeMap<u32, &str>) -> Result<(), JournalError> {
        self.opened.ack().note_dropped(self.index, reasons)
    }

    /// Adds records of this batch to the messenger's quarantine. On disk when this
    /// returns; one that is there already, from before a kill, is not added twice.
    /// `at` is the time, in epoch seconds.
    ///
    /// # Errors
    /// They could not be written; they are not to be resolved then.
    pub fn quarantine(&self, at: i64, records: &[Quarantined<'_>]) -> Result<(), JournalError> {
        let opened = &self.opened;
        let lines: Vec<quarantine::Line<'_>> = records
            .iter()
            .map(|record| quarantine::Line {
                format: quarantine::Line::FORMAT,
                why: record.cause,
                reason: record.reason,
                at,
                instance: &opened.messenger,
                batch_id: &self.line.id,
                batch: self.index,
                index: record.item.index,
                segment: record.item.segment,
                origin: &record.item.origin,
                record_type: self.kind.name(),
                record: &record.item.record,
            })
            .collect();
        quarantine::add(&opened.shared.disk, &opened.folder, opened.name, &lines)?;
        let quarantined = records.iter().map(|record| &record.item.record);
        since::quarantined(&opened.shared, &opened.folder, quarantined)
    }

    /// Notes what was accepted of keys that are in the messenger's quarantine, so that a record
    /// of that key is never put back behind it. To be called before it is resolved.
    ///
    /// # Errors
    /// It could not be written; the records are not to be resolved then.
    pub fn delivered<'a>(
        &self,
        records: impl Iterator<Item = &'a AccountingRecord>,
    ) -> Result<(), JournalError> {
        since::delivered(&self.opened.shared, &self.opened.folder, records)
    }
}
