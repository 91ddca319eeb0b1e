//! Why a project's cursors cannot be used. Each costs its own project only.

use std::io;
use std::path::PathBuf;

use caso_disk::DiskError;

/// One project's cursors could not be read or moved.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// A lastrun file holds something else.
    #[error(
        "project `{project}`: `{}` holds `{text}`, which is no date",
        .path.display()
    )]
    NotADate {
        /// Id of the project.
        project: String,
        /// The file.
        path: PathBuf,
        /// What it holds, at most 60 characters of it.
        text: String,
    },
    /// The cursor file is not what was written, and nothing else says where to
    /// start.
    #[error(
        "project `{project}`: `{}` is damaged ({reason}) and there is no `lastrun.{project}` to fall back to",
        .path.display()
    )]
    Damaged {
        /// Id of the project.
        project: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cursor file's format is not known to this version.
    #[error(
        "project `{project}`: `{}` was written by a newer cASO (format {format})",
        .path.display()
    )]
    Newer {
        /// Id of the project.
        project: String,
        /// The file.
        path: PathBuf,
        /// The format it names.
        format: u32,
    },
    /// A cursor or lastrun file is there and cannot be read.
    #[error("project `{project}`: cannot read `{}`", .path.display())]
    Read {
        /// Id of the project.
        project: String,
        /// The file.
        path: PathBuf,
        #[source]
        /// The system's reason.
        source: io::Error,
    },
    /// A cursor or lastrun file could not be written.
    #[error("project `{project}`: its cursor stays where it was")]
    Write {
        /// Id of the project.
        project: String,
        #[source]
        /// Which file, and why.
        source: DiskError,
    },
    /// Its lastrun file could not be written.
    #[error(
        "project `{project}`: its records are there and its cursors have moved, but its lastrun file does not say so yet: the next run tries again"
    )]
    Lastrun {
        /// Id of the project.
        project: String,
        #[source]
        /// Which file, and why.
        source: DiskError,
    },
    /// They were written, and may not be on disk.
    #[error("the lastrun files may not be on disk: the next run writes them again")]
    Lastruns {
        #[source]
        /// Which file, and why.
        source: DiskError,
    },
    /// The cursor would stand before the year 0 or after 9999.
    #[error("project `{project}`: {end} lies outside the years that a lastrun file can hold")]
    OutOfRange {
        /// Id of the project.
        project: String,
        /// Where it would stand, in epoch seconds.
        end: i64,
    },
}

impl CursorError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            CursorError::NotADate { .. } => Some(
                "write there when to extract from, as in `2026-11-21 16:57:53+00:00`, or remove it to extract from the beginning: storage and \
                 energy of that time count twice then, if another cASO sent them"
                    .to_owned(),
            ),
            CursorError::Damaged { project, .. } => Some(format!(
                "remove it to extract from the beginning, or write a `lastrun.{project}`"
            )),
            CursorError::Newer { project, .. } => Some(format!(
                "use that one, or move the file away to go on from `lastrun.{project}`"
            )),
            CursorError::Read { project, path, .. } => Some(match path.extension() {
                Some(ending) if ending == "json" => format!(
                    "make it a file that this user can read, or move it away: the project then goes on from \
                     `lastrun.{project}`"
                ),
                _ => "make it a file that this user can read".to_owned(),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_base::error_chain;
    use caso_disk::Step;

    #[test]
    fn what_went_wrong_is_said_and_what_to_do() {
        let project = || "p".to_owned();
        let path = || PathBuf::from("/spool/file");
        let full = || DiskError::new(Step::Write, &path(), io::Error::other("broken"));
        for (failed, text, hint) in [
            (
                CursorError::NotADate {
                    project: project(),
                    path: path(),
                    text: "yesterday".into(),
                },
                "project `p`: `/spool/file` holds `yesterday`, which is no date",
                Some(
                    "write there when to extract from, as in `2026-11-21 16:57:53+00:00`, or \
                     remove it to extract from the beginning: storage and energy of that time count twice then, if another cASO \
                     sent them",
                ),
            ),
            (
                CursorError::Damaged {
                    project: project(),
                    path: path(),
                    reason: "its checksum differs".into(),
                },
                "project `p`: `/spool/file` is damaged (its checksum differs) and there is no \
                 `lastrun.p` to fall back to",
                Some("remove it to extract from the beginning, or write a `lastrun.p`"),
            ),
            (
                CursorError::Newer {
                    project: project(),
                    path: path(),
                    format: 2,
                },
                "project `p`: `/spool/file` was written by a newer cASO (format 2)",
                Some("use that one, or move the file away to go on from `lastrun.p`"),
            ),
            (
                CursorError::Read {
                    project: project(),
                    path: path(),
                    source: io::Error::other("broken"),
                },
                "project `p`: cannot read `/spool/file`: broken",
                Some("make it a file that this user can read"),
            ),
            (
                CursorError::Write {
                    project: project(),
                    source: full(),
                },
                "project `p`: its cursor stays where it was: cannot write to `/spool/file`: broken",
                None,
            ),
            (
                CursorError::Lastrun {
                    project: project(),
                    source: full(),
                },
                "project `p`: its records are there and its cursors have moved, but its lastrun \
                 file does not say so yet: the next run tries again: cannot write to \
                 `/spool/file`: broken",
                None,
            ),
            (
                CursorError::Lastruns { source: full() },
                "the lastrun files may not be on disk: the next run writes them again: cannot \
                 write to `/spool/file`: broken",
                None,
            ),
            (
                CursorError::OutOfRange {
                    project: project(),
                    end: -1,
                },
                "project `p`: -1 lies outside the years that a lastrun file can hold",
                None,
            ),
        ] {
            assert_eq!(error_chain(&failed), text);
            assert_eq!(failed.hint().as_deref(), hint);
        }
    }
}
