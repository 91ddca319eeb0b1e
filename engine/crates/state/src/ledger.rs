//! The ledger of runs: `caso-runs/YYYY-MM.jsonl`, a line a run, kept for 400 days.
//!
//! What a run did, for people and commands that come after it: which windows it extracted,
//! what each messenger took and why it stopped, what failed, how the run ended. Nothing of it
//! decides what is extracted or delivered next: one that is lost or damaged costs a look back
//! and no record. What adds up is extracted again in the windows that it has (and in those that a run left with
//! its cursors whose line is not there). A line that cannot be read is passed over, and a torn one is cut before the
//! next is added.

mod came;
mod line;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use caso_base::regular;
use caso_base::time::{format_month, start_of_month};
use caso_disk::{DiskError, Step};

use crate::spool::Spool;

pub use came::Came;
pub use line::{FailureLine, MessengerLine, ProblemLine, RunId, RunLine, UseRow, WindowLine};

/// The form of a line. One that says more is passed over.
const FORMAT: u32 = 1;
/// For how many seconds a month's file is kept after its end.
pub const KEPT: i64 = 400 * 86_400;

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

/// The runs that began at `since` or later, in epoch seconds, in the order in which they ended, whatever a clock said
/// that was put right since; without what was used, which is most of a line and of no use but to a report.
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
    last_as(spool)
}

/// The same, all of it.
///
/// # Errors
/// As [`last`].
pub fn last_line(spool: &Spool) -> io::Result<Option<RunLine>> {
    last_as(spool)
}

fn last_as<T: DeserializeOwned>(spool: &Spool) -> io::Result<Option<T>> {
    let Some((_, path)) = months(&spool.ledger_folder())?.pop() else {
        return Ok(None);
    };
    let line = regular::last_line(&path)?;
    Ok(line.and_then(|line| serde_json::from_slice(&line).ok()))
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
mod tests;
