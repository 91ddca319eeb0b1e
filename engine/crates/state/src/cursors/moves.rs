//! What is to become of cursors, and what became of them.

use caso_model::Window;

use super::CursorKey;

/// What moves of one project.
#[derive(Debug, Clone)]
pub struct Moves {
    /// Id of the project.
    pub project: String,
    /// Windows whose records are on disk, in their order.
    pub windows: Vec<(CursorKey, Window)>,
}

/// What became of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// It moved, and both ends are on disk. Epoch seconds.
    Moved {
        /// Where it stood; none: nothing had been extracted.
        from: Option<i64>,
        /// Where it stands.
        to: i64,
    },
    /// It stays where it was.
    Unmoved(Unmoved),
}

/// Why a cursor stays where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmoved {
    /// Dry run or replay.
    Frozen,
    /// The window ends where the cursor is, or before.
    Behind {
        /// Where it stands, in epoch seconds.
        cursor: i64,
    },
    /// The window starts after the cursor: what lies between was not extracted.
    Gap {
        /// Where it stands, in epoch seconds.
        cursor: i64,
    },
}

/// What became of a window that was found sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaughtUp {
    /// Its cursor had moved over it before.
    Nothing,
    /// Its cursor has moved over it now.
    Moved,
    /// Its cursor stays where somebody wants it.
    Stays,
}
