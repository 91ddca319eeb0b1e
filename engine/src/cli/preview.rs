//! `caso preview`, and `--format` of a dry run.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::process::{log_settings, logged, to_stderr, until_signalled};
use super::signals::Undone;
use super::task::Task;
use crate::run::{self, Exit, PreviewForm};
use caso_config::{CommandLine, Config, Program};

pub fn command() -> Command {
    caso_config::arguments(Command::new("preview"), Program::Extract)
        .about("Shows what a run would publish, counted by project, and publishes nothing")
        .after_help(format!(
            "It reads as a dry run does, from where the cursors are or from --extract-from on: no lock is taken, \
             nothing is sent or moved. `caso extract --dry-run --format FORM` does the same.\n\n{}; 3 also where \
             `diff` finds a difference",
            Exit::table(&Exit::WITHOUT_LOCK)
        ))
        .args(arguments())
}

/// Of both commands.
pub fn arguments() -> [Arg; 2] {
    [
        Arg::new("format")
            .long("format")
            .value_name("FORM")
            .value_parser(["table", "json", "diff"])
            .help(
                "How a dry run shows what would be published: `table` counts it, `json` prints one object (`format`, \
                 `window`, `projects`, `messengers`, `failures`, `records`), `diff` compares it with the messages in \
                 the queues",
            ),
        Arg::new("against")
            .long("against")
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help("Compare with the messages in this queue folder, such as one that Python's cASO wrote"),
    ]
}

/// What was asked for; none: nothing of it.
pub fn form(matches: &ArgMatches) -> Option<PreviewForm> {
    let against = matches.get_one::<PathBuf>("against").cloned();
    match (
        matches.get_one::<String>("format").map(String::as_str),
        against,
    ) {
        (Some("json"), _) => Some(PreviewForm::Json),
        (Some("table"), _) => Some(PreviewForm::Table),
        (Some(_), against) | (None, against @ Some(_)) => Some(PreviewForm::Diff { against }),
        (None, None) => None,
    }
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::Preview {
        line,
        form: form(matches).unwrap_or(PreviewForm::Table),
        of_dry_run: false,
    }
}

/// Does it.
pub fn execute(mut config: Config, form: &PreviewForm, of_dry_run: bool) -> Exit {
    if of_dry_run && !config.dry_run {
        to_stderr(
            "error: `--format` and `--against` need a dry run: add `--dry-run`, or write `caso preview`",
        );
        return Exit::Usage;
    }
    config.dry_run = true;
    let settings = log_settings(&config);
    let remarks = settings.remarks.clone();
    logged(
        &settings,
        until_signalled(Undone::IsNotShown, |cancel| {
            run::preview(config, form, remarks, cancel)
        }),
    )
}
