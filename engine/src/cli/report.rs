//! `caso report`: what was used in a month.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::commands::for_delivery;
use super::process::{complain, log_settings, logged, to_stderr, until_signalled};
use super::republish::month;
use super::signals::Undone;
use super::task::Task;
use crate::run::report::{self, By, Report, ReportForm};
use crate::run::{Exit, ReportPage, report_page};
use caso_base::{Clock as _, SystemClock};
use caso_config::{CommandLine, Config};

pub fn command() -> Command {
    let form = |name: &'static str, other: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .conflicts_with(other)
            .help(help)
    };
    for_delivery(Command::new("report"))
        .about("Shows a month's usage, to compare with what the consumer shows")
        .after_help(format!(
            "It reads the month from the APIs as a dry run does: no lock is taken, nothing is sent or \
             moved. For a server it counts as APEL does, the difference of its records at the month's \
             ends.\n\nWith --html it reads only the ledger of runs in the spool, asks nobody and needs no \
             month: it covers all that the ledger has, 400 days. What was extracted before the ledger \
             counted it is shown as not known.\n\n{}",
            Exit::table(&Exit::WITHOUT_LOCK)
        ))
        .arg(
            Arg::new("month")
                .long("month")
                .value_name("YYYY-MM")
                .required_unless_present("html")
                .value_parser(month)
                .help("The month, in UTC"),
        )
        .arg(
            Arg::new("by")
                .long("by")
                .value_name("WHAT")
                .value_parser(["vo", "project"])
                .default_value("vo")
                .help("A row for each VO, or each project"),
        )
        .arg(
            Arg::new("html")
                .long("html")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["by", "csv", "json"])
                .help(
                    "Write one page with plots and tables by VO, project, flavor and day, which needs no \
                     network; `-` is standard output",
                ),
        )
        .arg(form("csv", "json", "Print CSV (RFC 4180): seconds, and GiB times days"))
        .arg(form(
            "json",
            "csv",
            "Print one JSON object: `rows`, each with `name`, `servers`, `wall_seconds`, `cpu_seconds`, \
             `accelerator_seconds`, `gib_days`; `extracted_records` by type; \
             `unknown_servers` and `unknown_cpu_servers` count those that are not in the sums",
        ))
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    let month = matches.get_one::<i64>("month").copied();
    if let Some(file) = matches.get_one::<PathBuf>("html") {
        let file = Some(file.clone()).filter(|file| file != Path::new("-"));
        return Task::ReportPage {
            line,
            what: ReportPage { month, file },
        };
    }
    let by = matches.get_one::<String>("by").map(String::as_str);
    Task::Report {
        line,
        what: Report {
            month: month.unwrap_or_default(),
            by: match by {
                Some("project") => By::Project,
                _ => By::Vo,
            },
            form: match (matches.get_flag("csv"), matches.get_flag("json")) {
                (true, _) => ReportForm::Csv,
                (_, true) => ReportForm::Json,
                _ => ReportForm::Text,
            },
        },
    }
}

/// Does it.
pub fn execute(config: Config, what: Report) -> Exit {
    if config.dry_run {
        to_stderr("error: this changes nothing; `--dry-run` is not for it");
        return Exit::Usage;
    }
    let settings = log_settings(&config);
    let remarks = settings.remarks.clone();
    logged(
        &settings,
        until_signalled(Undone::IsNotShown, |cancel| {
            report::report(config, what, remarks, cancel)
        }),
    )
}

/// Writes the page.
pub fn page(config: &Config, what: &ReportPage) -> Exit {
    match report_page(config, what, SystemClock::new().now()) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::Nothing),
    }
}
