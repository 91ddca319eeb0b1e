//! A batch into messages, and messages into the queue.

use caso_component::log;
use caso_component::messenger::queue::QueueError;
use caso_component::messenger::{Answer, Batch, Refusal, Rest, index};
use caso_component::records::RecordList;

use crate::options::Options;
use crate::packing::Frame;
use crate::{accelerator, cloud, ip, storage};

/// A record as it stands in a message.
struct Entry {
    /// Its index in the batch.
    index: usize,
    text: String,
}

/// Formats the batch and puts its messages into the queue by `put`.
///
/// The host shows staged messages only if the answer is good, so what was put
/// before something failed is accepted, and the rest is left to another attempt.
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
                // Smaller than this message in any case, so that this ends.
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                max_bytes = limit.min(message.len().saturating_sub(1));
                continue;
            }
            Err(QueueError::Full) if messages > 0 => Rest::again(0, "queue `outgoing` is full"),
            Err(QueueError::Full) => {
                Rest::Other("queue `outgoing` takes not even one message".to_owned())
            }
            Err(QueueError::Denied(reason)) => Rest::Misconfigured(reason),
            Err(QueueError::Other(reason)) => Rest::Other(reason),
        };
        return Answer::partly(first.index, refused, rest);
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
    Refusal {
        index: index(entry.index),
        reason: format!(
            "the record alone makes a message of {bytes} bytes, and {max_bytes} are allowed"
        ),
    }
}

/// The records of a batch, each as an entry or a refusal.
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
            RecordList::Energy(records) => Self::none(records.len(), |_| "energy"),
            RecordList::Other(records) => Self::none(records.len(), |index| {
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
                Err(reason) => refused.push(Refusal {
                    index: index(position),
                    reason,
                }),
            }
        }
        Self {
            frame,
            entries,
            refused,
        }
    }

    /// Records for which APEL has no message.
    fn none<'a>(count: usize, kind: impl Fn(usize) -> &'a str) -> Self {
        let refused = (0..count).map(|position| Refusal {
            index: index(position),
            reason: format!(
                "APEL has no message for records of type `{}`: leave it out of this messenger's \
                 `record_types`",
                kind(position)
            ),
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
    use caso_component::records::{AcceleratorRecord, Head, OtherRecord};

    fn record(number: u32) -> AcceleratorRecord {
        AcceleratorRecord {
            head: Head {
                id: number.to_string(),
                supersedes: number.to_string(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            month: 10,
            year: 2026,
            associated_record_type: "cloud".into(),
            associated_record: format!("vm-{number}"),
            site_name: "SITE".into(),
            compute_service: "CLOUD".into(),
            cloud_type: "test".into(),
            global_user_name: None,
            fqan: "vo".into(),
            count: 1.0,
            cores: None,
            active_seconds: 1,
            available_seconds: 1,
            benchmark_type: None,
            benchmark_value: None,
            accelerator_type: "GPU".into(),
            model: None,
        }
    }

    fn batch(records: RecordList) -> Batch {
        Batch {
            id: "b".into(),
            attempt: 1,
            instance: "ssm".into(),
            record_type: "accelerator".into(),
            records,
            now: 0,
            attributes: Vec::new(),
        }
    }

    /// VMs of each message, and the answer, from a queue that answers as told.
    fn run(
        options: &Options,
        records: Vec<AcceleratorRecord>,
        mut queue: impl FnMut(usize, &[u8]) -> Result<(), QueueError>,
    ) -> (Vec<Vec<String>>, Answer) {
        let mut messages = Vec::new();
        let answer = deliver(
            options,
            &batch(RecordList::Accelerator(records)),
            &mut |message| {
                queue(messages.len(), message)?;
                let json: serde_json::Value = serde_json::from_slice(message).unwrap();
                let vms = json["UsageRecords"].as_array().unwrap().iter();
                let vm = |record: &serde_json::Value| {
                    record["AssociatedRecord"].as_str().unwrap().to_owned()
                };
                messages.push(vms.map(vm).collect());
                Ok(())
            },
        );
        (messages, answer)
    }

    fn sizes(messages: &[Vec<String>]) -> Vec<usize> {
        messages.iter().map(Vec::len).collect()
    }

    fn three() -> Options {
        Options {
            max_size: 3,
            ..Options::default()
        }
    }

    #[test]
    fn records_fill_messages() {
        let (messages, answer) = run(&three(), (0..7).map(record).collect(), |_, _| Ok(()));
        assert_eq!(sizes(&messages), [3, 3, 1]);
        assert_eq!(messages.concat()[6], "vm-6");
        assert_eq!((answer.accepted, answer.rest), (7, Rest::Done));
    }

    #[test]
    fn a_refused_record_leaves_no_hole() {
        let mut records: Vec<_> = (0..7).map(record).collect();
        records[1].month = 0;
        let (messages, answer) = run(&three(), records, |_, _| Ok(()));
        assert_eq!(sizes(&messages), [3, 3]);
        assert_eq!(answer.accepted, 7);
        assert_eq!(answer.refused.len(), 1);
        assert_eq!(answer.refused[0].index, 1);
    }

    #[test]
    fn bytes_divide_further() {
        let one = accelerator::frame().message([accelerator::entry(&record(0)).unwrap().as_str()]);
        let options = Options {
            max_message_bytes: one.len() * 2,
            ..Options::default()
        };
        let (messages, answer) = run(&options, (0..4).map(record).collect(), |_, message| {
            assert!(message.len() <= one.len() * 2);
            Ok(())
        });
        assert_eq!(messages.concat().len(), 4);
        assert!(messages.len() > 1);
        assert_eq!(answer.accepted, 4);
    }

    #[test]
    fn what_the_grant_takes_divides_too() {
        let one = accelerator::frame().message([accelerator::entry(&record(0)).unwrap().as_str()]);
        let mut records: Vec<_> = (0..4).map(record).collect();
        records[2].model = Some("x".repeat(200));
        let limit = one.len() + 100;
        let (messages, answer) = run(&Options::default(), records, |_, message| {
            if message.len() > limit {
                return Err(QueueError::TooLarge(limit as u64));
            }
            Ok(())
        });
        assert_eq!(messages.concat(), ["vm-0", "vm-1", "vm-3"]);
        assert_eq!(answer.accepted, 4);
        assert_eq!(answer.refused[0].index, 2);
    }

    #[test]
    fn a_full_queue_keeps_what_it_took() {
        let queue = |room: usize| {
            move |taken: usize, _: &[u8]| {
                if taken < room {
                    Ok(())
                } else {
                    Err(QueueError::Full)
                }
            }
        };
        let mut records: Vec<_> = (0..9).map(record).collect();
        records[0].month = 0;
        let (messages, answer) = run(&three(), records.clone(), queue(1));
        assert_eq!(sizes(&messages), [3]);
        assert_eq!(
            (answer.accepted, answer.rest),
            (4, Rest::again(0, "queue `outgoing` is full"))
        );
        let (_, answer) = run(&three(), records, queue(0));
        assert_eq!(answer.accepted, 1);
        assert!(matches!(answer.rest, Rest::Other(_)));
    }

    #[test]
    fn denied_is_a_matter_of_configuration() {
        let (_, answer) = run(&three(), vec![record(0)], |_, _| {
            Err(QueueError::Denied("no queue `outgoing`".into()))
        });
        assert_eq!(answer.accepted, 0);
        assert_eq!(
            answer.rest,
            Rest::Misconfigured("no queue `outgoing`".into())
        );
    }

    #[test]
    fn what_apel_has_no_message_for_is_refused_one_by_one() {
        let other = OtherRecord {
            head: record(0).head,
            kind: "bucket".into(),
            payload: "{}".into(),
        };
        let records = RecordList::Other(vec![other.clone(), other]);
        let answer = deliver(&Options::default(), &batch(records), &mut |_| {
            panic!("nothing to put")
        });
        assert_eq!((answer.accepted, answer.refused.len()), (2, 2));
        assert!(answer.refused[1].reason.contains("`bucket`"));
    }
}
