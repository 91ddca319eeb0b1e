//! What stands in a queue's files while a pack is delivered: the form that the next version of
//! cASO, and the operator's `jq`, will find.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;

use caso_base::digest::sha256_hex;
use caso_disk::Disk;
use serde_json::{Value, json};

use super::consumer::{front, refused, unreadable};
use super::site::*;
use crate::layout::FORMAT;
use crate::{Journal, JournalError, QuarantinedRecord, Taking};

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
    queue.pack(Taking::default(), None).unwrap();
    let mut pack = front(&queue);
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
    queue.pack(Taking::default(), None).unwrap();
    let attempts = || {
        let waiting = journal.waiting().unwrap();
        waiting.iter().map(|it| it.attempts).collect::<Vec<_>>()
    };
    let mut pack = front(&queue);
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
    queue.pack(Taking::default(), None).unwrap();
    let file = site
        .path("messengers/a")
        .join(&site.files("messengers/a")[0]);
    let text = fs::read_to_string(&file).unwrap();
    let tag = r#""type":"cloud""#;
    assert_eq!(text.matches(tag).count(), 1, "{text}");
    fs::write(&file, text.replace(tag, r#""type":"quota""#)).unwrap();
    let mut pack = front(&queue);
    let Err(JournalError::UnknownType { path, record_type }) = pack.next_batch() else {
        panic!("a batch of type `quota` was read");
    };
    assert_eq!((path, record_type.as_str()), (file.clone(), "quota"));
    assert!(file.exists());
}

/// What another program, or an earlier cASO, finds it by: sums are over the JSON without them.
#[test]
fn sums_are_of_what_stands_beside_them() {
    let site = Site::new(&["a"]);
    site.extract(&["1"]);
    let (journal, _) = site.open();
    let queue = journal.queue("a");
    queue.pack(Taking::default(), None).unwrap();
    let mut pack = front(&queue);
    let batch = pack.next_batch().unwrap().unwrap();
    batch.attempt().unwrap();
    batch.resolve([0]).unwrap();
    let read = |ending: &str| {
        let files = site.files("messengers/a");
        let name = files.iter().find(|name| name.ends_with(ending)).unwrap();
        fs::read_to_string(site.path("messengers/a").join(name)).unwrap()
    };
    for line in read(".ack").lines() {
        let (before, sum) = line.split_once(r#","sum":""#).unwrap();
        let digest = sha256_hex(format!("{before}}}").as_bytes());
        assert_eq!(sum, format!("{}\"}}", &digest[..8]));
    }
    assert!(pack.next_batch().unwrap().is_none());
    pack.finish().unwrap();
    let done = &lines(&read(".done"))[0];
    let name = done["segments"][0].as_str().unwrap();
    assert_eq!(
        done["sha256"],
        json!(sha256_hex(format!("{name}\n").as_bytes()))
    );
}

/// Records that stand one behind the other in a segment are one reference.
#[test]
fn a_batch_refers_to_where_its_records_stand() {
    let site = Site::new(&["a"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("1", "1", 1), cloud("2", "2", 1)]);
    site.seal(&journal, 1, &[cloud("3", "3", 1)]);
    journal.queue("a").pack(Taking::default(), None).unwrap();
    let file = &site.files("messengers/a")[0];
    let text = fs::read_to_string(site.path("messengers/a").join(file)).unwrap();
    let refs: Vec<(u64, u64)> = lines(&text)[1]["refs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["segment"].as_u64().unwrap(),
                it["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(refs, [(0, 2), (1, 1)]);
}

/// Bytes and age are of what is left: of the front batch one of two, and what was extracted later.
#[test]
fn what_waits_is_told_with_its_bytes_and_its_age() {
    let site = Site::new(&["a"]);
    let at = |now| Journal::open(&site.spool(Disk::default()), now).unwrap().0;
    let length = |name: &str| {
        let text = fs::read_to_string(site.path("segments").join(name)).unwrap();
        let records = text.lines().filter(|line| line.contains(r#""record":"#));
        records
            .map(|line| line.len() as u64 + 1)
            .collect::<Vec<_>>()
    };
    site.seal(&at(500), 0, &[cloud("1", "1", 1), cloud("2", "2", 1)]);
    site.seal(&at(700), 0, &[ip("3")]);
    let journal = at(1_000);
    let names = site.files("segments");
    let (clouds, ips) = (length(&names[0]), length(&names[1]));
    let told = || {
        let waiting = journal.waiting().unwrap();
        let [it] = &waiting[..] else {
            panic!("{waiting:?}");
        };
        (it.records, it.bytes, it.oldest)
    };
    let queue = journal.queue("a");
    queue.pack(Taking::default(), None).unwrap();
    assert_eq!(queue.records_left().unwrap(), 3);
    assert_eq!(told(), (3, clouds[0] + clouds[1] + ips[0], Some(500)));
    let mut pack = front(&queue);
    let batch = pack.next_batch().unwrap().unwrap();
    batch.resolve([0]).unwrap();
    assert_eq!(told(), (2, (clouds[0] + clouds[1]) / 2 + ips[0], Some(500)));
    batch.resolve([1]).unwrap();
    assert_eq!(told(), (1, ips[0], Some(700)));
    assert_eq!(queue.records_left().unwrap(), 1);
}

/// What was refused is as long as its line. A line of a version to come is passed over, and
/// kept; what is forgotten is what lies there longer.
#[test]
fn a_line_of_the_quarantine_is_read_and_forgotten_by_itself() {
    let site = Site::new(&["a"]);
    site.extract(&["1", "2", "3"]);
    let (journal, _) = site.open();
    let queue = journal.queue("a");
    queue.pack(Taking::default(), None).unwrap();
    let mut pack = front(&queue);
    let batch = pack.next_batch().unwrap().unwrap();
    let items = batch.records().unwrap().items;
    for (item, at) in items.iter().zip([7, 9, 9]) {
        batch.quarantine(at, &[refused(item)]).unwrap();
    }
    let file = list(&site.path("messengers/a/quarantine")).remove(0);
    fs::write(file.with_extension("txt"), "not ours\n").unwrap();
    assert_eq!(journal.waiting().unwrap()[0].quarantined, 3);
    fs::remove_file(file.with_extension("txt")).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let of_this = format!("\"format\":{FORMAT}");
    assert_eq!(text.matches(&of_this).count(), 3, "{text}");
    let newer = text.replacen(&of_this, "\"format\":99", 1);
    fs::write(&file, &newer).unwrap();
    let mut seen = Vec::new();
    let mut see = |found: QuarantinedRecord| {
        seen.push((found.record.head().id.clone(), found.bytes()));
        ControlFlow::Continue(())
    };
    journal.records().quarantined("a", &mut see).unwrap();
    let lengths: Vec<u64> = text.lines().map(|line| line.len() as u64 + 1).collect();
    assert_eq!(
        seen,
        [("2".to_owned(), lengths[1]), ("3".to_owned(), lengths[2])]
    );
    fs::write(&file, &text).unwrap();
    assert_eq!(journal.forget_quarantined("a", 8).unwrap(), 1);
    assert_eq!(site.quarantined_ids("a"), ["2", "3"]);
    assert_eq!(journal.forget_quarantined("a", 8).unwrap(), 0);
    assert_eq!(journal.forget_quarantined("a", 10).unwrap(), 2);
    assert!(!file.exists());
}

/// A file that is there and cannot be opened is no missing one: what it says of a delivery
/// would be forgotten.
#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let site = Site::new(&["a"]);
    site.extract(&["1"]);
    let (journal, _) = site.open();
    let queue = journal.queue("a");
    let told = |error: JournalError| error.to_string();
    let segment = list(&site.path("segments")).remove(0);
    let kept = fs::read(&segment).unwrap();
    fs::remove_file(&segment).unwrap();
    unreadable(&segment);
    assert!(told(queue.pack(Taking::default(), None).unwrap_err()).contains(".seg"));
    fs::remove_file(&segment).unwrap();
    fs::write(&segment, kept).unwrap();
    queue.pack(Taking::default(), None).unwrap();
    let name = queue.pending().unwrap()[0].name;
    let ack = site.path("messengers/a").join(format!("{name}.ack"));
    unreadable(&ack);
    let opened = queue.open(name).and_then(|mut pack| pack.next_batch());
    let Err(error) = opened else {
        panic!("it was read");
    };
    assert!(told(error).contains(".ack"));
    fs::remove_file(&ack).unwrap();
    unreadable(
        &site
            .path("messengers/a/quarantine")
            .join(format!("{name}.jsonl")),
    );
    let mut each = |_: QuarantinedRecord| ControlFlow::Continue(());
    let Err(error) = journal.records().quarantined("a", &mut each) else {
        panic!("it was read");
    };
    assert!(told(error).contains(".jsonl"));
}
