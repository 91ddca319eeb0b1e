//! Formats a batch into messages and puts them into the queue.

use caso_component::log;
use caso_component::messenger::queue::QueueError;
use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::records::RecordList;

use crate::options::Options;
use crate::packing::Frame;
use crate::{accelerator, cloud, ip, storage};

/// A formatted record.
struct Entry {
    /// The record's index in the batch.
    index: usize,
    text: String,
}

/// Formats the batch and hands its messages to `put`, in order.
///
/// The host publishes the staged messages when it gets a valid answer. So when the queue
/// fails, the records of the messages already put are accepted, and the others are left
/// for another attempt. A message that the queue finds too large is packed again, smaller.
pub fn deliver(
    options: &Options,
    batch: &Batch,
    put: &mut dyn FnMut(&[u8]) -> Result<(), QueueError>,
) -> Answer {
    let Formatted {
        frame,
        entries,
        mut refused,
    } = Formatted::of(options, &batch.records);
    let mut waiting = entries.as_slice();
    let mut max_bytes = options.max_message_bytes;
    let mut messages = 0_u32;
    while let Some(first) = waiting.first() {
        let texts = || waiting.iter().map(|entry| entry.text.as_str());
        let taken = frame.take(texts(), options.max_size, max_bytes);
        if taken == 0 {
            refused.push(too_large(&frame, first, max_bytes));
            waiting = waiting.get(1..).unwrap_or_default();
            continue;
        }
        let message = frame.message(texts().take(taken));
        let rest = match put(message.as_bytes()) {
            Ok(()) => {
                messages += 1;
                waiting = waiting.get(taken..).unwrap_or_default();
                continue;
            }
            Err(QueueError::TooLarge(limit)) => {
                // Always less than this message, so that the loop ends.
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                max_bytes = limit.min(message.len().saturating_sub(1));
                continue;
            }
            // The limit is for a call: the next call has room again.
            Err(QueueError::Full) if messages > 0 => Rest::retry(0, "the queue is full"),
            Err(error) => error.into(),
        };
        return Answer::partial(first.index, refused, rest);
    }
    log::debug(&format!(
        "batch `{}`: {} records in {messages} messages, {} refused",
        batch.id,
        entries.len(),
        refused.len()
    ));
    Answer::done(batch, refused)
}

fn too_large(frame: &Frame, entry: &Entry, max_bytes: usize) -> Refusal {
    let bytes = frame.message([entry.text.as_str()]).len();
    Refusal::new(
        entry.index,
        format!(
            "the record alone makes a message of {bytes} bytes; at most {max_bytes} are allowed"
        ),
    )
}

/// The records of a batch, each either as an entry or as a refusal.
struct Formatted {
    frame: Frame,
    entries: Vec<Entry>,
    refused: Vec<Refusal>,
}

impl Formatted {
    fn of(options: &Options, records: &RecordList) -> Self {
        match records {
            RecordList::Cloud(records) => {
                Self::with(cloud::frame(options.cloud_version), records, |record| {
                    cloud::entry(record, options.cloud_version)
                })
            }
            RecordList::Ip(records) => Self::with(ip::frame(options.ip_format), records, |r| {
                ip::entry(r, options.ip_format)
            }),
            RecordList::Accelerator(records) => {
                Self::with(accelerator::frame(), records, accelerator::entry)
            }
            RecordList::Storage(records) => Self::with(storage::frame(), records, |record| {
                storage::entry(record, options.star_record_id)
            }),
            RecordList::Energy(records) => Self::refused(records.len(), |_| "energy"),
            RecordList::Other(records) => Self::refused(records.len(), |index| {
                records.get(index).map_or("other", |record| &record.kind)
            }),
        }
    }

    fn with<T>(frame: Frame, records: &[T], entry: impl Fn(&T) -> Result<String, String>) -> Self {
        let mut entries = Vec::with_capacity(records.len());
        let mut refused = Vec::new();
        for (position, record) in records.iter().enumerate() {
            match entry(record) {
                Ok(text) => entries.push(Entry {
                    index: position,
                    text,
                }),
                Err(reason) => refused.push(Refusal::new(position, reason)),
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
mod tests;
