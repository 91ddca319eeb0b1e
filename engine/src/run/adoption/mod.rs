//! Taking over what still waits in an old directory queue for ssmsend. A message becomes a
//! record of the kind [`KIND`], with the text as its payload, and then waits in the journal
//! like any other. It is taken in steps, each of which is on disk before the next:
//!
//! ```text
//! locked in the queue ─► copied into SPOOLDIR/adopting ─► removed from the queue ─► unlocked
//!     ─► all of them sealed as one segment ─► SPOOLDIR/adopting renamed to adopted, and removed
//! ```
//!
//! Killed anywhere, the same command goes on from there. A copy has its message's name, so it is
//! written again and not twice; a lock of ours names this spool, so it is known from one of
//! ssmsend's; a segment that was sealed is known by its messages, and no run delivers it before
//! it has removed the copies ([`settle`]). So a message is in the queue, or here, or in the
//! journal, and no two of them are sent.

mod copies;
mod queue;
#[cfg(test)]
mod tests;

pub use self::copies::{seal, settle};
pub use self::queue::{Left, take_all};
pub use caso_apel::MESSAGE as KIND;

/// Where messages lie between the queue and the journal, in the spool.
const FOLDER: &str = "adopting";
