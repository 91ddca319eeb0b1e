//! Histories of a cloud, run after run, against a model that knows every second.
//!
//! Servers come, are resized, rebuilt, stopped, shelved and deleted at random moments; runs come
//! hourly, every few hours, or after weeks; some are killed at a random request. What is
//! delivered goes into a model of APEL's tables and of its summaries (`apel`), and each month
//! must be the model's, to the second. `disturbed` is about clouds that do not show all there is.
//!
//! A longer form: `CASO_HISTORIES=40 cargo test -p caso-tests --test end_to_end histories`; one that
//! failed alone: `CASO_HISTORY=212`, with the name of its test. With `CASO_HISTORY_MONTHS=14` and
//! `CASO_HISTORY_SERVERS=200` they are so long and their cloud so large. With
//! `CASO_HISTORIES_KEEP=FOLDER` it leaves there what was sent, and what was used, as tables: to be
//! loaded into APEL's own schema, which is not part of this repository.

mod apel;
mod disturbed;
mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use caso_stand_in::{
    Cloud, Fault, Gate, Plan, Project, Rule, Server, Servers, epoch, instant, server_id,
};
use caso_tests::site::Site;

use crate::clouds;

use self::apel::{Table, accelerators, month, number, summaries, table};
use self::life::{DAY, Dice, HOUR, Life};

/// What a record says of a server's flavor.
const SIZE: [&str; 5] = ["CpuCount", "Memory", "Disk", "Benchmark", "BenchmarkType"];

/// The histories of a kind, by their numbers from `first` on: as many as usual, or as
/// `CASO_HISTORIES` says, or the one of `CASO_HISTORY`.
fn histories(first: u64, usual: u64) -> std::ops::Range<u64> {
    match asked_for("CASO_HISTORY") {
        Some(one) => one..one + 1,
        None => first..first + asked_for("CASO_HISTORIES").unwrap_or(usual),
    }
}

fn asked_for(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// When the runs of a history are: ten, or as many as the months have that are asked for, in which
/// those of a kind follow each other for a while.
fn throw_runs(dice: &mut Dice) -> Vec<i64> {
    let months = asked_for("CASO_HISTORY_MONTHS").map(|months| months as i64 * 31 * DAY);
    // No run is asked for what is yet to come.
    let begin = epoch("2026-01-20") - months.unwrap_or(0) + dice.between(0, 20 * DAY);
    let mut runs = vec![begin];
    let end = months.map(|months| begin + months);
    let mut last = begin;
    while end.map_or(runs.len() <= 10, |end| last < end) {
        let kind = dice.roll(4);
        let stretch = match (end, kind) {
            (Some(_), 0 | 1) => 1 + dice.roll(8),
            _ => 1,
        };
        for _ in 0..stretch {
            last += match kind {
                0 => HOUR,
                1 => 4 * HOUR + dice.between(0, 90),
                2 => dice.between(HOUR, 3 * DAY),
                _ => dice.between(10 * DAY, 45 * DAY),
            };
            runs.push(last);
        }
    }
    runs
}

fn history(seed: u64) {
    let mut dice = Dice::new(seed);
    let runs = throw_runs(&mut dice);
    let (begin, end) = (runs[0], runs[runs.len() - 1]);
    let servers = asked_for("CASO_HISTORY_SERVERS").unwrap_or(6) as usize;
    let lives: Vec<Life> = (0..servers)
        .map(|number| Life::throw(&mut dice, number, begin - 20 * DAY, &runs))
        .collect();
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(Vec::new()))],
        max_limit: 4.max(servers / 8),
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    // What a resize before the first run did is nobody's to know.
    let mut known: BTreeMap<usize, i64> = BTreeMap::new();
    for now in &runs {
        let shown: Vec<Server> = lives.iter().filter_map(|life| life.at(*now)).collect();
        for life in &lives {
            let seen = life.created <= *now;
            if seen && !known.contains_key(&life.number) {
                known.insert(life.number, *now);
            }
        }
        cloud.change(|plan| plan.projects[0].servers = Servers::Listed(shown));
        let to = instant(*now);
        if dice.roll(3) == 0 {
            let gate = Gate::default();
            let nth = 1 + dice.roll(6) as u32;
            cloud.inject(Rule::on("").nth(nth), Fault::Held(gate.clone()));
            let run = site.start("caso-extract", &[], &["--extract-to", &to]);
            if gate.is_reached() {
                run.kill();
            } else {
                run.finish();
            }
            cloud.heal();
        }
        site.extract(&["--extract-to", &to]).expect(0);
    }
    let table = table(&site, seed);
    let summaries = summaries(&table);
    let accelerators = accelerators(&site);
    for ((id, month), usage) in &summaries {
        let falls = usage.wall < 0 || usage.cpu < 0;
        assert!(!falls, "history {seed}: {id} in {month}: {usage:?}");
    }
    let mut used = String::new();
    for life in &lives {
        let Some(first) = known.get(&life.number) else {
            continue;
        };
        // Only from the run that saw it first on are sizes known: before, it had the
        // one that it had then.
        if life.was_resized_by(*first) {
            continue;
        }
        let id = server_id(0, life.number);
        let found = summaries.range((id.clone(), String::new())..);
        let found: Vec<_> = found.take_while(|((other, _), _)| *other == id).collect();
        let mut before = life.created;
        let right = months(life.created, life.until(end));
        assert_eq!(
            found.len(),
            right.len(),
            "history {seed}: {found:#?} of {life:#?}"
        );
        for (((_, in_month), usage), until) in found.into_iter().zip(right) {
            let about = format!("history {seed}, {in_month} of {life:#?}");
            assert_eq!(
                (in_month, usage.measured),
                (&month(until), until),
                "{about}"
            );
            assert_eq!(usage.wall, until - before, "{about}");
            assert_eq!(usage.cpu, life.cpu(until) - life.cpu(before), "{about}");
            let record = &table[&(id.clone(), in_month.clone())];
            let size = (number(record, "CpuCount"), number(record, "Memory"));
            assert_eq!(size, life.size_at(until), "{about}");
            used += &format!("{id}\t{in_month}\t{}\t{}\n", usage.wall, usage.cpu);
            // The month has its last second, too, where the life goes on.
            let (from, to) = month_of(until);
            let had = life.accelerated(from, to.min(life.until(end)));
            let told = accelerators.get(&(id.clone(), in_month.clone()));
            let right = (had > 0).then_some((2.0, had));
            assert_eq!(told.copied(), right, "{about}");
            before = until;
        }
        let last = table
            .range((id.clone(), String::new())..)
            .take_while(|((other, _), _)| *other == id);
        let (_, last) = last.last().expect("it has a record");
        let ended = life.deleted().is_some_and(|at| at <= end);
        assert_eq!(
            last["Status"] == "completed",
            ended,
            "history {seed}: {life:#?}"
        );
        assert_eq!(number(last, "StartTime"), life.created);
    }
    if let Some(folder) = std::env::var_os("CASO_HISTORIES_KEEP") {
        keep(folder.as_ref(), &site, seed, &used);
    }
    republished(&site, seed, end);
}

/// Months that are published once more, the last one first, leave what APEL adds up as it is: each
/// its own, and the one behind it. And the size of each server in its record of each month.
fn republished(site: &Site, seed: u64, end: i64) {
    let sizes = |table: &Table| -> Vec<Vec<Option<String>>> {
        let size = |record: &clouds::Record| SIZE.map(|field| record.get(field).cloned()).to_vec();
        table.values().map(size).collect()
    };
    let sent = table(site, seed);
    let (right, right_sizes) = (summaries(&sent), sizes(&sent));
    let right_accelerators = accelerators(site);
    let over: BTreeSet<&String> = right.keys().map(|(_, month)| month).collect();
    for name in over.into_iter().rev().filter(|name| **name < month(end)) {
        let run = site.start("caso", &["republish"], &["--month", name, "--yes"]);
        run.finish().expect(0);
        let sent = table(site, seed);
        let again = summaries(&sent);
        assert_eq!(again, right, "history {seed}: after {name} once more");
        let again = sizes(&sent);
        assert_eq!(again, right_sizes, "history {seed}: after {name} once more");
        let again = accelerators(site);
        assert_eq!(
            again, right_accelerators,
            "history {seed}: after {name} once more"
        );
    }
}

/// `SEED.sent`: each cloud record in the order of its delivery, as VMUUID, Status, StartTime,
/// EndTime, WallDuration, CpuDuration. `SEED.used`: VMUUID, month, seconds of wall clock and of
/// CPU of each server whose sizes are all known.
fn keep(folder: &Path, site: &Site, seed: u64, used: &str) {
    const FIELDS: [&str; 6] = [
        "VMUUID",
        "Status",
        "StartTime",
        "EndTime",
        "WallDuration",
        "CpuDuration",
    ];
    let messages = site.messages();
    let records = messages.iter().flat_map(|message| message.cloud_records());
    let line = |record: clouds::Record| FIELDS.map(|field| record[field].clone()).join("\t") + "\n";
    let sent: String = records.map(line).collect();
    std::fs::create_dir_all(folder).expect("the folder to keep it in");
    std::fs::write(folder.join(format!("{seed}.sent")), sent).expect("what was sent");
    std::fs::write(folder.join(format!("{seed}.used")), used).expect("what was used");
}

/// Up to when each month between two moments counts: its last second, and in the last one the end.
fn months(from: i64, to: i64) -> Vec<i64> {
    let mut seconds: Vec<i64> = (from / DAY..=to / DAY)
        .map(|day| day * DAY - 1)
        .filter(|last| *last > from && *last < to && month(*last) != month(*last + 1))
        .collect();
    seconds.push(to);
    seconds
}

/// The first second of a moment's month, and that of the next one.
fn month_of(moment: i64) -> (i64, i64) {
    let first = |month: &str| epoch(&format!("{month}-01"));
    let from = first(&month(moment));
    (from, first(&month(from + 32 * DAY)))
}

#[test]
fn what_apel_adds_up_is_what_was_used() {
    for seed in histories(0, 3) {
        history(seed);
    }
}
