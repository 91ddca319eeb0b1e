//! `caso republish`: a month once more.

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::commands::{flag, for_delivery};
use super::process::{log_settings, logged, say, until_signalled};
use super::signals::Undone;
use super::task::Task;
use crate::run::{self, Exit, Republish, republished};
use caso_base::Message;
use caso_base::time::parse_iso;
use caso_config::{CommandLine, Config};

pub fn command() -> Command {
    for_delivery(Command::new("republish"))
        .about("Sends a month again, with today's configuration")
        .after_help(format!(
            "Without --yes it reads the month, prints what would be sent, and changes nothing. \
             Storage and energy go in the windows of the first time, by the ledger of runs, so that \
             nothing is counted twice; where that does not have them they are refused. Cursors \
             stay.\n\n{}",
            Exit::table(&Exit::ALL)
        ))
        .arg(
            Arg::new("month")
                .long("month")
                .value_name("YYYY-MM")
                .required(true)
                .value_parser(month)
                .help("The month, in UTC"),
        )
        .arg(
            Arg::new("project")
                .long("project")
                .value_name("PROJECT")
                .action(ArgAction::Append)
                .help("Only this one, by id or name; may be given again [default: all]"),
        )
        .arg(
            Arg::new("types")
                .long("types")
                .value_name("TYPES")
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(republished()))
                .help("Only records of these types, comma-separated"),
        )
        .arg(
            Arg::new("site-was")
                .long("site-was")
                .value_name("NAME")
                .value_parser(value_parser!(String))
                .help("Site name it was sent under: says what is left to do then"),
        )
        .arg(flag(
            "storage-anyway",
            "Storage and energy also where the windows of the first time are not known: counted twice \
             unless the first records were deleted",
        ))
        .arg(flag("yes", "Send it"))
}

/// `2026-10`, as its first second.
pub fn month(text: &str) -> Result<i64, String> {
    let wrong = || "expected a month, as in `2026-10`".to_owned();
    match text.len() {
        7 => parse_iso(&format!("{text}-01")).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

pub fn task(line: CommandLine, matches: &ArgMatches) -> Task {
    let texts = |name: &str| -> Vec<String> {
        let values = matches.get_many::<String>(name);
        values.into_iter().flatten().cloned().collect()
    };
    let types: BTreeSet<String> = texts("types").into_iter().collect();
    Task::Republish {
        line,
        what: Republish {
            month: matches.get_one::<i64>("month").copied().unwrap_or_default(),
            projects: texts("project"),
            types: match types.is_empty() {
                true => republished().map(str::to_owned).collect(),
                false => types,
            },
            site_was: matches.get_one::<String>("site-was").cloned(),
            storage_anyway: matches.get_flag("storage-anyway"),
            yes: matches.get_flag("yes"),
        },
    }
}

/// Does it.
pub fn execute(config: Config, what: Republish) -> Exit {
    if config.dry_run {
        say(
            "error",
            &Message::from((
                "`--dry-run` is not for a republication",
                "without `--yes` this changes nothing",
            )),
        );
        return Exit::Usage;
    }
    let settings = log_settings(&config);
    let remarks = settings.remarks.clone();
    let undone = match what.yes {
        true => Undone::Waits,
        false => Undone::IsNotShown,
    };
    logged(
        &settings,
        until_signalled(undone, |cancel| {
            run::republish(config, what, remarks, cancel)
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_its_first_second() {
        assert_eq!(month("2026-10"), Ok(1_790_812_800));
        for wrong in ["2026-13", "2026", "2026-10-01", "10-2026", "2026-1 "] {
            assert!(month(wrong).is_err(), "{wrong}");
        }
    }
}
