//! `caso-projects`: which projects are accounted, and to which VO.

use std::process::ExitCode;

fn main() -> ExitCode {
    caso::cli::caso_projects()
}
