//! `caso queue`: what waits for the messengers.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::command::{block_on, for_delivery, load, log_settings, print, say, set_up_logging};
use crate::run::{self, Exit, Forget, Remarks};
use caso_base::{Clock as _, SystemClock};
use caso_config::Program;

pub fn command() -> Command {
    let forget = for_delivery(Command::new("forget"))
        .about("Gives up the records that wait for a messenger; nobody gets them any more")
        .after_help(
            "Records wait for a messenger that was taken out of `messengers` until it is put \
             back. Its quarantine stays.\n\n\
             Exit codes: 0 given up, 1 nothing waits or nothing could be done, 2 wrong command \
             line or configuration, 75 another run holds the lock",
        )
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

pub fn run(matches: &ArgMatches) -> Exit {
    match matches.subcommand() {
        Some(("forget", matches)) => forget(matches),
        _ => Exit::Usage,
    }
}

fn forget(matches: &ArgMatches) -> Exit {
    let config = match load(matches, Program::Caso) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let Some(messenger) = matches.get_one::<String>("messenger") else {
        return Exit::Usage;
    };
    if config.dry_run {
        say("error: `caso queue forget` has no dry run; a run's summary says what waits");
        return Exit::Usage;
    }
    if let Err(exit) = set_up_logging(&log_settings(&config, Remarks::default())) {
        return exit;
    }
    let what = Forget {
        messenger: messenger.clone(),
        even_if_configured: matches.get_flag("even-if-configured"),
        now: SystemClock::new().now(),
    };
    block_on(async {
        match run::forget(&config, &what).await {
            Ok(line) => {
                print(&format!("{line}\n"));
                Exit::Done
            }
            Err(exit) => exit,
        }
    })
}
