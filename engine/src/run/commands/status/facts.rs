//! What the spool says of the runs so far.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use nix::unistd::Uid;
use serde::Serialize;

use caso_base::error_chain;
use caso_base::time::start_of_month;
use caso_config::Config;
use caso_disk::{Disk, Left, elements};
use caso_journal::{Damaged, Journal};
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_sandbox::RunLimits;
use caso_state::backlog::{Backlog, Lost as LostWindow};
use caso_state::ledger::{self, FailureLine, MessengerLine, RunLine, WindowLine};
use caso_state::{FolderError, FolderProblem, Lock, LockError, Spool};

use super::cursors::{self, Cursor, DamagedCursors};
use crate::run::backlog;
use crate::run::summary::words::{count, len, span};

/// Back so far the last runs are looked for, in seconds.
pub const LOOK_BACK: i64 = 32 * 86_400;
/// A cursor that is further behind than this needs attention: with an hourly run two were missed.
pub const LATE: i64 = 3 * 3_600;
/// For so long a loss is told of, in seconds.
const TOLD: i64 = 7 * 86_400;
/// Messages that nobody took for so long need attention: ssmsend runs every few hours.
pub const UNTAKEN: i64 = 86_400;

/// Everything, as `caso status --json` prints it. Times are epoch seconds.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Of the form: it changes when a field changes its meaning or goes.
    pub format: u32,
    pub now: i64,
    pub spool: PathBuf,
    /// Nothing of it is there: no run has been, or it was lost.
    pub spool_missing: bool,
    /// Of the spool's filesystem.
    pub bytes_free: u64,
    /// It has no room for a run.
    pub full: bool,
    /// It is mounted so that nobody can write there.
    pub read_only: bool,
    /// Who has the lock: a run is under way.
    pub running: Option<String>,
    /// Why the lock cannot be taken at all.
    pub lock_problem: Option<String>,
    /// The last run, and the last one that extracted without a failure.
    pub last_run: Option<RunLine>,
    pub last_whole: Option<i64>,
    /// The first run that is looked at: before it nothing is known of any.
    #[serde(skip)]
    pub first_run: Option<i64>,
    pub cursors: Vec<Cursor>,
    pub queues: Vec<Queue>,
    pub outgoing: Vec<Outgoing>,
    /// Damaged files of the journal that were set aside.
    pub damaged: Vec<DamagedFile>,
    /// Cursor files that say nothing: their projects are not in `cursors`.
    pub damaged_cursors: Vec<DamagedCursors>,
    /// Files of the ledger with lines that say nothing.
    pub damaged_ledger: Vec<DamagedLedger>,
    /// Records that were lost to messengers in the last days.
    pub lost: Vec<Lost>,
    /// What waited in the journal and is not there any more, as far as it was not extracted again.
    pub lost_windows: Vec<LostWindow>,
    /// What was used in the last days and came to no record.
    pub left_out: Vec<LeftOut>,
    /// What is there and cannot be read: what is above says nothing of it.
    pub unreadable: Vec<String>,
}

/// Records of which the journal had nothing any more when they were to be delivered.
#[derive(Debug, Serialize)]
pub struct Lost {
    pub messenger: String,
    pub records: u64,
    /// When the run began that found it, in epoch seconds.
    pub at: i64,
}

/// Windows of an extractor in which rows could not be read, or the mapper refused what they said.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub cloud: String,
    pub region: Option<String>,
    pub project: String,
    pub name: Option<String>,
    pub extractor: String,
    /// Of how many windows, where the first of them begins and the last ends.
    pub windows: u64,
    pub from: i64,
    pub to: i64,
}

/// A month of the ledger, of which a part is lost.
#[derive(Debug, Serialize)]
pub struct DamagedLedger {
    pub file: PathBuf,
    pub lines: u64,
}

/// A file that a run could not read, and moved away.
#[derive(Debug, Serialize)]
pub struct DamagedFile {
    pub file: PathBuf,
    /// Whether records may have been lost with it.
    pub records: bool,
    #[serde(skip)]
    pub found: Damaged,
}

/// What waits for a messenger.
#[derive(Debug, Serialize)]
pub struct Queue {
    pub messenger: String,
    /// Whether it is in `messengers`.
    pub configured: bool,
    pub waiting: u64,
    pub bytes: u64,
    pub oldest: Option<i64>,
    /// From where to where their windows reach.
    #[serde(skip)]
    pub window: Option<Window>,
    /// How often the batch at the front was offered.
    pub attempts: u32,
    pub quarantined: u64,
    /// Why it stopped in the last run.
    pub stopped: Option<String>,
}

/// A folder of messages that somebody else takes.
#[derive(Debug, Serialize)]
pub struct Outgoing {
    pub messenger: String,
    pub folder: PathBuf,
    pub messages: u64,
    /// When the oldest of them was written.
    pub oldest: Option<i64>,
}

/// So far a run's clock may be ahead of that of who looks, in seconds.
const AHEAD: i64 = 300;

impl Status {
    /// Reads the spool of a configuration.
    ///
    /// # Errors
    /// Something in it is there and cannot be read.
    pub fn read(config: &Config, now: i64) -> anyhow::Result<Self> {
        let status = Self::look(config, now);
        match status.unreadable.as_slice() {
            [] => Ok(status),
            unreadable => Err(anyhow::Error::msg(unreadable.join("; "))),
        }
    }

    /// The same of as much as can be read.
    pub fn look(config: &Config, now: i64) -> Self {
        let spool = Spool::look(&config.spooldir, Disk::default());
        let mut unreadable = Vec::new();
        let runs = ledger::read_with_damage(&spool, now - LOOK_BACK);
        let runs = runs.context("cannot read the ledger of runs");
        let (mut runs, damage) = readable(runs, &mut unreadable);
        // One whose clock was ahead says nothing until then: what comes after it may be of its own time.
        runs.retain(|run| run.began <= now + AHEAD);
        let known = unreadable.is_empty();
        let last_run = runs.last().cloned().or_else(|| replay(&spool));
        // With `partial_exit_ok` a run that lacked something ends well all the same.
        let whole = |run: &&RunLine| run.extracted && run.exit == 0 && run.failures.is_empty();
        // One that ended before anything was delivered says nothing of messengers.
        let delivering = runs.iter().rev().find(|run| !run.messengers.is_empty());
        let queues = readable(queues(config, &spool, delivering), &mut unreadable);
        let cursors = cursors::read(config, &spool, now, known.then_some(&runs));
        let (cursors, damaged_cursors) = readable(cursors, &mut unreadable);
        let left = spool.disk().left(&config.spooldir);
        let damaged = readable(damaged(&spool), &mut unreadable);
        let lost_windows = backlog::lost(&spool, now);
        let noted = Backlog::read(&spool).lost;
        let (lost, left_out) = (lost(&runs, &noted, now), left_out(&runs, now));
        Status {
            format: 1,
            now,
            bytes_free: left.bytes,
            full: config.spooldir.exists() && is_full(&left),
            read_only: left.read_only,
            running: None,
            lock_problem: None,
            spool: config.spooldir.clone(),
            spool_missing: is_missing(&config.spooldir),
            last_whole: runs.iter().rev().find(whole).map(|run| run.began),
            first_run: runs.iter().map(|run| run.began).min(),
            cursors,
            outgoing: delivering.map_or_else(Vec::new, outgoing),
            last_run,
            queues,
            damaged,
            damaged_cursors,
            damaged_ledger: damage
                .into_iter()
                .map(|it| DamagedLedger {
                    file: it.path,
                    lines: it.lines,
                })
                .collect(),
            lost,
            lost_windows,
            left_out,
            unreadable,
        }
    }

    /// With who has the lock. Not for a process that has it itself: by a look it would lose it.
    #[must_use]
    pub fn with_lock(mut self, config: &Config) -> Self {
        match Lock::look(&config.lock_path) {
            Ok(holder) => self.running = holder.map(|it| it.to_string()),
            // Who looks need not be who runs: that is who has the spool.
            Err(LockError::Folder(FolderError {
                problem: FolderProblem::Denied(_),
                ..
            })) if !has(&config.spooldir) => {}
            Err(error) => self.lock_problem = Some(error_chain(&error)),
        }
        self
    }

    /// What somebody should look at, a line each.
    pub fn attention(&self) -> Vec<String> {
        let mut lines = self.unreadable.clone();
        match &self.last_run {
            None if !lines.is_empty() => {}
            None => lines.push("no run is in the ledger yet".to_owned()),
            // It is of the time of its recording, and no cron starts it.
            Some(run) if run.replay => {}
            Some(run) if self.now - run.began > LATE => {
                lines.push("no run has begun for a while: does cron start it?".to_owned());
            }
            Some(_) => {}
        }
        if let Some(problem) = &self.lock_problem {
            lines.push(problem.clone());
        }
        if self.read_only {
            lines.push("the spool's filesystem is read-only".to_owned());
        } else if self.full {
            lines.push("the spool's filesystem is full".to_owned());
        }
        lines.extend(self.not_whole());
        let failures = self.last_run.iter().flat_map(|run| &run.failures);
        let clouds: BTreeSet<_> = failures
            .filter(|it| it.project.is_none() && !it.cloud.is_empty())
            .map(|it| &it.cloud)
            .collect();
        // People read projects: several extractors of one are one.
        let projects = |is: fn(&Cursor) -> bool| {
            let cursors = self.cursors.iter().filter(|it| is(it));
            let projects = cursors.map(|it| (it.cloud.as_str(), it.project.as_str()));
            projects.collect::<BTreeSet<_>>().len()
        };
        let without = self.without_cursor().into_iter();
        let without: BTreeSet<_> = without.map(|it| (&it.cloud, &it.project)).collect();
        let (cloud, project) = (["cloud", "clouds"], ["project", "projects"]);
        for (number, [one, many], what) in [
            (clouds.len(), cloud, "failing as a whole"),
            (projects(Cursor::is_failing), project, "failing"),
            (without.len(), project, "never extracted and failing"),
            (
                projects(|it| it.is_late() && it.not_asked.is_some()),
                project,
                "not asked",
            ),
            (
                projects(|it| it.is_late() && it.is_gone()),
                project,
                "no longer extracted",
            ),
            (projects(Cursor::is_late), project, "behind"),
        ] {
            if number > 0 {
                let number = u64::try_from(number).unwrap_or(u64::MAX);
                lines.push(format!("{} {what}", count(number, one, many)));
            }
        }
        for queue in &self.queues {
            if queue.waiting > 0 && (queue.stopped.is_some() || !queue.configured) {
                lines.push(format!("{} {} waiting", queue.messenger, queue.waiting));
            }
            if queue.quarantined > 0 {
                lines.push(format!(
                    "{} {} in quarantine",
                    queue.messenger, queue.quarantined
                ));
            }
        }
        for outgoing in &self.outgoing {
            if outgoing
                .oldest
                .is_some_and(|oldest| self.now - oldest > UNTAKEN)
            {
                lines.push(format!(
                    "{} {} messages not taken",
                    outgoing.messenger, outgoing.messages
                ));
            }
        }
        // What nothing above says: it did not come so far, or something on the disk failed.
        if let Some(run) = self.last_run.as_ref().filter(|run| run.exit != 0)
            && lines.is_empty()
        {
            lines.push(format!("the last run ended with exit code {}", run.exit));
        }
        let damaged = |records: bool| {
            let files = self.damaged.iter();
            len(&files.filter(|it| it.records == records).collect::<Vec<_>>())
        };
        let cursors = len(&self.damaged_cursors);
        if cursors > 0 {
            lines.push(format!(
                "{} of no use",
                count(cursors, "cursor file", "cursor files")
            ));
        }
        lines.extend(self.lost.iter().map(|lost| {
            let Lost {
                messenger, records, ..
            } = lost;
            format!("{messenger} lost {}", count(*records, "record", "records"))
        }));
        let windows = len(&self.lost_windows);
        // A damaged file of records has a line of its own.
        if windows > 0 && damaged(true) == 0 {
            lines.push(format!("{} lost", count(windows, "window", "windows")));
        }
        let left_out = len(&self.left_out);
        if left_out > 0 {
            lines.push(format!("{left_out} with usage that has no record"));
        }
        let lost: u64 = self.damaged_ledger.iter().map(|it| it.lines).sum();
        if lost > 0 {
            lines.push(format!(
                "{} of the ledger of runs cannot be read",
                count(lost, "line", "lines")
            ));
        }
        for (number, what) in [
            (damaged(true), ["damaged segment", "damaged segments"]),
            (damaged(false), ["damaged file", "damaged files"]),
        ] {
            if number > 0 {
                let [one, many] = what;
                lines.push(format!("{} set aside", count(number, one, many)));
            }
        }
        lines
    }

    /// That nothing has gone wholly well for a while, though runs begin.
    fn not_whole(&self) -> Option<String> {
        self.last_run.as_ref().filter(|run| !run.replay)?;
        match (self.last_whole, self.without_whole()) {
            (None, Some(since)) => Some(format!("no whole run in the last {}", span(since))),
            (Some(at), _) if self.now - at > LATE => {
                Some(format!("no whole run for {}", span(self.now - at)))
            }
            _ => None,
        }
    }

    /// For how many seconds there are runs and none of them was whole: not of a site that has just begun.
    pub fn without_whole(&self) -> Option<i64> {
        let since = self.now - self.first_run?;
        (self.last_whole.is_none() && since > LATE).then_some(since)
    }

    /// What failed in the last run of a project that has no cursor to say so. What has been switched off since is no
    /// failure any more.
    pub fn without_cursor(&self) -> Vec<&FailureLine> {
        let failures = self.last_run.iter().flat_map(|run| &run.failures);
        let known = |it: &&FailureLine| {
            let project = it.project.as_deref().unwrap_or_default();
            let of_it = |is: fn(&Cursor) -> bool, or_any: bool| {
                self.cursors.iter().any(|cursor| {
                    let same = |name: &String| *name == cursor.extractor;
                    is(cursor)
                        && it.extractor.as_ref().map_or(or_any, same)
                        && cursor.cloud == it.cloud
                        && cursor.is_of(project)
                })
            };
            of_it(Cursor::is_failing, true) || of_it(|it| it.switched_off, false)
        };
        failures
            .filter(|it| it.project.is_some() && !known(it))
            .collect()
    }
}

/// The run of a spool in which nothing but a replay was, however old the recording is.
fn replay(spool: &Spool) -> Option<RunLine> {
    let mut runs = ledger::read(spool, 0).unwrap_or_default();
    runs.pop().filter(|run| run.replay)
}

/// What could be read; nothing, and a word about it, where it could not.
fn readable<T: Default>(read: anyhow::Result<T>, unreadable: &mut Vec<String>) -> T {
    read.unwrap_or_else(|error| {
        unreadable.push(error_chain(error.as_ref()));
        T::default()
    })
}

/// Whether no queue on a filesystem takes anything any more.
pub fn is_full(left: &Left) -> bool {
    left.bytes < RunLimits::default().floor(left.of) || left.files == Some(0)
}

fn is_missing(folder: &Path) -> bool {
    fs::metadata(folder).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Whether a folder is of the user who looks.
fn has(folder: &Path) -> bool {
    let owner = fs::metadata(folder).map(|found| found.uid());
    owner.is_ok_and(|owner| owner == Uid::effective().as_raw())
}

fn lost(runs: &[RunLine], noted: &[LostWindow], now: i64) -> Vec<Lost> {
    let recent = runs.iter().filter(|run| now - run.began < TOLD);
    let recent = recent.filter(|run| !is_made_good(run, noted, runs));
    let of_run = |run: &RunLine| {
        let at = run.began;
        let lost = |it: &MessengerLine| Lost {
            messenger: it.name.clone(),
            records: it.missing,
            at,
        };
        let messengers = run.messengers.iter().filter(|it| it.missing > 0);
        messengers.map(lost).collect::<Vec<_>>()
    };
    recent.flat_map(of_run).collect()
}

/// Whether what messengers lacked in a run was extracted once more since: by what is noted of it, or where nothing is,
/// its month.
fn is_made_good(lacking: &RunLine, noted: &[LostWindow], runs: &[RunLine]) -> bool {
    let of_run = |it: &&LostWindow| it.at <= lacking.began && lacking.began - it.at < TOLD;
    let noted: Vec<LostWindow> = noted.iter().filter(of_run).cloned().collect();
    if !noted.is_empty() {
        return caso_state::backlog::remaining(&noted, runs, &[]).is_empty();
    }
    let month = start_of_month(lacking.began).unwrap_or(i64::MIN);
    let later = runs.iter().filter(|run| run.began > lacking.began);
    let mut windows = later.flat_map(|run| &run.windows).map(|it| it.window);
    windows.any(|window| window.start <= month && window.end >= lacking.began)
}

/// Of addresses nothing can be made afterwards. What was extracted once more since, and whole, is no more left out.
pub fn left_out(runs: &[RunLine], now: i64) -> Vec<LeftOut> {
    let mut found: BTreeMap<(&str, Option<&str>, &str, &str), LeftOut> = BTreeMap::new();
    let is_of_a_moment =
        |it: &WindowLine| Extractor::named(&it.extractor).is_some_and(Extractor::is_of_a_moment);
    for (at, run) in runs.iter().enumerate() {
        if now - run.began >= TOLD {
            continue;
        }
        for line in run.windows.iter().filter(|it| !is_of_a_moment(it)) {
            for project in line.lost.keys() {
                let later = runs.get(at + 1..).unwrap_or_default().iter();
                let mut later = later.flat_map(|run| &run.windows);
                if later.any(|it| is_whole_over(it, line, project)) {
                    continue;
                }
                let region = line.region.as_deref();
                let key = (
                    line.cloud.as_str(),
                    region,
                    project.as_str(),
                    line.extractor.as_str(),
                );
                let known = found.entry(key).or_insert_with(|| LeftOut {
                    cloud: line.cloud.clone(),
                    region: line.region.clone(),
                    project: project.clone(),
                    name: None,
                    extractor: line.extractor.clone(),
                    windows: 0,
                    from: line.window.start,
                    to: line.window.end,
                });
                known.windows += 1;
                known.from = known.from.min(line.window.start);
                known.to = known.to.max(line.window.end);
                if let Some(name) = run.names.get(project) {
                    known.name = Some(name.clone());
                }
            }
        }
    }
    found.into_values().collect()
}

/// Whether a window is over another one of its extractor, and left nothing out of this project.
fn is_whole_over(window: &WindowLine, of: &WindowLine, project: &str) -> bool {
    (&window.cloud, &window.region, &window.extractor) == (&of.cloud, &of.region, &of.extractor)
        && window.window.start <= of.window.start
        && window.window.end >= of.window.end
        && window.records.contains_key(project)
        && !window.lost.contains_key(project)
}

fn damaged(spool: &Spool) -> anyhow::Result<Vec<DamagedFile>> {
    let found = Journal::damaged_of(spool).context("cannot read the journal")?;
    let of = |found: Damaged| DamagedFile {
        file: found.path.clone(),
        records: found.held.is_records(),
        found,
    };
    Ok(found.into_iter().map(of).collect())
}

/// Those of all messengers, in the configuration or not.
///
/// # Errors
/// The journal cannot be read.
pub fn queues(
    config: &Config,
    spool: &Spool,
    last: Option<&RunLine>,
) -> anyhow::Result<Vec<Queue>> {
    let waiting = Journal::look(spool).context("cannot read the journal")?;
    let configured: Vec<&str> = config.messengers.iter().map(|it| it.name()).collect();
    let stopped = |name: &str| {
        let line = last.and_then(|run| run.messengers.iter().find(|it| it.name == name));
        line.and_then(|line| line.stopped.clone())
    };
    let mut queues: Vec<Queue> = waiting
        .into_iter()
        // Of a removed one that has nothing any more an empty folder is left.
        .filter(|it| {
            let is_removed = !configured.contains(&it.messenger.as_str());
            !is_removed || it.records > 0 || it.quarantined > 0
        })
        .map(|it| Queue {
            configured: configured.contains(&it.messenger.as_str()),
            stopped: stopped(&it.messenger),
            waiting: it.records,
            bytes: it.bytes,
            oldest: it.oldest,
            window: it.window,
            attempts: it.attempts,
            quarantined: it.quarantined,
            messenger: it.messenger,
        })
        .collect();
    for name in configured {
        if queues.iter().all(|queue| queue.messenger != name) {
            queues.push(Queue {
                messenger: name.to_owned(),
                configured: true,
                waiting: 0,
                bytes: 0,
                oldest: None,
                window: None,
                attempts: 0,
                quarantined: 0,
                stopped: stopped(name),
            });
        }
    }
    queues.sort_by(|one, other| one.messenger.cmp(&other.messenger));
    Ok(queues)
}

fn outgoing(run: &RunLine) -> Vec<Outgoing> {
    let of = |messenger: &str, folder: &PathBuf| {
        let (messages, oldest) = messages(folder);
        Outgoing {
            messenger: messenger.to_owned(),
            folder: folder.clone(),
            messages,
            oldest,
        }
    };
    let messengers = run.messengers.iter();
    messengers
        .flat_map(|it| it.queues.iter().map(|folder| of(&it.name, folder)))
        .collect()
}

/// How many there are, and when the oldest was written. A queue that is not there, or cannot be
/// read, has none: `caso check` says so.
fn messages(queue: &Path) -> (u64, Option<i64>) {
    let elements = elements(queue).unwrap_or_default();
    let written = |path: &PathBuf| {
        let at = fs::metadata(path).and_then(|found| found.modified()).ok()?;
        let at = at.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(at.as_secs()).ok()
    };
    (len(&elements), elements.iter().filter_map(written).min())
}
