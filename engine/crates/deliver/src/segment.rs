//! A segment: the records of one (cloud, region, project, extractor, window),
//! in the form in which the journal keeps them.
//!
//! JSON lines: a header, one line a record, a footer with counts and checksum.
//! The form is the engine's own, never that of the contract's bindings, and
//! the records are as the mapper made them: they are never mapped twice, also
//! not by a newer engine with a newer mapper.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use caso_model::Window;
use caso_model::record::AccountingRecord;
use caso_model::usage::UsageItem;
use caso_state::DiskFile;

use super::error::JournalError;
use super::journal::{SegmentInfo, Shared};
use super::kind::Kind;
use super::layout::{FORMAT, SegmentName};
use super::lines::{LineWriter, to_line};

/// Where the records come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentKey {
    pub cloud: String,
    pub region: Option<String>,
    pub project: String,
    pub extractor: String,
    pub window: Window,
}

/// Place in the order of delivery: the project in the order of the
/// configuration, then the extractor in that of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub project: u32,
    pub extractor: u32,
}

/// What made the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapperIdentity {
    pub name: String,
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// Version of the engine.
    pub engine: String,
    pub mapper: MapperIdentity,
    pub key: SegmentKey,
    /// The messengers it is for.
    pub messengers: Vec<String>,
    /// When it was begun.
    pub created: i64,
}

#[derive(Serialize)]
struct RecordOut<'a> {
    #[serde(rename = "type")]
    tag: &'a str,
    record: &'a AccountingRecord,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Footer {
    pub records: u64,
    /// By the records' tags.
    pub by_type: BTreeMap<String, u64>,
    pub sha256: String,
}

/// A usage item that came to no record.
#[derive(Serialize)]
struct UsageOut<'a> {
    format: u32,
    reason: &'a str,
    at: i64,
    mapper: &'a MapperIdentity,
    key: &'a SegmentKey,
    item: &'a UsageItem,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub records: u64,
    pub by_type: BTreeMap<String, u64>,
    /// Size on disk; 0 where there was no record and so no segment.
    pub bytes: u64,
    /// Usage items that the mapper refused or failed on.
    pub quarantined: u64,
}

/// A segment being written. Dropped without `seal`, it was never there.
pub struct SegmentWriter {
    shared: Arc<Shared>,
    name: SegmentName,
    header: Header,
    file: DiskFile,
    lines: LineWriter,
    /// By tag.
    counts: BTreeMap<String, u64>,
    usage: Option<(DiskFile, u64)>,
    /// A write failed: what is on disk may not be all that was meant.
    torn: bool,
    sealed: bool,
}

impl SegmentWriter {
    pub(super) fn begin(
        shared: Arc<Shared>,
        name: SegmentName,
        key: SegmentKey,
        messengers: &[String],
        mapper: &MapperIdentity,
    ) -> Result<SegmentWriter, JournalError> {
        let header = Header {
            format: FORMAT,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            mapper: mapper.clone(),
            key,
            messengers: messengers.to_vec(),
            created: shared.now,
        };
        let file = shared.disk.create_new(&shared.layout.open_segment(name))?;
        let mut writer = SegmentWriter {
            shared,
            name,
            header,
            file,
            lines: LineWriter::new(),
            counts: BTreeMap::new(),
            usage: None,
            torn: false,
            sealed: false,
        };
        writer.lines.line(&mut writer.file, &writer.header)?;
        Ok(writer)
    }

    /// Adds a record. One that JSON cannot hold is an error that costs only
    /// itself: the segment goes on without it.
    pub fn append(&mut self, record: &AccountingRecord) -> Result<(), JournalError> {
        if let Some(field) = record.not_finite() {
            return Err(JournalError::Record(format!(
                "`{field}` of record `{}` is not a finite number",
                record.head().id
            )));
        }
        let tag = Kind::of(record).tag();
        let line = RecordOut { tag: &tag, record };
        let added = self.lines.line(&mut self.file, &line);
        self.torn |= added.is_err();
        added?;
        *self.counts.entry(tag).or_default() += 1;
        Ok(())
    }

    /// Keeps a usage item that the mapper refused or failed on, with the reason.
    pub fn quarantine_usage(&mut self, item: &UsageItem, reason: &str) -> Result<(), JournalError> {
        let kept = self.keep_usage(item, reason);
        self.torn |= kept.is_err();
        kept
    }

    fn keep_usage(&mut self, item: &UsageItem, reason: &str) -> Result<(), JournalError> {
        if self.usage.is_none() {
            let folder = self.shared.layout.mapper_quarantine();
            let path = folder.join(format!("{}.jsonl.open", self.name));
            self.usage = Some((self.shared.disk.create_new(&path)?, 0));
        }
        if let Some((file, count)) = &mut self.usage {
            let line = UsageOut {
                format: FORMAT,
                reason,
                at: self.shared.now,
                mapper: &self.header.mapper,
                key: &self.header.key,
                item,
            };
            let line = to_line(file.path(), &line)?;
            file.write(&line)?;
            *count += 1;
        }
        Ok(())
    }

    /// Puts it on disk for good. Once this returned well the cursor may move.
    /// After a write that failed it never does.
    pub fn seal(mut self) -> Result<Sealed, JournalError> {
        if self.torn {
            return Err(JournalError::Torn {
                path: self.file.path().to_owned(),
            });
        }
        let disk = self.shared.disk.clone();
        let mut quarantined = 0;
        if let Some((file, count)) = &self.usage {
            file.sync_all()?;
            let target = file.path().with_extension("");
            disk.rename(file.path(), &target)?;
            disk.sync_folder(&self.shared.layout.mapper_quarantine())?;
            quarantined = *count;
        }
        let records: u64 = self.counts.values().sum();
        let by_type = self
            .counts
            .iter()
            .filter_map(|(tag, count)| Some((Kind::parse(tag)?.name().to_owned(), *count)))
            .collect();
        if records == 0 {
            return Ok(Sealed {
                records,
                by_type,
                bytes: 0,
                quarantined,
            });
        }
        let footer = Footer {
            records,
            by_type: self.counts.clone(),
            sha256: self.lines.checksum(),
        };
        self.lines.line(&mut self.file, &footer)?;
        self.lines.flush(&mut self.file)?;
        self.file.sync_all()?;
        disk.rename(self.file.path(), &self.shared.layout.segment(self.name))?;
        self.sealed = true;
        disk.sync_folder(&self.shared.layout.segments())?;
        let bytes = self.lines.bytes();
        self.shared
            .add_segment(self.name, SegmentInfo::new(&self.header, &footer, bytes));
        Ok(Sealed {
            records,
            by_type,
            bytes,
            quarantined,
        })
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        // What stays all the same is discarded by the next start.
        let mut left: Vec<PathBuf> = Vec::new();
        if !self.sealed {
            left.push(self.file.path().to_owned());
        }
        if let Some((file, _)) = &self.usage {
            left.push(file.path().to_owned());
        }
        for path in left {
            if path.exists() {
                let _ = self.shared.disk.remove(&path);
            }
        }
    }
}
