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
        let is_new = !path.exists();
        // What somebody may have written into it stays.
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(failed)?;
        if is_new {
            owner::inherit(&file, path);
        }
        Ok(try_record_lock(&file).map_err(failed)?.then_some(file))
    }
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
    let held = asked.l_type != libc::F_UNLCK as libc::c_short;
    Ok(Some(asked.l_pid).filter(|pid| held && *pid > 0))
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
}
