//! `ssm`: writes APEL messages into the directory queue from which SSM sends them.
//!
//! All that APEL and SSM require is known in this crate and nowhere else: the formats,
//! byte for byte as cASO 5.2.2 writes them; ASCII; the lengths of columns; what APEL's
//! loader accepts. APEL rejects a whole message for one bad record. Therefore each record
//! is checked before it goes into a message, and one that APEL would reject is refused by
//! its index, with the reason.
//!
//! ```text
//! batch ─► entries (cloud: text; ip, accelerator: JSON; storage: StAR XML), refusals
//!       ─► messages of at most max_size records and max_message_bytes bytes
//!       ─► the record type's own queue (`outgoing-storage`), or else `outgoing`
//! ```

#![warn(missing_docs)]

mod accelerator;
mod cloud;
mod deliver;
mod describe;
mod ip;
mod options;
mod packing;
mod rules;
mod storage;
mod xml;

use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError, queue,
};
use caso_component::settings::Settings;

pub use deliver::deliver;
pub use options::{CloudVersion, IpFormat, Options, StarRecordId};

/// The contract's name of the queue for the record types that have no queue of their
/// own.
pub const QUEUE: &str = "outgoing";

/// The record types that APEL has a message for. For energy it has none.
pub const RECORD_TYPES: [&str; 4] = ["cloud", "ip", "accelerator", "storage"];

/// The messenger: a started instance.
#[derive(Debug)]
pub struct Ssm(Options);

impl Messenger for Ssm {
    fn describe() -> ComponentDescription {
        describe::describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Options::from_settings(Settings::from(setup)).map(Self)
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        let name = self.0.queue(&batch.record_type);
        deliver(&self.0, batch, &mut |message| queue::put(&name, message))
    }
}

caso_component::export_messenger!(Ssm);
