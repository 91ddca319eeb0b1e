//! `caso cursor set` and `forget`: the two ways of changing by hand how far a project is. Each takes a run's lock.

use std::collections::BTreeSet;

use anyhow::{Context as _, anyhow};

use super::queue::{Ask, agreed};
use super::status::{Cursor, Status};
use crate::run::exit::Exit;
use crate::run::extract::AgainError;
use crate::run::extract::again::{PastWindows, adds_up, behind_gaps, pieces};
use crate::run::extract::cursor_keys;
use crate::run::kind::Kind;
use crate::run::month;
use crate::run::prepare::{Stopped, locked};
use crate::run::remedy::advised;
use crate::run::summary::words::span;
use crate::stdout;
use caso_base::line::clean_line;
use caso_base::shell_word as word;
use caso_base::time::{format_month, format_utc};
use caso_base::{Clock as _, SystemClock};
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_model::Window;
use caso_state::{Cursors, Spool};

pub use super::cursor_list::list;

/// What to change.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// All of a project's, to a moment in epoch seconds.
    Set {
        project: String,
        /// Of a project that has none yet.
        cloud: Option<String>,
        at: i64,
        /// Nobody extracted what lies between where they stand and this.
        never_extracted: bool,
    },
    Forget {
        project: String,
    },
}

/// For people.
pub fn name(cursor: &Cursor) -> &str {
    cursor.name.as_deref().unwrap_or(&cursor.project)
}

/// Says what comes of it, asks where usage would be skipped or forgotten, and does it.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn change(config: &Config, change: &Change, ask: Ask<'_>) -> Result<(), Exit> {
    changed(config, change, ask).await.map_err(Stopped::report)
}

async fn changed(config: &Config, change: &Change, ask: Ask<'_>) -> Result<(), Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let now = SystemClock::new().now();
    let status = Status::read(config, now).map_err(failed())?;
    let new;
    let cursors = match change {
        Change::Set { project, cloud, .. } if is_id(project) && !is_known(&status, project) => {
            new = of_new(config, project, cloud.as_deref()).map_err(Stopped::with(Exit::Usage))?;
            new.iter().collect()
        }
        Change::Set { project, cloud, .. } => {
            let found = of_project(&status, project).map_err(failed())?;
            has_no_place(&found, cloud.as_deref()).map_err(Stopped::with(Exit::Usage))?;
            found
        }
        Change::Forget { project } => of_project(&status, project).map_err(failed())?,
    };
    let (text, question) = match change {
        Change::Set { at, .. } if *at > now => {
            return Err(Stopped::with(Exit::Usage)(anyhow!(
                "{} lies in the future",
                format_utc(*at)
            )));
        }
        Change::Set {
            at,
            never_extracted,
            ..
        } => announced(
            &cursors,
            *at,
            *never_extracted,
            config.overlapping_intervals,
        ),
        Change::Forget { .. } => (forgotten(&cursors), Some("Forget it?")),
    };
    if let Change::Set { at, .. } = change {
        counted_once(config, &cursors, *at, now).map_err(failed())?;
    }
    let text = match (change, question) {
        (
            Change::Set {
                never_extracted: false,
                ..
            },
            Some(_),
        ) => text + &older(&status, &cursors),
        _ => text,
    };
    // What cannot be done is not announced. While somebody thinks it over runs may go on.
    let spools = Kind::Real.spools(&config.spooldir).map_err(failed())?;
    let mut lock = Kind::Real.lock(config).await.map_err(locked)?;
    stdout::page(&text).map_err(failed())?;
    if let Some(question) = question {
        drop(lock.take());
        agreed(ask, question)?;
        lock = Kind::Real.lock(config).await.map_err(locked)?;
    }
    let _lock = lock;
    let Some(first) = cursors.first() else {
        return Ok(());
    };
    let written = match change {
        Change::Set {
            at,
            never_extracted,
            ..
        } => {
            let keys = cursors.iter().map(|it| it.key()).collect();
            let all = Cursors::open(&spools.cursors, false)
                .noting(adds_up)
                .configured(keys);
            all.set(&first.project, first.name.as_deref(), *at, *never_extracted)
        }
        Change::Forget { .. } => Cursors::forget(&spools.cursors, &first.project),
    };
    written
        .context("the cursors could not be written")
        .map_err(failed())?;
    let name = clean_line(name(first));
    stdout::page(&match change {
        Change::Set { at, .. } => {
            let at = format_utc(*at);
            format!("cursors and lastrun of `{name}` are at {at}\nnext  caso-extract\n")
        }
        Change::Forget { .. } => format!("`{name}` is forgotten\nnext  caso cursor\n"),
    })
    .map_err(failed())
}

/// Whether it can be an id of OpenStack's, with dashes or without: names are looked for in another way.
pub fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(|it| *it != b'-');
    text.len() >= 32 && digits.clone().all(|it| it.is_ascii_hexdigit()) && digits.count() >= 32
}

fn is_known(status: &Status, project: &str) -> bool {
    status.cursors.iter().any(|it| it.is_of(project))
}

/// What a project would have that was never extracted, or whose cursors were lost.
fn of_new(config: &Config, project: &str, cloud: Option<&str>) -> anyhow::Result<Vec<Cursor>> {
    let named = |it: &&CloudConfig| cloud.is_none_or(|name| it.name == name);
    let found: Vec<&CloudConfig> = config.clouds.iter().filter(named).collect();
    let [of] = found.as_slice() else {
        let names: Vec<&str> = config.clouds.iter().map(|it| it.name.as_str()).collect();
        return Err(advised(
            match cloud {
                Some(name) => format!("no cloud `{name}` is configured"),
                None => format!(
                    "there is no cursor of a project `{project}`, and it may be in any of several clouds"
                ),
            },
            format!(
                "say in which it is: `--cloud` and one of {}",
                names.join(", ")
            ),
        ));
    };
    let keys = cursor_keys::of_cloud(of).into_iter();
    Ok(keys.map(|key| Cursor::unknown(project, key)).collect())
}

/// Those of one project, by its id or its name.
pub(super) fn of_project<'a>(status: &'a Status, project: &str) -> anyhow::Result<Vec<&'a Cursor>> {
    let cursors = status.cursors.iter();
    let found: Vec<&Cursor> = cursors.filter(|it| it.is_of(project)).collect();
    let Some(first) = found.first() else {
        let mut names: Vec<&str> = status.cursors.iter().map(name).collect();
        names.sort_unstable();
        names.dedup();
        let by_id = "one that was never extracted, or whose cursors were lost, is set by its id \
                     (`openstack project show NAME -f value -c id`)";
        return Err(advised(
            format!("there is no cursor of a project `{project}`"),
            match names.is_empty() {
                true => by_id.to_owned(),
                false => format!("there is: {}; {by_id}", names.join(", ")),
            },
        ));
    };
    if let Some(other) = found.iter().find(|it| it.project != first.project) {
        return Err(advised(
            format!("two projects are named `{project}`"),
            format!(
                "give one of the ids, {} or {}",
                first.project, other.project
            ),
        ));
    }
    Ok(found)
}

/// A project that has cursors has them in its cloud: nothing is to be chosen.
///
/// # Errors
/// A cloud was named all the same.
fn has_no_place(cursors: &[&Cursor], cloud: Option<&str>) -> anyhow::Result<()> {
    let (Some(cloud), Some(first)) = (cloud, cursors.first()) else {
        return Ok(());
    };
    if cursors.iter().all(|it| it.cloud == cloud) {
        return Ok(());
    }
    let was = first.key().place();
    Err(advised(
        format!(
            "`{}` has cursors of `{was}`: `--cloud` is for a project that has none",
            name(first)
        ),
        format!(
            "if it went to `{cloud}`: caso cursor rename {was} {} --project {}",
            word(cloud),
            word(&first.project)
        ),
    ))
}

/// What is repeated and skipped; a question where something is skipped.
fn announced(
    cursors: &[&Cursor],
    at: i64,
    never_extracted: bool,
    anyway: bool,
) -> (String, Option<&'static str>) {
    let mut text = String::new();
    let mut skips = false;
    for cursor in cursors {
        let what = clean_line(&cursor.extractor);
        let to = format_utc(at);
        // Who was set back, or lost his cursor, has come so far again when he is behind it.
        let line = match cursor.at.max(cursor.reached) {
            Some(_) if cursor.at == Some(at) => format!("it is at {to} already"),
            None => {
                skips = true;
                format!(
                    "this cASO never extracted it; what was used before {to} {}",
                    match never_extracted {
                        true => "nobody has extracted: a later extraction is the first",
                        false => "it does not account for",
                    }
                )
            }
            Some(from) if from == at => {
                format!("it goes on from {to}, up to where it was extracted")
            }
            Some(from) if from > at => format!(
                "what was used from {to} to {} ({}) is extracted again; {}",
                format_utc(from),
                span(from - at),
                match (adds_up(&cursor.extractor), anyway) {
                    (true, false) =>
                        "in the windows of the first time, by the ledger of runs, so that nothing is counted twice",
                    (true, true) =>
                        "in the windows of the first time, where the ledger of runs knows them, and in others as \
                         `overlapping_intervals` is set",
                    (false, _) => "the records replace those of before",
                }
            ),
            Some(from) => {
                skips = true;
                format!(
                    "what was used from {} to {to} ({}) is skipped: {}",
                    format_utc(from),
                    span(at - from),
                    match never_extracted {
                        true => "nobody has extracted it, and a later extraction is the first",
                        false =>
                            "it is not accounted, unless somebody else has extracted it (with `--never-extracted` \
                             nobody has, and it may be extracted later)",
                    }
                )
            }
        };
        text += &format!("{what}: {line}\n");
    }
    (text, skips.then_some("Skip it?"))
}

/// What waits is of before what is skipped: where somebody else has sent newer records meanwhile, it would
/// take usage back, as the record that comes last counts.
fn older(status: &Status, cursors: &[&Cursor]) -> String {
    let waiting: u64 = status.queues.iter().map(|queue| queue.waiting).sum();
    let from = cursors.iter().filter_map(|it| it.at).min();
    let windows = status.queues.iter().filter_map(|queue| queue.window);
    let months: BTreeSet<String> = windows.flat_map(month::of).collect();
    if waiting == 0 || from.is_none() || months.is_empty() {
        return String::new();
    }
    format!(
        "{waiting} records of all projects wait that were extracted before. Where newer ones of the same servers were sent since, by Python \
         or before this spool was put back, these would take usage back: when they are delivered, run `{}`, or drop them first \
         (`caso queue`).\n",
        month::republish_what_replaces(&months)
    )
}

/// What adds up is extracted again in the windows of the first time: the ledger has to know them.
///
/// # Errors
/// It does not, as a run was killed before it wrote there, or its file is damaged.
fn counted_once(config: &Config, cursors: &[&Cursor], at: i64, now: i64) -> anyhow::Result<()> {
    if config.overlapping_intervals {
        return Ok(());
    }
    let spool = Spool::look(&config.spooldir, Disk::default());
    let past = PastWindows::read(&spool, 0).context("cannot read the ledger of runs")?;
    for cursor in cursors.iter().filter(|it| adds_up(&it.extractor)) {
        let past = past.of(&cursor.key(), &cursor.project).at(now, false);
        // The cursor's file may be from a backup, and the ledger is not. What was extracted ahead of it the file knows.
        let last = past.last().filter(|_| !cursor.ahead);
        let reached = cursor.at.max(cursor.reached).max(last);
        let Some(end) = reached.filter(|end| *end > at) else {
            continue;
        };
        let end = end.min(now.max(at));
        let window = Window { start: at, end };
        pieces(window, Some(end), &past).map_err(|unknown| {
            let text = format!("{}: {unknown}", clean_line(&cursor.extractor));
            if let AgainError::Ahead(_) = unknown {
                return advised(text, unknown.hint());
            }
            advised(
                text,
                format!(
                    "set it to '{}', or publish what replaces itself with `caso republish --month {} --types \
                     cloud,accelerator`; `overlapping_intervals = true` allows it where nobody extracted it, or the \
                     first records were never delivered or are deleted",
                    format_utc(behind_gaps(window, Some(end), &past)),
                    format_month(unknown.window().start)
                ),
            )
        })?;
    }
    Ok(())
}

fn forgotten(cursors: &[&Cursor]) -> String {
    let mut text = String::new();
    for cursor in cursors {
        let up_to = cursor.at.map_or("never extracted".to_owned(), |at| {
            format!("up to {}", format_utc(at))
        });
        text += &format!("{}: {up_to}\n", clean_line(&cursor.extractor));
    }
    let found = cursors.iter().any(|cursor| cursor.in_last_run);
    text += match found {
        true => {
            "The last run found this project: the next one extracts it from the beginning \
             (`first_extract_from`): records of servers replace those of before, and what adds up goes in the \
             windows of the first time, as far as the ledger of runs knows them (400 days).\n"
        }
        false => {
            "Should a run find this project again, it extracts it from the beginning \
             (`first_extract_from`).\n"
        }
    };
    text
}
