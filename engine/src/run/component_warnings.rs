//! What components warn of, held back until the run knows which of it is new.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use caso_base::Message;
use caso_base::digest::sha256_hex;
use caso_model::notice::{Notice, Notices};

/// More than a person reads of one run and instance. Each has its own: one that is loud
/// takes the word from nobody.
const MOST: usize = 100;

/// Filled by the logger, emptied at the end of the run. Clones share what they
/// hold.
#[derive(Debug, Clone, Default)]
pub struct ComponentWarnings(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    notices: Notices,
    /// By who speaks.
    counts: Mutex<BTreeMap<String, usize>>,
}

impl ComponentWarnings {
    /// Keeps it, unless it is known or there are too many. A component gives no
    /// key: its text is the matter.
    pub fn add(&self, who: &str, text: &str) {
        let Held { notices, counts } = self.0.as_ref();
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(who.to_owned()).or_default();
        if *count < MOST {
            let mut digest = sha256_hex(text.as_bytes());
            digest.truncate(24);
            notices.warn_once(&format!("component:{digest}"), || {
                *count += 1;
                text.to_owned()
            });
        }
    }

    /// Keeps what is no component's: of the program around the run.
    pub fn note<M: Into<Message>>(&self, key: &str, message: impl FnOnce() -> M) {
        self.0.notices.warn_once(key, message);
    }

    /// Those since the last call.
    pub fn take(&self) -> Vec<Notice> {
        self.0.notices.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_there_is_an_end() {
        let warnings = ComponentWarnings::default();
        for text in ["one", "two", "one"] {
            warnings.clone().add("mine", text);
        }
        let texts: Vec<String> = warnings.take().into_iter().map(|one| one.text).collect();
        assert_eq!(texts, ["one", "two"]);
        for n in 0..2 * MOST {
            warnings.add("mine", &format!("text {n}"));
        }
        // Another one is heard all the same.
        warnings.add("other", "VICTIM");
        assert_eq!(warnings.take().len(), MOST - 2 + 1);
    }
}
