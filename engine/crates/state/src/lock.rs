//! One cASO at a time, ours or Python's.
//!
//! Python's lock is `fcntl.lockf` on `${lock_path}/caso_should_not_run_in_parallel`,
//! which is a POSIX record lock over the whole file; so is ours, or the two
//! would not see each other. Such a lock belongs to the process: it ends with
//! it, however it ends, and the file is never removed. It also ends when the
//! process closes *any* handle of that file, so nothing else here opens it.
//! cASO waited for ever and in silence; here the wait has an end, and the
//! message names the process in the way.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::disk::{Disk, DiskError};
use super::folder::{FolderError, check_writable};

/// The file's name since cASO 0.3, whatever else runs.
pub const LOCK_FILE: &str = "caso_should_not_run_in_parallel";

const PAUSE: Duration = Duration::from_millis(100);

/// The lock, held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

/// Who is in the way. On NFS, or when it runs in another container, the
/// system does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<i32>,
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

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another cASO runs: `{}` is held by {holder}, still so after {} s; wait for its end, or stop it",
        .path.display(), .waited.as_secs()
    )]
    Held {
        path: PathBuf,
        holder: Holder,
        waited: Duration,
    },
    #[error("cannot take the lock: {0}")]
    Folder(#[from] FolderError),
    #[error("cannot make the folder of the lock")]
    Disk(#[from] DiskError),
    #[error("cannot take the lock `{}` (does its filesystem know record locks?)", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock in the folder `lock_path`, waiting at most `timeout`.
    pub async fn acquire(folder: &Path, timeout: Duration) -> Result<Lock, LockError> {
        let path = folder.join(LOCK_FILE);
        check_writable(&path)?;
        Disk::default().create_folder(folder)?;
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        // As Python opens it: the text that somebody may have put there stays.
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(io)?;
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

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes a record lock over the whole of `file`, if no other process has one.
/// It is this process's own: a child does not inherit it, and it ends when any
/// handle of the file is closed.
pub fn try_record_lock(file: &File) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&whole_file())) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
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

fn holder(file: &File) -> io::Result<Holder> {
    let mut asked = whole_file();
    fcntl(file, FcntlArg::F_GETLK(&mut asked))?;
    let held = asked.l_type != libc::F_UNLCK as libc::c_short;
    let pid = Some(asked.l_pid).filter(|pid| held && *pid > 0);
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
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, Command, Stdio};

    const NONE: Duration = Duration::ZERO;

    /// The other process: takes the lock, says so, and holds it until its
    /// standard input ends.
    #[test]
    #[ignore = "started by the tests below"]
    fn other_process() {
        let Some(folder) = std::env::var_os("CASO_LOCK_FOLDER") else {
            return;
        };
        let taken = wait(Lock::acquire(Path::new(&folder), NONE));
        println!("answer: {}", if taken.is_ok() { "taken" } else { "held" });
        std::io::stdout().flush().unwrap();
        let _ = std::io::stdin().lines().count();
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    fn start_other(folder: &Path) -> (Child, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "state::lock::tests::other_process"])
            .args(["--ignored", "--nocapture"])
            .env("CASO_LOCK_FOLDER", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answer = BufReader::new(child.stdout.as_mut().unwrap())
            .lines()
            .map(Result::unwrap)
            .find_map(|line| line.split("answer: ").nth(1).map(str::to_owned))
            .unwrap();
        (child, answer)
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
    fn a_folder_that_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let failed = wait(Lock::acquire(&file, NONE)).unwrap_err();
        assert!(failed.to_string().contains("file"), "{failed}");
    }
}
