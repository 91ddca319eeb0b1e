//! The command lines: what was typed, and what runs for it.
//!
//! `caso-extract` takes what cASO 5.2.2 takes, in its spelling, and what came
//! before it, and so do `caso-projects` and `caso-mapping-migrate`. `caso` has the
//! same as its subcommands `extract`, `projects` and `mapping-migrate`, and the
//! commands that cASO never had.
//!
//! ```text
//! argv ─ commands (clap) ─ task (what it asks for) ─ process (does it, exit code)
//! ```

mod check;
mod commands;
mod completion;
mod component;
mod config;
mod confirm;
mod cursor;
mod explain;
mod init;
mod limits;
mod logging;
mod preview;
mod process;
mod queue;
mod report;
mod republish;
mod signals;
mod status;
mod support;
mod task;
mod watchdog;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use self::task::Task;

/// All commands of `caso`.
#[cfg(test)]
pub fn all() -> clap::Command {
    commands::Started::Caso.command()
}

/// Reads the process's arguments and does what they ask for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Not a command of anybody's: it has limits of its own, and prints no help.
    if let [_, compile, folder] = arguments.as_slice()
        && compile == crate::run::COMPILE
    {
        return caso_sandbox::compile_and_exit_code(Path::new(folder)).into();
    }
    let task = Task::of(arguments.clone());
    let is_run = task.as_ref().is_ok_and(Task::is_run);
    limits::frugal_heaps(&arguments, is_run);
    limits::raise_open_files();
    let exit = match task {
        Ok(task) => process::execute(task),
        Err(error) => process::refuse(&error),
    };
    exit.into()
}
