//! The definition of every command: parsed by, completed from, and printed as
//! manual pages.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;

use super::{
    check, component, config, cursor, explain, init, preview, queue, report, republish, status,
    support,
};
use crate::run::Exit;
use caso_config::Program;

/// The program of the name that the process was started under: `caso`, or what
/// one of the launchers is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    Caso,
    Extract,
    Projects,
    MappingMigrate,
}

impl Started {
    /// By the first of the process's arguments, a path or a name.
    pub fn by(argv0: &OsStr) -> Self {
        match Path::new(argv0).file_name().and_then(OsStr::to_str) {
            Some("caso-extract") => Self::Extract,
            Some("caso-projects") => Self::Projects,
            Some("caso-mapping-migrate") => Self::MappingMigrate,
            _ => Self::Caso,
        }
    }

    pub fn command(self) -> Command {
        match self {
            Self::Caso => caso(),
            Self::Extract => extract("caso-extract"),
            Self::Projects => projects("caso-projects", Program::Projects),
            Self::MappingMigrate => projects("caso-mapping-migrate", Program::MappingMigrate),
        }
    }
}

fn caso() -> Command {
    Command::new("caso")
        .about("Extracts accounting records from OpenStack and delivers them")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            extract("extract")
                .about("Extracts and delivers: what `caso-extract` does, with its flags"),
        )
        .subcommand(deliver())
        .subcommand(
            projects("projects", Program::Projects)
                .about("Lists the projects that are accounted: what `caso-projects` does"),
        )
        .subcommand(
            projects("mapping-migrate", Program::MappingMigrate)
                .about("Moves the mapping file to Keystone: what `caso-mapping-migrate` does"),
        )
        .subcommand(demo())
        .subcommand(
            Command::new("sample")
                .about("Prints a caso.conf with every option, its default and what it is for"),
        )
        .subcommand(init::command())
        .subcommand(check::command())
        .subcommand(preview::command())
        .subcommand(config::command())
        .subcommand(status::command())
        .subcommand(queue::command())
        .subcommand(cursor::command())
        .subcommand(explain::command())
        .subcommand(republish::command())
        .subcommand(report::command())
        .subcommand(support::command())
        .subcommand(component::command())
        .subcommand(completions())
        .subcommand(man())
}

fn extract(name: &'static str) -> Command {
    with_summary(Command::new(name), Program::Extract)
        .about("Extracts accounting records from OpenStack and delivers them")
        .after_help(Exit::table(&Exit::ALL))
        .args(recording())
        .args(preview::arguments().map(|arg| arg.conflicts_with_all(["record", "replay"])))
}

/// The flags of a run that keeps a recording, or runs on one.
fn recording() -> [Arg; 4] {
    let folder = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help(help)
    };
    [
        folder(
            "record",
            "Keep every API exchange of this run in DIR, without secrets",
        ),
        Arg::new("record-names")
            .long("record-names")
            .action(ArgAction::SetTrue)
            .requires("record")
            .help("Keep names and IP addresses in the recording instead of replacing them"),
        folder(
            "replay",
            "Answer from the recording in DIR instead of asking OpenStack; `demo` is the one in the program",
        )
        .requires("into")
        .conflicts_with("record"),
        folder(
            "into",
            "With --replay: a new folder for the spool and all messages",
        )
        .requires("replay"),
    ]
}

fn deliver() -> Command {
    for_delivery(summary(Command::new("deliver")))
        .about("Delivers the records that wait, without asking OpenStack")
        .after_help(Exit::table(&Exit::ALL))
}

/// A flag that is there or not.
pub fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// A command about what waits takes the flags of an extraction, so that a cron
/// line can be changed by one word; its help shows only those that do something.
pub fn for_delivery(command: Command) -> Command {
    caso_config::arguments(command, Program::Caso).mut_args(
        |arg| match caso_config::is_for_delivery(arg.get_id().as_str()) {
            true => arg,
            false => arg.hide(true),
        },
    )
}

fn projects(name: &'static str, program: Program) -> Command {
    let command = match program {
        Program::MappingMigrate => with_summary(Command::new(name), program)
            .about("Moves the VOs of the mapping file to properties of the projects in Keystone")
            .mut_args(|arg| match arg.get_long() {
                Some("dry-run") => arg
                    .help("Print the `openstack` commands and change nothing; this is the default"),
                Some("nodry-run" | "nodry_run") => arg.help("Change Keystone"),
                Some("extract-from" | "extract-to" | "extractor") => arg.hide(true),
                _ => arg,
            }),
        _ => caso_config::arguments(Command::new(name), program)
            .about("Lists the projects that are accounted, with their VOs")
            .mut_args(|arg| match arg.get_long() {
                Some(
                    "dry-run" | "nodry-run" | "migrate-projects" | "nomigrate-projects"
                    | "extract-from" | "extract-to" | "extractor",
                ) => arg.hide(true),
                _ => arg,
            }),
    };
    command.after_help(Exit::table(&Exit::WITHOUT_LOCK))
}

fn with_summary(command: Command, program: Program) -> Command {
    summary(caso_config::arguments(command, program))
}

fn summary(command: Command) -> Command {
    command.arg(
        Arg::new("summary")
            .long("summary")
            .action(ArgAction::SetTrue)
            .help("Print the summary even of a clean run without a terminal"),
    )
}

fn demo() -> Command {
    Command::new("demo")
        .about("Runs on a recording of a real OpenStack that ships with the program")
        .arg(
            Arg::new("folder")
                .help("A folder to make, or an empty one, for spool and messages [default: a new temporary one]")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("remove")
                .long("remove")
                .value_name("DIR")
                .conflicts_with("folder")
                .help("Remove what a demo made in DIR, and nothing else")
                .value_parser(value_parser!(PathBuf)),
        )
}

fn completions() -> Command {
    Command::new("completions")
        .about("Prints the completions of `caso` for a shell")
        .after_help(
            "For example, for bash:\n  \
             caso completions bash > /etc/bash_completion.d/caso\n\
             Those of `caso-extract`: caso-extract --shell_completion bash",
        )
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .help("The shell")
                .value_parser(value_parser!(Shell)),
        )
}

fn man() -> Command {
    Command::new("man")
        .about("Writes the manual pages, one for each command")
        .arg(
            Arg::new("folder")
                .value_name("DIR")
                .required(true)
                .help("The folder to write them into, made where it is missing")
                .value_parser(value_parser!(PathBuf)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_definition_is_sound() {
        for started in [
            Started::Caso,
            Started::Extract,
            Started::Projects,
            Started::MappingMigrate,
        ] {
            started.command().debug_assert();
        }
    }

    #[test]
    fn the_name_decides_whatever_folder_it_lies_in() {
        let by = |argv0: &str| Started::by(OsStr::new(argv0));
        assert_eq!(by("caso"), Started::Caso);
        assert_eq!(by("/usr/bin/caso-extract"), Started::Extract);
        assert_eq!(by("./caso-projects"), Started::Projects);
        assert_eq!(by("caso-mapping-migrate"), Started::MappingMigrate);
        assert_eq!(by("caso-extract-old"), Started::Caso);
        assert_eq!(by(""), Started::Caso);
    }
}
