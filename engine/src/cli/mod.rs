//! The command lines: what was typed, and what runs for it.
//!
//! `caso-extract` takes what cASO 5.2.2 takes, in its spelling, and what came
//! before it, and so do `caso-projects` and `caso-mapping-migrate`. `caso` has the
//! same as its subcommands `extract`, `projects` and `mapping-migrate`, and the
//! commands that cASO never had.

mod command;
mod configure;
mod logging;
mod queue;
mod signals;

pub use command::main;
