//! What is to be said of projects that are not up to date: extractors of a project that came to the same in one line,
//! and projects that came to the same, where they are more than a few.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Status;
use super::cursors::Cursor;
use super::facts::LATE;
use crate::run::failed_alike::{Failed, in_one};
use crate::run::summary::FEW;
use crate::run::summary::words::{count, named, span};
use caso_base::shell_word as word;
use caso_base::time::format_utc;
use caso_openstack::without_tries;

/// All projects.
pub struct Projects {
    pub all: u64,
    /// How many of them are up to date.
    pub well: u64,
    /// Of the others.
    pub lines: Vec<Line>,
}

/// One project, or several that are alike.
pub struct Line {
    pub text: String,
    /// The id of the one.
    pub project: Option<String>,
    /// Why each failed in the last run; nothing where none did.
    pub reasons: Vec<String>,
    /// What to do, where the run that failed does not say it.
    pub hint: Option<String>,
}

/// A project, as it is called in a line.
struct Named<'a> {
    id: &'a str,
    name: String,
}

/// Extractors of which the same is to be said.
struct Same<'a> {
    region: Option<&'a str>,
    extractors: Vec<&'a str>,
    said: String,
    reason: &'a str,
    hint: Option<String>,
}

/// What is the same of those of one cause.
type Cause<'a> = (Option<&'a str>, Vec<&'a str>, Option<String>, String);

impl<'a> Same<'a> {
    /// Reasons name the project that they are of, and how often and how long it was tried.
    fn cause(&self, id: &str) -> Cause<'a> {
        let said = without_tries(&self.said.replace(id, ""));
        (
            self.region,
            self.extractors.clone(),
            self.hint.clone(),
            said,
        )
    }
}

impl Projects {
    pub fn of(status: &Status) -> Self {
        let mut by_project: BTreeMap<(&str, &str), Vec<&Cursor>> = BTreeMap::new();
        // Of one that nobody waits for any more there is a line of its own, see `text`.
        for cursor in status.cursors.iter().filter(|it| !it.switched_off) {
            let key = (cursor.cloud.as_str(), cursor.project.as_str());
            by_project.entry(key).or_default().push(cursor);
        }
        let never = in_one(status.without_cursor());
        let mut ill: BTreeSet<_> = never.iter().map(key).collect();
        let mut all = ill.clone();
        all.extend(by_project.keys());
        by_project.retain(|_, cursors| cursors.iter().any(is_odd));
        ill.extend(by_project.keys());
        let (all, well) = (all.len(), all.difference(&ill).count());
        // In the order of the first of each cause. In an outage they may be as many as there are projects.
        let mut found: Vec<Vec<(Named<'_>, Same<'_>)>> = Vec::new();
        let mut places: HashMap<Cause<'_>, usize> = HashMap::new();
        for ((_, id), cursors) in &by_project {
            for (name, same) in of_project(cursors) {
                let place = *places.entry(same.cause(id)).or_insert(found.len());
                let one = (Named { id, name }, same);
                match found.get_mut(place) {
                    Some(alike) => alike.push(one),
                    None => found.push(vec![one]),
                }
            }
        }
        let mut lines: Vec<Line> = found.iter().flat_map(|alike| in_lines(alike)).collect();
        lines.extend(never.iter().map(never_extracted));
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Projects {
            all: number(all),
            well: number(well),
            lines,
        }
    }
}

fn is_odd(cursor: &&Cursor) -> bool {
    cursor.is_failing() || cursor.is_awaited() && cursor.lag.is_none_or(|lag| lag > LATE)
}

fn key<'a>(failed: &Failed<'a>) -> (&'a str, &'a str) {
    let project = failed.failure.project.as_deref().unwrap_or_default();
    (failed.failure.cloud.as_str(), project)
}

/// Of a project that has no cursor.
fn never_extracted(failed: &Failed<'_>) -> Line {
    let failure = failed.failure;
    let (_, project) = key(failed);
    let name = failure.name.as_deref().unwrap_or(project);
    let extractors = match failed.extractors.as_slice() {
        [] => String::new(),
        all => format!(" {}", all.join(", ")),
    };
    Line {
        text: format!("{name}{extractors}: never extracted: {}", failure.reason),
        project: failure.project.clone(),
        reasons: vec![failure.reason.clone()],
        hint: None,
    }
}

/// What is said of one, each with its name.
fn of_project<'a>(cursors: &[&'a Cursor]) -> Vec<(String, Same<'a>)> {
    let mut found: Vec<(String, Same<'a>)> = Vec::new();
    for cursor in cursors.iter().copied().filter(is_odd) {
        let same = Same {
            region: cursor.region.as_deref(),
            extractors: vec![cursor.extractor.as_str()],
            said: said(cursor),
            reason: cursor.reason.as_deref().unwrap_or_default(),
            hint: way_out(cursor),
        };
        let known = found.iter_mut().find(|(_, known)| {
            (known.region, &known.said, &known.hint) == (same.region, &same.said, &same.hint)
        });
        match known {
            Some((_, known)) => known.extractors.extend(same.extractors),
            None => found.push((name(cursor), same)),
        }
    }
    found
}

/// One for each, or one for all where they are more than a few.
fn in_lines(alike: &[(Named<'_>, Same<'_>)]) -> Vec<Line> {
    let line = |who: &str, same: &Same<'_>, more: &str| {
        let region = same.region.map_or_else(String::new, |it| format!(" {it}"));
        let extractors = same.extractors.join(", ");
        Line {
            text: format!("{who}{region} {extractors}: {}{more}", same.said),
            project: None,
            reasons: vec![same.reason.to_owned()],
            hint: same.hint.clone(),
        }
    };
    match alike {
        [(_, same), .., (_, last)] if alike.len() > FEW => {
            let names = named(alike.iter().map(|(it, _)| it.name.as_str()));
            let who = format!("{} projects ({names})", alike.len());
            let more = match same.said == last.said {
                true => "",
                false => " (the first of them)",
            };
            let reasons = alike.iter().map(|(_, same)| same.reason.to_owned());
            vec![Line {
                reasons: reasons.collect(),
                ..line(&who, same, more)
            }]
        }
        _ => {
            let each = alike.iter().map(|(it, same)| Line {
                project: Some(it.id.to_owned()),
                ..line(&it.name, same, "")
            });
            each.collect()
        }
    }
}

fn name(cursor: &Cursor) -> String {
    let id = cursor.project.as_str();
    match (&cursor.name, cursor.is_gone()) {
        (None, _) => id.to_owned(),
        (Some(name), false) => name.clone(),
        // Keystone may not show it any more: by the name alone nobody finds it.
        (Some(name), true) => format!("{name} ({id})"),
    }
}

fn said(cursor: &Cursor) -> String {
    let up_to = match (cursor.at, cursor.lag) {
        (Some(at), Some(lag @ ..-1)) => {
            format!(
                "up to {}, {} ahead of the clock",
                format_utc(at),
                span(-lag)
            )
        }
        (Some(at), Some(lag)) => format!("up to {}, {} behind", format_utc(at), span(lag)),
        _ => "never extracted".to_owned(),
    };
    let runs = match cursor.failed_runs {
        0 => String::new(),
        runs => format!(" (failed in {})", count(runs, "run", "runs")),
    };
    let why = match (&cursor.reason, &cursor.not_asked) {
        (Some(reason), _) => format!(": {reason}"),
        (None, Some(why)) => format!(": not asked: {why}"),
        (None, None) if cursor.is_gone() => {
            ": the last run did not find it: did it lose its tag, or leave `projects`? Its usage since then is \
             not accounted"
                .to_owned()
        }
        (None, None) => String::new(),
    };
    format!("{up_to}{runs}{why}")
}

/// What to do about one that no run finds any more, or asks for.
fn way_out(cursor: &Cursor) -> Option<String> {
    if !cursor.is_gone() {
        return cursor.way_back.clone().filter(|_| cursor.reason.is_none());
    }
    let forget = format!("caso cursor forget {}", word(&cursor.project));
    Some(match &cursor.way_back {
        Some(way_back) => format!("{way_back}, to account it; {forget}, to give it up"),
        None => forget,
    })
}
