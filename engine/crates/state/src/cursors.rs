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
//! **Over which windows** a cursor moved stands beside it until the ledger of runs has the run: killed before it
//! wrote there, what adds up can still be extracted again in the windows of the first time.
//!
//! **What was skipped** by an operator who set a cursor forward, or lies before a first window, stands beside it too:
//! nobody extracted it, so that no windows of a first time have to be known of it.
//!
//! **Order of the writes.** The cursors of projects that end together are put on disk together
//! ([`Cursors::commit`]), each with the text that is coming into its lastrun files. Those are derived, and
//! written once, at the end of the run ([`Cursors::settle`]): no sync each, one of their folder
//! for all of them, and then one note of what stands there now (`caso-lastruns.json`). Until that is
//! on disk both texts are known, the one before and the one that is coming: a kill in between looks like no
//! operator's hand. From then on the one before is an operator's who puts it back.

mod all;
mod edits;
mod error;
mod fallback;
mod file;
mod former_names;
mod key;
mod moves;
mod noted;
mod places;
mod project;
mod settled;
mod skipped;
mod start;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caso_base::error_chain;
use caso_disk::Step;
use caso_model::Window;

pub use self::all::{AllCursors, Unlisted, UnusableFile, Whereabouts};
pub use self::edits::Edits;
pub use self::error::CursorError;
pub use self::former_names::FormerNames;
pub use self::key::CursorKey;
pub use self::moves::{Advance, CaughtUp, Moves, Unmoved};
use self::noted::{Listed, MovedBy};
pub use self::places::{Former, Here, NameNow};
use self::project::{Change, ProjectCursors};
pub use self::start::{Start, StartSource};
use crate::lastrun::format_lastrun;
use crate::ledger::RunId;
use crate::spool::Spool;

/// All cursors of a spool. Projects side by side may share it.
#[derive(Debug)]
pub struct Cursors {
    spool: Spool,
    frozen: bool,
    /// All that the configuration has: what lastrun is the least of.
    configured: Vec<CursorKey>,
    /// Addresses of the Keystones that the clouds of the configuration have, by their names.
    keystones: BTreeMap<String, String>,
    /// Each with a lock of its own, so that one's fsync does not wait for another's.
    projects: Mutex<HashMap<String, Arc<Mutex<ProjectCursors>>>>,
    /// What stands in the lastrun files, by their names, as far as that is on disk.
    settled: Mutex<BTreeMap<String, String>>,
    /// Held while anything is written: one writes at a time.
    writing: Mutex<()>,
    /// The run that moves them.
    run: RunId,
    /// Whether the windows of an extractor are of any use to somebody later.
    is_noted: fn(&str) -> bool,
    /// The windows are an operator's.
    by_hand: bool,
    listed: Listed,
    edits: Arc<Edits>,
    /// What a run that was ended wrote into lastrun files is on disk.
    mended: AtomicBool,
}

impl Cursors {
    /// Reads a project when it is first asked for. Frozen cursors never move.
    pub fn open(spool: &Spool, frozen: bool) -> Cursors {
        Cursors {
            spool: spool.clone(),
            frozen,
            configured: Vec::new(),
            keystones: BTreeMap::new(),
            projects: Mutex::new(HashMap::new()),
            settled: Mutex::new(settled::read(spool)),
            writing: Mutex::new(()),
            run: RunId::default(),
            is_noted: |_| true,
            by_hand: false,
            listed: Listed::of(spool),
            edits: Arc::default(),
            mended: AtomicBool::new(false),
        }
    }

    /// With the run that moves them, as its line in the ledger has it.
    #[must_use]
    pub fn of_run(self, run: RunId) -> Cursors {
        Cursors { run, ..self }
    }

    /// With which extractors' windows are to stand with their cursors until the ledger has them; without
    /// this, all.
    #[must_use]
    pub fn noting(self, is_noted: fn(&str) -> bool) -> Cursors {
        Cursors { is_noted, ..self }
    }

    /// With windows that an operator chose: of a project whose cursors were taken away they move none, as what lies
    /// before them is to be extracted again.
    #[must_use]
    pub fn by_hand(self, by_hand: bool) -> Cursors {
        Cursors { by_hand, ..self }
    }

    /// With every cursor that the configuration has. One of a cloud that is
    /// away, and so not asked in this run, still holds lastrun back.
    pub fn configured(self, keys: Vec<CursorKey>) -> Cursors {
        Cursors {
            configured: keys,
            ..self
        }
    }

    /// With what the run has said of files that somebody wrote, as it reads them more than once.
    #[must_use]
    pub fn telling(self, edits: Arc<Edits>) -> Cursors {
        Cursors { edits, ..self }
    }

    /// With the addresses of the Keystones that the clouds have, by their names: they are noted with the cursors that
    /// move, since a name may be given to another cloud.
    #[must_use]
    pub fn at_keystones(self, keystones: BTreeMap<String, String>) -> Cursors {
        Cursors { keystones, ..self }
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

    /// Whether a project of which nothing is known has a lastrun file by this name, which is not ours: cASO in Python
    /// named it as the configuration had the project, and now its id or a tag stands there.
    pub fn has_lastrun_of_another(&self, project: &str, name: &str) -> bool {
        let Some(by_name) = self.spool.lastrun_file(name) else {
            return false;
        };
        // Of nearly every project there is none, and nothing else has to be looked at.
        if !by_name.is_file() || locked(&self.settled).contains_key(&project::name_of(&by_name)) {
            return false;
        }
        let by_id = self.spool.lastrun_file(project);
        !self.spool.cursor_file(project).exists() && !by_id.is_some_and(|it| it.exists())
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

    /// Whether a project's lastrun file holds what we wrote there, and nobody else's text.
    pub fn has_own_lastrun(&self, project: &str) -> bool {
        let known = self.project(project, None);
        known.is_ok_and(|known| locked(&known).has_own_lastrun())
    }

    /// An extractor that has nothing but its project's lastrun file to start from, which others moved, goes on
    /// from `at`, in epoch seconds: to be said after [`Cursors::starts`], and before anything of the project moves.
    ///
    /// # Errors
    /// The project's files cannot be read.
    pub fn goes_on_from(&self, project: &str, key: &CursorKey, at: i64) -> Result<(), CursorError> {
        let known = self.project(project, None)?;
        locked(&known).goes_on_from(key, at);
        Ok(())
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
        let moves = Moves {
            project: project.to_owned(),
            windows: vec![(key.clone(), window)],
        };
        self.advance_once(moves, self.run)
    }

    fn advance_once(&self, moves: Moves, run: RunId) -> Result<Advance, CursorError> {
        let moved = self.commit_as(vec![moves], run).pop();
        let advance = moved.transpose()?.and_then(|mut moved| moved.pop());
        Ok(advance.unwrap_or(Advance::Unmoved(Unmoved::Frozen)))
    }

    /// Moves cursors of many projects, over windows whose records are on disk: all files are
    /// synced side by side, and their folder once. One answer a project, in their order.
    ///
    /// # Errors
    /// As [`Cursors::advance`], of that project alone.
    pub fn commit(&self, moves: Vec<Moves>) -> Vec<Result<Vec<Advance>, CursorError>> {
        self.commit_as(moves, self.run)
    }

    fn commit_as(&self, moves: Vec<Moves>, run: RunId) -> Vec<Result<Vec<Advance>, CursorError>> {
        if self.frozen {
            let frozen =
                |moves: Moves| vec![Advance::Unmoved(Unmoved::Frozen); moves.windows.len()];
            return moves.into_iter().map(|moves| Ok(frozen(moves))).collect();
        }
        let _writing = locked(&self.writing);
        let mut answers = Vec::with_capacity(moves.len());
        let mut changes: Vec<(usize, Arc<Mutex<ProjectCursors>>, Change)> = Vec::new();
        for Moves { project, windows } in moves {
            if changes
                .iter()
                .any(|(_, _, change)| change.next.project == project)
            {
                // Of another region: its file is written with what moved in this one.
                self.write_down(&mut changes, &mut answers);
            }
            let planned = self.project(&project, None).and_then(|known| {
                let planned = self.planned(&project, &known, |cursors| {
                    let by = MovedBy {
                        run,
                        is_noted: self.is_noted,
                        by_hand: self.by_hand,
                        listed: &self.listed,
                        keystones: &self.keystones,
                    };
                    cursors.plan(&self.spool, &self.configured, &windows, &by)
                })?;
                if let Some(change) = planned.change {
                    changes.push((answers.len(), known, change));
                }
                Ok(planned.advances)
            });
            answers.push(planned);
        }
        self.write_down(&mut changes, &mut answers);
        answers
    }

    /// Puts what was written on disk. Where that fails it is the project's answer.
    fn write_down(
        &self,
        changes: &mut Vec<(usize, Arc<Mutex<ProjectCursors>>, Change)>,
        answers: &mut [Result<Vec<Advance>, CursorError>],
    ) {
        let mut files = Vec::with_capacity(changes.len());
        let mut nexts = Vec::with_capacity(changes.len());
        for (place, known, change) in changes.drain(..) {
            files.push(change.written);
            nexts.push((place, known, (change.next, change.moves)));
        }
        let kept = self.spool.disk().keep(files);
        for ((place, known, (next, moves)), kept) in nexts.into_iter().zip(kept) {
            match kept {
                Ok(()) => locked(&known).written(next, moves),
                // The file has its name, and the next run reads it: what it was moved over must not
                // be taken back. A loss of power may bring back the old one.
                Err(source) if source.step == Step::SyncFolder => {
                    tracing::warn!(
                        "project `{}`: its cursor has moved, and may not be on disk: {}",
                        next.project,
                        error_chain(&source)
                    );
                    locked(&known).written(next, moves);
                }
                Err(source) => {
                    if let Some(answer) = answers.get_mut(place) {
                        let project = next.project;
                        *answer = Err(CursorError::Write { project, source });
                    }
                }
            }
        }
    }

    /// A lastrun file that a run wrote before it was ended may not be on disk: it is, before
    /// the text that stood there earlier is forgotten. Once.
    fn mend(&self, project: &str) -> Result<(), CursorError> {
        if self.mended.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let synced = self.spool.disk().sync_folder(self.spool.folder());
        synced.map_err(|source| {
            self.mended.store(false, Ordering::Release);
            CursorError::Write {
                project: project.to_owned(),
                source,
            }
        })
    }

    /// Brings the lastrun files of the projects of this run to where their cursors are, so that
    /// Python cASO goes on from there: to be called once, when the last cursor has moved.
    ///
    /// # Errors
    /// One of each project whose file cannot be written; and one where what was written is not
    /// known to be on disk. The cursors stand where they are, and the next run tries again.
    pub fn settle(&self) -> Vec<CursorError> {
        self.say_edits();
        if self.frozen {
            return Vec::new();
        }
        let _writing = locked(&self.writing);
        let mut settled = locked(&self.settled);
        let mut now = settled.clone();
        let mut failed = Vec::new();
        let mut projects: Vec<_> = locked(&self.projects).clone().into_iter().collect();
        projects.sort_by(|one, other| one.0.cmp(&other.0));
        for (_, known) in projects {
            failed.extend(locked(&known).settle(&self.spool, &mut now).err());
        }
        if now != *settled {
            match settled::write(&self.spool, &now) {
                Ok(()) => *settled = now,
                Err(source) => failed.push(CursorError::Lastruns { source }),
            }
        }
        failed
    }

    /// Says what somebody did to the files of more than one project. Of the first it was said as it was read.
    pub fn say_edits(&self) {
        self.edits.say_others();
    }

    /// Moves a cursor over a window that was sealed by a run that ended before it moved
    /// the cursor. To be asked for the windows of the journal in their order, before anything of them is
    /// delivered. `beginning` is where a first window begins, in epoch seconds.
    ///
    /// A cursor that an operator set since, or took away, stays where he wants it, and what a window by hand
    /// left ahead of it is no reason to move.
    ///
    /// # Errors
    /// As [`Cursors::advance`].
    pub fn catch_up(
        &self,
        project: &str,
        key: &CursorKey,
        window: Window,
        beginning: i64,
    ) -> Result<CaughtUp, CursorError> {
        if self.frozen {
            return Ok(CaughtUp::Nothing);
        }
        let known = self.project(project, None)?;
        let key = locked(&known).present(key);
        let caught_up = locked(&known).caught_up(&key, window, beginning);
        if caught_up == CaughtUp::Moved {
            let moves = Moves {
                project: project.to_owned(),
                windows: vec![(key, window)],
            };
            // No line in the ledger has it: the run that sealed it ended before, and this one did not extract it.
            self.advance_once(moves, RunId::default())?;
        }
        Ok(caught_up)
    }

    /// Notes windows that were extracted and of which neither a cursor nor the ledger tells: who
    /// comes there extracts no others in their place. No cursor moves.
    ///
    /// # Errors
    /// The project's files could not be read or written.
    pub fn note(&self, project: &str, windows: &[(CursorKey, Window)]) -> Result<(), CursorError> {
        if self.frozen {
            return Ok(());
        }
        self.change(project, None, |known| {
            known.note(&self.spool, windows, &self.listed)
        })
    }

    /// Sets all cursors of a project to a moment in epoch seconds, and its lastrun with them.
    /// `name` is the project's name, where that is known. They stay there until something is
    /// extracted from there, whatever lies sealed in the journal. What they are set past is noted as skipped where
    /// somebody says that it was never extracted, and what was said so before is taken back where nobody does. Where the project has none, those
    /// that are [configured](Self::configured) are made; what cannot be read of it gives way.
    ///
    /// # Errors
    /// The project's files could not be read or written; killed in between, the cursors stand
    /// where they stood.
    pub fn set(
        &self,
        project: &str,
        name: Option<&str>,
        at: i64,
        never_extracted: bool,
    ) -> Result<(), CursorError> {
        if let Err(CursorError::NotADate { .. } | CursorError::Damaged { .. }) =
            self.project(project, name)
            && let Some(path) = self.spool.lastrun_file(project)
            && let Some(text) = format_lastrun(at)
        {
            // The project's own lastrun counts before all others, of which one may be every project's.
            let written = self.spool.disk().replace(&path, text.as_bytes());
            let project = project.to_owned();
            written.map_err(|source| CursorError::Write { project, source })?;
        }
        self.change(project, name, |known| {
            let is_skipped = |extractor: &str| never_extracted && (self.is_noted)(extractor);
            known
                .set(&self.spool, &self.configured, at, is_skipped)
                .map(Some)
        })?;
        self.settle().pop().map_or(Ok(()), Err)
    }

    /// Removes what is known of a project, its lastrun file included: should it be found again,
    /// it starts as a new one does. How far it was extracted stays noted. Killed in between, it must be called again.
    ///
    /// # Errors
    /// Its files could not be read or removed.
    pub fn forget(spool: &Spool, project: &str) -> Result<(), CursorError> {
        let mut settled = settled::read(spool);
        let known = ProjectCursors::read(spool, &settled, project, None, &Arc::default())?;
        let before = settled.len();
        let forgotten = known.forget(spool, &mut settled);
        let forgotten = forgotten.and_then(|()| match settled.len() == before {
            true => Ok(()),
            false => settled::write(spool, &settled),
        });
        forgotten.map_err(|source| CursorError::Write {
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
        self.change(project, None, |known| {
            known.leave_out(&self.spool, &self.configured, key)
        })
    }

    /// Changes one project alone, where there is anything to write.
    fn change(
        &self,
        project: &str,
        name: Option<&str>,
        change: impl FnOnce(&mut ProjectCursors) -> Result<Option<Change>, CursorError>,
    ) -> Result<(), CursorError> {
        let _writing = locked(&self.writing);
        let known = self.project(project, name)?;
        let change = self.planned(project, &known, change)?;
        let Some(change) = change else { return Ok(()) };
        let mut answers = vec![Ok(Vec::new())];
        self.write_down(&mut vec![(0, known, change)], &mut answers);
        answers.pop().transpose().map(|_| ())
    }

    /// What a change of a project comes to, once nothing that a run before left unsettled can be
    /// lost by it.
    fn planned<T>(
        &self,
        project: &str,
        known: &Mutex<ProjectCursors>,
        plan: impl FnOnce(&mut ProjectCursors) -> Result<T, CursorError>,
    ) -> Result<T, CursorError> {
        let mut cursors = locked(known);
        if cursors.is_unsettled() {
            self.mend(project)?;
        }
        plan(&mut cursors)
    }

    fn project(
        &self,
        project: &str,
        name: Option<&str>,
    ) -> Result<Arc<Mutex<ProjectCursors>>, CursorError> {
        if let Some(known) = locked(&self.projects).get(project) {
            return Ok(known.clone());
        }
        let settled = locked(&self.settled);
        let read = Arc::new(Mutex::new(ProjectCursors::read(
            &self.spool,
            &settled,
            project,
            name,
            &self.edits,
        )?));
        drop(settled);
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
