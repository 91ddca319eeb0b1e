//! Clouds, regions, projects and extractors, in words.

mod alike;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub use self::alike::{Failure, by_cause};
use self::alike::{in_lines, without_mapping};
use super::Summary;
use super::words::{self, count, records};
use crate::run::extract::clock::SET_CLOCK;
use crate::run::extract::report::{
    Alike, Blame, CloudReport, Counts, ExtractorReport, ExtractorResult, ProjectReport,
    RegionReport,
};
use crate::run::month;
use crate::run::remedy;
use crate::run::tags;
use caso_base::Message;
use caso_base::time::format_utc;
use caso_extract::ProjectFailure;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_state::Failing;

/// Of the projects of a region what is worth one line, not one a project.
#[derive(Default)]
struct Shared<'a> {
    /// By extractor.
    outages: BTreeMap<&'a str, Away<'a>>,
    /// Extractors whose service is there and gave no project anything.
    useless: BTreeSet<&'a str>,
    /// By cloud, region and extractor: the extractor, and the first reason.
    lacking: BTreeMap<&'a str, (&'a str, &'a str)>,
    up_to_date: u64,
    /// Extractors whose service is that of another region, with its name.
    elsewhere: BTreeSet<(&'a str, &'a str)>,
}

/// Projects that a service left without usage.
#[derive(Default)]
struct Away<'a> {
    projects: u64,
    /// The first of one that was tried, or else of one that was not.
    reason: Option<&'a Message>,
    untried: Option<&'a Message>,
}

/// More projects that fail alike, with none that does not, are one line.
pub const FEW: usize = 3;

impl Summary {
    /// One cloud, with its regions. `clouds` is how many there are: one alone
    /// is not named.
    pub fn cloud(&mut self, report: &CloudReport, clouds: usize) {
        self.requests += report.requests;
        let place = place(report, clouds, None);
        self.project_failures(&place, &report.failures);
        for message in &report.without_cursor {
            self.problem(message.clone().of(&place));
        }
        for lost in &report.lost {
            self.warn(lost.key.clone(), lost.message().of(&place));
        }
        if report.cancelled {
            self.failure();
        }
        if report.no_project && report.result.is_ok() {
            self.no_project(&place, &report.tag);
        }
        if let Some(seconds) = report.behind {
            self.warn(
                format!("{place}clock-behind"),
                (
                    format!(
                        "{place}OpenStack's clock is {seconds} s behind this machine's: \
                         extracting up to its time"
                    ),
                    SET_CLOCK,
                ),
            );
        }
        if let Some(seconds) = report.ahead {
            self.warn(
                format!("{place}clock-ahead"),
                (
                    format!(
                        "{place}this machine's clock is {seconds} s behind OpenStack's: what was \
                         used in between waits for the next run, nothing is lost"
                    ),
                    SET_CLOCK,
                ),
            );
        }
        match &report.result {
            Ok(regions) => {
                for region in regions {
                    self.region(report, region, clouds);
                }
            }
            Err(error) => self.problem(remedy::message(error.as_ref()).of(&place)),
        }
    }

    /// The configuration names no project, and the account sees none.
    pub fn no_project(&mut self, place: &str, tag: &str) {
        let (why, hint) = tags::no_project(tag);
        self.problem((format!("{place}no project to account: {why}"), hint));
    }

    /// Projects that are gone, unreadable or without VO, each with what to do about it.
    pub fn project_failures(&mut self, place: &str, failures: &[(ProjectFailure, Option<String>)]) {
        let mut without = Vec::new();
        for (failure, hint) in failures {
            match failure.without_mapping() {
                Some(_) => without.push(failure),
                None => self.problem(Message::from(format!("{place}{failure}")).hint(hint.clone())),
            }
        }
        if let Some(message) = without_mapping(&without) {
            self.problem(message.of(place));
        }
    }

    fn region(&mut self, cloud: &CloudReport, region: &RegionReport, clouds: usize) {
        let place = place(cloud, clouds, region.region.as_deref());
        self.first_windows(&place, &region.projects);
        let mut shared = Shared {
            useless: useless(&region.projects),
            ..Shared::default()
        };
        // One cause is one line, however many extractors and projects met it.
        let mut failures = Vec::new();
        for report in &region.projects {
            let name = format!("{place}{}", project_name(report));
            let mut failed: Vec<Failure<'_>> = Vec::new();
            for part in &report.extractors {
                if let Some((reason, alike)) = self.extractor(report, &name, part, &mut shared) {
                    let extractor = part.extractor.as_str();
                    match failed.iter_mut().find(|known| known.reason == reason) {
                        Some(known) => known.extractors.push(extractor),
                        None => failed.push(Failure {
                            project: &report.project,
                            name: name.clone(),
                            extractors: vec![extractor],
                            reason,
                            alike,
                        }),
                    }
                }
            }
            failures.extend(failed);
        }
        for message in in_lines(&place, failures) {
            self.problem(message);
        }
        // A cloud from which only Cinder is asked for must not find all in order
        // without it.
        let nothing_else = region.projects.iter().any(lacks_all);
        self.lacking(&place, shared.lacking, nothing_else);
        self.outages(&place, shared.outages);
        for (extractor, region) in shared.elsewhere {
            self.line(format!(
                "{place}{extractor}: the catalog has one address of it in region `{region}` and here: it is read there alone"
            ));
        }
        if shared.up_to_date > 0 {
            self.line(format!(
                "{place}{} {} already at the window's end",
                count(shared.up_to_date, "cursor", "cursors"),
                words::is(shared.up_to_date)
            ));
        }
        for warning in &region.warnings {
            self.warn(
                format!("{place}{}", warning.key),
                warning.message().of(&place),
            );
        }
    }

    /// The whole past is a month's peak in APEL: worth a line in any mail.
    fn first_windows(&mut self, place: &str, projects: &[ProjectReport]) {
        let first: Vec<i64> = projects.iter().filter_map(first_window).collect();
        if let Some(start) = first.iter().min() {
            self.warn(
                format!("{place}first-run:{}", first.len()),
                (
                    format!(
                        "{place}no cursor for {} of {}: extracted from {}",
                        first.len(),
                        count(words::len(projects), "project", "projects"),
                        format_utc(*start)
                    ),
                    "`first_extract_from` sets another start",
                ),
            );
        }
    }

    /// Answers with the reason of a failure that is the project's own.
    fn extractor<'a>(
        &mut self,
        project: &ProjectReport,
        name: &str,
        part: &'a ExtractorReport,
        shared: &mut Shared<'a>,
    ) -> Option<(Message, Option<&'a Alike>)> {
        let extractor = part.extractor.as_str();
        match &part.result {
            ExtractorResult::Done {
                window,
                counts,
                stays,
            } => {
                self.success();
                let fields = vec![
                    ("project", project.project.id.as_str().into()),
                    ("project_name", project.project.name.as_deref().into()),
                    ("extractor", extractor.into()),
                    ("items", counts.items.into()),
                    ("records", counts.records.into()),
                    ("from", format_utc(window.start).into()),
                    ("to", format_utc(window.end).into()),
                ];
                let name = format!("{name}: {extractor}");
                self.done(&name, (*window, *stays), counts, part.extractor, fields);
            }
            ExtractorResult::UpToDate => shared.up_to_date += 1,
            ExtractorResult::Lacking { what, reason } => {
                shared.lacking.entry(what).or_insert((extractor, reason));
            }
            ExtractorResult::Elsewhere { region } => {
                shared.elsewhere.insert((extractor, region));
            }
            ExtractorResult::Failed { reason, blame, .. } if shared.takes(extractor, *blame) => {
                let away = shared.outages.entry(extractor).or_default();
                away.projects += 1;
                let first = match blame {
                    Blame::Untried => &mut away.untried,
                    _ => &mut away.reason,
                };
                first.get_or_insert(reason);
            }
            ExtractorResult::Failed { reason, alike, .. } => {
                let how_long = part.failing.map(how_long).unwrap_or_default();
                return Some((reason.clone().of(&how_long), alike.as_ref()));
            }
            ExtractorResult::Cancelled { .. } => self.failure(),
        }
        None
    }

    /// A window that was read, and what of it is not accounted.
    fn done(
        &mut self,
        name: &str,
        (window, stays): (Window, Option<i64>),
        counts: &Counts,
        extractor: Extractor,
        fields: Vec<(&'static str, serde_json::Value)>,
    ) {
        let mut line = format!(
            "{name}: {}, {}, {} to {}",
            count(counts.items, "item", "items"),
            records(counts.records),
            format_utc(window.start),
            format_utc(window.end)
        );
        if counts.lost > 0 {
            let _ = write!(line, ", {} not accounted", counts.lost);
        }
        if let Some(cursor) = stays {
            let _ = write!(line, ", the cursor stays at {}", format_utc(cursor));
        }
        self.line_with(line, fields);
        if counts.lost > 0 {
            let more = counts.lost.saturating_sub(words::len(&counts.reasons));
            let mut text = format!("{name}: {}", counts.reasons.join("; "));
            if more > 0 {
                let _ = write!(text, "; and {more} more");
            }
            let message = Message::from(text);
            // Of a rehearsal nothing is missing.
            self.problem(match extractor.is_of_a_moment() || self.rehearsal {
                true => message,
                false => message.hint(later(window)),
            });
        }
    }

    /// Services that the cloud does without.
    fn lacking(&mut self, place: &str, lacking: BTreeMap<&str, (&str, &str)>, problem: bool) {
        for (what, (extractor, reason)) in lacking {
            let text = (
                format!("{place}not extracted: {extractor}: {reason}"),
                format!(
                    "if this cloud has none, remove `{extractor}` from `extractor` to silence this"
                ),
            );
            match problem {
                true => self.problem(text),
                false => self.warn(format!("lacking:{what}"), text),
            }
        }
    }

    /// Services that are away, and a disk that is full.
    fn outages(&mut self, place: &str, outages: BTreeMap<&str, Away<'_>>) {
        for cause in causes(outages) {
            self.problem(cause.of(place));
        }
    }
}

/// One cause is one line, however many extractors met it.
fn causes(outages: BTreeMap<&str, Away<'_>>) -> Vec<Message> {
    let mut causes: Vec<(Message, u64, Vec<&str>)> = Vec::new();
    for (extractor, away) in outages {
        let reason = away.reason.or(away.untried).cloned().unwrap_or_default();
        let same = |it: &&mut (Message, u64, Vec<&str>)| it.0 == reason;
        match causes.iter_mut().find(same) {
            Some((_, projects, extractors)) => {
                *projects = away.projects.max(*projects);
                extractors.push(extractor);
            }
            None => causes.push((reason, away.projects, vec![extractor])),
        }
    }
    let line = |(reason, projects, extractors): (Message, u64, Vec<&str>)| {
        let which = match projects {
            1 => "one project is not extracted and waits".to_owned(),
            more => format!("{more} projects are not extracted and wait"),
        };
        let extractors = extractors.join(", ");
        reason.of(&format!("{extractors}: {which} for the next run: "))
    };
    causes.into_iter().map(line).collect()
}

impl Shared<'_> {
    /// Whether a failure belongs into the line of its service.
    fn takes(&self, extractor: &str, blame: Blame) -> bool {
        match blame {
            Blame::Outage | Blame::Untried => true,
            Blame::Answer => self.useless.contains(extractor),
            Blame::Project => false,
        }
    }
}

/// Extractors that came to the same kind of failure in all projects, and in more
/// than a few: one project is then no worse off than another.
fn useless(projects: &[ProjectReport]) -> BTreeSet<&str> {
    let mut failed: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for part in projects.iter().flat_map(|project| &project.extractors) {
        let found = failed.entry(part.extractor.as_str()).or_insert(Some(0));
        match part.result {
            ExtractorResult::Failed {
                blame: Blame::Answer | Blame::Outage | Blame::Untried,
                ..
            } => *found = found.map(|count| count + 1),
            _ => *found = None,
        }
    }
    let many = |(_, count): &(&str, Option<usize>)| count.is_some_and(|count| count > FEW);
    failed
        .into_iter()
        .filter(many)
        .map(|(extractor, _)| extractor)
        .collect()
}

/// What is to be done of items that came to nothing: of a server that goes on the next window has a record, and of
/// what ended, of storage and of energy none has.
fn later(window: Window) -> String {
    let (first, last) = (month::name(window.start), month::name(window.end - 1));
    let from = match first == last {
        true => String::new(),
        false => format!(", and so for each month since {first}"),
    };
    format!(
        "once that is fixed `caso republish --month {last}`{from}: no later run makes the records of storage, and of \
         servers that ended by then"
    )
}

/// Before the reason, where it is not the first run that fails.
fn how_long(failing: Failing) -> String {
    match failing.runs {
        0 | 1 => String::new(),
        runs => format!(
            "failed in the last {runs} runs, since {}: ",
            format_utc(failing.since)
        ),
    }
}

/// Cloud and region, where there are others beside them.
fn place(report: &CloudReport, clouds: usize, region: Option<&str>) -> String {
    let mut parts = Vec::new();
    if clouds > 1 {
        parts.push(format!("cloud `{}`", report.cloud));
    }
    if report.regions > 1 {
        parts.extend(region.map(|region| format!("region `{region}`")));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!("{}: ", parts.join(", ")),
    }
}

/// Where the first window of a project without a cursor began, if anything was
/// extracted of it.
fn first_window(report: &ProjectReport) -> Option<i64> {
    report.extractors.iter().find_map(|part| match part.result {
        ExtractorResult::Done { window, .. } if part.first => Some(window.start),
        _ => None,
    })
}

/// Whether none of the project's extractors found its service.
fn lacks_all(report: &ProjectReport) -> bool {
    let lacking = |part: &ExtractorReport| matches!(part.result, ExtractorResult::Lacking { .. });
    !report.extractors.is_empty() && report.extractors.iter().all(lacking)
}

fn project_name(report: &ProjectReport) -> String {
    match &report.project.name {
        Some(name) => format!("project `{name}` ({})", report.project.id),
        None => format!("project `{}`", report.project.id),
    }
}

#[cfg(test)]
mod tests;
