//! Warnings of a run: what the operator should mend, said once however many
//! projects and pages run into it. Whoever prints decides where to.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something to mend that cost no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is about; stays the same from run to run, so that a run can
    /// leave out what an earlier one has said.
    pub key: String,
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The warnings of one run, each key once, in the order of their first
/// occurrence.
#[derive(Debug, Default)]
pub struct Warnings {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    said: BTreeSet<String>,
    waiting: Vec<Warning>,
}

impl Warnings {
    /// Warns, unless this key was warned of in this run.
    pub fn once(&self, key: &str, text: impl FnOnce() -> String) {
        let mut state = self.lock();
        if state.said.insert(key.to_owned()) {
            let text = text();
            state.waiting.push(Warning {
                key: key.to_owned(),
                text,
            });
        }
    }

    /// The warnings since the last call.
    pub fn take(&self) -> Vec<Warning> {
        std::mem::take(&mut self.lock().waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_said_once_a_run() {
        let warnings = Warnings::default();
        warnings.once("a", || "first".into());
        warnings.once("a", || "second".into());
        assert_eq!(warnings.take().len(), 1);
        warnings.once("a", || "third".into());
        assert_eq!(warnings.take(), []);
    }
}
