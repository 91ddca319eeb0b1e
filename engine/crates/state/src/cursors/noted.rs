//! The windows over which a project's cursors moved, as far as the ledger of runs may not have them.
//!
//! A run writes its line there when it ends. One that was killed before, or whose line found no room, has
//! moved cursors all the same: with them, in the same file, stands over which windows, until
//! a later run finds the line. What adds up is extracted again in just these.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

use super::file::CursorFile;
use super::{CursorKey, locked};
use crate::ledger::{self, KEPT, RunId};
use crate::spool::Spool;
use caso_model::Window;

/// A window, and the run that extracted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    #[serde(flatten)]
    pub key: CursorKey,
    pub window: Window,
    pub run: RunId,
}

/// Who moves cursors, and what is to stand with them of it.
pub struct MovedBy<'a> {
    pub run: RunId,
    /// By the extractor's name.
    pub is_noted: fn(&str) -> bool,
    /// Windows of an operator's.
    pub by_hand: bool,
    pub listed: &'a Listed,
    /// Addresses of Keystones, by the names of their clouds.
    pub keystones: &'a BTreeMap<String, String>,
}

impl CursorFile {
    fn at(&self, key: &CursorKey) -> Option<i64> {
        let mut cursors = self.cursors.iter();
        cursors.find(|it| it.key == *key).and_then(|it| it.at)
    }

    /// Whether anything was extracted ahead of a cursor.
    pub(super) fn is_ahead(&self, key: &CursorKey) -> bool {
        let at = self.at(key);
        let mut windows = self.windows.iter();
        windows.any(|it| it.key == *key && at.is_none_or(|at| it.window.end > at))
    }

    fn has_noted(&self, key: &CursorKey, window: Window) -> bool {
        let mut windows = self.windows.iter();
        windows.any(|it| it.window == window && it.key == *key)
    }

    /// Notes a window that was extracted in this run, and lets go of those that the ledger has, or
    /// would not keep any longer. What lies ahead of its cursor stays: somebody extracted it by hand, and who comes there goes round it.
    pub(super) fn note(&mut self, key: &CursorKey, window: Window, by: &MovedBy<'_>) {
        let MovedBy { run, listed, .. } = *by;
        if !(by.is_noted)(&key.extractor) {
            return;
        }
        self.unskip(key, window);
        let at = self.at(key);
        self.windows.retain(|it| {
            it.key != *key
                || it.run == run
                || at.is_none_or(|at| it.window.end > at)
                || it.window.end > run.began.saturating_sub(KEPT) && !listed.has(it.run)
        });
        if self.has_noted(key, window) {
            return;
        }
        self.windows.push(Noted {
            key: key.clone(),
            window,
            run,
        });
    }
}

/// Which runs are in the ledger. It is asked of each at most once; the last one, which it nearly always is,
/// stands at the end of a file.
#[derive(Debug)]
pub struct Listed {
    spool: Spool,
    last: OnceLock<Option<RunId>>,
    others: Mutex<HashMap<RunId, bool>>,
}

impl Listed {
    pub(super) fn of(spool: &Spool) -> Self {
        Listed {
            spool: spool.clone(),
            last: OnceLock::new(),
            others: Mutex::default(),
        }
    }

    /// A ledger that cannot be read has none.
    fn has(&self, run: RunId) -> bool {
        // Nobody's: a window that was found sealed.
        if run == RunId::default() {
            return false;
        }
        let last = self
            .last
            .get_or_init(|| ledger::last(&self.spool).unwrap_or_default());
        if *last == Some(run) {
            return true;
        }
        let mut others = locked(&self.others);
        *others
            .entry(run)
            .or_insert_with(|| ledger::lists(&self.spool, run).unwrap_or_default())
    }
}
