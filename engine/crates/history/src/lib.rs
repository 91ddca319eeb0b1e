//! What was seen of each server in earlier runs.
//!
//! Nova says what a server is now, and a cumulative record needs what it was
//! since it began: CPU time is the sum over the sizes that it had. Nova says it
//! of servers that it lists, and a server that ended behind a clock that is
//! wrong, or in a cell that is away, is in no list. So the engine remembers, for
//! each project of a region: every server that it last saw alive, its CPUs and its
//! flavor, the earlier ones of those that were resized, the counters that were
//! reported, and for a while the servers whose end was reported.
//!
//! A [`History`] is opened as the last run left it, takes a [`Sighting`] for each
//! server that the extraction shows, answers each with the sizes that it had, and
//! names the servers that were alive and were not shown. It knows neither Nova
//! nor the disk: [`History::write`] and [`History::read`] are its form as bytes.
//!
//! Of volumes it remembers who had them, and up to when they were accounted: [`volumes`].
//!
//! A server that was never resized takes 24 bytes, in memory and on disk.

#![warn(missing_docs)]

mod entry;
mod flavors;
mod form;
mod history;
mod kinds;
mod more;
mod sighting;
mod sizes;
mod story;
pub mod volumes;

pub use form::{FORMAT, FormError};
pub use history::{History, Past, Reported};
pub use sighting::{Life, Sighting};

#[cfg(test)]
mod tests;
