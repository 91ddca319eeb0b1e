//! `caso cursor`: how far each project is extracted.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::commands::for_delivery;
use super::confirm::asking;
use super::process::{complain, log_settings, logged, print_page, to_stderr};
use super::task::Task;
use crate::run::Exit;
use crate::run::cursor::{self, Change};
use crate::run::cursor_places::{self, OfPlace};
use caso_base::time::parse_iso;
use caso_config::{CommandLine, Config};

/// What is asked of the cursors.
#[derive(Debug, PartialEq)]
pub enum CursorTask {
    Show { json: bool },
    Change { what: Change, yes: bool },
    OfPlace { what: OfPlace, yes: bool },
}

pub fn command() -> Command {
    let exits = [Exit::Done, Exit::Nothing, Exit::Usage, Exit::Locked];
    shown("cursor")
        .about("Shows, sets or forgets how far each project is extracted")
        .after_help(format!(
            "Without a command it reads the spool alone: it takes no lock, asks nobody and writes \
             nothing.\n\n{}",
            Exit::table(&exits)
        ))
        .args_conflicts_with_subcommands(true)
        .subcommand(
            shown("show")
                .about("The same as `caso cursor`")
                .after_help(Exit::table(&exits)),
        )
        .subcommand(
            for_delivery(Command::new("set"))
                .about("Sets all cursors of a project, and its lastrun file with them")
                .after_help(format!(
                    "It says what will be extracted again, or skipped, and asks before something \
                     is skipped.\n\n{}",
                    Exit::table(&exits)
                ))
                .arg(project())
                .arg(
                    Arg::new("when")
                        .value_name("WHEN")
                        .required(true)
                        .value_parser(moment)
                        .help("Everything before this is extracted: `2026-11-27`, `2026-11-27T05:00Z`; UTC without a zone"),
                )
                .arg(
                    Arg::new("cloud")
                        .long("cloud")
                        .value_name("CLOUD")
                        .help("The cloud of a project that has no cursor, where several are configured"),
                )
                .arg(
                    Arg::new("never-extracted")
                        .long("never-extracted")
                        .action(ArgAction::SetTrue)
                        .help(
                            "Nobody has extracted what is skipped: neither Python cASO, nor a spool that was lost. It is \
                             noted, and may be extracted later without `--storage-anyway`",
                        ),
                )
                .arg(yes()),
        )
        .subcommand(
            for_delivery(Command::new("forget"))
                .about("Removes the cursors and the lastrun file of a project that is gone, or all of a cloud")
                .after_help(Exit::table(&exits))
                .arg(project().required(false).required_unless_present("cloud"))
                .arg(
                    Arg::new("cloud")
                        .long("cloud")
                        .value_name("CLOUD[@REGION]")
                        .conflicts_with("project")
                        .help("Forget all projects in this cloud and region, as `caso cursor` shows them"),
                )
                .arg(yes()),
        )
        .subcommand(
            for_delivery(Command::new("rename"))
                .about("Continues a cloud or a region that was renamed in the configuration")
                .after_help(Exit::table(&exits))
                .arg(place("was", "WAS", "Its former name, as `caso cursor` shows it: CLOUD or CLOUD@REGION"))
                .arg(place("now", "NOW", "Its name in the configuration, CLOUD or CLOUD@REGION"))
                .arg(
                    Arg::new("project")
                        .long("project")
                        .value_name("PROJECT")
                        .help("Only this project, which moved between two clouds of the configuration: its id, or its name"),
                ),
        )
}

fn shown(name: &'static str) -> Command {
    for_delivery(Command::new(name)).arg(
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("Print one JSON object: `cursors`, as in `caso status --json`"),
    )
}

fn place(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).value_name(shown).required(true);
    arg.help(help)
}

fn project() -> Arg {
    Arg::new("project")
        .value_name("PROJECT")
        .required(true)
        .help("Id of the project, or its name; only its id if it has no cursor")
}

fn yes() -> Arg {
    Arg::new("yes")
        .long("yes")
        .action(ArgAction::SetTrue)
        .help("Do it without asking")
}

fn moment(text: &str) -> Result<i64, String> {
    parse_iso(text)
        .ok_or_else(|| "expected a date in ISO 8601, as in `2026-11-27T05:00`".to_owned())
}

/// What reads the matches of the command, and these.
pub fn task(matches: &ArgMatches) -> (fn(CommandLine, &ArgMatches) -> Task, &ArgMatches) {
    match matches.subcommand() {
        Some(("set", matches)) => (set, matches),
        Some(("rename", matches)) => (rename, matches),
        Some(("show", matches)) => (show, matches),
        Some((_, matches)) => (forget, matches),
        None => (show, matches),
    }
}

fn show(line: CommandLine, matches: &ArgMatches) -> Task {
    let json = matches.get_flag("json");
    let what = CursorTask::Show { json };
    Task::Cursor { line, what }
}

fn set(line: CommandLine, matches: &ArgMatches) -> Task {
    let at = matches.get_one::<i64>("when").copied().unwrap_or_default();
    let project = name(matches);
    let cloud = matches.get_one::<String>("cloud").cloned();
    let never_extracted = matches.get_flag("never-extracted");
    let what = Change::Set {
        project,
        cloud,
        at,
        never_extracted,
    };
    change(line, matches, what)
}

fn rename(line: CommandLine, matches: &ArgMatches) -> Task {
    let name = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
    let (was, now) = (name("was"), name("now"));
    let project = matches.get_one::<String>("project").cloned();
    let what = OfPlace::Rename { was, now, project };
    let what = CursorTask::OfPlace { what, yes: true };
    Task::Cursor { line, what }
}

fn forget(line: CommandLine, matches: &ArgMatches) -> Task {
    if let Some(place) = matches.get_one::<String>("cloud").cloned() {
        let what = OfPlace::Forget { place };
        let yes = matches.get_flag("yes");
        let what = CursorTask::OfPlace { what, yes };
        return Task::Cursor { line, what };
    }
    let project = name(matches);
    change(line, matches, Change::Forget { project })
}

fn change(line: CommandLine, matches: &ArgMatches, what: Change) -> Task {
    let yes = matches.get_flag("yes");
    let what = CursorTask::Change { what, yes };
    Task::Cursor { line, what }
}

fn name(matches: &ArgMatches) -> String {
    let name = matches.get_one::<String>("project").cloned();
    name.unwrap_or_default()
}

/// Does it.
pub fn execute(config: &Config, what: &CursorTask) -> Exit {
    match what {
        CursorTask::Show { json } => match cursor::list(config, *json) {
            Ok(text) => print_page(&text),
            Err(error) => complain(&error, Exit::Nothing),
        },
        CursorTask::Change { .. } | CursorTask::OfPlace { .. } if config.dry_run => {
            to_stderr("error: this has no dry run; `caso cursor` shows the cursors");
            Exit::Usage
        }
        CursorTask::Change { what, yes } => logged(&log_settings(config), async {
            let done = cursor::change(config, what, asking(*yes)).await;
            done.map_or_else(|exit| exit, |()| Exit::Done)
        }),
        CursorTask::OfPlace { what, yes } => logged(&log_settings(config), async {
            let done = cursor_places::change(config, what, asking(*yes)).await;
            done.map_or_else(|exit| exit, |()| Exit::Done)
        }),
    }
}
