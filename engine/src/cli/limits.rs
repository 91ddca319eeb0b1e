//! Limits of the process itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// glibc's number of heaps, which it reads when a process starts.
const HEAPS: &str = "MALLOC_ARENA_MAX";

/// Starts this program anew, in this process, with few heaps where its address space is limited.
/// glibc reserves 64 MiB for each thread's own, and 8 a processor: 650 MiB on two of
/// them, which guests would have to do without. Where it cannot, it goes on as it is.
pub fn few_heaps(arguments: &[OsString]) {
    let limit = getrlimit(Resource::RLIMIT_AS).map(|(soft, _hard)| soft);
    let is_limited = limit.is_ok_and(|soft| soft != RLIM_INFINITY);
    let (Some((name, rest)), true) = (arguments.split_first(), is_limited) else {
        return;
    };
    if std::env::var_os(HEAPS).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program)
            .arg0(name)
            .args(rest)
            .env(HEAPS, "2")
            .exec();
    }
}

/// Lets the process have as many open files as it may: the usual 1,024 are there for
/// programs that still call select(2), and a few messengers with files and connections
/// of their own would take them from each other. Where it may not, it has what it had.
pub fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
