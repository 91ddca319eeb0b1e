//! `auditor`: sends records to AUDITOR, the accounting ecosystem of the university of
//! Freiburg (<https://alu-schumacher.github.io/AUDITOR/>), over its REST API.
//!
//! What the server does is taken from its source, the crate `auditor` 0.11.2 of crates.io,
//! whose files are named where they are followed, and tried with that server
//! (`tests/consumers/auditor`).
//!
//! | module | what is in it |
//! |---|---|
//! | `options`, `describe` | the configuration |
//! | `record` | AUDITOR's record, and what it takes as a name |
//! | `map` | our records as AUDITOR's |
//! | `service` | the requests, and what its answers mean |

#![warn(missing_docs)]

mod describe;
mod map;
mod options;
mod record;
mod service;

#[cfg(test)]
mod tests;

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Rest, Setup, StartError,
};
use caso_component::settings::Settings;
use caso_http::client::{Client, Host};
use caso_http::requests::{self, Most};

pub use describe::describe;
pub use options::Options;

/// Name of the origin in the description.
pub const ORIGIN: &str = "auditor";
/// Bytes of a request's records. AUDITOR takes what actix-web takes unless told otherwise,
/// 2 MiB (`JsonConfig`), and `startup.rs` does not.
const MOST_BYTES: usize = 2_000_000;

/// The messenger: a started instance.
pub struct Auditor(Options);

impl Messenger for Auditor {
    fn describe() -> ComponentDescription {
        describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Options::from_settings(Settings::from(setup)).map(Self)
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        deliver(&self.0, batch, &mut Host::new())
    }
}

caso_component::export_messenger!(Auditor);

/// Sends a batch.
pub fn deliver(options: &Options, batch: &Batch, client: &mut dyn Client) -> Answer {
    let Some(mapped) = map::records(options, batch) else {
        return Answer::nothing(Rest::Misconfigured(format!(
            "AUDITOR has no record for `{}`: set `record_types` to what it is to get",
            batch.record_type
        )));
    };
    if mapped.running > 0 {
        log::debug(&format!(
            "batch `{}`: {} records of VMs that run are not sent; AUDITOR gets each VM when it \
             has ended",
            batch.id, mapped.running
        ));
    }
    let most = Most {
        records: options.max_size,
        bytes: MOST_BYTES,
    };
    let mut service = service::Service { options, client };
    requests::deliver(batch, &mapped.entries, mapped.refused, most, &mut service)
}
