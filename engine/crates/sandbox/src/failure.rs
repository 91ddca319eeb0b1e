//! From wasmtime's errors to a report for people and for the retry rule.
//!
//! wasmtime's own rendering is not used: with `RUST_BACKTRACE=1` it carries
//! the host's frames, and its words are for who embeds wasmtime, not for who
//! runs an accounting job.

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
    #[error("it needs {wanted} bytes of memory, more than the {limit} that are allowed")]
    Memory { wanted: usize, limit: usize },
    #[error("it needs a table of {wanted} elements, more than the {limit} that are allowed")]
    Table { wanted: usize, limit: usize },
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

    /// A limit, where a site sets it: what `describe` may use nobody sets.
    pub fn limit(&self, bound: Bound) -> Option<Limit> {
        let section = match self.role {
            Role::Asked => return None,
            Role::Mapper => self.role.name().to_owned(),
            Role::Filter | Role::Messenger => format!("{}_{}", self.role.name(), self.instance),
        };
        Some(Limit { bound, section })
    }

    /// A call that ended in an error of wasmtime.
    pub fn trapped(
        &self,
        call: &'static str,
        error: &wasmtime::Error,
        deadline: std::time::Duration,
        log: &GuestLog,
    ) -> GuestFailure {
        let (kind, detail) = classify(error, deadline);
        let bound = match kind {
            FailureKind::Memory => Some(Bound::Memory),
            FailureKind::Deadline => Some(Bound::Deadline),
            _ => None,
        };
        GuestFailure {
            limit: bound.and_then(|bound| self.limit(bound)),
            frames: frames(error)
                .map(|name| log.mask().line(&name, FRAME_BYTES))
                .collect(),
            stderr: log.stderr_tail(),
            ..self.failure(call, kind, log.mask().line(&detail, DETAIL_BYTES))
        }
    }
}

fn classify(error: &wasmtime::Error, deadline: std::time::Duration) -> (FailureKind, String) {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return (FailureKind::Memory, limit.to_string());
    }
    if let Some(spent) = error.downcast_ref::<Spent>() {
        // Nobody's record is at fault: it stops, and its records wait.
        return (FailureKind::Host, spent.to_string());
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return (
            FailureKind::Trap,
            format!("it exited with status {}", exit.0),
        );
    }
    let root = error.root_cause().to_string();
    if let Some(detail) = no_address_space(&root) {
        return (FailureKind::Host, detail);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => (
            FailureKind::Deadline,
            format!("it computed for longer than {deadline:?}"),
        ),
        Some(Trap::UnreachableCodeReached) => (FailureKind::Trap, "it aborted".to_owned()),
        Some(trap) => {
            let text = trap.to_string();
            (
                FailureKind::Trap,
                text.trim_start_matches("wasm trap: ").to_owned(),
            )
        }
        // There is no type for this one.
        None if root.contains("too much data is being copied") => (
            FailureKind::Contract,
            "it passes more data to the host at once than is allowed".to_owned(),
        ),
        None if root.contains("resource limit exceeded") => (FailureKind::Memory, root),
        None => (FailureKind::Trap, root),
    }
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
    use super::*;

    #[test]
    fn too_little_address_space_is_named_with_what_it_takes() {
        let told = no_address_space("mmap failed: Cannot allocate memory (os error 12)").unwrap();
        for part in ["66 MiB", "`ulimit -v`", "`LimitAS=`", "os error 12"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(no_address_space("unreachable"), None);
    }
}
