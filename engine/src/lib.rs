//! The program: command lines, and the run that they start.
//!
//! `cli` turns what was typed into a task; `run` does it. What a
//! run stands on lies in `crates/`, a crate a room.

#![warn(missing_docs)]

mod advice;
pub mod cli;
mod log_line;
mod run;
mod stdout;

pub use run::BisectingMapper;
