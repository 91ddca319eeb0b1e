//! What somebody did to lastrun and cursor files, as a run says it: of the first project in full, and of
//! the others, to which mostly the same was done, in one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;

use super::locked;

/// So many others are named.
const NAMED: usize = 20;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Its lastrun file was set forward: usage may be lost by it.
    Forward,
    Back,
    /// It was removed.
    Removed,
    /// It holds what is no date.
    Garbled,
    /// The cursors are from a backup.
    PutBack,
}

/// One project's.
#[derive(Debug)]
pub(super) struct Edit {
    kind: Kind,
    project: String,
    /// Where it is the first one.
    text: String,
    /// Where it is one of several: the project, and what differs.
    brief: String,
}

impl Edit {
    pub(super) fn new(kind: Kind, project: &str, text: String, brief: String) -> Self {
        Edit {
            kind,
            project: project.to_owned(),
            text,
            brief,
        }
    }
}

/// Those of a run, each said once however often it reads the files: to be shared by all [`Cursors`](super::Cursors) of it.
#[derive(Debug, Default)]
pub struct Edits {
    /// When the run began, in epoch seconds; none where nobody asks.
    now: Option<i64>,
    known: Mutex<BTreeMap<Kind, Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of which it is known.
    projects: BTreeSet<String>,
    /// Those that were not said yet.
    others: Vec<String>,
}

impl Edits {
    /// Of a run that began at `now`, in epoch seconds: it extracts nothing from a moment in the future, and says that itself.
    #[must_use]
    pub fn of_run(now: i64) -> Self {
        Edits {
            now: Some(now),
            ..Edits::default()
        }
    }

    /// Whether nothing is extracted from there in this run.
    pub(super) fn is_future(&self, at: Option<i64>) -> bool {
        self.now.is_some_and(|now| at > Some(now))
    }

    /// Says it, or keeps it for [`Edits::say_others`].
    pub(super) fn add(&self, edit: Edit) {
        let mut edits = locked(&self.known);
        let known = edits.entry(edit.kind).or_default();
        let is_first = known.projects.is_empty();
        if !known.projects.insert(edit.project) {
            return;
        }
        match is_first {
            true => edit.kind.log(&edit.text),
            false => known.others.push(edit.brief),
        }
    }

    /// Says what was kept: when all projects were read.
    pub(super) fn say_others(&self) {
        for (kind, known) in locked(&self.known).iter_mut() {
            let mut others = std::mem::take(&mut known.others);
            others.sort();
            let number = match others.len() {
                0 => continue,
                1 => "1 more project".to_owned(),
                more => format!("{more} more projects"),
            };
            let mut list = others.iter().take(NAMED).cloned().collect::<Vec<_>>();
            if let Some(more) = others.len().checked_sub(NAMED).filter(|more| *more > 0) {
                list.push(format!("and {more} more"));
            }
            let mut text = format!("the same of {number}: {}", list.join(", "));
            // A list that is cut off hides where each had come to.
            if *kind == Kind::Forward && others.len() > NAMED {
                let _ = write!(text, "; `caso cursor` shows where each stands");
            }
            kind.log(&text);
        }
    }
}

impl Kind {
    fn log(self, text: &str) {
        match self {
            Kind::Back => tracing::info!("{text}"),
            Kind::Forward | Kind::Removed | Kind::Garbled | Kind::PutBack => {
                tracing::warn!("{text}");
            }
        }
    }
}
