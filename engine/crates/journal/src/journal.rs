//! The journal of one spool, opened by one process: its front door.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use caso_base::error_chain;
use caso_model::notice::Notice;
use caso_model::record::AccountingRecord;
use caso_model::{Attribute, Origin};
use caso_state::Spool;

use crate::cleanup;
use crate::error::JournalError;
use crate::layout::Layout;
use crate::queue::Queue;
use crate::recovery::{self, Damaged, Recovery, SetAside};
use crate::reserve;
use crate::retry::{self, Returned};
use crate::segment::{self, Finished, MapperIdentity, Order, Sealed, SegmentKey, SegmentWriter};
use crate::settle;
use crate::shared::Shared;
use crate::sight::Sight;
use crate::waiting::{self, Waiting};

/// Cheap to clone; all clones are one journal.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

impl Journal {
    /// Opens, and makes where there is none, the journal of a spool; discards
    /// what an interrupted run left open and removes what is delivered. `now` is
    /// when this run began, in epoch seconds.
    ///
    /// # Errors
    /// [`JournalError::Newer`] and [`JournalError::Busy`] before anything is
    /// touched; else a file that cannot be read or written.
    pub fn open(spool: &Spool, now: i64) -> Result<(Journal, Recovery), JournalError> {
        let layout = Layout::new(spool.journal_folder());
        let disk = spool.disk().clone();
        let (found, recovery) = recovery::recover(&layout, &disk)?;
        let journal = Journal {
            shared: Arc::new(Shared::new(layout, disk, now, found)),
        };
        journal.make_room();
        if let Err(failed) = journal.clean() {
            // A full disk must not keep from being delivered what would empty it.
            tracing::warn!(
                "what is delivered could not be removed: {}",
                error_chain(&failed)
            );
        }
        Ok((journal, recovery))
    }

    /// Whether there is nothing of a journal, not even the number of the run that last sealed something. That stays
    /// for good, so where something was sealed the folder was removed or emptied since.
    ///
    /// # Errors
    /// It cannot be looked into.
    pub fn is_gone(spool: &Spool) -> Result<bool, JournalError> {
        recovery::is_gone(&Layout::new(spool.journal_folder()))
    }

    /// What waits, by messenger, looked at from beside a run that may be going on: nothing is
    /// locked, written or moved. What changes meanwhile may be counted as it was or as it is.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn look(spool: &Spool) -> Result<Vec<Waiting>, JournalError> {
        let layout = Layout::new(spool.journal_folder());
        let found = recovery::look(&layout)?;
        let shared = Shared::new(layout, spool.disk().clone(), 0, found);
        waiting::waiting(&shared)
    }

    /// The same of the records themselves.
    ///
    /// # Errors
    /// The journal's folder cannot be read.
    pub fn sight(spool: &Spool) -> Result<Sight, JournalError> {
        let layout = Layout::new(spool.journal_folder());
        let found = recovery::look(&layout)?;
        Ok(Sight::new(Arc::new(Shared::new(
            layout,
            spool.disk().clone(),
            0,
            found,
        ))))
    }

    /// The records of an open journal.
    pub fn records(&self) -> Sight {
        Sight::new(self.shared.clone())
    }

    /// Puts what lies in a messenger's quarantine back into its queue, as `anew` makes it,
    /// behind everything that waits. Killed in between, each record is in one of the two. What
    /// cannot go back is counted by its reason.
    ///
    /// # Errors
    /// A file cannot be read or written; what was put back by then is.
    pub fn retry(
        &self,
        messenger: &str,
        anew: &mut dyn FnMut(&Origin, &mut AccountingRecord),
    ) -> Result<Returned, JournalError> {
        retry::retry(&self.shared, messenger, anew)
    }

    /// Gives up what waits for a messenger and was extracted before that moment, in epoch
    /// seconds. Killed in between, it must be called again. Returns how many records those were.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn forget_before(&self, messenger: &str, before: i64) -> Result<u64, JournalError> {
        cleanup::forget_before(&self.shared, messenger, before)
    }

    /// Gives up what lies in a messenger's quarantine since before that moment, in epoch
    /// seconds. Returns how many records those were.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn forget_quarantined(&self, messenger: &str, before: i64) -> Result<u64, JournalError> {
        cleanup::forget_quarantined(&self.shared, messenger, before)
    }

    /// To be called before what waits is delivered: gives up what is kept for a full disk.
    pub fn make_room(&self) {
        reserve::give_up_where_full(&self.shared);
    }

    /// What the configuration of this run gives each messenger: the record types by its name, none for all
    /// that its component takes. It is kept with what is sealed, and what was sealed for a messenger it is given,
    /// whatever the configuration says by then.
    pub fn gives(&self, record_types: BTreeMap<String, Option<Vec<String>>>) {
        self.shared.gives(record_types);
    }

    /// Begins a segment. `facts` are what is known of where its records come from besides
    /// the key, by the names that `wit/README.md` registers. `messengers` are the names of
    /// the instances of this
    /// run: each of them will get the records, once it takes them.
    ///
    /// # Errors
    /// The run's number or the segment's file could not be written.
    pub fn begin(
        &self,
        key: SegmentKey,
        facts: Vec<Attribute>,
        order: Order,
        messengers: &[String],
        mapper: &MapperIdentity,
    ) -> Result<SegmentWriter, JournalError> {
        let name = self.shared.next_segment(order)?;
        SegmentWriter::begin(
            self.shared.clone(),
            name,
            key,
            facts,
            messengers,
            mapper,
            Vec::new(),
        )
    }

    /// Puts segments on disk for good, of one project or of many, side by side. Their cursors may
    /// move once this has answered, and not before. One answer a segment, in their order.
    ///
    /// # Errors
    /// That segment may be there all the same: then the next run moves its cursor.
    pub fn seal(&self, segments: Vec<Finished>) -> Vec<Result<Sealed, JournalError>> {
        segment::seal(&self.shared, segments)
    }

    /// Keeps back what this run seals of projects from that place on (`Order::project`): it is not
    /// packed before this is called again with a later place, or with none. What is packed is in the
    /// order of the journal, so a place is to be let go only when nothing comes any more of those
    /// before it, and when no segment of theirs will be taken back.
    pub fn hold_from(&self, place: Option<u32>) {
        self.shared.hold_from(place);
    }

    /// How many records this run has sealed of the projects in these places.
    pub fn sealed_of(&self, places: Range<u32>) -> u64 {
        self.shared.sealed_of(places)
    }

    /// Where the records of the sealed segments come from, in the order of delivery.
    /// A run that was killed between the sealing and the move of the cursor left one
    /// that its cursor does not know.
    pub fn sealed(&self) -> Vec<SegmentKey> {
        self.shared.segment_keys()
    }

    /// Takes a segment back, as its cursor could not be moved: its window is read
    /// again, and delivered now it would be counted twice.
    ///
    /// # Errors
    /// It could not be removed: it stays, and the next run moves the cursor.
    pub fn revoke(&self, sealed: &Sealed) -> Result<(), JournalError> {
        match sealed.name {
            None => Ok(()),
            Some(name) => self.shared.revoke(name),
        }
    }

    /// The queue of a messenger, by the name of its instance.
    pub fn queue(&self, messenger: &str) -> Queue {
        Queue::new(self.shared.clone(), messenger)
    }

    /// What waits, by messenger, also for those that are no longer configured.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, JournalError> {
        waiting::waiting(&self.shared)
    }

    /// Damaged files that were set aside, in this run or an earlier one, and
    /// that nobody has taken away since.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn damaged(&self) -> Result<Vec<Damaged>, JournalError> {
        recovery::damaged(&self.shared.layout)
    }

    /// The same, of a journal that is only looked at.
    ///
    /// # Errors
    /// Their folder cannot be read.
    pub fn damaged_of(spool: &Spool) -> Result<Vec<Damaged>, JournalError> {
        recovery::damaged(&Layout::new(spool.journal_folder()))
    }

    /// Gives up what waits for a messenger, and its unfinished batches; its
    /// quarantine stays. Returns how many records those were. Killed in between,
    /// it must be called again.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn forget(&self, messenger: &str) -> Result<u64, JournalError> {
        cleanup::forget(&self.shared, messenger)
    }

    /// Ends packs whose last record is dealt with, and removes segments that
    /// nobody waits for any more.
    ///
    /// # Errors
    /// A file cannot be read or removed. The next start tries again.
    pub fn clean(&self) -> Result<(), JournalError> {
        cleanup::clean(&self.shared)?;
        reserve::keep(&self.shared);
        Ok(())
    }

    /// The number of the last run that sealed something, this one included: it only grows, so that a journal with a lower one
    /// than before is from a backup.
    pub fn last_run(&self) -> u64 {
        self.shared.last_run()
    }

    /// Of the records of one key in a quarantine that grew in this run the newest stays: it says all that the
    /// others do. Returns how many went.
    ///
    /// # Errors
    /// A file cannot be read or written. The next run that puts something there tries again.
    pub fn settle(&self) -> Result<u64, JournalError> {
        settle::settle(&self.shared)
    }

    /// What was odd and cost no record, since the journal was opened or since the last call.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.shared.take_notices()
    }

    /// Files that were found damaged and set aside since the journal was opened,
    /// or since the last call.
    pub fn take_set_aside(&self) -> Vec<SetAside> {
        self.shared.take_set_aside()
    }
}
