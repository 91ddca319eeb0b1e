//! `caso-projects`: which projects are accounted, and to which VO. Starts the `caso` beside it.

use std::process::ExitCode;

#[path = "../launcher.rs"]
mod launcher;

fn main() -> ExitCode {
    launcher::start()
}
