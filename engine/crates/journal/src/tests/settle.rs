//! A quarantine that grows by what is refused again each hour.

use super::consumer::{Consumer, Taken, all};
use super::site::*;
use crate::*;
use caso_disk::Disk;
use caso_disk::faults::{At, End};
use caso_model::Window;
use caso_model::record::AccountingRecord;

/// An hour: these records, refused where the names begin with `bad`.
fn hour(site: &Site, disk: Disk, records: &[AccountingRecord]) -> Option<u64> {
    let (journal, _) = Journal::open(&site.spool(disk), 1000).ok()?;
    let queue = journal.queue("m");
    let window = Window { start: 0, end: 1 };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mut writer = journal
        .begin(key(0, window), vec![], order, &site.messengers, &mapper())
        .ok()?;
    for record in records {
        writer.append(record).ok()?;
    }
    writer.seal().ok()?;
    let refuse = |records: &[AccountingRecord]| Taken {
        refused: (0..records.len())
            .filter(|at| records[*at].head().id.starts_with("bad"))
            .collect(),
        ..all(records)
    };
    Consumer::default()
        .deliver(&queue, (None, None), refuse)
        .ok()?;
    journal.clean().ok()?;
    journal.settle().ok()
}

fn at(site: &Site, moment: i64) -> Option<u64> {
    let id = |what| format!("{what}-{moment}");
    let records = [
        cloud(&id("bad"), "vm", moment),
        cloud(&id("good"), "other", moment),
        cloud(&id("bad-of-its-month"), &format!("month-{moment}"), moment),
    ];
    hour(site, Disk::default(), &records)
}

#[test]
fn the_newest_of_a_key_stays() {
    let site = Site::new(&["m"]);
    assert_eq!(at(&site, 1), Some(0));
    assert_eq!(at(&site, 2), Some(1));
    assert_eq!(at(&site, 3), Some(1));
    let months = ["bad-of-its-month-1", "bad-of-its-month-2", "bad-3"];
    let mut left = site.quarantined_ids("m");
    left.sort();
    let mut expected = [&months[..], &["bad-of-its-month-3"]].concat();
    expected.sort_unstable();
    assert_eq!(left, expected);
    // One that is older than what lies there says nothing new: a month once more, say.
    let old = [cloud("bad-2-again", "vm", 2)];
    assert_eq!(hour(&site, Disk::default(), &old), Some(1));
    assert!(
        site.quarantined_ids("m").contains(&"bad-3".to_owned()),
        "the newest went"
    );
}

/// Two of one moment, in one offer: the one behind.
#[test]
fn the_later_of_one_moment_stays() {
    let site = Site::new(&["m"]);
    let two = [cloud("bad-a", "vm", 1), cloud("bad-b", "vm", 1)];
    assert_eq!(hour(&site, Disk::default(), &two), Some(1));
    assert_eq!(site.quarantined_ids("m"), ["bad-b"]);
}

#[test]
fn without_a_new_one_nothing_is_read() {
    let site = Site::new(&["m"]);
    at(&site, 1);
    // As an earlier build left it: it goes with the next that is refused.
    let (journal, _) = site.open();
    assert_eq!(journal.settle().unwrap(), 0);
}

/// Where nobody knows where the newest comes from it could not be put back.
#[test]
fn one_that_cannot_be_put_back_replaces_none() {
    let site = Site::new(&["m"]);
    let two = [cloud("bad-a", "vm", 2), cloud("bad-b", "vm", 1)];
    hour(&site, Disk::default(), &two[..1]);
    for path in list(&site.path("messengers/m/quarantine")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
        line.as_object_mut().unwrap().remove("origin");
        std::fs::write(&path, format!("{line}\n")).unwrap();
    }
    assert_eq!(hour(&site, Disk::default(), &two[1..]), Some(0));
    assert_eq!(site.quarantined_ids("m"), ["bad-a", "bad-b"]);
}

/// Wherever it ends, the newest is there.
#[test]
fn killed_at_every_step() {
    let second = |site: &Site, disk| hour(site, disk, &[cloud("bad-2", "vm", 2)]);
    let first = || {
        let site = Site::new(&["m"]);
        at(&site, 1);
        site
    };
    let counted = At::never();
    assert_eq!(second(&first(), counted.disk()), Some(1));
    let steps = counted.seen();
    assert!(steps > 10, "{steps}");
    for end in [End::Kill, End::Torn, End::FullOnce, End::Full] {
        for step in 0..=steps {
            let site = first();
            second(&site, At::new(end, step).disk());
            hour(&site, Disk::default(), &[cloud("bad-3", "vm", 3)]);
            let what = format!("{end:?} at step {step} of {steps}");
            let mut left = site.quarantined_ids("m");
            left.retain(|id| !id.contains("month"));
            assert_eq!(left, ["bad-3"], "{what}");
        }
    }
}
