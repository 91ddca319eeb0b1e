//! Files and their names in the journal's folder. Numbers are compared as numbers, so a name
//! that outgrows its zeros still sorts right.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use caso_state::file_name_for;

use crate::error::JournalError;

/// The name of the file with the number of the last run.
pub(crate) const COUNTER: &str = "journal.json";

/// The form in which this version writes. A file that says more is left alone. In
/// format 1 records were of another shape, and segments did not say of which project
/// and VO they are; see `format_1`.
pub(crate) const FORMAT: u32 = 2;

#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Layout { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn counter(&self) -> PathBuf {
        self.root.join(COUNTER)
    }

    pub(crate) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.root.join("segments")
    }

    pub(crate) fn segment(&self, name: SegmentName) -> PathBuf {
        self.segments().join(format!("{name}.seg"))
    }

    pub(crate) fn open_segment(&self, name: SegmentName) -> PathBuf {
        self.segments().join(format!("{name}.open"))
    }

    pub(crate) fn messengers(&self) -> PathBuf {
        self.root.join("messengers")
    }

    pub(crate) fn queue(&self, messenger: &str) -> QueueFolder {
        QueueFolder {
            folder: self.messengers().join(file_name_for(messenger)),
        }
    }

    pub(crate) fn mapper_quarantine(&self) -> PathBuf {
        self.root.join("quarantine").join("mapper")
    }

    pub(crate) fn set_aside(&self) -> PathBuf {
        self.root.join("set-aside")
    }
}

/// One messenger's folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct QueueFolder {
    pub(crate) folder: PathBuf,
}

impl QueueFolder {
    pub(crate) fn pack(&self, name: PackName) -> PathBuf {
        self.folder.join(format!("{name}.pack"))
    }

    pub(crate) fn ack(&self, name: PackName) -> PathBuf {
        self.folder.join(format!("{name}.ack"))
    }

    pub(crate) fn done(&self, name: PackName) -> PathBuf {
        self.folder.join(format!("{name}.done"))
    }

    pub(crate) fn quarantine_folder(&self) -> PathBuf {
        self.folder.join("quarantine")
    }

    /// What was delivered since of the keys in quarantine.
    pub(crate) fn since(&self) -> PathBuf {
        self.quarantine_folder().join("delivered-since")
    }

    pub(crate) fn quarantine(&self, name: PackName) -> PathBuf {
        self.quarantine_folder().join(format!("{name}.jsonl"))
    }
}

/// Name of a segment, `RRRRRRRR-PPPPP-EE-NN`. Names sort in the order of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SegmentName {
    /// The run that wrote it.
    pub(crate) run: u64,
    /// Place of its project in the configuration.
    pub(crate) project: u32,
    /// Place of its extractor in the configuration.
    pub(crate) extractor: u32,
    /// Several windows of one project and extractor in one run.
    pub(crate) part: u32,
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:08}-{:05}-{:02}-{:02}",
            self.run, self.project, self.extractor, self.part
        )
    }
}

/// Name of a pack, `RRRRRRRR-NN`: run number and the pack's ordinal in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackName {
    pub(crate) run: u64,
    pub(crate) number: u32,
}

impl fmt::Display for PackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}-{:02}", self.run, self.number)
    }
}

/// Text that is not the name of a segment or pack.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a journal file name")]
pub struct NotOurs(String);

fn number<T: FromStr>(part: Option<&str>) -> Option<T> {
    let part = part?;
    let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| part.parse().ok()).flatten()
}

impl FromStr for SegmentName {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let mut parts = text.split('-');
        let mut read = || {
            let name = SegmentName {
                run: number(parts.next())?,
                project: number(parts.next())?,
                extractor: number(parts.next())?,
                part: number(parts.next())?,
            };
            parts.next().is_none().then_some(name)
        };
        read().ok_or_else(|| NotOurs(text.to_owned()))
    }
}

impl FromStr for PackName {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let (run, rest) = text.split_once('-').unwrap_or((text, ""));
        match (number(Some(run)), number(Some(rest))) {
            (Some(run), Some(number)) => Ok(PackName { run, number }),
            _ => Err(NotOurs(text.to_owned())),
        }
    }
}

impl TryFrom<String> for SegmentName {
    type Error = NotOurs;

    fn try_from(text: String) -> Result<Self, NotOurs> {
        text.parse()
    }
}

impl From<SegmentName> for String {
    fn from(name: SegmentName) -> String {
        name.to_string()
    }
}

/// Stem and ending of a file's name, where both are text.
pub(crate) fn stem_and_ending(path: &Path) -> Option<(&str, &str)> {
    path.file_name()?.to_str()?.split_once('.')
}

/// The entries of a folder, sorted; none where there is no folder.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(JournalError::read(folder)(e)),
    };
    let mut paths = listing
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(JournalError::read(folder))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_come_and_sort_as_numbers() {
        let name = SegmentName {
            run: 7,
            project: 123_456,
            extractor: 1,
            part: 0,
        };
        assert_eq!(name.to_string(), "00000007-123456-01-00");
        assert_eq!(name.to_string().parse::<SegmentName>().unwrap(), name);
        let earlier = SegmentName {
            project: 99_999,
            ..name
        };
        assert!(earlier < name);
        for odd in ["", "1-2-3", "1-2-3-4-5", "a-1-1-1", "1-2-3-+4", "1-2--3"] {
            assert!(odd.parse::<SegmentName>().is_err(), "{odd}");
        }
        assert!("00000001-02".parse::<PackName>().is_ok());
        assert!("00000001".parse::<PackName>().is_err());
    }
}
