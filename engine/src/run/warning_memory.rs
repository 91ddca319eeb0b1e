//! Which warnings the operator has had. cron mails every line of every hour, so
//! a warning about the configuration, a flavor, a missing right is given when it
//! is new, and again when it comes back after a week.
//!
//! What is remembered is a notice's key, which names the matter, and never its
//! text: a text may name a line of a file, and a comment added above that line
//! is no news. The file is JSON, from keys to the second in which each last held.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use caso_base::regular;
use caso_model::notice::{Notice, Severity};
use caso_state::Spool;

const FILE: &str = "caso-warnings";
/// What this file replaces. Its keys were digests of texts, so that nothing in
/// it can be taken over: the first run after the change warns of everything once
/// more.
const FORMER_FILE: &str = "caso-said";
/// So many seconds a warning is remembered after it last held.
const MEMORY: i64 = 7 * 86_400;
/// A component may warn of something new every hour.
const MOST: usize = 2_000;

/// The warnings of this run, and those of earlier ones.
#[derive(Debug, Default)]
pub struct WarningMemory {
    now: i64,
    /// A person looks: what holds is shown, whether or not cron has mailed it.
    watched: bool,
    /// By key: when it last held, as earlier runs know it.
    earlier: BTreeMap<String, i64>,
    /// By key: the texts of this run.
    held: BTreeMap<String, BTreeSet<String>>,
}

impl WarningMemory {
    /// One that remembers nothing: a person who tries something out wants to see
    /// it all.
    pub fn blank(now: i64) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    /// That of the spool. One that cannot be read remembers nothing, so that
    /// everything is repeated rather than withheld.
    pub fn read(spool: &Spool, now: i64) -> Self {
        let path = spool.folder().join(FILE);
        let earlier = load(&path).unwrap_or_else(|error| {
            tracing::info!("all warnings are repeated: {error:#}");
            BTreeMap::new()
        });
        Self {
            now,
            watched: false,
            earlier,
            held: BTreeMap::new(),
        }
    }

    /// Logs it, as a warning unless a run of the last week did.
    pub fn notice(&mut self, notice: &Notice) {
        let first = self.is_first(notice);
        let Notice { text, hint, .. } = notice;
        let hint = hint.as_deref();
        match (
            self.is_new(notice) || first && self.watched,
            notice.severity,
        ) {
            (true, Severity::Warning) => tracing::warn!(hint, "{text}"),
            (true, Severity::Info) => tracing::info!(hint, "{text}"),
            (false, _) => tracing::info!(hint, "as before: {text}"),
        }
    }

    /// The same, for somebody who looks on.
    #[must_use]
    pub fn watched(self, watched: bool) -> Self {
        Self { watched, ..self }
    }

    /// Whether this run has not had it yet.
    fn is_first(&self, notice: &Notice) -> bool {
        let texts = self.held.get(&notice.key);
        texts.is_none_or(|texts| !texts.contains(&notice.text))
    }

    /// Whether the operator has not had it. Two matters of one key would be a
    /// mistake, and silence the wrong way to deal with it: both are new.
    fn is_new(&mut self, notice: &Notice) -> bool {
        let earlier = self.earlier.get(&notice.key);
        let known = earlier.is_some_and(|last| self.now - last <= MEMORY);
        let texts = self.held.entry(notice.key.clone()).or_default();
        texts.insert(notice.text.clone()) && !known
    }

    /// Writes it, with the warnings of this run. Beyond the most that is kept the
    /// oldest are forgotten.
    ///
    /// # Errors
    /// What was remembered before is then still there.
    pub fn keep(self, spool: &Spool) -> anyhow::Result<()> {
        let mut known = self.earlier;
        known.retain(|_, last| self.now - *last <= MEMORY);
        known.extend(self.held.into_keys().map(|key| (key, self.now)));
        let mut newest: Vec<(String, i64)> = known.into_iter().collect();
        newest.sort_by(|(_, one), (_, other)| other.cmp(one));
        newest.truncate(MOST);
        let known: BTreeMap<String, i64> = newest.into_iter().collect();
        let path = spool.folder().join(FILE);
        let kept = || format!("cannot keep in `{}` what was warned of", path.display());
        let text = serde_json::to_vec(&known).with_context(kept)?;
        spool.disk().replace(&path, &text).with_context(kept)?;
        spool.disk().remove(&spool.folder().join(FORMER_FILE))?;
        Ok(())
    }
}

fn load(path: &Path) -> anyhow::Result<BTreeMap<String, i64>> {
    let bytes = match regular::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        read => read.with_context(|| format!("cannot read `{}`", path.display()))?,
    };
    serde_json::from_slice(&bytes).with_context(|| format!("`{}` is damaged", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Disk::default()).unwrap();
        (folder, spool)
    }

    /// Whether a run at `now` warns of it.
    fn warns(spool: &Spool, now: i64, key: &str, text: &str) -> bool {
        let mut memory = WarningMemory::read(spool, now);
        let new = memory.is_new(&Notice::warning(key, text));
        memory.keep(spool).unwrap();
        new
    }

    #[test]
    fn a_warning_is_remembered_for_a_week_after_it_last_held() {
        let (_folder, spool) = spool();
        assert!(warns(&spool, 1_000, "odd", "odd"));
        assert!(!warns(&spool, 1_000 + MEMORY, "odd", "odd"));
        assert!(!warns(&spool, 1_000 + 2 * MEMORY, "odd", "odd"));
        assert!(warns(&spool, 1_001 + 3 * MEMORY, "odd", "odd"));
    }

    #[test]
    fn the_key_counts_and_not_the_text() {
        let (_folder, spool) = spool();
        let key = "old-name:DEFAULT.tenants";
        assert!(warns(&spool, 1_000, key, "caso.conf:3: `tenants`"));
        assert!(!warns(&spool, 4_600, key, "caso.conf:4: `tenants`"));
        assert!(warns(&spool, 4_600, "another", "caso.conf:4: `tenants`"));
    }

    #[test]
    fn within_a_run_a_text_is_given_once_and_no_text_is_withheld() {
        let mut memory = WarningMemory::blank(1);
        assert!(memory.is_new(&Notice::warning("a", "one")));
        assert!(!memory.is_new(&Notice::warning("a", "one")));
        assert!(memory.is_new(&Notice::warning("a", "two")));
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let (_folder, spool) = spool();
        // By name it would be the last.
        assert!(warns(&spool, 1, "z-old", "old"));
        let mut memory = WarningMemory::read(&spool, 2);
        for n in 0..MOST {
            memory.is_new(&Notice::warning(format!("m{n}"), "new"));
        }
        memory.keep(&spool).unwrap();
        let memory = WarningMemory::read(&spool, 3);
        assert_eq!(memory.earlier.len(), MOST);
        assert!(!memory.earlier.contains_key("z-old"));
        assert!(memory.earlier.contains_key("m0"));
    }

    #[test]
    fn an_unreadable_memory_repeats_everything() {
        let (folder, spool) = spool();
        assert!(warns(&spool, 1, "odd", "odd"));
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(warns(&spool, 2, "odd", "odd"));
        assert!(!warns(&spool, 3, "odd", "odd"));
    }

    #[test]
    fn the_former_file_goes_when_this_one_is_there() {
        let (folder, spool) = spool();
        let former = folder.path().join(FORMER_FILE);
        std::fs::write(&former, r#"{"0123":1}"#).unwrap();
        assert!(warns(&spool, 2, "odd", "odd"));
        assert!(!former.exists());
    }
}
