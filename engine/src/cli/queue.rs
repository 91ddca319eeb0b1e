//! `caso queue`: what waits for the messengers, and what lies in their quarantines.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::commands::for_delivery;
use super::confirm::asking;
use super::process::{complain, log_settings, logged, print_found, print_page, start, to_stderr};
use super::task::Task;
use crate::run::queue::{self, Adopt, Drop, Forget, Retry, Show};
use crate::run::{Exit, Invocation, Kind};
use caso_config::{CommandLine, Config};

/// What is asked of the queues.
#[derive(Debug, PartialEq)]
pub enum QueueTask {
    List { json: bool },
    Show(Show),
    Export { messenger: String, quarantine: bool },
    Flush { messenger: Option<String> },
    Retry { what: Retry, yes: bool },
    Drop { what: Drop, yes: bool },
    Forget(Forget),
    Adopt(Adopt),
}

const READS: &str = "It reads the spool alone: it takes no lock, asks nobody and writes nothing.";

pub fn command() -> Command {
    list(Command::new("queue"))
        .about("Shows and manages what waits for the messengers, and what is in quarantine")
        .args_conflicts_with_subcommands(true)
        .subcommand(list(Command::new("list")).about("The same as `caso queue`"))
        .subcommand(show())
        .subcommand(export())
        .subcommand(flush())
        .subcommand(retry())
        .subcommand(drop())
        .subcommand(forget())
        .subcommand(adopt())
}

fn list(command: Command) -> Command {
    for_delivery(command)
        .after_help(format!(
            "{READS}\n\nStates: ok, waits, stopped (the last run could not empty it), not in use (no \
             longer in `messengers`).\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(flag(
            "json",
            "Print one JSON object: `queues`, each with the fields of `caso status --json`, its \
             `state`, and its `quarantine` with `records`, `bytes`, `oldest` and `reasons`",
        ))
}

fn show() -> Command {
    for_delivery(Command::new("show"))
        .about("Shows the records that wait for a messenger, or one of them in full")
        .after_help(format!(
            "{READS}\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(messenger().required(true))
        .arg(
            Arg::new("id")
                .value_name("ID")
                .help("Id of a record, or of its server or volume"),
        )
        .arg(quarantine())
        .arg(flag(
            "json",
            "Print one JSON object: `records`, each as `caso queue export` has it",
        ))
}

fn export() -> Command {
    for_delivery(Command::new("export"))
        .about("Prints the records that wait for a messenger as lines of JSON")
        .after_help(format!(
            "{READS}\n\nEach line has `format` (1), `messenger`, `state` (`waiting`, `quarantined`), `since` \
             (extracted, or in quarantine), `id`, `type`, `resource`, `measured_at`, `origin` (cloud, region, \
             project, extractor, window) and `record`, whose fields are those of `wit/records.wit`; in \
             quarantine also `why` (`refused`, `failed`) and `reason`. Times are epoch seconds.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(messenger().required(true))
        .arg(quarantine())
}

fn flush() -> Command {
    for_delivery(Command::new("flush"))
        .about("Delivers what waits, as `caso deliver` does, and says what came of it")
        .after_help(Exit::table(&Exit::ALL))
        .arg(messenger().help("The messenger [default: all of them]"))
}

fn retry() -> Command {
    for_delivery(Command::new("retry"))
        .about("Puts what is in a messenger's quarantine back into its queue")
        .after_help(format!(
            "Records that are older than what was delivered since stay out: they would take usage \
             back at the accounting repository. Nothing is measured anew.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage, Exit::Locked])
        ))
        .arg(messenger().required(true))
        .arg(flag(
            "remap",
            "With the `site_name`, `service_name` and `cloud_type` that the configuration has today",
        ))
        .arg(yes())
}

fn drop() -> Command {
    for_delivery(Command::new("drop"))
        .about("Drops records that wait for a messenger, keeping a copy in the spool")
        .after_help(format!(
            "The copy is SPOOLDIR/dropped/NAME-TIME.jsonl.gz, with the lines of `caso queue \
             export`; it is whole and on disk before anything is dropped.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage, Exit::Locked])
        ))
        .arg(messenger().required(true))
        .arg(quarantine())
        .arg(
            Arg::new("older-than")
                .long("older-than")
                .value_name("AGE")
                .value_parser(age)
                .help("Only what was extracted or quarantined longer ago than this: `30d`, `12h`, `90m`"),
        )
        .arg(flag("no-save", "Keep no copy"))
        .arg(yes())
}

fn forget() -> Command {
    for_delivery(Command::new("forget"))
        .about("Drops the records that wait for a messenger; nobody gets them any more")
        .after_help(format!(
            "Records wait for a messenger that was taken out of `messengers` until it is put \
             back. Its quarantine stays. `caso queue drop` keeps a copy and asks first.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage, Exit::Locked])
        ))
        .arg(messenger().required(true))
        .arg(flag(
            "even-if-configured",
            "Also when the messenger is still in `messengers`: its records are lost",
        ))
}

fn adopt() -> Command {
    for_delivery(Command::new("adopt"))
        .about(
            "Takes over what still waits in a directory queue for ssmsend, for the messenger `ams`",
        )
        .after_help(format!(
            "The messages are sent as they are, in order, and removed from the queue. Stop \
             ssmsend first. What it has locked, and what is not an APEL message, stays. If \
             killed, the same command continues.\n\n{}",
            Exit::table(&Exit::ALL)
        ))
        .arg(
            Arg::new("folder")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(std::path::PathBuf))
                .help("The queue: `path` of ssmsend's sender.cfg, `output_path` of [ssm]"),
        )
        .arg(
            Arg::new("messenger")
                .long("messenger")
                .value_name("NAME")
                .default_value("ams")
                .help("The messenger that gets it, if `ams` has another name in `messengers`"),
        )
}

fn messenger() -> Arg {
    Arg::new("messenger")
        .value_name("NAME")
        .help("The messenger, as `messengers` named it")
}

fn quarantine() -> Arg {
    flag(
        "quarantine",
        "From what it refused or failed on, not what waits",
    )
}

fn yes() -> Arg {
    flag("yes", "Do it without asking")
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// `30d`, `12h`, `90m`, `10s`, in seconds.
fn age(text: &str) -> Result<i64, String> {
    let unit = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let found = unit.iter().find_map(|(ending, seconds)| {
        let number: u32 = text.strip_suffix(ending)?.parse().ok()?;
        Some(i64::from(number) * seconds)
    });
    found.ok_or_else(|| "expected a number and a unit, as in `30d`, `12h` or `90m`".to_owned())
}

/// What reads the matches of the command, and these.
pub fn task(matches: &ArgMatches) -> (fn(CommandLine, &ArgMatches) -> Task, &ArgMatches) {
    let Some((name, matches)) = matches.subcommand() else {
        return (list_task, matches);
    };
    let task = match name {
        "show" => show_task,
        "export" => export_task,
        "flush" => flush_task,
        "retry" => retry_task,
        "drop" => drop_task,
        "forget" => forget_task,
        "adopt" => adopt_task,
        _ => list_task,
    };
    (task, matches)
}

fn name(matches: &ArgMatches) -> String {
    let name = matches.get_one::<String>("messenger").cloned();
    name.unwrap_or_default()
}

fn list_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let json = matches.get_flag("json");
    let what = QueueTask::List { json };
    Task::Queue { line, what }
}

fn show_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let what = QueueTask::Show(Show {
        messenger: name(matches),
        quarantine: matches.get_flag("quarantine"),
        id: matches.get_one::<String>("id").cloned(),
        json: matches.get_flag("json"),
    });
    Task::Queue { line, what }
}

fn export_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let what = QueueTask::Export {
        messenger: name(matches),
        quarantine: matches.get_flag("quarantine"),
    };
    Task::Queue { line, what }
}

fn flush_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let messenger = matches.get_one::<String>("messenger").cloned();
    let what = QueueTask::Flush { messenger };
    Task::Queue { line, what }
}

fn retry_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let what = QueueTask::Retry {
        what: Retry {
            messenger: name(matches),
            remap: matches.get_flag("remap"),
        },
        yes: matches.get_flag("yes"),
    };
    Task::Queue { line, what }
}

fn drop_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let what = QueueTask::Drop {
        what: Drop {
            messenger: name(matches),
            quarantine: matches.get_flag("quarantine"),
            older_than: matches.get_one::<i64>("older-than").copied(),
            save: !matches.get_flag("no-save"),
        },
        yes: matches.get_flag("yes"),
    };
    Task::Queue { line, what }
}

fn forget_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let what = QueueTask::Forget(Forget {
        messenger: name(matches),
        even_if_configured: matches.get_flag("even-if-configured"),
    });
    Task::Queue { line, what }
}

fn adopt_task(line: CommandLine, matches: &ArgMatches) -> Task {
    let folder = matches.get_one::<std::path::PathBuf>("folder").cloned();
    let what = QueueTask::Adopt(Adopt {
        folder: folder.unwrap_or_default(),
        messenger: name(matches),
    });
    Task::Queue { line, what }
}

/// Does it.
pub fn execute(config: Config, what: QueueTask) -> Exit {
    let changes = match &what {
        QueueTask::List { .. } | QueueTask::Show(_) | QueueTask::Export { .. } => None,
        QueueTask::Flush { .. } => Some("flush"),
        QueueTask::Retry { .. } => Some("retry"),
        QueueTask::Drop { .. } => Some("drop"),
        QueueTask::Forget(_) => Some("forget"),
        QueueTask::Adopt(_) => Some("adopt"),
    };
    if let Some(name) = changes.filter(|_| config.dry_run) {
        to_stderr(&format!(
            "error: `caso queue {name}` has no dry run; `caso queue` shows what waits"
        ));
        return Exit::Usage;
    }
    let settings = log_settings(&config);
    match what {
        QueueTask::List { json } => shown(queue::list(&config, json)),
        QueueTask::Show(what) => shown(queue::show(&config, &what)),
        QueueTask::Export {
            messenger,
            quarantine,
        } => match queue::export(&config, &messenger, quarantine) {
            Ok(()) => Exit::Done,
            Err(error) => complain(&error, Exit::Nothing),
        },
        QueueTask::Flush { messenger } => flushed(config, messenger),
        QueueTask::Retry { what, yes } => logged(&settings, async {
            done(queue::retry(&config, &what, asking(yes)).await)
        }),
        QueueTask::Drop { what, yes } => logged(&settings, async {
            done(queue::drop(&config, &what, asking(yes)).await)
        }),
        QueueTask::Adopt(what) => logged(&settings, async {
            match queue::adopt(&config, &what).await {
                Ok((lines, exit)) => print_found(&lines, exit),
                Err(exit) => exit,
            }
        }),
        QueueTask::Forget(what) => logged(&settings, async {
            match queue::forget(&config, &what).await {
                Ok(line) => print_page(&line),
                Err(exit) => exit,
            }
        }),
    }
}

fn done(result: Result<(), Exit>) -> Exit {
    result.map_or_else(|exit| exit, |()| Exit::Done)
}

fn shown(result: anyhow::Result<String>) -> Exit {
    match result {
        Ok(text) => print_page(&text),
        Err(error) => complain(&error, Exit::Nothing),
    }
}

fn flushed(config: Config, only: Option<String>) -> Exit {
    let names: Vec<&str> = config.messengers.iter().map(|it| it.name()).collect();
    if let Some(name) = only.as_ref().filter(|name| !names.contains(&name.as_str())) {
        let names = names.join(", ");
        to_stderr(&format!(
            "error: `{name}` is not in `messengers`, which has: {names}"
        ));
        return Exit::Usage;
    }
    let settings = log_settings(&config);
    let remarks = settings.remarks.clone();
    let invocation = Invocation {
        config,
        kind: Kind::Real,
        extract: false,
        only,
        again: None,
        verbose: true,
        remarks,
    };
    logged(&settings, start(invocation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_its_unit() {
        let ages = ["30d", "12h", "90m", "5s", "0s"].map(age);
        let seconds = [2_592_000, 43_200, 5_400, 5, 0];
        assert_eq!(ages, seconds.map(Ok));
        for wrong in ["", "d", "30", "-1d", "1.5h", "30 d", "30w", "9999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
