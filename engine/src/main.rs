//! `caso`: extract, deliver, demo and what else an operator needs. Started under
//! the name of one of the launchers beside it, it is that program.

use std::process::ExitCode;

/// musl's own has one lock for all threads, and returns every page at once: a run took twice the CPU.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    caso::cli::main()
}
