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
    pub(super) kind: Kind,
    /// Where it is the first one.
    pub(super) text: String,
    /// Where it is one of several: the project, and what differs.
    pub(super) brief: String,
}

/// Those of a run, each said once however often it reads the files: to be shared by all [`Cursors`](super::Cursors) of it.
#[derive(Debug, Default)]
pub struct Edits {
    /// When the run began, in epoch seconds; none where nobody asks.
    now: Option<i64>,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// The texts.
    known: BTreeSet<String>,
    /// Those that were not said in full, by what was done.
    others: BTreeMap<Kind, Vec<String>>,
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
        let Edit { kind, text, brief } = edit;
        let mut said = locked(&self.said);
        if !said.known.insert(text.clone()) {
            return;
        }
        let edits = &mut said.others;
        match edits.get_mut(&kind) {
            Some(others) => others.push(brief),
            None => {
                edits.insert(kind, Vec::new());
                kind.log(&text);
            }
        }
    }

    /// Says what was kept: when all projects were read.
    pub(super) fn say_others(&self) {
        for (kind, others) in &mut locked(&self.said).others {
            let mut others = std::mem::take(others);
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
