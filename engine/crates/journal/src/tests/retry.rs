//! Out of quarantine: what goes back, what stays, and a kill at every step of it.

use std::ops::ControlFlow;

use super::consumer::{Consumer, Taken, all, front, nothing, refused, unreadable};
use super::site::*;
use crate::*;
use caso_disk::Disk;
use caso_disk::faults::{At, End};
use caso_model::record::AccountingRecord;

/// Refuses everything.
fn none_of_it(records: &[AccountingRecord]) -> Taken {
    Taken {
        refused: (0..records.len()).collect(),
        ..all(records)
    }
}

fn deliver(site: &Site, consumer: &Consumer, rule: impl Fn(&[AccountingRecord]) -> Taken) {
    let (journal, _) = site.open();
    let queue = journal.queue("m");
    consumer.deliver(&queue, (None, None), rule).unwrap();
    journal.clean().unwrap();
}

fn put(site: &Site, project: u32, records: &[AccountingRecord]) {
    site.seal(&site.open().0, project, records);
}

fn retry(site: &Site) -> Returned {
    site.open().0.retry("m", &mut |_, _| {}).unwrap()
}

/// Two hours of two projects, all of it in quarantine.
fn quarantined() -> Site {
    let site = Site::new(&["m"]);
    for hour in [1, 2] {
        for project in [0, 1] {
            let id = |what| format!("{what}-{project}-{hour}");
            let vm = cloud(&id("vm"), &format!("vm-{project}"), hour);
            put(&site, project, &[vm, ip(&id("ip"))]);
        }
        deliver(&site, &Consumer::default(), none_of_it);
    }
    site
}

fn returned(returned: u64, superseded: u64) -> Returned {
    Returned {
        returned,
        superseded,
        ..Returned::default()
    }
}

#[test]
fn what_goes_back_is_delivered_in_its_order_and_is_in_quarantine_no_more() {
    let site = quarantined();
    assert_eq!(site.quarantined_ids("m").len(), 8);
    let mut would = Vec::new();
    let sight = site.open().0.records();
    let answer = sight.would_return("m", &mut |origin, record| {
        would.push((origin.project_id.clone(), record.head().id.clone()));
    });
    assert_eq!(answer.unwrap(), returned(8, 0));
    assert_eq!(site.quarantined_ids("m").len(), 8);
    assert_eq!(retry(&site), returned(8, 0));
    assert_eq!(site.quarantined_ids("m"), [""; 0]);
    assert_eq!(site.waiting()["m"], 8);
    assert_eq!(site.files("messengers/m/quarantine"), [""; 0]);
    let consumer = Consumer::default();
    deliver(&site, &consumer, all);
    let got = consumer.ids();
    assert_eq!(got.len(), 8);
    for (project, id) in &would {
        assert_eq!(id.split('-').nth(1), project.split('-').nth(1), "{id}");
    }
    let mut would: Vec<String> = would.into_iter().map(|(_, id)| id).collect();
    would.sort();
    let mut came = got.clone();
    came.sort();
    assert_eq!(would, came);
    let place = |id: &str| got.iter().position(|got| got == id).unwrap();
    assert!(place("vm-0-1") < place("vm-0-2") && place("vm-1-1") < place("vm-1-2"));
    assert_eq!(site.waiting()["m"], 0);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(retry(&site), returned(0, 0));
}

/// Somebody put it back, and it is in no quarantine any more.
#[test]
fn what_goes_back_is_delivered_though_its_type_is_given_no_more() {
    let site = quarantined();
    retry(&site);
    let (journal, _) = site.open();
    let consumer = Consumer::default();
    let ip = ["ip".to_owned()];
    let queue = journal.queue("m");
    consumer.deliver(&queue, (Some(&ip), None), all).unwrap();
    assert_eq!(consumer.ids().len(), 8);
}

/// Delivered, or waiting: usage must not be taken back.
#[test]
fn what_is_older_than_what_came_since_stays_out() {
    let site = quarantined();
    put(&site, 0, &[cloud("vm-0-3", "vm-0", 3)]);
    deliver(&site, &Consumer::default(), all);
    put(&site, 1, &[cloud("vm-1-3", "vm-1", 3)]);
    deliver(&site, &Consumer::default(), nothing);
    // The addresses go, the two older records of each of the two stay.
    assert_eq!(retry(&site), returned(4, 4));
    let consumer = Consumer::default();
    deliver(&site, &consumer, all);
    let got = consumer.ids();
    assert_eq!(got.first().unwrap(), "vm-1-3");
    assert!(got.iter().skip(1).all(|id| id.starts_with("ip")), "{got:?}");
    // Also now that it is delivered.
    assert_eq!(retry(&site), returned(0, 4));
    // A newer one than what was delivered may go.
    put(&site, 0, &[cloud("vm-0-4", "vm-0", 4)]);
    deliver(&site, &Consumer::default(), none_of_it);
    assert_eq!(retry(&site), returned(1, 4));
}

/// Beside a newer one of its key in one offer.
#[test]
fn what_was_accepted_in_the_same_answer_counts() {
    let site = Site::new(&["m"]);
    put(&site, 0, &[cloud("a", "vm", 1), cloud("b", "vm", 2)]);
    deliver(&site, &Consumer::default(), |records| Taken {
        refused: vec![0],
        ..all(records)
    });
    assert_eq!(retry(&site), returned(0, 1));
}

/// Killed after the quarantine, before the acknowledgement.
#[test]
fn what_is_offered_again_anyway_stays() {
    let site = Site::new(&["m"]);
    put(&site, 0, &[cloud("a", "a", 1)]);
    let (journal, _) = site.open();
    let queue = journal.queue("m");
    queue.pack(Taking::default(), None).unwrap();
    let name = queue.pending().unwrap()[0].name;
    let batch = queue.open(name).unwrap().next_batch().unwrap().unwrap();
    let item = batch.records().unwrap().items.remove(0);
    let refused = Quarantined {
        item: &item,
        cause: QuarantineCause::Refused,
        reason: "no",
    };
    batch.quarantine(7, &[refused]).unwrap();
    drop((batch, queue, journal));
    let expected = Returned {
        still_offered: 1,
        ..Returned::default()
    };
    assert_eq!(retry(&site), expected);
    assert_eq!(site.waiting()["m"], 1);
}

#[test]
fn without_an_origin_it_stays() {
    let site = quarantined();
    for path in list(&site.path("messengers/m/quarantine")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.as_object_mut().unwrap().remove("origin");
            format!("{line}\n")
        });
        std::fs::write(&path, lines.collect::<String>()).unwrap();
    }
    let expected = Returned {
        of_unknown_origin: 8,
        ..Returned::default()
    };
    assert_eq!(retry(&site), expected);
    assert_eq!(site.quarantined_ids("m").len(), 8);
}

/// Made anew three times, killed twice: each record arrives once, as one of them made it,
/// and no quarantine holds it.
fn at_every_step(end: End) {
    let counted = At::never();
    remake(&quarantined(), counted.disk(), "first");
    let steps = counted.seen();
    assert!(steps > 20, "{steps}");
    for at in 0..=steps {
        let site = quarantined();
        remake(&site, At::new(end, at).disk(), "first");
        // What is left over may be killed, too.
        remake(&site, At::new(end, at / 2).disk(), "second");
        remake(&site, Disk::default(), "third");
        let what = format!("{end:?} at step {at} of {steps}");
        assert_eq!(site.quarantined_ids("m"), [""; 0], "{what}");
        let consumer = Consumer::default();
        deliver(&site, &consumer, all);
        let mut ids = consumer.ids();
        ids.sort();
        let all = [
            "ip-0-1", "ip-0-2", "ip-1-1", "ip-1-2", "vm-0-1", "vm-0-2", "vm-1-1", "vm-1-2",
        ];
        assert_eq!(ids, all, "{what}");
        for folder in [
            "segments",
            "messengers/m",
            "messengers/m/quarantine",
            "set-aside",
        ] {
            assert_eq!(site.files(folder), [""; 0], "{what}: left in `{folder}`");
        }
    }
}

fn remake(site: &Site, disk: Disk, name: &str) {
    if let Ok((journal, _)) = Journal::open(&site.spool(disk), 1000) {
        let _ = journal.retry("m", &mut |_, record| {
            if let AccountingRecord::Cloud(record) = record {
                record.site_name = name.to_owned();
            }
        });
    }
}

#[test]
fn killed_before_every_step_of_a_return() {
    at_every_step(End::Kill);
}

#[test]
fn killed_in_the_middle_of_every_step() {
    at_every_step(End::Torn);
}

#[test]
fn the_disk_full_once_at_every_step() {
    at_every_step(End::FullOnce);
}

#[test]
fn the_disk_full_from_every_step_on() {
    at_every_step(End::Full);
}

/// What came back says nothing of how far an extractor is.
#[test]
fn no_cursor_is_moved_by_it() {
    let site = quarantined();
    retry(&site);
    assert_eq!(site.open().0.sealed(), []);
}

/// Whatever the program was ended in, nothing waits that was given up, and the rest does.
#[test]
fn old_records_are_given_up_and_younger_ones_wait() {
    let site = Site::new(&["m", "other"]);
    let at = |now: i64, ids: &[&str]| {
        let (journal, _) = Journal::open(&site.spool(Disk::default()), now).unwrap();
        let both = |id: &&str| [cloud(id, id, 1), ip(&format!("ip-{id}"))];
        let records: Vec<_> = ids.iter().flat_map(both).collect();
        site.seal(&journal, 0, &records);
        journal
    };
    drop(at(10, &["packed", "packed-2"]));
    drop(at(30, &["packed-young"]));
    deliver(&site, &Consumer::default(), nothing);
    drop(at(20, &["sealed", "sealed-2", "sealed-3"]));
    let journal = at(30, &["young"]);
    assert_eq!(journal.forget_before("m", 30).unwrap(), 4 + 6);
    assert_eq!(journal.forget_before("m", 30).unwrap(), 0);
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    let young = ["packed-young", "ip-packed-young", "young", "ip-young"];
    assert_eq!(consumer.ids(), young);
    consumer.drain(&journal, "other");
    assert_eq!(consumer.ids().len(), 4 + 14);
}

#[test]
fn the_quarantine_is_given_up_by_age() {
    let site = quarantined();
    let (journal, _) = site.open();
    // The consumer of these tests does so at the same moment.
    assert_eq!(journal.forget_quarantined("m", 7).unwrap(), 0);
    assert_eq!(journal.forget_quarantined("m", 8).unwrap(), 8);
    assert_eq!(site.files("messengers/m/quarantine"), [""; 0]);
}

/// From beside, and nothing is touched.
#[test]
fn a_look_shows_each_record_once_and_leaves_damage_where_it_is() {
    let site = quarantined();
    put(&site, 0, &[cloud("packed", "packed", 5), ip("gone")]);
    deliver(&site, &Consumer::default(), |records| Taken {
        accepted: usize::from(matches!(records[0], AccountingRecord::Cloud(_))),
        refused: Vec::new(),
    });
    put(&site, 0, &[cloud("sealed", "sealed", 6)]);
    let (journal, _) = site.open();
    let look = || {
        let sight = Journal::sight(&site.spool(Disk::default())).unwrap();
        let (mut waiting, mut held) = (Vec::new(), 0);
        sight
            .records("m", &mut |it| {
                waiting.push((it.record.head().id.clone(), it.origin.project_id.clone()));
                ControlFlow::Continue(())
            })
            .unwrap();
        sight
            .quarantined("m", &mut |it| {
                assert_eq!(it.reason, "not to my taste");
                held += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        (waiting, held)
    };
    let of = |id: &str| (id.to_owned(), "project-0".to_owned());
    assert_eq!(look(), (vec![of("gone"), of("sealed")], 8));
    for path in list(&site.path("segments")) {
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("ma%%chine", "ma%%chin3")).unwrap();
    }
    assert_eq!(look(), (Vec::new(), 8));
    assert_eq!(site.files("set-aside"), [""; 0]);
    drop(journal);
}

/// What went into quarantine in this run, after it was first asked what lies there.
#[test]
fn what_is_accepted_of_a_key_that_this_run_refused_is_remembered() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let queue = journal.queue("m");
    let offered = |project, record: AccountingRecord, accepts: bool| {
        site.seal(&journal, project, &[record]);
        queue.pack(Taking::default(), None).unwrap();
        let mut pack = front(&queue);
        let batch = pack.next_batch().unwrap().unwrap();
        let items = batch.records().unwrap().items;
        if accepts {
            batch.delivered(items.iter().map(|it| &it.record)).unwrap();
        } else {
            batch.quarantine(7, &[refused(&items[0])]).unwrap();
        }
        batch.resolve([0]).unwrap();
        assert!(pack.next_batch().unwrap().is_none());
        pack.finish().unwrap();
    };
    offered(0, cloud("other", "other", 1), true);
    offered(1, cloud("old", "vm", 1), false);
    offered(2, cloud("new", "vm", 2), true);
    assert_eq!(journal.retry("m", &mut |_, _| {}).unwrap(), returned(0, 1));
    let held = || journal.waiting().unwrap()[0].quarantined;
    assert_eq!(held(), 1);
    // What says so and cannot be opened does not pass for nothing.
    let since = site.path("messengers/m/quarantine/delivered-since");
    std::fs::remove_file(&since).unwrap();
    unreadable(&since);
    assert!(journal.retry("m", &mut |_, _| {}).is_err());
    assert_eq!(held(), 1);
}

/// A run beside it may remove what it is about to read; what is there and cannot be read is an
/// error.
#[test]
fn a_look_passes_over_what_is_gone_and_over_nothing_else() {
    let site = Site::new(&["m"]);
    site.extract(&["1"]);
    site.extract(&["2"]);
    let sight = site.open().0.records();
    assert_eq!(sight.waiting().unwrap(), site.open().0.waiting().unwrap());
    let look = || {
        let mut ids = Vec::new();
        let looked = sight.records("m", &mut |it| {
            ids.push(it.record.head().id.clone());
            ControlFlow::Continue(())
        });
        looked.map(|()| ids)
    };
    assert_eq!(look().unwrap(), ["1", "2"]);
    let first = list(&site.path("segments")).remove(0);
    std::fs::remove_file(&first).unwrap();
    assert_eq!(look().unwrap(), ["2"]);
    unreadable(&first);
    assert!(look().is_err());
}
