//! `caso-extract`: the program in a site's cron line. Starts the `caso` beside it.

use std::process::ExitCode;

#[path = "../launcher.rs"]
mod launcher;

fn main() -> ExitCode {
    launcher::start("caso-extract")
}
