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
            End::Torn if now >= self.at => Verdict::Fail(killed()),
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

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 5] = [
        Step::Create,
        Step::Write,
        Step::SyncFile,
        Step::CreateFolder,
        Step::Rename,
    ];

    /// What becomes of those steps.
    fn verdicts(at: &At) -> Vec<String> {
        let verdict = |step| match at.before(step, Path::new("f")) {
            Verdict::Go => "go".to_owned(),
            Verdict::Fail(error) => format!("fails: {error}"),
            Verdict::Torn(error) => format!("torn: {error}"),
        };
        STEPS.into_iter().map(verdict).collect()
    }

    /// A tool that strikes at another step than it says would prove nothing.
    #[test]
    fn each_end_comes_at_its_step_and_lasts_as_long_as_it_says() {
        let go = "go";
        let killed = ("fails: killed", "torn: killed");
        let full = format!(
            "torn: {}",
            io::Error::from_raw_os_error(Errno::ENOSPC as i32)
        );
        let broken = format!("fails: {}", io::Error::from_raw_os_error(Errno::EIO as i32));
        let (full, broken) = (full.as_str(), broken.as_str());
        for (end, at, expected) in [
            (End::Kill, 1, [go, killed.0, killed.0, killed.0, killed.0]),
            (End::Torn, 1, [go, killed.1, killed.0, killed.0, killed.0]),
            (End::FullOnce, 0, [full, go, go, go, go]),
            (End::FullOnce, 1, [go, full, go, go, go]),
            // A step that takes no room is not struck.
            (End::FullOnce, 2, [go, go, go, go, go]),
            (End::FullOnce, 3, [go, go, go, full, go]),
            (End::Full, 0, [full, full, go, full, go]),
            (End::Full, 1, [go, full, go, full, go]),
            (End::Full, 2, [go, go, go, full, go]),
            (End::ErrorOnce, 2, [go, go, broken, go, go]),
        ] {
            assert_eq!(verdicts(&At::new(end, at)), expected, "{end:?} at {at}");
        }
        assert_eq!(verdicts(&At::never()), [go; 5]);
    }

    #[test]
    fn steps_and_waits_are_counted() {
        let at = At::never();
        assert_eq!((at.seen(), at.waits()), (0, 0));
        verdicts(&at);
        at.waited(2);
        at.waited(1);
        assert_eq!((at.seen(), at.waits()), (5, 3));
        let steps = at.take_steps(Path::new("/"));
        assert_eq!(
            steps,
            [
                "Create f",
                "Write f",
                "SyncFile f",
                "CreateFolder f",
                "Rename f"
            ]
        );
        assert_eq!(at.take_steps(Path::new("/")), [""; 0]);
        assert_eq!(at.seen(), 5);
    }

    #[test]
    fn a_scenario_is_played_undisturbed_then_struck_at_each_step_and_behind_the_last() {
        let mut played = Vec::new();
        let steps = at_every_step(End::Kill, |disk, name| {
            let steps = [Step::Create, Step::Write, Step::SyncFile];
            let done = steps.map(|step| disk.gate(step, Path::new("f")).is_ok());
            played.push((name.to_owned(), done));
        });
        assert_eq!(steps, 3);
        let expected = [
            ("undisturbed", [true, true, true]),
            ("Kill at step 0 of 3", [false, false, false]),
            ("Kill at step 1 of 3", [true, false, false]),
            ("Kill at step 2 of 3", [true, true, false]),
            ("Kill at step 3 of 3", [true, true, true]),
        ];
        assert_eq!(played, expected.map(|(name, done)| (name.to_owned(), done)));
    }
}
