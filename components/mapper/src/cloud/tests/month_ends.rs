//! The records as of months' ends: which there are, what they state, and that APEL's sums by
//! month are right with them.

use std::collections::BTreeMap;

use caso_component::types::Window;
use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
/// The first second of these months of 2026, and of 2028.
const SEPTEMBER: i64 = 1_788_220_800;
const OCTOBER: i64 = 1_790_812_800;
const NOVEMBER: i64 = 1_793_491_200;
const LEAP_FEBRUARY: i64 = 1_832_976_000;
const LEAP_MARCH: i64 = LEAP_FEBRUARY + 29 * DAY;

/// A server with this life.
fn server(start: i64, end: Option<i64>) -> Server {
    let mut server = samples::server();
    server.created = Some(start);
    server.launched = Some(start);
    server.terminated = end;
    if end.is_some() {
        server.status = Some("DELETED".into());
    }
    server
}

fn in_window(policy: &Policy, server: Server, window: (i64, i64)) -> Vec<AccountingRecord> {
    let mut context = samples::context();
    context.window = Window {
        start: window.0,
        end: window.1,
    };
    let tables = samples::tables_with_gpus("1");
    let items = [UsageItem::Server(server)];
    match crate::map(policy, &context, &tables, &items).remove(0) {
        crate::Outcome {
            records,
            refused: None,
            ..
        } => records,
        other => panic!("{other:?}"),
    }
}

fn clouds(server: Server, window: (i64, i64)) -> Vec<CloudRecord> {
    in_window(&Policy::default(), server, window)
        .into_iter()
        .filter_map(|record| match record {
            AccountingRecord::Cloud(record) => Some(record),
            _ => None,
        })
        .collect()
}

/// The moments of which there are records, after checking that each states what was so then.
fn moments(start: i64, end: Option<i64>, window: (i64, i64)) -> Vec<i64> {
    let records = clouds(server(start, end), window);
    let count = records.len();
    let check = |(place, record): (usize, CloudRecord)| {
        let until = record.head.measured_at;
        let wall = u64::try_from(until - start).unwrap();
        assert_eq!(record.start, start);
        assert_eq!(record.wall_seconds, Some(wall));
        assert_eq!(record.cpu_seconds, Some(2 * wall));
        let ended = place + 1 == count && end.is_some_and(|end| end <= window.1);
        let expected = if ended { "completed" } else { "started" };
        assert_eq!(
            (record.end, record.status.as_str()),
            (end.filter(|_| ended), expected)
        );
        let month = Month::of(until).unwrap();
        assert_eq!(
            record.head.supersedes,
            format!("{}:{month}", record.vm_uuid)
        );
        until
    };
    records.into_iter().enumerate().map(check).collect()
}

#[test]
fn each_month_that_ends_in_the_window_has_a_record() {
    let first = SEPTEMBER + 14 * DAY;
    let second = NOVEMBER + 19 * DAY;
    assert_eq!(moments(SEPTEMBER, None, (0, first)), [first]);
    assert_eq!(
        moments(SEPTEMBER, None, (first - 60, second)),
        [OCTOBER - 1, NOVEMBER - 1, second]
    );
    let walls: Vec<_> = clouds(server(SEPTEMBER, None), (first, second))
        .iter()
        .map(|record| record.wall_seconds.unwrap())
        .collect();
    assert_eq!(walls, [2_591_999, 5_270_399, 6_912_000]);
}

#[test]
fn leap_days_and_years_end_too() {
    let ends = moments(LEAP_FEBRUARY - 32 * DAY, None, (0, LEAP_MARCH + DAY));
    let january = LEAP_FEBRUARY - 31 * DAY;
    assert_eq!(
        ends,
        [
            january - 1,
            LEAP_FEBRUARY - 1,
            LEAP_MARCH - 1,
            LEAP_MARCH + DAY
        ]
    );
    // A first window since 1970 of a VM that ran for twelve years, with three leap days.
    let start = LEAP_MARCH - (12 * 365 + 3) * DAY;
    let ends = moments(start, Some(LEAP_MARCH), (0, LEAP_MARCH + DAY));
    assert_eq!(ends.len(), 12 * 12 + 1);
    assert_eq!(ends[12 * 12 - 1..], [LEAP_MARCH - 1, LEAP_MARCH]);
}

#[test]
fn a_window_that_begins_or_ends_with_a_month() {
    // The first second of a month is after the end of the one before.
    assert_eq!(
        moments(SEPTEMBER, None, (SEPTEMBER, OCTOBER)),
        [OCTOBER - 1, OCTOBER]
    );
    assert_eq!(
        moments(SEPTEMBER, None, (OCTOBER, OCTOBER + DAY)),
        [OCTOBER + DAY]
    );
    // The last second: the window's record is the month's.
    assert_eq!(
        moments(SEPTEMBER, None, (SEPTEMBER, OCTOBER - 1)),
        [OCTOBER - 1]
    );
    assert_eq!(
        moments(SEPTEMBER, None, (OCTOBER - 1, OCTOBER + DAY)),
        [OCTOBER - 1, OCTOBER + DAY]
    );
}

#[test]
fn a_vm_that_begins_or_ends_around_a_months_end() {
    let window = (SEPTEMBER, NOVEMBER - DAY);
    let before = OCTOBER - DAY;
    // Its last record is that month's, and it is completed.
    assert_eq!(moments(before, Some(OCTOBER - 1), window), [OCTOBER - 1]);
    assert_eq!(moments(before, Some(OCTOBER - 2), window), [OCTOBER - 2]);
    assert_eq!(
        moments(before, Some(OCTOBER), window),
        [OCTOBER - 1, OCTOBER]
    );
    // Nothing of a month in which it held nothing: 0 s would be sent as a second of the next.
    assert_eq!(moments(OCTOBER - 1, None, window), [NOVEMBER - DAY]);
    assert_eq!(
        moments(OCTOBER - 2, None, window),
        [OCTOBER - 1, NOVEMBER - DAY]
    );
    assert_eq!(
        moments(OCTOBER - 1, Some(OCTOBER - 1), window),
        [OCTOBER - 1]
    );
    // It ended after the window: within it, it ran.
    assert_eq!(
        moments(before, Some(NOVEMBER + DAY), window),
        [OCTOBER - 1, NOVEMBER - DAY]
    );
}

#[test]
fn a_vm_that_never_ran_has_its_one_record() {
    let mut server = server(OCTOBER - DAY, None);
    server.launched = None;
    let records = clouds(server, (SEPTEMBER, NOVEMBER + DAY));
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(record.wall_seconds, Some(0));
}

#[test]
fn a_status_other_than_completed_is_that_of_now() {
    let mut server = server(SEPTEMBER, None);
    server.status = Some("PAUSED".into());
    let window = (SEPTEMBER, OCTOBER + DAY);
    let statuses = |server| -> Vec<String> {
        let records = clouds(server, window);
        records.into_iter().map(|record| record.status).collect()
    };
    assert_eq!(statuses(server.clone()), ["paused", "paused"]);
    server.status = Some("SHUTOFF".into());
    assert_eq!(statuses(server), ["started", "started"]);
}

/// A server with the usage API's numbers of its present flavor, and flavors that it had, each from
/// a moment on; CPUs, memory, disk and benchmark of each of its records in a window.
fn sized(had: &[(i64, &str)], window: (i64, i64)) -> Vec<[Option<f64>; 4]> {
    let mut tables = samples::tables();
    let mut small = samples::flavor("small", &[("accounting:benchmark_value", "7")]);
    (small.vcpus, small.memory_mib) = (Some(1), Some(512));
    (small.root_gib, small.ephemeral_gib) = (Some(5), Some(1));
    tables.flavors.push(small);
    let mut server = server(SEPTEMBER, None);
    server.compute_usage = Some(samples::usage());
    let span = |(since, id): &(i64, &str)| crate::usage::SizeSpan {
        since: *since,
        vcpus: if *id == "1" { 8 } else { 1 },
        attributes: samples::specs(&[("flavor-id", id)]),
    };
    server.sizes = had.iter().map(span).collect();
    let mut context = samples::context();
    context.window = Window {
        start: window.0,
        end: window.1,
    };
    let items = [UsageItem::Server(server)];
    let outcome = crate::map(&Policy::default(), &context, &tables, &items).remove(0);
    let sizes = outcome
        .records
        .into_iter()
        .filter_map(|record| match record {
            AccountingRecord::Cloud(record) => Some([
                record.cpu_count,
                record.memory_mib.map(|it| it as f64),
                record.disk_gib.map(|it| it as f64),
                record.benchmarks.first().and_then(|it| it.value),
            ]),
            _ => None,
        });
    sizes.collect()
}

#[test]
fn a_record_has_the_flavor_of_its_moment() {
    let small = [Some(1.0), Some(512.0), Some(6.0), Some(7.0)];
    let present = [Some(8.0), Some(16_384.0), Some(80.0), None];
    let window = (OCTOBER - DAY, OCTOBER + DAY);
    let after = OCTOBER + 600;
    assert_eq!(
        sized(&[(SEPTEMBER, "small"), (after, "1")], window),
        [small, present]
    );
    let before = OCTOBER - 600;
    assert_eq!(
        sized(&[(SEPTEMBER, "small"), (before, "1")], window),
        [present, present]
    );
    // In the month's last second, in which the record speaks.
    assert_eq!(
        sized(&[(SEPTEMBER, "small"), (OCTOBER - 1, "1")], window),
        [present, present]
    );
    assert_eq!(
        sized(&[(SEPTEMBER, "small"), (OCTOBER, "1")], window),
        [small, present]
    );
    // Sent again when it has had another one for a long time; the oldest one is that of its start.
    let again = (SEPTEMBER, OCTOBER);
    let later = NOVEMBER + DAY;
    assert_eq!(
        sized(&[(SEPTEMBER + DAY, "small"), (later, "1")], again),
        [small, small]
    );
    assert_eq!(sized(&[], again), [present, present]);
    // There and back.
    let back = [(SEPTEMBER, "1"), (before, "small"), (after, "1")];
    assert_eq!(sized(&back, window), [small, present]);
    // Nobody knows what it was: what it had next stands in.
    let mut gone = [Some(1.0), Some(16_384.0), Some(80.0), None];
    assert_eq!(
        sized(&[(SEPTEMBER, "gone"), (after, "1")], window),
        [gone, present]
    );
    gone = small;
    let next = [(SEPTEMBER, "gone"), (after, "small"), (after + 60, "1")];
    assert_eq!(sized(&next, window), [gone, present]);
}

#[test]
fn ids_differ_within_a_window_and_are_the_same_when_it_is_repeated() {
    let ids = |window| -> Vec<String> {
        let records = in_window(&Policy::default(), server(SEPTEMBER, None), window);
        let id = |record: &AccountingRecord| match record {
            AccountingRecord::Cloud(record) => record.head.id.clone(),
            AccountingRecord::Accelerator(record) => record.head.id.clone(),
            other => panic!("{other:?}"),
        };
        records.iter().map(id).collect()
    };
    let first = ids((SEPTEMBER, OCTOBER + 30));
    assert_eq!(first, ids((SEPTEMBER, OCTOBER + 30)));
    // The month's end lies in the overlap of the two windows: twice the same, two ids.
    let second = ids((OCTOBER - 30, OCTOBER + DAY));
    let mut all = [first, second].concat();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "{all:?}");
}

#[test]
fn accelerators_come_after_all_of_them() {
    let window = (SEPTEMBER, NOVEMBER + DAY);
    let records = in_window(&Policy::default(), server(SEPTEMBER, None), window);
    let kinds: Vec<&str> = records
        .iter()
        .map(|record| match record {
            AccountingRecord::Cloud(_) => "cloud",
            AccountingRecord::Accelerator(_) => "accelerator",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "cloud",
            "cloud",
            "cloud",
            "accelerator",
            "accelerator",
            "accelerator"
        ]
    );
}

#[test]
fn month_ends_can_be_turned_off() {
    let policy = Policy {
        month_ends: false,
        ..Policy::default()
    };
    let window = (SEPTEMBER, NOVEMBER + DAY);
    let records = in_window(&policy, server(SEPTEMBER, None), window);
    let accelerators = records.len() - 1;
    let AccountingRecord::Cloud(record) = &records[0] else {
        panic!("{records:?}")
    };
    assert_eq!((record.head.measured_at, accelerators), (NOVEMBER + DAY, 3));
}

/// APEL's table of cloud records: of a VM and a month it holds the record received last. Its
/// sums, month by month: what the record has beyond that of the month before
/// (`SummariseVMs`, `schemas/cloud.sql`).
#[derive(Default)]
struct Apel(BTreeMap<String, u64>);

impl Apel {
    fn receive(&mut self, record: CloudRecord) {
        self.0
            .insert(record.head.supersedes, record.wall_seconds.unwrap());
    }

    fn sums(&self) -> BTreeMap<String, i64> {
        let mut previous = 0;
        self.0
            .iter()
            .map(|(key, wall)| {
                let wall = i64::try_from(*wall).unwrap();
                let sum = wall - previous;
                previous = wall;
                (key.rsplit(':').next().unwrap().to_owned(), sum)
            })
            .filter(|(_, sum)| *sum != 0)
            .collect()
    }
}

/// Seconds of each month, from its first to its last: those after the last one of the month
/// before.
fn truth(start: i64, until: i64) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for month in calendar_months(start, until) {
        let from = start.max(month.start() - 1);
        let to = until.min(month.last_second());
        if to > from {
            sums.insert(month.to_string(), to - from);
        }
    }
    sums
}

/// By the days of the proleptic Gregorian calendar, and not by the mapper's own iterator.
fn calendar_months(from: i64, to: i64) -> Vec<Month> {
    let days = from.div_euclid(DAY)..=to.div_euclid(DAY);
    let mut months: Vec<Month> = days.map(|day| Month::of(day * DAY).unwrap()).collect();
    months.dedup();
    months
}

/// A moment anywhere in two years, or one of the seconds around a month's end.
fn moment() -> impl Strategy<Value = i64> {
    let around = (0..24_usize, -61_i64..=61).prop_map(|(n, off)| {
        let months = calendar_months(SEPTEMBER, SEPTEMBER + 760 * DAY);
        months[n].last_second() + off
    });
    prop_oneof![SEPTEMBER..SEPTEMBER + 700 * DAY, around]
}

proptest! {
    #[test]
    fn apels_sums_are_the_truth_in_every_partition_into_windows(
        start in moment(),
        life in prop::option::of(moment()),
        edges in prop::collection::btree_set(moment(), 1..12),
        overlap in prop_oneof![Just(0_i64), Just(60)],
    ) {
        // Not shorter than a second: that is sent as one.
        let end = life.map(|other| start.max(other) + 1);
        let last = *edges.last().unwrap();
        let mut apel = Apel::default();
        let mut from = 0;
        for to in edges {
            // As Nova lists it at the window's end: without an end that is still to come.
            let seen = server(start, end.filter(|end| *end <= to));
            if to > start {
                for record in clouds(seen, (from, to)) {
                    apel.receive(record);
                }
            }
            from = to - overlap;
        }
        let until = end.unwrap_or(last).min(last);
        prop_assert_eq!(apel.sums(), truth(start, until.max(start)));
    }
}
