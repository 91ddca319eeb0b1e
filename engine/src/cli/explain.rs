//! `caso explain`: what became of a server.

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgMatches, Command};

use super::commands::{flag, for_delivery};
use super::process::{complain, log_settings, logged, print_found, print_page};
use super::task::Task;
use crate::run::{self, Exit};
use caso_config::{CommandLine, Config};

pub fn command() -> Command {
    for_delivery(Command::new("explain"))
        .about(
            "Says what is known of a server: what waits, what was refused, how far its project is",
        )
        .after_help(format!(
            "It reads the spool and asks Nova for this one server, or for all of this name; it takes no \
             lock and writes nothing.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(
            Arg::new("server")
                .value_name("SERVER")
                .required(true)
                .value_parser(NonEmptyStringValueParser::new())
                .help("Id of the server, as Nova and VMUUID have it, or its name"),
        )
        .arg(flag("json", "For programs: what is known, as one JSON object"))
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    let server = matches.get_one::<String>("server").cloned();
    let server = server.unwrap_or_default();
    let json = matches.get_flag("json");
    Task::Explain { line, server, json }
}

/// Does it.
pub fn execute(config: &Config, server: &str, json: bool) -> Exit {
    logged(&log_settings(config), async {
        match run::explain(config, server, json).await {
            Ok((text, true)) => print_page(&text),
            Ok((text, false)) => print_found(&text, Exit::Nothing),
            Err(error) => complain(&error, Exit::Nothing),
        }
    })
}
