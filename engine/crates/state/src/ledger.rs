//! The ledger of runs: `caso-runs/YYYY-MM.jsonl`, a line a run, kept for 400 days.
//!
//! What a run did, for people and commands that come after it: which windows it extracted,
//! what each messenger took and why it stopped, what failed, how the run ended. Nothing of it
//! decides what is extracted or delivered next: one that is lost or damaged costs a look back
//! and no record. What adds up is extracted again in the windows that it has (and in those that a run left with
//! its cursors whose line is not there). A line that cannot be read is passed over, and a torn one is cut before the
//! next is added.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use caso_base::regular;
use caso_base::time::{format_month, start_of_month};
use caso_disk::{DiskError, Step};
use caso_model::Window;

use crate::cursors::{CursorKey, Cursors, FormerNames};
use crate::spool::Spool;

/// The form of a line. One that says more is passed over.
const FORMAT: u32 = 1;
/// For how many seconds a month's file is kept after its end.
pub const KEPT: i64 = 400 * 86_400;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Of the line.
    pub format: u32,
    /// Version of the program.
    pub version: String,
    /// When it began, in epoch seconds.
    pub began: i64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Its exit code.
    pub exit: u8,
    /// Id of its process.
    pub process: u32,
    /// Whether it extracted, or only delivered.
    pub extracted: bool,
    /// Requests to OpenStack and Prometheus.
    pub requests: u64,
    /// Names of the projects that were found, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// What was extracted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowLine>,
    /// What failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureLine>,
    /// What was delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messengers: Vec<MessengerLine>,
    /// What was told of it as an error, as far as it is not too much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemLine>,
}

/// An error of a run, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemLine {
    /// What is.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One window of one extractor: all projects of which it is the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowLine {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region, where that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Name of the extractor.
    pub extractor: String,
    /// What was extracted, in epoch seconds.
    pub window: Window,
    /// Records that came of it, by id of the project.
    pub records: BTreeMap<String, u64>,
    /// The same, by record type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, u64>,
    /// Items that came to no record, as their rows could not be read or the mapper refused them, by
    /// id of the project.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, u64>,
    /// From when on `used` counts, in epoch seconds: where the window before it ended. None where
    /// nothing was counted, as in lines of a version that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_from: Option<i64>,
    /// What the records say was used from then to the window's end, by id of the project. One
    /// that is in `records` and not here was not counted: its use is unknown, not nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<String, Vec<UseRow>>,
}

/// What was used on a day by a VO, of a flavor. What is none was not used, or is of another
/// extractor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UseRow {
    /// Days since 1970-01-01, in UTC.
    pub day: i64,
    /// Name of the VO.
    pub vo: String,
    /// Name of the flavor, where a server used it and its name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Seconds for which servers existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_seconds: Option<u64>,
    /// Those times the CPUs that each had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Seconds of servers whose CPUs nobody stated: they are not in `cpu_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_cpus: Option<u64>,
    /// Seconds times accelerators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_seconds: Option<f64>,
    /// Seconds times GiB of storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gib_seconds: Option<f64>,
    /// Energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watt_hours: Option<f64>,
}

/// One extractor of one project, or a whole cloud, that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureLine {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Id of the project; none where the cloud failed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its name, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the extractor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
    /// In words.
    pub reason: String,
}

/// What one messenger came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessengerLine {
    /// Name of its instance.
    pub name: String,
    /// Records that it took in this run.
    pub delivered: u64,
    /// Records that it refused or failed on in this run.
    pub quarantined: u64,
    /// Records that wait.
    pub waiting: u64,
    /// Records that were lost to it, as what the journal had of them was damaged or gone.
    #[serde(default, skip_serializing_if = "is_none")]
    pub missing: u64,
    /// Why it stopped before its queue was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Folders of its queues, which somebody else empties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<PathBuf>,
}

// serde hands in a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(number: &u64) -> bool {
    *number == 0
}

/// What tells one run from another: none begins before the other has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// When it began, in epoch seconds.
    pub began: i64,
    /// Id of its process.
    pub process: u32,
}

impl RunLine {
    /// The form in which this version writes.
    pub const FORMAT: u32 = FORMAT;
}

/// Adds a run, with fsync, and removes months that are older than is kept.
///
/// # Errors
/// The month's file cannot be written: nothing else is the worse for it.
pub fn append(spool: &Spool, run: &RunLine) -> Result<(), DiskError> {
    let folder = spool.ledger_folder();
    spool.disk().create_folder(&folder)?;
    let path = folder.join(format!("{}.jsonl", month(run.began)));
    let mut line = serde_json::to_vec(run)
        .map_err(|error| DiskError::new(Step::Write, &path, io::Error::other(error)))?;
    line.push(b'\n');
    let is_new = !path.exists();
    let mut file = spool.disk().append_lines(&path)?;
    file.write(&line)?;
    file.sync_data()?;
    // A run that extracted nothing may have been refused as its clock is years ahead: by that nothing is old.
    if is_new && !run.windows.is_empty() {
        let oldest = month(run.began - KEPT);
        for (name, path) in months(&folder).unwrap_or_default() {
            if name < oldest {
                spool.disk().remove(&path)?;
            }
        }
    }
    Ok(())
}

/// The runs that began at `since` or later, in epoch seconds, the oldest first; without what was
/// used, which is most of a line and of no use but to a report.
///
/// # Errors
/// A file is there and cannot be read.
pub fn read(spool: &Spool, since: i64) -> io::Result<Vec<RunLine>> {
    Ok(read_with_damage(spool, since)?.0)
}

/// The same, and what could not be read of it.
///
/// # Errors
/// As [`read`].
pub fn read_with_damage(spool: &Spool, since: i64) -> io::Result<(Vec<RunLine>, Vec<Unreadable>)> {
    let mut runs = Vec::new();
    let unreadable = each(spool, since, &mut |mut run| {
        for window in &mut run.windows {
            window.used_from = None;
            window.used = BTreeMap::new();
        }
        runs.push(run);
    })?;
    runs.sort_by_key(|run| run.began);
    Ok((runs, unreadable))
}

/// Lines in one file of the ledger that say nothing: a disk damaged them, or somebody did. Of the runs in them
/// nothing is known any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The month's file.
    pub path: PathBuf,
    /// How many.
    pub lines: u64,
}

/// The same, whole, one at a time and in the order in which they ended: a year may be long. And what could not be
/// read of it. (A line that is cut short at the end of a file is a killed run's, and none.)
///
/// # Errors
/// As [`read`].
pub fn each(
    spool: &Spool,
    since: i64,
    visit: &mut dyn FnMut(RunLine),
) -> io::Result<Vec<Unreadable>> {
    let first = month(since);
    let mut unreadable = Vec::new();
    for (name, path) in months(&spool.ledger_folder())? {
        if name < first {
            continue;
        }
        let mut bad = 0;
        let mut file = BufReader::new(regular::open(&path).map_err(regular::named(&path))?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = file.read_until(b'\n', &mut line);
            if read.map_err(regular::named(&path))? == 0 {
                break;
            }
            match serde_json::from_slice::<RunLine>(&line) {
                Ok(run) if run.format <= FORMAT && run.began >= since => visit(run),
                Ok(_) => {}
                Err(_) if line.last() == Some(&b'\n') && !is_newer(&line) => bad += 1,
                Err(_) => {}
            }
        }
        if bad > 0 {
            unreadable.push(Unreadable { path, lines: bad });
        }
    }
    Ok(unreadable)
}

/// What projects were called in the runs that began at `since` or later, in epoch seconds: by id, the last name
/// first, each once. Of the lines nothing else is read.
///
/// # Errors
/// As [`read`].
pub fn names(spool: &Spool, since: i64) -> io::Result<BTreeMap<String, Vec<String>>> {
    #[derive(Deserialize)]
    struct OnlyNames {
        began: i64,
        #[serde(default)]
        names: BTreeMap<String, String>,
    }
    let first = month(since);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, path) in months(&spool.ledger_folder())? {
        if name < first {
            continue;
        }
        let file = BufReader::new(regular::open(&path).map_err(regular::named(&path))?);
        for line in file.split(b'\n') {
            let line = line.map_err(regular::named(&path))?;
            let run = serde_json::from_slice::<OnlyNames>(&line);
            for (id, name) in run
                .into_iter()
                .filter(|run| run.began >= since)
                .flat_map(|run| run.names)
            {
                let known = found.entry(id).or_default();
                known.retain(|it| *it != name);
                known.insert(0, name);
            }
        }
    }
    Ok(found)
}

/// A later version's line may be of another form.
fn is_newer(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct OnlyFormat {
        format: u32,
    }
    serde_json::from_slice::<OnlyFormat>(line).is_ok_and(|it| it.format > FORMAT)
}

/// The run that was added last, where its line is whole.
///
/// # Errors
/// A file is there and cannot be read.
pub fn last(spool: &Spool) -> io::Result<Option<RunId>> {
    let Some((_, path)) = months(&spool.ledger_folder())?.pop() else {
        return Ok(None);
    };
    let line = regular::last_line(&path)?;
    Ok(line.and_then(|line| serde_json::from_slice(&line).ok()))
}

/// How far extractors came by the last runs in it, up to `now`: by id of the project. Of the newest months' files the ends
/// are read, so much that a run is in them that extracted something: a line of a site of thousands of projects is a megabyte.
/// Of a project that none of these runs extracted nothing is known here.
///
/// # Errors
/// As [`read`].
pub fn came(spool: &Spool, now: i64) -> io::Result<HashMap<String, HashMap<CursorKey, i64>>> {
    const END: u64 = 1 << 20;
    const MOST: u64 = 64 << 20;
    let files = months(&spool.ledger_folder())?;
    let mut end = END;
    loop {
        let mut came = HashMap::new();
        let mut left = end;
        for (_, path) in files.iter().rev() {
            let lines = regular::last_lines(path, left).map_err(regular::named(path))?;
            for line in lines.split(|byte| *byte == b'\n') {
                note_ends(line, now, &mut came);
            }
            let length = path.metadata().map_or(0, |found| found.len());
            left = left.saturating_sub(length);
            if left == 0 {
                break;
            }
        }
        if !came.is_empty() || left > 0 || end >= MOST {
            by_former_names(&Cursors::renamed(spool), &mut came);
            return Ok(came);
        }
        end *= 4;
    }
}

/// By a former name of its place the ledger has what is of the present one.
fn by_former_names(renamed: &FormerNames, came: &mut HashMap<String, HashMap<CursorKey, i64>>) {
    for (project, ends) in came {
        let former: Vec<(CursorKey, i64)> = renamed
            .of(project)
            .iter()
            .flat_map(|(now, was)| {
                let of_was = ends.iter().filter(|(key, _)| key.place() == *was);
                of_was.map(|(key, end)| (now.key(&key.extractor), *end))
            })
            .collect();
        for (key, end) in former {
            let known = ends.entry(key).or_insert(end);
            *known = end.max(*known);
        }
    }
}

/// The ends of a run's windows, of its line nothing else.
fn note_ends(line: &[u8], now: i64, came: &mut HashMap<String, HashMap<CursorKey, i64>>) {
    #[derive(Deserialize)]
    struct OnlyWindows {
        #[serde(default)]
        windows: Vec<OnlyWindow>,
    }
    #[derive(Deserialize)]
    struct OnlyWindow {
        cloud: String,
        #[serde(default)]
        region: Option<String>,
        extractor: String,
        window: Window,
        records: HashMap<String, IgnoredAny>,
    }
    let run = serde_json::from_slice::<OnlyWindows>(line);
    let windows = run.into_iter().flat_map(|run| run.windows);
    for line in windows.filter(|it| it.window.end <= now) {
        let key = CursorKey {
            cloud: line.cloud,
            region: line.region,
            extractor: line.extractor,
        };
        for project in line.records.into_keys() {
            let ends = came.entry(project).or_default();
            let end = ends.entry(key.clone()).or_insert(i64::MIN);
            *end = line.window.end.max(*end);
        }
    }
}

/// Whether a run is in it.
///
/// # Errors
/// A file is there and cannot be read.
pub fn lists(spool: &Spool, run: RunId) -> io::Result<bool> {
    let first = month(run.began);
    for (name, path) in months(&spool.ledger_folder())? {
        if name >= first {
            for line in BufReader::new(regular::open(&path)?).split(b'\n') {
                let found = serde_json::from_slice::<RunId>(&line?);
                if found.is_ok_and(|found| found == run) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// `2026-11`, in UTC: these sort as their months do.
fn month(at: i64) -> String {
    format_month(start_of_month(at).unwrap_or(0))
}

/// The months' files, the oldest first.
fn months(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(regular::named(folder))?,
    };
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(regular::named(folder))?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let is_month = path.extension().is_some_and(|ending| ending == "jsonl");
        if let (Some(name), true) = (name, is_month) {
            found.push((name.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histories::Place;
    use caso_disk::Disk;
    use caso_disk::faults::{At, End, folder};

    const DAY: i64 = 86_400;
    const T: i64 = 1_795_280_273;

    fn run(began: i64) -> RunLine {
        RunLine {
            format: FORMAT,
            version: "6.0.0".into(),
            began,
            took_ms: 1_234,
            exit: 3,
            process: 17,
            extracted: true,
            requests: 5,
            names: [("p".to_owned(), "project".to_owned())].into(),
            windows: vec![WindowLine {
                cloud: "default".into(),
                region: None,
                extractor: "cinder".into(),
                window: Window {
                    start: began - 3_600,
                    end: began,
                },
                records: [("p".to_owned(), 2)].into(),
                lost: BTreeMap::new(),
                types: [("storage".to_owned(), 2)].into(),
                used_from: Some(began - 3_600),
                used: [(
                    "p".to_owned(),
                    vec![UseRow {
                        day: began / DAY,
                        vo: "vo".into(),
                        gib_seconds: Some(7_200.5),
                        ..UseRow::default()
                    }],
                )]
                .into(),
            }],
            failures: Vec::new(),
            messengers: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// With what was used.
    fn whole(spool: &Spool, since: i64) -> Vec<RunLine> {
        let mut runs = Vec::new();
        each(spool, since, &mut |run| runs.push(run)).unwrap();
        runs
    }

    /// A line of a site of thousands of projects is longer than what is looked at first.
    #[test]
    fn how_far_each_came_is_in_the_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
        let key = CursorKey {
            cloud: "default".into(),
            region: None,
            extractor: "cinder".into(),
        };
        let of = |project: &str, now: i64| {
            let came = came(&spool, now).unwrap();
            came.get(project).and_then(|it| it.get(&key)).copied()
        };
        assert_eq!(of("p", 9), None);
        let at = 1_794_000_000;
        append(&spool, &run(at)).unwrap();
        append(&spool, &run(at + 3_600)).unwrap();
        assert_eq!(of("p", at + 3_600), Some(at + 3_600));
        assert_eq!(of("p", at + 3_599), Some(at), "not what ends in the future");
        let mut large = run(at + 7_200);
        let projects = (0..60_000).map(|n| (format!("project-of-a-long-name-{n}"), n));
        large.windows[0].records = projects.collect();
        append(&spool, &large).unwrap();
        assert_eq!(
            of("project-of-a-long-name-59999", i64::MAX),
            Some(at + 7_200)
        );
        // The next month's file is short, and looked behind.
        append(&spool, &run(at + 40 * 86_400)).unwrap();
        assert_eq!(of("p", i64::MAX), Some(at + 40 * 86_400));
    }

    /// The ledger has the name that its cloud had then.
    #[test]
    fn how_far_each_came_goes_with_a_place_that_gets_another_name() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
        let place = |cloud: &str| Place {
            cloud: cloud.into(),
            region: None,
        };
        let of = |cloud: &str| {
            let came = came(&spool, i64::MAX).unwrap();
            came["p"].get(&place(cloud).key("cinder")).copied()
        };
        let at = 1_794_000_000;
        append(&spool, &run(at)).unwrap();
        assert_eq!((of("default"), of("prod")), (Some(at), None));
        Cursors::rename(&spool, &place("default"), &place("prod")).unwrap();
        assert_eq!(of("prod"), Some(at));
    }

    #[test]
    fn use_is_read_only_where_it_is_wanted() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        append(&spool, &run(T)).unwrap();
        let windows = &read(&spool, 0).unwrap()[0].windows;
        assert!(windows[0].used.is_empty() && windows[0].used_from.is_none());
        assert_eq!(whole(&spool, 0), [run(T)]);
    }

    #[test]
    fn runs_come_back_in_their_order_and_old_months_go() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        assert_eq!(read(&spool, 0).unwrap(), []);
        for began in [T - 500 * DAY, T - 390 * DAY, T - DAY, T] {
            append(&spool, &run(began)).unwrap();
        }
        let began: Vec<i64> = read(&spool, 0)
            .unwrap()
            .iter()
            .map(|run| run.began)
            .collect();
        assert_eq!(began, [T - 390 * DAY, T - DAY, T]);
        assert_eq!(whole(&spool, T), [run(T)]);
        let files = fs::read_dir(spool.ledger_folder()).unwrap().count();
        assert_eq!(files, 2);
    }

    /// With the first run of a month, and for 400 days at least.
    #[test]
    fn a_month_is_kept_until_all_of_it_is_too_old() {
        assert_eq!(KEPT, 34_560_000);
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        let month = 30 * DAY;
        for began in [T - KEPT - month, T - KEPT] {
            append(&spool, &run(began)).unwrap();
        }
        assert_eq!(whole(&spool, 0).len(), 2);
        // By a clock that nobody has compared with another nothing is old.
        let refused = RunLine {
            windows: Vec::new(),
            ..run(T + 2 * KEPT)
        };
        append(&spool, &refused).unwrap();
        assert_eq!(whole(&spool, 0).len(), 3);
        append(&spool, &run(T)).unwrap();
        assert_eq!(whole(&spool, 0), [run(T - KEPT), run(T), refused]);
    }

    /// Damage is passed over; a ledger that cannot be had is not taken for an empty one.
    #[test]
    fn a_ledger_that_cannot_be_read_is_an_error() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        fs::write(spool.ledger_folder(), "").unwrap();
        let failed = read(&spool, 0).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::NotADirectory);
        assert!(failed.to_string().contains("caso-runs`"), "{failed}");
    }

    /// Of the runs in them nothing is known. A line that a kill cut short is none, and a later version's neither.
    #[test]
    fn lines_that_say_nothing_are_counted() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        append(&spool, &run(T)).unwrap();
        let path = spool.ledger_folder().join(format!("{}.jsonl", month(T)));
        let line = fs::read_to_string(&path).unwrap();
        let unreadable = |text: String| {
            fs::write(&path, text).unwrap();
            let (runs, unreadable) = read_with_damage(&spool, 0).unwrap();
            assert_eq!(runs, read(&spool, 0).unwrap());
            let lines: u64 = unreadable.iter().map(|it| it.lines).sum();
            assert!(unreadable.iter().all(|it| it.path == path));
            (runs.len(), lines)
        };
        let half = &line[..line.len() / 2];
        assert_eq!(unreadable(line.repeat(2)), (2, 0));
        assert_eq!(unreadable(format!("{line}{half}")), (1, 0));
        assert_eq!(unreadable(format!("{half}\n\0\0\n{line}")), (1, 2));
        assert_eq!(unreadable(format!("{line}{{\"format\": 99}}\n")), (1, 0));
    }

    #[test]
    fn what_is_no_month_of_the_ledger_is_left_alone() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        append(&spool, &run(T)).unwrap();
        let month = spool.ledger_folder().join("2026-11.jsonl");
        let other = spool.ledger_folder().join("2020-01.txt");
        fs::copy(&month, &other).unwrap();
        append(&spool, &run(T + 31 * DAY)).unwrap();
        assert!(other.exists());
        assert_eq!(whole(&spool, 0).len(), 2);
    }

    /// As 6.0.0 of before wrote it: what it did not count is not there, and not nothing.
    #[test]
    fn a_line_from_before_use_was_counted_is_read_without_it() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        append(&spool, &run(T)).unwrap();
        let line = r#"{"format":1,"version":"6.0.0","began":1795280274,"took_ms":1,"exit":0,"process":1,"extracted":true,"requests":5,"windows":[{"cloud":"default","extractor":"nova","window":{"start":1,"end":2},"records":{"p":3}}]}"#;
        fs::write(spool.ledger_folder().join("2026-11.jsonl"), line).unwrap();
        let runs = whole(&spool, 0);
        let window = &runs[0].windows[0];
        assert_eq!(window.records["p"], 3);
        assert_eq!((window.used_from, window.used.len()), (None, 0));
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        append(&spool, &run(T)).unwrap();
        let path = spool.ledger_folder().join("2026-11.jsonl");
        let mut text = fs::read_to_string(&path).unwrap();
        let newer = RunLine {
            format: FORMAT + 1,
            ..run(T)
        };
        text.push_str(&serde_json::to_string(&newer).unwrap());
        text.push('\n');
        text.push_str("{\"format\":9,\"all\":\"different\"}\n\0\0\n{\"torn");
        fs::write(&path, text).unwrap();
        append(&spool, &run(T + 1)).unwrap();
        assert_eq!(whole(&spool, 0), [run(T), run(T + 1)]);
    }

    /// A line is there whole, or not at all, and those before it stay.
    #[test]
    fn killed_at_any_step_it_keeps_what_it_had() {
        let counted = At::never();
        let dir = folder().unwrap();
        append(&Spool::look(dir.path(), counted.disk()), &run(T)).unwrap();
        for end in [End::Kill, End::Torn, End::Full] {
            for at in 0..counted.seen() {
                let dir = folder().unwrap();
                let good = Spool::look(dir.path(), Disk::default());
                append(&good, &run(T)).unwrap();
                let ended = Spool::look(dir.path(), At::new(end, at).disk());
                let _ = append(&ended, &run(T + 1));
                append(&good, &run(T + 2)).unwrap();
                let left = whole(&good, 0);
                assert!(
                    left.contains(&run(T)) && left.contains(&run(T + 2)),
                    "{left:?}"
                );
            }
        }
    }
}
