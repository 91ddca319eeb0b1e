//! Records to try a messenger with: those that are in the program, a file of a site's own,
//! and such as no cloud is likely to have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use caso_journal::RecordKind;
use caso_model::guest::Batch;
use caso_model::record::{AccountingRecord, Head};
use caso_model::{Origin, Window};

/// One record a line, as the journal writes them: a few of each type.
pub const SAMPLE: &str = include_str!("../../../../demo/sample.jsonl");

/// Records, each with the index of its origin.
#[derive(Debug, Clone, Default)]
pub struct Records {
    pub origins: Vec<Origin>,
    pub records: Vec<(AccountingRecord, u32)>,
}

/// How many of a type.
pub type Counts = BTreeMap<String, usize>;

impl Records {
    /// Those in the program.
    ///
    /// # Errors
    /// The program is damaged.
    pub fn sample() -> anyhow::Result<Self> {
        Self::read(SAMPLE).context("the sample records in the program are damaged")
    }

    /// Of a file with one record a line.
    ///
    /// # Errors
    /// It cannot be read, or has a line that is no record.
    pub fn of_file(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the records of `{shown}`"))?;
        Self::read(&text).with_context(|| format!("`{shown}` is not a record per line"))
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let records = lines
            .map(|(number, line)| {
                let record = serde_json::from_str(line)
                    .with_context(|| format!("line {} is no record", number + 1))?;
                Ok((record, 0))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            origins: vec![origin()],
            records,
        })
    }

    /// Adds one. Those of an origin come one after the other.
    pub fn push(&mut self, record: AccountingRecord, origin: &Origin) {
        if self.origins.last() != Some(origin) {
            self.origins.push(origin.clone());
        }
        let last = self.origins.len() - 1;
        self.records
            .push((record, u32::try_from(last).unwrap_or(u32::MAX)));
    }

    /// As many of a type as are wanted, made of the first one of it; none where there is none.
    pub fn many(&self, record_type: &str, count: usize) -> Self {
        let first = self.records.iter().map(|(record, _)| record);
        let first = first
            .into_iter()
            .find(|record| record.record_type() == record_type);
        let numbered = |record: &AccountingRecord| {
            let numbered = (0..count).map(|number| {
                let mut record = record.clone();
                let head = head(&mut record);
                head.id = format!("{}-{number}", head.id);
                head.supersedes = format!("{}-{number}", head.supersedes);
                (record, 0)
            });
            numbered.collect()
        };
        Self {
            origins: self.origins.clone(),
            records: first.map(numbered).unwrap_or_default(),
        }
    }

    /// How many there are of each type.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for (record, _) in &self.records {
            *counts.entry(record.record_type().to_owned()).or_default() += 1;
        }
        counts
    }

    /// As batches, one or more a type, none with more than `most`.
    pub fn batches(&self, instance: &str, time_left: Duration, most: usize) -> Vec<Batch<'_>> {
        let mut sorted: BTreeMap<RecordKind, Vec<&(AccountingRecord, u32)>> = BTreeMap::new();
        for item in &self.records {
            sorted
                .entry(RecordKind::of(&item.0))
                .or_default()
                .push(item);
        }
        let mut batches = Vec::new();
        for (kind, items) in sorted {
            for (number, part) in items.chunks(most.max(1)).enumerate() {
                batches.push(Batch {
                    id: format!("trial-{}-{number}", kind.name()),
                    attempt: 1,
                    instance: instance.to_owned(),
                    record_type: kind.name().to_owned(),
                    origins: self.origins.clone(),
                    origin_of: part.iter().map(|(_, origin)| *origin).collect(),
                    records: kind.list(part.iter().map(|(record, _)| record)),
                    now: NOW,
                    time_left,
                    attributes: Vec::new(),
                });
            }
        }
        batches
    }

    /// One record of the type for each text that few expect, with the text in all fields
    /// that are only shown; and one with nothing that may be absent.
    pub fn odd(&self, record_type: &str) -> Self {
        let mut records = self.many(record_type, ODD.len() + 2);
        let long = "x".repeat(64 << 10);
        let texts = ODD.iter().copied().chain([long.as_str()]);
        for ((record, _), text) in records.records.iter_mut().zip(texts) {
            write_everywhere(record, text);
        }
        if let Some((record, _)) = records.records.last_mut() {
            take_out(record);
        }
        records
    }
}

/// A second of November 2026.
const NOW: i64 = 1_795_281_612;

/// 4-byte UTF-8, quotes and separators, ends of lines, NUL, nothing, a text that is turned
/// around.
const ODD: [&str; 6] = [
    "\u{1f980} \u{1d518}\u{1d52b}\u{1d526}",
    "a \"b\" 'c', d; e\\ <f> & %",
    "two\nlines\r\nand\ta tab",
    "NUL\0NUL",
    "",
    "\u{202e}turned\u{202c}",
];

fn origin() -> Origin {
    Origin {
        cloud: "default".to_owned(),
        region: None,
        project_id: "3174786e9d0146608dfdbebc1b4a983e".to_owned(),
        extractor: "nova".to_owned(),
        window: Window {
            start: 1_793_491_200,
            end: NOW,
        },
        attributes: Vec::new(),
    }
}

fn head(record: &mut AccountingRecord) -> &mut Head {
    match record {
        AccountingRecord::Cloud(record) => &mut record.head,
        AccountingRecord::Ip(record) => &mut record.head,
        AccountingRecord::Accelerator(record) => &mut record.head,
        AccountingRecord::Storage(record) => &mut record.head,
        AccountingRecord::Energy(record) => &mut record.head,
        AccountingRecord::Other(record) => &mut record.head,
    }
}

fn write_everywhere(record: &mut AccountingRecord, text: &str) {
    let put = |fields: Vec<&mut String>| {
        for field in fields {
            text.clone_into(field);
        }
    };
    let some = || Some(text.to_owned());
    match record {
        AccountingRecord::Cloud(record) => {
            put(vec![
                &mut record.machine_name,
                &mut record.fqan,
                &mut record.site_name,
            ]);
            record.global_user_name = some();
            record.image_id = some();
        }
        AccountingRecord::Ip(record) => {
            put(vec![&mut record.fqan, &mut record.site_name]);
            record.global_user_name = some();
        }
        AccountingRecord::Accelerator(record) => {
            put(vec![&mut record.fqan, &mut record.site_name]);
            record.model = some();
        }
        AccountingRecord::Storage(record) => {
            put(vec![&mut record.storage_system, &mut record.site_name]);
            record.user_identity = some();
            record.group = some();
        }
        AccountingRecord::Energy(record) => {
            put(vec![
                &mut record.owner,
                &mut record.site_name,
                &mut record.status,
            ]);
        }
        AccountingRecord::Other(record) => {
            for attribute in &mut record.head.attributes {
                text.clone_into(&mut attribute.value);
            }
        }
    }
}

/// Leaves nothing that may be absent.
fn take_out(record: &mut AccountingRecord) {
    head(record).attributes = Vec::new();
    match record {
        AccountingRecord::Cloud(record) => {
            record.local_user_id = None;
            record.global_user_name = None;
            record.end = None;
            record.suspend_seconds = None;
            record.wall_seconds = None;
            record.cpu_seconds = None;
            record.cpu_count = None;
            record.network_inbound_bytes = None;
            record.network_outbound_bytes = None;
            record.public_ip_count = None;
            record.memory_mib = None;
            record.disk_gib = None;
            record.benchmarks = Vec::new();
            record.image_id = None;
        }
        AccountingRecord::Ip(record) => {
            record.local_user = None;
            record.global_user_name = None;
        }
        AccountingRecord::Accelerator(record) => {
            record.global_user_name = None;
            record.cores = None;
            record.model = None;
        }
        AccountingRecord::Storage(record) => {
            record.allocated_bytes = None;
            record.local_user = None;
            record.local_group = None;
            record.user_identity = None;
            record.group = None;
        }
        AccountingRecord::Energy(record) => {
            record.cpu_seconds = None;
            record.suspend_seconds = None;
        }
        AccountingRecord::Other(record) => record.quantities = Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_records_of_every_type_in_the_program() {
        let sample = Records::sample().unwrap();
        let counts = sample.counts();
        for kind in [
            "cloud",
            "ip",
            "accelerator",
            "storage",
            "energy",
            "object-storage",
        ] {
            assert!(counts.contains_key(kind), "{kind}");
            assert_eq!(sample.many(kind, 5).records.len(), 5);
            let odd = sample.odd(kind).records;
            assert_eq!(odd.len(), ODD.len() + 2);
            let ids: std::collections::BTreeSet<_> =
                odd.iter().map(|(record, _)| &record.head().id).collect();
            assert_eq!(ids.len(), odd.len());
        }
        assert!(sample.many("nothing", 5).records.is_empty());
    }

    #[test]
    fn a_batch_has_one_type_and_no_more_than_it_may() {
        let sample = Records::sample().unwrap();
        let batches = sample.batches("mine", Duration::from_secs(1), 2);
        let of = |kind: &str| {
            let batches = batches.iter().filter(|batch| batch.record_type == kind);
            batches.map(|batch| batch.records.len()).collect::<Vec<_>>()
        };
        assert_eq!(of("cloud"), [2, 1]);
        assert_eq!(of("object-storage"), [1]);
        assert!(
            batches
                .iter()
                .all(|batch| batch.origin_of.len() == batch.records.len())
        );
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let error = Records::read("\n{}\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2 is no record");
    }
}
