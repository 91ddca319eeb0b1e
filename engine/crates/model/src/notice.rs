//! A word to the operator about what is odd and cost no record, as data.
//!
//! Every room states notices; only the run prints them, each once a week for as
//! long as it holds. What identifies a notice is its key, not its text: a text
//! may name a line of a file, which moves when somebody adds a comment above it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use caso_base::Message;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Info,
    /// Somebody should change something.
    Warning,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// What it is about, the same from run to run for as long as the matter is
    /// the same: `old-name:DEFAULT.tenants`.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence, which names the thing.
    pub text: String,
    /// The way out.
    pub hint: Option<String>,
}

impl Notice {
    /// Something that somebody should change.
    #[must_use]
    pub fn warning(key: impl Into<String>, message: impl Into<Message>) -> Self {
        Self::of(key, Severity::Warning, message)
    }

    /// Something that is worth knowing.
    #[must_use]
    pub fn info(key: impl Into<String>, message: impl Into<Message>) -> Self {
        Self::of(key, Severity::Info, message)
    }

    fn of(key: impl Into<String>, severity: Severity, message: impl Into<Message>) -> Self {
        let Message { text, hint } = message.into();
        Self {
            key: key.into(),
            severity,
            text,
            hint,
        }
    }

    /// Its two parts.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from(self.text.as_str()).hint(self.hint.clone())
    }
}

/// In one line, where there is no second one.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

/// The notices of one run: each key once, however many projects and pages meet
/// it, in the order of their first occurrence.
#[derive(Debug, Default)]
pub struct Notices {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: BTreeSet<String>,
    pending: Vec<Notice>,
}

impl Notices {
    /// Adds a warning, unless this run has one of this key.
    pub fn warn_once<M: Into<Message>>(&self, key: &str, message: impl FnOnce() -> M) {
        let mut state = self.lock();
        if state.known.insert(key.to_owned()) {
            let message = message();
            state.pending.push(Notice::warning(key, message));
        }
    }

    /// Whether this run has one of this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.lock().known.contains(key)
    }

    /// Those since the last call.
    pub fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut self.lock().pending)
    }

    /// A task that panicked left single steps behind, never half of one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_once_a_run() {
        let notices = Notices::default();
        notices.warn_once("a", || "first");
        notices.warn_once("a", || "second");
        assert_eq!(notices.take(), [Notice::warning("a", "first")]);
        notices.warn_once("a", || ("third", "do this"));
        assert_eq!(notices.take(), []);
        assert!(notices.has("a") && !notices.has("b"));
    }

    #[test]
    fn the_way_out_is_apart_from_what_is() {
        let notice = Notice::warning("a", ("odd", "mend it"));
        assert_eq!(
            (notice.text.as_str(), notice.hint.as_deref()),
            ("odd", Some("mend it"))
        );
        assert_eq!(notice.to_string(), "odd; mend it");
        assert_eq!(Notice::info("a", "odd").hint, None);
    }
}
