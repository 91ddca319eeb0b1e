//! `caso explain`: what became of a server.

use clap::{Arg, ArgMatches, Command};

use super::commands::for_delivery;
use super::process::{complain, log_settings, logged, print};
use super::task::Task;
use crate::run::{self, Exit};
use caso_config::{CommandLine, Config};

pub fn command() -> Command {
    for_delivery(Command::new("explain"))
        .about(
            "Says what is known of a server: what waits, what was refused, how far its project is",
        )
        .after_help(format!(
            "It reads the spool and asks Nova for this one server; it takes no lock and writes \
             nothing.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(
            Arg::new("server")
                .value_name("SERVER")
                .required(true)
                .help("Id of the server, as Nova and VMUUID have it"),
        )
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    let server = matches.get_one::<String>("server").cloned();
    let server = server.unwrap_or_default();
    Task::Explain { line, server }
}

/// Does it.
pub fn execute(config: &Config, server: &str) -> Exit {
    logged(&log_settings(config), async {
        match run::explain(config, server).await {
            Ok(text) => print(&text),
            Err(error) => complain(&error, Exit::Nothing),
        }
    })
}
