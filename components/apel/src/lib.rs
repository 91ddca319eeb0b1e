//! APEL's messages: all that APEL and SSM require of a text, and nothing of the way on
//! which it gets there.
//!
//! The formats, byte for byte as cASO 5.2.2 writes them; ASCII; the lengths of columns;
//! what APEL's loader accepts. APEL rejects a whole message for one bad record. Therefore
//! each record is checked before it goes into a message, and one that APEL would reject is
//! refused by its index, with the reason. `ssm` puts the messages into SSM's queue, `ams`
//! publishes them itself: both have the same texts from here. A component cannot be made of
//! another one, since both would export `describe`; so this is a library.
//!
//! ```text
//! records ─► Formatted: entries (cloud: text; ip, accelerator: JSON; storage: StAR XML), refusals
//!         ─► Formatted::next: a message of at most max_size records and so many bytes
//! ```

#![warn(missing_docs)]

pub mod accelerator;
pub mod cloud;
pub mod format;
mod formatted;
pub mod ip;
pub mod packing;
pub mod rules;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
pub mod storage;
pub mod xml;

pub use format::{CloudVersion, Format, IpFormat, StarRecordId};
pub use formatted::{Entry, Formatted};

/// The record types that APEL has a message for. For energy it has none.
pub const RECORD_TYPES: [&str; 4] = ["cloud", "ip", "accelerator", "storage"];

/// The type of a record that is a whole message as somebody wrote it, its payload: what
/// `caso queue adopt` makes, and `ams` publishes.
pub const MESSAGE: &str = "apel-message";
