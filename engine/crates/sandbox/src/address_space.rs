//! The process's limit of address space (`ulimit -v`, `LimitAS=`, a batch system's), and
//! how many guests fit into it.
//!
//! It is looked at before the work begins. Afterwards it is too late: where an `mmap` of
//! wasmtime fails there is an error to report, but where one of the allocator fails the program
//! aborts, and nobody learns why. So no sandbox is set up where there is no room for a guest, and
//! who starts several at a time asks first how many [fit](AddressSpace::guests).

use std::fmt;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::limits::{GUARD, RESERVED};

/// Bytes that a program with a sandbox takes beside its guests: its own code, threads with their
/// stacks and heaps, compiled components, and the compiler, which takes most of it in the first
/// run. Measured (a run that compiles the built-in components fails below 350 MiB), with some room.
const PROGRAM: u64 = 416 << 20;

/// Bytes that a guest takes from the beginning.
pub(crate) const GUEST: u64 = RESERVED + 2 * GUARD;

/// What the process may map at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressSpace {
    /// Bytes; none where there is no limit.
    limit: Option<u64>,
}

impl AddressSpace {
    /// That of this process. Where the system does not say, it is without a limit.
    #[must_use]
    pub fn of_process() -> Self {
        let soft = getrlimit(Resource::RLIMIT_AS).map(|(soft, _hard)| soft);
        Self {
            limit: soft.ok().filter(|soft| *soft != RLIM_INFINITY),
        }
    }

    /// How many guests fit at a time; none where any number does.
    #[must_use]
    pub fn guests(self) -> Option<usize> {
        let left = self.limit?.saturating_sub(PROGRAM);
        Some(usize::try_from(left / GUEST).unwrap_or(usize::MAX))
    }

    /// What is missing for so many guests at a time; none where they fit.
    #[must_use]
    pub fn shortage(self, guests: usize) -> Option<Shortage> {
        let limit = self.limit?;
        let all = u64::try_from(guests).unwrap_or(u64::MAX);
        let needed = PROGRAM.saturating_add(GUEST.saturating_mul(all));
        (limit < needed).then_some(Shortage { limit, needed })
    }
}

/// The limit, and what it would have to be, in bytes. Its text has both in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    limit: u64,
    needed: u64,
}

impl Shortage {
    /// What to do about it. One place for all messages that say so.
    pub const WAYS_OUT: &str = "raise the limit (`ulimit -v`, `LimitAS=` of the systemd unit, the batch system's or the container's)";
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, needed } = self;
        write!(
            f,
            "the process may have {} MiB of address space, and {} MiB are needed",
            limit >> 20,
            needed.div_ceil(1 << 20),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited_to(limit: u64) -> AddressSpace {
        AddressSpace { limit: Some(limit) }
    }

    #[test]
    fn what_so_many_guests_need_is_room_for_them_and_for_no_more() {
        for guests in [1, 4, 64] {
            let needed = limited_to(0).shortage(guests).unwrap().needed;
            let just = limited_to(needed);
            assert_eq!((just.guests(), just.shortage(guests)), (Some(guests), None));
            let less = limited_to(needed - 1);
            assert_eq!(less.guests(), Some(guests - 1));
            assert_eq!(less.shortage(guests).unwrap().needed, needed);
        }
        let endless = AddressSpace { limit: None };
        assert_eq!((endless.guests(), endless.shortage(1_000)), (None, None));
    }

    #[test]
    fn both_numbers_and_the_way_out_are_named() {
        let shortage = limited_to(512 << 20).shortage(4).unwrap();
        let text = format!("{shortage}; {}", Shortage::WAYS_OUT);
        for part in ["512 MiB", "680 MiB", "`ulimit -v`", "`LimitAS=`"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
