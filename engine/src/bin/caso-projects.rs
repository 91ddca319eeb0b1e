//! `caso-projects`: lists the projects that are accounted. Starts the `caso` beside it.

use std::process::ExitCode;

#[path = "../launcher.rs"]
mod launcher;

fn main() -> ExitCode {
    launcher::start("caso-projects")
}
