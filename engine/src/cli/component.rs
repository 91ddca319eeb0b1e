//! `caso component`: for who writes or installs a component.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::commands::for_delivery;
use super::logging::LogSettings;
use super::process::{block_on, complain, logged, print_found, say};
use super::task::Task;
use crate::run::Exit;
use crate::run::component::{self, Caches, Language, Shown, Starter, Subject, Trial};
use caso_config::{CommandLine, Config};

/// What of it is asked for.
#[derive(Debug, PartialEq)]
pub enum ComponentTask {
    /// Print the contract, or write it into this folder.
    Wit {
        folder: Option<PathBuf>,
        json: bool,
    },
    Inspect {
        subject: Subject,
        json: bool,
    },
    New {
        language: Language,
        starter: Starter,
        name: String,
        folder: Option<PathBuf>,
        json: bool,
    },
    Sample,
    Run {
        subject: Subject,
        trial: Trial,
        into: Option<PathBuf>,
        /// Whether all that it logs is shown.
        debug: bool,
        json: bool,
    },
}

pub fn command() -> Command {
    Command::new("component")
        .about("Makes, shows and tries components: messengers and mappers of a site's own")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(new())
        .subcommand(wit())
        .subcommand(list())
        .subcommand(inspect())
        .subcommand(check())
        .subcommand(run())
        .subcommand(
            Command::new("sample")
                .about("Prints the built-in sample records, one per line as in the journal"),
        )
}

fn new() -> Command {
    Command::new("new")
        .about("Makes a starter folder for a component: source, build script, test, and the contract")
        .after_help(
            "A messenger in any language, in C also one that speaks HTTP; a mapper and a filter in Rust",
        )
        .arg(
            Arg::new("lang")
                .long("lang")
                .value_name("LANGUAGE")
                .required(true)
                .value_parser(Language::ALL.map(Language::word))
                .help("Programming language"),
        )
        .arg(
            Arg::new("kind")
                .long("kind")
                .value_name("KIND")
                .value_parser(Starter::ALL.map(Starter::word))
                .default_value(Starter::Messenger.word())
                .help("Component kind"),
        )
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .help(format!(
                    "The component's name: it starts with a letter, and has a-z, 0-9, `-` and `_`, at most {}",
                    component::LONGEST
                )),
        )
        .arg(
            Arg::new("into")
                .long("into")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("The folder to make [default: NAME]"),
        )
        .arg(json())
}

fn wit() -> Command {
    Command::new("wit")
        .about(
            "Prints the contract that components are written against, or writes it into a folder",
        )
        .arg(
            Arg::new("folder")
                .value_name("DIR")
                .help("The folder to write its files into, made where it is missing")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(json())
}

fn list() -> Command {
    for_delivery(Command::new("list"))
        .about("Lists the components of the program and of the configuration, and what each is granted")
        .after_help(
            "Exit codes: 0 all are usable, 1 none is, 2 wrong command line or configuration, 3 some are not",
        )
        .arg(json())
}

fn inspect() -> Command {
    about_a_file(Command::new("inspect"))
        .about("Shows what a component is and wants, and what to write into caso.conf to use it")
        .after_help(
            "It runs the component's `describe` in the sandbox, with nothing granted.\n\nExit codes: 0 it \
             can be used, 1 it cannot, 2 wrong command line",
        )
        .arg(json())
}

fn check() -> Command {
    bounded(about_a_file(for_delivery(Command::new("check"))))
        .about("Checks a component: admission, grants, and how it behaves")
        .after_help(
            "With --as or --config-file it is checked as the messenger, filter or mapper of a configuration, with \
             its options, pin, grants and limits. What it delivers lies in a throw-away folder, and nothing leaves this machine.\n\nExit \
             codes: 0 it fits, 1 it does not, 2 wrong command line or configuration, 3 it fits, but a grant or \
             an option is missing",
        )
        .arg(json())
}

fn run() -> Command {
    bounded(about_a_file(Command::new("run")))
        .about("Delivers a few records with a component, with throw-away grants, and shows what came out")
        .after_help(
            "Queues and folders lie in a folder of its own; connections and requests lead nowhere, and what \
             went over them is kept beside. A mapper is given the recording in the program; a filter judges the \
             records, and what it changes is shown.\n\nExit codes: 0 all \
             records were accepted, 1 none was, or it does not start, 2 wrong command line, 3 some were not",
        )
        .arg(
            Arg::new("records")
                .long("records")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with("replay")
                .help("The records: a file as `caso component sample` prints it [default: sample, those in the program]"),
        )
        .arg(
            Arg::new("replay")
                .long("replay")
                .value_name("RECORDING")
                .value_parser(["demo"])
                .help("The records of a recording: `demo`, a built-in one of a real OpenStack"),
        )
        .arg(
            Arg::new("into")
                .long("into")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("A new folder for what comes out [default: a temporary one]"),
        )
        .arg(
            Arg::new("debug")
                .long("debug")
                .short('d')
                .action(ArgAction::SetTrue)
                .help("Show all that it logs and prints, on standard error"),
        )
        .arg(json())
}

/// The arguments of the commands about one component.
fn about_a_file(command: Command) -> Command {
    command
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .help("The component, a .wasm file")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            Arg::new("as")
                .long("as")
                .value_name("NAME")
                .help("The messenger to run it as [default: its own name]"),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("OPTION=VALUE")
                .action(ArgAction::Append)
                .value_parser(pair)
                .help("An option of the component's own; may be given several times"),
        )
}

/// Options of a component's host section that a trial may have otherwise.
const BOUNDS: [(&str, &str); 3] = [
    (
        "memory",
        "Memory that it may use, as in its section of caso.conf [default: 64MiB]",
    ),
    (
        "deadline",
        "Computing time that a call may take, likewise [default: 10s]",
    ),
    (
        "timeout",
        "Time that a call may take with all its waits, likewise [default: 60s]",
    ),
];

/// What bounds it, for the commands that run it.
fn bounded(command: Command) -> Command {
    BOUNDS.iter().fold(command, |command, (name, help)| {
        command.arg(Arg::new(*name).long(*name).value_name("AMOUNT").help(*help))
    })
}

fn json() -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print the facts as one JSON object")
}

/// `option=value`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((option, value)) if !option.trim().is_empty() => {
            Ok((option.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected OPTION=VALUE".to_owned()),
    }
}

/// The task, but for `list`, which has a configuration.
pub fn task(matches: &ArgMatches) -> Option<ComponentTask> {
    let (name, matches) = matches.subcommand()?;
    if name == "sample" {
        return Some(ComponentTask::Sample);
    }
    let json = matches.get_flag("json");
    Some(match name {
        "wit" => ComponentTask::Wit {
            folder: matches.get_one("folder").cloned(),
            json,
        },
        "new" => {
            let word = matches.get_one::<String>("lang")?;
            let kind = matches.get_one::<String>("kind")?;
            let mut languages = Language::ALL.into_iter();
            let mut starters = Starter::ALL.into_iter();
            ComponentTask::New {
                language: languages.find(|language| language.word() == word)?,
                starter: starters.find(|starter| starter.word() == kind)?,
                name: matches.get_one("name").cloned()?,
                folder: matches.get_one("into").cloned(),
                json,
            }
        }
        "inspect" => ComponentTask::Inspect {
            subject: subject(matches),
            json,
        },
        "run" => ComponentTask::Run {
            subject: subject(matches),
            trial: trial(matches),
            into: matches.get_one("into").cloned(),
            debug: matches.get_flag("debug"),
            json,
        },
        _ => return None,
    })
}

fn trial(matches: &ArgMatches) -> Trial {
    if matches.contains_id("replay") {
        return Trial::Demo;
    }
    match matches.get_one::<PathBuf>("records") {
        Some(path) if path.as_os_str() != "sample" => Trial::File(path.clone()),
        _ => Trial::Sample,
    }
}

/// clap lets no line through without a file.
fn subject(matches: &ArgMatches) -> Subject {
    let set = matches.get_many::<(String, String)>("set");
    Subject {
        file: matches.get_one("file").cloned().unwrap_or_default(),
        name: matches.get_one("as").cloned(),
        set: set.into_iter().flatten().cloned().collect(),
        bounds: BOUNDS
            .iter()
            .filter_map(|(name, _)| {
                // Not every command has them.
                let value = matches.try_get_one::<String>(name).ok()??;
                Some((*name, value.clone()))
            })
            .collect(),
    }
}

pub fn check_task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::ComponentCheck {
        line,
        subject: subject(matches),
        json: matches.get_flag("json"),
    }
}

pub fn list_task(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::ComponentList {
        line,
        json: matches.get_flag("json"),
    }
}

/// Does it.
pub fn execute(task: ComponentTask) -> Exit {
    match task {
        ComponentTask::New {
            language,
            starter,
            name,
            folder,
            json,
        } => shown(component::new(
            language,
            starter,
            &name,
            folder.as_deref(),
            json,
        )),
        ComponentTask::Wit { folder, json } => shown(component::wit(folder.as_deref(), json)),
        ComponentTask::Inspect { subject, json } => {
            block_on(async { shown(component::inspect(&subject, &caches(), json).await) })
        }
        ComponentTask::Sample => shown(Ok(component::sample())),
        ComponentTask::Run {
            subject,
            trial,
            into,
            debug,
            json,
        } => {
            let settings = LogSettings {
                debug,
                ..LogSettings::default()
            };
            logged(&settings, async {
                let into = into.as_deref();
                shown(component::try_out(&subject, &trial, into, &caches(), json).await)
            })
        }
    }
}

pub fn show_list(config: &Config, json: bool) -> Exit {
    for warning in &config.warnings {
        say("warning", &warning.message());
    }
    block_on(async { shown(component::list(config, json).await) })
}

/// As the messenger of a configuration, where one is meant.
pub fn check_one(config: Option<&Config>, subject: &Subject, json: bool) -> Exit {
    logged(&LogSettings::default(), async {
        shown(component::check(subject, config, &caches(), json).await)
    })
}

fn caches() -> Caches {
    Caches::of(&caso_base::environment())
}

/// Prints it. What is no component is one that does not fit; what was asked for in a wrong
/// way is said to be so.
fn shown(shown: anyhow::Result<Shown>) -> Exit {
    match shown {
        Ok(shown) => print_found(&shown.text, shown.exit),
        Err(error) if error.is::<component::Unset>() || error.is::<component::NotAName>() => {
            complain(&error, Exit::Usage)
        }
        Err(error) => complain(&error, Exit::Nothing),
    }
}
