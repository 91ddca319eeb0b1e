//! Which projects fail, and since when: `caso-failures.json`.
//!
//! Kept beside the cursors, by the same keys, and in one file: it is small, since
//! most projects fail never, and it is written only where something changed. It
//! decides on nothing but the order in which projects are tried and on what the
//! operator reads, so that one which is lost, damaged or of a newer cASO costs the
//! counts and no run.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use caso_base::regular;
use caso_disk::{DiskError, Step};

use crate::cursors::CursorKey;
use crate::spool::Spool;

const FORMAT: u32 = 1;

/// A project that failed in no run of so many seconds is forgotten: it has left
/// the configuration.
const MEMORY: i64 = 90 * 86_400;

/// How long an extractor of a project has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// In how many runs, one after the other.
    pub runs: u64,
    /// The start of the first of them, in epoch seconds.
    pub since: i64,
    /// The start of the last of them, in epoch seconds.
    pub last: i64,
}

/// By project and cursor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    cloud: String,
    region: Option<String>,
    project: String,
    extractor: String,
}

impl Key {
    fn of(project: &str, key: &CursorKey) -> Self {
        Key {
            cloud: key.cloud.clone(),
            region: key.region.clone(),
            project: project.to_owned(),
            extractor: key.extractor.clone(),
        }
    }
}

/// What fails at present.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    known: BTreeMap<Key, Failing>,
    /// Whether the file says something else.
    changed: bool,
}

/// Why the file was not used.
#[derive(Debug, thiserror::Error)]
pub enum Forgotten {
    /// It cannot be read.
    #[error("cannot read `{}`, so it is not known which projects failed in earlier runs: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what we write.
    #[error("`{}` is damaged, so it is not known which projects failed in earlier runs: {detail}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        detail: String,
    },
    /// A later cASO wrote it.
    #[error("`{}` is of a newer cASO (format {format}, this one knows {FORMAT}), so it is not known which projects failed in earlier runs", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What it has.
        format: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    failures: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    failing: Failing,
}

#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

impl Failures {
    /// Those of the spool, and why there are none where the file is no good: it
    /// is then written anew. `now` is the run's start, in epoch seconds.
    pub fn read(spool: &Spool, now: i64) -> (Failures, Option<Forgotten>) {
        match load(spool) {
            Ok(entries) => (Failures::of(entries, now), None),
            Err(forgotten) => {
                let failures = Failures {
                    known: BTreeMap::new(),
                    changed: true,
                };
                (failures, Some(forgotten))
            }
        }
    }

    fn of(entries: Vec<Entry>, now: i64) -> Failures {
        let before = entries.len();
        let known: BTreeMap<Key, Failing> = entries
            .into_iter()
            .filter(|entry| now - entry.failing.last <= MEMORY)
            .map(|entry| (entry.key, entry.failing))
            .collect();
        Failures {
            changed: known.len() != before,
            known,
        }
    }

    /// How long this one has failed; none where its last run was good.
    pub fn of_cursor(&self, project: &str, key: &CursorKey) -> Option<Failing> {
        self.known.get(&Key::of(project, key)).copied()
    }

    /// It failed in the run that began at `now`: how long, this run included.
    pub fn failed(&mut self, project: &str, key: &CursorKey, now: i64) -> Failing {
        self.changed = true;
        let known = self.known.entry(Key::of(project, key));
        let failing = known.or_insert(Failing {
            runs: 0,
            since: now,
            last: now,
        });
        failing.runs = failing.runs.saturating_add(1);
        failing.last = now;
        *failing
    }

    /// It was extracted.
    pub fn succeeded(&mut self, project: &str, key: &CursorKey) {
        self.changed |= self.known.remove(&Key::of(project, key)).is_some();
    }

    /// Writes the file, if it changed; removes it where nothing fails any more.
    ///
    /// # Errors
    /// The file is then as it was.
    pub fn keep(&self, spool: &Spool) -> Result<(), DiskError> {
        let path = spool.failures_file();
        if !self.changed {
            return Ok(());
        }
        if self.known.is_empty() {
            return spool.disk().remove(&path);
        }
        let entries = self.known.iter().map(|(key, failing)| Entry {
            key: key.clone(),
            failing: *failing,
        });
        let file = File {
            format: FORMAT,
            failures: entries.collect(),
        };
        let mut text = serde_json::to_vec_pretty(&file)
            .map_err(|error| DiskError::new(Step::Write, &path, error.into()))?;
        text.push(b'\n');
        spool.disk().replace(&path, &text)
    }
}

fn load(spool: &Spool) -> Result<Vec<Entry>, Forgotten> {
    let path = spool.failures_file();
    let bytes = match regular::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Forgotten::Unreadable { path, source }),
    };
    let damaged = |error: serde_json::Error| Forgotten::Damaged {
        path: path.clone(),
        detail: error.to_string(),
    };
    let OnlyFormat { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if format > FORMAT {
        return Err(Forgotten::Newer { path, format });
    }
    let file: File = serde_json::from_slice(&bytes).map_err(damaged)?;
    Ok(file.failures)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use caso_disk::Disk;

    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Disk::default()).unwrap();
        (folder, spool)
    }

    fn nova() -> CursorKey {
        CursorKey {
            cloud: "default".into(),
            region: Some("RegionOne".into()),
            extractor: "nova".into(),
        }
    }

    /// A run at `now` in which project `a` comes to this.
    fn run(spool: &Spool, now: i64, fails: bool) -> Option<Failing> {
        let (mut failures, forgotten) = Failures::read(spool, now);
        assert!(forgotten.is_none());
        match fails {
            true => {
                failures.failed("a", &nova(), now);
            }
            false => failures.succeeded("a", &nova()),
        }
        failures.keep(spool).unwrap();
        Failures::read(spool, now).0.of_cursor("a", &nova())
    }

    #[test]
    fn runs_are_counted_from_the_first_failure_to_the_next_success() {
        let (_folder, spool) = spool();
        assert_eq!(run(&spool, 10, false), None);
        let failing = |runs, since, last| Some(Failing { runs, since, last });
        assert_eq!(run(&spool, 20, true), failing(1, 20, 20));
        assert_eq!(run(&spool, 30, true), failing(2, 20, 30));
        assert_eq!(run(&spool, 40, false), None);
        assert_eq!(run(&spool, 50, true), failing(1, 50, 50));
    }

    #[test]
    fn each_cloud_region_project_and_extractor_counts_alone() {
        let (_folder, spool) = spool();
        run(&spool, 20, true);
        let (failures, _) = Failures::read(&spool, 20);
        let others = [
            CursorKey {
                cloud: "other".into(),
                ..nova()
            },
            CursorKey {
                region: None,
                ..nova()
            },
            CursorKey {
                extractor: "cinder".into(),
                ..nova()
            },
        ];
        for key in others {
            assert_eq!(failures.of_cursor("a", &key), None);
        }
        assert_eq!(failures.of_cursor("b", &nova()), None);
    }

    #[test]
    fn a_good_run_writes_nothing_and_the_last_success_removes_the_file() {
        let (_folder, spool) = spool();
        run(&spool, 10, false);
        assert!(!spool.failures_file().exists());
        run(&spool, 20, true);
        // What is unchanged is not written: a mark in the file would be gone.
        let text = fs::read_to_string(spool.failures_file()).unwrap();
        fs::write(spool.failures_file(), format!("{text} ")).unwrap();
        let (mut failures, _) = Failures::read(&spool, 30);
        failures.succeeded("b", &nova());
        failures.keep(&spool).unwrap();
        let kept = fs::read_to_string(spool.failures_file()).unwrap();
        assert_eq!(kept, format!("{text} "));
        run(&spool, 40, false);
        assert!(!spool.failures_file().exists());
    }

    #[test]
    fn a_damaged_or_newer_file_is_forgotten_and_replaced() {
        let (_folder, spool) = spool();
        let texts = [
            (
                "{",
                "damaged, so it is not known which projects failed in earlier runs: EOF while \
                 parsing an object at line 1 column 1",
            ),
            (
                r#"{"format": 1, "failures": 3}"#,
                "damaged, so it is not known which projects failed in earlier runs: invalid type: \
                 integer `3`, expected a sequence at line 1 column 27",
            ),
            (
                r#"{"format": 2, "more": []}"#,
                "of a newer cASO (format 2, this one knows 1), so it is not known which projects \
                 failed in earlier runs",
            ),
        ];
        let path = spool.failures_file();
        for (text, what) in texts {
            fs::write(spool.failures_file(), text).unwrap();
            let (mut failures, forgotten) = Failures::read(&spool, 10);
            let note = forgotten.unwrap().to_string();
            assert_eq!(note, format!("`{}` is {what}", path.display()));
            assert_eq!(failures.failed("a", &nova(), 10).runs, 1);
            failures.keep(&spool).unwrap();
            assert!(Failures::read(&spool, 10).1.is_none());

            fs::write(spool.failures_file(), text).unwrap();
            Failures::read(&spool, 10).0.keep(&spool).unwrap();
            assert!(!spool.failures_file().exists(), "nothing fails");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let (_folder, spool) = spool();
        let path = spool.failures_file();
        fs::create_dir(&path).unwrap();
        let (failures, forgotten) = Failures::read(&spool, 10);
        assert_eq!(failures.of_cursor("a", &nova()), None);
        assert_eq!(
            forgotten.unwrap().to_string(),
            format!(
                "cannot read `{}`, so it is not known which projects failed in earlier runs: Is a \
                 directory (os error 21)",
                path.display()
            )
        );
    }

    #[test]
    fn one_that_is_not_heard_of_any_more_is_forgotten() {
        let (_folder, spool) = spool();
        run(&spool, 10, true);
        assert_eq!(MEMORY, 7_776_000);
        let (kept, _) = Failures::read(&spool, 10 + MEMORY);
        assert!(kept.of_cursor("a", &nova()).is_some());
        let (gone, _) = Failures::read(&spool, 10 + MEMORY + 1);
        gone.keep(&spool).unwrap();
        assert!(!spool.failures_file().exists());
    }
}
