//! What can go wrong with the journal itself.

use std::io;
use std::path::{Path, PathBuf};

use caso_disk::DiskError;

use crate::lines::Bad;

/// The journal, or one of its files, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A write failed; what it would have made is not there.
    #[error("the journal could not be written")]
    Disk(#[from] DiskError),
    /// A file or folder is there and cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not what was written, and was when the journal was opened.
    #[error(
        "`{}` was damaged while cASO ran ({reason}); the next run sets it aside and packs what it covers again",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has the journal open.
    #[error("another process works on the journal `{}`", .path.display())]
    Busy {
        /// The journal's folder.
        path: PathBuf,
    },
    /// The lock file cannot be opened or locked.
    #[error("the journal cannot be locked, and without its lock two runs could mix their records")]
    Lock(#[source] DiskError),
    /// The whole journal is of a format that this version does not know.
    #[error(
        "the journal `{}` was written by a newer cASO (format {format}, {engine})",
        .path.display()
    )]
    Newer {
        /// The journal's folder.
        path: PathBuf,
        /// The format it names.
        format: u32,
        /// The version that wrote it.
        engine: String,
    },
    /// A segment had a failed write, so it may lack a record.
    #[error(
        "`{}` cannot be sealed, as a write to it failed; its window is extracted again",
        .path.display()
    )]
    Torn {
        /// The open segment.
        path: PathBuf,
    },
    /// A record holds a number that JSON does not have. The segment goes on
    /// without it.
    #[error("record `{record}` cannot be kept, as its `{field}` is not a finite number")]
    NotFinite {
        /// The record's id.
        record: String,
        /// The field, as the contract names it.
        field: &'static str,
    },
    /// A pack that is whole names a record type that this version does not know.
    #[error(
        "`{}` holds a batch of type `{record_type}`, which this cASO does not know",
        .path.display()
    )]
    UnknownType {
        /// The pack.
        path: PathBuf,
        /// The type, as the pack spells it.
        record_type: String,
    },
}

impl JournalError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            JournalError::Busy { .. } => "let it finish",
            JournalError::Newer { .. } => {
                "use that one, or move the folder away once nothing in it waits"
            }
            JournalError::NotFinite { .. } => {
                "the mapper must leave the field out or give a number"
            }
            JournalError::Read { .. } | JournalError::Lock(_) => {
                "make it a file of cASO's that this user can read and write; what else stands there can be moved away"
            }
            JournalError::UnknownType { .. } => "deliver it with the version that packed it",
            _ => return None,
        })
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Read { path, source }
    }

    /// Of a file that passed its check when the journal was opened: what is wrong
    /// with it since is not ours to repair while it is being delivered.
    pub(crate) fn bad(path: &Path) -> impl FnOnce(Bad) -> JournalError {
        let path = path.to_owned();
        move |bad| match bad {
            Bad::Io(source) => JournalError::Read { path, source },
            Bad::Corrupt(reason) => JournalError::Damaged { path, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_help_is_said() {
        let path = || PathBuf::from("p");
        let busy = JournalError::Busy { path: path() };
        let newer = JournalError::Newer {
            path: path(),
            format: 9,
            engine: "9.0.0".into(),
        };
        let number = JournalError::NotFinite {
            record: "r".into(),
            field: "cpu-count",
        };
        let kind = JournalError::UnknownType {
            path: path(),
            record_type: "quota".into(),
        };
        let other = JournalError::Torn { path: path() };
        assert_eq!(
            [busy, newer, number, kind, other].map(|error| error.hint()),
            [
                Some("let it finish"),
                Some("use that one, or move the folder away once nothing in it waits"),
                Some("the mapper must leave the field out or give a number"),
                Some("deliver it with the version that packed it"),
                None,
            ]
        );
    }
}
