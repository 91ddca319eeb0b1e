//! A pack: which records, in which batches, under which ids, one messenger
//! gets. Written once, whole; records stay where they are, in the segments,
//! and a batch refers to them.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use caso_base::digest::sha256_hex;
use caso_disk::Disk;
use caso_model::Window;

use crate::error::JournalError;
use crate::layout::{FORMAT, PackName, QueueFolder, SegmentName, entries, stem_and_ending};
use crate::lines::{self, Bad, LineWriter, Lines};
use crate::progress::Progress;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    pub(crate) engine: String,
    /// So that the progress of one pack is never taken for another's.
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) packed: i64,
    /// Everything that this pack covers, also segments without a record of
    /// a type that the messenger takes.
    pub(crate) segments: Vec<SegmentName>,
}

/// A batch: its id is fixed here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BatchLine {
    pub(crate) id: String,
    /// Tag of the record type.
    #[serde(rename = "type")]
    pub(crate) tag: String,
    pub(crate) items: u32,
    /// Size of its records in the segments.
    pub(crate) bytes: u64,
    /// When the oldest of its segments was begun.
    pub(crate) oldest: i64,
    pub(crate) refs: Vec<Ref>,
}

/// So many records of the batch's type, from an offset in a segment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ref {
    /// Index into the header's `segments`.
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) count: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    batches: u32,
    records: u64,
    sha256: String,
}

/// What remains of a pack: every segment that it covered is done with.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    format: u32,
    segments: Vec<SegmentName>,
    /// SHA-256 of the names, each with a line end, in hex: one digit that a disk changed
    /// would take a segment that nobody was offered for delivered. Journals of earlier versions
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Done {
    fn checksum(segments: &[SegmentName]) -> String {
        let names: String = segments.iter().map(|name| format!("{name}\n")).collect();
        sha256_hex(names.as_bytes())
    }
}

/// A pack that is not done, in its queue's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: PackName,
    /// Its format, where that is newer than ours.
    pub(crate) newer: Option<u32>,
}

pub(crate) fn write(
    disk: &Disk,
    queue: &QueueFolder,
    name: PackName,
    header: &Header,
    batches: &[BatchLine],
) -> Result<(), JournalError> {
    let path = queue.pack(name);
    disk.replace_with(&path, |file| {
        let mut lines = LineWriter::new();
        lines.line(file, header)?;
        for batch in batches {
            lines.line(file, batch)?;
        }
        let footer = Footer {
            batches: u32::try_from(batches.len()).unwrap_or(u32::MAX),
            records: batches.iter().map(|batch| u64::from(batch.items)).sum(),
            sha256: lines.checksum(),
        };
        lines.line(file, &footer)?;
        lines.flush(file)?;
        Ok(())
    })
}

/// Whether a pack is what was written.
pub(crate) fn check(path: &Path) -> Result<(), Bad> {
    lines::verify(path)?;
    let _: Header = lines::first_line(path)?;
    let _: Footer = lines::last_line(path)?;
    Ok(())
}

/// Reads a pack batch by batch.
pub(crate) struct Reader {
    pub(crate) header: Header,
    lines: Lines,
    next: u32,
    batches: u32,
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Reader, JournalError> {
        let read = || -> Result<Reader, Bad> {
            let footer: Footer = lines::last_line(path)?;
            let mut lines = Lines::open(path)?;
            let header = match lines.next()? {
                Some((_, line)) => lines::parse(line)?,
                None => return Err(Bad::Corrupt("its beginning is missing".into())),
            };
            Ok(Reader {
                header,
                lines,
                next: 0,
                batches: footer.batches,
            })
        };
        read().map_err(JournalError::bad(path))
    }

    /// The next batch with its index.
    pub(crate) fn next_batch(
        &mut self,
        path: &Path,
    ) -> Result<Option<(u32, BatchLine)>, JournalError> {
        if self.next >= self.batches {
            return Ok(None);
        }
        let read = match self.lines.next() {
            Ok(Some((_, line))) => lines::parse(line),
            Ok(None) => Err(Bad::Corrupt("its end is missing".into())),
            Err(e) => Err(Bad::Io(e)),
        };
        let batch = read.map_err(JournalError::bad(path))?;
        self.next += 1;
        Ok(Some((self.next - 1, batch)))
    }
}

/// The packs of a queue that are not done, in their order.
pub(crate) fn unfinished(queue: &QueueFolder) -> Result<Vec<Entry>, JournalError> {
    let mut found = Vec::new();
    for path in entries(&queue.folder)? {
        let Some((stem, "pack")) = stem_and_ending(&path) else {
            continue;
        };
        let Ok(name) = stem.parse::<PackName>() else {
            continue;
        };
        if queue.done(name).exists() {
            continue;
        }
        let (format, _) = lines::format_of(&path).map_err(JournalError::bad(&path))?;
        found.push(Entry {
            name,
            newer: (format > FORMAT).then_some(format),
        });
    }
    found.sort_by_key(|entry| entry.name);
    Ok(found)
}

/// Every segment that a pack of the queue covers, done or not.
pub(crate) fn covered(queue: &QueueFolder) -> Result<HashSet<SegmentName>, JournalError> {
    let mut covered = done_segments(queue)?;
    for entry in unfinished(queue)? {
        if entry.newer.is_none() {
            covered.extend(segments_of(&queue.pack(entry.name))?);
        }
    }
    Ok(covered)
}

/// Every segment that a pack covers.
pub(crate) fn segments_of(path: &Path) -> Result<Vec<SegmentName>, JournalError> {
    Ok(Reader::open(path)?.header.segments)
}

/// Every segment that the queue is done with.
pub(crate) fn done_segments(queue: &QueueFolder) -> Result<HashSet<SegmentName>, JournalError> {
    let mut segments = HashSet::new();
    for (_, path) in done_files(queue)? {
        segments.extend(read_done(&path).map_err(JournalError::bad(&path))?);
    }
    Ok(segments)
}

pub(crate) fn done_files(
    queue: &QueueFolder,
) -> Result<Vec<(PackName, std::path::PathBuf)>, JournalError> {
    Ok(entries(&queue.folder)?
        .into_iter()
        .filter_map(|path| match stem_and_ending(&path)? {
            (stem, "done") => Some((stem.parse().ok()?, path)),
            _ => None,
        })
        .collect())
}

pub(crate) fn read_done(path: &Path) -> Result<Vec<SegmentName>, Bad> {
    let done = lines::first_line::<Done>(path)?;
    let differs = |written: &String| *written != Done::checksum(&done.segments);
    if done.sha256.as_ref().is_some_and(differs) {
        return Err(Bad::Corrupt("its checksum differs".into()));
    }
    // A pack covers what was sealed before it, whatever wrote the file.
    let name = stem_and_ending(path).and_then(|(stem, _)| stem.parse::<PackName>().ok());
    let younger = |segment: &&SegmentName| name.is_some_and(|name| segment.run > name.run);
    if let Some(segment) = done.segments.iter().find(younger) {
        return Err(Bad::Corrupt(format!(
            "it names segment {segment}, which is younger than itself"
        )));
    }
    Ok(done.segments)
}

/// Notes that the queue is done with these segments.
pub(crate) fn write_done(
    disk: &Disk,
    queue: &QueueFolder,
    name: PackName,
    segments: &[SegmentName],
) -> Result<(), JournalError> {
    let path = queue.done(name);
    let done = Done {
        format: FORMAT,
        segments: segments.to_vec(),
        sha256: Some(Done::checksum(segments)),
    };
    disk.replace(&path, &lines::to_line(&path, &done)?)?;
    Ok(())
}

/// Ends a pack whose every record is acknowledged or quarantined. The `.ack`
/// goes last: a pack without it would look as if nobody had been offered it.
pub(crate) fn finish(disk: &Disk, queue: &QueueFolder, name: PackName) -> Result<(), JournalError> {
    let pack = queue.pack(name);
    let segments = segments_of(&pack)?;
    write_done(disk, queue, name, &segments)?;
    disk.remove(&pack)?;
    disk.sync_folder(&queue.folder)?;
    disk.remove(&queue.ack(name))?;
    Ok(())
}

/// What is left of a pack.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest: Option<i64>,
    /// All windows that they may be of.
    pub(crate) window: Option<Window>,
}

impl Left {
    pub(crate) fn reaches(&mut self, Window { start, end }: Window) {
        let known = self.window.unwrap_or(Window { start, end });
        self.window = Some(Window {
            start: known.start.min(start),
            end: known.end.max(end),
        });
    }

    pub(crate) fn add(&mut self, records: u64, bytes: u64, oldest: i64) {
        self.records += records;
        self.bytes += bytes;
        self.oldest = Some(self.oldest.map_or(oldest, |known| known.min(oldest)));
    }
}

/// How often the first batch that is not dealt with was offered.
pub(crate) fn attempts(queue: &QueueFolder) -> Result<u32, JournalError> {
    for entry in unfinished(queue)? {
        if entry.newer.is_some() {
            break;
        }
        let path = queue.pack(entry.name);
        let mut reader = Reader::open(&path)?;
        let progress = Progress::read(&queue.ack(entry.name), &reader.header.id)?;
        while let Some((index, batch)) = reader.next_batch(&path)? {
            if progress.open(index, batch.items) > 0 {
                return Ok(progress.attempts(index));
            }
        }
    }
    Ok(0)
}

/// What is left of a pack, and the segments that it covers.
pub(crate) fn left(
    queue: &QueueFolder,
    name: PackName,
) -> Result<(Left, Vec<SegmentName>), JournalError> {
    let path = queue.pack(name);
    let mut reader = Reader::open(&path)?;
    let progress = Progress::read(&queue.ack(name), &reader.header.id)?;
    let mut left = Left::default();
    while let Some((index, batch)) = reader.next_batch(&path)? {
        let open = u64::from(progress.open(index, batch.items));
        if open > 0 {
            // The bytes of a part of a batch, as if all records were alike.
            let bytes = batch.bytes * open / u64::from(batch.items.max(1));
            left.add(open, bytes, batch.oldest);
        }
    }
    Ok((left, reader.header.segments))
}
