//! From the journal to the messengers.
//!
//! Every messenger has a queue of its own in the journal, first in, first out,
//! and a task of its own ([`begin`]); nothing that one does can hold up or
//! spoil another. `sender` is the retry rule: what to offer next, and what an
//! answer, a failure or a silence means for the records. `batch_size` says how
//! many to offer. What a delivery came to is in `report`.
//!
//! What is on disk, and in which order it is written, is the journal's.

#![warn(missing_docs)]

mod batch_size;
mod deadline;
mod filtered;
mod report;
mod send;
mod sender;

pub use filtered::Filtered;
pub use report::{Delivery, Ending, Instance, InstanceReport, MadeAgain, Reason, Unstarted};
pub use send::{Delivering, Ready, begin};
pub use sender::PROGRESS;

#[cfg(test)]
mod tests;
