//! Lines for the operator's log.
//!
//! The host adds the names of component and instance, masks secrets and limits length
//! and number. In a native build there is no host: the lines go to stderr, where
//! `cargo test` shows them beside a failure.

pub use crate::bindings::caso::accounting::log::Level;

/// Writes one line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::caso::accounting::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Something failed that an operator has to look at.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Something is odd, but the work goes on.
pub fn warning(message: &str) {
    write(Level::Warning, message);
}

/// Worth a line even when all is well.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Only of interest when looking for a fault.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}
