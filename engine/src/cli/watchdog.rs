//! The end of a process that cannot end by itself.
//!
//! Deadlines, timeouts and signals are tasks of the runtime. Should something keep all
//! of its threads, none of them would ever run: the lock would be held for ever, and
//! nobody would be extracted or delivered again. So a thread that needs no runtime
//! looks whether it still ticks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::process::to_stderr;

const TICK: Duration = Duration::from_secs(1);
/// Longer than any system call on a disk that still answers.
const PATIENCE: Duration = Duration::from_secs(90);
/// Partly done: what is on disk is good at any instant, and waits for the next run.
const CODE: i32 = 3;

/// Watches over a runtime until the process ends.
///
/// # Errors
/// There is no thread to be had.
pub fn watch(runtime: &Runtime) -> io::Result<()> {
    let ticks = Arc::new(AtomicU64::new(0));
    let ticking = Arc::clone(&ticks);
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(TICK).await;
            ticking.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut pulse = Pulse::new(Instant::now());
    thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                if pulse.is_lost(ticks.load(Ordering::Relaxed), Instant::now()) {
                    to_stderr("error: the program hangs and is ended; what is not done yet waits for the next run");
                    std::process::exit(CODE);
                }
            }
        })
        .map(drop)
}

/// Ends the process with this code after a while, unless it has ended by then. For a
/// signal: who asks a run to end is not to wait for whatever it is doing.
pub fn end_within(wait: Duration, code: i32) {
    let spawned = thread::Builder::new()
        .name("end".to_owned())
        .spawn(move || {
            thread::sleep(wait);
            std::process::exit(code);
        });
    drop(spawned);
}

/// When the runtime was last seen to tick.
struct Pulse {
    ticks: u64,
    at: Instant,
}

impl Pulse {
    fn new(at: Instant) -> Self {
        Self { ticks: 0, at }
    }

    fn is_lost(&mut self, ticks: u64, now: Instant) -> bool {
        if ticks != self.ticks {
            *self = Self { ticks, at: now };
        }
        now.duration_since(self.at) > PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_that_ticks_lives_and_one_that_does_not_is_lost_after_a_while() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        for second in 0..1_000 {
            assert!(!pulse.is_lost(second / 60, start + Duration::from_secs(second)));
        }
        let last = start + Duration::from_secs(999);
        let ticks = 999 / 60;
        assert!(!pulse.is_lost(ticks, last));
        assert!(pulse.is_lost(ticks, last + PATIENCE));
        assert!(!pulse.is_lost(ticks + 1, last + PATIENCE), "it came back");
    }
}
