//! A segment: the records of one (cloud, region, project, extractor, window),
//! in the form in which the journal keeps them.
//!
//! JSON lines: a header, one line a record, a footer with counts and checksum.
//! The form is the engine's own, never that of the contract's bindings, and
//! the records are as the mapper made them: they are never mapped twice, also
//! not by a newer engine with a newer mapper.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use caso_disk::{Beside, DiskError, DiskFile};
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
    /// It is published once more, and maybe not all of it: its cursor has nothing to do with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
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
    /// The record types that the configuration gave each of them then; none is all that its component takes.
    /// One that is not here is given what the configuration says when it is packed: so wrote an earlier build of cASO 6.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) record_types: BTreeMap<String, Option<Vec<String>>>,
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
            again: _,
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
    /// None once it is sealed.
    file: Option<DiskFile>,
    lines: LineWriter,
    /// By tag.
    counts: BTreeMap<String, u64>,
    usage: Option<(DiskFile, u64)>,
    /// A write failed: what is on disk may not be all that was meant.
    torn: bool,
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
            record_types: match taken.is_empty() {
                true => shared.record_types_of(messengers),
                // It was given them once.
                false => messengers.iter().map(|name| (name.clone(), None)).collect(),
            },
            created: shared.now,
            taken,
        };
        let file = shared.disk.create_new(&shared.layout.open_segment(name))?;
        let mut writer = SegmentWriter {
            shared,
            name,
            header,
            file: Some(file),
            lines: LineWriter::new(),
            counts: BTreeMap::new(),
            usage: None,
            torn: false,
        };
        let header = writer.header.clone();
        writer.line(&header)?;
        Ok(writer)
    }

    fn line<T: Serialize>(&mut self, line: &T) -> Result<(), DiskError> {
        if let Some(file) = &mut self.file {
            self.lines.line(file, line)?;
        }
        Ok(())
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
        let added = self.line(&line);
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

    /// Writes its end. It is on disk for good when [`crate::Journal::seal`] has answered, and
    /// not before.
    ///
    /// # Errors
    /// [`JournalError::Torn`] after a write that failed; else this one failed.
    pub fn finish(mut self) -> Result<Finished, JournalError> {
        if self.torn {
            return Err(JournalError::Torn {
                path: self.shared.layout.open_segment(self.name),
            });
        }
        let records: u64 = self.counts.values().sum();
        let footer = Footer {
            records,
            by_type: self.counts.clone(),
            sha256: self.lines.checksum(),
        };
        if records > 0 {
            self.line(&footer)?;
            if let Some(file) = &mut self.file {
                self.lines.flush(file)?;
            }
        }
        Ok(Finished {
            writer: self,
            footer,
        })
    }

    /// Puts it on disk for good: the one alone.
    ///
    /// # Errors
    /// As [`SegmentWriter::finish`]; or it could not be put there.
    pub fn seal(self) -> Result<Sealed, JournalError> {
        let shared = self.shared.clone();
        let path = shared.layout.open_segment(self.name);
        let sealed = seal(&shared, vec![self.finish()?]).pop();
        sealed.unwrap_or(Err(JournalError::Torn { path }))
    }
}

/// A segment that is written to its end, and not yet on disk for good. Dropped, it was never
/// there.
pub struct Finished {
    writer: SegmentWriter,
    footer: Footer,
}

impl Finished {
    /// How many it has.
    pub fn records(&self) -> u64 {
        self.footer.records
    }

    /// As it will be when it is sealed.
    fn sealed(&self) -> Sealed {
        let Footer {
            records, by_type, ..
        } = &self.footer;
        let writer = &self.writer;
        Sealed {
            name: (*records > 0).then_some(writer.name),
            records: *records,
            by_type: by_type
                .iter()
                .filter_map(|(tag, count)| {
                    Some((RecordKind::parse(tag)?.name().to_owned(), *count))
                })
                .collect(),
            bytes: match records {
                0 => 0,
                _ => writer.lines.bytes(),
            },
            quarantined: writer.usage.as_ref().map_or(0, |(_, count)| *count),
        }
    }
}

/// Puts segments on disk for good, of one project or of many: first the usage that the mapper
/// refused, then the records, all files side by side and each folder once. One answer a
/// segment, in their order. Without a record there is no segment, only the usage that was kept.
pub(crate) fn seal(shared: &Shared, segments: Vec<Finished>) -> Vec<Result<Sealed, JournalError>> {
    let mut answers: Vec<Result<Sealed, JournalError>> = Vec::with_capacity(segments.len());
    let mut usage = Vec::new();
    let mut files = Vec::new();
    let mut infos = Vec::new();
    for (place, segment) in segments.into_iter().enumerate() {
        answers.push(Ok(segment.sealed()));
        let Finished { mut writer, footer } = segment;
        if let Some((file, _)) = writer.usage.take() {
            let target = file.path().with_extension("");
            usage.push((place, Beside::new(file, target)));
        }
        if footer.records > 0
            && let Some(file) = writer.file.take()
        {
            let bytes = writer.lines.bytes();
            let target = shared.layout.segment(writer.name);
            files.push((place, Beside::new(file, target)));
            let info = SegmentInfo::new(&writer.header, &footer, bytes);
            infos.push((place, writer.name, info));
        }
    }
    for files in [usage, files] {
        let (places, files): (Vec<usize>, Vec<Beside>) = files
            .into_iter()
            // What could not be kept for it is no reason to seal it.
            .filter(|(place, _)| answers.get(*place).is_some_and(Result::is_ok))
            .unzip();
        for (place, kept) in places.into_iter().zip(shared.disk.keep(files)) {
            if let (Err(failed), Some(answer)) = (kept, answers.get_mut(place)) {
                *answer = Err(failed.into());
            }
        }
    }
    for (place, name, info) in infos {
        if answers.get(place).is_some_and(Result::is_ok) {
            shared.add_segment(name, info);
        }
    }
    answers
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        // What stays all the same is discarded by the next start.
        let usage = self.usage.take().map(|(file, _)| file);
        for file in [self.file.take(), usage].into_iter().flatten() {
            if file.path().exists() {
                let _ = self.shared.disk.remove(file.path());
            }
        }
    }
}
