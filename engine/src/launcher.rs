//! Starts `caso` under a launcher's name: by the name it is started under `caso`
//! knows which command line to read. The process is replaced, so that signals,
//! the exit code and the process id are those of the one that cron started.
//!
//! Which `caso`: the one beside this program's own file, which the kernel knows
//! whatever link it was started by. So a link to a launcher works from any folder
//! and under any name, and always starts the version that it was installed with.
//! Where none is beside it, because somebody copied the launcher alone, the first
//! in PATH is taken. (A link to `caso` itself that is named as a launcher needs no
//! launcher at all.)

use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Becomes `caso` under the name `launcher`; returns only where it cannot.
pub fn start(launcher: &str) -> ExitCode {
    let here = match env::current_exe() {
        Ok(here) => here,
        Err(error) => {
            eprintln!("error: cannot find the folder of `{launcher}`: {error}");
            return ExitCode::FAILURE;
        }
    };
    let error = match find(&here) {
        Some(program) => {
            let error = Command::new(&program)
                .arg0(launcher)
                .args(env::args_os().skip(1))
                .exec();
            format!("cannot start `{}`: {error}", program.display())
        }
        None => format!(
            "`{launcher}` starts the program `caso`, which is neither beside it, in `{}`, nor in \
             PATH: install both",
            here.parent().unwrap_or(&here).display()
        ),
    };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// A `caso` that is not a link back to this launcher, which would start itself
/// for ever.
fn find(here: &Path) -> Option<PathBuf> {
    let is_another = |program: &PathBuf| {
        let real = program.canonicalize();
        real.is_ok_and(|real| real.is_file() && real != here)
    };
    let beside = here.with_file_name("caso");
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|folder| folder.join("caso"));
    std::iter::once(beside).chain(in_path).find(is_another)
}
