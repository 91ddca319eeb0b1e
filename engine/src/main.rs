//! `caso`: extract, deliver, demo and what else an operator needs. Started under
//! the name of one of the launchers beside it, it is that program.

use std::process::ExitCode;

fn main() -> ExitCode {
    caso::cli::main()
}
