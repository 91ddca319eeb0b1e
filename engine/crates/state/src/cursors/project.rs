//! One project's cursors: where its extractors start, and what is written when
//! one of them moves.

mod by_hand;
mod edit;
mod read;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use caso_disk::{Beside, DiskError, DiskFile};
use caso_model::Window;

pub(super) use self::read::cannot_read;
use super::edits::{Edit, Edits};
use super::error::CursorError;
use super::fallback::Fallback;
use super::file::{CursorFile, Entry, Reached, Standing};
use super::noted::{Listed, MovedBy};
use super::{Advance, CaughtUp, CursorKey, Start, StartSource, Unmoved};
use crate::histories::Place;
use crate::lastrun::format_lastrun;
use crate::ledger::RunId;
use crate::spool::Spool;

/// Written when an extractor of the project has no cursor: what Python makes of
/// no file at all.
pub(super) const BEGINNING: &str = "1970-01-01 00:00:00+00:00";

/// What is known of one project.
#[derive(Debug)]
pub(super) struct ProjectCursors {
    file: CursorFile,
    path: PathBuf,
    fallback: Fallback,
    /// The clouds and regions whose extractors go on from what lastrun
    /// says: those that had cursors when the project was read; where none had, the first that
    /// asks for a start.
    places: HashSet<Place>,
    /// The extractors of this run: lastrun is the least of theirs, so that
    /// one that the site switched off does not hold it back for ever.
    asked: HashSet<CursorKey>,
    /// Its lastrun files: by id, then by name.
    lastruns: Vec<PathBuf>,
    /// The lastrun files may not hold what `file` says: write them whatever it is.
    rewrite: bool,
    /// A run was ended before it had settled what was coming.
    unsettled: bool,
    /// Its cursors were written in this run.
    moved: bool,
    /// What somebody did to its lastrun file, until that is said.
    edit: Option<Edit>,
    /// Where it is said.
    edits: Arc<Edits>,
}

impl ProjectCursors {
    /// By which name a cursor is known whose cloud or region may have been renamed since.
    pub(super) fn present(&self, key: &CursorKey) -> CursorKey {
        self.file.present(key)
    }

    pub(super) fn cursors(&self) -> &[Entry] {
        &self.file.cursors
    }

    pub(super) fn reached(&self) -> &[Reached] {
        &self.file.reached
    }

    pub(super) fn given_up(&self) -> &[Place] {
        &self.file.given_up
    }

    /// Whether all that is known of the project is a lastrun file.
    pub(super) fn has_only_lastrun(&self) -> bool {
        self.file.cursors.is_empty() && self.fallback.start.source != StartSource::Nothing
    }

    /// Whether its lastrun file holds what we wrote there.
    pub(super) fn has_own_lastrun(&self) -> bool {
        self.fallback.ours || self.fallback.noted
    }

    /// Whether an operator, or Python, decided where an extractor starts.
    pub(super) fn is_set_by_hand(&self, key: &CursorKey) -> bool {
        let mut entries = self.file.cursors.iter();
        let entry = entries.find(|entry| entry.key == *key);
        self.is_edited() || entry.is_some_and(|it| it.by_hand)
    }

    /// Whether a lastrun file was written by somebody else, or taken away.
    fn is_edited(&self) -> bool {
        self.fallback.edited || self.fallback.removed.is_some()
    }

    /// Says what somebody did to its lastrun file: once, and where something comes of it.
    fn report_edit(&mut self) {
        if let Some(edit) = self.edit.take() {
            self.edits.add(edit);
        }
    }

    /// What moves to the ends of windows that continue their cursors, in the order of the
    /// windows. Nothing has moved before [`ProjectCursors::moved`].
    pub(super) fn plan(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        moves: &[(CursorKey, Window)],
        by: &MovedBy<'_>,
    ) -> Result<Planned, CursorError> {
        for (key, _) in moves {
            self.start(key);
        }
        let mut next = self.file.clone();
        let mut advances = Vec::new();
        let mut noted = false;
        for (key, window) in moves {
            let reached = next.reached(key);
            let entry = next.cursors.iter_mut().find(|entry| entry.key == *key);
            let from = entry.as_ref().and_then(|entry| entry.at);
            advances.push(match from {
                Some(cursor) if window.end <= cursor => {
                    if next.has_skipped(key, *window) {
                        next.note(key, *window, by);
                        noted = true;
                    }
                    Advance::Unmoved(Unmoved::Behind { cursor })
                }
                Some(cursor) if window.start > cursor => {
                    next.note(key, *window, by);
                    noted = true;
                    Advance::Unmoved(Unmoved::Gap { cursor })
                }
                // Taken away: what lies before it is to be extracted again, from the beginning.
                None if by.by_hand && reached.is_some() => {
                    next.note(key, *window, by);
                    noted = true;
                    Advance::Unmoved(Unmoved::Gap { cursor: 0 })
                }
                _ => {
                    if let Some(entry) = entry {
                        entry.at = Some(window.end);
                        entry.standing = Standing::Extracted;
                        entry.by_hand = false;
                        if let Some(keystone) = by.keystones.get(&key.cloud) {
                            entry.keystone = Some(keystone.clone());
                        }
                    }
                    if from.is_none() && reached.is_none() && (by.is_noted)(&key.extractor) {
                        let end = window.start;
                        next.skip(key, Window { start: 0, end });
                    }
                    next.came(key, window.end);
                    next.note(key, *window, by);
                    self.asked.insert(key.clone());
                    let to = window.end;
                    Advance::Moved { from, to }
                }
            });
        }
        let moves = advances
            .iter()
            .any(|it| matches!(it, Advance::Moved { .. }));
        let change = match moves {
            true => Some(self.write(spool, configured, next)?),
            false if noted => Some(self.beside(spool, next, false)?),
            false => None,
        };
        Ok(Planned { advances, change })
    }

    /// What becomes of a window that was found sealed.
    pub(super) fn caught_up(&self, key: &CursorKey, window: Window, beginning: i64) -> CaughtUp {
        if self.is_set_by_hand(key) {
            return CaughtUp::Stays;
        }
        let mut entries = self.file.cursors.iter();
        match entries.find(|entry| entry.key == *key).map(|it| it.at) {
            Some(Some(at)) if window.end <= at => match self.file.has_skipped(key, window) {
                true => CaughtUp::Stays,
                false => CaughtUp::Nothing,
            },
            Some(Some(at)) if window.start <= at => CaughtUp::Moved,
            Some(None) if window.start <= beginning => CaughtUp::Moved,
            Some(_) | None => CaughtUp::Stays,
        }
    }

    /// Notes windows that move no cursor, of no run that writes a line; what is to be written for it.
    pub(super) fn note(
        &mut self,
        spool: &Spool,
        windows: &[(CursorKey, Window)],
        listed: &Listed,
    ) -> Result<Option<Change>, CursorError> {
        self.report_edit();
        let by = MovedBy {
            run: RunId::default(),
            is_noted: |_| true,
            by_hand: true,
            listed,
            keystones: &BTreeMap::new(),
        };
        let mut next = self.file.clone();
        for (key, window) in windows {
            next.note(&self.file.present(key), *window, &by);
        }
        match next == self.file {
            true => Ok(None),
            false => self.beside(spool, next, false).map(Some),
        }
    }

    /// What was planned is on disk; whether a cursor moved by it, and lastrun is to follow.
    pub(super) fn written(&mut self, next: CursorFile, moves: bool) {
        self.file = next;
        self.moved |= moves;
    }

    /// Where an extractor starts. From here on it has an entry of its own.
    pub(super) fn start(&mut self, key: &CursorKey) -> Start {
        self.report_edit();
        let entry = self.file.cursors.iter().find(|entry| entry.key == *key);
        if entry.is_none_or(|entry| entry.standing != Standing::Lacking) {
            self.asked.insert(key.clone());
        }
        if let Some(entry) = entry {
            // Until it moves: then it is a cursor like any other.
            let still_edited = self.fallback.edited && entry.at == self.fallback.start.at;
            return Start {
                at: entry.at,
                source: match (still_edited, entry.by_hand) {
                    (true, _) => self.fallback.start.source.clone(),
                    (false, true) => StartSource::Set,
                    (false, false) => StartSource::Cursor,
                },
                extracted: entry.standing == Standing::Extracted,
                reached: self.file.reached(key),
                ahead: self.file.is_ahead(key),
            };
        }
        // What lastrun says, ours or not, is how far the clouds and regions are that had
        // cursors. One that had none was never extracted: its first extractor, which has an
        // entry by now, is no reason to take its second one for extracted.
        let place = key.place();
        if self.places.is_empty() && !self.fallback.ours {
            self.places.insert(place.clone());
        }
        let mut start = match self.places.contains(&place) {
            true => self.fallback.start.clone(),
            false => Start::at_the_beginning(),
        };
        start.reached = self.file.reached(key);
        start.ahead = self.file.is_ahead(key);
        // One that was left out for a while, and whose cursor was taken away: what the others did meanwhile it did not.
        if self.fallback.ours && self.places.contains(&place) {
            start.at = start.at.map(|at| at.min(start.reached.unwrap_or(at)));
        }
        self.file.cursors.push(Entry {
            at: start.at,
            ..Entry::new(key)
        });
        start
    }

    /// Takes an extractor whose service the cloud lacks out of lastrun; what is to be written
    /// for it.
    pub(super) fn leave_out(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        key: &CursorKey,
    ) -> Result<Option<Change>, CursorError> {
        if !self.asked.remove(key) {
            return Ok(None);
        }
        for entry in &mut self.file.cursors {
            if entry.key == *key {
                entry.standing = Standing::Lacking;
            }
        }
        // Before anything of the project moved there is nothing to correct; the
        // first one that moves writes this down, too.
        if self.file.lastrun.is_empty() && self.file.coming.is_none() {
            return Ok(None);
        }
        self.write(spool, configured, self.file.clone()).map(Some)
    }

    /// An extractor that was never extracted, as far as its entry says, goes on from a moment.
    pub(super) fn goes_on_from(&mut self, key: &CursorKey, at: i64) {
        let mut entries = self.file.cursors.iter_mut();
        let untried = |it: &&mut Entry| it.key == *key && it.standing == Standing::Untried;
        if let Some(entry) = entries.find(untried) {
            entry.at = Some(at);
        }
    }

    /// Writes `next` beside what is on disk, with the least of its cursors as what is coming into
    /// lastrun.
    fn write(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        mut next: CursorFile,
    ) -> Result<Change, CursorError> {
        // `None` sorts before every moment.
        let least = next
            .cursors
            .iter()
            .filter(|entry| {
                let mut counted = self.asked.iter().chain(configured);
                entry.standing != Standing::Lacking && counted.any(|key| entry.key == *key)
            })
            .map(|entry| entry.at)
            .min()
            .flatten();
        let text = match least {
            None => BEGINNING.to_owned(),
            Some(at) => format_lastrun(at).ok_or_else(|| CursorError::OutOfRange {
                project: self.file.project.clone(),
                end: at,
            })?,
        };
        next.coming = Some(text);
        self.beside(spool, next, true)
    }

    /// Writes `next` beside what is on disk.
    fn beside(&self, spool: &Spool, next: CursorFile, moves: bool) -> Result<Change, CursorError> {
        let folder = self.path.parent();
        let made = folder.map_or(Ok(()), |folder| spool.disk().create_folder(folder));
        let written = made.and_then(|()| next.write_beside(spool.disk(), &self.path));
        match written {
            Ok(written) => Ok(Change {
                next,
                written,
                moves,
            }),
            Err(source) => Err(CursorError::Write {
                project: self.file.project.clone(),
                source,
            }),
        }
    }

    /// Writes what is coming into the lastrun files, where something else stands in them, and
    /// syncs nothing. Those that were written go into `settled`.
    pub(super) fn settle(
        &mut self,
        spool: &Spool,
        settled: &mut BTreeMap<String, String>,
    ) -> Result<(), CursorError> {
        // An operator's text stands until a cursor has moved from it.
        let mends = self.unsettled && !self.is_edited();
        let Some(text) = self.file.coming.clone().filter(|_| self.moved || mends) else {
            return Ok(());
        };
        for (index, path) in self.lastruns.iter().enumerate() {
            // A file by name is kept up where there is one, not begun.
            if index > 0 && !path.exists() {
                continue;
            }
            let name = name_of(path);
            if self.rewrite || self.file.lastrun.get(&name) != Some(&text) {
                let fill = |file: &mut DiskFile| file.write(text.as_bytes());
                let written = spool.disk().write_beside::<DiskError>(path, fill);
                written
                    .and_then(Beside::name)
                    .map_err(|source| CursorError::Lastrun {
                        project: self.file.project.clone(),
                        source,
                    })?;
            }
            self.file.lastrun.insert(name.clone(), text.clone());
            settled.insert(name, text.clone());
        }
        self.rewrite = false;
        Ok(())
    }

    /// Whether a run that was ended may have written what is coming, and nobody synced it.
    pub(super) fn is_unsettled(&self) -> bool {
        self.unsettled
    }
}

/// What is to be done for a project whose cursors move.
pub(super) struct Planned {
    /// One a move.
    pub(super) advances: Vec<Advance>,
    /// None where nothing moves.
    pub(super) change: Option<Change>,
}

/// New cursors, written beside the old ones.
pub(super) struct Change {
    pub(super) next: CursorFile,
    pub(super) written: Beside,
    /// A cursor moves, and with it what lastrun says.
    pub(super) moves: bool,
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
