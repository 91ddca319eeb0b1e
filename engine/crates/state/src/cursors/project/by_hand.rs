//! What an operator does to a project's cursors.

use std::collections::BTreeMap;

use caso_base::regular;
use caso_disk::DiskError;

use super::super::CursorKey;
use super::super::error::CursorError;
use super::super::file::{CursorFile, Entry};
use super::{Change, ProjectCursors, name_of};
use crate::spool::Spool;

impl ProjectCursors {
    /// All cursors at a moment; what is to be written for it. Nothing is set before
    /// [`ProjectCursors::moved`], and lastrun not before [`ProjectCursors::settle`].
    pub(in crate::cursors) fn set(
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
    pub(in crate::cursors) fn forget(
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
}

/// Whether a file may have that name: it comes from a file.
fn is_lastrun(name: &str) -> bool {
    name.starts_with("lastrun.") && !name.contains(['/', '\0'])
}
