//! A project's cursors as they lie on disk, and what its lastrun files say beside them.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::StartSource;
use super::super::edits::Edits;
use super::super::error::CursorError;
use super::super::fallback::Fallback;
use super::super::file::{CursorFile, Found};
use super::super::former_names::FormerNames;
use super::edit::{edit_of, furthest, put_back};
use super::{ProjectCursors, name_of};
use crate::spool::Spool;

impl ProjectCursors {
    /// Reads the project's cursor file and its lastrun files.
    pub(in crate::cursors) fn read(
        spool: &Spool,
        settled: &BTreeMap<String, String>,
        project: &str,
        name: Option<&str>,
        edits: &Arc<Edits>,
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
        let fallback = Fallback::read(&mut file, &lastruns, &global, settled, edits)?;
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
            edit = Some(put_back(&file, &path, lastruns.first()));
            file.note_put_back(to);
        }
        if fallback.edited {
            edit = edit_of(project, &file, &fallback.start)
                .filter(|_| !edits.is_future(fallback.start.at));
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
            edits: edits.clone(),
        })
    }
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

pub(in crate::cursors) fn cannot_read(
    project: &str,
    path: &Path,
    source: io::Error,
) -> CursorError {
    CursorError::Read {
        project: project.to_owned(),
        path: path.to_owned(),
        source,
    }
}
