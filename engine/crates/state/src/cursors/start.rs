//! Where an extractor starts, and what says so.

use std::path::PathBuf;

/// Where a start comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSource {
    /// Its own cursor.
    Cursor,
    /// Its own cursor, which an operator has put there.
    Set,
    /// A lastrun file that is not as we left it.
    Edited(PathBuf),
    /// A lastrun file, for want of a cursor.
    Lastrun(PathBuf),
    /// There is neither.
    Nothing,
}

/// Where the next window of an extractor starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Epoch seconds; none: from the beginning.
    pub at: Option<i64>,
    /// What says so.
    pub source: StartSource,
    /// Whether this extractor ever extracted a window of the project.
    pub extracted: bool,
    /// How far it had come before somebody set it back, or took away what said so, in epoch seconds:
    /// from `at` to there was extracted before. None where it has come so far again.
    pub reached: Option<i64>,
    /// Something was extracted ahead of it: by hand, or by a run that was killed.
    pub ahead: bool,
}

impl Start {
    pub(super) fn at_the_beginning() -> Self {
        Start {
            at: None,
            source: StartSource::Nothing,
            extracted: false,
            reached: None,
            ahead: false,
        }
    }
}
