//! `caso-mapping-migrate`: moves the mapping file to properties in Keystone. Starts the `caso` beside it.

use std::process::ExitCode;

#[path = "../launcher.rs"]
mod launcher;

fn main() -> ExitCode {
    launcher::start("caso-mapping-migrate")
}
