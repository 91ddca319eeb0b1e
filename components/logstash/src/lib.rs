//! `logstash`: sends each record as one line of JSON over a connection.
//!
//! The lines have cASO's keys and are UTF-8. A stream of lines has no acknowledgement;
//! which records count as delivered is decided, and explained, in `deliver`.

#![warn(missing_docs)]

mod connection;
mod deliver;
mod describe;
mod lines;
mod options;

use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError,
};
use caso_component::settings::Settings;

pub use connection::Connection;
pub use deliver::deliver;
pub use options::Options;

/// The contract's name of the connection.
pub const CONNECTION: &str = "server";

/// The messenger: a started instance.
#[derive(Debug)]
pub struct Logstash(Options);

impl Messenger for Logstash {
    fn describe() -> ComponentDescription {
        describe::describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Options::from_settings(Settings::from(setup)).map(Self)
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        deliver(
            &self.0,
            batch,
            &mut connection::Granted::new(batch.time_left()),
        )
    }
}

caso_component::export_messenger!(Logstash);
