//! Advice that can be typed as it stands: where a process was started with a configuration of its
//! own (`--config-file`, `--config-dir`), the commands that it names are for that one, too. Without
//! it `caso queue drop ssm`, taken from the mail of a second configuration's cron job, would be done
//! to the first one's queue.
//!
//! Told where text for people leaves the process, so that whoever writes a message writes the command
//! alone. What programs read is left as it is.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;

use caso_base::shell_word;

/// Commands that take a configuration, longer ones before those that they begin with.
const COMMANDS: [&str; 31] = [
    "caso component check",
    "caso component list",
    "caso config show",
    "caso cursor forget",
    "caso cursor rename",
    "caso cursor set",
    "caso cursor show",
    "caso cursor",
    "caso queue adopt",
    "caso queue drop",
    "caso queue export",
    "caso queue flush",
    "caso queue forget",
    "caso queue list",
    "caso queue retry",
    "caso queue show",
    "caso queue",
    "caso check",
    "caso deliver",
    "caso explain",
    "caso extract",
    "caso mapping-migrate",
    "caso preview",
    "caso projects",
    "caso report",
    "caso republish",
    "caso status",
    "caso support",
    "caso-extract",
    "caso-mapping-migrate",
    "caso-projects",
];

/// Those of them that cannot be typed without more: quoted alone, such a one is a name in a sentence, and no advice.
const NEED_MORE: [&str; 11] = [
    "caso component check",
    "caso cursor rename",
    "caso cursor set",
    "caso explain",
    "caso queue adopt",
    "caso queue drop",
    "caso queue export",
    "caso queue forget",
    "caso queue retry",
    "caso queue show",
    "caso republish",
];

/// The flags that name a configuration, and what argparse takes as short for them at the least.
const FLAGS: [(&str, &str); 2] = [
    ("--config-file", "--config-f"),
    ("--config-dir", "--config-d"),
];

/// The text with commands for the configuration that this process was started with.
pub fn of_process(text: &str) -> Cow<'_, str> {
    if !text.contains("caso") {
        return Cow::Borrowed(text);
    }
    told(text, &flags(std::env::args_os().skip(1)))
}

/// The flags of a command line that name its configuration, to be typed behind another command
/// anywhere.
fn flags(line: impl Iterator<Item = OsString>) -> String {
    let mut found = String::new();
    let mut line = line;
    while let Some(argument) = line.next() {
        let Some(argument) = argument.to_str() else {
            continue;
        };
        if argument == "--" {
            break;
        }
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (argument, None),
        };
        let known = FLAGS
            .iter()
            .find(|(flag, least)| flag.starts_with(name) && name.starts_with(least));
        if let Some((flag, _)) = known
            && let Some(value) = value.or_else(|| line.next())
        {
            let path = std::path::absolute(Path::new(&value)).unwrap_or_else(|_| value.into());
            found += &format!(" {flag} {}", shell_word(&path.to_string_lossy()));
        }
    }
    found
}

/// The text with these flags behind each command that takes them, and has none.
fn told<'a>(text: &'a str, flags: &str) -> Cow<'a, str> {
    if flags.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, at)) = rest.find("caso").and_then(|at| rest.split_at_checked(at)) {
        let command = begins_word(before, &told)
            .then(|| COMMANDS.iter().find(|command| begins(at, command)))
            .flatten();
        let word = command.map_or("caso", |command| command);
        let Some((word, after)) = at.split_at_checked(word.len()) else {
            break;
        };
        told += before;
        told += word;
        let has_one = FLAGS.iter().any(|(flag, _)| {
            let behind = after.strip_prefix(' ').unwrap_or_default();
            behind.starts_with(flag)
        });
        let is_name = after.starts_with('`') && NEED_MORE.contains(&word);
        if command.is_some() && !has_one && !is_name {
            told += flags;
        }
        rest = after;
    }
    told += rest;
    Cow::Owned(told)
}

/// Whether what comes next is a word of its own, behind `before`, or else `told`.
fn begins_word(before: &str, told: &str) -> bool {
    let last = before.chars().last().or_else(|| told.chars().last());
    last.is_none_or(|last| last.is_whitespace() || "`'\"(".contains(last))
}

/// Whether a text begins with a command, and no longer word. `caso-extract` and its like are names of programs, too:
/// they are commands where nothing but flags comes behind it.
fn begins(text: &str, command: &str) -> bool {
    let Some(behind) = text.strip_prefix(command) else {
        return false;
    };
    if command.starts_with("caso-") {
        return ["`", "\n", " --"].iter().any(|end| behind.starts_with(end));
    }
    let longer = |next: char| next.is_alphanumeric() || "-_./".contains(next);
    !behind.starts_with(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &[&str]) -> String {
        flags(line.iter().map(OsString::from))
    }

    #[test]
    fn the_configuration_of_the_command_line_is_found_however_it_is_written() {
        assert_eq!(of(&["status"]), "");
        assert_eq!(
            of(&["--config-file", "/etc/b.conf"]),
            " --config-file /etc/b.conf"
        );
        assert_eq!(
            of(&["x", "--config-f=/etc/b.conf"]),
            " --config-file /etc/b.conf"
        );
        assert_eq!(
            of(&["--config-file", "/a", "--config-d", "/b.d", "-v"]),
            " --config-file /a --config-dir /b.d"
        );
        assert_eq!(of(&["explain", "--", "--config-file", "/a"]), "");
        assert_eq!(of(&["--config-file"]), "");
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            of(&["--config-file", "its own.conf"]),
            format!(" --config-file '{}/its own.conf'", here.display())
        );
        assert_eq!(
            of(&["--config-file", "/it's"]),
            r#" --config-file '/it'"'"'s'"#
        );
    }

    #[test]
    fn each_command_that_takes_one_gets_it() {
        let told = |text| told(text, " --config-file /b").into_owned();
        for (text, expected) in [
            ("next  caso queue\n", "next  caso queue --config-file /b\n"),
            (
                "`caso queue retry ssm` puts it back (caso status)",
                "`caso queue retry --config-file /b ssm` puts it back (caso status --config-file /b)",
            ),
            (
                "sudo -u caso caso check",
                "sudo -u caso caso check --config-file /b",
            ),
            (
                "run `caso-extract` once",
                "run `caso-extract --config-file /b` once",
            ),
            (
                "next  caso-extract\n",
                "next  caso-extract --config-file /b\n",
            ),
            // One that is named, and one that can be typed.
            (
                "as after `caso cursor set`, runs of another cASO; `caso queue` shows it",
                "as after `caso cursor set`, runs of another cASO; `caso queue --config-file /b` shows it",
            ),
            // Names of something else.
            (
                "caso status.json, /var/spool/caso queue",
                "caso status.json, /var/spool/caso queue",
            ),
            (
                "caso init; caso sample; caso-extract holds it",
                "caso init; caso sample; caso-extract holds it",
            ),
            ("caso-queue; mycaso status", "caso-queue; mycaso status"),
            ("caso check --config-file /a", "caso check --config-file /a"),
        ] {
            assert_eq!(told(text), expected);
        }
        let text = "caso status";
        assert!(matches!(super::told(text, ""), Cow::Borrowed(same) if same == text));
    }

    /// The table above is that of the commands.
    #[test]
    fn the_commands_are_those_that_take_a_configuration() {
        let takes_one = |command: &clap::Command| {
            command
                .get_arguments()
                .any(|it| it.get_long() == Some("config-file"))
        };
        let launchers = ["caso-extract", "caso-mapping-migrate", "caso-projects"];
        let mut found: Vec<String> = launchers.map(str::to_owned).into();
        let needs_more = |command: &clap::Command| {
            let mut all = command.get_arguments();
            let groups = command.get_groups().any(clap::ArgGroup::is_required_set);
            all.any(clap::Arg::is_required_set) || groups
        };
        let mut needy = Vec::new();
        for command in crate::cli::all().get_subcommands() {
            let name = format!("caso {}", command.get_name());
            for inner in command.get_subcommands().filter(|inner| takes_one(inner)) {
                found.push(format!("{name} {}", inner.get_name()));
                needy.extend(found.last().filter(|_| needs_more(inner)).cloned());
            }
            if takes_one(command) {
                found.push(name);
                needy.extend(found.last().filter(|_| needs_more(command)).cloned());
            }
        }
        found.sort_unstable();
        let mut table = COMMANDS.to_vec();
        table.sort_unstable();
        assert_eq!(found, table);
        needy.sort_unstable();
        assert_eq!(needy, NEED_MORE);
    }
}
