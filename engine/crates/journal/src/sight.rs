//! The records of a journal, to be looked at: nothing is locked, written or moved.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use caso_model::Origin;
use caso_model::record::AccountingRecord;

use crate::error::JournalError;
use crate::layout::QueueFolder;
use crate::pack::Reader;
use crate::progress::Progress;
use crate::quarantine::{self, QuarantinedRecord};
use crate::retry::{self, Returned};
use crate::shared::{SegmentState, Shared};
use crate::waiting::{self, Waiting};
use crate::{batch, pack};

/// A record that waits for a messenger.
#[derive(Debug, Clone)]
pub struct WaitingRecord {
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// When it was extracted, in epoch seconds.
    pub extracted: i64,
    /// As the mapper made it.
    pub record: AccountingRecord,
}

/// A journal that is looked at, also from beside a run that goes on: what it delivers meanwhile
/// is shown as it was or as it is.
pub struct Sight {
    shared: Arc<Shared>,
}

impl Sight {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Sight { shared }
    }

    /// What waits, by messenger.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, JournalError> {
        waiting::waiting(&self.shared)
    }

    /// The records that wait for a messenger, in the order of delivery, until `each` has enough.
    /// Of segments that are not packed yet all types are among them.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn records(
        &self,
        messenger: &str,
        each: &mut dyn FnMut(WaitingRecord) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let queue = self.shared.layout.queue(messenger);
        if packed(&self.shared, &queue, each)?.is_continue() {
            sealed(&self.shared, &queue, messenger, each)?;
        }
        Ok(())
    }

    /// The records in a messenger's quarantine, in the order in which they were packed, until
    /// `each` has enough.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn quarantined(
        &self,
        messenger: &str,
        each: &mut dyn FnMut(QuarantinedRecord) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        quarantine::each(&self.shared.layout.queue(messenger), each)
    }

    /// What [`Journal::retry`](crate::Journal::retry) would do; `each` is given what would go
    /// back.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn would_return(
        &self,
        messenger: &str,
        each: &mut dyn FnMut(&Origin, AccountingRecord),
    ) -> Result<Returned, JournalError> {
        retry::would_return(&self.shared, messenger, each)
    }
}

/// A file that a run beside us has removed since we saw it.
fn unless_gone<T>(result: Result<T, JournalError>) -> Result<Option<T>, JournalError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(JournalError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn packed(
    shared: &Shared,
    queue: &QueueFolder,
    each: &mut dyn FnMut(WaitingRecord) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    for entry in pack::unfinished(queue)? {
        let path = queue.pack(entry.name);
        if entry.newer.is_some() {
            continue;
        }
        let Some(mut reader) = unless_gone(Reader::open(&path))? else {
            continue;
        };
        let progress = Progress::read(&queue.ack(entry.name), &reader.header.id)?;
        while let Some((index, line)) = reader.next_batch(&path)? {
            if progress.open(index, line.items) == 0 {
                continue;
            }
            let found = batch::read(shared, &reader.header, &line, &progress.of(index));
            for item in unless_gone(found)?.unwrap_or_default().items {
                let extracted = shared.segment(item.segment).map(|info| info.created);
                let record = WaitingRecord {
                    origin: item.origin,
                    extracted: extracted.unwrap_or(line.oldest),
                    record: item.record,
                };
                if each(record).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn sealed(
    shared: &Shared,
    queue: &QueueFolder,
    messenger: &str,
    each: &mut dyn FnMut(WaitingRecord) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let covered = pack::covered(queue)?;
    for (name, state) in shared.segments() {
        let SegmentState::Good(info) = state else {
            continue;
        };
        if covered.contains(&name) || !info.is_for(messenger) {
            continue;
        }
        let read = batch::of_segment(shared, (name, info.as_ref()), &mut |record| {
            each(WaitingRecord {
                origin: info.origin.clone(),
                extracted: info.created,
                record,
            })
        });
        if unless_gone(read)?.is_some_and(|flow| flow.is_break()) {
            break;
        }
    }
    Ok(())
}
