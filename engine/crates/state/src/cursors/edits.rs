//! What somebody did to lastrun and cursor files, as a run says it: of the first project in full, and of
//! the others, to which mostly the same was done, in one line.

use std::collections::BTreeMap;
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

/// Those of a run.
#[derive(Debug, Default)]
pub(super) struct Edits(Mutex<BTreeMap<Kind, Vec<String>>>);

impl Edits {
    /// Says it, or keeps it for [`Edits::say_others`].
    pub(super) fn add(&self, edit: Edit) {
        let Edit { kind, text, brief } = edit;
        let mut edits = locked(&self.0);
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
        for (kind, others) in locked(&self.0).iter_mut() {
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
