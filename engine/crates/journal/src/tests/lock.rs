//! One process at a time, and what is said where a filesystem has no locks.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::site::*;
use crate::*;
use caso_base::error_chain;
use caso_disk::{Disk, Fault, Step, Verdict};
use caso_state::Spool;

#[test]
fn one_process_at_a_time() {
    let site = Site::new(&["m"]);
    let other = || {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::lock::opens"])
            .args(["--ignored", "--nocapture"])
            .env("CASO_OTHERS_SPOOL", site.dir.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&child.stdout).into_owned()
    };
    let (journal, _) = site.open();
    let text = other();
    assert!(text.contains("answer: busy"), "{text}");
    drop(journal);
    let text = other();
    assert!(text.contains("answer: open"), "{text}");
}

#[test]
#[ignore = "started by one_process_at_a_time"]
fn opens() {
    let Some(folder) = std::env::var_os("CASO_OTHERS_SPOOL") else {
        return;
    };
    let spool = Spool::look(Path::new(&folder), Disk::default());
    match Journal::open(&spool, 1) {
        Ok(_) => println!("answer: open"),
        Err(JournalError::Busy { .. }) => println!("answer: busy"),
        Err(failed) => println!("answer: {}", error_chain(&failed)),
    }
}

/// A filesystem that answers a record lock with this error.
struct LockAnswers(i32);

impl Fault for LockAnswers {
    fn before(&self, step: Step, _: &Path) -> Verdict {
        match step {
            Step::Lock => Verdict::Fail(io::Error::from_raw_os_error(self.0)),
            _ => Verdict::Go,
        }
    }
}

const EIO: i32 = 5;
const EBADF: i32 = 9;
const EDEADLK: i32 = 35;
const ENOLCK: i32 = 37;
const ENOSYS: i32 = 38;
const EOPNOTSUPP: i32 = 95;

#[test]
fn a_filesystem_without_locks_is_used_and_named() {
    for errno in [ENOLCK, ENOSYS, EOPNOTSUPP] {
        let site = Site::new(&["m"]);
        let disk = Disk::with_fault(Arc::new(LockAnswers(errno)));
        let (journal, recovery) = Journal::open(&site.spool(disk), 1).unwrap();
        site.seal(&journal, 0, &[cloud("a", "a", 1)]);
        let [notice] = recovery.notices.as_slice() else {
            panic!("{:?}", recovery.notices);
        };
        assert!(notice.text.contains("no record locks"), "{notice}");
        assert!(notice.text.contains("lock_path"), "{notice}");
        let folder = site.path("");
        let folder = folder.to_str().unwrap().trim_end_matches('/');
        assert!(notice.text.contains(folder), "{notice}");
    }
    let (_, recovery) = Site::new(&["m"]).open();
    assert_eq!(recovery.notices, [], "here are locks");
}

/// Whatever else a lock fails of does not pass for a lock that was taken.
#[test]
fn any_other_failure_of_the_lock_stops_the_run() {
    for errno in [EIO, EBADF, EDEADLK] {
        let site = Site::new(&["m"]);
        let disk = Disk::with_fault(Arc::new(LockAnswers(errno)));
        let failed = Journal::open(&site.spool(disk), 1).err().unwrap();
        assert!(matches!(failed, JournalError::Lock(_)), "{failed}");
        let text = error_chain(&failed);
        assert!(text.contains("cannot be locked"), "{text}");
        assert!(text.contains(&format!("os error {errno}")), "{text}");
    }
}
