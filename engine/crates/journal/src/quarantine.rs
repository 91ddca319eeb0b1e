//! A messenger's quarantine: records that it will never take, each with the
//! reason, on disk before the queue goes on.
//!
//! One file a pack, one line a record, each line complete in itself, so that an
//! operator can read, count, and later put back what lies here. A record that
//! is put back must not arrive after its successor; `supersedes` and
//! `measured_at` of its head say which that is.

use std::collections::HashSet;
use std::io;

use serde::{Deserialize, Serialize};

use caso_disk::Disk;
use caso_model::record::AccountingRecord;

use crate::batch::BatchItem;
use crate::error::JournalError;
use crate::layout::{FORMAT, PackName, QueueFolder, SegmentName};
use crate::lines::{Lines, parse, to_line};

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
    #[serde(rename = "type")]
    pub(crate) record_type: &'a str,
    pub(crate) record: &'a AccountingRecord,
}

impl Line<'_> {
    pub(crate) const FORMAT: u32 = FORMAT;
}

#[derive(Deserialize)]
struct Place {
    batch: u32,
    index: u32,
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
    let known = places(queue, pack)?;
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

fn places(queue: &QueueFolder, pack: PackName) -> Result<HashSet<(u32, u32)>, JournalError> {
    let path = queue.quarantine(pack);
    let mut lines = match Lines::open(&path) {
        Ok(lines) => lines,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(e) => return Err(JournalError::read(&path)(e)),
    };
    let mut places = HashSet::new();
    while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
        if let Ok(place) = parse::<Place>(line) {
            places.insert((place.batch, place.index));
        }
    }
    Ok(places)
}
