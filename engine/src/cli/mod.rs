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

mod commands;
mod completion;
mod config;
mod logging;
mod process;
mod queue;
mod signals;
mod status;
mod task;

use std::process::ExitCode;

use self::task::Task;

/// Reads the process's arguments and does what they ask for.
#[must_use]
pub fn main() -> ExitCode {
    let exit = match Task::of(std::env::args_os().collect()) {
        Ok(task) => process::execute(task),
        Err(error) => process::refuse(&error),
    };
    exit.into()
}
