//! `caso queue`: what waits for the messengers.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::commands::for_delivery;
use super::process;
use super::task::Task;
use crate::run::{self, Exit, Forget};
use caso_config::{CommandLine, Config};

pub fn command() -> Command {
    let forget = for_delivery(Command::new("forget"))
        .about("Gives up the records that wait for a messenger; nobody gets them any more")
        .after_help(format!(
            "Records wait for a messenger that was taken out of `messengers` until it is put \
             back. Its quarantine stays.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage, Exit::Locked])
        ))
        .arg(
            Arg::new("messenger")
                .value_name("NAME")
                .required(true)
                .help("The messenger, as `messengers` named it"),
        )
        .arg(
            Arg::new("even-if-configured")
                .long("even-if-configured")
                .action(ArgAction::SetTrue)
                .help("Also when the messenger is still in `messengers`: its records are lost"),
        );
    Command::new("queue")
        .about("Looks after what waits for the messengers")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(forget)
}

pub fn forget_task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::QueueForget {
        line,
        what: Forget {
            messenger: matches
                .get_one::<String>("messenger")
                .cloned()
                .unwrap_or_default(),
            even_if_configured: matches.get_flag("even-if-configured"),
        },
    }
}

/// Runs with the logger.
pub async fn forget(config: Config, what: Forget) -> Exit {
    match run::forget(&config, &what).await {
        Ok(line) => process::print(&line),
        Err(exit) => exit,
    }
}
