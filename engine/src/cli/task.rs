//! What a command line asks for, as data: nothing is read, opened or printed
//! here but the arguments.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Error};
use clap_complete::Shell;

use super::commands::Started;
use super::component::{self, ComponentTask};
use super::cursor::{self, CursorTask};
use super::queue::{self, QueueTask};
use super::{check, explain, init, preview, report, republish, status, support};
use crate::run::component::Subject;
use crate::run::report::Report;
use crate::run::{Check, PreviewForm, ReportPage, Republish, StatusForm};
use caso_config::{CommandLine, Program};

/// Everything that the programs do.
#[derive(Debug, PartialEq)]
pub enum Task {
    /// `--version` of a command with cASO's flags.
    Version,
    /// The completions of the program that was started, `caso` or a launcher's.
    Completions {
        of: Started,
        shell: Shell,
    },
    /// All manual pages, into a folder.
    Man {
        folder: PathBuf,
    },
    Extract {
        line: CommandLine,
        recording: Recording,
        summary: bool,
    },
    Deliver {
        line: CommandLine,
        summary: bool,
    },
    Projects {
        line: CommandLine,
    },
    MappingMigrate {
        line: CommandLine,
        summary: bool,
    },
    Check {
        line: CommandLine,
        what: Check,
    },
    Preview {
        line: CommandLine,
        form: PreviewForm,
        /// It is the form of a dry run, and an error without one.
        of_dry_run: bool,
    },
    Status {
        line: CommandLine,
        form: StatusForm,
    },
    Queue {
        line: CommandLine,
        what: QueueTask,
    },
    Cursor {
        line: CommandLine,
        what: CursorTask,
    },
    Republish {
        line: CommandLine,
        what: Republish,
    },
    Explain {
        line: CommandLine,
        /// Its id or its name.
        server: String,
        json: bool,
    },
    Support {
        line: CommandLine,
        /// Where to; none: named after the date.
        folder: Option<PathBuf>,
    },
    Report {
        line: CommandLine,
        what: Report,
    },
    ReportPage {
        line: CommandLine,
        what: ReportPage,
    },
    /// In this folder, or a new temporary one.
    Demo {
        folder: Option<PathBuf>,
    },
    /// The demo in this folder.
    RemoveDemo {
        folder: PathBuf,
    },
    Sample,
    /// A first caso.conf.
    Init(init::Flags),
    ComponentList {
        line: CommandLine,
        json: bool,
    },
    /// By a configuration, if one is named or a messenger of one.
    ComponentCheck {
        line: CommandLine,
        subject: Subject,
        json: bool,
    },
    Component(ComponentTask),
    ConfigShow {
        line: CommandLine,
        unset: bool,
    },
    /// Of this file, or the one that a run would read.
    ConfigConvert {
        file: Option<PathBuf>,
    },
    /// Of ssmsend's configuration.
    ConfigFromSsm {
        file: PathBuf,
    },
}

/// `--record` and `--replay`.
#[derive(Debug, PartialEq)]
pub enum Recording {
    No,
    Keep { folder: PathBuf, names: bool },
    Replay { folder: PathBuf, into: PathBuf },
}

impl Task {
    /// Whether it goes through as many servers or records as there are.
    #[must_use]
    pub fn is_run(&self) -> bool {
        matches!(
            self,
            Self::Extract { .. } | Self::Deliver { .. } | Self::Republish { .. }
        )
    }

    /// Reads `argv`, the name first.
    ///
    /// # Errors
    /// A line that cannot be parsed; and, as clap has it, `--help` and the
    /// `--version` of `caso` itself.
    pub fn of(argv: Vec<OsString>) -> Result<Self, Error> {
        let started = Started::by(argv.first().map_or(OsStr::new(""), OsString::as_os_str));
        let argv = argv.into_iter().map(caso_config::with_former_flags);
        let matches = started.command().try_get_matches_from(argv)?;
        Ok(match started {
            Started::Caso => return caso(&matches),
            Started::Extract => with_flags(started, &matches, extract),
            Started::Projects => with_flags(started, &matches, projects),
            Started::MappingMigrate => with_flags(started, &matches, mapping_migrate),
        })
    }

    /// Which defaults the configuration takes.
    pub fn program(&self) -> Program {
        match self {
            Self::Projects { .. } => Program::Projects,
            Self::MappingMigrate { .. } => Program::MappingMigrate,
            Self::Deliver { .. }
            | Self::Status { .. }
            | Self::ReportPage { .. }
            | Self::Queue { .. }
            | Self::Cursor { .. }
            | Self::ComponentList { .. }
            | Self::ComponentCheck { .. } => Program::Caso,
            _ => Program::Extract,
        }
    }
}

fn caso(matches: &ArgMatches) -> Result<Task, Error> {
    let started = Started::Caso;
    Ok(match matches.subcommand() {
        Some(("extract", matches)) => with_flags(started, matches, extract),
        Some(("deliver", matches)) => with_flags(started, matches, deliver),
        Some(("projects", matches)) => with_flags(started, matches, projects),
        Some(("mapping-migrate", matches)) => with_flags(started, matches, mapping_migrate),
        Some(("demo", matches)) => match matches.get_one::<PathBuf>("remove") {
            Some(folder) => Task::RemoveDemo {
                folder: folder.clone(),
            },
            None => Task::Demo {
                folder: matches.get_one("folder").cloned(),
            },
        },
        Some(("sample", _)) => Task::Sample,
        Some(("config", matches)) => match matches.subcommand() {
            Some(("show", matches)) => with_flags(started, matches, show),
            Some(("convert", matches)) => Task::ConfigConvert {
                file: matches.get_one("file").cloned(),
            },
            Some(("from-ssm", matches)) => Task::ConfigFromSsm {
                file: matches.get_one("file").cloned().unwrap_or_default(),
            },
            _ => return Err(Error::new(ErrorKind::MissingSubcommand)),
        },
        Some(("preview", matches)) => with_flags(started, matches, preview::task),
        Some(("init", matches)) => init::task(matches),
        Some(("check", matches)) => with_flags(started, matches, check::task),
        Some(("status", matches)) => with_flags(started, matches, status::task),
        Some(("queue", matches)) => {
            let (task, matches) = queue::task(matches);
            with_flags(started, matches, task)
        }
        Some(("cursor", matches)) => {
            let (task, matches) = cursor::task(matches);
            with_flags(started, matches, task)
        }
        Some(("explain", matches)) => with_flags(started, matches, explain::task),
        Some(("support", matches)) => with_flags(started, matches, support::task),
        Some(("report", matches)) => with_flags(started, matches, report::task),
        Some(("republish", matches)) => with_flags(started, matches, republish::task),
        Some(("component", matches)) => match matches.subcommand() {
            Some(("list", matches)) => with_flags(started, matches, component::list_task),
            Some(("check", matches)) => with_flags(started, matches, component::check_task),
            _ => Task::Component(
                component::task(matches).ok_or_else(|| Error::new(ErrorKind::MissingSubcommand))?,
            ),
        },
        Some(("completions", matches)) => Task::Completions {
            of: started,
            shell: required(matches, "shell")?,
        },
        Some(("man", matches)) => Task::Man {
            folder: required(matches, "folder")?,
        },
        _ => return Err(Error::new(ErrorKind::MissingSubcommand)),
    })
}

/// A value without which clap lets no line through.
fn required<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    name: &str,
) -> Result<T, Error> {
    let value = matches.get_one::<T>(name).cloned();
    value.ok_or_else(|| Error::new(ErrorKind::MissingRequiredArgument))
}

/// A task of a command that has cASO's flags, two of which ask for something
/// else altogether.
fn with_flags(
    started: Started,
    matches: &ArgMatches,
    task: fn(CommandLine, &ArgMatches) -> Task,
) -> Task {
    let line = CommandLine::from_matches(matches);
    if line.version {
        return Task::Version;
    }
    let shell = line.shell_completion.as_deref();
    match shell.and_then(|shell| shell.parse().ok()) {
        Some(shell) => Task::Completions { of: started, shell },
        None => task(line, matches),
    }
}

fn extract(line: CommandLine, matches: &ArgMatches) -> Task {
    if let Some(form) = preview::form(matches) {
        return Task::Preview {
            line,
            form,
            of_dry_run: true,
        };
    }
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    Task::Extract {
        line,
        recording: match (path("record"), path("replay"), path("into")) {
            (Some(folder), _, _) => Recording::Keep {
                folder,
                names: matches.get_flag("record-names"),
            },
            (None, Some(folder), Some(into)) => Recording::Replay { folder, into },
            _ => Recording::No,
        },
        summary: matches.get_flag("summary"),
    }
}

fn deliver(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::Deliver {
        line,
        summary: matches.get_flag("summary"),
    }
}

fn projects(line: CommandLine, _: &ArgMatches) -> Task {
    Task::Projects { line }
}

fn mapping_migrate(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::MappingMigrate {
        line,
        summary: matches.get_flag("summary"),
    }
}

fn show(line: CommandLine, matches: &ArgMatches) -> Task {
    Task::ConfigShow {
        line,
        unset: matches.get_flag("unset"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(line: &str) -> Result<Task, ErrorKind> {
        let argv = line.split(' ').map(OsString::from).collect();
        Task::of(argv).map_err(|error| error.kind())
    }

    /// What `caso-extract` of these flags has for options.
    fn line(flags: &[(&str, &str, &str)]) -> CommandLine {
        let value = |(option, value, flag): &(&str, &str, &str)| {
            let key = ("DEFAULT".to_owned(), (*option).to_owned());
            (key, ((*value).to_owned(), (*flag).to_owned()))
        };
        CommandLine {
            values: flags.iter().map(value).collect(),
            ..CommandLine::default()
        }
    }

    #[test]
    fn a_launcher_and_the_subcommand_are_one() {
        for (launcher, subcommand) in [
            ("/usr/bin/caso-extract", "caso extract"),
            ("caso-projects", "caso projects"),
            ("caso-mapping-migrate", "caso mapping-migrate"),
        ] {
            for flags in [" --debug", " --version", " --dry-run --extractor nova"] {
                let one = task(&format!("{launcher}{flags}"));
                assert_eq!(one, task(&format!("{subcommand}{flags}")));
                assert!(one.is_ok(), "{launcher}{flags}: {one:?}");
            }
        }
    }

    #[test]
    fn an_extraction_takes_casos_flags_and_a_recording() {
        let plain = Task::Extract {
            line: line(&[("dry_run", "true", "--dry-run")]),
            recording: Recording::No,
            summary: false,
        };
        assert_eq!(task("caso-extract --dry-run"), Ok(plain));
        let kept = Task::Extract {
            line: line(&[]),
            recording: Recording::Keep {
                folder: "r".into(),
                names: true,
            },
            summary: true,
        };
        assert_eq!(
            task("caso extract --record r --record-names --summary"),
            Ok(kept)
        );
        let replayed = Task::Extract {
            line: line(&[]),
            recording: Recording::Replay {
                folder: "r".into(),
                into: "o".into(),
            },
            summary: false,
        };
        assert_eq!(task("caso-extract --replay r --into o"), Ok(replayed));
        for (wrong, kind) in [
            ("--replay r", ErrorKind::MissingRequiredArgument),
            ("--into o", ErrorKind::MissingRequiredArgument),
            ("--record-names", ErrorKind::MissingRequiredArgument),
            (
                "--replay r --into o --record r",
                ErrorKind::ArgumentConflict,
            ),
        ] {
            assert_eq!(task(&format!("caso-extract {wrong}")), Err(kind), "{wrong}");
        }
    }

    #[test]
    fn what_casos_programs_never_had() {
        let deliver = Task::Deliver {
            line: line(&[]),
            summary: true,
        };
        assert_eq!(task("caso deliver --summary"), Ok(deliver));
        assert_eq!(task("caso demo"), Ok(Task::Demo { folder: None }));
        let folder = Some("f".into());
        assert_eq!(task("caso demo f"), Ok(Task::Demo { folder }));
        assert_eq!(task("caso sample"), Ok(Task::Sample));
        let show = Task::ConfigShow {
            line: line(&[]),
            unset: true,
        };
        assert_eq!(task("caso config show --unset"), Ok(show));
        let file = Some("caso.conf".into());
        assert_eq!(
            task("caso config convert caso.conf"),
            Ok(Task::ConfigConvert { file })
        );
        let file = "/etc/apel/sender.cfg".into();
        assert_eq!(
            task("caso config from-ssm"),
            Ok(Task::ConfigFromSsm { file })
        );
        let folder = "man1".into();
        assert_eq!(task("caso man man1"), Ok(Task::Man { folder }));
    }

    #[test]
    fn completions_are_of_the_program_that_was_started() {
        let of = |of, shell| Ok(Task::Completions { of, shell });
        assert_eq!(
            task("caso completions fish"),
            of(Started::Caso, Shell::Fish)
        );
        assert_eq!(
            task("caso projects --shell_completion zsh"),
            of(Started::Caso, Shell::Zsh)
        );
        assert_eq!(
            task("caso-projects --shell_completion bash"),
            of(Started::Projects, Shell::Bash)
        );
        assert_eq!(task("caso completions csh"), Err(ErrorKind::InvalidValue));
    }

    #[test]
    fn a_version_is_asked_of_any_of_them() {
        assert_eq!(task("caso-extract --version"), Ok(Task::Version));
        assert_eq!(task("caso extract --version"), Ok(Task::Version));
        assert_eq!(task("caso --version"), Err(ErrorKind::DisplayVersion));
    }

    #[test]
    fn a_line_that_asks_for_nothing_is_refused() {
        let help = ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        assert_eq!(task("caso"), Err(help));
        assert_eq!(task("caso config"), Err(help));
        assert_eq!(task("caso nothing"), Err(ErrorKind::InvalidSubcommand));
        assert_eq!(
            task("caso-extract --nothing"),
            Err(ErrorKind::UnknownArgument)
        );
        assert_eq!(task("caso man"), Err(ErrorKind::MissingRequiredArgument));
    }

    #[test]
    fn the_program_decides_on_defaults() {
        let program = |line| task(line).map(|task| task.program());
        assert_eq!(program("caso extract"), Ok(Program::Extract));
        assert_eq!(program("caso config show"), Ok(Program::Extract));
        assert_eq!(program("caso deliver"), Ok(Program::Caso));
        assert_eq!(program("caso projects"), Ok(Program::Projects));
        assert_eq!(program("caso-mapping-migrate"), Ok(Program::MappingMigrate));
    }
}
