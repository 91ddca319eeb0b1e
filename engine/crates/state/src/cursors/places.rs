//! Clouds and regions that the configuration names otherwise than it did.
//!
//! A cursor belongs to a cloud and a region by their names. Under a new name a project would be
//! extracted from the beginning, and what adds up would count twice. Whether it is the same cloud, nobody
//! can know from here: it is asked for ([`Cursors::former`]), and an operator says so
//! ([`Cursors::rename`], [`Cursors::forget_place`]).

use serde::{Deserialize, Serialize};

use super::all::files;
use super::error::CursorError;
use super::file::{CursorFile, Entry, Standing};
use super::former_names::FormerNames;
use super::project::ProjectCursors;
use super::{CursorKey, Cursors, locked};
use crate::histories::Place;
use crate::spool::Spool;

/// A cloud and region had another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    pub now: Place,
    pub was: Place,
}

/// A project was extracted under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The name.
    pub place: Place,
    /// What that name is now.
    pub standing: NameNow,
    /// The place of the cloud in which it has nothing.
    pub here: Place,
    /// Up to where, in epoch seconds; none where this run has begun with it there.
    pub until: Option<i64>,
}

/// What a name under which a project was extracted is in the configuration now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameNow {
    /// It is not there any more.
    Gone,
    /// It is there for the same Keystone: it is one cloud by two names, or the project went from one section to another.
    SameKeystone,
    /// It is there for another Keystone, and had this one when the project was extracted.
    OtherKeystone,
}

/// The places of a cloud, and those that may have the same projects.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// Its own.
    pub places: Vec<Place>,
    /// Others that the configuration has for the same Keystone.
    pub alike: Vec<Place>,
    /// The address of its Keystone.
    pub keystone: Option<String>,
}

impl Here {
    /// Whether a project of that one is the same as here. Two regions are each of their own: one Keystone's projects are in
    /// both.
    fn is_alike(&self, other: &Place) -> bool {
        self.alike.contains(other) && !self.is_another_region(other)
    }

    fn is_another_region(&self, other: &Place) -> bool {
        let are_two_regions = |here: &Place| {
            here.region.is_some() && other.region.is_some() && here.region != other.region
        };
        self.places.iter().all(are_two_regions)
    }

    /// What the name of a place is now of which a project has something; none where it is another cloud, to whose
    /// project an id happens to belong, too.
    fn name_now(
        &self,
        other: &Place,
        keystone: Option<&String>,
        configured: &[Place],
    ) -> Option<NameNow> {
        if !configured.contains(other) {
            return Some(NameNow::Gone);
        }
        if self.is_alike(other) {
            return Some(NameNow::SameKeystone);
        }
        let had_ours = keystone.is_some() && keystone == self.keystone.as_ref();
        (had_ours && !self.is_another_region(other)).then_some(NameNow::OtherKeystone)
    }
}

impl ProjectCursors {
    fn former(&self, here: &Here, configured: &[Place]) -> Option<Former> {
        let cursors = self.cursors();
        let has = |place: &&Place| cursors.iter().any(|it| it.key.place() == **place);
        // Of several regions those that it has say nothing of the one that is new.
        let lacking = here.places.iter().find(|place| !has(place))?;
        let is_new_region = here.places.iter().any(|place| has(&place));
        let extracted = cursors.iter().filter_map(|it| {
            let place = it.key.place();
            match it.standing {
                Standing::Extracted => it
                    .at
                    .map(|until| (Some(until), place, it.keystone.as_ref())),
                // Another cloud of this run has it, or one before had.
                Standing::Untried if here.is_alike(&place) => Some((None, place, None)),
                Standing::Untried | Standing::Lacking => None,
            }
        });
        // Cursors that were taken away since say so still, unless all of that cloud were given up.
        let reached = self
            .reached()
            .iter()
            .map(|it| (Some(it.to), it.key.place(), None));
        let others = extracted
            .chain(reached)
            .filter_map(|(until, place, keystone)| {
                let standing = here.name_now(&place, keystone, configured)?;
                // Where it is in other regions, only what was a region of this cloud may be the new one.
                let may_be =
                    !is_new_region || (standing == NameNow::Gone && place.cloud == lacking.cloud);
                (may_be && !self.given_up().contains(&place)).then_some(Former {
                    place,
                    standing,
                    here: lacking.clone(),
                    until,
                })
            });
        others.max_by_key(|former| former.until)
    }
}

impl CursorFile {
    /// What is of one place is of another from here on; whether there was anything.
    fn rename(&mut self, was: &Place, now: &Place) -> bool {
        let keys = self.cursors.iter_mut().map(|it| &mut it.key);
        let keys = keys.chain(self.reached.iter_mut().map(|it| &mut it.key));
        let keys = keys.chain(self.windows.iter_mut().map(|it| &mut it.key));
        let keys = keys.chain(self.skipped.iter_mut().map(|it| &mut it.key));
        let mut found = false;
        for key in keys.filter(|key| key.place() == *was) {
            key.cloud.clone_from(&now.cloud);
            key.region.clone_from(&now.region);
            found = true;
        }
        // One that was renamed twice had both names in the ledger.
        for it in self.renamed.iter_mut().filter(|it| it.now == *was) {
            it.now = now.clone();
        }
        if found {
            self.renamed.push(Renamed {
                now: now.clone(),
                was: was.clone(),
            });
        }
        found
    }

    /// By which name a cursor is known that was of this one when something was sealed.
    pub(super) fn present(&self, key: &CursorKey) -> CursorKey {
        let place = key.place();
        let renamed = self.renamed.iter().rev().find(|it| it.was == place);
        match renamed {
            Some(Renamed { now, .. }) if !self.is_in(&place) => now.key(&key.extractor),
            Some(_) | None => key.clone(),
        }
    }

    fn is_in(&self, place: &Place) -> bool {
        self.cursors.iter().any(|it| it.key.place() == *place)
    }
}

impl Cursors {
    /// Whether a project that has no cursor in any of the places of a cloud was extracted in another one, which is
    /// not [configured](Self::configured) any more, or has or had the same Keystone: the last of them.
    ///
    /// # Errors
    /// The project's files cannot be read, or say nothing that can be used.
    pub fn former(
        &self,
        project: &str,
        name: Option<&str>,
        here: &Here,
    ) -> Result<Option<Former>, CursorError> {
        let configured: Vec<Place> = self.configured.iter().map(CursorKey::place).collect();
        let known = self.project(project, name)?;
        let former = locked(&known).former(here, &configured);
        Ok(former)
    }

    /// What was of one cloud and region is of another, in all projects: the same cloud has a new name. Of those
    /// that have cursors of both nothing is changed. How many were renamed, and how many have both.
    /// Killed in between, it is to be called again.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn rename(spool: &Spool, was: &Place, now: &Place) -> Result<(usize, usize), CursorError> {
        let has_both = |file: &CursorFile| file.is_in(was) && file.is_in(now);
        let good = files(spool).map_err(unread(spool))?.good;
        let both: Vec<String> = good
            .into_iter()
            .filter(has_both)
            .map(|file| file.project)
            .collect();
        let number = both.len();
        let mut names = FormerNames::read(spool);
        names.rename(was, now, both);
        names.write(spool).map_err(|source| CursorError::Write {
            project: "*".to_owned(),
            source,
        })?;
        let renamed = change(spool, |file| !has_both(file) && file.rename(was, now))?;
        Ok((renamed, number))
    }

    /// The same for one project, which went from a cloud of the configuration to another one; whether it has cursors
    /// of the first, and none of the second.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn move_project(
        spool: &Spool,
        project: &str,
        was: &Place,
        now: &Place,
    ) -> Result<bool, CursorError> {
        let movable =
            |file: &CursorFile| file.project == project && file.is_in(was) && !file.is_in(now);
        let good = files(spool).map_err(unread(spool))?.good;
        if !good.iter().any(movable) {
            return Ok(false);
        }
        let mut names = FormerNames::read(spool);
        names.rename_of(project, was, now);
        names.write(spool).map_err(|source| CursorError::Write {
            project: project.to_owned(),
            source,
        })?;
        change(spool, |file| movable(file) && file.rename(was, now))?;
        Ok(true)
    }

    /// Which clouds and regions had other names before.
    #[must_use]
    pub fn renamed(spool: &Spool) -> FormerNames {
        FormerNames::read(spool)
    }

    /// Removes the cursors of one cloud and region, of all projects. How far they had come stays noted. How
    /// many projects had any.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn forget_place(spool: &Spool, place: &Place) -> Result<usize, CursorError> {
        change(spool, |file| {
            let gone: Vec<Entry> = file
                .cursors
                .extract_if(.., |it| it.key.place() == *place)
                .collect();
            CursorFile::note_reached(&mut file.reached, &gone);
            let had = file.reached.iter().any(|it| it.key.place() == *place);
            if had && !file.given_up.contains(place) {
                file.given_up.push(place.clone());
            }
            had || !gone.is_empty()
        })
    }
}

/// Changes all files of which `change` says that it did.
fn change(
    spool: &Spool,
    mut change: impl FnMut(&mut CursorFile) -> bool,
) -> Result<usize, CursorError> {
    let mut changed = 0;
    for mut file in files(spool).map_err(unread(spool))?.good {
        if change(&mut file) {
            let path = spool.cursor_file(&file.project);
            let disk = spool.disk();
            let written = file.write_beside(disk, &path);
            written
                .and_then(|written| {
                    disk.keep(vec![written])
                        .into_iter()
                        .collect::<Result<(), _>>()
                })
                .map_err(|source| CursorError::Write {
                    project: file.project.clone(),
                    source,
                })?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Of all projects.
fn unread(spool: &Spool) -> impl FnOnce(std::io::Error) -> CursorError {
    let path = spool.cursors_folder();
    |source| CursorError::Read {
        project: "*".to_owned(),
        path,
        source,
    }
}
