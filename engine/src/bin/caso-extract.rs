//! `caso-extract`: what a site's cron line names. Starts the `caso` beside it.

use std::process::ExitCode;

#[path = "../launcher.rs"]
mod launcher;

fn main() -> ExitCode {
    launcher::start()
}
