//! `logstash`: sends each record as one line of JSON over a connection.
//!
//! The lines have cASO's keys, in UTF-8. A stream of lines has no receipt, so
//! what counts as delivered is decided in `deliver`, and stands there.

mod deliver;
mod describe;
mod lines;

pub use deliver::{Options, Peer, deliver};
pub use describe::describe;

/// The connection's name in the contract.
pub const CONNECTION: &str = "server";

#[cfg(target_arch = "wasm32")]
mod component {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    use caso_component::messenger::connection::{self, ConnectionError};
    use caso_component::messenger::{
        Answer, Batch, ComponentDescription, Delivery, Description, Rest,
    };
    use caso_component::types::Setting;

    use crate::{CONNECTION, Options, Peer};

    /// What `start` was given. A store holds one started instance.
    static OPTIONS: OnceLock<Options> = OnceLock::new();

    struct Logstash;

    impl Description for Logstash {
        fn describe() -> ComponentDescription {
            crate::describe()
        }
    }

    impl Delivery for Logstash {
        fn start(_instance: String, settings: Vec<Setting>) -> Result<(), String> {
            OPTIONS
                .set(Options::from_settings(&settings)?)
                .map_err(|_| "`start` was called twice".to_owned())
        }

        fn deliver(batch: Batch) -> Answer {
            match OPTIONS.get() {
                Some(options) => crate::deliver(options, &batch, &mut Granted::new()),
                None => Answer::partly(
                    0,
                    Vec::new(),
                    Rest::Other("`start` was not called".to_owned()),
                ),
            }
        }
    }

    /// How long one call goes on with one portion after the other. What one
    /// portion may take by the host's timeouts still fits behind it.
    const PATIENCE: Duration = Duration::from_secs(15);

    /// The connection that the host granted.
    struct Granted {
        handle: Option<u32>,
        began: Instant,
    }

    impl Granted {
        fn new() -> Self {
            Self {
                handle: None,
                began: Instant::now(),
            }
        }

        fn handle(&self) -> Result<u32, ConnectionError> {
            self.handle
                .ok_or_else(|| ConnectionError::Invalid("not connected".to_owned()))
        }
    }

    impl Peer for Granted {
        fn open(&mut self) -> Result<(), ConnectionError> {
            self.handle = Some(connection::open(CONNECTION)?);
            Ok(())
        }

        fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
            connection::send(self.handle()?, bytes)
        }

        fn finish(&mut self) -> Result<(), ConnectionError> {
            connection::finish(self.handle()?)
        }

        fn receive(&mut self) -> Result<usize, ConnectionError> {
            connection::receive(self.handle()?, 4_096).map(|bytes| bytes.len())
        }

        fn close(&mut self) {
            if let Some(handle) = self.handle.take() {
                connection::close(handle);
            }
        }

        fn is_late(&self) -> bool {
            self.began.elapsed() > PATIENCE
        }
    }

    caso_component::export_messenger!(Logstash);
}
