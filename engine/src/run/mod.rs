//! One run from start to exit code and summary.
