//! A program that ends, or a disk that fills, at the n-th step: for the tests of
//! every room that writes. Compiled always, so that what is tested is what runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;

use crate::disk::{Disk, Fault, Step, Verdict};

/// How the end comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Killed before the step: neither it nor anything after it happens.
    Kill,
    /// Killed in the middle of it.
    Torn,
    /// This step finds the disk full; those after it do not.
    FullOnce,
    /// From this step on the disk is full for writes and new files.
    Full,
    /// This step is answered with an error of the device; those after it are not.
    ErrorOnce,
}

/// Ends a program at one of its steps, and keeps what they were.
pub struct At {
    end: End,
    at: usize,
    count: AtomicUsize,
    waits: AtomicUsize,
    /// Every step that was asked for, with its path, in order.
    pub steps: Mutex<Vec<(Step, PathBuf)>>,
}

impl At {
    /// Strikes at the step number `at`, counted from 0.
    pub fn new(end: End, at: usize) -> Arc<Self> {
        Arc::new(At {
            end,
            at,
            count: AtomicUsize::new(0),
            waits: AtomicUsize::new(0),
            steps: Mutex::new(Vec::new()),
        })
    }

    /// Counts and never strikes.
    pub fn never() -> Arc<Self> {
        Self::new(End::Kill, usize::MAX)
    }

    /// How many steps were asked for so far.
    pub fn seen(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// How many syncs were waited for one after the other: on a slow disk that many times its time.
    pub fn waits(&self) -> usize {
        self.waits.load(Ordering::SeqCst)
    }

    /// What was asked for since the last call, a line a step, with paths from
    /// `root` on: `SyncFolder queue`.
    pub fn take_steps(&self, root: &Path) -> Vec<String> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(step, path): (Step, PathBuf)| {
            let path = path.strip_prefix(root).unwrap_or(&path);
            format!("{step:?} {}", path.display()).trim().to_owned()
        };
        steps.drain(..).map(line).collect()
    }

    /// A disk with this fault.
    pub fn disk(self: &Arc<Self>) -> Disk {
        Disk::with_fault(self.clone())
    }
}

impl Fault for At {
    fn waited(&self, syncs: usize) {
        self.waits.fetch_add(syncs, Ordering::SeqCst);
    }

    fn before(&self, step: Step, path: &Path) -> Verdict {
        let now = self.count.fetch_add(1, Ordering::SeqCst);
        self.steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((step, path.to_owned()));
        let killed = || io::Error::other("killed");
        let full = || io::Error::from_raw_os_error(Errno::ENOSPC as i32);
        let takes_room = matches!(step, Step::Write | Step::Create | Step::CreateFolder);
        match self.end {
            End::Kill if now >= self.at => Verdict::Fail(killed()),
            End::Torn if now == self.at => Verdict::Torn(killed()),
            End::Torn if now > self.at => Verdict::Fail(killed()),
            End::FullOnce if now == self.at && takes_room => Verdict::Torn(full()),
            End::ErrorOnce if now == self.at => {
                Verdict::Fail(io::Error::from_raw_os_error(Errno::EIO as i32))
            }
            End::Full if now >= self.at && takes_room => Verdict::Torn(full()),
            _ => Verdict::Go,
        }
    }
}

/// Plays a scenario once undisturbed, and then once for each step that it has and one more,
/// disturbed there. It is given its disk, and what to call this time. Answers how many steps
/// there are.
pub fn at_every_step(end: End, mut scenario: impl FnMut(Disk, &str)) -> usize {
    let counted = At::never();
    scenario(counted.disk(), "undisturbed");
    let steps = counted.seen();
    for at in 0..=steps {
        let name = format!("{end:?} at step {at} of {steps}");
        scenario(At::new(end, at).disk(), &name);
    }
    steps
}

/// A folder for a test that syncs a lot: in memory, where there is such a
/// filesystem.
pub fn folder() -> io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return Ok(folder);
    }
    tempfile::tempdir()
}
