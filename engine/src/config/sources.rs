//! The layers that set options.

/// Command line, environment and files, as they were found.
#[derive(Debug, Clone, Default)]
pub struct Sources {}
