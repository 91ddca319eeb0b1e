//! Limits of the process itself.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

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
