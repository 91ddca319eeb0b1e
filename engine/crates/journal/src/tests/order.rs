//! Order, packing, who gets what, what waits.

use super::consumer::{Consumer, all, front, nothing, refused};
use super::site::*;
use crate::{Journal, Taking};
use caso_disk::faults::At;
use caso_model::record::AccountingRecord;

#[test]
fn by_type_in_casos_order_then_by_project_whatever_was_sealed_first() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let records = |project: &str| -> Vec<AccountingRecord> {
        let id = |kind: &str| format!("{project}-{kind}");
        vec![
            other(&id("other"), "object-storage"),
            ip(&id("ip")),
            cloud(&id("cloud"), &id("cloud"), 1),
        ]
    };
    for project in [11, 0, 2] {
        site.seal(&journal, project, &records(&project.to_string()));
    }
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    assert_eq!(
        consumer.ids(),
        [
            "0-cloud", "2-cloud", "11-cloud", "0-ip", "2-ip", "11-ip", "0-other", "2-other",
            "11-other"
        ]
    );
    let types: Vec<String> = consumer
        .offered()
        .into_iter()
        .map(|o| o.record_type)
        .collect();
    assert_eq!(types, ["cloud", "ip", "object-storage"]);
}

/// In messages that were taken over from a queue there are records of all types, of before.
#[test]
fn whole_messages_come_before_what_was_sealed_behind_them() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("before", "before", 1)]);
    site.seal(&journal, 1, &[other("message", "apel-message")]);
    site.seal(&journal, 2, &[other("message-2", "apel-message")]);
    site.seal(&journal, 3, &[ip("ip"), cloud("behind", "behind", 1)]);
    site.seal(&journal, 4, &[cloud("last", "last", 1)]);
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    let expected = ["before", "message", "message-2", "behind", "last", "ip"];
    assert_eq!(consumer.ids(), expected);
    assert_eq!(site.open().0.sealed().len(), 0);
}

/// No other messenger has it: a backlog is not given up by a line in the configuration.
#[test]
fn what_was_sealed_for_a_messenger_it_gets_whatever_it_is_given_by_then() {
    let types = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
    let gives = |journal: &Journal, given: Option<Vec<String>>| {
        journal.gives([("m".to_owned(), given)].into());
    };
    let sealed = || {
        let site = Site::new(&["m"]);
        let (journal, _) = site.open();
        gives(&journal, None);
        site.seal(&journal, 0, &[cloud("0", "0", 1), ip("0-ip")]);
        gives(&journal, types(&["ip"]));
        site.seal(&journal, 1, &[cloud("1", "1", 1), ip("1-ip")]);
        site
    };
    let packed = |taking: Taking<'_>| {
        let site = sealed();
        // Another run.
        let (journal, _) = site.open();
        let not_given = journal.queue("m").pack(taking, None).unwrap();
        let consumer = Consumer::default();
        consumer.drain(&journal, "m");
        (consumer.ids(), not_given.into_values().sum::<u64>())
    };
    let (storage, ip) = (["storage".to_owned()], ["ip".to_owned()]);
    let taking = |record_types, component| Taking {
        record_types,
        component,
    };
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        packed(taking(Some(&storage), None)),
        (ids(&["0", "0-ip", "1-ip"]), 1)
    );
    assert_eq!(
        packed(taking(Some(&ip), Some(&ip))),
        (ids(&["0-ip", "1-ip"]), 2)
    );
    assert_eq!(
        packed(taking(None, None)),
        (ids(&["0", "1", "0-ip", "1-ip"]), 0)
    );
}

/// What a run seals is let go project by project, whatever was sealed first.
#[test]
fn what_is_held_is_packed_when_it_is_let_go() {
    let site = Site::new(&["m"]);
    site.extract(&["earlier"]);
    let (journal, _) = site.open();
    let consumer = Consumer::default();
    journal.hold_from(Some(0));
    site.seal(&journal, 2, &[cloud("2", "2", 1)]);
    site.seal(&journal, 0, &[cloud("0", "0", 1), ip("0-ip")]);
    assert_eq!((journal.sealed_of(0..1), journal.sealed_of(0..3)), (2, 3));
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["earlier"]);
    journal.hold_from(Some(2));
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["earlier", "0", "0-ip"]);
    // What is held is no gap before it.
    site.seal(&journal, 1, &[cloud("1", "1", 1)]);
    consumer.drain(&journal, "m");
    journal.hold_from(None);
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["earlier", "0", "0-ip", "1", "2"]);
    assert!(journal.take_notices().is_empty());
}

#[test]
fn projects_share_batches_of_whole_packing_units() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    for project in 0..3 {
        let records: Vec<_> = (0..850)
            .map(|at| format!("{project}-{at}"))
            .map(|id| cloud(&id, &id, 1))
            .collect();
        site.seal(&journal, project, &records);
    }
    let consumer = Consumer::default();
    consumer
        .deliver(&journal.queue("m"), (None, Some(300)), all)
        .unwrap();
    let sizes: Vec<usize> = consumer.offered().iter().map(|o| o.records.len()).collect();
    assert_eq!(sizes, [900, 900, 750]);
    assert_eq!(consumer.ids().len(), 2550);
    assert_eq!(consumer.ids()[1699], "1-849");
}

#[test]
fn a_backlog_goes_before_what_is_new() {
    let site = Site::new(&["m"]);
    let consumer = Consumer::default();
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
        let (journal, _) = site.open();
        consumer
            .deliver(&journal.queue("m"), (None, None), nothing)
            .unwrap();
    }
    assert_eq!(
        site.files("messengers/m").len(),
        4,
        "three packs, one of them tried"
    );
    let first = consumer.offered();
    assert!(first.iter().all(|offer| offer.records == ["1"]));
    assert!(first.iter().all(|offer| offer.id == first[0].id));
    let attempts: Vec<u32> = first.iter().map(|offer| offer.attempt).collect();
    assert_eq!(attempts, [1, 2, 3], "counted over runs");
    site.extract(&["4"]);
    consumer.drain(&site.open().0, "m");
    assert_eq!(consumer.ids(), ["1", "2", "3", "4"]);
}

#[test]
fn each_messenger_gets_the_types_it_takes_and_goes_at_its_own_pace() {
    let site = Site::new(&["clouds", "all", "none"]);
    let (journal, _) = site.open();
    site.seal(
        &journal,
        0,
        &[cloud("a", "a", 1), ip("b"), other("c", "cloud")],
    );
    let (clouds, everything, none) = (
        Consumer::default(),
        Consumer::default(),
        Consumer::default(),
    );
    let typed = |consumer: &Consumer, name: &str, types: &[&str]| {
        let types: Vec<String> = types.iter().map(|t| (*t).to_owned()).collect();
        let queue = journal.queue(name);
        let came = consumer.deliver(&queue, (Some(&types), None), all).unwrap();
        came.not_given.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        typed(&clouds, "clouds", &["cloud"]),
        [("ip".to_owned(), 1)],
        "the other one is called `cloud` too"
    );
    assert_eq!(everything.drain(&journal, "all").not_given.len(), 0);
    let left_out = typed(&none, "none", &["energy"]);
    assert_eq!(left_out, [("cloud".to_owned(), 2), ("ip".to_owned(), 1)]);
    assert_eq!(typed(&none, "none", &["energy"]), [], "named once");
    assert_eq!(clouds.ids(), ["a", "c"]);
    assert_eq!(everything.ids(), ["a", "b", "c"]);
    assert_eq!(none.offered().len(), 0);
    journal.clean().unwrap();
    assert_eq!(site.files("segments"), [""; 0]);
}

#[test]
fn a_messenger_that_is_gone_keeps_its_records_and_is_named() {
    let site = Site::new(&["stays", "goes"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("a", "a", 1), cloud("b", "b", 1)]);
    drop(journal);
    let consumer = Consumer::default();
    // Packed for and half taken, then taken out of the configuration.
    let (journal, _) = site.open();
    consumer.drain(&journal, "stays");
    consumer
        .deliver(&journal.queue("goes"), (None, None), |records| {
            let mut taken = all(records);
            taken.accepted = 1;
            taken
        })
        .unwrap();
    drop(journal);
    let later = Site {
        messengers: vec!["stays".into()],
        ..site
    };
    later.extract(&["c"]);
    consumer.drain(&later.open().0, "stays");
    let waiting = later.open().0.waiting().unwrap();
    let goes = waiting.iter().find(|w| w.messenger == "goes").unwrap();
    assert_eq!((goes.records, goes.quarantined), (1, 0));
    assert_eq!(goes.oldest, Some(1000));
    assert!(goes.bytes > 0);
    assert_eq!(later.waiting()["stays"], 0);
    // And comes back.
    let back = Consumer::default();
    back.drain(&later.open().0, "goes");
    assert_eq!(back.ids(), ["b"]);
    assert_eq!(later.files("segments"), [""; 0]);
}

#[test]
fn a_messenger_added_later_gets_what_is_extracted_from_then_on() {
    let site = Site::new(&["old"]);
    site.extract(&["a"]);
    let site = Site {
        messengers: vec!["old".into(), "new".into()],
        ..site
    };
    site.extract(&["b"]);
    let (old, new) = (Consumer::default(), Consumer::default());
    let (journal, _) = site.open();
    old.drain(&journal, "old");
    new.drain(&journal, "new");
    assert_eq!((old.ids().len(), new.ids().len()), (2, 1));
}

#[test]
fn an_instances_odd_name_stays_in_the_journal() {
    let name = "../../caso.messenger:x/y";
    let site = Site::new(&[name]);
    site.extract(&["a"]);
    assert_eq!(site.waiting()[name], 1);
    let consumer = Consumer::default();
    consumer.drain(&site.open().0, name);
    assert_eq!(consumer.ids(), ["a"]);
    assert_eq!(list(site.dir.path()).len(), 1);
}

/// All batches of a pack share a file, in which each has a record of index 0. One that
/// is refused again after a kill is not written twice.
#[test]
fn a_record_of_each_batch_lies_in_quarantine() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("vm", "vm", 1), ip("ip")]);
    let queue = journal.queue("m");
    queue.pack(Taking::default(), None).unwrap();
    for _ in 0..2 {
        let mut pack = front(&queue);
        while let Some(batch) = pack.next_batch().unwrap() {
            let items = batch.records().unwrap().items;
            batch.quarantine(7, &[refused(&items[0])]).unwrap();
        }
    }
    assert_eq!(site.quarantined_ids("m"), ["vm", "ip"]);
}

#[test]
fn a_window_without_records_leaves_nothing() {
    let site = Site::new(&["m"]);
    let counted = At::never();
    let (journal, _) = Journal::open(&site.spool(counted.disk()), 1).unwrap();
    site.seal(&journal, 0, &[ip("1")]);
    assert!(!counted.take_steps(site.dir.path()).is_empty());
    let sealed = site.begin(&journal, 1).seal().unwrap();
    assert_eq!((sealed.records, sealed.bytes), (0, 0));
    journal.revoke(&sealed).unwrap();
    let open = "caso-journal/segments/00000001-00001-00-00.open";
    let steps = counted.take_steps(site.dir.path());
    assert_eq!(steps, [format!("Create {open}"), format!("Remove {open}")]);
}

#[test]
fn a_messenger_gets_what_was_extracted_for_it() {
    let mut site = Site::new(&["early"]);
    site.extract(&["1"]);
    site.messengers = vec!["late".to_owned()];
    site.extract(&["2"]);
    assert_eq!(
        site.waiting(),
        [("early".into(), 1), ("late".into(), 1)].into()
    );
    for (name, id) in [("early", "1"), ("late", "2")] {
        let consumer = Consumer::default();
        consumer.drain(&site.open().0, name);
        assert_eq!(consumer.ids(), [id]);
    }
}

#[test]
fn nothing_to_report_makes_no_segment_but_keeps_the_quarantined_usage() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let mut writer = site.begin(&journal, 0);
    writer.quarantine_usage(&usage("u"), "no VO").unwrap();
    let sealed = writer.seal().unwrap();
    assert_eq!(
        (sealed.records, sealed.bytes, sealed.quarantined),
        (0, 0, 1)
    );
    assert_eq!(site.files("segments"), [""; 0]);
    let kept = list(&site.path("quarantine/mapper"));
    assert_eq!(kept.len(), 1);
    let text = std::fs::read_to_string(&kept[0]).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(
        text.contains("no VO") && text.contains("project-0"),
        "{text}"
    );
}

#[test]
fn a_writer_that_is_dropped_was_never_there() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let mut writer = site.begin(&journal, 0);
    writer.append(&cloud("a", "a", 1)).unwrap();
    writer.quarantine_usage(&usage("u"), "x").unwrap();
    drop(writer);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(site.files("quarantine/mapper"), [""; 0]);
}

#[test]
fn a_number_that_json_cannot_hold_costs_only_its_record() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let mut writer = site.begin(&journal, 0);
    let mut odd = cloud("odd", "odd", 1);
    if let AccountingRecord::Cloud(record) = &mut odd {
        record.benchmarks[0].value = Some(f64::NAN);
    }
    let failed = writer.append(&odd).unwrap_err().to_string();
    assert!(
        failed.contains("odd") && failed.contains("`benchmarks`"),
        "{failed}"
    );
    writer.append(&cloud("a", "a", 1)).unwrap();
    assert_eq!(writer.seal().unwrap().records, 1);
}

#[test]
fn records_come_out_as_they_went_in() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let records = [
        cloud("a", "k", 7),
        ip("b"),
        other("c", "cloud"),
        other("d", "öß \"\n"),
    ];
    let sealed = site.seal(&journal, 0, &records);
    assert_eq!(sealed.records, 4);
    assert_eq!(sealed.by_type["cloud"], 1);
    let file = std::fs::metadata(&list(&site.path("segments"))[0]).unwrap();
    assert_eq!(sealed.bytes, file.len());
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    let mut got = consumer.got.lock().unwrap().clone();
    got.sort_by_key(|record| record.head().id.clone());
    assert_eq!(got, records);
}

#[test]
fn what_the_operator_gives_up_is_gone_for_that_messenger_only() {
    let site = Site::new(&["stays", "goes"]);
    let consumer = Consumer::default();
    site.extract(&["packed"]);
    let (journal, _) = site.open();
    for name in ["stays", "goes"] {
        consumer
            .deliver(&journal.queue(name), (None, None), nothing)
            .unwrap();
    }
    drop(journal);
    site.extract(&["not", "packed", "yet"]);
    assert_eq!(site.open().0.forget("goes").unwrap(), 4);
    assert_eq!(site.waiting()["stays"], 4);
    assert_eq!(site.waiting().get("goes").copied().unwrap_or(0), 0);
    let (stays, goes) = (Consumer::default(), Consumer::default());
    site.extract(&["new"]);
    let (journal, _) = site.open();
    stays.drain(&journal, "stays");
    goes.drain(&journal, "goes");
    assert_eq!(goes.ids(), ["new"]);
    assert_eq!(stays.ids().len(), 5);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(site.files("messengers/goes"), [""; 0]);
}
