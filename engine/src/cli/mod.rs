//! The command lines: what was typed, and what runs for it.
//!
//! `caso-extract` takes what cASO 5.2.2 takes, in its spelling, and what came
//! before it. `caso` has the same as its subcommand `extract`, and the commands
//! that cASO never had.

mod command;
mod configure;
mod logging;
mod signals;

pub use command::{caso, caso_extract};
