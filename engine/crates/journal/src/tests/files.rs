//! What stands in a queue's files while a pack is delivered: the form that the next version of
//! cASO, and the operator's `jq`, will find.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::site::*;
use crate::JournalError;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn batches_are_counted_from_0_and_each_step_is_a_line() {
    let site = Site::new(&["a"]);
    let (journal, _) = site.open();
    let records = [cloud("1", "1", 1), cloud("2", "2", 1), ip("3")];
    site.seal(&journal, 0, &records);
    let queue = journal.queue("a");
    queue.pack(None, None).unwrap();
    let mut pack = queue.open(queue.pending().unwrap()[0].name).unwrap();
    let clouds = pack.next_batch().unwrap().unwrap();
    assert_eq!(clouds.attempt().unwrap(), 1);
    clouds
        .note_dropped(&BTreeMap::from([(1, "private")]))
        .unwrap();
    clouds.resolve([1]).unwrap();
    clouds.resolve([0]).unwrap();
    let ips = pack.next_batch().unwrap().unwrap();
    assert_eq!(ips.attempt().unwrap(), 1);
    assert_eq!(ips.attempt().unwrap(), 2);
    assert_eq!((clouds.items(), ips.items()), (2, 1));

    let files = site.files("messengers/a");
    let [ack, packed] = &files[..] else {
        panic!("{files:?}");
    };
    assert!(
        ack.ends_with(".ack") && packed.ends_with(".pack"),
        "{files:?}"
    );
    let read = |name: &str| fs::read_to_string(site.path("messengers/a").join(name)).unwrap();
    let packed = lines(&read(packed));
    assert_eq!(
        [&packed[1]["id"], &packed[2]["id"]],
        [clouds.id(), ips.id()]
    );
    let mut steps = lines(&read(ack));
    for step in &mut steps {
        step.as_object_mut().unwrap().remove("sum").unwrap();
    }
    assert_eq!(
        steps,
        [
            json!({"pack": packed[0]["id"]}),
            json!({"try": 0}),
            json!({"dropped": {"batch": 0, "reasons": {"1": "private"}}}),
            json!({"done": {"batch": 0, "upto": 0, "gone": [1]}}),
            json!({"done": {"batch": 0, "upto": 2}}),
            json!({"try": 1}),
            json!({"try": 1}),
        ]
    );
}

/// Not of the batches behind it, and not of those that are through.
#[test]
fn the_operator_reads_how_often_the_batch_at_the_front_was_offered() {
    let site = Site::new(&["a"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("1", "1", 1), ip("2")]);
    let queue = journal.queue("a");
    queue.pack(None, None).unwrap();
    let attempts = || {
        let waiting = journal.waiting().unwrap();
        waiting.iter().map(|it| it.attempts).collect::<Vec<_>>()
    };
    let mut pack = queue.open(queue.pending().unwrap()[0].name).unwrap();
    let clouds = pack.next_batch().unwrap().unwrap();
    assert_eq!(attempts(), [0]);
    for _ in 0..3 {
        clouds.attempt().unwrap();
    }
    assert_eq!(attempts(), [3]);
    clouds.resolve([0]).unwrap();
    assert_eq!(attempts(), [0]);
    let ips = pack.next_batch().unwrap().unwrap();
    ips.attempt().unwrap();
    assert_eq!(attempts(), [1]);
}

/// Of a version to come: it is named with the pack that it stands in, and nothing of the pack
/// is lost by it.
#[test]
fn a_batch_of_an_unknown_type_is_named_with_its_pack() {
    let site = Site::new(&["a"]);
    site.extract(&["1"]);
    let (journal, _) = site.open();
    let queue = journal.queue("a");
    queue.pack(None, None).unwrap();
    let file = site
        .path("messengers/a")
        .join(&site.files("messengers/a")[0]);
    let text = fs::read_to_string(&file).unwrap();
    let tag = r#""type":"cloud""#;
    assert_eq!(text.matches(tag).count(), 1, "{text}");
    fs::write(&file, text.replace(tag, r#""type":"quota""#)).unwrap();
    let mut pack = queue.open(queue.pending().unwrap()[0].name).unwrap();
    let Err(JournalError::UnknownType { path, record_type }) = pack.next_batch() else {
        panic!("a batch of type `quota` was read");
    };
    assert_eq!((path, record_type.as_str()), (file.clone(), "quota"));
    assert!(file.exists());
}
