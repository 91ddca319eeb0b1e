//! Lines for the operator's log.
//!
//! Natively there is no host to take them: they go to stderr, where `cargo test`
//! shows them beside a failure.

pub use crate::bindings::caso::accounting::log::Level;

/// Writes one line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::caso::accounting::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Something is odd; the work goes on.
pub fn warning(message: &str) {
    write(Level::Warning, message);
}

/// Worth a line on a good day.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// For whoever looks for a fault.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}
