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

use caso_model::record::AccountingRecord;
use caso_state::Disk;

use super::error::JournalError;
use super::layout::{FORMAT, PackName, Queue, SegmentName};
use super::lines::{Lines, parse, to_line};

/// Why a record is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The messenger said so.
    Refused,
    /// The messenger failed on it, alone and in a fresh store.
    Failed,
}

#[derive(Serialize)]
pub struct Line<'a> {
    pub format: u32,
    pub why: Why,
    pub reason: &'a str,
    pub at: i64,
    pub instance: &'a str,
    pub batch_id: &'a str,
    pub batch: u32,
    pub index: u32,
    pub segment: SegmentName,
    #[serde(rename = "type")]
    pub record_type: &'a str,
    pub record: &'a AccountingRecord,
}

impl Line<'_> {
    pub const FORMAT: u32 = FORMAT;
}

#[derive(Deserialize)]
struct Place {
    batch: u32,
    index: u32,
}

/// Adds lines to a pack's quarantine, with fsync. One that is there already,
/// from before a kill, is not written twice.
pub fn add(
    disk: &Disk,
    queue: &Queue,
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

fn places(queue: &Queue, pack: PackName) -> Result<HashSet<(u32, u32)>, JournalError> {
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
