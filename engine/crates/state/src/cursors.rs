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

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caso_model::Window;

use super::cursor_file::{CursorFile, Entry, Found, Standing};
use super::disk::DiskError;
use super::lastrun::{format_lastrun, parse_lastrun};
use super::spool::Spool;

/// Written when an extractor of the project has no cursor: what Python makes of
/// no file at all.
const BEGINNING: &str = "1970-01-01 00:00:00+00:00";

/// What a cursor belongs to, beside its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CursorKey {
    pub cloud: String,
    pub region: Option<String>,
    pub extractor: String,
}

/// Where a start comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Cursor,
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
    pub source: Source,
    /// Whether this extractor ever extracted a window of the project.
    pub extracted: bool,
}

/// What became of a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Moved { from: Option<i64>, to: i64 },
    Unmoved(Unmoved),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmoved {
    /// Dry run or replay.
    Frozen,
    /// The window ends where the cursor is, or before.
    Behind { cursor: i64 },
    /// The window starts after the cursor: what lies between was not extracted.
    Gap { cursor: i64 },
}

#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    #[error(
        "project `{project}`: `{}` holds `{text}`, which is no date; write there from when to extract, as in `2026-11-21 16:57:53+00:00`, or remove it to extract from the beginning",
        .path.display()
    )]
    NotADate {
        project: String,
        path: PathBuf,
        text: String,
    },
    #[error(
        "project `{project}`: `{}` is damaged ({reason}) and there is no `lastrun.{project}` to fall back to; remove it to extract from the beginning, or write a `lastrun.{project}`",
        .path.display()
    )]
    Damaged {
        project: String,
        path: PathBuf,
        reason: String,
    },
    #[error(
        "project `{project}`: `{}` was written by a newer cASO (format {format}); use that one, or move the file away to go on from `lastrun.{project}`",
        .path.display()
    )]
    Newer {
        project: String,
        path: PathBuf,
        format: u32,
    },
    #[error("project `{project}`: cannot read `{}`", .path.display())]
    Read {
        project: String,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("project `{project}`: its cursor stays where it was")]
    Write {
        project: String,
        #[source]
        source: DiskError,
    },
    #[error("project `{project}`: {end} lies outside the years that a lastrun file can hold")]
    OutOfRange { project: String, end: i64 },
}

/// All cursors of a spool. Projects side by side may share it.
#[derive(Debug)]
pub struct Cursors {
    spool: Spool,
    frozen: bool,
    /// All that the configuration has: what lastrun is the least of.
    configured: Vec<CursorKey>,
    /// Each with a lock of its own, so that one's fsync does not wait for another's.
    projects: Mutex<HashMap<String, Arc<Mutex<Project>>>>,
}

#[derive(Debug)]
struct Project {
    file: CursorFile,
    path: PathBuf,
    /// Where an extractor without a cursor starts.
    fallback: Start,
    /// Whether `fallback` is a text that we wrote ourselves.
    ours_fallback: bool,
    /// Whether `fallback` holds for those with a cursor, too.
    edited: bool,
    /// The extractors of this run: lastrun is the least of theirs, so that
    /// one that the site switched off does not hold it back for ever.
    asked: HashSet<CursorKey>,
    lastruns: Vec<PathBuf>,
    /// The lastrun files may not hold what `file` says: write them whatever it is.
    rewrite: bool,
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
        known.file.cursors.is_empty() && known.fallback.source != Source::Nothing
    }

    /// Where the extractors of a project start, in the order of `keys`.
    ///
    /// To be asked once a project, with all of its extractors, before any of
    /// them advances: each then keeps its own place, whatever becomes of the
    /// others. An extractor that does not run but must not lose its place
    /// belongs into the list, too. `name` is the project as it stands in the
    /// configuration, where that is not its id.
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
        let from = known.start(key).at;
        if let Some(cursor) = from {
            if window.end <= cursor {
                return Ok(Advance::Unmoved(Unmoved::Behind { cursor }));
            }
            if window.start > cursor {
                return Ok(Advance::Unmoved(Unmoved::Gap { cursor }));
            }
        }
        known.move_to(&self.spool, &self.configured, key, window.end)?;
        Ok(Advance::Moved {
            from,
            to: window.end,
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
    ) -> Result<Arc<Mutex<Project>>, CursorError> {
        if let Some(known) = locked(&self.projects).get(project) {
            return Ok(known.clone());
        }
        let read = Arc::new(Mutex::new(Project::read(&self.spool, project, name)?));
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

impl Project {
    fn read(spool: &Spool, project: &str, name: Option<&str>) -> Result<Project, CursorError> {
        let path = spool.cursor_file(project);
        let read_error = |path: &Path, source| CursorError::Read {
            project: project.to_owned(),
            path: path.to_owned(),
            source,
        };
        let mut damaged = None;
        let mut file = match CursorFile::read(&path).map_err(|e| read_error(&path, e))? {
            Found::Good(file) => file,
            Found::Nothing => CursorFile::new(project),
            Found::Damaged(reason) => {
                damaged = Some(reason);
                CursorFile::new(project)
            }
            Found::Newer(format) => {
                return Err(CursorError::Newer {
                    project: project.to_owned(),
                    path,
                    format,
                });
            }
        };
        let by_name = name.filter(|name| *name != project);
        let lastruns: Vec<PathBuf> = [Some(project), by_name]
            .into_iter()
            .flatten()
            .filter_map(|name| spool.lastrun_file(name))
            .collect();
        let mut chain = lastruns.clone();
        chain.push(spool.global_lastrun_file());

        let known = !file.cursors.is_empty();
        let mut fallback = None;
        let mut edited = false;
        let mut ours_fallback = false;
        for path in &chain {
            let text = match fs::read(path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let gone = file.lastrun.remove(&name_of(path)).is_some();
                    if gone && Some(path) == lastruns.first() {
                        tracing::warn!(
                            "project `{project}`: `{}` was removed, so its cursors start anew",
                            path.display()
                        );
                        file.cursors.clear();
                    }
                    continue;
                }
                Err(e) => return Err(read_error(path, e)),
            };
            let ours = file.lastrun.get(&name_of(path)) == Some(&text)
                || file.coming.as_ref() == Some(&text);
            let global = !lastruns.contains(path);
            let decides = fallback.is_none() || (known && !ours && !edited && !global);
            if !decides {
                continue;
            }
            let Some(at) = parse_lastrun(&text) else {
                return Err(CursorError::NotADate {
                    project: project.to_owned(),
                    path: path.clone(),
                    text: text.chars().take(60).collect(),
                });
            };
            edited = known && !ours && !global;
            let source = if edited {
                Source::Edited(path.clone())
            } else {
                Source::Lastrun(path.clone())
            };
            let at = match (ours, text.as_str()) {
                (true, BEGINNING) => None,
                (true, _) => Some(at),
                (false, _) => Some(if at > 0 { at - 1 } else { at }),
            };
            fallback = Some(Start {
                at,
                source,
                extracted: false,
            });
            ours_fallback = ours;
        }
        if let (Some(reason), None) = (&damaged, &fallback) {
            return Err(CursorError::Damaged {
                project: project.to_owned(),
                path,
                reason: reason.clone(),
            });
        }
        if let Some(reason) = damaged {
            tracing::warn!(
                "project `{project}`: `{}` is damaged ({reason}); going on from its lastrun file",
                path.display()
            );
        }
        if edited && let Some(start) = &fallback {
            for entry in &mut file.cursors {
                entry.at = start.at;
            }
        }
        Ok(Project {
            file,
            path,
            fallback: fallback.unwrap_or(Start {
                at: None,
                source: Source::Nothing,
                extracted: false,
            }),
            ours_fallback,
            edited,
            rewrite: edited,
            asked: HashSet::new(),
            lastruns,
        })
    }

    fn start(&mut self, key: &CursorKey) -> Start {
        let entry = self.file.cursors.iter().find(|entry| is_of(entry, key));
        if entry.is_none_or(|entry| entry.standing != Standing::Lacking) {
            self.asked.insert(key.clone());
        }
        if let Some(entry) = entry {
            // Until it moves: then it is a cursor like any other.
            let still_edited = self.edited && entry.at == self.fallback.at;
            return Start {
                at: entry.at,
                source: if still_edited {
                    self.fallback.source.clone()
                } else {
                    Source::Cursor
                },
                extracted: entry.standing == Standing::Extracted,
            };
        }
        // What lastrun says, ours or not, is how far the clouds and regions are
        // that have cursors. One that has none was never extracted.
        let of_place = |entry: &Entry| entry.cloud == key.cloud && entry.region == key.region;
        let neighbours = self.file.cursors.iter().any(of_place);
        let others = !self.file.cursors.is_empty();
        let start = if (self.ours_fallback || others) && !neighbours {
            Start {
                at: None,
                source: Source::Nothing,
                extracted: false,
            }
        } else {
            self.fallback.clone()
        };
        self.file.cursors.push(Entry {
            cloud: key.cloud.clone(),
            region: key.region.clone(),
            extractor: key.extractor.clone(),
            at: start.at,
            standing: Standing::Untried,
        });
        start
    }

    fn move_to(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        key: &CursorKey,
        end: i64,
    ) -> Result<(), CursorError> {
        let mut next = self.file.clone();
        for entry in &mut next.cursors {
            if is_of(entry, key) {
                entry.at = Some(end);
                entry.standing = Standing::Extracted;
            }
        }
        self.asked.insert(key.clone());
        self.write(spool, configured, next)
    }

    fn leave_out(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        key: &CursorKey,
    ) -> Result<(), CursorError> {
        if !self.asked.remove(key) {
            return Ok(());
        }
        for entry in &mut self.file.cursors {
            if is_of(entry, key) {
                entry.standing = Standing::Lacking;
            }
        }
        // Before anything of the project moved there is nothing to mend; the
        // first one that moves writes this down, too.
        if self.file.lastrun.is_empty() {
            return Ok(());
        }
        self.write(spool, configured, self.file.clone())
    }

    /// Puts `next` in the place of what is on disk, and the least of its
    /// cursors into lastrun.
    fn write(
        &mut self,
        spool: &Spool,
        configured: &[CursorKey],
        mut next: CursorFile,
    ) -> Result<(), CursorError> {
        let project = self.file.project.clone();
        let write_error = |source| CursorError::Write {
            project: project.clone(),
            source,
        };
        // `None` sorts before every moment.
        let least = next
            .cursors
            .iter()
            .filter(|entry| {
                let mut counted = self.asked.iter().chain(configured);
                entry.standing != Standing::Lacking && counted.any(|key| is_of(entry, key))
            })
            .map(|entry| entry.at)
            .min()
            .flatten();
        let text = match least {
            None => BEGINNING.to_owned(),
            Some(at) => format_lastrun(at).ok_or_else(|| CursorError::OutOfRange {
                project: project.clone(),
                end: at,
            })?,
        };
        let rewrite = std::mem::replace(&mut self.rewrite, true);
        if let Some(folder) = self.path.parent() {
            spool.disk().create_folder(folder).map_err(write_error)?;
        }
        let changes = self
            .lastruns
            .first()
            .is_some_and(|path| rewrite || next.lastrun.get(&name_of(path)) != Some(&text));
        if changes {
            // A kill behind the next write must not look like an operator's
            // hand, which would carry every cursor of the project along.
            let mut noted = self.file.clone();
            noted.coming = Some(text.clone());
            noted.write(spool.disk(), &self.path).map_err(write_error)?;
        }
        for (index, path) in self.lastruns.iter().enumerate() {
            // A file by name is kept up where there is one, not begun.
            if index > 0 && !path.exists() {
                continue;
            }
            let name = name_of(path);
            if rewrite || next.lastrun.get(&name) != Some(&text) {
                spool
                    .disk()
                    .replace(path, text.as_bytes())
                    .map_err(write_error)?;
                next.lastrun.insert(name, text.clone());
            }
        }
        next.coming = None;
        next.write(spool.disk(), &self.path).map_err(write_error)?;
        self.file = next;
        self.rewrite = false;
        Ok(())
    }
}

fn is_of(entry: &Entry, key: &CursorKey) -> bool {
    entry.cloud == key.cloud && entry.region == key.region && entry.extractor == key.extractor
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
#[path = "cursors_tests.rs"]
mod tests;
