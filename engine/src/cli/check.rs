//! `caso check`: whether a run would go well.

use clap::{ArgMatches, Command};

use super::commands::{flag, for_delivery};
use super::logging::LogSettings;
use super::process::{complain, inputs, logged, print_found};
use super::task::Task;
use crate::run::{self, Check, ComponentWarnings, Exit};
use caso_config::{CommandLine, Program};

pub fn command() -> Command {
    for_delivery(Command::new("check"))
        .about("Checks whether a run would succeed, and says what to do if not")
        .after_help(
            "It looks at the configuration, the spool, the components and their destinations, and reads the last \
             hour of each project with this account. It takes no lock, moves no cursor and sends nothing.\n\n\
             Exit codes, those of the run that would be: 0 all would be done, 1 nothing would be done, 2 wrong \
             command line or configuration, 3 a part would be done",
        )
        .arg(flag("offline", "Ask nobody: no OpenStack, no messenger's connection"))
        .arg(flag("strict", "Count warnings as failures"))
        .arg(flag(
            "json",
            "Print one JSON object: `format`, `exit_code`, `ok`, `warnings`, `failed`, and `findings`, each with \
             `area`, `subject`, `verdict`, `text`, `hint`",
        ))
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::Check {
        line,
        what: Check {
            offline: matches.get_flag("offline"),
            strict: matches.get_flag("strict"),
            json: matches.get_flag("json"),
        },
    }
}

/// Does it.
pub fn execute(program: Program, line: CommandLine, what: Check) -> Exit {
    let shown = |shown: anyhow::Result<run::Checked>| match shown {
        Ok(shown) => print_found(&shown.text, shown.exit),
        Err(error) => complain(&error, Exit::Nothing),
    };
    let config = match caso_config::load(&inputs(program, line)) {
        Ok(config) => config,
        Err(errors) => return shown(run::check_unusable(&errors, what)),
    };
    // Not into the site's log, which a check does not write.
    let settings = LogSettings {
        debug: config.logging.debug,
        remarks: ComponentWarnings::default(),
        ..LogSettings::default()
    };
    let remarks = settings.remarks.clone();
    logged(&settings, async {
        shown(run::check(&config, what, &remarks).await)
    })
}
