//! A messenger's quarantine: records that it did not take, each with the
//! reason, on disk before the queue goes on.
//!
//! One file a pack, one line a record, each line complete in itself, so that an
//! operator can read and count what lies here, and `retry` can put it back. A record that
//! is put back must not arrive after its successor; `supersedes` and
//! `measured_at` of its head say which that is, and `since` what was delivered meanwhile.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::io;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use caso_disk::Disk;
use caso_model::Origin;
use caso_model::record::AccountingRecord;

use crate::batch::{BatchItem, parsed};
use crate::error::JournalError;
use crate::layout::{FORMAT, PackName, QueueFolder, SegmentName, entries, stem_and_ending};
use crate::lines::{Lines, parse, to_line};

/// Bytes that are written at a time.
const BLOCK: usize = 64 << 10;

/// Why a record is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineCause {
    /// The messenger refused it.
    Refused,
    /// The messenger failed on it, alone and in a fresh store.
    Failed,
}

/// A record for the quarantine.
#[derive(Debug, Clone, Copy)]
pub struct Quarantined<'a> {
    /// The record, with its place in the batch.
    pub item: &'a BatchItem,
    /// What the messenger did.
    pub cause: QuarantineCause,
    /// In the messenger's own words, or its failure.
    pub reason: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) format: u32,
    pub(crate) why: QuarantineCause,
    pub(crate) reason: &'a str,
    pub(crate) at: i64,
    pub(crate) instance: &'a str,
    pub(crate) batch_id: &'a str,
    pub(crate) batch: u32,
    pub(crate) index: u32,
    pub(crate) segment: SegmentName,
    /// Where the record comes from: its segment may be gone when it is put back.
    pub(crate) origin: &'a Origin,
    #[serde(rename = "type")]
    pub(crate) record_type: &'a str,
    pub(crate) record: &'a AccountingRecord,
}

impl Line<'_> {
    pub(crate) const FORMAT: u32 = FORMAT;
}

#[derive(Deserialize)]
struct Position {
    batch: u32,
    index: u32,
}

/// Lines of one pack's quarantine, by batch and index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) pack: String,
    pub(crate) lines: BTreeSet<(u32, u32)>,
}

/// A record as it lies in quarantine.
#[derive(Debug, Clone)]
pub struct QuarantinedRecord {
    /// What the messenger did.
    pub cause: QuarantineCause,
    /// In its own words.
    pub reason: String,
    /// When, in epoch seconds.
    pub at: i64,
    /// Id of the batch in which it was offered.
    pub batch_id: String,
    /// Where it comes from; earlier builds of cASO 6 did not keep that.
    pub origin: Option<Origin>,
    /// As the mapper made it.
    pub record: AccountingRecord,
    pub(crate) pack: PackName,
    pub(crate) batch: u32,
    pub(crate) index: u32,
    /// Where the line begins in the pack's file.
    pub(crate) offset: u64,
    /// Its length, the line's end included.
    pub(crate) bytes: u64,
}

impl QuarantinedRecord {
    /// Size of its line on disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[derive(Deserialize)]
struct Stored<'a> {
    format: u32,
    why: QuarantineCause,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    at: i64,
    #[serde(borrow)]
    batch_id: Cow<'a, str>,
    batch: u32,
    index: u32,
    #[serde(default)]
    origin: Option<Origin>,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// Adds lines to a pack's quarantine, with fsync. One that is there already,
/// from before a kill, is not written twice.
pub(crate) fn add(
    disk: &Disk,
    queue: &QueueFolder,
    pack: PackName,
    lines: &[Line<'_>],
) -> Result<(), JournalError> {
    if lines.is_empty() {
        return Ok(());
    }
    disk.create_folder(&queue.quarantine_folder())?;
    let path = queue.quarantine(pack);
    let mut file = disk.append_lines(&path)?;
    let known = positions(queue, pack)?;
    let mut text = Vec::new();
    for line in lines {
        if !known.contains(&(line.batch, line.index)) {
            text.extend(to_line(&path, line)?);
        }
    }
    if !text.is_empty() {
        file.write(&text)?;
    }
    file.sync_data()?;
    Ok(())
}

fn positions(queue: &QueueFolder, pack: PackName) -> Result<HashSet<(u32, u32)>, JournalError> {
    let path = queue.quarantine(pack);
    let Some(mut lines) = opened(&path)? else {
        return Ok(HashSet::new());
    };
    let mut found = HashSet::new();
    while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
        if let Ok(at) = parse::<Position>(line) {
            found.insert((at.batch, at.index));
        }
    }
    Ok(found)
}

/// None where there is no such file.
fn opened(path: &std::path::Path) -> Result<Option<Lines>, JournalError> {
    match Lines::open(path) {
        Ok(lines) => Ok(Some(lines)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(JournalError::read(path)(e)),
    }
}

/// The packs that have records in quarantine, in their order.
pub(crate) fn packs(queue: &QueueFolder) -> Result<Vec<PackName>, JournalError> {
    let mut packs: Vec<PackName> = entries(&queue.quarantine_folder())?
        .iter()
        .filter_map(|path| match stem_and_ending(path)? {
            (stem, "jsonl") => stem.parse().ok(),
            _ => None,
        })
        .collect();
    packs.sort();
    Ok(packs)
}

/// What lies in quarantine, in the order in which it was packed. A line that cannot be read is
/// passed over.
pub(crate) fn each(
    queue: &QueueFolder,
    take: &mut dyn FnMut(QuarantinedRecord) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    for pack in packs(queue)? {
        let path = queue.quarantine(pack);
        let Some(mut lines) = opened(&path)? else {
            continue;
        };
        while let Some((offset, line)) = lines.next().map_err(JournalError::read(&path))? {
            if let Some(found) = stored(pack, offset, line)
                && take(found).is_break()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The record of one line.
pub(crate) fn at(
    queue: &QueueFolder,
    pack: PackName,
    offset: u64,
) -> Result<Option<QuarantinedRecord>, JournalError> {
    let path = queue.quarantine(pack);
    let Some(mut lines) = opened(&path)? else {
        return Ok(None);
    };
    lines.seek(offset).map_err(JournalError::read(&path))?;
    let line = lines.next().map_err(JournalError::read(&path))?;
    Ok(line.and_then(|(offset, line)| stored(pack, offset, line)))
}

fn stored(pack: PackName, offset: u64, line: &[u8]) -> Option<QuarantinedRecord> {
    let found: Stored<'_> = serde_json::from_slice(line).ok()?;
    if found.format > FORMAT {
        return None;
    }
    Some(QuarantinedRecord {
        record: parsed(found.format, found.record.get())?,
        cause: found.why,
        reason: found.reason.into_owned(),
        at: found.at,
        batch_id: found.batch_id.into_owned(),
        origin: found.origin,
        pack,
        batch: found.batch,
        index: found.index,
        offset,
        bytes: line.len() as u64 + 1,
    })
}

/// Takes lines out of the quarantine of a pack: the file is written anew without them, or
/// removed where none is left. What was delivered since is of no more use with the last file.
pub(crate) fn remove(
    disk: &Disk,
    queue: &QueueFolder,
    pack: PackName,
    goes: &dyn Fn((u32, u32)) -> bool,
) -> Result<u64, JournalError> {
    let path = queue.quarantine(pack);
    let Some(mut lines) = opened(&path)? else {
        return Ok(0);
    };
    let (mut gone, mut stays) = (0, false);
    while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
        match parse::<Position>(line) {
            Ok(at) if goes((at.batch, at.index)) => gone += 1,
            _ => stays = true,
        }
    }
    if gone == 0 {
        return Ok(0);
    }
    if !stays {
        disk.remove(&path)?;
        disk.sync_folder(&queue.quarantine_folder())?;
        if packs(queue)?.is_empty() {
            disk.remove(&queue.since())?;
        }
        return Ok(gone);
    }
    lines.seek(0).map_err(JournalError::read(&path))?;
    disk.replace_with(&path, |file| {
        let mut block = Vec::new();
        while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
            let goes = parse::<Position>(line).is_ok_and(|at| goes((at.batch, at.index)));
            if !goes {
                block.extend_from_slice(line);
                block.push(b'\n');
            }
            if block.len() >= BLOCK {
                file.write(&block)?;
                block.clear();
            }
        }
        file.write(&block)?;
        Ok::<(), JournalError>(())
    })?;
    Ok(gone)
}
