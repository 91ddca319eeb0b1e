//! One project's cursors: where its extractors start, and what is written when
//! one of them moves.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use caso_base::regular;
use caso_base::time::format_month;
use caso_disk::{Beside, DiskError, DiskFile};
use caso_model::Window;

use super::error::CursorError;
use super::fallback::Fallback;
use super::file::{CursorFile, Entry, Found, Reached, Standing};
use super::former_names::FormerNames;
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
}

/// What somebody did to a lastrun file, in words.
#[derive(Debug)]
enum Edit {
    /// Usage may be lost by it.
    Forward(String),
    Back(String),
    /// It has its cursors from a backup.
    PutBack(String),
}

impl ProjectCursors {
    /// Reads the project's cursor file and its lastrun files.
    pub(super) fn read(
        spool: &Spool,
        settled: &BTreeMap<String, String>,
        project: &str,
        name: Option<&str>,
    ) -> Result<ProjectCursors, CursorError> {
        let path = spool.cursor_file(project);
        let (mut file, damaged) = read_cursor_file(spool, project, &path)?;
        let by_name = name.filter(|name| *name != project);
        let lastruns: Vec<PathBuf> = [Some(project), by_name]
            .into_iter()
            .flatten()
            .filter_map(|name| spool.lastrun_file(name))
            .collect();
        let mut unsettled = false;
        // What was coming came, and the text before it is nobody's any more but an operator's.
        for path in &lastruns {
            let name = name_of(path);
            match &file.coming {
                Some(coming) if settled.get(&name) == Some(coming) => {
                    file.lastrun.insert(name, coming.clone());
                }
                Some(_) if lastruns.first() == Some(path) || path.exists() => unsettled = true,
                _ => {}
            }
        }
        let global = spool.global_lastrun_file();
        let fallback = Fallback::read(&mut file, &lastruns, &global, settled)?;
        if let Some(reason) = damaged {
            if fallback.start.source == StartSource::Nothing {
                return Err(CursorError::Damaged {
                    project: project.to_owned(),
                    path,
                    reason,
                });
            }
            tracing::warn!(
                "project `{project}`: `{}` is damaged ({reason}); going on from its lastrun file",
                path.display()
            );
        }
        let mut edit = None;
        if let Some(to) = fallback.put_back.filter(|to| file.is_behind(*to)) {
            edit = Some(Edit::PutBack(put_back(&file, &path, lastruns.first())));
            file.note_put_back(to);
        }
        if fallback.edited {
            edit = edit_of(project, &file, &fallback.start);
            CursorFile::note_stood(&mut file.reached, &file.cursors);
            // Set back, one that is not so far yet stays where it is: from there to here it has extracted nothing.
            let back = fallback.start.at < furthest(&file.cursors);
            for entry in &mut file.cursors {
                if back && entry.at <= fallback.start.at {
                    continue;
                }
                entry.at = fallback.start.at;
                entry.by_hand = true;
            }
        }
        let places = file.cursors.iter().map(|it| it.key.place()).collect();
        Ok(ProjectCursors {
            file,
            places,
            path,
            rewrite: fallback.edited
                || fallback.damaged
                || fallback.put_back.is_some()
                || fallback.of_another,
            fallback,
            asked: HashSet::new(),
            lastruns,
            unsettled,
            moved: false,
            edit,
        })
    }

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
        match self.edit.take() {
            Some(Edit::Forward(text) | Edit::PutBack(text)) => tracing::warn!("{text}"),
            Some(Edit::Back(text)) => tracing::info!("{text}"),
            None => {}
        }
    }

    /// All cursors at a moment; what is to be written for it. Nothing is set before
    /// [`ProjectCursors::moved`], and lastrun not before [`ProjectCursors::settle`].
    pub(super) fn set(
        &mut self,
        spool: &Spool,
        keys: &[CursorKey],
        at: i64,
        is_skipped: impl Fn(&str) -> bool,
    ) -> Result<Change, CursorError> {
        let mut next = self.file.clone();
        // What went with its lastrun file is what is to be set.
        if let (true, Some(removed)) = (next.cursors.is_empty(), &self.fallback.removed) {
            next.cursors.clone_from(removed);
        }
        CursorFile::note_reached(&mut next.reached, &self.file.cursors);
        if next.cursors.is_empty() {
            next.cursors.extend(keys.iter().map(Entry::new));
        }
        for entry in next.cursors.clone() {
            match is_skipped(&entry.key.extractor) {
                true => next.note_skip(&entry, at),
                // What was said before may be of a spool that was put back since.
                false => next.take_back_skips(&entry.key),
            }
        }
        for entry in &mut next.cursors {
            entry.at = Some(at);
            entry.by_hand = true;
            self.asked.insert(entry.key.clone());
        }
        self.rewrite = true;
        self.write(spool, &[], next)
    }

    /// Removes its lastrun files, then its cursors: with the first of them it is forgotten. What
    /// stood in the files is taken out of `settled`. Of what was extracted stays how far that came: should
    /// it be found again, what adds up is not extracted in other windows.
    pub(super) fn forget(
        &self,
        spool: &Spool,
        settled: &mut BTreeMap<String, String>,
    ) -> Result<(), DiskError> {
        let noted = self.file.lastrun.keys().filter(|name| is_lastrun(name));
        let noted = noted.map(|name| spool.folder().join(name));
        for path in self.lastruns.iter().cloned().chain(noted) {
            let text = regular::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let name = name_of(&path);
            if self.file.is_of_another(&name, text.trim(), settled) {
                continue;
            }
            spool.disk().remove(&path)?;
            settled.remove(&name);
        }
        spool.disk().sync_folder(spool.folder())?;
        let mut rest = CursorFile {
            reached: self.file.reached.clone(),
            windows: self.file.windows.clone(),
            skipped: self.file.skipped.clone(),
            given_up: self.file.given_up.clone(),
            renamed: self.file.renamed.clone(),
            ..CursorFile::new(&self.file.project)
        };
        CursorFile::note_reached(&mut rest.reached, &self.file.cursors);
        if !rest.reached.is_empty() || !rest.windows.is_empty() {
            let written = rest.write_beside(spool.disk(), &self.path)?;
            return spool.disk().keep(vec![written]).into_iter().collect();
        }
        spool.disk().remove(&self.path)?;
        match self.path.parent().filter(|folder| folder.exists()) {
            Some(folder) => spool.disk().sync_folder(folder),
            None => Ok(()),
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

    /// An extractor that was never extracted, as far as its entry says, goes on from a moment.
    pub(super) fn goes_on_from(&mut self, key: &CursorKey, at: i64) {
        let mut entries = self.file.cursors.iter_mut();
        let untried = |it: &&mut Entry| it.key == *key && it.standing == Standing::Untried;
        if let Some(entry) = entries.find(untried) {
            entry.at = Some(at);
        }
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

/// Where the extractor is that has come farthest.
fn furthest(cursors: &[Entry]) -> Option<i64> {
    let extracted = |entry: &&Entry| entry.standing == Standing::Extracted;
    cursors
        .iter()
        .filter(extracted)
        .filter_map(|it| it.at)
        .max()
}

/// What there is to say of somebody who moved the cursors. Forward it takes usage away that only a look at the
/// two dates shows: a day typed wrong, or Python cASO that ran meanwhile.
fn edit_of(project: &str, file: &CursorFile, start: &Start) -> Option<Edit> {
    let (StartSource::Edited(path), Some(to)) = (&start.source, start.at) else {
        return None;
    };
    let extracted = |entry: &&Entry| entry.standing == Standing::Extracted;
    let known = file.cursors.iter().filter(extracted).map(|entry| entry.at);
    let least = match furthest(&file.cursors) {
        furthest if furthest > Some(to) => furthest,
        _ => known.min().flatten(),
    };
    let from = least?;
    let month = format_month(from);
    let text = |at: i64| format_lastrun(at).unwrap_or_else(|| at.to_string());
    let (path, from, to) = (path.display(), (from, text(from)), (to, text(to)));
    Some(if to.0 > from.0 {
        Edit::Forward(format!(
            "project `{project}`: `{path}` was written by somebody else: extracting from {}, \
             where cASO had come to {}. What lies between is not extracted: whoever wrote it has \
             to have done so (Python cASO does); if not, write {} there before the next run, or have it \
             sent later (caso republish --month {month} --project {project} --storage-anyway, where Python has sent nothing of that month)",
            to.1, from.1, from.1
        ))
    } else {
        Edit::Back(format!(
            "project `{project}`: `{path}` was set back from {} to {}: extracting from there again",
            from.1, to.1
        ))
    })
}

fn put_back(file: &CursorFile, path: &Path, lastrun: Option<&PathBuf>) -> String {
    let lastrun = lastrun.map(|it| name_of(it)).unwrap_or_default();
    format!(
        "project `{}`: `{}` is older than `{lastrun}`, and cASO wrote both, as where it was put back from a backup: extracting from \
         where its cursors stand; what adds up is extracted again in the windows of the first time, as far as the ledger of runs \
         knows them",
        file.project,
        path.display()
    )
}

/// The cursor file, and what is wrong with one that is damaged: it counts as empty.
fn read_cursor_file(
    spool: &Spool,
    project: &str,
    path: &Path,
) -> Result<(CursorFile, Option<String>), CursorError> {
    let anew = || CursorFile {
        renamed: FormerNames::read(spool)
            .of_project(project)
            .cloned()
            .collect(),
        ..CursorFile::new(project)
    };
    match CursorFile::read(path).map_err(|e| cannot_read(project, path, e))? {
        Found::Good(file) => Ok((*file, None)),
        Found::Nothing => Ok((anew(), None)),
        Found::Damaged(reason) => Ok((anew(), Some(reason))),
        Found::Newer(format) => Err(CursorError::Newer {
            project: project.to_owned(),
            path: path.to_owned(),
            format,
        }),
    }
}

pub(super) fn cannot_read(project: &str, path: &Path, source: io::Error) -> CursorError {
    CursorError::Read {
        project: project.to_owned(),
        path: path.to_owned(),
        source,
    }
}

/// Whether a file may have that name: it comes from a file.
fn is_lastrun(name: &str) -> bool {
    name.starts_with("lastrun.") && !name.contains(['/', '\0'])
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
