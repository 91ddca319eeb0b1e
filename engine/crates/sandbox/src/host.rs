//! The contract's imports that have nothing behind them but the log.
//!
//! `queue` and `connection` stand in files of their own.

use super::bindings::mapper::caso::accounting::{log, records, types, usage};
use super::convert::Cross;
use super::state::State;

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level.cross(), &message);
        Ok(())
    }
}

impl types::Host for State {}
impl usage::Host for State {}
impl records::Host for State {}
