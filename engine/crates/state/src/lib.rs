//! Spool folder, cursors and lastrun files, the lock.
//!
//! What survives between two runs and is not a record. Every write goes
//! through a [`Disk`], so that a test can end the program before any one of
//! them. Nothing in here asks OpenStack or knows a messenger.

mod atomic;
mod cursor_file;
mod cursors;
mod disk;
mod folder;
mod lastrun;
mod lock;
mod spool;

pub use cursors::{Advance, CursorError, CursorKey, Cursors, Source, Start, Unmoved};
pub use disk::faults;
pub use disk::{Disk, DiskError, DiskFile, Fault, Step, Verdict};
pub use folder::{FolderError, FolderProblem, check_writable, us};
pub use lastrun::{format_lastrun, parse_lastrun};
pub use lock::{Holder, LOCK_FILE, Lock, LockError, try_record_lock};
pub use spool::{Spool, SpoolError, file_name_for};

/// The error of a value that could not be written down.
pub fn write_error(path: &std::path::Path, source: std::io::Error) -> DiskError {
    disk::error(Step::Write, path, source)
}
