//! One messenger's queue: what a delivery works with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::JournalError;
use crate::layout::{PackName, QueueFolder};
use crate::open_pack::OpenPack;
use crate::packing::{self, NotGiven, Taking};
use crate::shared::Shared;
use crate::{pack, waiting};

/// The queue of one messenger. First in, first out: packs in the order of
/// their names, batches by position, records by index. Clones are one queue.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
    folder: QueueFolder,
    messenger: String,
}

/// A pack whose records are not all dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPack {
    /// Its place in the queue.
    pub name: PackName,
    /// Its file.
    pub path: PathBuf,
    /// Its format, where that is newer than ours: it cannot be opened, and
    /// what lies behind it must wait.
    pub newer: Option<u32>,
}

impl Queue {
    pub(crate) fn new(shared: Arc<Shared>, messenger: &str) -> Self {
        Queue {
            folder: shared.layout.queue(messenger),
            shared,
            messenger: messenger.to_owned(),
        }
    }

    /// Packs what is sealed and not packed yet: records that it takes
    /// into batches of whole multiples of `unit` records.
    /// Returns how many records of which type it left out, of the segments that
    /// it saw for the first time. Behind a file of a newer cASO nothing is packed.
    ///
    /// # Errors
    /// A file cannot be read or written; nothing is packed then.
    pub fn pack(&self, taking: Taking<'_>, unit: Option<u32>) -> Result<NotGiven, JournalError> {
        packing::pack(&self.shared, &self.folder, &self.messenger, taking, unit)
    }

    /// The packs that are not finished, in their order.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn pending(&self) -> Result<Vec<PendingPack>, JournalError> {
        let unfinished = pack::unfinished(&self.folder)?;
        Ok(unfinished
            .into_iter()
            .map(|entry| PendingPack {
                name: entry.name,
                path: self.folder.pack(entry.name),
                newer: entry.newer,
            })
            .collect())
    }

    /// Opens a pack, to deliver it.
    ///
    /// # Errors
    /// It cannot be read, or its progress cannot be written.
    pub fn open(&self, name: PackName) -> Result<OpenPack, JournalError> {
        OpenPack::open(&self.shared, &self.folder, &self.messenger, name)
    }

    /// How many records wait, packed or not. Of segments that are not packed,
    /// all record types count.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn records_left(&self) -> Result<u64, JournalError> {
        Ok(waiting::records_left(&self.shared, &self.folder, &self.messenger)?.records)
    }
}
