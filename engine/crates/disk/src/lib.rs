//! Writing that survives a kill.
//!
//! Every room that keeps something on disk writes through a [`Disk`]: small
//! files replaced as a whole ([`Disk::replace`]), files that only grow
//! ([`Disk::append_lines`]), renames and removals made durable
//! ([`Disk::sync_folder`]), record locks ([`Disk::lock`]), and the directory
//! queue that SSM reads ([`DirQueue`]). A test can end the program before any
//! single step of it, or fill the disk there ([`faults`]). What goes to disk together is synced side by
//! side ([`Disk::sync_files`]).
//!
//! Nothing here knows records, cursors or messengers.

#![warn(missing_docs)]

mod atomic;
mod beneath;
mod dirq;
mod disk;
mod errno;
pub mod faults;
mod owner;
mod record_lock;
mod together;

pub use atomic::Beside;
pub use beneath::resolved;
pub use dirq::{DirQueue, MonotonicNames, Posting, QueueFailure, elements};
pub use disk::{Disk, DiskError, DiskFile, Fault, Left, Step, Verdict};
pub use record_lock::{has_no_record_locks, lock_file, record_lock_holder, try_record_lock};
