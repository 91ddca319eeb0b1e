//! `caso report`: what was used in a month, to be held beside what the consumer shows.
//!
//! The month is read as a dry run reads it, nothing is sent or moved. The window begins a minute
//! before the month, so that each server that ran across its beginning has a record as of the last
//! second before: what it used in the month is the difference, as APEL computes it. Volumes are
//! counted as long as their intervals lie in the month, up to the cursor.

mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::watch;

use self::rows::{ShownRow, UnreadRows};
use super::component_warnings::ComponentWarnings;
use super::exit::Exit;
use super::failed_alike::{Failed, in_one};
use super::kind::Kind;
use super::ledger::{Extracted, lacks_runs};
use super::month;
use super::prepare::{self, Prepared, Stopped};
use super::republish::Again;
use super::summary::words::hours;
use super::table::Table;
use super::{Invocation, extract};
use crate::stdout;
use caso_base::line::clean_line;
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_journal::WaitingRecord;
use caso_model::Window;
use caso_model::record::{AccountingRecord, CloudRecord, StorageRecord};
use caso_model::record_type::RecordType;
use caso_state::ledger::{self, FailureLine};

/// So long before the month the window begins, in seconds.
const BEFORE: i64 = 60;
/// What it counts: servers and what belongs to them, and volumes. Energy has a table of its own
/// in the page that `--html` makes.
fn is_counted(kind: RecordType) -> bool {
    match kind {
        RecordType::Cloud | RecordType::Accelerator | RecordType::Storage => true,
        RecordType::Ip | RecordType::Energy => false,
    }
}

/// By what rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Vo,
    Project,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    Text,
    Csv,
    Json,
}

/// What is asked for.
#[derive(Debug, PartialEq)]
pub struct Report {
    /// The month's first second, in epoch seconds.
    pub month: i64,
    pub by: By,
    pub form: ReportForm,
}

/// As `--json` prints it. Fields are added; none changes its meaning, or `format` changes.
#[derive(Debug, Serialize)]
struct Shown {
    format: u32,
    /// `2026-10`.
    month: String,
    by: By,
    rows: Vec<ShownRow>,
    /// What could not be read, in words.
    failures: Vec<String>,
    /// Servers that ran before the month and have no record as of its beginning, or whose
    /// records have no wall time: they are not in the sums.
    unknown_servers: u64,
    /// Servers in the rows whose records have no CPU time: it is not in the sums.
    unknown_cpu_servers: u64,
    /// Records of the windows that ended in the month, by type, as the ledger of runs has them.
    extracted_records: BTreeMap<String, u64>,
}

/// What was used in the month.
#[derive(Debug, Clone, Default, PartialEq)]
struct Row {
    /// The VO or the project.
    name: String,
    servers: u64,
    wall_seconds: u64,
    cpu_seconds: u64,
    /// Of all accelerators together.
    accelerator_seconds: f64,
    gib_days: f64,
}

/// Prints it.
pub async fn report(
    config: Config,
    what: Report,
    remarks: ComponentWarnings,
    cancel: watch::Receiver<bool>,
) -> Exit {
    read(config, &what, remarks, cancel)
        .await
        .unwrap_or_else(Stopped::report)
}

async fn read(
    mut config: Config,
    what: &Report,
    remarks: ComponentWarnings,
    cancel: watch::Receiver<bool>,
) -> Result<Exit, Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let now = SystemClock::new().now();
    let month = month::window(what.month, now).map_err(Stopped::with(Exit::Usage))?;
    let and_before = Window {
        start: month.start - BEFORE,
        end: month.end,
    };
    month::narrow(&mut config, and_before, is_counted);
    // Nothing of it is sent, so nothing is counted twice; a cloud with another name neither.
    config.overlapping_intervals = true;
    let invocation = Invocation {
        config,
        kind: Kind::dry().map_err(failed())?,
        extract: true,
        only: None,
        again: Some(Again {
            types: RecordType::ALL
                .into_iter()
                .filter(|kind| is_counted(*kind))
                .map(|kind| kind.name().to_owned())
                .collect(),
            in_one_window: true,
        }),
        verbose: false,
        remarks,
    };
    let (prepared, mut summary) = prepare::prepare(invocation, cancel.clone(), true).await?;
    let extracted = extract::extract(&prepared, cancel, None, &mut summary).await;
    let shown = shown(&prepared, what, month, &extracted).map_err(failed())?;
    let text = match what.form {
        ReportForm::Text => text(&shown),
        ReportForm::Csv => csv(&shown),
        ReportForm::Json => stdout::json(&shown).map_err(failed())?,
    };
    stdout::page(&text).map_err(failed())?;
    Ok(summary.exit(prepared.config.partial_exit_ok))
}

fn shown(
    prepared: &Prepared,
    what: &Report,
    window: Window,
    extracted: &Extracted,
) -> anyhow::Result<Shown> {
    let names = prepared.messenger_names();
    let messenger = names
        .first()
        .context("`messengers` names none, so nothing is extracted")?;
    let mut sums = Sums::new(what.by, window);
    prepared
        .journal
        .records()
        .records(messenger, &mut |record| {
            sums.add(&record);
            ControlFlow::Continue(())
        })
        .context("cannot read what was extracted")?;
    let (runs, unreadable) = ledger::read_with_damage(&prepared.spools.cursors, window.start)
        .context("cannot read the ledger of runs")?;
    lacks_runs(&unreadable);
    let mut records: BTreeMap<String, u64> = BTreeMap::new();
    for line in runs.iter().flat_map(|run| &run.windows) {
        if line.window.end > window.start && line.window.end <= window.end {
            for (kind, number) in &line.types {
                *records.entry(kind.clone()).or_default() += number;
            }
        }
    }
    let unread = UnreadRows::of(&extracted.unread, what.by);
    for name in unread.names() {
        sums.row(name);
    }
    let (rows, unknown) = sums.finish();
    Ok(Shown {
        format: 1,
        month: month::name(what.month),
        by: what.by,
        rows: rows
            .into_iter()
            .map(|row| ShownRow::of(row, &unread))
            .collect(),
        failures: not_read(&extracted.failures),
        unknown_servers: unknown.servers,
        unknown_cpu_servers: unknown.cpu,
        extracted_records: records,
    })
}

/// Durations of a server, cumulative since it began.
#[derive(Debug, Clone, Copy)]
struct Reached {
    at: i64,
    wall: u64,
    cpu: Option<u64>,
}

/// Of how many servers something is not in the sums.
#[derive(Debug, Default, PartialEq)]
struct Unknown {
    /// All of it.
    servers: u64,
    /// CPU time.
    cpu: u64,
}

/// One server.
#[derive(Default)]
struct Server {
    row: String,
    began: i64,
    before: Option<Reached>,
    last: Option<Reached>,
    /// A record as of the month says nothing of wall time.
    unmeasured: bool,
}

struct Sums {
    by: By,
    month: Window,
    servers: HashMap<String, Server>,
    rows: BTreeMap<String, Row>,
}

impl Sums {
    fn new(by: By, month: Window) -> Self {
        Sums {
            by,
            month,
            servers: HashMap::new(),
            rows: BTreeMap::new(),
        }
    }

    fn add(&mut self, found: &WaitingRecord) {
        let vo = match &found.record {
            AccountingRecord::Cloud(record) => &record.fqan,
            AccountingRecord::Accelerator(record) => &record.fqan,
            AccountingRecord::Storage(record) => record.group.as_ref().map_or("", |it| it),
            _ => return,
        };
        let name = match self.by {
            By::Vo => vo.to_owned(),
            By::Project => found.origin.project().to_owned(),
        };
        match &found.record {
            AccountingRecord::Cloud(record) => self.server(name, record),
            AccountingRecord::Accelerator(record) => {
                let at = format!("{}-{:02}", record.year, record.month);
                if at == month::name(self.month.start) {
                    let seconds = Duration::from_secs(record.active_seconds).as_secs_f64();
                    self.row(&name).accelerator_seconds += record.count * seconds;
                }
            }
            AccountingRecord::Storage(record) => self.volume(&name, record),
            _ => {}
        }
    }

    fn row(&mut self, name: &str) -> &mut Row {
        self.rows.entry(name.to_owned()).or_insert_with(|| Row {
            name: name.to_owned(),
            ..Row::default()
        })
    }

    fn server(&mut self, row: String, record: &CloudRecord) {
        let at = record.head.measured_at;
        let server = self.servers.entry(record.vm_uuid.clone()).or_default();
        server.row = row;
        server.began = record.start;
        let Some(wall) = record.wall_seconds else {
            server.unmeasured |= at >= self.month.start;
            return;
        };
        let reached = Reached {
            at,
            wall,
            cpu: record.cpu_seconds,
        };
        let known = match reached.at < self.month.start {
            true => &mut server.before,
            false => &mut server.last,
        };
        if known.is_none_or(|known| known.at <= reached.at) {
            *known = Some(reached);
        }
    }

    fn volume(&mut self, row: &str, record: &StorageRecord) {
        let start = record.start.max(self.month.start);
        let seconds = record.end.min(self.month.end).saturating_sub(start);
        let days =
            Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).as_secs_f64() / 86_400.0;
        // A whole number of MiB, of which a float holds more than there are.
        let mib = u32::try_from(record.capacity_bytes >> 20).unwrap_or(u32::MAX);
        self.row(row).gib_days += f64::from(mib) / 1_024.0 * days;
    }

    /// The rows, and what is in none of them.
    fn finish(mut self) -> (Vec<Row>, Unknown) {
        let mut unknown = Unknown::default();
        for server in std::mem::take(&mut self.servers).into_values() {
            let Some(last) = server.last else {
                unknown.servers += u64::from(server.unmeasured);
                continue;
            };
            let began = server.began < self.month.start;
            let (wall, cpu) = match (server.before, began) {
                (Some(before), _) => (before.wall, before.cpu),
                (None, false) => (0, Some(0)),
                (None, true) => {
                    unknown.servers += 1;
                    continue;
                }
            };
            let row = self.row(&server.row);
            row.servers += 1;
            // A mapper of the site's may give whatever fits its type.
            let used = last.wall.saturating_sub(wall);
            row.wall_seconds = row.wall_seconds.saturating_add(used);
            match last.cpu.zip(cpu) {
                Some((last, before)) => {
                    let used = last.saturating_sub(before);
                    row.cpu_seconds = row.cpu_seconds.saturating_add(used);
                }
                None => unknown.cpu += 1,
            }
        }
        (self.rows.into_values().collect(), unknown)
    }
}

fn text(shown: &Shown) -> String {
    let heading = match shown.by {
        By::Vo => "VO",
        By::Project => "PROJECT",
    };
    let mut table = Table::new([
        heading,
        ">SERVERS",
        ">WALL H",
        ">CPU H",
        ">GPU H",
        ">GIB DAYS",
    ]);
    for row in &shown.rows {
        table.row([
            row.name.clone(),
            or_dash(row.servers, |it| it.to_string()),
            or_dash(row.wall_seconds, hours),
            or_dash(row.cpu_seconds, hours),
            or_dash(row.accelerator_seconds, |it| format!("{:.1}", it / 3_600.0)),
            or_dash(row.gib_days, |it| format!("{it:.1}")),
        ]);
    }
    let mut page = table.to_string();
    for failure in &shown.failures {
        let _ = writeln!(page, "not read: {}", clean_line(failure));
    }
    if shown.unknown_servers > 0 {
        let _ = writeln!(
            page,
            "{} servers are left out: they ran before the month, and no record says how far they were \
             then (`[mapper] month_ends`), or no record has a wall time",
            shown.unknown_servers
        );
    }
    if shown.unknown_cpu_servers > 0 {
        let _ = writeln!(
            page,
            "{} servers have no CPU time in it: their records have none, since their CPUs are not known",
            shown.unknown_cpu_servers
        );
    }
    if shown
        .rows
        .iter()
        .any(|row| row.gib_days.is_some_and(|it| it > 0.0))
    {
        page += "GIB DAYS are of the volumes that are there now, up to the cursors; what was sent of deleted ones is in \
                 `caso report --html FILE`\n";
    }
    let kinds: BTreeSet<String> = shown
        .extracted_records
        .iter()
        .map(|(kind, number)| format!("{} {number}", clean_line(kind)))
        .collect();
    let kinds = match kinds.is_empty() {
        true => "none".to_owned(),
        false => Vec::from_iter(kinds).join(", "),
    };
    let _ = writeln!(page, "extracted in {}, by the ledger: {kinds}", shown.month);
    // What cannot be read cannot be sent once more either.
    let next = match shown.failures.is_empty() {
        true => format!("caso republish --month {}", shown.month),
        false => "caso check".to_owned(),
    };
    let _ = writeln!(page, "next  {next}");
    page
}

fn or_dash<T>(value: Option<T>, shown: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), shown)
}

fn csv(shown: &Shown) -> String {
    let mut page =
        "name,servers,wall_seconds,cpu_seconds,accelerator_seconds,gib_days\r\n".to_owned();
    for row in &shown.rows {
        let name = clean_line(&row.name).replace('"', "\"\"");
        let cells = [
            cell(row.servers),
            cell(row.wall_seconds),
            cell(row.cpu_seconds),
            cell(row.accelerator_seconds),
            cell(row.gib_days),
        ];
        let _ = write!(page, "\"{name}\",{}\r\n", cells.join(","));
    }
    page
}

/// Nothing where it is not known.
fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |it| it.to_string())
}

/// Whose what, and why: a sentence for extractors of a project that came to the same.
pub fn not_read(failures: &[FailureLine]) -> Vec<String> {
    let sentence = |Failed {
                        failure,
                        extractors,
                    }: Failed<'_>| {
        let FailureLine {
            cloud,
            project,
            name,
            reason,
            ..
        } = failure;
        let whose = match name.as_ref().or(project.as_ref()) {
            Some(project) => format!("project `{project}`"),
            None => format!("cloud `{cloud}`"),
        };
        match extractors.as_slice() {
            // It names the project that Keystone was asked for.
            [] if reason.starts_with("project `") => reason.clone(),
            [] => format!("{whose}: {reason}"),
            all => format!("{whose}, {}: {reason}", all.join(", ")),
        }
    };
    in_one(failures).into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ledger::Unread;
    use caso_model::extraction::Extractor;
    use caso_model::record::{AcceleratorRecord, Head};
    use caso_model::{Attribute, Origin, PROJECT_NAME};
    use std::sync::Arc;

    const MONTH: i64 = 1_790_812_800;
    const DAY: i64 = 86_400;

    fn found(record: AccountingRecord) -> WaitingRecord {
        let name = Attribute {
            name: PROJECT_NAME.into(),
            value: "project".into(),
        };
        WaitingRecord {
            origin: Arc::new(Origin {
                attributes: vec![name],
                ..Origin::default()
            }),
            extracted: 0,
            record,
        }
    }

    fn cloud(vm: &str, start: i64, at: i64, wall: u64) -> WaitingRecord {
        found(AccountingRecord::Cloud(CloudRecord {
            head: Head {
                measured_at: at,
                ..Head::default()
            },
            vm_uuid: vm.into(),
            fqan: "vo".into(),
            start,
            wall_seconds: Some(wall),
            cpu_seconds: Some(2 * wall),
            ..CloudRecord::default()
        }))
    }

    fn without(vm: &str, what: fn(&mut CloudRecord)) -> WaitingRecord {
        let mut it = cloud(vm, MONTH + DAY, MONTH + 2 * DAY, 100);
        if let AccountingRecord::Cloud(record) = &mut it.record {
            what(record);
        }
        it
    }

    fn sums(by: By) -> (Vec<Row>, Unknown) {
        let month = Window {
            start: MONTH,
            end: MONTH + 31 * DAY,
        };
        let mut sums = Sums::new(by, month);
        for record in [
            // Ran across the beginning, in whatever order the records come.
            cloud("a", MONTH - DAY, MONTH + DAY, 30_000),
            cloud("a", MONTH - DAY, MONTH - 1, 10_000),
            cloud("a", MONTH - DAY, MONTH + 60, 10_060),
            // Began in the month; ended before it; nobody knows how far it was.
            cloud("b", MONTH + DAY, MONTH + 2 * DAY, 5_000),
            cloud("c", MONTH - DAY, MONTH - 30, 7_000),
            cloud("d", MONTH - DAY, MONTH + DAY, 7_000),
            // Nobody knows the CPUs of one, nor how long the other ran.
            without("e", |record| record.cpu_seconds = None),
            without("f", |record| record.wall_seconds = None),
        ] {
            sums.add(&record);
        }
        for (month, seconds) in [(10, 3_600), (9, 99)] {
            sums.add(&found(AccountingRecord::Accelerator(AcceleratorRecord {
                month,
                year: 2026,
                fqan: "vo".into(),
                count: 0.5,
                active_seconds: seconds,
                ..AcceleratorRecord::default()
            })));
        }
        sums.add(&found(AccountingRecord::Storage(StorageRecord {
            start: MONTH - 60,
            end: MONTH + 2 * DAY,
            capacity_bytes: 3 << 30,
            group: Some("vo".into()),
            ..StorageRecord::default()
        })));
        sums.finish()
    }

    #[test]
    fn a_month_has_what_was_used_in_it() {
        let (rows, unknown) = sums(By::Vo);
        assert_eq!(unknown, Unknown { servers: 2, cpu: 1 });
        let expected = Row {
            name: "vo".into(),
            servers: 3,
            wall_seconds: 25_100,
            cpu_seconds: 50_000,
            accelerator_seconds: 1_800.0,
            gib_days: 6.0,
        };
        assert_eq!(rows, [expected]);
        assert_eq!(sums(By::Project).0[0].name, "project");
    }

    #[test]
    fn as_text_and_as_csv() {
        let (rows, unknown) = sums(By::Vo);
        let rows = rows.into_iter();
        let mut shown = Shown {
            format: 1,
            month: "2026-10".into(),
            by: By::Vo,
            rows: rows
                .map(|row| ShownRow::of(row, &UnreadRows::default()))
                .collect(),
            failures: Vec::new(),
            unknown_servers: unknown.servers,
            unknown_cpu_servers: unknown.cpu,
            extracted_records: [("cloud".to_owned(), 4)].into(),
        };
        assert_eq!(
            text(&shown),
            "VO  SERVERS  WALL H  CPU H  GPU H  GIB DAYS\n\
             vo        3     7.0   13.9    0.5       6.0\n\
             2 servers are left out: they ran before the month, and no record says how far they were then \
             (`[mapper] month_ends`), or no record has a wall time\n\
             1 servers have no CPU time in it: their records have none, since their CPUs are not known\n\
             GIB DAYS are of the volumes that are there now, up to the cursors; what was sent of deleted ones is in \
             `caso report --html FILE`\n\
             extracted in 2026-10, by the ledger: cloud 4\n\
             next  caso republish --month 2026-10\n"
        );
        assert_eq!(
            csv(&shown),
            "name,servers,wall_seconds,cpu_seconds,accelerator_seconds,gib_days\r\n\"vo\",3,25100,50000,1800,6\r\n"
        );

        // Nothing that could not be read is shown as nothing.
        let unread = [
            Unread::Part {
                project: "project".into(),
                vo: "vo".into(),
                extractor: Extractor::Nova,
            },
            Unread::Part {
                project: "another".into(),
                vo: "new".into(),
                extractor: Extractor::Cinder,
            },
        ];
        let rows = UnreadRows::of(&unread, By::Vo);
        let lacking = |name: &str| {
            ShownRow::of(
                Row {
                    name: name.into(),
                    ..Row::default()
                },
                &rows,
            )
        };
        shown.rows = vec![lacking("vo"), lacking("new"), lacking("whole")];
        shown.failures = vec!["project `project`, nova: HTTP 502".into()];
        assert_eq!(
            csv(&shown).lines().skip(1).collect::<Vec<_>>(),
            ["\"vo\",,,,,0", "\"new\",0,0,0,0,", "\"whole\",0,0,0,0,0"]
        );
        let page = text(&shown);
        assert!(
            page.contains("vo           -       -      -      -       0.0\n"),
            "{page}"
        );
        assert!(
            page.contains("not read: project `project`, nova: HTTP 502\n"),
            "{page}"
        );
        assert!(page.ends_with("next  caso check\n"), "{page}");
        let all = UnreadRows::of(&[Unread::Whole], By::Vo);
        let row = ShownRow::of(Row::default(), &all);
        assert_eq!((row.servers, row.gib_days), (None, None));
    }
}
