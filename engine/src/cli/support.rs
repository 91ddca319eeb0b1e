//! `caso support`: what a maintainer needs, without a secret.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};

use super::commands::for_delivery;
use super::logging::LogSettings;
use super::process::{complain, inputs, logged, print_page};
use super::task::Task;
use crate::run::{self, Exit};
use caso_config::{CommandLine, Program};

pub fn command() -> Command {
    for_delivery(Command::new("support"))
        .about("Gathers what a maintainer needs to help, without passwords, tokens and keys")
        .after_help(format!(
            "It reads the configuration, the spool and the log, asks nobody, and writes the new folder and \
             nothing else. Read it before you send it: it has names of projects, users and hosts.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("Where to [default: caso-support-DATE in the current folder]"),
        )
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::Support {
        line,
        folder: matches.get_one("folder").cloned(),
    }
}

/// Does it, also of a configuration that cannot be used: that is often what help is needed with.
pub fn execute(program: Program, line: CommandLine, folder: Option<PathBuf>) -> Exit {
    let config = caso_config::load(&inputs(program, line));
    // Not into the site's log, which is one of the things gathered.
    logged(&LogSettings::default(), async {
        match run::support(config, folder).await {
            Ok(text) => print_page(&text),
            Err(error) => complain(&error, Exit::Nothing),
        }
    })
}
