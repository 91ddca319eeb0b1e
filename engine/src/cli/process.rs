//! Does what the command line asks for: configuration, logger and runtime, then
//! the run; and everything that is printed outside it.
//!
//! Data goes to stdout, everything else to stderr. An error that ends a command
//! is printed as `error: …` with a line `  caused by: …` for each of its causes;
//! what goes through the log is one line each, for cron's mail and for grep.

use std::io::{self, Write as _};
use std::path::Path;

use tokio::sync::watch;

use super::commands::Started;
use super::logging::{self, LogSettings};
use super::signals::Undone;
use super::task::{Recording, Task};
use super::{
    check, completion, component, config, cursor, explain, init, preview, queue, report, republish,
    signals, status, support, watchdog,
};
use crate::advice;
use crate::log_line::HINT;
use crate::run::{self, ComponentWarnings, Exit, Invocation, Kind};
use crate::stdout;
use caso_base::Message;
use caso_base::line::clean_lines;
use caso_config::{CommandLine, Config, ConfigErrors, Inputs, Program};

/// Does it, and answers with the exit code.
pub fn execute(task: Task) -> Exit {
    let program = task.program();
    match task {
        Task::Version => print(concat!(env!("CARGO_PKG_VERSION"), "\n")),
        Task::Completions { of, shell } => print(&completion::script(of, shell)),
        Task::Man { folder } => finish(completion::man(Started::Caso.command(), &folder)),
        Task::Extract {
            line,
            recording,
            summary,
        } => with_config(program, line, |config| extract(config, recording, summary)),
        Task::Deliver { line, summary } => {
            let ineffective = caso_config::flags_of_extraction(&line);
            with_config(program, line, |config| {
                deliver(config, &ineffective, summary)
            })
        }
        Task::Preview {
            line,
            form,
            of_dry_run,
        } => with_config(program, line, |config| {
            preview::execute(config, &form, of_dry_run)
        }),
        Task::Check { line, what } => check::execute(program, line, what),
        Task::Status { line, form } => status::execute(program, line, form),
        Task::Queue { line, what } => {
            with_spool(program, line, |config| queue::execute(config, what))
        }
        Task::Explain { line, server, json } => with_config(program, line, |config| {
            explain::execute(&config, &server, json)
        }),
        Task::Support { line, folder } => support::execute(program, line, folder),
        Task::Report { line, what } => {
            with_config(program, line, |config| report::execute(config, what))
        }
        Task::ReportPage { line, what } => {
            with_config(program, line, |config| report::page(&config, &what))
        }
        Task::Republish { line, what } => {
            with_config(program, line, |config| republish::execute(config, what))
        }
        Task::Cursor { line, what } => {
            with_spool(program, line, |config| cursor::execute(&config, &what))
        }
        Task::Projects { line } => with_config(program, line, |config| {
            logged(&log_settings(&config), run::projects(config))
        }),
        Task::MappingMigrate { line, summary } => with_config(program, line, |config| {
            logged(
                &log_settings(&config),
                run::mapping_migrate(config, summary),
            )
        }),
        Task::RemoveDemo { folder } => match run::remove_demo(&folder) {
            Ok(()) => Exit::Done,
            Err(error) => complain(&error, Exit::Nothing),
        },
        Task::Demo { folder } => logged(&LogSettings::default(), run::demo(folder)),
        Task::Init(flags) => init::execute(flags),
        Task::Sample => block_on(async {
            match run::sample().await {
                Ok(text) => print(&text),
                Err(error) => complain(&error, Exit::Nothing),
            }
        }),
        Task::ComponentList { line, json } => {
            with_config(program, line, |config| component::show_list(&config, json))
        }
        Task::ComponentCheck {
            line,
            subject,
            json,
        } => match line.configs.is_empty() && subject.name.is_none() {
            true => component::check_one(None, &subject, json),
            false => with_config(program, line, |config| {
                component::check_one(Some(&config), &subject, json)
            }),
        },
        Task::Component(task) => component::execute(task),
        Task::ConfigShow { line, unset } => {
            with_config(program, line, |config| config::show(&config, unset))
        }
        Task::ConfigConvert { file } => config::convert(file.as_deref()),
        Task::ConfigFromSsm { file } => config::from_ssm(&file),
    }
}

/// Prints what clap answers to a line that is not a task: help and version on
/// stdout, anything else on stderr.
pub fn refuse(error: &clap::Error) -> Exit {
    let printed = error.print().and_then(|()| io::stdout().flush());
    if error.use_stderr() {
        return Exit::Usage;
    }
    finish(
        stdout::forgiven(printed)
            .map_err(|error| anyhow::Error::new(error).context("cannot write to stdout")),
    )
}

fn extract(config: Config, recording: Recording, summary: bool) -> Exit {
    let settings = LogSettings {
        holds: true,
        ..log_settings(&config)
    };
    let remarks = settings.remarks.clone();
    logged(&settings, async {
        let kind = match recording {
            Recording::No if config.dry_run => Kind::dry(),
            Recording::No => Ok(Kind::Real),
            Recording::Keep { folder, names } => Kind::recorded(folder, names, config.dry_run),
            Recording::Replay { folder, into } => match is_shipped(&folder) {
                true => Kind::demo(&into),
                false => Kind::replay(&folder, &into),
            },
        };
        match kind {
            Ok(kind) => {
                start(Invocation {
                    config,
                    kind,
                    extract: true,
                    only: None,
                    again: None,
                    verbose: summary,
                    remarks,
                })
                .await
            }
            Err(error) => {
                run::log_error(run::message(error.as_ref()));
                Exit::Usage
            }
        }
    })
}

/// `--replay demo`, where no folder of the name lies in the way.
fn is_shipped(folder: &Path) -> bool {
    folder.as_os_str() == "demo" && !folder.exists()
}

fn deliver(config: Config, ineffective: &[String], summary: bool) -> Exit {
    if config.dry_run {
        say(
            "error",
            &Message::from((
                "`caso deliver` has no dry run",
                "`caso extract --dry-run` prints what an extraction would send",
            )),
        );
        return Exit::Usage;
    }
    for flag in ineffective {
        to_stderr(&format!("warning: `{flag}` has no effect on a delivery"));
    }
    let settings = LogSettings {
        holds: true,
        ..log_settings(&config)
    };
    let remarks = settings.remarks.clone();
    logged(
        &settings,
        start(Invocation {
            config,
            kind: Kind::Real,
            extract: false,
            only: None,
            again: None,
            verbose: summary,
            remarks,
        }),
    )
}

pub async fn start(invocation: Invocation) -> Exit {
    let undone = match invocation.kind.is_dry() {
        true => Undone::IsNotShown,
        false => Undone::Waits,
    };
    until_signalled(undone, |cancel| run::run(invocation, cancel)).await
}

/// Does what a signal ends.
pub async fn until_signalled<F: Future<Output = Exit>>(
    undone: Undone,
    work: impl FnOnce(watch::Receiver<bool>) -> F,
) -> Exit {
    match signals::watch(undone) {
        Ok(cancel) => work(cancel).await,
        Err(error) => complain(&error.into(), Exit::Nothing),
    }
}

pub fn log_settings(config: &Config) -> LogSettings {
    let logging = &config.logging;
    LogSettings {
        debug: logging.debug,
        // A dry run creates nothing, not even a log.
        file: logging.file.clone().filter(|_| !config.dry_run),
        json: logging.json,
        syslog: logging.syslog.map(|facility| facility.code),
        remarks: ComponentWarnings::default(),
        holds: false,
    }
}

/// For who looks into the spool of a configuration.
fn with_spool(program: Program, line: CommandLine, command: impl FnOnce(Config) -> Exit) -> Exit {
    with_config(program, line, |config| match run::is_configured(&config) {
        Ok(()) => command(config),
        Err(error) => complain(&error, Exit::Usage),
    })
}

fn with_config(program: Program, line: CommandLine, command: impl FnOnce(Config) -> Exit) -> Exit {
    match caso_config::load(&inputs(program, line)) {
        Ok(config) => command(config),
        Err(errors) => complain_each(&errors, Exit::Usage),
    }
}

/// What this process gives a configuration to be made of.
pub fn inputs(program: Program, line: CommandLine) -> Inputs {
    let messengers = caso_builtin::messengers();
    let names: Vec<&str> = messengers.iter().map(String::as_str).collect();
    Inputs::of_process(program, line, &names)
}

/// Runs `future` with the logger that it needs.
pub fn logged(settings: &LogSettings, future: impl Future<Output = Exit>) -> Exit {
    match logging::init(settings) {
        Ok(()) => block_on(future),
        Err(error) => complain(&error.into(), Exit::Usage),
    }
}

pub fn block_on(future: impl Future<Output = Exit>) -> Exit {
    // A run waits much and computes little, and each thread of an allocator keeps
    // memory of its own. The second one is there for signals and timeouts while the
    // first is busy.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into(), Exit::Nothing),
    };
    if let Err(error) = watchdog::watch(&runtime) {
        return complain(&error.into(), Exit::Nothing);
    }
    let exit = runtime.block_on(future);
    // Not by its drop, which waits for every thread: one that a guest left in a system
    // call, at the other end of a pipe, never comes back. What counts is on disk.
    runtime.shutdown_background();
    exit
}

/// Data on stdout, and nothing else to do.
pub fn print(text: &str) -> Exit {
    finish(stdout::write(text))
}

/// Prints what a command found, and ends with its exit code, unless it cannot be printed.
pub fn print_found(text: &str, exit: Exit) -> Exit {
    match print_page(text) {
        Exit::Done => exit,
        failed => failed,
    }
}

/// A page for people on stdout, or the same as JSON, and nothing else to do.
pub fn print_page(text: &str) -> Exit {
    finish(stdout::page(text))
}

fn finish(result: anyhow::Result<()>) -> Exit {
    match result {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::Nothing),
    }
}

/// The error with its causes, a line each.
pub fn complain(error: &anyhow::Error, exit: Exit) -> Exit {
    to_stderr(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        to_stderr(&format!("  caused by: {cause}"));
    }
    if let Some(hint) = run::hint(error.as_ref()) {
        to_stderr(&format!("{HINT}: {hint}"));
    }
    exit
}

/// What is, and below it what to do.
pub fn say(level: &str, message: &Message) {
    to_stderr(&format!("{level}: {}", message.text));
    if let Some(hint) = &message.hint {
        to_stderr(&format!("{HINT}: {hint}"));
    }
}

/// Errors that were found together, behind the names nobody knows: one may be what is missing.
pub fn complain_each(errors: &ConfigErrors, exit: Exit) -> Exit {
    for remark in &errors.1 {
        say("warning", &remark.message());
    }
    for error in &errors.0 {
        say("error", &error.message());
    }
    exit
}

/// A line on stderr. There is no place left to report that it cannot be written.
pub fn to_stderr(line: &str) {
    let line = advice::of_process(line);
    let _ = writeln!(io::stderr().lock(), "{}", clean_lines(&line));
}
