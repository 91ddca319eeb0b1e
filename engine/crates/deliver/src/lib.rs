//! The journal, packing, the retry rule, quarantine.
//!
//! What happens to records between the mapper and the last messenger. The
//! states they go through on disk, with every fsync and what a kill leaves,
//! stand in `STATES.md` beside this file; read it first. A record's way is the
//! order of the modules: `segment` (written, sealed), `packing` (which records
//! make up which batch of which messenger), `pack` (its file), `progress` (how
//! far it got), `send` (offering batches, the retry rule), `quarantine`.
//!
//! Every messenger has a queue of its own, first in, first out, and a task of
//! its own; nothing that one does can hold up or spoil another.

mod cleanup;
mod clock;
mod error;
mod journal;
mod kind;
mod layout;
mod lines;
mod offer;
mod pack;
mod packing;
mod progress;
mod quarantine;
mod reader;
mod recovery;
mod report;
mod segment;
mod send;
mod sender;
mod waiting;

pub use clock::Deadline;
pub use error::JournalError;
pub use journal::Journal;
pub use recovery::{NewerFile, Recovery, SetAside};
pub use report::{Delivery, Ending, Instance, InstanceReport, Unstarted};
pub use segment::{MapperIdentity, Order, Sealed, SegmentKey, SegmentWriter};
pub use send::deliver;
pub use waiting::Waiting;

#[cfg(test)]
mod tests;
