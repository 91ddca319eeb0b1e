//! What can go wrong with the journal itself.

use std::io;
use std::path::{Path, PathBuf};

use caso_state::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal could not be written")]
    Disk(#[from] DiskError),
    #[error("cannot read `{}`", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process works on the journal `{}`; wait for its end", .path.display())]
    Busy { path: PathBuf },
    #[error(
        "the journal `{}` was written by a newer cASO (format {format}, {engine}); use that one, or move the folder away once nothing in it waits",
        .path.display()
    )]
    Newer {
        path: PathBuf,
        format: u32,
        engine: String,
    },
    #[error(
        "`{}` cannot be sealed, as a write to it failed; its window is extracted again",
        .path.display()
    )]
    Torn { path: PathBuf },
    #[error("a record cannot be kept: {0}")]
    Record(String),
}

impl JournalError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Read { path, source }
    }
}
