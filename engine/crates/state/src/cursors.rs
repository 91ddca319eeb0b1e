//! How far each project has been extracted.
//!
//! A cursor belongs to (cloud, region, project, extractor): an extractor that
//! fails must not be carried along by one that does not. Python has one
//! `lastrun.<project>` for all of them, so that file gets the least of the
//! project's cursors, and going back to Python repeats a little and skips
//! nothing.
//!
//! **Where a project starts.** Its own cursor; else `lastrun.<id>`, else
//! `lastrun.<configured name>`, else the global `lastrun` of cASO up to 1.4.0,
//! else nowhere. When the text of a lastrun file is not what we last wrote,
//! an operator edited it or Python ran meanwhile: then that file wins, for every
//! extractor of the project. One that was removed after we wrote it counts as
//! Python counts it: as never written. Of a text that is not ours one second
//! is taken off, as Python writes the end of its window plus one second and
//! what changed in that second is in neither.
//!
//! A lastrun file is one region's: cASO had no more, and ours is the least of
//! several. So it counts for the clouds and regions that have cursors, and where
//! none has for the first that asks; a region that is added later starts at the
//! beginning.
//!
//! **When a cursor moves.** To the end of a window that continues it: there is
//! no cursor yet, or start <= cursor < end. Never back, never over a gap, and not at
//! all where the cursors were opened frozen (dry run, replay).
//!
//! **Order of the writes.** First the text that is coming is noted beside the old
//! cursors, then lastrun is written, then the new cursors: a kill in between leaves
//! a text that we know as ours, and the old cursors, which repeat the window.

mod all;
mod error;
mod file;
mod project;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caso_model::Window;

pub use self::all::Whereabouts;
pub use self::error::CursorError;
use self::project::ProjectCursors;
use crate::spool::Spool;

/// What a cursor belongs to, beside its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CursorKey {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region; none for a cloud whose region is not named.
    pub region: Option<String>,
    /// Name of the extractor.
    pub extractor: String,
}

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
}

impl Start {
    fn at_the_beginning() -> Self {
        Start {
            at: None,
            source: StartSource::Nothing,
            extracted: false,
        }
    }
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

/// All cursors of a spool. Projects side by side may share it.
#[derive(Debug)]
pub struct Cursors {
    spool: Spool,
    frozen: bool,
    /// All that the configuration has: what lastrun is the least of.
    configured: Vec<CursorKey>,
    /// Each with a lock of its own, so that one's fsync does not wait for another's.
    projects: Mutex<HashMap<String, Arc<Mutex<ProjectCursors>>>>,
}

impl Cursors {
    /// Reads a project when it is first asked for. Frozen cursors never move.
    pub fn open(spool: &Spool, frozen: bool) -> Cursors {
        Cursors {
            spool: spool.clone(),
            frozen,
            configured: Vec::new(),
            projects: Mutex::new(HashMap::new()),
        }
    }

    /// With every cursor that the configuration has. One of a cloud that is
    /// away, and so not asked in this run, still holds lastrun back.
    pub fn configured(self, keys: Vec<CursorKey>) -> Cursors {
        Cursors {
            configured: keys,
            ..self
        }
    }

    /// Whether all that is known of a project is a lastrun file of cASO's, or
    /// of an operator's: it can be given to one region only.
    pub fn is_foreign(&self, project: &str, name: Option<&str>) -> bool {
        let Ok(known) = self.project(project, name) else {
            return false;
        };
        let known = locked(&known);
        known.has_only_lastrun()
    }

    /// Where the extractors of a project start, in the order of `keys`.
    ///
    /// To be asked once a project, with all of its extractors, before any of
    /// them advances: each then keeps its own place, whatever becomes of the
    /// others. An extractor that does not run but must not lose its place
    /// belongs into the list, too. `name` is the project as it stands in the
    /// configuration, where that is not its id.
    ///
    /// # Errors
    /// The project's files cannot be read, or say nothing that can be used.
    pub fn starts(
        &self,
        project: &str,
        name: Option<&str>,
        keys: &[CursorKey],
    ) -> Result<Vec<Start>, CursorError> {
        let known = self.project(project, name)?;
        let mut known = locked(&known);
        Ok(keys.iter().map(|key| known.start(key)).collect())
    }

    /// Moves a cursor to the end of a window whose records are on disk.
    ///
    /// # Errors
    /// The project's files could not be read or written; the cursor stands where
    /// it stood, on disk too.
    pub fn advance(
        &self,
        project: &str,
        key: &CursorKey,
        window: Window,
    ) -> Result<Advance, CursorError> {
        if self.frozen {
            return Ok(Advance::Unmoved(Unmoved::Frozen));
        }
        let known = self.project(project, None)?;
        let mut known = locked(&known);
        known.advance(&self.spool, &self.configured, key, window)
    }

    /// Moves a cursor over a window that was sealed by a run that ended before it moved
    /// the cursor. To be asked after [`Cursors::starts`], for the windows of the journal in
    /// their order. `beginning` is where a first window begins, in epoch seconds.
    ///
    /// A cursor that an operator set since, or took away, stays where he wants it.
    ///
    /// # Errors
    /// As [`Cursors::advance`].
    pub fn catch_up(
        &self,
        project: &str,
        key: &CursorKey,
        window: Window,
        beginning: i64,
    ) -> Result<bool, CursorError> {
        let known = self.project(project, None)?;
        let mut known = locked(&known);
        if self.frozen || known.is_set_by_hand(key) {
            return Ok(false);
        }
        if known.start(key).at.is_none() && window.start > beginning {
            return Ok(false);
        }
        let advance = known.advance(&self.spool, &self.configured, key, window)?;
        Ok(matches!(advance, Advance::Moved { .. }))
    }

    /// Sets all cursors of a project to a moment in epoch seconds, and its lastrun with them.
    /// `name` is the project's name, where that is known. They stay there until something is
    /// extracted from there, whatever lies sealed in the journal.
    ///
    /// # Errors
    /// The project's files could not be read or written; killed in between, the cursors stand
    /// where they stood.
    pub fn set(&self, project: &str, name: Option<&str>, at: i64) -> Result<(), CursorError> {
        let known = self.project(project, name)?;
        locked(&known).set(&self.spool, at)
    }

    /// Removes what is known of a project, its lastrun file included: should it be found again,
    /// it starts as a new one does. Killed in between, it must be called again.
    ///
    /// # Errors
    /// Its files could not be read or removed.
    pub fn forget(spool: &Spool, project: &str) -> Result<(), CursorError> {
        let known = ProjectCursors::read(spool, project, None)?;
        known.forget(spool).map_err(|source| CursorError::Write {
            project: project.to_owned(),
            source,
        })
    }

    /// Notes that the cloud does without what this extractor reads. Its cursor
    /// stays where it is, for the day when there is something to read; until
    /// then lastrun is the least of the others.
    pub fn leave_out(&self, project: &str, key: &CursorKey) -> Result<(), CursorError> {
        if self.frozen {
            return Ok(());
        }
        let known = self.project(project, None)?;
        let mut known = locked(&known);
        known.leave_out(&self.spool, &self.configured, key)
    }

    fn project(
        &self,
        project: &str,
        name: Option<&str>,
    ) -> Result<Arc<Mutex<ProjectCursors>>, CursorError> {
        if let Some(known) = locked(&self.projects).get(project) {
            return Ok(known.clone());
        }
        let read = Arc::new(Mutex::new(ProjectCursors::read(
            &self.spool,
            project,
            name,
        )?));
        // Where two asked at once, both have the first one's.
        let mut projects = locked(&self.projects);
        Ok(projects.entry(project.to_owned()).or_insert(read).clone())
    }
}

/// Every change of a project is made after its writes, so what a panicking
/// thread left is as good as what is on disk.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
