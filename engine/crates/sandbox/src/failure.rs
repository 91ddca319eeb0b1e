//! From wasmtime's errors to a report for people and for the retry rule.
//!
//! wasmtime's own rendering is not used: with `RUST_BACKTRACE=1` it carries
//! the host's frames, and its words are for who embeds wasmtime, not for who
//! runs an accounting job.

use std::time::Duration;

use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::address_space::{GUEST, Shortage};
use super::budget::Spent;
use super::limits::RESERVED;
use super::log::GuestLog;
use caso_model::guest::{Bound, FailureKind, GuestFailure, Limit};

/// Function names kept in a report, and bytes of each.
const FRAMES: usize = 20;
const FRAME_BYTES: usize = 200;
/// Bytes of a report's text.
const DETAIL_BYTES: usize = 1_000;

/// What the limiter says when it refuses to grow something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    #[error(
        "it needs {} of memory, more than the {} that are allowed",
        mebibytes(*wanted),
        mebibytes(*limit)
    )]
    Memory { wanted: usize, limit: usize },
    #[error("it needs a table of {wanted} elements, more than the {limit} that are allowed")]
    Table { wanted: usize, limit: usize },
}

/// Bytes in MiB. What is no whole number of them is rounded up: with less it would not do.
fn mebibytes(bytes: usize) -> String {
    const MEBIBYTE: usize = 1 << 20;
    match bytes % MEBIBYTE {
        0 => format!("{} MiB", bytes / MEBIBYTE),
        rest => {
            let tenths = bytes / MEBIBYTE * 10 + (rest * 10).div_ceil(MEBIBYTE);
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        }
    }
}

/// Who speaks, or failed.
#[derive(Debug, Clone)]
pub struct Who {
    pub component: String,
    pub instance: String,
    pub role: Role,
}

/// What it was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is asked what it is.
    Asked,
    Mapper,
    Filter,
    Messenger,
}

impl Role {
    /// As a field of log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "component",
            Self::Mapper => "mapper",
            Self::Filter => "filter",
            Self::Messenger => "messenger",
        }
    }
}

impl Who {
    /// A failure that the host found, not the guest's own.
    pub fn failure(&self, call: &'static str, kind: FailureKind, detail: String) -> GuestFailure {
        GuestFailure::seen_by_host(&self.component, &self.instance, call, kind, detail)
    }

    /// A limit, where a site sets it.
    pub fn limit(&self, bound: Bound) -> Limit {
        let section = match self.role {
            // Its place knows where: [`super::admission::Place`].
            Role::Asked => String::new(),
            Role::Mapper => self.role.name().to_owned(),
            Role::Filter | Role::Messenger => format!("{}_{}", self.role.name(), self.instance),
        };
        Limit { bound, section }
    }

    /// A call that wanted more than there is in the budget of the run. Nobody's record is at
    /// fault: it stops, and its records wait.
    pub fn spent(&self, call: &'static str, spent: &Spent) -> GuestFailure {
        let bound = spent.is_output().then_some(Bound::Output);
        GuestFailure {
            limit: bound.map(|bound| self.limit(bound)),
            ..self.failure(call, FailureKind::Host, spent.to_string())
        }
    }

    /// A call that ended in an error of wasmtime.
    pub fn trapped(
        &self,
        call: &'static str,
        error: &wasmtime::Error,
        allowed: Allowed,
        log: &GuestLog,
    ) -> GuestFailure {
        let (kind, bound, detail) = classify(error, allowed);
        GuestFailure {
            limit: bound.map(|bound| self.limit(bound)),
            frames: frames(error)
                .map(|name| log.mask().line(&name, FRAME_BYTES))
                .collect(),
            stderr: log.stderr_tail(),
            ..self.failure(call, kind, log.mask().line(&detail, DETAIL_BYTES))
        }
    }
}

/// What of a call's limits an error of wasmtime does not say itself.
#[derive(Debug, Clone, Copy)]
pub struct Allowed {
    /// Computing time of the call.
    pub deadline: Duration,
    /// Bytes of one crossing.
    pub crossing_bytes: u64,
    /// Things of the host's that it may hold.
    pub host_objects: usize,
}

/// What it is, which option of the site's would have prevented it, and what is said of it.
fn classify(error: &wasmtime::Error, allowed: Allowed) -> (FailureKind, Option<Bound>, String) {
    let of = |kind, detail: String| (kind, None, detail);
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        let bound = match limit {
            LimitReached::Memory { .. } => Some(Bound::Memory),
            LimitReached::Table { .. } => None,
        };
        return (FailureKind::Memory, bound, limit.to_string());
    }
    if let Some(spent) = error.downcast_ref::<Spent>() {
        // Nobody's record is at fault: it stops, and its records wait.
        let bound = spent.is_output().then_some(Bound::Output);
        return (FailureKind::Host, bound, spent.to_string());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        let detail = format!("it exited with status {}", exit.0);
        return of(FailureKind::Trap, detail);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return of(FailureKind::Trap, too_many_objects(allowed.host_objects));
    }
    let root = error.root_cause().to_string();
    if let Some(detail) = no_address_space(&root).or_else(|| no_file_so_large(&root)) {
        return of(FailureKind::Host, detail);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => (
            FailureKind::Deadline,
            Some(Bound::Deadline),
            format!("it computed for longer than {:?}", allowed.deadline),
        ),
        Some(Trap::UnreachableCodeReached) => of(FailureKind::Trap, "it aborted".to_owned()),
        Some(trap) => {
            let text = trap.to_string();
            of(
                FailureKind::Trap,
                text.trim_start_matches("wasm trap: ").to_owned(),
            )
        }
        // There is no type for these.
        None if root.contains("too much data is being copied") => of(
            FailureKind::Contract,
            format!(
                "it passes more than {} MiB to the host at once",
                allowed.crossing_bytes >> 20
            ),
        ),
        None if root.contains(NO_FREE_KEYS) => {
            of(FailureKind::Trap, too_many_objects(allowed.host_objects))
        }
        None if root.contains("resource limit exceeded") => of(FailureKind::Memory, root),
        None => of(FailureKind::Trap, root),
    }
}

/// wasmtime's words for a full table, where the error came through another type.
const NO_FREE_KEYS: &str = "resource table has no free keys";

fn too_many_objects(most: usize) -> String {
    format!(
        "it holds more than {most} streams, timers, files and sockets of the host's: it must drop \
         those that it is done with"
    )
}

/// What ENOMEM of an `mmap` means: hardly ever that memory is short, for nothing of it
/// is used yet.
pub fn no_address_space(detail: &str) -> Option<String> {
    detail.contains("Cannot allocate memory").then(|| {
        let mebibytes = |bytes: u64| bytes >> 20;
        format!(
            "there is no address space left for it: it takes {} MiB at once, and where it needs more than {} MiB \
             it takes what it needs once more while it moves; {}, or lower `concurrency` ({detail})",
            mebibytes(GUEST),
            mebibytes(RESERVED),
            Shortage::WAYS_OUT,
        )
    })
}

/// What a component's memory begins with is a file in memory, of which the kernel's limit holds as of any.
fn no_file_so_large(detail: &str) -> Option<String> {
    detail.contains("File too large").then(|| {
        format!(
            "what its memory begins with is larger than a file may get here: raise the limit, `ulimit -f` in a shell or \
             `LimitFSIZE=` of a systemd unit ({detail})"
        )
    })
}

/// Names of the guest's functions, innermost first, without the machinery of a
/// panic that stands above the interesting one.
fn frames(error: &wasmtime::Error) -> impl Iterator<Item = String> {
    let frames = error
        .downcast_ref::<WasmBacktrace>()
        .map_or(&[][..], WasmBacktrace::frames);
    let names: Vec<String> = frames
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect();
    let machinery = [
        "std::", "core::", "alloc::", "__", "_R", "rust_", "abort", "<std", "<core",
    ];
    let leading = names
        .iter()
        .take_while(|name| machinery.iter().any(|prefix| name.starts_with(prefix)))
        .count();
    let skip = if leading == names.len() { 0 } else { leading };
    names.into_iter().skip(skip).take(FRAMES)
}

#[cfg(test)]
mod tests {
    use super::super::budget::Amount;
    use super::*;

    #[test]
    fn too_little_address_space_is_named_with_what_it_takes() {
        let told = no_address_space("mmap failed: Cannot allocate memory (os error 12)").unwrap();
        for part in ["66 MiB", "`ulimit -v`", "`LimitAS=`", "os error 12"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(no_address_space("unreachable"), None);
    }

    #[test]
    fn a_limit_of_files_is_named() {
        let told = no_file_so_large("File too large (os error 27)").unwrap();
        assert!(
            told.contains("`ulimit -f`") && told.contains("os error 27"),
            "{told}"
        );
        assert_eq!(no_file_so_large("unreachable"), None);
    }

    /// A limit without its number is none that an author can keep.
    #[test]
    fn a_limit_is_told_with_its_number_and_the_option_that_raises_it() {
        let allowed = Allowed {
            deadline: Duration::from_secs(10),
            crossing_bytes: 32 << 20,
            host_objects: 200,
        };
        let of = |error: wasmtime::Error| classify(&error, allowed);
        let text = |text: &'static str| wasmtime::Error::msg(text);
        for (error, bound, words) in [
            (
                LimitReached::Memory {
                    wanted: (64 << 20) + (64 << 10),
                    limit: 64 << 20,
                }
                .into(),
                Some(Bound::Memory),
                "it needs 64.1 MiB of memory, more than the 64 MiB that are allowed",
            ),
            (
                LimitReached::Table {
                    wanted: 9,
                    limit: 8,
                }
                .into(),
                None,
                "a table of 9 elements",
            ),
            (
                Spent::Queues(Amount::Bytes(64 << 20)).into(),
                Some(Bound::Output),
                "than 64 MiB",
            ),
            (
                Spent::Queues(Amount::Messages(1)).into(),
                None,
                "several into one",
            ),
            (
                ResourceTableError::Full.into(),
                None,
                "more than 200 streams, timers, files and sockets",
            ),
            (
                text("resource table has no free keys"),
                None,
                "more than 200 streams",
            ),
            (
                text("too much data is being copied between the host and the guest"),
                None,
                "more than 32 MiB to the host at once",
            ),
        ] {
            let (_, found, detail) = of(error);
            assert!(detail.contains(words), "{detail}");
            assert_eq!(found, bound, "{detail}");
        }
    }
}
