//! What a run came to, in the words of the operator.
//!
//! Three readers: cron, who wants nothing on a good day and few lines on a bad
//! one; a person at a terminal; the log file. Problems are log lines at warning
//! or error, so all three get them. The rest is the summary proper, printed
//! when somebody watches or something is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::exit::Exit;
use super::extraction::{ExtractorResult, ProjectReport, moment};
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
    pub cancelled: bool,
    pub requests: u64,
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

    /// A project that is gone, unreadable or without VO.
    pub fn project_failure(&mut self, failure: &ProjectFailure) {
        self.problem(failure.to_string());
    }

    /// All projects of a cloud.
    pub fn extraction(&mut self, reports: &[ProjectReport]) {
        let mut outages: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let mut not_built: BTreeMap<&str, usize> = BTreeMap::new();
        let mut up_to_date = 0;
        let first = reports.iter().filter(|report| report.first).count();
        if first > 0 {
            self.line(format!(
                "no cursor for {first} of {} projects: extracted from 1970, or from `first_extract_from` where that is set",
                reports.len()
            ));
        }
        for report in reports {
            let name = project_name(report);
            for part in &report.extractors {
                let extractor = part.extractor.as_str();
                match &part.result {
                    ExtractorResult::Done { window, told } => {
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
                        self.cancelled = true;
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

    /// One messenger's delivery. Why it wants to be tried again it said in the
    /// log: that remark is told here, and taken from the others.
    pub fn delivery(&mut self, report: &InstanceReport, remarks: &mut Vec<String>) {
        let name = &report.name;
        if report.delivered > 0 {
            self.successes += 1;
            self.line(format!(
                "messenger `{name}`: {} records delivered",
                report.delivered
            ));
        }
        let quarantined = report.refused + report.failed;
        if quarantined > 0 {
            self.problem(format!(
                "messenger `{name}`: {quarantined} records are in quarantine: {}",
                report.reasons.join("; ")
            ));
        }
        match &report.outcome {
            Ending::Complete => {}
            Ending::Cancelled => {
                self.cancelled = true;
                self.failures += 1;
            }
            Ending::RetryLater { .. } => {
                let own = format!("messenger `{name}`: ");
                let of_it = |remark: &String| remark.starts_with(&own);
                let reason = remarks.iter().rposition(of_it).map(|at| remarks.remove(at));
                let reason = reason.map_or_else(String::new, |remark| {
                    format!(": {}", remark.trim_start_matches(&own))
                });
                self.problem(format!("messenger `{name}`: {}{reason}", report.outcome));
            }
            outcome => self.problem(format!("messenger `{name}`: {outcome}")),
        }
    }

    /// What waits on disk after the run, for messengers of the past too.
    pub fn waiting(&mut self, waiting: &[Waiting], configured: &[String]) {
        for entry in waiting {
            let gone = if configured.contains(&entry.messenger) {
                ""
            } else {
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

fn project_name(report: &ProjectReport) -> String {
    match &report.project.name {
        Some(name) => format!("project `{name}` ({})", report.project.id),
        None => format!("project `{}`", report.project.id),
    }
}
