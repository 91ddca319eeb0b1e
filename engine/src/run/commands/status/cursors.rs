//! How far the extractors of each project came, and whether the runs since then asked for them at all.
//!
//! That a project is accounted no more is a grave word, and what is done about it cannot be taken back. It is said by
//! the last run that was given the projects of its cloud, and by no run that did not come so far: a cloud that is
//! away has lost none of its projects.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use caso_base::shell_word as word;
use caso_config::{CloudConfig, Config};
use caso_state::ledger::{FailureLine, RunLine};
use caso_state::{AllCursors, CursorKey, Cursors, Failures, Spool, Whereabouts};

use super::facts::LATE;
use crate::run::extract::{absent, cursor_keys};

/// A cursor file that says nothing.
#[derive(Debug, Serialize)]
pub struct DamagedCursors {
    pub file: PathBuf,
    pub reason: String,
}

/// How far an extractor of a project has come.
#[derive(Debug, Clone, Serialize)]
pub struct Cursor {
    pub cloud: String,
    pub region: Option<String>,
    pub project: String,
    pub name: Option<String>,
    pub extractor: String,
    /// Everything before this is extracted; none: nothing is.
    pub at: Option<i64>,
    /// How far it had come before somebody set it back, if it has not come so far again.
    #[serde(skip)]
    pub reached: Option<i64>,
    /// Whether something was extracted ahead of it.
    #[serde(skip)]
    pub ahead: bool,
    /// By how many seconds it is behind now.
    pub lag: Option<i64>,
    /// The cloud does without the service.
    pub lacking: bool,
    /// The configuration has the place and not the extractor: nobody waits for it, and it is no failure.
    pub switched_off: bool,
    /// In how many runs in a row it has failed, and since when.
    pub failed_runs: u64,
    pub failing_since: Option<i64>,
    /// In the last run.
    pub reason: Option<String>,
    /// Among the projects of the last run that was given those of its cloud, or of one since then; true where no run was.
    pub in_last_run: bool,
    /// Why the last run did not ask for it, whatever there is of it.
    pub not_asked: Option<String>,
    /// What makes runs account it again, where the last one did not.
    #[serde(skip)]
    pub way_back: Option<String>,
}

impl Cursor {
    /// One of which nothing is known.
    pub fn unknown(project: &str, key: CursorKey) -> Self {
        Cursor {
            cloud: key.cloud,
            region: key.region,
            extractor: key.extractor,
            project: project.to_owned(),
            name: None,
            at: None,
            reached: None,
            ahead: false,
            lag: None,
            lacking: false,
            switched_off: false,
            failed_runs: 0,
            failing_since: None,
            reason: None,
            in_last_run: false,
            not_asked: None,
            way_back: None,
        }
    }

    /// What it belongs to, beside its project.
    pub fn key(&self) -> CursorKey {
        CursorKey {
            cloud: self.cloud.clone(),
            region: self.region.clone(),
            extractor: self.extractor.clone(),
        }
    }

    /// Whether it failed in the last run, or in those before.
    pub fn is_failing(&self) -> bool {
        !self.switched_off && (self.failing_since.is_some() || self.reason.is_some())
    }

    /// Whether somebody waits for it to go on.
    pub fn is_awaited(&self) -> bool {
        !self.lacking && !self.switched_off
    }

    /// Whether it is so far behind that somebody should look.
    pub fn is_late(&self) -> bool {
        self.is_awaited() && self.lag.is_some_and(|lag| lag > LATE)
    }

    /// Whether Keystone does not give its project any more as the configuration asks for it.
    pub fn is_gone(&self) -> bool {
        !self.in_last_run && !self.switched_off && self.not_asked.is_none() && self.reason.is_none()
    }

    /// Whether it is of the project of this id or name.
    pub fn is_of(&self, project: &str) -> bool {
        self.project == project || self.name.as_deref() == Some(project)
    }
}

/// Of every project in the spool. Where nothing is known of the `runs`, nobody is accused of what only they would say.
///
/// # Errors
/// The cursors cannot be read.
pub fn read(
    config: &Config,
    spool: &Spool,
    now: i64,
    runs: Option<&Vec<RunLine>>,
) -> anyhow::Result<(Vec<Cursor>, Vec<DamagedCursors>)> {
    let AllCursors {
        cursors: all,
        unusable,
        taken_away: _,
    } = Cursors::all(spool).context("cannot read the cursors")?;
    let unusable = unusable.into_iter().map(|it| DamagedCursors {
        file: it.path,
        reason: it.reason,
    });
    let (failures, _) = Failures::read(spool, now);
    let runs = runs.map(Vec::as_slice).unwrap_or_default();
    let last = runs.iter().rev().find(|run| run.extracted);
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut reasons: BTreeMap<(&str, Option<&str>), &FailureLine> = BTreeMap::new();
    for run in runs {
        for (id, name) in &run.names {
            names.insert(id, name);
        }
    }
    for failure in last.iter().flat_map(|run| &run.failures) {
        if let Some(project) = failure.project.as_deref() {
            let project = id_of(project, &all, &names);
            reasons.insert((project, failure.extractor.as_deref()), failure);
            if let Some(name) = failure.name.as_deref() {
                names.insert(project, name);
            }
        }
    }
    let configured = cursor_keys::of_all(config);
    let mut clouds: BTreeMap<String, OfCloud<'_>> = BTreeMap::new();
    let mut cursors = Vec::new();
    for it in all {
        let failing = failures.of_cursor(&it.project, &it.key);
        let key = |extractor| (it.project.as_str(), extractor);
        let failure = reasons.get(&key(Some(it.key.extractor.as_str())));
        let failure = failure.or_else(|| reasons.get(&key(None)));
        let cloud = clouds.entry(it.key.cloud.clone());
        let cloud = cloud.or_insert_with_key(|name| OfCloud::of(runs, name));
        let unconfigured = Unconfigured::of(config, &configured, &it.key);
        let mut cursor = Cursor {
            name: names
                .get(it.project.as_str())
                .map(|name| (*name).to_owned()),
            in_last_run: failure.is_some() || cloud.found(&it.project, it.at),
            not_asked: match &unconfigured {
                Some(it) => Some(it.reason.clone()),
                None => cloud.not_asked.clone(),
            },
            reason: failure.map(|failure| failure.reason.clone()),
            failed_runs: failing.map_or(0, |failing| failing.runs),
            failing_since: failing.map(|failing| failing.since),
            lag: it.at.map(|at| now - at),
            at: it.at,
            reached: it.reached,
            ahead: it.ahead,
            lacking: it.lacking,
            switched_off: unconfigured.as_ref().is_some_and(|it| it.switched_off),
            way_back: unconfigured.and_then(|it| it.way_back),
            ..Cursor::unknown(&it.project, it.key)
        };
        if cursor.is_gone() {
            let mut clouds = config.clouds.iter();
            let cloud = clouds.find(|cloud| cloud.name == cursor.cloud);
            cursor.way_back = cloud.map(|cloud| absent::select(cloud, &word(&cursor.project)));
        }
        cursors.push(cursor);
    }
    Ok((cursors, unusable.collect()))
}

/// The id of a project, of which a run may have known no more than the name that the configuration has.
fn id_of<'a>(written: &'a str, all: &[Whereabouts], names: &BTreeMap<&'a str, &str>) -> &'a str {
    if all.iter().any(|it| it.project == written) {
        return written;
    }
    let mut ids = names.iter().filter(|(_, name)| **name == written);
    match (ids.next(), ids.next()) {
        (Some((id, _)), None) => id,
        _ => written,
    }
}

/// What the runs say of a cloud.
struct OfCloud<'a> {
    /// The last run that was given its projects, and those after it.
    since: &'a [RunLine],
    /// Why the last run was not given them.
    not_asked: Option<String>,
}

impl<'a> OfCloud<'a> {
    fn of(runs: &'a [RunLine], cloud: &str) -> Self {
        let listed = |run: &RunLine| run.listed.iter().any(|it| it == cloud);
        let since = runs.iter().rposition(listed);
        let since = since.and_then(|at| runs.get(at..)).unwrap_or_default();
        // One that only delivered says nothing of it, if it came to that.
        let of_projects = |run: &&RunLine| run.extracted || run.failures.iter().any(is_of_none);
        let last = runs.iter().rev().find(of_projects);
        OfCloud {
            since,
            not_asked: last.filter(|run| !listed(run)).and_then(|run| {
                let mut failures = run.failures.iter().filter(|it| it.project.is_none());
                failures.find_map(|it| match it.cloud.as_str() {
                    "" => Some("the last run ended before it asked".to_owned()),
                    name if name != cloud => None,
                    "default" => Some("the cloud failed as a whole".to_owned()),
                    name => Some(format!("cloud `{name}` failed as a whole")),
                })
            }),
        }
    }

    /// Whether a project, up to there extracted, was among them, or of a run since. One of which there is no line, as it could not
    /// be written or was lost, has moved the cursor.
    fn found(&self, project: &str, at: Option<i64>) -> bool {
        let Some(judge) = self.since.first() else {
            return true;
        };
        let mut runs = self.since.iter();
        let has = |run: &RunLine| {
            let mut windows = run.windows.iter();
            let mut failures = run.failures.iter();
            run.names.contains_key(project)
                || windows.any(|it| it.records.contains_key(project))
                || failures.any(|it| it.project.as_deref() == Some(project))
        };
        at.is_some_and(|at| at > judge.began) || runs.any(has)
    }
}

/// What a run that ended before its work leaves.
fn is_of_none(failure: &FailureLine) -> bool {
    failure.cloud.is_empty()
}

/// A cursor that no run of this configuration asks for.
struct Unconfigured {
    reason: String,
    /// Its place is configured, and only its extractor is not.
    switched_off: bool,
    way_back: Option<String>,
}

impl Unconfigured {
    fn of(config: &Config, configured: &[CursorKey], key: &CursorKey) -> Option<Self> {
        // Where nothing is configured to be asked, there is nothing to hold it against.
        if configured.is_empty() || configured.contains(key) {
            return None;
        }
        let place = key.place();
        if configured.iter().any(|it| it.place() == place) {
            return Some(Unconfigured {
                reason: format!("`{}` is not in `extractor`", key.extractor),
                switched_off: true,
                way_back: None,
            });
        }
        let of_cloud = |cloud: &CloudConfig| cloud.name == key.cloud;
        let what = match config.clouds.iter().any(of_cloud) {
            true => "the configuration has no such region",
            false => "the configuration has no such cloud",
        };
        Some(Unconfigured {
            reason: format!("{what}, `{place}`"),
            switched_off: false,
            way_back: Some(format!(
                "caso cursor rename {place} <name>, if it has another one now; caso cursor forget --cloud {}, if it is gone",
                word(&place.to_string())
            )),
        })
    }
}

#[cfg(test)]
mod tests;
