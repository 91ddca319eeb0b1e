//! What became of a program: exit code and output. A test that fails prints all
//! there is to know of it: command line, folder, exit code, output, and the files
//! that it left. For snapshots there is a text in which everything that differs
//! from run to run (folders, ports, the present time) is replaced.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::filter::filtered;

/// Longer than any run of a test should take: a run that hangs is a failure
/// that should say so, and not one of the test runner's patience.
const PATIENCE: Duration = Duration::from_secs(120);

/// The signal of [`Running::kill`].
pub const SIGKILL: i32 = 9;

/// A program at work.
pub struct Running {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
    command: String,
    folder: PathBuf,
}

/// Whether a signal is in one of a process's masks, `SigIgn:` or `SigCgt:`, by its `status` in proc(5).
pub fn is_in_mask(status: &str, mask: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(mask));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

impl Running {
    /// Starts it; `folder` is where its files are.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = loop {
            match command.spawn() {
                Ok(child) => break child,
                // Somebody who is just becoming another program has the file
                // of this one open still.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    thread::yield_now();
                }
                Err(error) => panic!("cannot start {command:?}: {error}"),
            }
        };
        let out = drain(child.stdout.take().expect("piped"));
        let err = drain(child.stderr.take().expect("piped"));
        Running {
            child,
            out,
            err,
            command: format!("{command:?}"),
            folder: folder.to_path_buf(),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, which nobody can prepare for.
    pub fn kill(mut self) -> Outcome {
        self.child.kill().expect("a child can be killed");
        self.finish()
    }

    /// SIGTERM, as systemd sends it.
    pub fn terminate(self) -> Outcome {
        self.signal("TERM")
    }

    /// SIGHUP, as a terminal sends it that is closed.
    pub fn hang_up(self) -> Outcome {
        self.signal("HUP")
    }

    fn signal(self, name: &str) -> Outcome {
        self.send(name);
        self.finish()
    }

    /// A signal, by its name without `SIG`.
    pub fn send(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .expect("kill is part of every system");
        assert!(status.success(), "the program had already ended");
    }

    /// Waits until it handles SIGTERM itself.
    pub fn hears_sigterm(&self) {
        let began = Instant::now();
        let path = format!("/proc/{}/status", self.id());
        loop {
            let status = std::fs::read_to_string(&path).unwrap_or_default();
            if is_in_mask(&status, "SigCgt:", 15) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "it never handled SIGTERM: {status}"
            );
            std::thread::yield_now();
        }
    }

    /// No file may grow beyond this from now on: the write that tries it stops in the
    /// middle, with an error.
    pub fn limit_files(&self, bytes: u64) {
        let status = Command::new("prlimit")
            .arg(format!("--pid={}", self.id()))
            .arg(format!("--fsize={bytes}"))
            .status()
            .expect("prlimit is part of util-linux");
        assert!(status.success(), "the program had already ended");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if began.elapsed() > PATIENCE {
                self.child.kill().expect("a child can be killed");
                let outcome = self.kill();
                panic!("no end after {PATIENCE:?}: {outcome}");
            }
            thread::sleep(Duration::from_millis(5));
        };
        let said = |pipe: JoinHandle<String>| {
            let text = pipe.join().expect("a reader of a pipe");
            for_the_default(&text, &self.folder)
        };
        Outcome {
            status,
            took: began.elapsed(),
            stdout: said(self.out),
            stderr: said(self.err),
            command: self.command,
            folder: self.folder,
        }
    }
}

/// Commands that a program advises, without the configuration of the site in this folder
/// (`engine/src/advice.rs` adds it to each of them): what they say is looked at in tests of its own.
/// A command line that somebody typed stays: an extraction over a window, as [`Site`] starts it.
///
/// [`Site`]: crate::site::Site
pub fn for_the_default(text: &str, folder: &Path) -> String {
    let file = folder.join("caso.conf");
    let flag = format!(" --config-file {}", file.display());
    let typed = format!("{flag} --extract-from");
    let around: Vec<String> = text
        .split(&typed)
        .map(|part| part.replace(&flag, ""))
        .collect();
    around.join(&typed)
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub took: Duration,
    pub stdout: String,
    pub stderr: String,
    command: String,
    folder: PathBuf,
}

impl Outcome {
    /// The exit code; -1 for a signal.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Fails the test with everything the program said, unless it ended so.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self}");
        self
    }

    /// Fails unless the program's output has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "nothing says `{text}`: {self}"
        );
        self
    }

    /// Fails unless the program's output has each of these texts.
    #[track_caller]
    pub fn says_each(self, texts: &[&str]) -> Self {
        let mut outcome = self;
        for text in texts {
            outcome = outcome.says(text);
        }
        outcome
    }

    /// Fails if the program's output has this text.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "something says `{text}`: {self}"
        );
        self
    }

    /// Standard error for a snapshot: without what differs from run to run.
    pub fn filtered(&self) -> String {
        filtered(&self.stderr, &self.folder)
    }

    /// The same of all that there is: exit code, standard output, standard error.
    pub fn snapshot(&self) -> String {
        let out = filtered(&self.stdout, &self.folder);
        let err = self.filtered();
        format!(
            "exit code: {}\n--- stdout\n{out}--- stderr\n{err}",
            self.code()
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n--- command\n{}\n--- in\n{}\n--- ended after {:?} with\n{}\n--- stdout\n{}\n--- stderr\n{}\n--- files\n{}",
            self.command,
            self.folder.display(),
            self.took,
            self.status,
            self.stdout,
            self.stderr,
            Tree(&self.folder),
        )
    }
}

/// The files below a folder with their sizes, as many as somebody reads.
struct Tree<'a>(&'a Path);

/// So many lines of a [`Tree`] are printed.
const FILES: usize = 200;

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        list(self.0, 0, &mut lines);
        for line in lines.iter().take(FILES) {
            writeln!(f, "{line}")?;
        }
        match lines.len().saturating_sub(FILES) {
            0 => Ok(()),
            more => writeln!(f, "... and {more} more"),
        }
    }
}

fn list(folder: &Path, depth: usize, lines: &mut Vec<String>) {
    let mut entries: Vec<_> = match folder.read_dir() {
        Ok(entries) => entries.flatten().collect(),
        Err(error) => return lines.push(format!("{}({error})", "  ".repeat(depth))),
    };
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let indent = "  ".repeat(depth);
        match entry.metadata() {
            Ok(about) if about.is_dir() => {
                lines.push(format!("{indent}{name}/"));
                list(&entry.path(), depth + 1, lines);
            }
            Ok(about) => lines.push(format!("{indent}{name} ({} bytes)", about.len())),
            Err(error) => lines.push(format!("{indent}{name} ({error})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_command_folder_output_and_files() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("spool")).expect("a folder");
        std::fs::write(folder.path().join("spool/lastrun.p"), "1970").expect("a file");
        let mut command = Command::new("sh");
        command.args(["-c", "echo data; echo words >&2; exit 7"]);
        let outcome = Running::start(command, folder.path()).finish();
        let text = outcome.to_string();
        for part in [
            "--- command\n\"sh\" \"-c\" \"echo data; echo words >&2; exit 7\"\n",
            &format!("--- in\n{}\n", folder.path().display()),
            "with\nexit status: 7\n",
            "--- stdout\ndata\n",
            "--- stderr\nwords\n",
            "--- files\nspool/\n  lastrun.p (4 bytes)\n",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
    }
}
