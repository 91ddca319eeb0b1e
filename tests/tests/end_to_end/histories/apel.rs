//! A model of APEL's tables and of what it makes of them (`CloudRecords` and `SummariseVMs` of
//! `schemas/cloud.sql` in APEL 2): of a VM and a month it keeps the record received last, and a
//! month's usage of a VM is what its record has beyond the one that was measured last before it.

use std::collections::BTreeMap;

use caso_stand_in::instant;
use caso_tests::site::Site;

use crate::clouds::Record;

/// `REPLACE` by VMUUID, MeasurementYear and MeasurementMonth.
pub type Table = BTreeMap<(String, String), Record>;

/// What a VM used in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// MeasurementTime of the month's record.
    pub measured: i64,
    /// ComputedWallDuration.
    pub wall: i64,
    /// ComputedCpuDuration.
    pub cpu: i64,
}

pub fn number(record: &Record, field: &str) -> i64 {
    record[field].parse().expect("a number")
}

/// MeasurementTime.
fn measured(record: &Record) -> i64 {
    match record["Status"].as_str() {
        "completed" => number(record, "EndTime"),
        _ => number(record, "StartTime") + number(record, "WallDuration"),
    }
}

/// `2026-09`.
pub fn month(time: i64) -> String {
    instant(time)[.."2026-09".len()].to_owned()
}

/// What APEL keeps of all that was sent. Looks at the order, too: no cumulative number falls.
pub fn table(site: &Site, seed: u64) -> Table {
    let mut last: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    let mut table = Table::new();
    for message in site.messages() {
        for record in message.cloud_records() {
            let wall = number(&record, "WallDuration");
            let cpu = number(&record, "CpuDuration");
            let measured = measured(&record);
            let before = last.entry(record["VMUUID"].clone()).or_default();
            // Of the same moment, or of one that the window before reported, too.
            if measured > before.0 {
                assert!(
                    wall >= before.1 && cpu >= before.2,
                    "history {seed}: {wall} s and {cpu} s after {before:?}: {record:?}"
                );
                *before = (measured, wall, cpu);
            }
            table.insert((record["VMUUID"].clone(), month(measured)), record);
        }
    }
    table
}

/// What is kept of accelerators, `REPLACE` by VM, month and model (`schemas/accelerator.sql` in the
/// draft, APEL's pull request 459): their number and the seconds, by VM and month. There is one model.
pub fn accelerators(site: &Site) -> BTreeMap<(String, String), (f64, i64)> {
    let mut table = BTreeMap::new();
    let messages = site.messages();
    let accelerators = messages.iter().filter(|it| it.kind() == "accelerator");
    for record in accelerators.flat_map(|message| message.json_records()) {
        let number = |field: &str| record[field].as_i64().expect("a whole number");
        let (year, month) = (number("MeasurementYear"), number("MeasurementMonth"));
        let vm = record["AssociatedRecord"].as_str().expect("a text");
        let count = record["Count"].as_f64().expect("a number");
        assert_eq!(record["Model"], "NVIDIA A100");
        table.insert(
            (vm.to_owned(), format!("{year}-{month:02}")),
            (count, number("AvailableDuration")),
        );
    }
    table
}

/// `TVMUsagePerMonth`, by VM and month.
pub fn summaries(table: &Table) -> BTreeMap<(String, String), Usage> {
    let usage = |((id, _), record): (&(String, String), &Record)| {
        let now = measured(record);
        let records = table.iter().filter(|((other, _), _)| other == id);
        let earlier = records.map(|(_, record)| record);
        let earlier = earlier.filter(|record| measured(record) < now);
        let previous = earlier.max_by_key(|record| measured(record));
        let beyond =
            |field| number(record, field) - previous.map_or(0, |previous| number(previous, field));
        Usage {
            measured: now,
            wall: beyond("WallDuration"),
            cpu: beyond("CpuDuration"),
        }
    };
    let rows = table.iter();
    rows.map(|row| (row.0.clone(), usage(row))).collect()
}
