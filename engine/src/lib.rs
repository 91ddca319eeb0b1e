//! The program: command lines, and the run that they start.
//!
//! What a run stands on lies in `crates/`, a crate a room.

pub mod cli;
pub mod run;
