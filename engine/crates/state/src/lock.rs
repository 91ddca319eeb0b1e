//! One cASO at a time, ours or Python's.
//!
//! Python's lock is `fcntl.lockf` on `${lock_path}/caso_should_not_run_in_parallel`,
//! which is a POSIX record lock over the whole file; so is ours, or the two
//! would not see each other. The file is never removed. As such a lock ends when
//! the process closes *any* handle of its file, nothing else here opens it.
//! cASO waited for ever and in silence; here the wait has an end, and the
//! message names the process in the way.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use caso_disk::{Disk, DiskError, lock_file, record_lock_holder, try_record_lock};

use crate::folder::{FolderError, check_writable};

/// The file's name since cASO 0.3, whatever else runs.
pub(crate) const LOCK_FILE: &str = "caso_should_not_run_in_parallel";

const PAUSE: Duration = Duration::from_millis(100);

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

/// The process in the way. On NFS, or when it runs in another container, the
/// system does not say which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: Option<i32>,
    /// Its command line, at most 200 characters.
    pub command: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.command) {
            (Some(pid), Some(command)) => write!(f, "process {pid} (`{command}`)"),
            (Some(pid), None) => write!(f, "process {pid}"),
            (None, _) => f.write_str("a process of another host or container"),
        }
    }
}

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it, and kept it for as long as we waited.
    #[error(
        "another cASO runs: `{}` is held by {holder}; waited {} s",
        .path.display(), .waited.as_secs()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Whose it is.
        holder: Holder,
        /// For how long we asked.
        waited: Duration,
    },
    /// We may not write the lock file, or its folder.
    #[error("cannot take the lock")]
    Folder(#[from] FolderError),
    /// Its folder could not be made.
    #[error("cannot make the folder of the lock")]
    Disk(#[from] DiskError),
    /// Something else stands in the place of the lock file.
    #[error("cannot take the lock: `{}` is not a file", .path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// The lock file cannot be opened or locked.
    #[error("cannot take the lock `{}`", .path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl LockError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            LockError::Held { .. } => Some("let it finish, or stop it"),
            LockError::Folder(_) | LockError::Disk(_) => None,
            LockError::NotAFile { .. } => Some("remove it: the next run makes the file"),
            LockError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(
                    "SELinux, AppArmor or `ReadWritePaths=` of the systemd unit may deny it (`ausearch -m avc -ts recent`)",
                )
            }
            LockError::Io { .. } => Some(
                "put `lock_path` in [DEFAULT] on a local disk: its filesystem may know no record locks, as NFS without a lock daemon",
            ),
        }
    }
}

impl Lock {
    /// Takes the lock in the folder `lock_path`, which is made where there is
    /// none, waiting at most `timeout`.
    ///
    /// # Errors
    /// [`LockError::Held`] when the time is over; else the lock cannot be had
    /// at all, and waiting would not help.
    pub async fn acquire(folder: &Path, timeout: Duration) -> Result<Lock, LockError> {
        let path = folder.join(LOCK_FILE);
        check_writable(&path)?;
        must_be_a_file(&path)?;
        Disk::default().create_folder(folder)?;
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file = lock_file(&path).map_err(io)?;
        let start = Instant::now();
        loop {
            if try_record_lock(&file).map_err(io)? {
                return Ok(Lock { _file: file, path });
            }
            let waited = start.elapsed();
            if waited >= timeout {
                let holder = holder(&file).map_err(io)?;
                return Err(LockError::Held {
                    path,
                    holder,
                    waited,
                });
            }
            tokio::time::sleep(PAUSE.min(timeout.saturating_sub(waited))).await;
        }
    }

    /// Whether the lock in the folder `lock_path` could be taken, and who has it; none where it
    /// is free. Nothing is made or locked. Not for a process that holds the lock itself, which
    /// would lose it.
    ///
    /// # Errors
    /// It could not be had at all.
    pub fn look(folder: &Path) -> Result<Option<Holder>, LockError> {
        let path = folder.join(LOCK_FILE);
        check_writable(&path)?;
        must_be_a_file(&path)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockError::Io { path, source }),
        };
        match record_lock_holder(&file) {
            Ok(None) => Ok(None),
            Ok(Some(_)) => holder(&file).map(Some),
            Err(error) => Err(error),
        }
        .map_err(|source| LockError::Io { path, source })
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Who opens a pipe waits for its other end, and a folder has no lock.
fn must_be_a_file(path: &Path) -> Result<(), LockError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(LockError::NotAFile {
            path: path.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn holder(file: &File) -> io::Result<Holder> {
    let pid = record_lock_holder(file)?;
    Ok(Holder {
        pid,
        command: pid.and_then(command_of),
    })
}

fn command_of(pid: i32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let text: String = String::from_utf8_lossy(&line)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::other_process;
    use caso_base::error_chain;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Child;

    const NONE: Duration = Duration::ZERO;

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    /// The other process: takes the lock, says so, and holds it until its
    /// standard input ends.
    #[test]
    #[ignore = "started by the tests below"]
    fn other_process() {
        let mut taken = None;
        other_process::answer(|folder| {
            let lock = wait(Lock::acquire(folder, NONE));
            let answer = if lock.is_ok() { "taken" } else { "held" };
            taken = lock.ok();
            answer.into()
        });
        std::io::stdout().flush().unwrap();
        let _ = std::io::stdin().lines().count();
        drop(taken);
    }

    fn start_other(folder: &Path) -> (Child, String) {
        let program = std::env::current_exe().unwrap();
        let mut command = other_process::command(&program, folder, "lock::tests::other_process");
        let mut child = command.spawn().unwrap();
        let answer = BufReader::new(child.stdout.as_mut().unwrap())
            .lines()
            .map(Result::unwrap)
            .find_map(|line| other_process::answer_in(&line))
            .unwrap();
        (child, answer)
    }

    /// The other side of `another_users_lock_is_named`, as a user without rights.
    #[test]
    #[ignore = "started by another_users_lock_is_named"]
    fn takes_anothers_lock() {
        other_process::answer(|folder| match wait(Lock::acquire(folder, NONE)) {
            Ok(_) => "taken".into(),
            Err(failed) => {
                let hint = match &failed {
                    LockError::Folder(folder) => folder.hint(),
                    other => other.hint().map(str::to_owned),
                };
                format!("{} {}", error_chain(&failed), hint.unwrap_or_default())
            }
        });
    }

    /// A run by hand as root makes the lock file; cron's runs as another user
    /// must name it, its owner and the way out.
    #[test]
    fn another_users_lock_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(LOCK_FILE);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        let answer = other_process::without_rights(dir.path(), "lock::tests::takes_anothers_lock");
        assert!(answer.contains("cannot take the lock"), "{answer}");
        assert!(answer.contains(LOCK_FILE), "{answer}");
        assert!(answer.contains("mode 0444"), "{answer}");
        assert!(answer.contains("run cASO as its owner"), "{answer}");
    }

    #[test]
    fn a_second_process_is_kept_out_and_the_first_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, answer) = start_other(dir.path());
        assert_eq!(answer, "taken");
        let failed = wait(Lock::acquire(dir.path(), NONE)).unwrap_err();
        let LockError::Held { holder, .. } = &failed else {
            panic!("{failed}");
        };
        assert_eq!(holder.pid, i32::try_from(child.id()).ok());
        let text = failed.to_string();
        assert!(text.contains(&child.id().to_string()), "{text}");
        assert!(text.contains("other_process"), "{text}");
        // Killed, not ended: the lock goes with the process.
        child.kill().unwrap();
        child.wait().unwrap();
        let lock = wait(Lock::acquire(dir.path(), NONE)).unwrap();
        let (mut child, answer) = start_other(dir.path());
        assert_eq!(answer, "held");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(lock.path().exists());
        drop(lock);
        assert!(dir.path().join(LOCK_FILE).exists());
    }

    #[test]
    fn the_wait_ends_when_the_holder_does() {
        let dir = tempfile::tempdir().unwrap();
        let (mut child, _) = start_other(dir.path());
        let folder = dir.path().to_owned();
        let waiting =
            std::thread::spawn(move || wait(Lock::acquire(&folder, Duration::from_secs(60))));
        drop(child.stdin.take());
        child.wait().unwrap();
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn what_stands_in_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LOCK_FILE), "note").unwrap();
        let lock = wait(Lock::acquire(dir.path(), NONE)).unwrap();
        assert_eq!(fs::read_to_string(lock.path()).unwrap(), "note");
    }

    #[test]
    fn the_lock_is_looked_at_and_neither_made_nor_taken() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Lock::look(dir.path()).unwrap(), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        fs::write(dir.path().join(LOCK_FILE), "").unwrap();
        assert_eq!(Lock::look(dir.path()).unwrap(), None);
        let (mut child, answer) = start_other(dir.path());
        assert_eq!(answer, "taken", "it is free");
        let holder = Lock::look(dir.path()).unwrap().unwrap();
        assert_eq!(holder.pid, i32::try_from(child.id()).ok());
        assert!(holder.command.unwrap().contains("other_process"));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(Lock::look(dir.path()).unwrap(), None);
    }

    /// A socket can be written and not opened.
    #[test]
    fn a_lock_that_cannot_be_had_is_not_free() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK_FILE);
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let failed = Lock::look(dir.path()).unwrap_err();
        let text = format!("cannot take the lock: `{}` is not a file", path.display());
        assert_eq!(failed.to_string(), text);
        let failed = wait(Lock::acquire(dir.path(), NONE)).unwrap_err();
        assert_eq!(failed.to_string(), text);
    }

    #[test]
    fn who_is_in_the_way_is_said_as_far_as_it_is_known_and_what_to_do() {
        let holder = |pid, command: Option<&str>| Holder {
            pid,
            command: command.map(str::to_owned),
        };
        for (holder, text) in [
            (
                holder(Some(7), Some("caso extract")),
                "process 7 (`caso extract`)",
            ),
            (holder(Some(7), None), "process 7"),
            (holder(None, None), "a process of another host or container"),
        ] {
            assert_eq!(holder.to_string(), text);
        }
        let held = LockError::Held {
            path: "/spool/lock".into(),
            holder: holder(Some(7), None),
            waited: Duration::from_millis(2_900),
        };
        assert_eq!(
            held.to_string(),
            "another cASO runs: `/spool/lock` is held by process 7; waited 2 s"
        );
        assert_eq!(held.hint(), Some("let it finish, or stop it"));
        let io = LockError::Io {
            path: "/spool/lock".into(),
            source: io::Error::other("no locks"),
        };
        assert_eq!(
            error_chain(&io),
            "cannot take the lock `/spool/lock`: no locks"
        );
        let hint = io.hint().unwrap();
        assert!(
            hint.starts_with("put `lock_path` in [DEFAULT] on a local disk"),
            "{hint}"
        );
        let full = io::Error::other("no room");
        let folder = DiskError::new(caso_disk::Step::CreateFolder, Path::new("/spool"), full);
        let disk = LockError::Disk(folder);
        assert_eq!(disk.to_string(), "cannot make the folder of the lock");
        assert_eq!(disk.hint(), None);
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let failed = wait(Lock::acquire(&file, NONE)).unwrap_err();
        let text = error_chain(&failed);
        assert!(text.contains("is a file of"), "{text}");
    }
}
