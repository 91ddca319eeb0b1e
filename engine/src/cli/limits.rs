//! Limits of the process itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// glibc's number of heaps, which it reads when a process starts.
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// From how many bytes on glibc maps what it is asked for by itself, and gives it back as soon as it is free. Left alone
/// it learns from the first pages of a list that such sizes are common, keeps them in its heaps from then on, and with
/// them the holes between: a third of the memory of a run of many servers.
const MAPPED_FROM: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Starts this program anew, in this process, with the settings of glibc's heaps that it lacks. Where it cannot, it goes
/// on as it is; and what a site has set itself stands.
///
/// Few heaps where its address space is limited: glibc reserves 64 MiB for each thread's own, and 8 a processor: 650 MiB
/// on two of them, which guests would have to do without. And for a run, which reads many pages, what [`MAPPED_FROM`] says.
pub fn frugal_heaps(arguments: &[OsString], is_run: bool) {
    let limit = getrlimit(Resource::RLIMIT_AS).map(|(soft, _hard)| soft);
    let is_limited = limit.is_ok_and(|soft| soft != RLIM_INFINITY);
    let lacking = lacking(is_limited, is_run, |name| std::env::var_os(name).is_some());
    let Some((name, rest)) = arguments.split_first().filter(|_| !lacking.is_empty()) else {
        return;
    };
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program)
            .arg0(name)
            .args(rest)
            .envs(lacking)
            .exec();
    }
}

fn lacking(
    is_limited: bool,
    is_run: bool,
    is_set: impl Fn(&str) -> bool,
) -> Vec<(&'static str, &'static str)> {
    let heaps = is_limited.then_some(HEAPS);
    // Other libraries' allocators know nothing of it.
    let mapped = (is_run && cfg!(target_env = "gnu")).then_some(MAPPED_FROM);
    let wanted = heaps.into_iter().chain(mapped);
    wanted.filter(|(name, _)| !is_set(name)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_env = "gnu")]
    fn what_a_site_has_set_stands_and_only_a_run_is_started_anew() {
        let of = |is_limited, is_run, set: &[&str]| -> Vec<&str> {
            let lacking = lacking(is_limited, is_run, |name| set.contains(&name));
            lacking.into_iter().map(|(name, _)| name).collect()
        };
        let (heaps, mapped) = (HEAPS.0, MAPPED_FROM.0);
        assert_eq!(of(false, false, &[]), [""; 0]);
        assert_eq!(of(true, false, &[]), [heaps]);
        assert_eq!(of(false, true, &[]), [mapped]);
        assert_eq!(of(true, true, &[]), [heaps, mapped]);
        assert_eq!(of(true, true, &[heaps]), [mapped]);
        assert_eq!(of(true, true, &[heaps, mapped]), [""; 0]);
    }
}
