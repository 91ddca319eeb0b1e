//! `caso republish`: a month once more, with what the configuration says today.
//!
//! It is a run by hand over the month, in which no cursor moves. Of servers and accelerators the
//! last record of a month counts, so one window does. What adds up, storage and energy, goes in the
//! windows of the first time, which the ledger of runs knows, and so under the same ids; where it
//! does not, it is refused. Addresses are counted at a moment, and nobody can count them afterwards.
//!
//! Without `--yes` nothing is sent or moved: the month is read into a journal of its own, as a
//! dry run does, and counted.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use tokio::sync::watch;

use super::commands::status::Status;
use super::component_warnings::ComponentWarnings;
use super::exit::Exit;
use super::kind::Kind;
use super::ledger::Part;
use super::month;
use super::prepare::{self, Stopped};
use super::remedy::{self, advised};
use super::report::not_read;
use super::table::Table;
use super::{Invocation, extract, run};
use crate::stdout;
use caso_base::line::clean_line;
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_model::record_type::{Accrual, RecordType};

/// What is sent again.
#[derive(Debug, PartialEq)]
pub struct Republish {
    /// The month's first second, in epoch seconds.
    pub month: i64,
    /// Ids or names; none: all of them.
    pub projects: Vec<String>,
    /// Record types, as in `record_types`.
    pub types: BTreeSet<String>,
    /// The site's name under which it was sent the first time.
    pub site_was: Option<String>,
    /// What adds up also where the windows of the first time are not known.
    pub storage_anyway: bool,
    /// Send it.
    pub yes: bool,
}

/// Those that can be measured afterwards.
pub fn republished() -> impl Iterator<Item = &'static str> {
    let can_be = |kind: &RecordType| kind.accrual() != Accrual::Moment;
    RecordType::ALL
        .into_iter()
        .filter(can_be)
        .map(RecordType::name)
}

/// What a run that republishes does differently.
#[derive(Debug, Clone)]
pub struct Again {
    /// Records of other types are left out.
    pub types: BTreeSet<String>,
    /// Each project in one window, as nothing of it is sent: whoever adds up what was used does without the bounds
    /// of the first time.
    pub in_one_window: bool,
}

/// Shows what would be sent, or sends it.
pub async fn republish(
    config: Config,
    what: Republish,
    remarks: ComponentWarnings,
    cancel: watch::Receiver<bool>,
) -> Exit {
    let config = match narrowed(config, &what) {
        Ok(config) => config,
        Err(error) => {
            remedy::log_error(remedy::message(error.as_ref()));
            return Exit::Usage;
        }
    };
    let invocation = |config, kind| Invocation {
        config,
        kind,
        extract: true,
        only: None,
        again: Some(Again {
            types: what.types.clone(),
            in_one_window: false,
        }),
        verbose: true,
        remarks: remarks.clone(),
    };
    if what.yes {
        let exit = run(invocation(config, Kind::Real), cancel).await;
        // Of what came to nothing the error says what to do.
        if matches!(exit, Exit::Done | Exit::Partly) {
            let _ = stdout::page(&format!("{}next  caso status\n", to_do(&what)));
        }
        return exit;
    }
    let shown = async {
        let kind = Kind::dry().map_err(Stopped::with(Exit::Nothing))?;
        let invocation = invocation(config, kind);
        let (prepared, mut summary) = prepare::prepare(invocation, cancel.clone(), true).await?;
        let extracted = extract::extract(&prepared, cancel, None, &mut summary).await;
        let failures = not_read(&extracted.failures);
        stdout::page(&text(&what, &extracted.parts, &failures))
            .map_err(Stopped::with(Exit::Nothing))?;
        Ok::<Exit, Stopped>(summary.exit(prepared.config.partial_exit_ok))
    };
    shown.await.unwrap_or_else(Stopped::report)
}

/// The month, these projects, and the extractors that make these types.
fn narrowed(mut config: Config, what: &Republish) -> anyhow::Result<Config> {
    let now = SystemClock::new().now();
    let window = month::window(what.month, now)?;
    month::narrow(&mut config, window, |kind| what.types.contains(kind.name()));
    config.overlapping_intervals |= what.storage_anyway;
    if config
        .clouds
        .iter()
        .all(|cloud| cloud.extractors.is_empty())
    {
        bail!(
            "no extractor of the configuration makes records of these types: {}",
            Vec::from_iter(what.types.iter().map(String::as_str)).join(", ")
        );
    }
    if !what.projects.is_empty() {
        only(&mut config, &what.projects, now)?;
    }
    Ok(config)
}

/// Only these projects, each in the clouds that have a cursor of it.
fn only(config: &mut Config, projects: &[String], now: i64) -> anyhow::Result<()> {
    let status = Status::read(config, now)?;
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for project in projects {
        let cursors = status.cursors.iter();
        let mut found = cursors.filter(|it| it.is_of(project)).peekable();
        if found.peek().is_none() {
            return Err(advised(
                format!("project `{project}` was never extracted"),
                "`caso cursor` shows those that were",
            ));
        }
        for cursor in found {
            let ids = ids.entry(cursor.cloud.clone()).or_default();
            if !ids.contains(&cursor.project) {
                ids.push(cursor.project.clone());
            }
        }
    }
    config
        .clouds
        .retain_mut(|cloud| match ids.remove(&cloud.name) {
            Some(ids) => {
                cloud.projects = ids;
                cloud.caso_tag = None;
                true
            }
            None => false,
        });
    Ok(())
}

fn effect(kind: RecordType, storage_anyway: bool) -> &'static str {
    match kind.accrual() {
        Accrual::Latest => "replaces, by VM and month",
        Accrual::Sum if storage_anyway => {
            "replaces, by the same ids; adds, where they are not known"
        }
        Accrual::Sum => "replaces, by the same ids",
        Accrual::Moment => "is sent once more",
    }
}

/// One line of the table: of a project and a type.
#[derive(Default)]
struct Sum {
    records: u64,
    windows: usize,
}

fn text(what: &Republish, parts: &[Part], failures: &[String]) -> String {
    let mut sums: BTreeMap<(&str, RecordType), Sum> = BTreeMap::new();
    for part in parts {
        let project = part.name.as_deref().unwrap_or(&part.project);
        for kind in part.extractor.record_types() {
            if !what.types.contains(kind.name()) {
                continue;
            }
            let sum = sums.entry((project, *kind)).or_default();
            sum.windows += part.windows.len();
            let of_kind = part
                .windows
                .iter()
                .filter_map(|it| it.by_type.get(kind.name()));
            sum.records += of_kind.sum::<u64>();
        }
    }
    let mut table = Table::new([
        "PROJECT",
        "TYPE",
        ">RECORDS",
        ">WINDOWS",
        "EFFECT AT THE CONSUMER",
    ]);
    for ((project, kind), sum) in &sums {
        table.row([
            (*project).to_owned(),
            kind.name().to_owned(),
            sum.records.to_string(),
            sum.windows.to_string(),
            effect(*kind, what.storage_anyway).to_owned(),
        ]);
    }
    let failed = failures.iter();
    let failed = failed.map(|it| format!("not read: {}\n", clean_line(it)));
    // Half a month is not sent by who did not read that it is half.
    let next = match failures.is_empty() {
        true => "the same with `--yes`",
        false => "caso check",
    };
    format!(
        "What would be sent of {} (nothing was sent):\n{table}{}Addresses cannot be counted afterwards; volumes have \
         their present sizes. Cursors stay.\n{}next  {next}\n",
        month::name(what.month),
        failed.collect::<String>(),
        to_do(what)
    )
}

/// What is left to others.
fn to_do(what: &Republish) -> String {
    let Some(site) = &what.site_was else {
        return String::new();
    };
    format!(
        "What was sent as site `{}` stays there until APEL deletes it: open a ticket in GGUS for \
         the accounting repository.\n",
        clean_line(site)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::extract::report::Sealed;
    use caso_model::Window;
    use caso_model::extraction::Extractor;

    #[test]
    fn the_table_counts_by_project_and_type() {
        let window = |by_type: &[(&str, u64)]| Sealed {
            window: Window { start: 0, end: 1 },
            by_type: by_type
                .iter()
                .map(|(kind, n)| ((*kind).to_owned(), *n))
                .collect(),
            lost: 0,
            used: None,
        };
        let part = |extractor, windows| Part {
            project: "p".into(),
            name: Some("vo\u{1b}[2J".into()),
            extractor,
            windows,
        };
        let parts = [
            part(
                Extractor::Nova,
                vec![window(&[("cloud", 31), ("accelerator", 3)])],
            ),
            part(
                Extractor::Cinder,
                vec![window(&[("storage", 9)]), window(&[("storage", 8)])],
            ),
        ];
        let what = Republish {
            month: 1_790_812_800,
            projects: Vec::new(),
            types: ["cloud", "storage"].map(str::to_owned).into(),
            site_was: Some("OLD".into()),
            storage_anyway: false,
            yes: false,
        };
        assert_eq!(
            text(&what, &parts, &[]),
            "What would be sent of 2026-10 (nothing was sent):\n\
             PROJECT  TYPE     RECORDS  WINDOWS  EFFECT AT THE CONSUMER\n\
             vo[2J    cloud         31        1  replaces, by VM and month\n\
             vo[2J    storage       17        2  replaces, by the same ids\n\
             Addresses cannot be counted afterwards; volumes have their present sizes. Cursors stay.\n\
             What was sent as site `OLD` stays there until APEL deletes it: open a ticket in GGUS for the \
             accounting repository.\n\
             next  the same with `--yes`\n"
        );
    }
}
