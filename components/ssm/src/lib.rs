//! `ssm`: writes APEL's messages into the directory queue from which SSM sends.
//!
//! Everything that APEL and SSM ask for is known here and nowhere else: formats
//! to the byte as cASO 5.2.2 writes them, ASCII, lengths, what a loader accepts.
//! APEL rejects a whole message for one bad record, so each record is checked by
//! itself, and one that can't be told is refused by its index with the reason.
//!
//! ```text
//! batch ─► entries (cloud: text; ip, accelerator: JSON; storage: StAR XML), refusals
//!       ─► packing (max_size records, max_message_bytes)
//!       ─► the record type's queue (`outgoing-storage`), or `outgoing`
//! ```

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

pub use deliver::deliver;
pub use describe::describe;
pub use options::{CloudVersion, IpFormat, Options, StarRecordId};

/// The name in the contract of the queue for all record types that have none of
/// their own.
pub const QUEUE: &str = "outgoing";

/// Record types that APEL has a message for. Energy has none.
pub const RECORD_TYPES: [&str; 4] = ["cloud", "ip", "accelerator", "storage"];

#[cfg(target_arch = "wasm32")]
mod component {
    use std::sync::OnceLock;

    use caso_component::messenger::{
        Answer, Batch, ComponentDescription, Delivery, Description, Rest, queue,
    };
    use caso_component::types::Setting;

    use crate::Options;

    /// What `start` was given. A store holds one started instance.
    static OPTIONS: OnceLock<Options> = OnceLock::new();

    struct Ssm;

    impl Description for Ssm {
        fn describe() -> ComponentDescription {
            crate::describe()
        }
    }

    impl Delivery for Ssm {
        fn start(_instance: String, settings: Vec<Setting>) -> Result<(), String> {
            OPTIONS
                .set(Options::from_settings(&settings)?)
                .map_err(|_| "`start` was called twice".to_owned())
        }

        fn deliver(batch: Batch) -> Answer {
            match OPTIONS.get() {
                Some(options) => {
                    let queue = options.queue(&batch.record_type);
                    crate::deliver(options, &batch, &mut |message| queue::put(&queue, message))
                }
                None => Answer::partly(
                    0,
                    Vec::new(),
                    Rest::Other("`start` was not called".to_owned()),
                ),
            }
        }
    }

    caso_component::export_messenger!(Ssm);
}
