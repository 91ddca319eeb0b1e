//! `caso-extract`: the command that a site's cron line names.

use std::process::ExitCode;

fn main() -> ExitCode {
    caso::cli::caso_extract()
}
