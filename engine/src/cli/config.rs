//! `caso config show`, `caso config convert` and `caso config from-ssm`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, value_parser};

use super::process::{block_on, complain, complain_each, inputs, print, say, to_stderr};
use crate::run::{self, Exit};
use caso_config::{CommandLine, Config, ConfigErrors, Converted, Program};

pub fn command() -> Command {
    let show = caso_config::arguments(Command::new("show"), Program::Extract)
        .about("Prints every option in force and where its value came from; secrets are masked")
        .arg(
            Arg::new("unset")
                .long("unset")
                .action(ArgAction::SetTrue)
                .help("Also show unset options that have no default"),
        );
    let convert = Command::new("convert")
        .about("Prints a caso.conf as a caso.toml that means the same")
        .after_help(
            "The output contains the file's passwords:\n  \
             (umask 077; caso config convert > /etc/caso/caso.toml) && mv /etc/caso/caso.conf /etc/caso/caso.conf.old",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .help("The file to convert [default: the one that a run would read]")
                .value_parser(value_parser!(PathBuf)),
        );
    let from_ssm = Command::new("from-ssm")
        .about("Prints what ssmsend's sender.cfg says as the section [ams], for sending without ssmsend")
        .after_help(
            "Warnings name what has no place there. The output contains a token of AMS:\n  \
             (umask 077; caso config from-ssm > /etc/caso/ams.conf)",
        )
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .help("ssmsend's configuration")
                .default_value("/etc/apel/sender.cfg")
                .value_parser(value_parser!(PathBuf)),
        );
    Command::new("config")
        .about("Shows the configuration, or converts it or that of ssmsend")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(show)
        .subcommand(convert)
        .subcommand(from_ssm)
}

/// `caso config show`.
pub fn show(config: &Config, unset: bool) -> Exit {
    for warning in &config.warnings {
        say("warning", &warning.message());
    }
    block_on(async {
        let (text, problems) = run::show(config, unset).await;
        let printed = print(&text);
        for problem in &problems {
            complain(problem, Exit::Usage);
        }
        match problems.is_empty() {
            true => printed,
            false => Exit::Usage,
        }
    })
}

/// `caso config convert`, of this file or the one that a run would read.
pub fn convert(file: Option<&Path>) -> Exit {
    let inputs = inputs(Program::Extract, CommandLine::default());
    show_converted(
        caso_config::convert(&inputs, file),
        "`(umask 077; caso config convert > caso.toml)`",
    )
}

/// `caso config from-ssm`, of this file.
pub fn from_ssm(file: &Path) -> Exit {
    show_converted(
        caso_config::from_ssm(file),
        "`(umask 077; caso config from-ssm > ams.conf)`",
    )
}

/// Prints what came out, and how it is printed where it has secrets.
fn show_converted(converted: Result<Converted, ConfigErrors>, to_a_file: &str) -> Exit {
    let converted = match converted {
        Ok(converted) => converted,
        Err(errors) => return complain_each(&errors, Exit::Usage),
    };
    for remark in &converted.remarks {
        to_stderr(&format!("warning: {remark}"));
    }
    if !converted.secrets.is_empty() {
        let names = converted.secrets.join(", ");
        if std::io::stdout().is_terminal() {
            to_stderr(&format!(
                "error: the output holds secrets ({names}), which are not shown on a terminal: write it to a \
                 file that only cASO's user can read, {to_a_file}"
            ));
            return Exit::Usage;
        }
        to_stderr(&format!(
            "warning: the output holds secrets ({names}): let only cASO's user read it"
        ));
    }
    print(&converted.text)
}
