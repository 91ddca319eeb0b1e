//! `caso status`: what the last runs left.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::commands::for_delivery;
use super::process::{complain, complain_each, inputs, print_found};
use super::task::Task;
use crate::run::{self, Exit, StatusForm};
use caso_base::{Clock as _, SystemClock};
use caso_config::{CommandLine, Config, Program};

const FORMS: [(&str, StatusForm, &str); 3] = [
    (
        "json",
        StatusForm::Json,
        "Print the facts as one JSON object, with times in epoch seconds",
    ),
    (
        "nagios",
        StatusForm::Nagios,
        "Print one line with performance data, and exit with 0 to 3 as Nagios has it",
    ),
    (
        "prometheus",
        StatusForm::Prometheus,
        "Print metrics for the textfile collector of node_exporter",
    ),
];

pub fn command() -> Command {
    let form = |(name, _, help): &(&'static str, StatusForm, &'static str)| {
        let others = FORMS.iter().map(|(other, _, _)| *other);
        Arg::new(*name)
            .long(*name)
            .action(ArgAction::SetTrue)
            .conflicts_with_all(others.filter(|other| other != name))
            .help(*help)
    };
    for_delivery(Command::new("status"))
        .about("Shows what the last runs left: how far each project is, what waits, what fails")
        .after_help(
            "It reads the spool alone: it takes no lock, asks nobody and writes nothing.\n\nExit codes: 0 all \
             well, 1 something needs attention, 2 wrong command line or configuration; with --nagios 0 OK, 1 \
             WARNING, 2 CRITICAL, 3 UNKNOWN",
        )
        .args(FORMS.iter().map(form))
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    let chosen = FORMS.iter().find(|(name, _, _)| matches.get_flag(name));
    Task::Status {
        line,
        form: chosen.map_or(StatusForm::Text, |(_, form, _)| *form),
    }
}

/// Reads the configuration, and prints it.
pub fn execute(program: Program, line: CommandLine, form: StatusForm) -> Exit {
    let config = match caso_config::load(&inputs(program, line)) {
        Ok(config) => config,
        Err(errors) if form == StatusForm::Nagios => {
            let first = errors.0.first().map(|error| error.message().to_string());
            return show_unknown(&first.unwrap_or_default());
        }
        Err(errors) => return complain_each(&errors, Exit::Usage),
    };
    match run::is_configured(&config) {
        Ok(()) => show(&config, form),
        Err(error) if form == StatusForm::Nagios => {
            show_unknown(&run::message(error.as_ref()).to_string())
        }
        Err(error) => complain(&error, Exit::Usage),
    }
}

/// Nagios reads standard output alone, and would take the exit code of a wrong configuration for CRITICAL.
fn show_unknown(reason: &str) -> Exit {
    let shown = run::status_unknown(reason);
    print_found(&shown.text, shown.exit)
}

fn show(config: &Config, form: StatusForm) -> Exit {
    match run::status(config, SystemClock::new().now(), form) {
        Ok(shown) => print_found(&shown.text, shown.exit),
        Err(error) => complain(&error, Exit::Nothing),
    }
}
