//! Starts the `caso` beside this program, under this program's name: by the name
//! it is started under `caso` knows which command line it has to read. The
//! process is replaced, so that signals, the exit code and the process id are
//! those of the one that cron started.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// Never returns where `caso` could be started.
pub fn start() -> ExitCode {
    let mut arguments = env::args_os();
    let called = arguments.next().unwrap_or_default();
    let here = match env::current_exe() {
        Ok(here) => here,
        Err(error) => {
            eprintln!("error: cannot find out where this program lies: {error}");
            return ExitCode::FAILURE;
        }
    };
    let program = here.with_file_name("caso");
    let error = Command::new(&program)
        .arg0(here.file_name().unwrap_or(&called))
        .args(arguments)
        .exec();
    eprintln!(
        "error: cannot start `{}`: {error}; `{}` only starts the `caso` in the same folder: \
         install both",
        program.display(),
        here.display()
    );
    ExitCode::FAILURE
}
