//! The ground under every room: the clock that is handed in, times as text,
//! an error with its causes in one line, digests, the
//! nearest known word.
//!
//! Nothing here knows OpenStack, accounting or WebAssembly.

pub mod clock;
pub mod digest;
pub mod error_chain;
pub mod suggest;
pub mod time;

pub use clock::{Clock, PinnedClock, SystemClock};
pub use error_chain::error_chain;
