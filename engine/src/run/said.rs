//! What was said already. cron mails every line of every hour, so a remark on
//! the configuration, on a flavor, on a missing right is made once for each of
//! its states: when it is new, and again when it comes back after a week.

use std::collections::BTreeMap;

use caso_base::digest::sha256_hex;
use caso_disk::DiskError;
use caso_state::Spool;

const FILE: &str = "caso-said";
/// So long a remark is remembered after it last held.
const MEMORY: i64 = 7 * 86_400;
/// A component may say something new every hour.
const MOST: usize = 2_000;

/// The remarks of this run and of earlier ones.
pub struct Said {
    /// Digest of a text, and when it last held.
    known: BTreeMap<String, i64>,
    now: i64,
}

impl Said {
    pub fn fresh(now: i64) -> Self {
        Self {
            known: BTreeMap::new(),
            now,
        }
    }

    /// A file that can't be read means that everything is said once more.
    pub fn read(spool: &Spool, now: i64) -> Self {
        let known = std::fs::read(spool.folder().join(FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { known, now }
    }

    /// Says it, unless a run of the last week did.
    pub fn warn(&mut self, text: &str) {
        self.warn_of(text, text);
    }

    /// The same for a text that differs from run to run while its state, which
    /// `key` names, does not.
    pub fn warn_of(&mut self, key: &str, text: &str) {
        let known = self.known.insert(digest(key), self.now);
        if known.is_none_or(|last| self.now - last > MEMORY) {
            tracing::warn!("{text}");
        } else {
            tracing::info!("as before: {text}");
        }
    }

    pub fn keep(mut self, spool: &Spool) -> Result<(), DiskError> {
        self.known.retain(|_, last| self.now - *last <= MEMORY);
        while self.known.len() > MOST {
            self.known.pop_first();
        }
        let text = serde_json::to_vec(&self.known).unwrap_or_default();
        spool.disk().replace(&spool.folder().join(FILE), &text)
    }
}

fn digest(text: &str) -> String {
    let mut digest = sha256_hex(text.as_bytes());
    digest.truncate(24);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;

    #[test]
    fn a_remark_is_remembered_for_a_week() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Disk::default()).unwrap();
        let known = |now: i64| {
            let mut said = Said::read(&spool, now);
            let before = said.known.get(&digest("odd")).copied();
            said.warn("odd");
            said.keep(&spool).unwrap();
            before
        };
        assert_eq!(known(1_000), None);
        assert_eq!(known(4_600), Some(1_000));
        let mut later = Said::read(&spool, 4_600 + MEMORY + 1);
        later.warn("something else");
        later.keep(&spool).unwrap();
        assert_eq!(known(4_600 + MEMORY + 2), None);
    }

    #[test]
    fn a_damaged_memory_says_everything_again() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Disk::default()).unwrap();
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(Said::read(&spool, 1).known.is_empty());
    }
}
