//! The run's line in the ledger, and the file of metrics that follows from it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::commands::status::{self, Status};
use super::exit::Exit;
use super::extract::report::{CloudReport, Counted, ExtractorResult, ProjectReport, Sealed};
use super::prepare::{Prepared, Stopped};
use super::remedy;
use super::summary::Summary;
use super::summary::words::count;
use caso_base::error_chain;
use caso_config::Config;
use caso_deliver::{Delivery, Ending};
use caso_disk::Disk;
use caso_model::extraction::Extractor;
use caso_state::ledger::{
    self, FailureLine, MessengerLine, ProblemLine, RunId, RunLine, Unreadable, WindowLine,
};
use caso_state::{Lock, LockError, Spool};

/// What was extracted and what failed, from the reports of all clouds.
#[derive(Debug, Default)]
pub struct Extracted {
    /// What was sealed of each project, extractor by extractor.
    pub parts: Vec<Part>,
    /// By the projects' ids.
    pub names: BTreeMap<String, String>,
    /// Clouds whose projects are known.
    pub listed: Vec<String>,
    pub windows: Vec<WindowLine>,
    pub failures: Vec<FailureLine>,
    /// What is in no part, as it could not be read.
    pub unread: Vec<Unread>,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// A cloud, or a project of which nothing is known but that it was asked for.
    Whole,
    /// One extractor of a project.
    Part {
        /// As its records have it: the name, or the id where it has none.
        project: String,
        vo: String,
        extractor: Extractor,
    },
}

/// What was sealed of one extractor of a project.
#[derive(Debug)]
pub struct Part {
    pub project: String,
    pub name: Option<String>,
    pub extractor: Extractor,
    /// Without what was used, which is in the ledger's lines.
    pub windows: Vec<Sealed>,
}

impl Extracted {
    /// Takes them, as what was used is a few kilobytes a project and is there once.
    pub fn of(reports: Vec<CloudReport>) -> Self {
        let mut extracted = Extracted::default();
        for report in reports {
            extracted.cloud(report);
        }
        extracted
    }

    fn cloud(&mut self, report: CloudReport) {
        let cloud = report.cloud;
        if report.listed {
            self.listed.push(cloud.clone());
        }
        let of_cloud = |project: Option<String>, name: Option<String>, reason| FailureLine {
            cloud: cloud.clone(),
            project,
            name,
            extractor: None,
            reason,
        };
        for (failure, _) in &report.failures {
            let project = failure.id.clone().or(Some(failure.asked.clone()));
            let reason = failure.to_string();
            self.unread.push(Unread::Whole);
            self.failures
                .push(of_cloud(project, failure.name.clone(), reason));
        }
        for reason in &report.without_cursor {
            self.unread.push(Unread::Whole);
            self.failures
                .push(of_cloud(None, None, reason.text.clone()));
        }
        let regions = match report.result {
            Ok(regions) => regions,
            Err(error) => {
                let reason = error_chain(error.as_ref());
                self.unread.push(Unread::Whole);
                self.failures.push(of_cloud(None, None, reason));
                return;
            }
        };
        for region in regions {
            for ProjectReport {
                project,
                extractors,
            } in region.projects
            {
                if let Some(name) = &project.name {
                    self.names.insert(project.id.clone(), name.clone());
                }
                for part in extractors {
                    let extractor = part.extractor.as_str();
                    if part.result.is_unread() {
                        let name = project.name.as_ref().unwrap_or(&project.id);
                        self.unread.push(Unread::Part {
                            project: name.clone(),
                            vo: project.vo.clone(),
                            extractor: part.extractor,
                        });
                    }
                    match part.result {
                        ExtractorResult::Done { mut counts, .. } => {
                            for sealed in &mut counts.windows {
                                let used = sealed.used.take();
                                let line = WindowLine {
                                    cloud: cloud.clone(),
                                    region: region.region.clone(),
                                    extractor: extractor.to_owned(),
                                    window: sealed.window,
                                    used_from: used.as_ref().map(|used| used.from),
                                    ..WindowLine::default()
                                };
                                self.window(line, &project.id, sealed, used);
                            }
                            self.parts.push(Part {
                                project: project.id.clone(),
                                name: project.name.clone(),
                                extractor: part.extractor,
                                windows: counts.windows,
                            });
                        }
                        ExtractorResult::Failed { reason, .. } => self.failures.push(FailureLine {
                            cloud: cloud.clone(),
                            project: Some(project.id.clone()),
                            name: project.name.clone(),
                            extractor: Some(extractor.to_owned()),
                            reason: reason.text,
                        }),
                        ExtractorResult::UpToDate
                        | ExtractorResult::Lacking { .. }
                        | ExtractorResult::Elsewhere { .. }
                        | ExtractorResult::Cancelled { .. } => {}
                    }
                }
            }
        }
    }

    /// Into the line of the same window, where there is one.
    fn window(
        &mut self,
        line: WindowLine,
        project: &str,
        Sealed { by_type, lost, .. }: &Sealed,
        used: Option<Box<Counted>>,
    ) {
        let same = |known: &&mut WindowLine| {
            known.window == line.window
                && known.used_from == line.used_from
                && known.extractor == line.extractor
                && known.cloud == line.cloud
                && known.region == line.region
        };
        let at = match self.windows.iter_mut().find(same) {
            Some(known) => known,
            None => {
                self.windows.push(line);
                let Some(last) = self.windows.last_mut() else {
                    return;
                };
                last
            }
        };
        if *lost > 0 {
            at.lost.insert(project.to_owned(), *lost);
        }
        let records = by_type.values().sum();
        at.records.insert(project.to_owned(), records);
        if let Some(used) = used {
            at.used.insert(project.to_owned(), used.rows);
        }
        for (kind, records) in by_type {
            *at.types.entry(kind.clone()).or_default() += records;
        }
    }
}

/// Keeps what a run did: a line in the ledger of its spool, then `metrics_file` where that is set
/// and the run was a real one. A dry run did nothing.
/// Neither is a reason to fail: a notice.
pub fn keep(
    prepared: &Prepared,
    extracted: Option<Extracted>,
    delivery: &Delivery,
    exit: Exit,
    took_ms: u64,
    summary: &Summary,
) {
    if prepared.kind.is_dry() {
        return;
    }
    // A month once more says nothing of how far the projects are.
    let did_extract = extracted.is_some() && prepared.again.is_none();
    let Extracted {
        parts: _,
        names,
        listed,
        windows,
        failures,
        unread: _,
    } = extracted.unwrap_or_default();
    let line = RunLine {
        took_ms,
        extracted: did_extract,
        replay: !prepared.kind.is_online(),
        listed,
        requests: summary.requests(),
        names,
        windows,
        failures,
        messengers: messengers(prepared, delivery),
        problems: summary.problems().to_vec(),
        ..line(prepared.run_id(), exit)
    };
    if let Err(error) = ledger::append(&prepared.spools.cursors, &line) {
        let message = remedy::message(&error).of("this run is not in the ledger: ");
        match error.is_full() && summary.has_told_of_no_room() {
            true => tracing::info!("{}", message.text),
            false => remedy::log_warning(message),
        }
    }
    if prepared.kind.is_real() {
        metrics(&prepared.config, prepared.now);
    }
}

/// This process, as a run that began then.
pub fn run_id(began: i64) -> RunId {
    RunId {
        began,
        process: std::process::id(),
    }
}

/// Of a run that did nothing.
fn line(RunId { began, process }: RunId, exit: Exit) -> RunLine {
    RunLine {
        format: RunLine::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        began,
        exit: exit.code(),
        process,
        ..RunLine::default()
    }
}

/// Keeps that a run ended before it did anything, so that nobody who looks takes the one before for the last. Not of one
/// that found another at work, nor where there is no spool yet.
pub async fn keep_stopped(config: &Config, began: i64, stopped: &Stopped) {
    if stopped.exit == Exit::Locked || !config.spooldir.is_dir() {
        return;
    }
    let spool = Spool::look(&config.spooldir, Disk::default());
    // One writes there at a time; nobody is waited for.
    let lock = Lock::acquire(&config.lock_path, Duration::ZERO).await;
    let _alone = match lock {
        Err(LockError::Held { .. }) => return,
        Ok(lock) => (Some(lock), None),
        // The lock cannot be had at all, which is what stopped the run. Each that works holds its journal's, too.
        Err(_) => match spool.disk().lock(&spool.journal_folder().join("lock")) {
            Ok(Some(file)) => (None, Some(file)),
            _ => return,
        },
    };
    let told = remedy::message(stopped.error.as_ref());
    let line = RunLine {
        failures: vec![FailureLine {
            // Of none.
            cloud: String::new(),
            project: None,
            name: None,
            extractor: None,
            reason: error_chain(stopped.error.as_ref()),
        }],
        problems: vec![ProblemLine {
            text: told.text,
            hint: told.hint,
        }],
        ..line(run_id(began), stopped.exit)
    };
    // What is wrong with the disk was said.
    if ledger::append(&spool, &line).is_ok() {
        metrics(config, began);
    }
}

/// Warns of what a report lacks.
pub fn lacks_runs(unreadable: &[Unreadable]) {
    for it in unreadable {
        remedy::log_warning((
            format!(
                "{} of `{}` cannot be read: this lacks what those runs found",
                count(it.lines, "line", "lines"),
                it.path.display()
            ),
            "restore the file from a backup, if there is one",
        ));
    }
}

/// Writes `metrics_file`, where that is set.
fn metrics(config: &Config, now: i64) {
    let Some(path) = config.metrics_file.as_ref() else {
        return;
    };
    let status = Status::read(config, now.saturating_add(1));
    let written = status.and_then(|status| {
        let text = status::prometheus(&status);
        Ok(Disk::default().replace(path, text.as_bytes())?)
    });
    if let Err(error) = written {
        let message = remedy::message(error.as_ref());
        remedy::log_warning(message.of("`metrics_file` was not written: "));
    }
}

fn messengers(prepared: &Prepared, delivery: &Delivery) -> Vec<MessengerLine> {
    let queues = |name: &str| {
        let messenger = prepared.messengers.iter().find(|it| it.name == name);
        messenger.map_or_else(Vec::new, |it| it.queues().cloned().collect())
    };
    let used = delivery.instances.iter().map(|report| MessengerLine {
        name: report.name.clone(),
        delivered: report.delivered,
        quarantined: report.refused + report.failed,
        waiting: report.waiting,
        missing: report.missing,
        stopped: match &report.outcome {
            Ending::Complete => None,
            other => Some(other.to_string()),
        },
        queues: queues(&report.name),
    });
    let unusable = prepared.unusable.iter().map(|unusable| MessengerLine {
        name: unusable.name.clone(),
        delivered: 0,
        quarantined: 0,
        waiting: 0,
        missing: 0,
        stopped: Some(unusable.failure.detail.clone()),
        queues: Vec::new(),
    });
    used.chain(unusable).collect()
}
