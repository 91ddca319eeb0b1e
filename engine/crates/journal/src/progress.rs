//! How far a pack got: its `.ack`, which only grows.
//!
//! A line before every attempt, so that attempts are counted also when one of
//! them ends the process, and so that a full disk is met before a delivery and
//! not after it; a line after every answer. A line says everything there is to
//! say of its batch, so one that is lost costs a repetition and no more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use caso_base::digest::sha256_hex;
use caso_disk::{Disk, DiskFile};

use crate::error::JournalError;
use crate::lines::{Lines, parse, to_line};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first line: whose progress this is.
    Pack(String),
    /// A batch is about to be offered.
    Try(u32),
    Done(Batch),
    /// Why filters left out records, by their indices. A reader needs nothing of it.
    Dropped {
        batch: u32,
        reasons: BTreeMap<u32, String>,
    },
}

/// The state of one batch.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Batch {
    batch: u32,
    /// All records before this index are dealt with.
    upto: u32,
    /// And these, behind it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<u32>,
}

impl Batch {
    fn is_open(&self, index: u32) -> bool {
        index >= self.upto && !self.gone.contains(&index)
    }
}

/// A line as it stands in the file, with its checksum: a digit that a disk changed must not
/// pass for records that were delivered. Lines of earlier versions have none.
#[derive(Serialize, Deserialize)]
struct Summed {
    #[serde(flatten)]
    line: Line,
    /// The first digits of the SHA-256 of the line's JSON without this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
}

/// Hexadecimal digits of a sum: what a disk changes is not made to fit.
const DIGITS: usize = 8;

fn sum(line: &Line) -> serde_json::Result<String> {
    let mut digest = sha256_hex(&serde_json::to_vec(line)?);
    digest.truncate(DIGITS);
    Ok(digest)
}

/// None for a line that is not what was written.
fn read_line(text: &[u8]) -> Option<Line> {
    let Summed { line, sum: written } = parse(text).ok()?;
    match written {
        Some(written) if sum(&line).ok()? != written => None,
        _ => Some(line),
    }
}

#[derive(Debug, Default)]
pub(crate) struct Progress {
    attempts: HashMap<u32, u32>,
    batches: HashMap<u32, Batch>,
}

impl Progress {
    /// What is on disk; nothing where the file belongs to another pack. A line
    /// that cannot be read is passed over.
    pub(crate) fn read(path: &Path, pack: &str) -> Result<Progress, JournalError> {
        Ok(Self::find(path, pack)?.unwrap_or_default())
    }

    /// None where there is no file of this pack.
    fn find(path: &Path, pack: &str) -> Result<Option<Progress>, JournalError> {
        let mut lines = match Lines::open(path) {
            Ok(lines) => lines,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(JournalError::read(path)(e)),
        };
        let mut next = || -> Result<Option<Option<Line>>, JournalError> {
            let line = lines.next().map_err(JournalError::read(path))?;
            Ok(line.map(|(_, line)| read_line(line)))
        };
        match next()? {
            Some(Some(Line::Pack(id))) if id == pack => {}
            _ => return Ok(None),
        }
        let mut progress = Progress::default();
        while let Some(line) = next()? {
            match line {
                Some(Line::Try(batch)) => *progress.attempts.entry(batch).or_default() += 1,
                Some(Line::Done(batch)) => {
                    progress.batches.insert(batch.batch, batch);
                }
                Some(Line::Pack(_) | Line::Dropped { .. }) | None => {}
            }
        }
        Ok(Some(progress))
    }

    /// How many of a batch's records are still to be dealt with.
    pub(crate) fn open(&self, batch: u32, items: u32) -> u32 {
        let done = self.batches.get(&batch).map_or(0, |b| {
            b.upto + u32::try_from(b.gone.len()).unwrap_or(u32::MAX)
        });
        items.saturating_sub(done)
    }

    /// How often it was offered.
    pub(crate) fn attempts(&self, batch: u32) -> u32 {
        self.attempts.get(&batch).copied().unwrap_or(0)
    }

    pub(crate) fn is_open(&self, batch: u32, index: u32) -> bool {
        self.batches.get(&batch).is_none_or(|it| it.is_open(index))
    }

    /// Which of a batch's records are still to be dealt with, as of now.
    pub(crate) fn of(&self, batch: u32) -> Rest {
        Rest(self.batches.get(&batch).cloned())
    }
}

/// What is left of one batch.
#[derive(Debug)]
pub(crate) struct Rest(Option<Batch>);

impl Rest {
    pub(crate) fn has(&self, index: u32) -> bool {
        self.0.as_ref().is_none_or(|it| it.is_open(index))
    }
}

/// The file, while its pack is being delivered.
#[derive(Debug)]
pub(crate) struct AckFile {
    file: DiskFile,
    pub(crate) progress: Progress,
}

impl AckFile {
    pub(crate) fn open(disk: &Disk, path: &Path, pack: &str) -> Result<AckFile, JournalError> {
        if let Some(progress) = Progress::find(path, pack)? {
            let file = disk.append_lines(path)?;
            return Ok(AckFile { file, progress });
        }
        // Not there, of another pack, or killed before its first line was whole.
        disk.remove(path)?;
        let mut ack = AckFile {
            file: disk.append_lines(path)?,
            progress: Progress::default(),
        };
        ack.add(Line::Pack(pack.to_owned()))?;
        Ok(ack)
    }

    /// Counts an attempt and answers its number.
    pub(crate) fn attempt(&mut self, batch: u32) -> Result<u32, JournalError> {
        self.add(Line::Try(batch))?;
        let attempts = self.progress.attempts.entry(batch).or_default();
        *attempts += 1;
        Ok(*attempts)
    }

    /// These records are dealt with: accepted, or in quarantine.
    pub(crate) fn resolve(
        &mut self,
        batch: u32,
        indices: impl IntoIterator<Item = u32>,
    ) -> Result<(), JournalError> {
        let mut state = self.progress.batches.get(&batch).cloned().unwrap_or(Batch {
            batch,
            ..Batch::default()
        });
        state.gone.extend(indices);
        while state.gone.remove(&state.upto) {
            state.upto += 1;
        }
        self.add(Line::Done(state.clone()))?;
        self.progress.batches.insert(batch, state);
        Ok(())
    }

    /// Notes why these records of a batch are given to nobody.
    pub(crate) fn note_dropped(
        &mut self,
        batch: u32,
        reasons: &BTreeMap<u32, &str>,
    ) -> Result<(), JournalError> {
        let reasons = reasons.iter();
        let reasons = reasons.map(|(index, reason)| (*index, (*reason).to_owned()));
        self.add(Line::Dropped {
            batch,
            reasons: reasons.collect(),
        })
    }

    fn add(&mut self, line: Line) -> Result<(), JournalError> {
        let sum = sum(&line).ok();
        let line = to_line(self.file.path(), &Summed { line, sum })?;
        self.file.write(&line)?;
        self.file.sync_data()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_resolved_is_known_again_and_a_torn_line_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.ack");
        let disk = Disk::default();
        let mut ack = AckFile::open(&disk, &path, "one").unwrap();
        assert_eq!(ack.attempt(0).unwrap(), 1);
        ack.resolve(0, [0, 1, 4]).unwrap();
        ack.resolve(0, [2]).unwrap();
        drop(ack);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"done\":{\"batch\":0,\"up");
        std::fs::write(&path, text).unwrap();

        let mut ack = AckFile::open(&disk, &path, "one").unwrap();
        assert_eq!(ack.progress.open(0, 6), 2);
        let open: Vec<u32> = (0..6).filter(|i| ack.progress.is_open(0, *i)).collect();
        assert_eq!(open, [3, 5]);
        assert_eq!(ack.progress.open(1, 6), 6);
        assert_eq!(ack.attempt(0).unwrap(), 2);
        ack.resolve(0, [3, 5]).unwrap();
        assert_eq!(Progress::read(&path, "one").unwrap().open(0, 6), 0);
    }

    /// Every single bit of it: a line that is not what was written costs a repetition, and
    /// never says that more was delivered than was.
    #[test]
    fn a_flipped_bit_never_makes_a_record_delivered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.ack");
        let mut ack = AckFile::open(&Disk::default(), &path, "one").unwrap();
        ack.attempt(3).unwrap();
        ack.resolve(3, [0, 1, 2, 5]).unwrap();
        drop(ack);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[at / 8] ^= 1 << (at % 8);
            std::fs::write(&path, bad).unwrap();
            let progress = Progress::read(&path, "one").unwrap();
            for batch in 0..8 {
                for index in 0..8 {
                    let done = !progress.is_open(batch, index);
                    let was = batch == 3 && [0, 1, 2, 5].contains(&index);
                    assert!(!done || was, "bit {at}: record {index} of batch {batch}");
                }
            }
        }
    }

    #[test]
    fn why_records_were_left_out_is_kept_and_resolves_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.ack");
        let mut ack = AckFile::open(&Disk::default(), &path, "one").unwrap();
        ack.note_dropped(0, &BTreeMap::from([(1, "private")]))
            .unwrap();
        assert_eq!(Progress::read(&path, "one").unwrap().open(0, 3), 3);
        ack.resolve(0, [1]).unwrap();
        assert_eq!(Progress::read(&path, "one").unwrap().open(0, 3), 2);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"1\":\"private\""), "{text}");
    }

    #[test]
    fn a_line_of_an_earlier_version_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.ack");
        let old = "{\"pack\":\"one\"}\n{\"try\":0}\n{\"done\":{\"batch\":0,\"upto\":2}}\n";
        std::fs::write(&path, old).unwrap();
        assert_eq!(Progress::read(&path, "one").unwrap().open(0, 3), 1);
    }

    #[test]
    fn another_packs_progress_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.ack");
        let disk = Disk::default();
        AckFile::open(&disk, &path, "one")
            .unwrap()
            .resolve(0, [0])
            .unwrap();
        let ack = AckFile::open(&disk, &path, "two").unwrap();
        assert_eq!(ack.progress.open(0, 1), 1);
        assert_eq!(Progress::read(&path, "one").unwrap().open(0, 1), 1);
    }
}
