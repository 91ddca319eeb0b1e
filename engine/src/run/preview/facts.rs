//! What a run would publish, counted.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::ops::ControlFlow;

use anyhow::Context as _;
use serde::Serialize;

use super::Put;
use crate::run::commands::queue::{Entry, each};
use crate::run::ledger::Extracted;
use crate::run::prepare::Prepared;
use crate::run::report::not_read;
use crate::run::summary::words::{count, hours, records, to};
use crate::run::table::{Table, next};
use caso_base::time::format_utc;
use caso_deliver::Delivery;
use caso_journal::WaitingRecord;
use caso_model::Window;
use caso_model::record::AccountingRecord;

/// As `--json` prints it. Fields are added; none changes its meaning, or `format` changes.
#[derive(Debug, Serialize)]
pub struct Facts {
    format: u32,
    /// From the first window's start to the last one's end, in epoch seconds; absent where
    /// nothing was read.
    window: Option<Window>,
    projects: Vec<Row>,
    messengers: Vec<ToMessenger>,
    /// What could not be read, a sentence each.
    failures: Vec<String>,
    /// Every record, as `caso queue show --json` has them.
    records: Vec<Entry>,
}

/// What was used in a project.
#[derive(Debug, Clone, Serialize)]
struct Row {
    cloud: String,
    region: Option<String>,
    project_id: String,
    project: String,
    vo: String,
    /// By type.
    records: BTreeMap<String, u64>,
    /// Of its servers since each began, as their last records have it; without those of which
    /// it is not known.
    wall_seconds: u64,
    cpu_seconds: u64,
    /// Servers whose last record says nothing of it.
    unknown_wall_servers: u64,
    unknown_cpu_servers: u64,
    /// Of its volumes.
    storage_bytes: u64,
}

/// What a messenger would get.
#[derive(Debug, Serialize)]
struct ToMessenger {
    name: String,
    records: u64,
    /// Put into queues.
    messages: u64,
    destinations: Vec<String>,
}

impl Facts {
    /// Of what was extracted, before it is delivered.
    pub fn of(prepared: &Prepared, extracted: &Extracted) -> anyhow::Result<Self> {
        let names = prepared.messenger_names();
        let sight = prepared.journal.records();
        let mut rows = Rows::default();
        let mut entries = Vec::new();
        if let Some(first) = names.first() {
            sight
                .records(first, &mut |record| {
                    rows.add(&record);
                    ControlFlow::Continue(())
                })
                .context("cannot read what was extracted")?;
            each(&sight, first, false, &mut |entry| {
                entries.push(entry);
                Ok(())
            })?;
        }
        let windows = || extracted.windows.iter().map(|line| line.window);
        let window = windows()
            .map(|window| window.start)
            .min()
            .zip(windows().map(|window| window.end).max())
            .map(|(start, end)| Window { start, end });
        Ok(Facts {
            format: 1,
            window,
            projects: rows.finish(),
            messengers: Vec::new(),
            failures: not_read(&extracted.failures),
            records: entries,
        })
    }

    /// What the messengers made of it: of what their filters left out, or what they refused, nothing.
    pub fn put(&mut self, prepared: &Prepared, delivery: &Delivery, put: &[Put]) {
        for messenger in &prepared.messengers {
            let report = delivery.instances.iter();
            let report = report.filter(|report| report.name == messenger.name);
            let messages = put.iter().filter(|it| it.messenger == messenger.name);
            self.messengers.push(ToMessenger {
                name: messenger.name.clone(),
                records: report.map(|report| report.delivered).sum(),
                messages: u64::try_from(messages.count()).unwrap_or(u64::MAX),
                destinations: messenger.destinations(),
            });
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut page = match self.window {
            Some(window) => format!(
                "window {} to {}\n",
                format_utc(window.start),
                format_utc(window.end)
            ),
            None if !self.failures.is_empty() => "nothing could be read\n".to_owned(),
            None => "nothing was used, or all of it is extracted already\n".to_owned(),
        };
        if !self.projects.is_empty() {
            let _ = write!(page, "{}", self.table());
            page += "hours of servers count from each one's start, as their records do\n";
            page += &self.unknown();
        }
        for failure in &self.failures {
            let _ = writeln!(page, "not read: {}", caso_base::line::clean_line(failure));
        }
        for messenger in &self.messengers {
            let messages = match messenger.messages {
                0 => String::new(),
                number => format!(" in {}", count(number, "message", "messages")),
            };
            let to = to(&messenger.destinations);
            let name = &messenger.name;
            let _ = writeln!(page, "{name}: {}{messages}{to}", records(messenger.records));
        }
        let command = match self.failures.is_empty() {
            true => "caso extract",
            false => "caso check",
        };
        page + &next(&[command.to_owned()])
    }

    /// Of how many servers hours are in no row.
    fn unknown(&self) -> String {
        let mut page = String::new();
        let unknown = |of: fn(&Row) -> u64| self.projects.iter().map(of).sum::<u64>();
        for (number, what) in [
            (unknown(|row| row.unknown_wall_servers), "wall"),
            (unknown(|row| row.unknown_cpu_servers), "CPU"),
        ] {
            if number > 0 {
                let servers = count(number, "server", "servers");
                let _ = writeln!(
                    page,
                    "not counted: the {what} time of {servers}, which is not known"
                );
            }
        }
        page
    }

    fn table(&self) -> Table<9> {
        let mut table = Table::new([
            "PROJECT", "VO", ">CLOUD", ">ACCEL", ">STORAGE", ">IP", ">WALL H", ">CPU H", ">GIB",
        ]);
        let clouds: Vec<&str> = self.projects.iter().map(|row| row.cloud.as_str()).collect();
        let several = clouds.windows(2).any(|pair| pair.first() != pair.last());
        for row in &self.projects {
            let number = |kind: &str| row.records.get(kind).copied().unwrap_or(0).to_string();
            let place = match (&row.region, several) {
                (Some(region), _) => format!("{} in {}/{region}", row.project, row.cloud),
                (None, true) => format!("{} in {}", row.project, row.cloud),
                (None, false) => row.project.clone(),
            };
            table.row([
                place,
                row.vo.clone(),
                number("cloud"),
                number("accelerator"),
                number("storage"),
                number("ip"),
                hours(row.wall_seconds),
                hours(row.cpu_seconds),
                (row.storage_bytes >> 30).to_string(),
            ]);
        }
        table
    }
}

/// Rows while records are added, in the order of the projects.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    places: HashMap<(String, Option<String>, String), usize>,
    /// Of each server, the place of its row and how far its last record goes.
    servers: HashMap<String, (usize, i64, Option<u64>, Option<u64>)>,
    /// Of each volume, its row and size.
    volumes: HashMap<String, (usize, i64, u64)>,
}

impl Rows {
    fn add(&mut self, found: &WaitingRecord) {
        let origin = &found.origin;
        let key = (
            origin.cloud.clone(),
            origin.region.clone(),
            origin.project_id.clone(),
        );
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let vo = origin.attributes.iter().find(|fact| fact.name == "vo");
                self.rows.push(Row {
                    cloud: key.0.clone(),
                    region: key.1.clone(),
                    project_id: key.2.clone(),
                    project: origin.project().to_owned(),
                    vo: vo.map(|fact| fact.value.clone()).unwrap_or_default(),
                    records: BTreeMap::new(),
                    wall_seconds: 0,
                    cpu_seconds: 0,
                    unknown_wall_servers: 0,
                    unknown_cpu_servers: 0,
                    storage_bytes: 0,
                });
                let place = self.rows.len() - 1;
                self.places.insert(key, place);
                place
            }
        };
        let kind = found.record.record_type().to_owned();
        if let Some(row) = self.rows.get_mut(place) {
            *row.records.entry(kind).or_default() += 1;
        }
        match &found.record {
            AccountingRecord::Cloud(it) => {
                let at = it.head.measured_at;
                let (wall, cpu) = (it.wall_seconds, it.cpu_seconds);
                let last = self.servers.entry(it.vm_uuid.clone());
                let last = last.or_insert((place, at, wall, cpu));
                if last.1 <= at {
                    *last = (place, at, wall, cpu);
                }
            }
            AccountingRecord::Storage(it) => {
                let last = self.volumes.entry(it.resource_id.clone());
                let last = last.or_insert((place, it.end, it.capacity_bytes));
                if last.1 <= it.end {
                    *last = (place, it.end, it.capacity_bytes);
                }
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Vec<Row> {
        for (place, _, wall, cpu) in self.servers.into_values() {
            if let Some(row) = self.rows.get_mut(place) {
                match wall {
                    Some(wall) => row.wall_seconds = row.wall_seconds.saturating_add(wall),
                    None => row.unknown_wall_servers += 1,
                }
                match cpu {
                    Some(cpu) => row.cpu_seconds = row.cpu_seconds.saturating_add(cpu),
                    None => row.unknown_cpu_servers += 1,
                }
            }
        }
        for (place, _, bytes) in self.volumes.into_values() {
            if let Some(row) = self.rows.get_mut(place) {
                row.storage_bytes = row.storage_bytes.saturating_add(bytes);
            }
        }
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(wall: u64, unknown_wall_servers: u64, unknown_cpu_servers: u64) -> Row {
        Row {
            cloud: "default".into(),
            region: None,
            project_id: "p".into(),
            project: "p".into(),
            vo: "vo".into(),
            records: BTreeMap::new(),
            wall_seconds: wall,
            cpu_seconds: 0,
            unknown_wall_servers,
            unknown_cpu_servers,
            storage_bytes: 0,
        }
    }

    #[test]
    fn what_is_not_known_is_not_counted_as_nothing() {
        let mut rows = Rows {
            rows: vec![row(0, 0, 0)],
            ..Rows::default()
        };
        rows.servers
            .insert("a".into(), (0, 1, Some(7_200), Some(3_600)));
        rows.servers.insert("b".into(), (0, 1, Some(3_600), None));
        rows.servers.insert("c".into(), (0, 1, None, None));
        let projects = rows.finish();
        let facts = Facts {
            format: 1,
            window: None,
            projects,
            messengers: Vec::new(),
            failures: Vec::new(),
            records: Vec::new(),
        };
        let huge = Rows {
            rows: vec![row(0, 0, 0)],
            servers: [("a", u64::MAX), ("b", 7)]
                .map(|(id, wall)| (id.to_owned(), (0, 1, Some(wall), Some(wall))))
                .into(),
            ..Rows::default()
        };
        let sums = huge
            .finish()
            .pop()
            .map(|row| (row.wall_seconds, row.cpu_seconds));
        assert_eq!(sums, Some((u64::MAX, u64::MAX)));
        let row = facts.projects.first().unwrap();
        assert_eq!((row.wall_seconds, row.cpu_seconds), (10_800, 3_600));
        assert_eq!((row.unknown_wall_servers, row.unknown_cpu_servers), (1, 2));
        assert_eq!(
            facts.unknown(),
            "not counted: the wall time of 1 server, which is not known\n\
             not counted: the CPU time of 2 servers, which is not known\n"
        );
    }
}
