//! The journal: records on disk, from the mapper's hand to the last
//! messenger's answer.
//!
//! The states that a record goes through on disk, with every fsync and what a
//! kill leaves, stand in `STATES.md` beside this file; read it first. A record's
//! way is the order of the modules: `segment` (written, sealed), `packing`
//! (which records make up which batch of which messenger), `pack` (its file),
//! `batch` (its records, read back; `format_1` as an older engine wrote them), `progress` (how far it got), `quarantine`.
//! `recovery` is what a start makes of what the last run left, `cleanup` removes
//! what nobody waits for any more.
//!
//! One process at a time opens a [`Journal`]. The extraction writes
//! [`SegmentWriter`]s; a delivery takes a [`Queue`] for each messenger, packs,
//! opens its packs in order and resolves their batches' records. Which records
//! to offer, and what an answer means, is not decided here.

#![warn(missing_docs)]

mod batch;
mod cleanup;
mod error;
mod format_1;
mod journal;
mod kind;
mod layout;
mod lines;
mod open_pack;
mod pack;
mod packing;
mod progress;
mod quarantine;
mod queue;
mod recovery;
mod reserve;
mod retry;
mod segment;
mod settle;
mod shared;
mod sight;
mod since;
mod waiting;

pub use batch::{BatchItem, BatchRecords};
pub use error::JournalError;
pub use journal::Journal;
pub use kind::RecordKind;
pub use layout::{PackName, SegmentName};
pub use open_pack::{OpenPack, PackedBatch};
pub use packing::{NotGiven, Taking};
pub use quarantine::{QuarantineCause, Quarantined, QuarantinedRecord};
pub use queue::{PendingPack, Queue};
pub use recovery::{Damaged, Held, NewerFile, Recovery, SetAside};
pub use retry::Returned;
pub use segment::{Finished, MapperIdentity, Order, Sealed, SegmentKey, SegmentWriter};
pub use sight::{Sight, WaitingRecord};
pub use waiting::Waiting;

// The tests' site is shared with another crate, which knows this one by name.
#[cfg(test)]
extern crate self as caso_journal;

#[cfg(test)]
mod tests;
