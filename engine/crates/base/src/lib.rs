//! The ground under every room: the clock that is handed in, the environment,
//! times, booleans and endpoints as text, an error with its causes in one line,
//! digests, reading what ought to be a file, the nearest known word, the gate for texts of others,
//! words for a shell and for caso.conf, what keeps us from a file.
//!
//! Nothing here knows OpenStack, accounting or WebAssembly.

#![warn(missing_docs)]

pub mod boolean;
pub mod clock;
pub mod conf;
pub mod digest;
pub mod endpoint;
pub mod environment;
pub mod error_chain;
pub mod line;
pub mod message;
pub mod regular;
pub mod rights;
pub mod shell;
pub mod suggest;
pub mod time;

pub use boolean::parse_boolean;
pub use clock::{Clock, PinnedClock, SystemClock};
pub use endpoint::{Endpoint, ParseEndpointError};
pub use environment::environment;
pub use error_chain::error_chain;
pub use message::Message;
pub use shell::shell_word;
