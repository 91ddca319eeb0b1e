//! Cloud records as of months' ends: APEL books to a month what its last record has beyond that
//! of the month before (`SummariseVMs` in its `schemas/cloud.sql`), so that without them what
//! was used after a month's last run is booked to a later month (defect 60).

use std::collections::BTreeMap;

use caso_stand_in::{Cloud, Plan, Project, Server, Servers, epoch, instant, server_id};
use caso_tests::site::Site;
use caso_tests::spool::Message;

use crate::clouds::{Record, record};

/// Server `n`, active since then.
fn since(n: usize, created: &str) -> Server {
    let created = epoch(created);
    Server {
        created,
        launched: Some(created),
        updated: created,
        ..Server::numbered(0, n)
    }
}

fn plan(servers: Vec<Server>) -> Plan {
    Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        ..Plan::default()
    }
}

/// All records of a server, in the order of sending.
fn records_of(messages: &[Message], server: &str) -> Vec<Record> {
    let mut records: Vec<Record> = messages.iter().flat_map(Message::cloud_records).collect();
    records.retain(|record| record["VMUUID"] == server);
    records
}

fn number(record: &Record, field: &str) -> i64 {
    record[field].parse().expect("a number")
}

/// The record that there must be of a month's end for a server with this later record.
pub fn as_of(later: &Record, end: i64) -> Record {
    let wall = end - number(later, "StartTime");
    let mut record = later.clone();
    let mut put = |field: &str, value: String| record.insert(field.into(), value);
    put("WallDuration", wall.to_string());
    put(
        "CpuDuration",
        (wall * number(later, "CpuCount")).to_string(),
    );
    put("EndTime", "0".into());
    if later["Status"] == "completed" {
        put("Status", "started".into());
    }
    record
}

/// What APEL's summaries have of a server for each month, as `2026-09`: wall time and CPU time.
/// Of the records of a month it keeps the one received last.
fn summaries(records: &[Record]) -> BTreeMap<String, (i64, i64)> {
    let mut table: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for record in records {
        let measured = match record["Status"].as_str() {
            "completed" => number(record, "EndTime"),
            _ => number(record, "StartTime") + number(record, "WallDuration"),
        };
        let month = instant(measured)[.."2026-09".len()].to_owned();
        let durations = (
            number(record, "WallDuration"),
            number(record, "CpuDuration"),
        );
        table.insert(month, durations);
    }
    let mut before = (0, 0);
    for (wall, cpu) in table.values_mut() {
        let total = (*wall, *cpu);
        (*wall, *cpu) = (total.0 - before.0, total.1 - before.1);
        before = total;
    }
    table
}

fn walls(records: &[Record]) -> Vec<i64> {
    records
        .iter()
        .map(|record| number(record, "WallDuration"))
        .collect()
}

fn sums(records: &[Record]) -> Vec<(String, i64)> {
    let sums = summaries(records).into_iter();
    sums.map(|(month, (wall, _))| (month, wall)).collect()
}

#[test]
fn each_month_between_two_runs_gets_what_was_used_in_it() {
    let plan = plan(vec![
        since(0, "2026-09-01"),
        // It ends with October, and one in the first second of November.
        since(1, "2026-09-01").deleted(epoch("2026-10-31 23:59:59")),
        since(2, "2026-09-01").deleted(epoch("2026-11-01")),
        // It begins between the runs, and in October's last second.
        since(3, "2026-10-10"),
        since(4, "2026-10-31 23:59:59"),
    ]);
    let cloud = Cloud::start(plan.clone());
    let site = Site::at(&cloud);
    site.extract(&["--extract-from", "2026-08-20", "--extract-to", "2026-09-15"])
        .expect(0);
    site.extract(&["--extract-to", "2026-11-20"]).expect(0);

    let messages = site.messages();
    let of = |n: usize| records_of(&messages, &server_id(0, n));
    assert_eq!(walls(&of(0)), [1_209_600, 2_591_999, 5_270_399, 6_912_000]);
    let months = |expected: &[(&str, i64)]| -> Vec<(String, i64)> {
        let months = expected.iter();
        months
            .map(|(month, wall)| ((*month).to_owned(), *wall))
            .collect()
    };
    let day = 86_400;
    let september = ("2026-09", 30 * day - 1);
    let october = ("2026-10", 31 * day);
    assert_eq!(
        sums(&of(0)),
        months(&[september, october, ("2026-11", 19 * day + 1)])
    );
    assert_eq!(sums(&of(1)), months(&[september, october]));
    assert_eq!(of(1).last().expect("a record")["Status"], "completed");
    assert_eq!(sums(&of(2)), months(&[september, october, ("2026-11", 1)]));
    assert_eq!(
        sums(&of(3)),
        months(&[("2026-10", 22 * day - 1), ("2026-11", 19 * day + 1)])
    );
    assert_eq!(sums(&of(4)), months(&[("2026-11", 19 * day + 1)]));

    // Each is the window's record but for what is of the moment, and comes before it.
    let servers = match &plan.projects[0].servers {
        Servers::Listed(servers) => servers,
        other => panic!("{other:?}"),
    };
    for (n, server) in servers.iter().enumerate() {
        let last = record(&plan, 0, server, epoch("2026-11-20"));
        let second_run = of(n);
        let first = usize::from(n < 3);
        let (last_found, month_ends) = second_run[first..].split_last().expect("a record");
        assert_eq!(last_found, &last);
        let ends = ["2026-09-30 23:59:59", "2026-10-31 23:59:59"].map(epoch);
        let until = server.terminated.unwrap_or(i64::MAX);
        let expected: Vec<Record> = ends
            .into_iter()
            .filter(|end| server.created < *end && *end < until)
            .map(|end| as_of(&last, end))
            .collect();
        assert_eq!(month_ends, expected, "server {n}");
        // CPU time goes with the wall time.
        let cpus = number(&last, "CpuCount");
        for (wall, cpu) in summaries(&second_run).values() {
            assert_eq!(*cpu, wall * cpus);
        }
    }
}

#[test]
fn runs_every_four_hours_move_nothing_to_the_next_month() {
    let cloud = Cloud::start(plan(vec![since(0, "2026-09-30 19:00:00")]));
    let site = Site::at(&cloud);
    site.extract(&[
        "--extract-from",
        "2026-09-30 12:00:00",
        "--extract-to",
        "2026-09-30 20:00:30",
    ])
    .expect(0);
    // The next two windows overlap around the month's end, which both report.
    for to in ["2026-10-01 00:00:30", "2026-10-01 04:00:30"] {
        site.extract(&["--extract-to", to]).expect(0);
    }
    let records = records_of(&site.messages(), &server_id(0, 0));
    let end = 5 * 3_600 - 1;
    assert_eq!(
        walls(&records),
        [3_630, end, end + 31, end, end + 31 + 4 * 3_600]
    );
    assert_eq!(records[1], records[3]);
    let right = [
        ("2026-09".to_owned(), end),
        ("2026-10".to_owned(), 4 * 3_600 + 31),
    ];
    assert_eq!(sums(&records), right);
}

/// In the order of time: APEL keeps of a month what it received last.
#[test]
fn a_first_run_reports_every_month_of_a_servers_life() {
    let cloud = Cloud::start(plan(vec![since(0, "2024-02-10"), since(1, "2026-10-02")]));
    let site = Site::at(&cloud);
    site.extract(&["--extract-to", "2026-11-20"]).expect(0);
    let messages = site.messages();
    let old = records_of(&messages, &server_id(0, 0));
    let walls = walls(&old);
    assert!(walls.is_sorted(), "{walls:?}");
    let sums = sums(&old);
    assert_eq!(sums.len(), 2 * 12 + 10);
    assert_eq!(sums[0], ("2024-02".to_owned(), 20 * 86_400 - 1));
    assert_eq!(sums[12], ("2025-02".to_owned(), 28 * 86_400));
    assert_eq!(sums[33], ("2026-11".to_owned(), 19 * 86_400 + 1));
    assert_eq!(records_of(&messages, &server_id(0, 1)).len(), 2);
}

#[test]
fn they_can_be_turned_off() {
    let cloud = Cloud::start(plan(vec![since(0, "2026-09-01")]));
    let mut site = Site::at(&cloud);
    site.set("mapper", "month_ends", "false");
    site.extract(&["--extract-from", "2026-09-01", "--extract-to", "2026-11-20"])
        .expect(0);
    let records = records_of(&site.messages(), &server_id(0, 0));
    assert_eq!(walls(&records), [6_912_000]);
}
