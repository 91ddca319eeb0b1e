//! Up to where each volume was accounted, and for whom.
//!
//! Of storage each interval adds up, and a volume may be transferred from one project to another. Cinder then shows it in the
//! other project's list, as if it had always been there, and does not say when it came: `updated_at` is that moment or a later
//! one. So the engine remembers of each project which volumes its last list had, and up to when those were accounted that it has
//! no more. A volume that comes from a project that is known is accounted in the new one from where the old one's last interval
//! ended: each second once, and what lies between two runs is the new one's.
//!
//! | a volume that the project did not have is accounted from |
//! |---|
//! | where the project that had it was accounted up to, before this window too if that project is one of this run's |
//! | if no such project is known: from `updated_at`, or its creation if that lies in this window |
//! | in the next run, if it came while this run's lists were read: up to this window's end it may be in both lists |
//!
//! It is a few facts for each project; [`Known`] holds them of all projects of a region: 32 bytes a volume.

mod form;
mod known;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use caso_model::Window;

pub use self::form::VolumesError;
pub use self::known::Known;

/// For how long, in seconds, a volume is remembered that its project has no more: 92 days.
const KEPT: i64 = 92 * 86_400;
/// So many of these a project has at most, those that it had last.
const MOST_GONE: usize = 2_000;

/// What is remembered of the volumes of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volumes {
    /// Those of its last list: accounted up to its cursor.
    held: BTreeSet<Uuid>,
    /// Of these, the ones that did not begin with the window or in it.
    came: BTreeMap<Uuid, Came>,
    /// Those that it has no more, and up to when each was accounted in it, in epoch seconds.
    gone: BTreeMap<Uuid, i64>,
}

/// How a volume came to a project, in epoch seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Came {
    /// From when on it is accounted in it.
    from: i64,
    /// Where the window began that accounted it first.
    window: i64,
}

/// What Cinder says of a volume, as far as it matters here. Epoch seconds.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// Its id.
    pub id: Uuid,
    /// When it was created.
    pub created: Option<i64>,
    /// When it was changed last; none: never.
    pub updated: Option<i64>,
}

/// The volumes of one project, while a window of it is read.
#[derive(Debug)]
pub struct Holding {
    project: String,
    window: Window,
    /// None: nothing is known of what it had.
    own: Option<Volumes>,
    known: Arc<Known>,
    /// The window was extracted before: nothing is new in it.
    again: bool,
    next: Volumes,
}

impl Holding {
    /// Before the list is read. `own` is what is remembered of the project; none: nothing is. `again`: a
    /// window that was extracted before.
    pub fn new(
        project: &str,
        window: Window,
        own: Option<Volumes>,
        known: &Arc<Known>,
        again: bool,
    ) -> Self {
        Holding {
            project: project.to_owned(),
            window,
            own,
            known: known.clone(),
            again,
            next: Volumes::default(),
        }
    }

    /// From when on a volume of the list is accounted, in epoch seconds; none: not in this window.
    pub fn from(&mut self, shown: Shown) -> Option<i64> {
        if shown.created > Some(self.window.end) {
            return None;
        }
        let (from, came) = self.decided(shown)?;
        self.next.held.insert(shown.id);
        if let Some(came) = came {
            self.next.came.insert(shown.id, came);
        }
        (from < self.window.end).then_some(from)
    }

    /// A volume is in the list, and nothing can be said of it. One that the project had it still has: what its row costs
    /// is this window, and nothing of the next.
    pub fn unreadable(&mut self, id: Uuid) {
        let Some(own) = self.own.as_ref().filter(|own| own.held.contains(&id)) else {
            return;
        };
        self.next.held.insert(id);
        if let Some(came) = own.came.get(&id) {
            self.next.came.insert(id, *came);
        }
    }

    /// With how it came, where it did not begin here.
    fn decided(&self, shown: Shown) -> Option<(i64, Option<Came>)> {
        let Window { start, end } = self.window;
        let came = |from| {
            let window = start;
            Some((from, Some(Came { from, window })))
        };
        let others = self.known.others(&self.project, shown.id);
        let others = others.filter(|_| !self.again);
        let came_meanwhile = shown.updated > Some(end);
        let Some(own) = &self.own else {
            // What it had is not known, so that nothing before the window is made up for.
            return match others {
                Some(_) if came_meanwhile => None,
                Some(other) => came(other.until.max(start)),
                None => Some((start, None)),
            };
        };
        if own.held.contains(&shown.id) {
            let first = own.came.get(&shown.id).copied();
            let from = match first {
                Some(came) if end <= came.window => return None,
                Some(came) if start <= came.window => came.from,
                _ => start,
            };
            return match others {
                // It was elsewhere for a while.
                Some(other) if other.until > from => came(other.until),
                _ => Some((from, first)),
            };
        }
        if self.again {
            return None;
        }
        let back = own.gone.get(&shown.id).copied();
        let is_new = shown.created >= Some(start) && others.is_none() && back.is_none();
        if is_new {
            let is_ours = self.known.claim(&self.project, shown.id);
            return is_ours.then_some((start, None));
        }
        if came_meanwhile {
            return None;
        }
        let changed = shown.updated.unwrap_or(start).max(start);
        came(match others {
            Some(other) if other.is_read => other.until.max(back.unwrap_or(other.until)),
            Some(other) => changed.max(other.until),
            None => changed,
        })
    }

    /// What is to be remembered once the window is on disk; none where that is what is remembered already, or the window is
    /// not one that goes on.
    pub fn finish(mut self) -> Option<Volumes> {
        if self.again {
            return None;
        }
        let own = self.own.as_ref();
        let mut gone = BTreeMap::new();
        for (id, until) in own.into_iter().flat_map(|own| &own.gone) {
            if *until > self.window.end - KEPT && !self.next.held.contains(id) {
                gone.insert(*id, *until);
            }
        }
        let held = own.into_iter().flat_map(|own| &own.held);
        for id in held.filter(|id| !self.next.held.contains(id)) {
            gone.insert(*id, self.window.start);
        }
        if gone.len() > MOST_GONE {
            let mut untils: Vec<i64> = gone.values().copied().collect();
            untils.sort_unstable();
            let least = untils.get(untils.len() - MOST_GONE).copied();
            gone.retain(|_, until| Some(*until) >= least);
        }
        self.next.gone = gone;
        (self.own.as_ref() != Some(&self.next)).then_some(self.next)
    }
}
