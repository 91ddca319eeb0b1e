//! What components warn of, held back until the run knows which of it is new.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use caso_base::digest::sha256_hex;
use caso_model::notice::{Notice, Notices};

/// More than a person reads of one run.
const MOST: usize = 500;

/// Filled by the logger, emptied at the end of the run. Clones share what they
/// hold.
#[derive(Debug, Clone, Default)]
pub struct ComponentWarnings(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    notices: Notices,
    count: AtomicUsize,
}

impl ComponentWarnings {
    /// Keeps it, unless it is known or there are too many. A component gives no
    /// key: its text is the matter.
    pub fn add(&self, text: &str) {
        let Held { notices, count } = self.0.as_ref();
        if count.load(Ordering::Relaxed) < MOST {
            let mut digest = sha256_hex(text.as_bytes());
            digest.truncate(24);
            notices.warn_once(&format!("component:{digest}"), || {
                count.fetch_add(1, Ordering::Relaxed);
                text.to_owned()
            });
        }
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
            warnings.clone().add(text);
        }
        let texts: Vec<String> = warnings.take().into_iter().map(|one| one.text).collect();
        assert_eq!(texts, ["one", "two"]);
        for n in 0..2 * MOST {
            warnings.add(&format!("text {n}"));
        }
        assert_eq!(warnings.take().len(), MOST - 2);
    }
}
