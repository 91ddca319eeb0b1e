//! Spool folder, cursors and lastrun files, which projects fail, the lock.
//!
//! What survives between two runs and is not a record. Every write goes
//! through a [`caso_disk::Disk`], so that a test can end the program before any
//! one of them. Nothing in here asks OpenStack or knows a messenger.

#![warn(missing_docs)]

pub mod backlog;
mod cursors;
mod failures;
mod folder;
mod histories;
mod lastrun;
pub mod ledger;
mod lock;
mod spool;

pub use cursors::{
    Advance, AllCursors, CaughtUp, CursorError, CursorKey, Cursors, Edits, Former, FormerNames,
    Here, Moves, NameNow, Start, StartSource, Unlisted, Unmoved, UnusableFile, Whereabouts,
};
pub use failures::{Failing, Failures, Forgotten};
pub use folder::{FolderError, FolderProblem, check_folder, check_writable};
pub use histories::{Histories, HistoryError, Opened, Place, UnusableVolumes};
pub use lock::{Holder, Lock, LockError};
pub use spool::{Spool, SpoolError, file_name_for};

#[cfg(test)]
mod other_process;
#[cfg(test)]
mod said;
