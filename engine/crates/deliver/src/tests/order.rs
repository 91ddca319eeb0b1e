//! Order, packing, who gets what, what waits.

use super::support::*;
use crate::*;
use caso_model::guest::*;
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
    let sink = Sink::default();
    site.deliver_from(
        &journal,
        std::time::Duration::from_secs(9),
        vec![sink.healthy("m")],
    );
    assert_eq!(
        sink.ids(),
        [
            "0-cloud", "2-cloud", "11-cloud", "0-ip", "2-ip", "11-ip", "0-other", "2-other",
            "11-other"
        ]
    );
    let types: Vec<String> = sink.offered().into_iter().map(|o| o.record_type).collect();
    assert_eq!(types, ["cloud", "ip", "object-storage"]);
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
    let sink = Sink::default();
    let instance = Instance {
        packing_unit: Some(300),
        ..sink.healthy("m")
    };
    site.deliver_from(&journal, std::time::Duration::from_secs(9), vec![instance]);
    let sizes: Vec<usize> = sink.offered().iter().map(|o| o.records.len()).collect();
    assert_eq!(sizes, [900, 900, 750]);
    assert_eq!(sink.ids().len(), 2550);
    assert_eq!(sink.ids()[1699], "1-849");
}

#[test]
fn a_backlog_goes_before_what_is_new() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    let down = || sink.messenger("m", |_| Ok(answer(0, &[], Rest::Other("down".into()))));
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
        site.deliver(vec![down()]);
    }
    assert_eq!(
        site.files("messengers/m").len(),
        4,
        "three packs, one of them tried"
    );
    let first = sink.offered();
    assert!(first.iter().all(|offer| offer.records == ["1"]));
    assert!(first.iter().all(|offer| offer.id == first[0].id));
    site.extract(&["4"]);
    site.deliver(vec![sink.healthy("m")]);
    assert_eq!(sink.ids(), ["1", "2", "3", "4"]);
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
    let (clouds, everything, none) = (Sink::default(), Sink::default(), Sink::default());
    let typed = |sink: &Sink, name: &str, types: &[&str]| Instance {
        record_types: Some(types.iter().map(|t| (*t).to_owned()).collect()),
        ..sink.healthy(name)
    };
    site.deliver_from(
        &journal,
        std::time::Duration::from_secs(9),
        vec![
            typed(&clouds, "clouds", &["cloud"]),
            everything.healthy("all"),
            typed(&none, "none", &["energy"]),
        ],
    );
    assert_eq!(clouds.ids(), ["a", "c"]);
    assert_eq!(everything.ids(), ["a", "b", "c"]);
    assert_eq!(none.offered().len(), 0);
    drop(journal);
    assert_eq!(site.files("segments"), [""; 0]);
}

#[test]
fn a_messenger_that_is_gone_keeps_its_records_and_is_named() {
    let site = Site::new(&["stays", "goes"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("a", "a", 1), cloud("b", "b", 1)]);
    drop(journal);
    let sink = Sink::default();
    // Packed for and refused once, then taken out of the configuration.
    let down = sink.messenger("goes", |_| Ok(answer(1, &[], Rest::Other("down".into()))));
    site.deliver(vec![sink.healthy("stays"), down]);
    let later = Site {
        messengers: vec!["stays".into()],
        ..site
    };
    later.extract(&["c"]);
    later.deliver(vec![sink.healthy("stays")]);
    let waiting = later.open().0.waiting().unwrap();
    let goes = waiting.iter().find(|w| w.messenger == "goes").unwrap();
    assert_eq!((goes.records, goes.quarantined), (1, 0));
    assert_eq!(goes.oldest, Some(1000));
    assert!(goes.bytes > 0);
    assert_eq!(later.waiting()["stays"], 0);
    // And comes back.
    let back = Sink::default();
    later.deliver(vec![back.healthy("goes")]);
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
    let (old, new) = (Sink::default(), Sink::default());
    site.deliver(vec![old.healthy("old"), new.healthy("new")]);
    assert_eq!((old.ids().len(), new.ids().len()), (2, 1));
}

#[test]
fn an_instances_odd_name_stays_in_the_journal() {
    let name = "../../caso.messenger:x/y";
    let site = Site::new(&[name]);
    site.extract(&["a"]);
    assert_eq!(site.waiting()[name], 1);
    let sink = Sink::default();
    site.deliver(vec![sink.healthy(name)]);
    assert_eq!(sink.ids(), ["a"]);
    assert_eq!(list(site.dir.path()).len(), 1);
}

#[test]
fn nothing_to_report_makes_no_segment_but_keeps_the_quarantined_usage() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let window = caso_model::Window { start: 0, end: 1 };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mut writer = journal
        .begin(key(0, window), order, &site.messengers, &mapper())
        .unwrap();
    writer.quarantine_usage(&usage("u"), "no VO").unwrap();
    let sealed = writer.seal().unwrap();
    assert_eq!(
        (sealed.records, sealed.bytes, sealed.quarantined),
        (0, 0, 1)
    );
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(journal.quarantined_usage().unwrap(), 1);
    let text = std::fs::read_to_string(&list(&site.path("quarantine/mapper"))[0]).unwrap();
    assert!(
        text.contains("no VO") && text.contains("project-0"),
        "{text}"
    );
}

#[test]
fn a_writer_that_is_dropped_was_never_there() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    let window = caso_model::Window { start: 0, end: 1 };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mut writer = journal
        .begin(key(0, window), order, &site.messengers, &mapper())
        .unwrap();
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
    let window = caso_model::Window { start: 0, end: 1 };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mut writer = journal
        .begin(key(0, window), order, &site.messengers, &mapper())
        .unwrap();
    let mut odd = cloud("odd", "odd", 1);
    if let AccountingRecord::Cloud(record) = &mut odd {
        record.benchmark_value = Some(f64::NAN);
    }
    let failed = writer.append(&odd).unwrap_err().to_string();
    assert!(
        failed.contains("odd") && failed.contains("benchmark-value"),
        "{failed}"
    );
    writer.append(&cloud("a", "a", 1)).unwrap();
    assert_eq!(writer.seal().unwrap().records, 1);
}

#[test]
fn what_the_operator_gives_up_is_gone_for_that_messenger_only() {
    let site = Site::new(&["stays", "goes"]);
    let sink = Sink::default();
    let down = |name: &str| sink.messenger(name, |_| Ok(answer(0, &[], Rest::Other("no".into()))));
    site.extract(&["packed"]);
    site.deliver(vec![down("stays"), down("goes")]);
    site.extract(&["not", "packed", "yet"]);
    assert_eq!(site.open().0.forget("goes").unwrap(), 4);
    assert_eq!(site.waiting()["stays"], 4);
    assert_eq!(site.waiting().get("goes").copied().unwrap_or(0), 0);
    let (stays, goes) = (Sink::default(), Sink::default());
    site.extract(&["new"]);
    site.deliver(vec![stays.healthy("stays"), goes.healthy("goes")]);
    assert_eq!(goes.ids(), ["new"]);
    assert_eq!(stays.ids().len(), 5);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(site.files("messengers/goes"), [""; 0]);
}
