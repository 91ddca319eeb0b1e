//! What a run came to, in the words of the operator.
//!
//! Three readers: cron, who wants nothing on a good day and few lines on a bad
//! one; a person at a terminal; the log file. Problems are log lines at warning
//! or error, so all three get them. The rest is the summary proper, printed
//! when somebody watches or something is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::exit::Exit;
use super::extraction::{ExtractorResult, ProjectReport, moment};
use super::said::Said;
use crate::deliver::{Ending, InstanceReport, Waiting};
use crate::extract::ProjectFailure;

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
    pub fn no_project(&mut self, tag: &str) {
        self.problem(format!(
            "no project to account: `projects` names none, and this account sees none with \
             the tag `{tag}`; tag the projects in Keystone, or name them in `projects`"
        ));
    }

    /// A project that is gone, unreadable or without VO.
    pub fn project_failure(&mut self, failure: &ProjectFailure) {
        self.problem(failure.to_string());
    }

    /// All projects of a cloud.
    pub fn extraction(&mut self, reports: &[ProjectReport], said: &mut Said) {
        let mut outages: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut not_built: BTreeMap<&str, usize> = BTreeMap::new();
        let mut up_to_date = 0;
        let first: Vec<i64> = reports.iter().filter_map(first_window).collect();
        if let Some(start) = first.iter().min() {
            // The whole past is a month's peak in APEL: worth a line in any mail.
            said.warn_of(
                &format!("first-run:{}", first.len()),
                &format!(
                    "no cursor for {} of {} projects: extracted from {}; `first_extract_from` \
                     sets another start",
                    first.len(),
                    reports.len(),
                    moment(*start)
                ),
            );
        }
        for report in reports {
            let name = project_name(report);
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
                            moment(window.start),
                            moment(window.end)
                        );
                        if told.lost > 0 {
                            let _ = write!(line, ", {} not accounted", told.lost);
                        }
                        if let Some(cursor) = stays {
                            let _ = write!(line, ", the cursor stays at {}", moment(*cursor));
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
                    ExtractorResult::NotBuilt => *not_built.entry(extractor).or_default() += 1,
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
        for (extractor, (projects, reason)) in outages {
            let text = match projects {
                1 => format!(
                    "{extractor}: one project is not extracted and waits for the next run: {reason}"
                ),
                _ => format!(
                    "{extractor}: {projects} projects are not extracted and wait for the next run: {reason}"
                ),
            };
            self.problem(text);
        }
        if up_to_date > 0 {
            self.line(format!(
                "{up_to_date} cursors are at the window's end already"
            ));
        }
        if !not_built.is_empty() {
            let names: Vec<&str> = not_built.into_keys().collect();
            self.line(format!(
                "not extracted: {}: not built in this version; their cursors stay where they are",
                names.join(", ")
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
                         put it back, or remove what waits, `caso-journal/messengers/{0}` in the \
                         spool",
                        entry.messenger
                    ));
                }
                ", which is no longer in `messengers`"
            };
            if entry.records > 0 {
                let oldest = entry.oldest.map_or_else(String::new, |at| {
                    format!(", the oldest from {}", moment(at))
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

/// Where the first window of a project without a cursor began, if anything was
/// extracted of it.
fn first_window(report: &ProjectReport) -> Option<i64> {
    if !report.first {
        return None;
    }
    report.extractors.iter().find_map(|part| match part.result {
        ExtractorResult::Done { window, .. } => Some(window.start),
        _ => None,
    })
}

fn project_name(report: &ProjectReport) -> String {
    match &report.project.name {
        Some(name) => format!("project `{name}` ({})", report.project.id),
        None => format!("project `{}`", report.project.id),
    }
}
