//! `ssm`: writes APEL messages into the directory queue from which SSM sends them.
//!
//! All that APEL and SSM require of a text is in `caso_apel`, and known there and nowhere
//! else; here is the way into the queue.
//!
//! ```text
//! batch ─► entries (cloud: text; ip, accelerator: JSON; storage: StAR XML), refusals
//!       ─► messages of at most max_size records and max_message_bytes bytes
//!       ─► the record type's own queue (`outgoing-storage`), or else `outgoing`
//! ```

#![warn(missing_docs)]

mod deliver;
mod describe;
mod options;

use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError, queue,
};
use caso_component::settings::Settings;

pub use deliver::deliver;
pub use options::Options;

/// The contract's name of the queue for the record types that have no queue of their
/// own.
pub const QUEUE: &str = "outgoing";

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
