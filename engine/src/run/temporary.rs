//! Folders that are gone when their owner is.

use tempfile::TempDir;

use super::remedy;

/// A new one, in the machine's folder for such things.
///
/// # Errors
/// It cannot be made.
pub fn folder(prefix: &str) -> anyhow::Result<TempDir> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir();
    made.map_err(|error| {
        remedy::advised(
            format!("cannot make a temporary folder: {error}"),
            "`TMPDIR` says where; set it to a folder that is there, is yours to write to and has room",
        )
    })
}
