//! `caso`: extract, deliver, demo and what else an operator needs.

use std::process::ExitCode;

fn main() -> ExitCode {
    caso::cli::caso()
}
