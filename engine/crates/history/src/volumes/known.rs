//! Which projects of a region had which volumes, before anything of the run moves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

use super::Volumes;

/// The volumes of all projects of a region.
#[derive(Debug, Default)]
pub struct Known {
    /// Ids of the projects, and whether this run reads each.
    projects: Vec<(String, bool)>,
    /// By the volumes' ids, once [`Known::ready`].
    entries: Vec<Entry>,
    /// Volumes of this run that nobody had before, and the project whose list had each first.
    new: Mutex<HashMap<Uuid, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: Uuid,
    until: i64,
    /// Its place among the projects.
    project: u32,
}

/// What another project has of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Other {
    /// Up to when it was accounted there, in epoch seconds.
    pub until: i64,
    /// Whether this run reads that project.
    pub is_read: bool,
}

impl Known {
    /// Adds what is remembered of a project. `reached` is how far its volumes were extracted, in epoch seconds; none:
    /// that is not known.
    pub fn add(&mut self, project: &str, is_read: bool, reached: Option<i64>, volumes: &Volumes) {
        let place = u32::try_from(self.projects.len()).unwrap_or(u32::MAX);
        self.projects.push((project.to_owned(), is_read));
        let held = volumes.held.iter();
        let held = held.filter_map(|id| Some((*id, reached?)));
        let gone = volumes.gone.iter().map(|(id, until)| (*id, *until));
        self.entries
            .extend(held.chain(gone).map(|(id, until)| Entry {
                id,
                until,
                project: place,
            }));
    }

    /// All were added.
    #[must_use]
    pub fn ready(mut self) -> Self {
        self.entries.sort_unstable();
        self
    }

    /// Where a volume was accounted farthest, of the projects but this one.
    pub(super) fn others(&self, project: &str, id: Uuid) -> Option<Other> {
        let first = self.entries.partition_point(|entry| entry.id < id);
        let of_it = self.entries.iter().skip(first);
        let of_it = of_it.take_while(|entry| entry.id == id);
        let others = of_it.filter_map(|entry| {
            let place = usize::try_from(entry.project).ok()?;
            let (name, is_read) = self.projects.get(place)?;
            let other = Other {
                until: entry.until,
                is_read: *is_read,
            };
            (name != project).then_some(other)
        });
        others.max_by_key(|other| other.until)
    }

    /// Whether a volume that nobody had before is this project's: it is not where another one's list has had it in this run.
    pub(super) fn claim(&self, project: &str, id: Uuid) -> bool {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        new.entry(id).or_insert_with(|| project.to_owned()) == project
    }
}
