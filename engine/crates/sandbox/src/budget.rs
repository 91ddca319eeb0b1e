//! What an instance may use in a whole run, whatever the number of its calls and
//! stores.
//!
//! A quota for a call bounds nothing where a component decides how many calls there
//! are: one that accepts a record a time is called for each. So an instance has
//! budgets for the run: what it may say, and what it may leave on disk. What it may
//! put into queues grows with the records that it has been given, since an honest
//! one writes about as much as it reads.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use caso_disk::Left;

use super::log::Level;

/// Lines of one instance's log in a run, and errors among them, which reach root's mail.
const LOG_LINES: u32 = 2_000;
const LOG_ERRORS: u32 = 50;
/// Warnings beyond the lines: a healthy component that has a line for each of a million
/// servers' batches may yet have to warn.
const LOG_LATE_WARNINGS: u32 = 50;
/// Bytes and messages that it may put into queues for each record that it was given,
/// beyond [`RunLimits::output`].
const BYTES_A_RECORD: u64 = 16 << 10;
const MESSAGES_A_RECORD: u64 = 4;
const MESSAGES: u64 = 1_000;
/// Messages that it may have signed for each record, and beyond.
const SIGNATURES_A_RECORD: u64 = 4;
const SIGNATURES: u64 = 1_000;
/// Calls of it for each record, and beyond.
const CALLS_A_RECORD: u64 = 8;
const CALLS: u64 = 1_000;
/// Kinds of `other` records that a mapper may make. A messenger has each in batches of its own.
pub const KINDS: usize = 100;
/// Files and folders that it may make in folders it may write to.
const FILES: u64 = 10_000;

/// What the site sets of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Bytes that it may put into queues, and as many into folders; and as many over the network
    /// where that is redirected.
    pub output: u64,
    /// Bytes that stay free on the disk of a queue or folder: below it nothing more is
    /// taken.
    pub disk_floor: u64,
    /// Of a disk on which that would be more than this part of it (`20`: a twentieth), the
    /// part stays free.
    pub floor_part: u64,
}

impl RunLimits {
    /// Of a disk of so many bytes, how many must stay free.
    #[must_use]
    pub fn floor(&self, disk: u64) -> u64 {
        self.disk_floor.min(disk / self.floor_part.max(1))
    }
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            output: 64 << 20,
            disk_floor: 64 << 20,
            floor_part: 20,
        }
    }
}

/// More than there is in the budget. Reads on after the instance's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Spent {
    /// Of messages and their bytes.
    #[error("it put more into queues in one run than {0}")]
    Queues(Amount),
    /// Of files and their bytes.
    #[error("it wrote more into folders in one run than {0}")]
    Folders(Amount),
    /// Of what would have been sent, where it is shown or kept instead.
    #[error("it would have sent more over the network in one run than {0}")]
    Sent(Amount),
    /// Of signatures.
    #[error("it had more than {0} messages signed in one run, far more than it has records")]
    Signatures(u64),
    /// Of calls.
    #[error("it was called {0} times in one run without coming to an end")]
    Calls(u64),
    /// The disk has to keep what is not delivered yet.
    #[error(
        "{free} bytes are left on the disk of {place}, and {floor} bytes are kept free for what \
         waits to be delivered: make room there, or use another disk"
    )]
    Disk {
        /// The queue or folder.
        place: String,
        /// Bytes that are free.
        free: u64,
        /// Bytes that stay free.
        floor: u64,
    },
}

impl Spent {
    /// Whether the site's `output` bounds it.
    pub(crate) fn is_output(&self) -> bool {
        matches!(
            self,
            Self::Queues(Amount::Bytes(_))
                | Self::Folders(Amount::Bytes(_))
                | Self::Sent(Amount::Bytes(_))
        )
    }
}

/// A bound in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// So many messages.
    Messages(u64),
    /// So many files and folders.
    Files(u64),
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} MiB", bytes >> 20),
            Self::Messages(most) => write!(
                f,
                "{most} messages, which is far more than it has records: it should put several into one"
            ),
            Self::Files(most) => write!(
                f,
                "{most} files and folders, a bound that nothing raises: it should write several records into one"
            ),
        }
    }
}

/// The budget of one instance, shared by all of its stores.
#[derive(Debug, Default)]
pub struct Budget {
    limits: RunLimits,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    lines: Lines,
    late_warnings: Lines,
    errors: Lines,
    /// Records that were acknowledged, and those of the call that runs.
    records: u64,
    calls: u64,
    signatures: u64,
    messages: u64,
    message_bytes: u64,
    sent_bytes: u64,
    files: u64,
    file_bytes: u64,
    kinds: BTreeSet<String>,
}

/// Lines of one sort.
#[derive(Debug, Default)]
struct Lines {
    used: u32,
    /// That there were more.
    told: bool,
}

impl Lines {
    /// One of at most `most`. Refused, there is a last word once: more came than was allowed.
    fn take(&mut self, most: u32, (allowed, what): (u32, &str)) -> Result<(), Option<String>> {
        if self.used < most {
            self.used += 1;
            return Ok(());
        }
        let last = !std::mem::replace(&mut self.told, true);
        Err(last.then(|| format!("more than {allowed} {what} in one run: the rest is dropped")))
    }
}

impl Budget {
    pub fn new(limits: RunLimits) -> Self {
        Self {
            limits,
            used: Mutex::default(),
        }
    }

    /// A line of its log. Refused, there is a last word once.
    pub fn log_line(&self, level: Level) -> Result<(), Option<String>> {
        let mut used = self.used();
        let lines = (LOG_LINES, "lines");
        match level {
            // Errors have room of their own, and take of the others'.
            Level::Error => {
                used.errors.take(LOG_ERRORS, (LOG_ERRORS, "errors"))?;
                used.lines.used = LOG_LINES.min(used.lines.used + 1);
                Ok(())
            }
            Level::Warning if used.lines.used >= LOG_LINES => {
                used.late_warnings.take(LOG_LATE_WARNINGS, lines)
            }
            _ => used.lines.take(LOG_LINES, lines),
        }
    }

    /// A call with so many records, of which earlier calls left some or none.
    pub fn call(&self, records: usize) -> Result<(), Spent> {
        let mut used = self.used();
        used.calls += 1;
        let given = used.records.saturating_add(count(records));
        let most = CALLS.saturating_add(given.saturating_mul(CALLS_A_RECORD));
        match used.calls > most {
            true => Err(Spent::Calls(most)),
            false => Ok(()),
        }
    }

    /// So many records are done with.
    pub fn done(&self, records: u32) {
        let mut used = self.used();
        used.records = used.records.saturating_add(u64::from(records));
    }

    /// A message of a call with so many records.
    pub fn message(&self, bytes: usize, records: usize) -> Result<(), Spent> {
        let mut used = self.used();
        let given = used.records.saturating_add(count(records));
        let bytes = self
            .with(used.message_bytes, bytes, given)
            .map_err(Spent::Queues)?;
        let most = MESSAGES.saturating_add(given.saturating_mul(MESSAGES_A_RECORD));
        if used.messages >= most {
            return Err(Spent::Queues(Amount::Messages(most)));
        }
        used.message_bytes = bytes;
        used.messages += 1;
        Ok(())
    }

    /// What a call with so many records sent by a way that leads nowhere: in a dry run it is
    /// printed, in a trial kept on disk, and no peer's patience bounds it.
    pub fn sent(&self, bytes: usize, records: usize) -> Result<(), Spent> {
        let mut used = self.used();
        let given = used.records.saturating_add(count(records));
        used.sent_bytes = self
            .with(used.sent_bytes, bytes, given)
            .map_err(Spent::Sent)?;
        Ok(())
    }

    /// What it comes to with these bytes, of an instance that was given so many records; else the most that it may be.
    fn with(&self, before: u64, bytes: usize, given: u64) -> Result<u64, Amount> {
        let output = self.limits.output;
        let most = output.saturating_add(given.saturating_mul(BYTES_A_RECORD));
        match before.saturating_add(count(bytes)) {
            bytes if bytes > most => Err(Amount::Bytes(most)),
            bytes => Ok(bytes),
        }
    }

    /// A signature in a call with so many records.
    pub fn signature(&self, records: usize) -> Result<(), Spent> {
        let mut used = self.used();
        let given = used.records.saturating_add(count(records));
        let most = SIGNATURES.saturating_add(given.saturating_mul(SIGNATURES_A_RECORD));
        if used.signatures >= most {
            return Err(Spent::Signatures(most));
        }
        used.signatures += 1;
        Ok(())
    }

    /// Whether a record may be of this kind: one that there is, or one more.
    pub fn kind(&self, kind: &str) -> bool {
        let mut used = self.used();
        if used.kinds.contains(kind) {
            return true;
        }
        let room = used.kinds.len() < KINDS;
        if room {
            used.kinds.insert(kind.to_owned());
        }
        room
    }

    /// A file or folder that is made.
    pub fn file(&self) -> Result<(), Spent> {
        let mut used = self.used();
        if used.files >= FILES {
            return Err(Spent::Folders(Amount::Files(FILES)));
        }
        used.files += 1;
        Ok(())
    }

    /// Bytes that are written into a file.
    pub fn file_bytes(&self, bytes: u64) -> Result<(), Spent> {
        let mut used = self.used();
        let bytes = used.file_bytes.saturating_add(bytes);
        let given = used.records.saturating_mul(BYTES_A_RECORD);
        let most = self.limits.output.saturating_add(given);
        if bytes > most {
            return Err(Spent::Folders(Amount::Bytes(most)));
        }
        used.file_bytes = bytes;
        Ok(())
    }

    /// Whether the disk of a queue has room left for more.
    pub fn room(&self, path: &Path) -> Result<(), Spent> {
        self.above_the_floor(Left::at(path), || format!("`{}`", path.display()))
    }

    /// The same for the disk on which something is open.
    pub fn room_in(&self, open: &File) -> Result<(), Spent> {
        self.above_the_floor(Left::beside(open), || {
            "a folder that it may write to".to_owned()
        })
    }

    fn above_the_floor(
        &self,
        left: Option<Left>,
        place: impl FnOnce() -> String,
    ) -> Result<(), Spent> {
        let Some(left) = left else { return Ok(()) };
        let floor = self.limits.floor(left.of);
        if left.bytes >= floor {
            return Ok(());
        }
        Err(Spent::Disk {
            place: place(),
            free: left.bytes,
            floor,
        })
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        // Single steps: a panic leaves none half done.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(output: u64) -> Budget {
        Budget::new(RunLimits {
            output,
            disk_floor: 0,
            ..RunLimits::default()
        })
    }

    /// c02, c03: a call for each of 36 records, and 64 MiB or 10,000 messages in each.
    #[test]
    fn what_goes_into_queues_grows_with_what_was_given_and_not_with_the_calls() {
        let budget = budget(1 << 20);
        let most = (1 << 20) + 36 * BYTES_A_RECORD;
        let mut put = 0;
        let spent = (0..10_000).find_map(|_| match budget.message(64 << 10, 36) {
            Ok(()) => {
                put += 64 << 10;
                None
            }
            Err(spent) => Some(spent),
        });
        assert_eq!(spent, Some(Spent::Queues(Amount::Bytes(most))));
        assert!(put <= most);
        budget.done(36);
        assert!(
            budget.message(64 << 10, 36).is_ok(),
            "36 more records are given"
        );

        let small = super::Budget::default();
        let messages = (0..10_000)
            .take_while(|_| small.message(1, 36).is_ok())
            .count();
        assert_eq!(messages, 1_000 + 4 * 36);
    }

    /// A dry run printed 27 GB a minute of a messenger that sent 256 MiB for each record.
    #[test]
    fn what_leads_nowhere_is_bounded_as_what_goes_into_queues() {
        let budget = budget(1 << 20);
        let most = (1 << 20) + 2 * BYTES_A_RECORD;
        assert_eq!(budget.sent(1 << 20, 2), Ok(()));
        budget.done(1);
        let spent = budget.sent(1 << 20, 1).unwrap_err();
        assert_eq!(spent, Spent::Sent(Amount::Bytes(most)));
        assert!(spent.is_output());
        assert_eq!(budget.sent(2 * (16 << 10), 1), Ok(()));
        assert!(budget.sent(1, 1).is_err());
        assert!(budget.sent(16 << 10, 2).is_ok(), "one more record is given");
    }

    #[test]
    fn there_are_so_many_kinds_of_records() {
        let budget = Budget::default();
        for _ in 0..2 {
            for kind in 0..KINDS {
                assert!(budget.kind(&format!("k{kind}")), "{kind}");
            }
            assert!(!budget.kind("one-more"));
        }
    }

    #[test]
    fn calls_end_and_folders_are_filled_so_far() {
        let budget = budget(1 << 20);
        let calls = (0..100_000).take_while(|_| budget.call(1).is_ok()).count();
        assert_eq!(calls, 1_008);
        assert!(budget.file_bytes(1 << 20).is_ok());
        let spent = budget.file_bytes(1).unwrap_err().to_string();
        assert!(spent.ends_with("than 1 MiB"), "{spent}");
        let files = (0..100_000).take_while(|_| budget.file().is_ok()).count();
        assert_eq!(files, 10_000);
    }

    #[test]
    fn below_the_floor_of_free_disk_nothing_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (small, large) = (1 << 20, 1 << 40);
        let room = |bytes, of| {
            let left = Left {
                bytes,
                of,
                files: None,
                read_only: false,
            };
            super::Budget::default().above_the_floor(Some(left), || "`q`".to_owned())
        };
        assert_eq!(room(64 << 20, large), Ok(()));
        let told = room((64 << 20) - 1, large).unwrap_err().to_string();
        assert!(
            told.starts_with("67108863 bytes are left on the disk of `q`, and 67108864 bytes")
                && told.contains("make room"),
            "{told}"
        );
        // The floor is no more than a twentieth of a small disk.
        assert_eq!(room(small / 20, small), Ok(()));
        assert!(room(small / 20 - 1, small).is_err());
        assert_eq!(
            super::Budget::default().room(&folder.path().join("not/yet")),
            Ok(())
        );
    }
}
