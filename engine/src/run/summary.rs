//! What a run came to, in the words of the operator.
//!
//! Three readers: cron, who wants nothing on a good day and few lines on a bad
//! one; a person at a terminal; the log file. Problems are log lines at warning
//! or error, so all three get them. The rest is the summary proper, printed
//! when somebody watches or something is wrong.

use caso_base::time::format_utc;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::exit::Exit;
use super::extraction::{ExtractorReport, ExtractorResult, ProjectReport};
use super::one_cloud::{CloudReport, RegionReport};
use super::said::Said;
use caso_base::error_chain;
use caso_deliver::{Ending, InstanceReport};
use caso_extract::ProjectFailure;
use caso_journal::Waiting;

/// Collected while the run goes on.
#[derive(Default)]
pub struct Summary {
    /// What cost something, each a line.
    pub problems: Vec<String>,
    pub successes: usize,
    pub failures: usize,
    pub lines: Vec<String>,
    pub requests: u64,
    /// Whether nothing of it is real.
    pub dry: bool,
}

impl Summary {
    pub fn problem(&mut self, text: String) {
        tracing::error!("{text}");
        self.problems.push(text);
        self.failures += 1;
    }

    pub fn line(&mut self, text: String) {
        tracing::info!("{text}");
        self.lines.push(text);
    }

    pub fn exit(&self, partial_is_success: bool) -> Exit {
        Exit::of(self.successes, self.failures, partial_is_success)
    }

    /// One cloud, with its regions. `clouds` is how many there are: of one alone
    /// the name says nothing.
    pub fn cloud(&mut self, report: &CloudReport<'_>, clouds: usize, said: &mut Said) {
        self.requests += report.requests;
        let place = place(report, clouds, None);
        for failure in &report.failures {
            self.project_failure(&place, failure);
        }
        for text in &report.without_cursor {
            self.problem(format!("{place}{text}"));
        }
        if report.cancelled {
            self.failures += 1;
        }
        if report.no_project && report.result.is_ok() {
            self.no_project(&place, report.cloud.caso_tag.as_deref().unwrap_or_default());
        }
        if let Some(seconds) = report.behind {
            said.warn_of(
                &format!("{place}clock-behind"),
                &format!(
                    "{place}OpenStack's clock is {seconds} s behind this machine's: extracting up \
                     to its now; set the clocks right"
                ),
            );
        }
        match &report.result {
            Ok(regions) => {
                for region in regions {
                    self.region(report, region, clouds, said);
                }
            }
            Err(error) => self.problem(format!("{place}{}", error_chain(error.as_ref()))),
        }
    }

    /// The lines on stderr, for who watches.
    pub fn print(&self, json: bool) {
        let mut stderr = io::stderr().lock();
        for line in &self.lines {
            let line = if json {
                serde_json::json!({ "level": "INFO", "message": line }).to_string()
            } else {
                line.clone()
            };
            let _ = writeln!(stderr, "{line}");
        }
    }

    /// Nobody said which projects.
    pub fn no_project(&mut self, place: &str, tag: &str) {
        self.problem(format!(
            "{place}no project to account: `projects` names none, and this account sees none with \
             the tag `{tag}`; tag the projects in Keystone, or name them in `projects`"
        ));
    }

    /// A project that is gone, unreadable or without VO.
    pub fn project_failure(&mut self, place: &str, failure: &ProjectFailure) {
        self.problem(format!("{place}{failure}"));
    }

    /// All projects of a region.
    fn region(
        &mut self,
        cloud: &CloudReport<'_>,
        region: &RegionReport,
        clouds: usize,
        said: &mut Said,
    ) {
        let place = place(cloud, clouds, region.region.as_deref());
        self.extraction(&place, &region.projects, said);
        for warning in &region.warnings {
            // Its key is the state; the text has request ids and times in it.
            said.warn_of(
                &format!("{place}{}", warning.key),
                &format!("{place}{warning}"),
            );
        }
    }

    fn extraction(&mut self, place: &str, reports: &[ProjectReport], said: &mut Said) {
        let mut outages: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut lacking: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let mut up_to_date = 0;
        let first: Vec<i64> = reports.iter().filter_map(first_window).collect();
        if let Some(start) = first.iter().min() {
            // The whole past is a month's peak in APEL: worth a line in any mail.
            said.warn_of(
                &format!("{place}first-run:{}", first.len()),
                &format!(
                    "{place}no cursor for {} of {} projects: extracted from {}; `first_extract_from` \
                     sets another start",
                    first.len(),
                    reports.len(),
                    format_utc(*start)
                ),
            );
        }
        for report in reports {
            let name = format!("{place}{}", project_name(report));
            for part in &report.extractors {
                let extractor = part.extractor.as_str();
                match &part.result {
                    ExtractorResult::Done {
                        window,
                        told,
                        stays,
                    } => {
                        self.successes += 1;
                        let mut line = format!(
                            "{name}: {extractor}: {} items, {} records, {} to {}",
                            told.items,
                            told.records,
                            format_utc(window.start),
                            format_utc(window.end)
                        );
                        if told.lost > 0 {
                            let _ = write!(line, ", {} not accounted", told.lost);
                        }
                        if let Some(cursor) = stays {
                            let _ = write!(line, ", the cursor stays at {}", format_utc(*cursor));
                        }
                        self.line(line);
                        if told.lost > 0 {
                            let more = told.lost.saturating_sub(told.reasons.len() as u64);
                            let mut text =
                                format!("{name}: {extractor}: {}", told.reasons.join("; "));
                            if more > 0 {
                                let _ = write!(text, "; and {more} more");
                            }
                            self.problem(text);
                        }
                    }
                    ExtractorResult::UpToDate => up_to_date += 1,
                    ExtractorResult::Lacking { what, reason } => {
                        lacking.entry(what).or_insert((extractor, reason));
                    }
                    ExtractorResult::Failed {
                        reason,
                        outage: true,
                    } => {
                        let entry = outages.entry(extractor).or_insert((0, reason));
                        entry.0 += 1;
                    }
                    ExtractorResult::Failed { reason, .. } => {
                        self.problem(format!("{name}: {extractor}: {reason}"));
                    }
                    ExtractorResult::Cancelled => {
                        self.failures += 1;
                    }
                }
            }
        }
        // One that is asked for Cinder alone must not find all in order
        // without it.
        let nothing_else = reports.iter().any(lacks_all);
        for (what, (extractor, reason)) in lacking {
            let text = format!(
                "{place}not extracted: {extractor}: {reason}; if this cloud does without, remove \
                 `{extractor}` from `extractor` to silence this"
            );
            if nothing_else {
                self.problem(text);
            } else {
                said.warn_of(&format!("lacking:{what}"), &text);
            }
        }
        for (extractor, (projects, reason)) in outages {
            let text = match projects {
                1 => format!(
                    "{place}{extractor}: one project is not extracted and waits for the next run: {reason}"
                ),
                _ => format!(
                    "{place}{extractor}: {projects} projects are not extracted and wait for the next run: {reason}"
                ),
            };
            self.problem(text);
        }
        if up_to_date > 0 {
            self.line(format!(
                "{place}{up_to_date} cursors are at the window's end already"
            ));
        }
    }

    /// One messenger's delivery.
    pub fn delivery(&mut self, report: &InstanceReport) {
        let name = &report.name;
        if report.delivered > 0 {
            self.successes += 1;
            let would = if self.dry { "would be " } else { "" };
            self.line(format!(
                "messenger `{name}`: {} records {would}delivered",
                report.delivered
            ));
        }
        if !report.not_given.is_empty() {
            let types: Vec<String> = report
                .not_given
                .iter()
                .map(|(kind, records)| format!("{records} {kind}"))
                .collect();
            self.line(format!(
                "messenger `{name}`: not given, by its `record_types`: {} records",
                types.join(", ")
            ));
        }
        let quarantined = report.refused + report.failed;
        if quarantined > 0 {
            self.problem(format!(
                "messenger `{name}`: {quarantined} records are in quarantine: {}",
                report.reasons.join("; ")
            ));
        }
        if report.missing > 0 {
            self.problem(format!(
                "messenger `{name}`: {} records are lost to it: their segments in the journal are \
                 damaged or gone; extract their window again with `--extract-from` and \
                 `--extract-to`",
                report.missing
            ));
        }
        match &report.outcome {
            Ending::Complete => {}
            Ending::Cancelled => {
                self.failures += 1;
            }
            outcome => self.problem(format!("messenger `{name}`: {outcome}")),
        }
    }

    /// Record types of this run that no messenger is given: nobody will hear of
    /// these records, which is seldom what a site means.
    pub fn given_to_nobody(&self, reports: &[InstanceReport], said: &mut Said) {
        let Some((first, others)) = reports.split_first() else {
            return;
        };
        for (kind, records) in &first.not_given {
            if others
                .iter()
                .all(|report| report.not_given.contains_key(kind))
            {
                said.warn_of(
                    &format!("given-to-nobody:{kind}"),
                    &format!(
                        "{records} `{kind}` records are given to no messenger: none of those in \
                         `messengers` takes them, or `record_types` leaves them out"
                    ),
                );
            }
        }
    }

    /// What was set aside stays there until somebody looks at it: said once a
    /// week, and each time in the summary that people read.
    pub fn damaged(&mut self, files: &[PathBuf], said: &mut Said) {
        let Some(first) = files.first() else {
            return;
        };
        let text = format!(
            "{} damaged files of the journal lie in `{}`: what a segment among them held was not              delivered; extract its window again, then remove the file",
            files.len(),
            first.parent().unwrap_or(first).display()
        );
        said.warn(&text);
        self.line(text);
    }

    /// What waits on disk after the run, for messengers of the past too.
    pub fn waiting(&mut self, waiting: &[Waiting], configured: &[String], said: &mut Said) {
        if self.dry {
            return;
        }
        for entry in waiting {
            let gone = if configured.contains(&entry.messenger) {
                ""
            } else {
                if entry.records > 0 {
                    said.warn(&format!(
                        "records wait for messenger `{0}`, which is no longer in `messengers`: \
                         put it back, or give up what waits with `caso queue forget {0}`",
                        entry.messenger
                    ));
                }
                ", which is no longer in `messengers`"
            };
            if entry.records > 0 {
                let oldest = entry.oldest.map_or_else(String::new, |at| {
                    format!(", the oldest from {}", format_utc(at))
                });
                self.line(format!(
                    "{} records ({} bytes) wait for messenger `{}`{gone}{oldest}",
                    entry.records, entry.bytes, entry.messenger
                ));
            }
            if entry.quarantined > 0 {
                self.line(format!(
                    "{} records of messenger `{}`{gone} are in quarantine",
                    entry.quarantined, entry.messenger
                ));
            }
        }
    }
}

/// Cloud and region, where there are others beside them.
fn place(report: &CloudReport<'_>, clouds: usize, region: Option<&str>) -> String {
    let mut parts = Vec::new();
    if clouds > 1 {
        parts.push(format!("cloud `{}`", report.cloud.name));
    }
    if report.cloud.region_names.len() > 1 {
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
