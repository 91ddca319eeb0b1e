use super::*;
use caso_apel::{Format, accelerator};
use caso_component::records::{AcceleratorRecord, RecordList};
use caso_component::samples::{self, batch};

fn record(number: u32) -> AcceleratorRecord {
    AcceleratorRecord {
        associated_record: format!("vm-{number}"),
        global_user_name: None,
        model: None,
        ..samples::accelerator()
    }
}

/// The VMs of each message, and the answer, with a queue that behaves as `queue` does.
/// It is given how many messages there are already, and the next one.
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
        format: Format {
            max_size: 3,
            ..Format::default()
        },
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
        format: Format {
            max_message_bytes: one.len() * 2,
            ..Format::default()
        },
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
        (4, Rest::retry(0, "the queue is full"))
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
    let records = RecordList::Other(vec![samples::other(), samples::other()]);
    let answer = deliver(&Options::default(), &batch(records), &mut |_| {
        panic!("nothing to put")
    });
    assert_eq!((answer.accepted, answer.refused.len()), (2, 2));
    assert!(answer.refused[1].reason.contains("`bucket`"));
}
