//! The command line of cASO 5.2.2, from the option table.
//!
//! The mixed spelling (`--caso_tag`, but `--extract-from`) is the contract of
//! five years of cron lines. Former spellings are hidden aliases. As with
//! argparse, a flag may be shortened as far as it is unique, and the last of
//! several counts.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};

use super::files::ConfigPlace;
use super::table::{self, Described, Entry, Flag, general};
use super::types::Program;
use super::value::Kind;

const CONFIG_FILE: &str = "config-file";
const CONFIG_DIR: &str = "config-dir";
const VERSION: &str = "version";
const COMPLETION: &str = "shell_completion";

/// What was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// `--config-file` and `--config-dir`, in the order in which they stood.
    pub configs: Vec<ConfigPlace>,
    /// (section, option) with the value as text and the flag.
    pub values: BTreeMap<(String, String), (String, String)>,
    /// `--version`.
    pub version: bool,
    /// `--shell_completion bash`.
    pub shell_completion: Option<String>,
}

/// Flags of oslo.log 1.0 to 3.16, which cron lines of cASO 0.3 to 1.4 have. They must not make
/// ambiguous what argparse takes as short for a flag of 5.2.2 (`--log-f`, `--ver`), and so are
/// read under names that nothing is short for: this prefix and their own.
const FORMER: &str = "former-";
const FORMER_FLAGS: [&str; 5] = [
    "verbose",
    "noverbose",
    "log-format",
    "use-syslog-rfc-format",
    "nouse-syslog-rfc-format",
];

/// An argument as it is parsed: a former flag, spelt out, under the name that it is read by.
pub fn with_former_flags(argument: OsString) -> OsString {
    let renamed = argument.to_str().and_then(|text| {
        let flag = text.strip_prefix("--")?;
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        FORMER_FLAGS
            .contains(&name)
            .then(|| OsString::from(format!("--{FORMER}{flag}")))
    });
    renamed.unwrap_or(argument)
}

fn flagged(program: Program) -> impl Iterator<Item = (&'static dyn Described, Flag)> {
    let projects = matches!(program, Program::Projects | Program::MappingMigrate);
    table::rows()
        .filter_map(|row| row.flag.map(|flag| (row, flag)))
        .filter(move |(_, flag)| projects || !flag.projects_only)
}

/// The flags of cASO 5.2.2 and of earlier versions, in their exact spelling, for a
/// command that has no version flag of clap's and infers long flags, as
/// `arguments` sets it up. Mind that a further flag of the command makes
/// abbreviations ambiguous that argparse took: `--ver`, say, with `--verbose`.
fn flags(program: Program) -> Vec<Arg> {
    let mut args = vec![
        Arg::new(CONFIG_FILE)
            .long(CONFIG_FILE)
            .value_name("PATH")
            .action(ArgAction::Append)
            .help("Configuration file to read in place of the default ones; may be given several times, a later one overrides"),
        Arg::new(CONFIG_DIR)
            .long(CONFIG_DIR)
            .value_name("DIR")
            .action(ArgAction::Append)
            .help("Folder whose *.conf files to read, in the order of their names, in place of the default folders"),
    ];
    for (row, flag) in flagged(program) {
        let ignored = row
            .ignored
            .map(|why| format!("Accepted, without effect: {why}"));
        let help = ignored.unwrap_or_else(|| row.help.trim_end_matches('.').to_owned());
        let mut arg = Arg::new(row.name)
            .long(flag.long)
            .visible_aliases(flag.aliases)
            .aliases(flag.former)
            .hide(flag.long.starts_with(FORMER))
            .help(help);
        if let Some(short) = flag.short {
            arg = arg.short(short);
        }
        // As with argparse, the last one counts, of a flag and its inverse too.
        arg = arg.overrides_with(row.name);
        let mut opposite = None;
        if row.kind == Kind::Boolean {
            arg = arg.action(ArgAction::SetTrue);
            if let Some((inverse, former)) = flag.inverse.split_first() {
                arg = arg.overrides_with(*inverse);
                opposite = Some(
                    Arg::new(*inverse)
                        .long(*inverse)
                        .aliases(former)
                        .hide(flag.long.starts_with(FORMER))
                        .action(ArgAction::SetTrue)
                        .overrides_with(*inverse)
                        .help(format!("The inverse of --{}", flag.long)),
                );
            }
        } else {
            arg = arg.action(ArgAction::Set).value_name(flag.metavar);
        }
        args.push(arg);
        args.extend(opposite);
    }
    args.push(
        Arg::new(COMPLETION)
            .long(COMPLETION)
            .value_name("SHELL")
            .value_parser(["bash", "zsh"])
            .help("Print a shell completion script"),
    );
    args.push(
        Arg::new(VERSION)
            .long(VERSION)
            .action(ArgAction::SetTrue)
            .help("Print the version"),
    );
    args
}

/// Options that decide what is extracted, and nothing else.
fn is_of_extraction(row: &Entry) -> bool {
    let window = [
        general::EXTRACT_FROM.name,
        general::EXTRACT_TO.name,
        general::DRY_RUN.name,
    ];
    row.per_cloud || window.contains(&row.name)
}

/// Whether a delivery has a use for the flag of this id. It has none for those
/// that have no effect at all.
pub fn is_for_delivery(id: &str) -> bool {
    let named =
        flagged(Program::Projects).find(|(row, flag)| row.name == id || flag.inverse.contains(&id));
    named.is_none_or(|(row, _)| row.ignored.is_none() && !is_of_extraction(row))
}

/// Flags that were typed and are an extraction's.
pub fn flags_of_extraction(typed: &CommandLine) -> Vec<String> {
    let ours = |(section, name): &(String, String)| {
        table::find(section, name).is_some_and(|row| is_of_extraction(row))
    };
    let values = typed.values.iter().filter(|(key, _)| ours(key));
    values.map(|(_, (_, flag))| flag.clone()).collect()
}

/// Adds the flags to a command, and makes it parse as argparse does.
pub fn arguments(command: Command, program: Program) -> Command {
    command
        .disable_version_flag(true)
        .infer_long_args(true)
        .args(flags(program))
}

impl CommandLine {
    /// From the matches of a command that has the flags.
    pub fn from_matches(matches: &ArgMatches) -> Self {
        let typed = |id: &str| {
            matches.try_contains_id(id).is_ok()
                && matches.value_source(id) == Some(ValueSource::CommandLine)
        };
        let one = |id: &str| {
            typed(id)
                .then(|| matches.get_one::<String>(id).cloned())
                .flatten()
        };
        let mut values = BTreeMap::new();
        for (row, flag) in flagged(Program::Projects) {
            let value = if row.kind == Kind::Boolean {
                let inverse = flag.inverse.iter().copied().find(|id| typed(id));
                let on = typed(row.name).then(|| ("true".to_owned(), flag.long));
                on.or_else(|| inverse.map(|inverse| ("false".to_owned(), inverse)))
            } else {
                one(row.name).map(|text| (text, flag.long))
            };
            if let Some((text, long)) = value {
                let key = (row.section.to_owned(), row.name.to_owned());
                let long = long.strip_prefix(FORMER).unwrap_or(long);
                values.insert(key, (text, format!("--{long}")));
            }
        }
        let places = |id: &str, place: fn(std::path::PathBuf) -> ConfigPlace| {
            let indices = if typed(id) {
                matches.indices_of(id)
            } else {
                None
            };
            let paths = if typed(id) {
                matches.get_many::<String>(id)
            } else {
                None
            };
            let pairs = indices
                .into_iter()
                .flatten()
                .zip(paths.into_iter().flatten());
            pairs
                .map(move |(index, path)| (index, place(path.into())))
                .collect::<Vec<_>>()
        };
        let mut configs = places(CONFIG_FILE, ConfigPlace::File);
        configs.extend(places(CONFIG_DIR, ConfigPlace::Folder));
        configs.sort_by_key(|(index, _)| *index);
        Self {
            configs: configs.into_iter().map(|(_, place)| place).collect(),
            values,
            version: typed(VERSION),
            shell_completion: one(COMPLETION),
        }
    }
}

#[cfg(test)]
mod tests;
