//! One run from start to exit code and summary.

mod exit;
pub use exit::Exit;
