//! The retry rule, case by case.

use std::time::Duration;

use super::support::*;
use crate::*;
use caso_model::answer::CheckedAnswer;
use caso_model::guest::*;
use caso_model::record::AccountingRecord;

const ABC: [&str; 3] = ["a", "b", "c"];
const TEN: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

fn site(names: &[&str]) -> (Site, Sink) {
    let site = Site::new(&["m"]);
    site.extract(names);
    (site, Sink::default())
}

fn one(site: &Site, instance: Instance) -> InstanceReport {
    site.deliver(vec![instance]).remove(0)
}

#[test]
fn what_is_accepted_is_gone_from_the_disk() {
    let (site, sink) = site(&ABC);
    let report = one(&site, sink.healthy("m"));
    assert!(report.outcome.is_complete());
    assert_eq!((report.delivered, report.waiting), (3, 0));
    assert_eq!(sink.ids(), ABC);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(site.files("messengers/m"), [""; 0]);
    one(&site, sink.healthy("m"));
    assert_eq!(sink.offered().len(), 1);
}

#[test]
fn records_come_out_as_they_went_in() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    let records = [
        cloud("a", "k", 7),
        ip("b"),
        other("c", "cloud"),
        other("d", "öß \"\n"),
    ];
    let sealed = site.seal(&site.open().0, 0, &records);
    assert_eq!(sealed.records, 4);
    one(&site, sink.healthy("m"));
    let mut got = sink.got.lock().unwrap().clone();
    got.sort_by_key(|record| record.head().id.clone());
    assert_eq!(got, records);
}

#[test]
fn each_record_is_offered_with_where_it_comes_from() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    let (journal, _) = site.open();
    site.seal(&journal, 3, &[cloud("a", "a", 1), cloud("b", "b", 1)]);
    site.seal(&journal, 7, &[cloud("c", "c", 1), ip("d")]);
    site.deliver_from(&journal, Duration::from_secs(9), vec![sink.healthy("m")]);
    let offers = sink.offered();
    let [clouds, ips] = &offers[..] else {
        panic!("{offers:?}");
    };
    assert_eq!(clouds.projects, ["project-3", "project-3", "project-7"]);
    assert_eq!(clouds.origins, 2);
    assert_eq!(
        (&ips.projects[..], ips.origins),
        (&["project-7".to_owned()][..], 1)
    );
    assert_eq!(clouds.time_left, Duration::from_secs(9));
}

#[test]
fn what_is_left_of_a_batch_keeps_its_origins() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    let (journal, _) = site.open();
    site.seal(&journal, 3, &[cloud("a", "a", 1)]);
    site.seal(&journal, 7, &[cloud("b", "b", 1)]);
    let mut calls = 0;
    let messenger = sink.messenger("m", move |records| {
        calls += 1;
        Ok(match calls {
            1 => answer(1, &[], again(1)),
            _ => all(records),
        })
    });
    site.deliver_from(&journal, Duration::from_secs(9), vec![messenger]);
    let offers = sink.offered();
    assert_eq!(offers[1].records, ["b"]);
    assert_eq!(
        (&offers[1].projects[..], offers[1].origins),
        (&["project-7".to_owned()][..], 1)
    );
    // A second of the run was spent in waiting.
    assert_eq!(offers[1].time_left, Duration::from_secs(8));
}

#[test]
fn the_refused_are_quarantined_and_the_others_go_on() {
    let (site, sink) = site(&TEN);
    let mut asked = 0;
    let report = one(
        &site,
        sink.messenger("m", move |records| {
            asked += 1;
            Ok(match asked {
                // One among the accepted, one behind them.
                1 => answer(4, &[1, 8], again(0)),
                _ => all(records),
            })
        }),
    );
    assert!(report.outcome.is_complete());
    assert_eq!((report.delivered, report.refused), (8, 2));
    assert_eq!(sink.ids(), ["0", "2", "3", "4", "5", "6", "7", "9"]);
    assert_eq!(site.quarantined_ids("m"), ["1", "8"]);
    assert_eq!(site.quarantined("m")[0].1, "not to my taste");
    let offers = sink.offered();
    assert_eq!(offers[1].records, ["4", "5", "6", "7", "9"]);
    assert_eq!(offers[1].attempt, 2);
    assert_ne!(offers[0].id, offers[1].id, "a part is not the whole again");
    assert!(offers[1].id.starts_with(&offers[0].id));
}

/// In one answer, and in a later run: put back behind it, the older would take usage back.
#[test]
fn what_was_accepted_of_a_key_in_quarantine_is_remembered() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    let records = [
        cloud("a1", "a", 1),
        cloud("a2", "a", 2),
        cloud("b1", "b", 1),
    ];
    site.seal(&site.open().0, 0, &records);
    let picky = |_: &[AccountingRecord]| Ok(answer(3, &[0, 2], Rest::Done));
    one(&site, sink.messenger("m", picky));
    site.seal(&site.open().0, 0, &[cloud("b2", "b", 2)]);
    one(&site, sink.healthy("m"));
    let returned = site.open().0.retry("m", &mut |_, _| {}).unwrap();
    assert_eq!((returned.returned, returned.superseded), (0, 2));
}

/// A server whose record is refused hour after hour is one line, not one an hour.
#[test]
fn what_is_refused_again_replaces_what_was_refused_before() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    for hour in 1..=3 {
        let records = [cloud(&format!("a{hour}"), "a", hour)];
        site.seal(&site.open().0, 0, &records);
        let picky = |_: &[AccountingRecord]| Ok(answer(1, &[0], Rest::Done));
        let report = one(&site, sink.messenger("m", picky));
        assert_eq!(report.refused, 1);
        assert_eq!(site.quarantined_ids("m"), [format!("a{hour}")]);
    }
}

#[test]
fn a_later_run_goes_on_where_the_last_one_stopped() {
    let (site, sink) = site(&TEN);
    let stopping = |accepted: usize| {
        sink.messenger("m", move |_| {
            Ok(answer(accepted, &[], Rest::Other("no more today".into())))
        })
    };
    let report = one(&site, stopping(3));
    assert!(matches!(report.outcome, Ending::Other(_)));
    assert_eq!(report.waiting, 7);
    one(&site, stopping(0));
    one(&site, stopping(0));
    one(&site, sink.healthy("m"));
    assert_eq!(sink.ids(), TEN);
    let offers = sink.offered();
    let attempts: Vec<u32> = offers.iter().map(|offer| offer.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4], "counted over runs");
    assert_eq!(
        offers[1].id, offers[3].id,
        "a repetition is known by its id"
    );
}

#[test]
fn it_waits_as_long_as_it_is_asked_to() {
    let (site, sink) = site(&ABC);
    let mut asked = 0;
    let report = one(
        &site,
        sink.messenger("m", move |records| {
            asked += 1;
            Ok(match asked {
                1 => answer(1, &[], again(600)),
                2 => answer(0, &[], again(30)),
                _ => all(records),
            })
        }),
    );
    assert!(report.outcome.is_complete());
    assert_eq!(sink.ids(), ABC);
    assert_eq!(site.clock.waited(), Duration::from_secs(630));
}

#[test]
fn a_wish_to_wait_holds_for_the_next_batch() {
    let site = Site::new(&["m"]);
    let sink = Sink::default();
    site.seal(&site.open().0, 0, &[cloud("a", "a", 1), ip("b")]);
    let mut asked = 0;
    let messenger = sink.messenger("m", move |records| {
        asked += 1;
        Ok(match asked {
            1 => answer(records.len(), &[], again(20)),
            _ => all(records),
        })
    });
    assert!(one(&site, messenger).outcome.is_complete());
    assert_eq!(sink.ids(), ["a", "b"]);
    assert_eq!(site.clock.waited(), Duration::from_secs(20));
}

#[test]
fn it_does_not_wait_for_what_the_run_cannot_see() {
    let (site, sink) = site(&ABC);
    let busy = sink.messenger("m", |_| Ok(answer(0, &[], again(3600))));
    let report = site.deliver_within(Duration::from_secs(600), vec![busy]);
    assert!(matches!(
        report[0].outcome,
        Ending::RetryLater { seconds: 3600, .. }
    ));
    assert_eq!(site.clock.waited(), Duration::ZERO);
    assert_eq!(report[0].waiting, 3);
}

#[test]
fn a_messenger_that_is_never_ready_is_not_asked_for_ever() {
    let (site, sink) = site(&ABC);
    let busy = sink.messenger("m", |_| Ok(answer(0, &[], again(0))));
    let report = one(&site, busy);
    assert!(matches!(report.outcome, Ending::RetryLater { .. }));
    assert!(sink.offered().len() < 20);
}

#[test]
fn too_large_means_smaller_offers_and_a_record_too_large_alone_is_quarantined() {
    let (site, sink) = site(&TEN);
    let report = one(
        &site,
        sink.messenger("m", |records| {
            let size: usize = records
                .iter()
                .map(|r| if r.head().id == "6" { 100 } else { 1 })
                .sum();
            Ok(if size > 3 {
                answer(0, &[], Rest::TooLarge)
            } else {
                all(records)
            })
        }),
    );
    assert!(report.outcome.is_complete());
    assert_eq!(site.quarantined_ids("m"), ["6"]);
    assert_eq!(sink.ids(), ["0", "1", "2", "3", "4", "5", "7", "8", "9"]);
}

#[test]
fn the_one_record_on_which_it_traps_is_found_wherever_it_is() {
    for bad in TEN {
        let (site, sink) = site(&TEN);
        let report = one(&site, sink.poisoned("m", &[bad]));
        assert!(report.outcome.is_complete(), "{bad}: {}", report.outcome);
        assert_eq!(site.quarantined_ids("m"), [bad]);
        assert!(site.quarantined("m")[0].1.contains("unreachable"));
        let others: Vec<&str> = TEN.into_iter().filter(|id| *id != bad).collect();
        assert_eq!(sink.ids(), others);
        assert_eq!((report.failed, report.waiting), (1, 0));
    }
}

/// A messenger whose every call may fail, by a generator with a seed.
fn flaky(sink: &Sink, percent: u64, seed: u64) -> Instance {
    let mut state = seed;
    sink.messenger("m", move |records| {
        // Knuth's MMIX generator; its high bits.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match (state >> 33) % 100 < percent {
            true => Err(failure(FailureKind::Trap)),
            false => Ok(all(records)),
        }
    })
}

#[test]
fn a_messenger_that_fails_now_and_then_costs_no_good_record() {
    for percent in [10, 30, 50, 80] {
        let names: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (site, sink) = site(&names);
        for run in 0..8 {
            one(&site, flaky(&sink, percent, percent * 1_000 + run));
        }
        one(&site, sink.healthy("m"));
        assert_eq!(site.quarantined_ids("m"), [""; 0], "{percent} %");
        let mut ids = sink.ids();
        ids.sort();
        ids.dedup();
        assert_eq!(ids, names, "{percent} %");
    }
}

#[test]
fn bad_records_in_clusters_are_found() {
    let (site, sink) = site(&TEN);
    let report = one(&site, sink.poisoned("m", &["2", "3", "4", "5", "6", "8"]));
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    assert_eq!(site.quarantined_ids("m"), ["2", "3", "4", "5", "6", "8"]);
    let mut got = sink.ids();
    // One that was offered ahead of its turn as a proof has its turn all the same.
    assert_eq!(&got[got.len() - 2..], ["7", "9"]);
    got.sort();
    got.dedup();
    assert_eq!(got, ["0", "1", "7", "9"]);
}

#[test]
fn a_messenger_that_fails_on_everything_is_broken_and_nothing_is_quarantined() {
    for kind in [
        FailureKind::Trap,
        FailureKind::Memory,
        FailureKind::Deadline,
        FailureKind::Contract,
    ] {
        let (site, sink) = site(&TEN);
        let report = one(&site, sink.messenger("m", move |_| Err(failure(kind))));
        assert!(
            matches!(report.outcome, Ending::Broken(_)),
            "{}",
            report.outcome
        );
        assert_eq!(report.waiting, 10);
        assert_eq!(site.quarantined_ids("m"), [""; 0]);
        one(&site, sink.healthy("m"));
        assert_eq!(sink.ids(), TEN);
    }
}

#[test]
fn one_that_breaks_half_way_quarantines_nothing_either() {
    let (site, sink) = site(&TEN);
    site.extract(&["x", "y", "z", "w", "v"]);
    let mut asked = 0;
    let report = one(
        &site,
        sink.messenger("m", move |records| {
            asked += 1;
            if asked > 1 {
                return Err(failure(FailureKind::Deadline));
            }
            assert_eq!(records.len(), 15);
            Ok(answer(10, &[], again(0)))
        }),
    );
    assert!(
        matches!(report.outcome, Ending::Broken(_)),
        "{}",
        report.outcome
    );
    assert_eq!(site.quarantined_ids("m"), [""; 0]);
    assert_eq!(report.waiting, 5);
}

#[test]
fn a_lone_record_waits_for_something_to_compare_it_with() {
    let (site, sink) = site(&["bad"]);
    for _ in 0..5 {
        let report = one(&site, sink.poisoned("m", &["bad"]));
        assert!(matches!(report.outcome, Ending::Undecided(_)));
        assert_eq!((report.waiting, report.failed), (1, 0));
    }
    site.extract(&["good", "better"]);
    let report = one(&site, sink.poisoned("m", &["bad"]));
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    assert_eq!(site.quarantined_ids("m"), ["bad"]);
    assert_eq!(sink.ids(), ["good", "better"]);
    assert_eq!(site.files("messengers/m"), [""; 0]);
}

#[test]
fn a_hang_on_the_last_record_is_not_held_against_it() {
    let (site, sink) = site(&ABC);
    let hanging = sink.messenger("m", |records| {
        if records.iter().any(|r| r.head().id == "c") {
            return Err(failure(FailureKind::Deadline));
        }
        Ok(all(records))
    });
    let report = one(&site, hanging);
    assert!(matches!(report.outcome, Ending::Undecided(_)));
    assert_eq!(sink.ids(), ["a", "b"]);
    one(&site, sink.healthy("m"));
    assert_eq!(sink.ids(), ABC);
}

#[test]
fn neither_a_failed_start_nor_a_full_queue_is_a_records_fault() {
    for kind in [FailureKind::Start, FailureKind::Host] {
        let (site, sink) = site(&ABC);
        let report = one(&site, sink.messenger("m", move |_| Err(failure(kind))));
        assert!(matches!(report.outcome, Ending::Failed(_)));
        assert_eq!(sink.offered().len(), 1);
        assert_eq!((report.waiting, site.quarantined("m").len()), (3, 0));
    }
    let (site, _) = site(&ABC);
    let unstarted = Instance {
        name: "m".into(),
        record_types: None,
        component_types: None,
        packing_unit: None,
        beside: true,
        messenger: Box::new(Unstarted(failure(FailureKind::Start))),
    };
    assert_eq!(one(&site, unstarted).waiting, 3);
}

/// Defect 4 of the durability review: a queue that has room for some messages gets
/// them, instead of the first ones again and again.
#[test]
fn a_queue_without_room_for_all_gets_what_it_has_room_for() {
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let narrow = |records: &[caso_model::record::AccountingRecord]| match records.len() {
        0..=2 => Ok(all(records)),
        _ => Err(failure(FailureKind::Room)),
    };
    let (site, sink) = site(&ids);
    let report = one(&site, sink.messenger("m", narrow));
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    assert_eq!(sink.ids(), ids);
    let sizes: Vec<usize> = sink
        .offered()
        .iter()
        .map(|offer| offer.records.len())
        .collect();
    assert_eq!(sizes, [8, 4, 2, 2, 2, 2]);

    // A packing unit is one message: fewer records would need no less room.
    let (site, sink) = self::site(&ids);
    let full = Instance {
        packing_unit: Some(3),
        ..sink.messenger("m", |_| Err(failure(FailureKind::Room)))
    };
    let report = one(&site, full);
    assert!(matches!(report.outcome, Ending::Failed(_)));
    let sizes: Vec<usize> = sink
        .offered()
        .iter()
        .map(|offer| offer.records.len())
        .collect();
    assert_eq!(sizes, [8, 3]);
    assert_eq!((report.waiting, site.quarantined("m").len()), (8, 0));
}

#[test]
fn numbers_outside_the_batch_are_the_messengers_fault() {
    for wrong in [answer(4, &[], Rest::Done), answer(3, &[3], Rest::Done)] {
        let (site, sink) = site(&ABC);
        let report = one(&site, sink.messenger("m", move |_| Ok(wrong.clone())));
        assert!(matches!(
            report.outcome,
            Ending::Broken(_) | Ending::Undecided(_)
        ));
        assert_eq!((report.waiting, site.quarantined("m").len()), (3, 0));
    }
}

#[test]
fn done_with_records_left_is_not_done() {
    let (site, sink) = site(&ABC);
    let report = one(
        &site,
        sink.messenger("m", |_| Ok(answer(1, &[], Rest::Done))),
    );
    assert!(matches!(report.outcome, Ending::Other(_)));
    assert_eq!(report.waiting, 2);
}

#[test]
fn misconfigured_stops_with_its_own_words() {
    let (site, sink) = site(&ABC);
    let report = one(
        &site,
        sink.messenger("m", |_| {
            Ok(answer(0, &[], Rest::Misconfigured("no host".into())))
        }),
    );
    assert_eq!(report.outcome.to_string(), "it is misconfigured: no host");
}

struct Hanging;

impl Messenger for Hanging {
    fn deliver<'a>(
        &'a mut self,
        _: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        Box::pin(std::future::pending())
    }
}

struct Panicking;

impl Messenger for Panicking {
    fn deliver<'a>(
        &'a mut self,
        _: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        panic!("a bug of the host")
    }
}

#[test]
fn one_that_hangs_and_one_that_panics_harm_nobody_else() {
    let site = Site::new(&["hangs", "panics", "well"]);
    site.extract(&ABC);
    let sink = Sink::default();
    let instance = |name: &str, messenger: Box<dyn Messenger>| Instance {
        name: name.into(),
        record_types: None,
        component_types: None,
        packing_unit: None,
        beside: true,
        messenger,
    };
    let reports = site.deliver(vec![
        instance("hangs", Box::new(Hanging)),
        instance("panics", Box::new(Panicking)),
        sink.healthy("well"),
    ]);
    assert!(matches!(reports[0].outcome, Ending::OutOfTime(None)));
    assert!(matches!(reports[1].outcome, Ending::Failed(_)));
    assert!(reports[2].outcome.is_complete());
    let waiting: Vec<u64> = reports.iter().map(|report| report.waiting).collect();
    assert_eq!(waiting, [3, 3, 0]);
    assert_eq!(sink.ids(), ABC);
    site.deliver(vec![sink.healthy("hangs"), sink.healthy("panics")]);
    assert_eq!(sink.ids().len(), 9);
    assert_eq!(site.files("segments"), [""; 0]);
}

#[test]
fn a_cancelled_run_stops_between_batches() {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("a", "a", 1), ip("b")]);
    let (cancel, cancelled) = tokio::sync::watch::channel(false);
    let sink = Sink::default();
    let instance = sink.messenger("m", move |records| {
        // The signal comes while the first batch is being delivered.
        cancel.send_replace(true);
        Ok(all(records))
    });
    let delivery = block_on(deliver(
        &journal,
        vec![instance],
        Duration::from_secs(60),
        site.clock.clone(),
        cancelled,
    ));
    let report = &delivery.instances[0];
    assert!(matches!(report.outcome, Ending::Cancelled));
    assert_eq!((report.delivered, report.waiting), (1, 1));
}

/// Its calls took the time, and that is what its author has to know.
#[test]
fn time_that_calls_took_is_said_with_them() {
    let (site, sink) = site(&ABC);
    let clock = site.clock.clone();
    let slow = sink.messenger("m", move |_| {
        clock.pass(Duration::from_secs(6));
        Err(failure(FailureKind::Deadline))
    });
    let report = site.deliver_within(Duration::from_secs(10), vec![slow]);
    let outcome = &report[0].outcome;
    assert!(matches!(outcome, Ending::OutOfTime(Some(_))), "{outcome:?}");
    let said = outcome.to_string();
    assert!(
        said.starts_with("the time for delivery was over, as "),
        "{said}"
    );
    assert_eq!(report[0].waiting, 3);
}

/// The run blamed `delivery_timeout`, as the last of its calls went well: on fewer records.
#[test]
fn time_that_calls_took_is_said_with_them_though_smaller_ones_went_well() {
    let (site, sink) = site(&TEN);
    let clock = site.clock.clone();
    let slow = move |records: &[AccountingRecord]| match records.len() {
        1 => {
            clock.pass(Duration::from_secs(1));
            Ok(all(records))
        }
        _ => {
            clock.pass(Duration::from_secs(6));
            Err(failure(FailureKind::Deadline))
        }
    };
    let within = |seconds| {
        let slow = sink.messenger("m", slow.clone());
        let mut reports = site.deliver_within(Duration::from_secs(seconds), vec![slow]);
        reports.remove(0)
    };
    let report = within(8);
    assert!(report.delivered > 0 && report.waiting > 0);
    let outcome = &report.outcome;
    assert!(matches!(outcome, Ending::OutOfTime(Some(_))), "{outcome:?}");
    // And where the time was enough, somebody has to hear of it.
    let report = within(600);
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    let again = report.made_again.unwrap();
    assert_eq!(again.failure, failure(FailureKind::Deadline));
    assert!(again.calls > 0);
    site.extract(&ABC);
    assert_eq!(one(&site, sink.healthy("m")).made_again, None);
}

#[test]
fn time_that_is_over_stops_before_the_next_offer() {
    let (site, sink) = site(&ABC);
    let report = site.deliver_within(Duration::ZERO, vec![sink.healthy("m")]);
    assert!(matches!(report[0].outcome, Ending::OutOfTime(None)));
    assert_eq!(sink.offered().len(), 0);
    // An empty queue needs no time.
    site.deliver(vec![sink.healthy("m")]);
    let report = site.deliver_within(Duration::ZERO, vec![sink.healthy("m")]);
    assert!(report[0].outcome.is_complete());
}
