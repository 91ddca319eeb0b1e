//! What became of a program: exit code and output, with what differs from run
//! to run (folder, ports, times) replaced, so that a test can compare text.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Longer than any run of a test should take: a run that hangs is a failure
/// that should say so, and not one of the test runner's patience.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program at work.
pub struct Running {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
    folder: PathBuf,
}

impl Running {
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
        let out = drain(child.stdout.take().expect("piped"));
        let err = drain(child.stderr.take().expect("piped"));
        Running {
            child,
            out,
            err,
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
        let status = Command::new("kill")
            .arg(self.id().to_string())
            .status()
            .expect("kill is part of every system");
        assert!(status.success(), "the program had already ended");
        self.finish()
    }

    /// Whether it is still at work.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!(
                    "no end after {PATIENCE:?}\n--- stdout\n{}\n--- stderr\n{}",
                    self.out.join().unwrap_or_default(),
                    self.err.join().unwrap_or_default()
                );
            }
            thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            status,
            took: began.elapsed(),
            stdout: self.out.join().expect("a reader of a pipe"),
            stderr: self.err.join().expect("a reader of a pipe"),
            folder: self.folder,
        }
    }
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

    /// Fails if the program's output has this text.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "something says `{text}`: {self}"
        );
        self
    }

    /// Standard error with the folder as `[SITE]`, ports as `[PORT]` and times
    /// of day as `[TIME]`.
    pub fn filtered(&self) -> String {
        let folder = self.folder.display().to_string();
        filter(&self.stderr.replace(&folder, "[SITE]"))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} after {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.status, self.took, self.stdout, self.stderr
        )
    }
}

fn filter(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("127.0.0.1:") {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            out += "127.0.0.1:[PORT]";
            rest = &after[digits..];
        } else if let Some(length) = time_of_day(rest) {
            out += "[TIME]";
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The length of `2026-11-21 17:20:08.123Z` or `2026-11-21T17:20:08+00:00` at
/// the text's beginning.
fn time_of_day(text: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let bytes = text.as_bytes();
    let head = bytes.get(..SHAPE.len())?;
    let fits = head.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        shape => byte == shape,
    });
    let tail = bytes[SHAPE.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z' | b'+' | b':'))
        .count();
    fits.then_some(SHAPE.len() + tail)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        let text = "2026-11-21T17:20:08.777Z error: can't reach `http://127.0.0.1:34567/v3` since 2026-11-21 17:20:08+00:00, says ñ";
        assert_eq!(
            super::filter(text),
            "[TIME] error: can't reach `http://127.0.0.1:[PORT]/v3` since [TIME], says ñ"
        );
    }
}
