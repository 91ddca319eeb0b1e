//! The records of a batch as entries of messages, or as refusals.

use caso_component::messenger::Refusal;
use caso_component::records::RecordList;

use crate::format::Format;
use crate::packing::Frame;
use crate::{accelerator, cloud, ip, storage};

/// A formatted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The record's index in the batch.
    pub index: usize,
    /// Its part of a message.
    pub text: String,
}

/// The records of a batch, each either as an entry or as a refusal.
#[derive(Debug, Clone, PartialEq)]
pub struct Formatted {
    /// What stands around the entries.
    pub frame: Frame,
    /// In the order of the batch.
    pub entries: Vec<Entry>,
    /// In the order of the batch.
    pub refused: Vec<Refusal>,
}

impl Formatted {
    /// Formats the records.
    #[must_use]
    pub fn of(format: &Format, records: &RecordList) -> Self {
        match records {
            RecordList::Cloud(records) => {
                Self::with(cloud::frame(format.cloud_version), records, |record| {
                    cloud::entry(record, format.cloud_version)
                })
            }
            RecordList::Ip(records) => Self::with(ip::frame(format.ip_format), records, |r| {
                ip::entry(r, format.ip_format)
            }),
            RecordList::Accelerator(records) => {
                Self::with(accelerator::frame(), records, accelerator::entry)
            }
            RecordList::Storage(records) => Self::with(storage::frame(), records, |record| {
                storage::entry(record, format.star_record_id)
            }),
            RecordList::Energy(records) => Self::refused(records.len(), |_| "energy"),
            RecordList::Other(records) => Self::refused(records.len(), |index| {
                records.get(index).map_or("other", |record| &record.kind)
            }),
        }
    }

    /// The message of the first entries of `waiting`, and how many those are: at most
    /// `max_size` entries and `max_bytes` bytes. None where the first alone is larger, or
    /// none waits.
    #[must_use]
    pub fn next(
        &self,
        waiting: &[Entry],
        max_size: usize,
        max_bytes: usize,
    ) -> Option<(String, usize)> {
        let texts = || waiting.iter().map(|entry| entry.text.as_str());
        let taken = self.frame.take(texts(), max_size, max_bytes);
        (taken > 0).then(|| (self.frame.message(texts().take(taken)), taken))
    }

    /// The refusal of an entry that is larger than any message.
    #[must_use]
    pub fn too_large(&self, entry: &Entry, max_bytes: usize) -> Refusal {
        let bytes = self.frame.message([entry.text.as_str()]).len();
        Refusal::new(
            entry.index,
            format!(
                "the record alone makes a message of {bytes} bytes; at most {max_bytes} are allowed"
            ),
        )
    }

    fn with<T>(frame: Frame, records: &[T], entry: impl Fn(&T) -> Result<String, String>) -> Self {
        let mut entries = Vec::with_capacity(records.len());
        let mut refused = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match entry(record) {
                Ok(text) => entries.push(Entry { index, text }),
                Err(reason) => refused.push(Refusal::new(index, reason)),
            }
        }
        Self {
            frame,
            entries,
            refused,
        }
    }

    /// Refuses records that APEL has no message for.
    fn refused<'a>(count: usize, kind: impl Fn(usize) -> &'a str) -> Self {
        let refused = (0..count).map(|position| {
            let kind = kind(position);
            Refusal::new(
                position,
                format!(
                    "APEL has no message for records of type `{kind}`: remove it from this \
                     messenger's `record_types`"
                ),
            )
        });
        Self {
            frame: storage::frame(),
            entries: Vec::new(),
            refused: refused.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples;

    #[test]
    fn what_apel_has_no_message_for_is_refused_one_by_one() {
        let records = RecordList::Other(vec![samples::other(), samples::other()]);
        let formatted = Formatted::of(&Format::default(), &records);
        assert_eq!(formatted.entries, []);
        assert_eq!(formatted.refused.len(), 2);
        assert!(formatted.refused[1].reason.contains("`bucket`"));
        assert_eq!(formatted.next(&formatted.entries, 100, 500_000), None);
    }

    #[test]
    fn a_message_has_as_many_as_fit() {
        let mut bad = samples::cloud();
        bad.vm_uuid = String::new();
        let records = RecordList::Cloud(vec![bad, samples::cloud(), samples::cloud()]);
        let formatted = Formatted::of(&Format::default(), &records);
        let indices: Vec<usize> = formatted.entries.iter().map(|entry| entry.index).collect();
        assert_eq!((indices, formatted.refused.len()), (vec![1, 2], 1));
        let next = |size, bytes| formatted.next(&formatted.entries, size, bytes);
        let (both, taken) = next(100, 500_000).unwrap();
        assert_eq!(taken, 2);
        assert!(both.starts_with("APEL-cloud-message: v0.4\n"), "{both}");
        let (one, taken) = next(1, 500_000).unwrap();
        assert_eq!(taken, 1);
        assert_eq!(next(100, one.len()), Some((one.clone(), 1)));
        assert_eq!(next(100, one.len() - 1), None);
        let too_large = formatted.too_large(&formatted.entries[0], one.len() - 1);
        assert_eq!(too_large.index, 1);
        assert!(too_large.reason.contains(&one.len().to_string()));
    }
}
