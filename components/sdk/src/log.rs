//! Lines for the operator's log.
//!
//! The host adds the names of component and instance, masks secrets and limits length
//! and number. In a native build there is no host: the lines go to stderr, where
//! `cargo test` shows them beside a failure. With the feature `testing` a test can read them
//! back.

#[cfg(all(not(target_arch = "wasm32"), any(test, feature = "testing")))]
use std::cell::RefCell;

pub use crate::bindings::caso::accounting::log::Level;

/// Writes one line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::caso::accounting::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
    #[cfg(all(not(target_arch = "wasm32"), any(test, feature = "testing")))]
    LINES.with_borrow_mut(|lines| lines.push((level, message.to_owned())));
}

#[cfg(all(not(target_arch = "wasm32"), any(test, feature = "testing")))]
thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// For tests: the lines that this thread has written since it last asked.
#[cfg(all(not(target_arch = "wasm32"), any(test, feature = "testing")))]
#[must_use]
pub fn take_lines() -> Vec<(Level, String)> {
    LINES.take()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_level_and_is_read_once() {
        error("failed");
        warning("odd");
        info("well");
        debug("detail");
        let lines = take_lines();
        let levels: Vec<Level> = lines.iter().map(|(level, _)| *level).collect();
        assert_eq!(
            levels,
            [Level::Error, Level::Warning, Level::Info, Level::Debug]
        );
        assert_eq!(lines[1].1, "odd");
        assert!(take_lines().is_empty());
    }
}
