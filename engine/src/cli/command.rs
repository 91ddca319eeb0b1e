//! From `argv` to a run, and from a run to the exit code.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::logging::{self, LogSettings};
use super::signals;
use super::{configure, queue};
use crate::run::{self, Exit, Invocation, Recording, Remarks};
use caso_config::{CommandLine, Config, Inputs, Program};

/// The program of the name it was started under: `caso`, or that of a launcher.
pub fn main() -> ExitCode {
    let started = std::env::args_os().next().unwrap_or_default();
    match Path::new(&started).file_name().and_then(OsStr::to_str) {
        Some("caso-extract") => caso_extract(),
        Some("caso-projects") => caso_projects(),
        Some("caso-mapping-migrate") => caso_mapping_migrate(),
        _ => caso(),
    }
}

/// `caso-extract`.
fn caso_extract() -> ExitCode {
    let matches = extract_command("caso-extract").get_matches();
    extract(&matches, Program::Extract).into()
}

/// `caso`.
fn caso() -> ExitCode {
    let matches = Command::new("caso")
        .about("Extracts accounting records from OpenStack and delivers them")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            extract_command("extract")
                .about("Extracts and delivers: what `caso-extract` does, with its flags"),
        )
        .subcommand(
            for_delivery(with_summary(Command::new("deliver")))
                .about("Delivers the records that wait, without asking OpenStack"),
        )
        .subcommand(
            projects_command("projects", Program::Projects)
                .about("Lists the projects that are accounted: what `caso-projects` does"),
        )
        .subcommand(
            projects_command("mapping-migrate", Program::MappingMigrate)
                .about("Moves the mapping file to Keystone: what `caso-mapping-migrate` does"),
        )
        .subcommand(
            Command::new("demo")
                .about("Runs on a recording of a real OpenStack that ships with the program")
                .arg(
                    Arg::new("folder")
                        .help("A folder to make, for spool and messages [default: a new temporary one]")
                        .value_parser(value_parser!(PathBuf)),
                ),
        )
        .subcommand(
            Command::new("sample")
                .about("Prints a caso.conf with every option, its default and what it is for"),
        )
        .subcommand(configure::command())
        .subcommand(queue::command())
        .get_matches();
    match matches.subcommand() {
        Some(("extract", matches)) => extract(matches, Program::Extract),
        Some(("deliver", matches)) => deliver(matches),
        Some(("projects", matches)) => projects(matches, Program::Projects),
        Some(("mapping-migrate", matches)) => projects(matches, Program::MappingMigrate),
        Some(("demo", matches)) => demo(matches),
        Some(("sample", _)) => sample(),
        Some(("config", matches)) => configure::run(matches),
        Some(("queue", matches)) => queue::run(matches),
        _ => Exit::Usage,
    }
    .into()
}

/// `caso-projects`.
fn caso_projects() -> ExitCode {
    let program = Program::Projects;
    let matches = projects_command("caso-projects", program).get_matches();
    projects(&matches, program).into()
}

/// `caso-mapping-migrate`.
fn caso_mapping_migrate() -> ExitCode {
    let program = Program::MappingMigrate;
    let matches = projects_command("caso-mapping-migrate", program).get_matches();
    projects(&matches, program).into()
}

fn projects_command(name: &'static str, program: Program) -> Command {
    let command = match program {
        Program::MappingMigrate => with_config(Command::new(name), program)
            .about("Moves the VOs of the mapping file to properties of the projects in Keystone"),
        _ => caso_config::arguments(Command::new(name), program)
            .about("Lists the projects that are accounted, with their VOs"),
    };
    command.after_help(
        "Exit codes: 0 all done, 1 nothing done, 2 wrong command line or configuration, \
         3 partly done",
    )
}

fn with_config(command: Command, program: Program) -> Command {
    with_summary(caso_config::arguments(command, program))
}

fn with_summary(command: Command) -> Command {
    command.arg(
        Arg::new("summary")
            .long("summary")
            .action(ArgAction::SetTrue)
            .help("Print the summary of a clean run too, also where nobody watches"),
    )
}

/// A command about what waits takes the flags of an extraction, so that a cron
/// line can be changed by one word, but its help shows those that do something.
pub(super) fn for_delivery(command: Command) -> Command {
    caso_config::arguments(command, Program::Caso).mut_args(|arg| {
        let shown = caso_config::is_for_delivery(arg.get_id().as_str());
        arg.hide(!shown)
    })
}

fn extract_command(name: &'static str) -> Command {
    let folder = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    with_config(Command::new(name), Program::Extract)
        .about("Extracts accounting records from OpenStack and delivers them")
        .after_help(
            "Exit codes: 0 all done, 1 nothing done, 2 wrong command line or configuration, \
             3 partly done, 75 another run holds the lock",
        )
        .arg(folder(
            "record",
            "Keep every API exchange of this run in DIR, without secrets",
        ))
        .arg(
            Arg::new("record-names")
                .long("record-names")
                .action(ArgAction::SetTrue)
                .requires("record")
                .help("Keep names and IP addresses in the recording instead of replacing them"),
        )
        .arg(
            folder(
                "replay",
                "Answer from the recording in DIR instead of asking OpenStack",
            )
            .requires("into")
            .conflicts_with("record"),
        )
        .arg(
            folder(
                "into",
                "With --replay: a new folder for the spool and all messages",
            )
            .requires("replay"),
        )
}

fn extract(matches: &ArgMatches, program: Program) -> Exit {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let config = match load(matches, program) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let recording = match (path("record"), path("replay"), path("into")) {
        (Some(folder), _, _) => Recording::To {
            folder,
            keep_names: matches.get_flag("record-names"),
        },
        (None, Some(folder), Some(into)) => Recording::From { folder, into },
        _ => Recording::Off,
    };
    start(Invocation {
        config,
        recording,
        extract: true,
        verbose: matches.get_flag("summary"),
        remarks: Remarks::default(),
    })
}

fn deliver(matches: &ArgMatches) -> Exit {
    match load(matches, Program::Caso) {
        Ok(config) if config.dry_run => {
            say(
                "error: `caso deliver` has no dry run; `caso extract --dry-run` prints what an extraction would send",
            );
            Exit::Usage
        }
        Ok(config) => start(Invocation {
            config: {
                for flag in caso_config::flags_of_extraction(&CommandLine::from_matches(matches)) {
                    say(&format!("warning: `{flag}` has no effect on a delivery"));
                }
                config
            },
            recording: Recording::Off,
            extract: false,
            verbose: matches.get_flag("summary"),
            remarks: Remarks::default(),
        }),
        Err(exit) => exit,
    }
}

/// The two commands about projects: without records, lock or messengers.
fn projects(matches: &ArgMatches, program: Program) -> Exit {
    let config = match load(matches, program) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let settings = log_settings(&config, Remarks::default());
    if let Err(exit) = set_up_logging(&settings) {
        return exit;
    }
    block_on(async {
        match program {
            Program::MappingMigrate => {
                run::mapping_migrate(config, matches.get_flag("summary")).await
            }
            _ => run::projects(config).await,
        }
    })
}

fn demo(matches: &ArgMatches) -> Exit {
    let folder = matches.get_one::<PathBuf>("folder").cloned();
    if let Err(exit) = set_up_logging(&LogSettings::default()) {
        return exit;
    }
    block_on(async { run::demo(folder).await })
}

fn sample() -> Exit {
    block_on(async {
        match run::sample().await {
            Ok(text) => {
                print(&text);
                Exit::Done
            }
            Err(error) => complain(&error, Exit::Nothing),
        }
    })
}

fn start(invocation: Invocation) -> Exit {
    let settings = log_settings(&invocation.config, invocation.remarks.clone());
    if let Err(exit) = set_up_logging(&settings) {
        return exit;
    }
    block_on(async {
        match signals::watch() {
            Ok(cancel) => run::run(invocation, cancel).await,
            Err(error) => complain(&error.into(), Exit::Nothing),
        }
    })
}

pub(super) fn log_settings(config: &Config, remarks: Remarks) -> LogSettings {
    let logging = &config.logging;
    LogSettings {
        debug: logging.debug,
        // A dry run creates nothing, not even a log.
        file: logging.file.clone().filter(|_| !config.dry_run),
        json: logging.json,
        syslog: logging.syslog.map(|facility| facility.code),
        remarks,
    }
}

pub(super) fn load(matches: &ArgMatches, program: Program) -> Result<Config, Exit> {
    let command_line = CommandLine::from_matches(matches);
    if command_line.version {
        print(concat!(env!("CARGO_PKG_VERSION"), "\n"));
        return Err(Exit::Done);
    }
    if let Some(shell) = &command_line.shell_completion {
        print(&caso_config::completion(program, shell));
        return Err(Exit::Done);
    }
    let messengers = caso_builtin::messengers();
    let names: Vec<&str> = messengers.iter().map(String::as_str).collect();
    let inputs = Inputs::of_process(program, command_line, &names);
    caso_config::load(&inputs).map_err(|errors| {
        for error in &errors.0 {
            say(&format!("error: {error}"));
        }
        Exit::Usage
    })
}

pub(super) fn set_up_logging(settings: &LogSettings) -> Result<(), Exit> {
    logging::init(settings).map_err(|error| complain(&error.into(), Exit::Usage))
}

pub(super) fn block_on(future: impl Future<Output = Exit>) -> Exit {
    // One thread for all that waits: a run waits much and computes little, and
    // each thread of an allocator keeps memory of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => complain(&error.into(), Exit::Nothing),
    }
}

/// The error with its causes, a line each.
fn complain(error: &anyhow::Error, exit: Exit) -> Exit {
    say(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        say(&format!("  caused by: {cause}"));
    }
    exit
}

/// Data, for a reader that may have gone.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
