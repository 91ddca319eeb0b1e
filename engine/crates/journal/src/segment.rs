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

use caso_disk::DiskFile;
use caso_model::record::AccountingRecord;
use caso_model::usage::UsageItem;
use caso_model::{Attribute, Origin, Window};

use crate::error::JournalError;
use crate::kind::RecordKind;
use crate::layout::{FORMAT, SegmentName};
use crate::lines::{LineWriter, to_line};
use crate::quarantine::Taken;
use crate::shared::{SegmentInfo, Shared};

/// Where the records come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentKey {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region, where it has named ones.
    pub region: Option<String>,
    /// Id of the project.
    pub project: String,
    /// Name of the extractor.
    pub extractor: String,
    /// What was extracted, in epoch seconds.
    pub window: Window,
}

/// Place in the order of delivery: the project in the order of the
/// configuration, then the extractor in that of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The project's place, from 0.
    pub project: u32,
    /// The extractor's place, from 0.
    pub extractor: u32,
}

/// What made the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapperIdentity {
    /// As the component describes itself.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// SHA-256 of the component, in lower-case hex.
    pub digest: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// Version of the engine.
    pub(crate) engine: String,
    pub(crate) mapper: MapperIdentity,
    pub(crate) key: SegmentKey,
    /// What else is known of where the records come from: the project's name, its VO.
    #[serde(default)]
    pub(crate) facts: Vec<Attribute>,
    /// The messengers it is for.
    pub(crate) messengers: Vec<String>,
    /// When it was begun.
    pub(crate) created: i64,
    /// Which lines of the messenger's quarantine it was made of. Sealed, it is what became of
    /// them: they are no longer in the quarantine, whatever lies there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) taken: Vec<Taken>,
}

impl Header {
    /// Where the records come from, as messengers are told.
    pub(crate) fn origin(&self) -> Origin {
        let SegmentKey {
            cloud,
            region,
            project,
            extractor,
            window,
        } = self.key.clone();
        Origin {
            cloud,
            region,
            project_id: project,
            extractor,
            window,
            attributes: self.facts.clone(),
        }
    }
}

#[derive(Serialize)]
struct RecordOut<'a> {
    #[serde(rename = "type")]
    tag: &'a str,
    record: &'a AccountingRecord,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Footer {
    pub(crate) records: u64,
    /// By the records' tags.
    pub(crate) by_type: BTreeMap<String, u64>,
    pub(crate) sha256: String,
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
    /// Its name; none where there was no record and so no segment.
    pub(crate) name: Option<SegmentName>,
    /// Records in the segment.
    pub records: u64,
    /// How many of which type, by the type's name.
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
    pub(crate) fn begin(
        shared: Arc<Shared>,
        name: SegmentName,
        key: SegmentKey,
        facts: Vec<Attribute>,
        messengers: &[String],
        mapper: &MapperIdentity,
        taken: Vec<Taken>,
    ) -> Result<SegmentWriter, JournalError> {
        let header = Header {
            format: FORMAT,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            mapper: mapper.clone(),
            key,
            facts,
            messengers: messengers.to_vec(),
            created: shared.now,
            taken,
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
    ///
    /// # Errors
    /// [`JournalError::NotFinite`] for such a record; else a failed write, after
    /// which the segment cannot be sealed.
    pub fn append(&mut self, record: &AccountingRecord) -> Result<(), JournalError> {
        if let Some(field) = record.not_finite() {
            return Err(JournalError::NotFinite {
                record: record.head().id.clone(),
                field,
            });
        }
        let tag = RecordKind::of(record).tag();
        let line = RecordOut { tag: &tag, record };
        let added = self.lines.line(&mut self.file, &line);
        self.torn |= added.is_err();
        added?;
        *self.counts.entry(tag).or_default() += 1;
        Ok(())
    }

    /// Keeps a usage item that the mapper refused or failed on, with the reason.
    ///
    /// # Errors
    /// A failed write, after which the segment cannot be sealed.
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

    /// Puts it on disk for good. The cursor may move once this returned `Ok`, and
    /// not before. Without a record there is no segment, only the usage that
    /// was kept.
    ///
    /// # Errors
    /// [`JournalError::Torn`] after a write that failed; else this one failed.
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
            .filter_map(|(tag, count)| Some((RecordKind::parse(tag)?.name().to_owned(), *count)))
            .collect();
        if records == 0 {
            return Ok(Sealed {
                name: None,
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
            name: Some(self.name),
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
