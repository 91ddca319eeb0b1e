//! Record locks: `fcntl(F_SETLK)` over a whole file, as Python's
//! `fcntl.lockf` takes them, so that both keep each other out.
//!
//! Such a lock belongs to the process: it ends with it, however it ends, and a
//! child does not inherit it. It also ends when the process closes *any*
//! handle of that file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::disk::{Disk, DiskError, Step};
use crate::errno::has_no_locks;
use crate::owner;

impl Disk {
    /// Makes the lock file `path` where there is none and takes a record lock
    /// over all of it: held until the answered file is dropped. `None` when
    /// another process holds it. Does not wait.
    ///
    /// # Errors
    /// The file cannot be opened, or the filesystem answers the lock with an
    /// error; [`has_no_record_locks`] says whether it has none at all.
    pub fn lock(&self, path: &Path) -> Result<Option<File>, DiskError> {
        self.gate(Step::Lock, path)?;
        let failed = |source| DiskError::new(Step::Lock, path, source);
        let file = lock_file(path).map_err(failed)?;
        Ok(try_record_lock(&file).map_err(failed)?.then_some(file))
    }
}

/// Opens a lock file, which is made where there is none: of the owner of its folder. What somebody may have
/// written into it stays, as Python leaves it.
///
/// # Errors
/// It cannot be opened or made.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    if is_new {
        owner::inherit(&file, path);
    }
    Ok(file)
}

/// Takes a record lock over the whole of `file`, which must be open for
/// writing. False when another process has one.
///
/// # Errors
/// What the system answers, when it is neither a lock nor another's lock.
pub fn try_record_lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&whole_file())) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The id of the process that holds a record lock on `file`. `None` where
/// nobody does by now, or on NFS and across containers, where the system does
/// not say.
///
/// # Errors
/// The filesystem has no record locks.
pub fn record_lock_holder(file: &File) -> io::Result<Option<i32>> {
    let mut asked = whole_file();
    fcntl(file, FcntlArg::F_GETLK(&mut asked))?;
    Ok(holder(&asked))
}

/// In what the system answers.
fn holder(answer: &libc::flock) -> Option<i32> {
    let held = answer.l_type != libc::F_UNLCK as libc::c_short;
    (held && answer.l_pid > 0).then_some(answer.l_pid)
}

fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// Whether a lock failed because its filesystem has no record locks, as
/// opposed to any other reason (ENOLCK, ENOSYS, EOPNOTSUPP).
pub fn has_no_record_locks(failed: &DiskError) -> bool {
    failed.step == Step::Lock && has_no_locks(&failed.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults;
    use std::fs;
    use std::io::BufRead;
    use std::os::unix::fs::{MetadataExt, chown};
    use std::process::{Child, Command, Stdio};

    /// The variable by which the other process is given the lock file.
    const FILE: &str = "CASO_TEST_LOCK";

    #[test]
    fn a_lock_file_is_made_and_what_stands_in_it_stays() {
        let dir = faults::folder().unwrap();
        let path = dir.path().join("lock");
        let first = Disk::default().lock(&path).unwrap();
        assert!(first.is_some());
        drop(first);
        fs::write(&path, "note").unwrap();
        assert!(Disk::default().lock(&path).unwrap().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "note");
    }

    #[test]
    fn a_lock_that_cannot_be_is_an_error_that_names_the_file() {
        let dir = faults::folder().unwrap();
        let failed = Disk::default().lock(dir.path()).unwrap_err();
        assert!(!has_no_record_locks(&failed));
        let text = failed.to_string();
        assert!(
            text.contains("lock") && text.contains(&dir.path().display().to_string()),
            "{text}"
        );
    }

    /// A handle that may only read cannot take a write lock: EBADF, which is
    /// no other process's lock.
    #[test]
    fn an_error_is_not_taken_for_another_process() {
        let dir = faults::folder().unwrap();
        let path = dir.path().join("lock");
        fs::write(&path, "").unwrap();
        let failed = try_record_lock(&File::open(&path).unwrap()).unwrap_err();
        assert_eq!(failed.raw_os_error(), Some(Errno::EBADF as i32));
    }

    /// The other process: says what became of the lock, and holds it until its standard input ends.
    #[test]
    #[ignore = "started by the test below"]
    fn other_process() {
        let Some(path) = std::env::var_os(FILE) else {
            return;
        };
        let lock = Disk::default().lock(path.as_ref()).unwrap();
        println!("\nlocked: {}", lock.is_some());
        let _ = io::stdin().lines().count();
    }

    /// With whether it has the lock.
    fn start_other(path: &Path) -> (Child, bool) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "record_lock::tests::other_process"])
            .args(["--ignored", "--nocapture"])
            .env(FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = io::BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let locked = lines
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("locked: ").map(|it| it == "true"))
            .unwrap();
        (child, locked)
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn one_process_has_the_lock_and_the_other_is_told_which() {
        let dir = faults::folder().unwrap();
        let path = dir.path().join("lock");
        let (child, locked) = start_other(&path);
        assert!(locked);
        assert!(Disk::default().lock(&path).unwrap().is_none());
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        assert!(!try_record_lock(&file).unwrap());
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(record_lock_holder(&file).unwrap(), Some(pid));
        end(child);
        assert_eq!(record_lock_holder(&file).unwrap(), None);
        assert!(try_record_lock(&file).unwrap());
        let (child, locked) = start_other(&path);
        assert!(!locked);
        end(child);
    }

    /// On NFS and across containers the system says 0 or less.
    #[test]
    fn a_holder_that_the_system_does_not_know_is_not_named() {
        let answer = |kind: libc::c_int, pid| {
            let mut answer = whole_file();
            answer.l_type = kind as libc::c_short;
            answer.l_pid = pid;
            holder(&answer)
        };
        assert_eq!(answer(libc::F_WRLCK, 7), Some(7));
        assert_eq!(answer(libc::F_RDLCK, 1), Some(1));
        assert_eq!(answer(libc::F_WRLCK, 0), None);
        assert_eq!(answer(libc::F_WRLCK, -1), None);
        assert_eq!(answer(libc::F_UNLCK, 7), None);
    }

    #[test]
    fn a_filesystem_without_locks_is_known_by_the_failure_of_a_lock() {
        let failed = |step, errno: Errno| {
            let source = io::Error::from_raw_os_error(errno as i32);
            has_no_record_locks(&DiskError::new(step, Path::new("lock"), source))
        };
        assert!(failed(Step::Lock, Errno::ENOLCK));
        assert!(!failed(Step::Lock, Errno::EIO));
        assert!(!failed(Step::Write, Errno::ENOLCK));
    }

    /// A lock that root's run made would keep the service user out of every run after it.
    /// Whoever runs the tests: as root the owner is given, as anybody else nothing changes.
    #[test]
    fn a_new_lock_file_is_its_folders_owners_and_one_that_is_there_keeps_its_own() {
        let dir = faults::folder().unwrap();
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        let path = dir.path().join("lock");
        let root = owner(dir.path()) == 0;
        if root {
            chown(dir.path(), Some(12_345), None).unwrap();
        }
        Disk::default().lock(&path).unwrap().unwrap();
        assert_eq!(owner(&path), owner(dir.path()));
        if root {
            chown(&path, Some(54_321), None).unwrap();
            Disk::default().lock(&path).unwrap().unwrap();
            assert_eq!(owner(&path), 54_321);
        }
    }
}
