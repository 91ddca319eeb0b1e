//! `caso component run FILE`: delivers a few records with it, and shows what came out.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::recorded::recorded;
use super::samples::{Counts, Records, SAMPLE};
use super::stage::{Output, Outside, Scene, Stage};
use super::trial::{self, Caches, Unset};
use super::try_pure::{filtered, mapped};
use super::{Shown, Subject};
use crate::run::exit::Exit;
use crate::run::summary::words::listed;
use crate::run::table::columns;
use crate::run::temporary;
use caso_base::Message;
use caso_base::line::{clean_line, short_line};
use caso_model::guest::{Answer, GuestFailure, Messenger as _, Rest};
use caso_sandbox::Component;

/// Records in one batch at most, as the engine has it.
const BATCH: usize = 1_000;
/// Of a message that is shown.
const LINES: usize = 40;
pub const LINE: usize = 200;

/// What it is tried with.
#[derive(Debug, Clone, PartialEq)]
pub enum Trial {
    /// The records in the program.
    Sample,
    /// One record a line.
    File(PathBuf),
    /// The recording in the program, through the built-in mapper.
    Demo,
}

#[derive(Debug, Serialize)]
struct Report {
    component: String,
    version: String,
    instance: String,
    folder: PathBuf,
    /// Why it did not start, or could not be given anything.
    problem: Option<String>,
    deliveries: Vec<Delivered>,
    /// Records that it was not given, by type: it does not take them.
    not_given: Counts,
    offered: usize,
    accepted: usize,
    refused: usize,
}

/// One call.
#[derive(Debug, Serialize)]
struct Delivered {
    record_type: String,
    records: usize,
    accepted: usize,
    refused: Vec<String>,
    /// `done`, `retry`, `too-large`, `misconfigured`, `other`, or `failed`.
    rest: &'static str,
    reason: Option<String>,
    output: Vec<Output>,
}

/// Prints the records in the program, one a line.
#[must_use]
pub fn sample() -> Shown {
    Shown {
        text: SAMPLE.to_owned(),
        exit: Exit::Done,
    }
}

/// Runs it in this folder, which is new, or in a temporary one.
///
/// # Errors
/// It is not taken in, or there are no records to try it with.
pub async fn try_out(
    subject: &Subject,
    trial: &Trial,
    into: Option<&Path>,
    caches: &Caches,
    json: bool,
) -> anyhow::Result<Shown> {
    let sandbox = caches.sandbox()?;
    let component = trial::admitted(&sandbox, subject).await?;
    if component.roles.filter && !component.roles.messenger {
        return filtered(&sandbox, subject, &component, trial, caches, json).await;
    }
    if !component.roles.messenger {
        if let Trial::File(path) = trial {
            bail!(Unset(
                Message::from(format!(
                    "component `{}` is a mapper, which makes records and is not given those of `{}`",
                    component.name,
                    path.display()
                ))
                .hint("leave `--records` out: it is tried with the recording in the program".to_owned())
            ));
        }
        return mapped(subject, &component, caches, into, json).await;
    }
    let folder = folder(into)?;
    let records = given(trial, caches, &folder).await?;
    let report = deliveries(subject, &component, &records, &folder).await?;
    let exit = match (
        report.accepted - report.refused.min(report.accepted),
        report.offered,
    ) {
        _ if report.problem.is_some() => Exit::Nothing,
        (taken, offered) => Exit::of(taken, offered - taken, false),
    };
    Shown::of(&report, json, || text(&report), exit)
}

/// The records that it is tried with. `folder` is where a run on the recording keeps its own.
pub async fn given(trial: &Trial, caches: &Caches, folder: &Path) -> anyhow::Result<Records> {
    let records = match trial {
        Trial::Sample => Records::sample()?,
        Trial::File(path) => Records::of_file(path)?,
        Trial::Demo => recorded(None, &caches.0, folder).await?.records,
    };
    if let (Trial::File(path), true) = (trial, records.records.is_empty()) {
        bail!(Unset(
            Message::from(format!("`{}` has no record", path.display()))
                .hint("`caso component sample` prints some".to_owned())
        ));
    }
    Ok(records)
}

async fn deliveries(
    subject: &Subject,
    component: &Component,
    records: &Records,
    folder: &Path,
) -> anyhow::Result<Report> {
    let name = trial::instance(subject, component);
    let mut report = Report {
        component: component.name.clone(),
        version: component.version.clone(),
        instance: name.clone(),
        folder: folder.to_owned(),
        problem: None,
        deliveries: Vec::new(),
        not_given: Counts::new(),
        offered: 0,
        accepted: 0,
        refused: 0,
    };
    let scene = Scene {
        name: name.clone(),
        folder: folder.to_owned(),
        outside: Outside::Kept,
        options: Vec::new(),
        limits: None,
        bare: false,
    };
    let mut stage = match Stage::set(subject, component, &scene, |_| {}) {
        Ok(stage) => stage,
        Err(error) => {
            report.problem = Some(crate::run::remedy::line(error.as_ref()));
            return Ok(report);
        }
    };
    let mut messenger = match stage.start().await {
        Ok(messenger) => messenger,
        Err(failure) => {
            report.problem = Some(trial::told(&failure));
            return Ok(report);
        }
    };
    let time_left = stage.messenger.setup.limits.timeout;
    for batch in records.batches(&name, time_left, BATCH) {
        let types = stage.messenger.record_types.as_deref();
        if types.is_some_and(|types| !types.contains(&batch.record_type)) {
            *report.not_given.entry(batch.record_type).or_default() += batch.records.len();
            continue;
        }
        let answered = messenger.deliver(&batch).await;
        let delivered = Delivered::of(
            &batch.record_type,
            batch.records.len(),
            answered.map(|answer| answer.into_inner()),
            stage.output()?,
        );
        report.offered += delivered.records;
        report.accepted += delivered.accepted;
        report.refused += delivered.refused.len();
        report.deliveries.push(delivered);
    }
    if report.offered == 0 {
        report.problem = Some("it takes none of these types".to_owned());
    }
    Ok(report)
}

impl Delivered {
    fn of(
        record_type: &str,
        records: usize,
        answered: Result<Answer, GuestFailure>,
        output: Vec<Output>,
    ) -> Self {
        let mut delivered = Self {
            record_type: record_type.to_owned(),
            records,
            accepted: 0,
            refused: Vec::new(),
            rest: "failed",
            reason: None,
            output,
        };
        match answered {
            Err(failure) => delivered.reason = Some(trial::told(&failure)),
            Ok(answer) => {
                // Refused ones behind what was accepted are dealt with, too.
                let behind = answer.refused.iter();
                let behind = behind
                    .filter(|refusal| refusal.index >= answer.accepted)
                    .count();
                delivered.accepted = usize::try_from(answer.accepted).unwrap_or(records) + behind;
                let refused = answer.refused.iter();
                delivered.refused = refused
                    .map(|refusal| format!("record {}: {}", refusal.index, refusal.reason))
                    .collect();
                (delivered.rest, delivered.reason) = rest(answer.rest);
            }
        }
        delivered
    }

    fn words(&self) -> String {
        let Self {
            record_type,
            records,
            accepted,
            refused,
            rest,
            reason,
            ..
        } = self;
        let noun = match records {
            1 => "record",
            _ => "records",
        };
        let refused = match refused.len() {
            0 => String::new(),
            count => format!(", refused {count}"),
        };
        let reason = reason.as_deref().map(|reason| format!(": {reason}"));
        format!(
            "{record_type}: {records} {noun}: accepted {}{refused}, {rest}{}",
            accepted - self.refused.len().min(*accepted),
            reason.unwrap_or_default()
        )
    }
}

/// A rest's word, and what it says.
pub fn rest(rest: Rest) -> (&'static str, Option<String>) {
    match rest {
        Rest::Done => ("done", None),
        Rest::Retry {
            after_seconds,
            reason,
        } => ("retry", Some(format!("{reason} (after {after_seconds} s)"))),
        Rest::TooLarge => ("too-large", None),
        Rest::Misconfigured(reason) => ("misconfigured", Some(reason)),
        Rest::Other(reason) => ("other", Some(reason)),
    }
}

fn text(report: &Report) -> String {
    let mut text = format!(
        "{} {} as messenger `{}`, with throw-away grants in `{}`\n",
        report.component,
        report.version,
        report.instance,
        report.folder.display()
    );
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = Vec::new();
    // One that was not given what it does not take has started.
    let started = report.problem.is_none() || !report.not_given.is_empty();
    if started {
        rows.push(line("start", "ok".to_owned()));
    }
    if let Some(problem) = &report.problem {
        rows.push(match started {
            true => line("deliver", format!("nothing: {problem}")),
            false => line("start", format!("FAILED: {problem}")),
        });
    }
    for delivered in &report.deliveries {
        rows.push(line("deliver", delivered.words()));
        for refused in &delivered.refused {
            rows.push(line("", format!("  refused {refused}")));
        }
        for output in &delivered.output {
            rows.push(line("", format!("  {}", output.words())));
        }
        if delivered.output.is_empty() && delivered.accepted > 0 {
            rows.push(line("", "  nothing came out".to_owned()));
        }
    }
    let not_given = counted(&report.not_given);
    if !not_given.is_empty() {
        rows.push(line(
            "not given",
            format!("{not_given}: it does not take them"),
        ));
    }
    let refused = match report.refused {
        0 => String::new(),
        refused => format!(", {refused} refused"),
    };
    rows.push(line(
        "total",
        format!(
            "{} of {} records accepted{refused}",
            report.accepted - report.refused.min(report.accepted),
            report.offered
        ),
    ));
    text += &columns(&rows, 0);
    let outputs = report
        .deliveries
        .iter()
        .flat_map(|delivered| &delivered.output);
    let first = outputs.flat_map(|output| &output.files).next();
    if let Some(first) = first
        && let Ok(bytes) = std::fs::read(first)
    {
        text += &format!("\n`{}`:\n\n{}", first.display(), shown(&bytes));
    }
    text
}

/// `3 cloud, 2 ip`.
pub fn counted(counts: &Counts) -> String {
    let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
    listed(&counts.collect::<Vec<_>>(), "and")
}

/// The beginning of a message, fit for a terminal.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let mut shown = String::new();
    for line in lines.by_ref().take(LINES) {
        shown += &short_line(&clean_line(line), LINE);
        shown.push('\n');
    }
    match lines.count() {
        0 => {}
        more => shown += &format!("… and {more} lines more\n"),
    }
    shown
}

/// A folder in which nothing lies yet.
pub fn folder(into: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(into) = into else {
        let folder = temporary::folder("caso-component-")?;
        return Ok(folder.keep());
    };
    let shown = into.display();
    if into.exists() && std::fs::read_dir(into).is_ok_and(|mut found| found.next().is_some()) {
        bail!("`{shown}` is not empty: choose a new folder");
    }
    std::fs::create_dir_all(into).with_context(|| format!("cannot make `{shown}`"))?;
    into.canonicalize()
        .with_context(|| format!("cannot use `{shown}`"))
}
