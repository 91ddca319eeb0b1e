//! What a guest says: its log lines, its stdout and its stderr.
//!
//! It reaches an operator's terminal and root's cron mail, so each line goes
//! through [`Mask`], and each call has a quota of lines.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::Who;
use super::limits::Limits;
use super::mask::Mask;

/// Lines of stderr that a failure report quotes, and their bytes together.
const TAIL_LINES: usize = 5;
const TAIL_BYTES: usize = 1_000;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

/// Where a byte came from that is not a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdio {
    Stdout,
    Stderr,
}

/// The log of one store. Clones share it.
#[derive(Clone)]
pub struct GuestLog {
    shared: Arc<Mutex<Shared>>,
    mask: Mask,
}

struct Shared {
    who: Who,
    line_bytes: usize,
    lines_a_call: u32,
    lines_left: u32,
    stdout: Partial,
    stderr: Partial,
    tail: VecDeque<String>,
    /// For tests: where lines go besides tracing.
    #[cfg(test)]
    written: Vec<(Level, String)>,
}

/// A line that has not ended yet.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    /// More came than is kept; the rest up to the line's end is dropped.
    cut: bool,
}

impl GuestLog {
    pub fn new(who: &Who, mask: Mask, limits: &Limits) -> Self {
        let shared = Shared {
            who: who.clone(),
            line_bytes: limits.log_line_bytes,
            lines_a_call: limits.log_lines,
            lines_left: limits.log_lines,
            stdout: Partial::default(),
            stderr: Partial::default(),
            tail: VecDeque::new(),
            #[cfg(test)]
            written: Vec::new(),
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            mask,
        }
    }

    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// A new call: a new quota.
    pub fn begin_call(&self) {
        self.with(|shared| {
            shared.lines_left = shared.lines_a_call;
            shared.tail.clear();
        });
    }

    /// The call is over: what it said without a line's end is said.
    pub fn end_call(&self) {
        self.with(|shared| {
            for stdio in [Stdio::Stdout, Stdio::Stderr] {
                if !shared.partial(stdio).bytes.is_empty() {
                    shared.end_of_line(stdio, &self.mask);
                }
            }
        });
    }

    /// A line from the `log` interface.
    pub fn write(&self, level: Level, message: &str) {
        self.with(|shared| {
            // Most of a huge message is not even looked at.
            let keep = message.floor_char_boundary(shared.line_bytes.saturating_mul(4));
            let head = message.get(..keep).unwrap_or_default();
            let line = self.mask.cut(head, shared.line_bytes, keep < message.len());
            shared.emit(level, &line);
        });
    }

    /// Bytes from stdout or stderr.
    pub fn bytes(&self, stdio: Stdio, bytes: &[u8]) {
        self.with(|shared| {
            let keep = shared.line_bytes.saturating_mul(4);
            for (index, piece) in bytes.split(|byte| *byte == b'\n').enumerate() {
                if index > 0 {
                    shared.end_of_line(stdio, &self.mask);
                }
                let partial = shared.partial(stdio);
                let room = keep.saturating_sub(partial.bytes.len()).min(piece.len());
                partial.bytes.extend(piece.iter().take(room));
                partial.cut |= room < piece.len();
            }
        });
    }

    /// The last lines of stderr in this call.
    pub fn stderr_tail(&self) -> String {
        self.with(|shared| {
            let joined = shared.tail.iter().cloned().collect::<Vec<_>>().join(" | ");
            let from = joined.ceil_char_boundary(joined.len().saturating_sub(TAIL_BYTES));
            joined.get(from..).unwrap_or_default().to_owned()
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shared) -> R) -> R {
        // A panic while the log was held leaves a log that still works.
        work(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn partial(&mut self, stdio: Stdio) -> &mut Partial {
        match stdio {
            Stdio::Stdout => &mut self.stdout,
            Stdio::Stderr => &mut self.stderr,
        }
    }

    fn end_of_line(&mut self, stdio: Stdio, mask: &Mask) {
        let Partial { bytes, cut } = std::mem::take(self.partial(stdio));
        let line = mask.cut(&String::from_utf8_lossy(&bytes), self.line_bytes, cut);
        if stdio == Stdio::Stderr && !line.trim().is_empty() {
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(line.clone());
        }
        self.emit(
            if stdio == Stdio::Stderr {
                Level::Info
            } else {
                Level::Debug
            },
            &line,
        );
    }

    fn emit(&mut self, level: Level, line: &str) {
        match self.lines_left.checked_sub(1) {
            Some(left) => self.lines_left = left,
            None => return,
        }
        if self.lines_left == 0 {
            let line = format!(
                "more than {} lines in one call: the rest is dropped",
                self.lines_a_call.saturating_sub(1)
            );
            self.say(Level::Warning, &line);
        } else {
            self.say(level, line);
        }
    }

    fn say(&mut self, level: Level, line: &str) {
        let Who {
            component,
            instance,
        } = &self.who;
        match level {
            Level::Error => tracing::error!(target: "guest", component, instance, "{line}"),
            Level::Warning => tracing::warn!(target: "guest", component, instance, "{line}"),
            Level::Info => tracing::info!(target: "guest", component, instance, "{line}"),
            Level::Debug => tracing::debug!(target: "guest", component, instance, "{line}"),
        }
        #[cfg(test)]
        self.written.push((level, line.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log(secrets: &[&str], limits: &Limits) -> GuestLog {
        let mask = Mask::new(secrets.iter().map(|secret| (*secret).to_owned()));
        let who = Who {
            component: "ssm".to_owned(),
            instance: "mine".to_owned(),
        };
        GuestLog::new(&who, mask, limits)
    }

    fn said(log: &GuestLog) -> Vec<String> {
        log.with(|shared| {
            shared
                .written
                .iter()
                .map(|(_, line)| line.clone())
                .collect()
        })
    }

    fn small(lines: u32, bytes: usize) -> Limits {
        Limits {
            log_lines: lines,
            log_line_bytes: bytes,
            ..Limits::default()
        }
    }

    #[test]
    fn nothing_steers_a_terminal_or_turns_text_around() {
        let log = log(&[], &Limits::default());
        log.write(
            Level::Info,
            "a\x1b[31mred\x07\u{202e}txt\u{2066}\n[ERROR] forged\u{9b}x",
        );
        assert_eq!(said(&log), ["a[31mredtxt [ERROR] forgedx"]);
    }

    #[test]
    fn secrets_are_masked_however_they_are_written() {
        let log = log(
            &["hunter2", "abc", "first line\nsecond line"],
            &Limits::default(),
        );
        log.write(Level::Error, "hunter2 hun\0ter2 abc second line");
        log.bytes(Stdio::Stderr, b"pass=hun");
        log.bytes(Stdio::Stderr, b"ter2\n");
        assert_eq!(said(&log), ["*** *** abc ***", "pass=***"]);
        assert_eq!(log.stderr_tail(), "pass=***");
    }

    #[test]
    fn a_cut_leaves_no_half_secret() {
        let log = log(&["0123456789"], &small(10, 20));
        // The line is cut at 80 bytes in the middle of the second secret.
        let line = format!("0123456789{}0123456789 and so on\n", "x".repeat(65));
        log.bytes(Stdio::Stdout, line.as_bytes());
        log.write(Level::Info, &line);
        for line in said(&log) {
            assert!(line.starts_with("***xxx") && line.ends_with('…'), "{line}");
            assert!(!line.contains("0123"), "{line}");
        }
    }

    #[test]
    fn a_call_has_a_quota_and_says_once_that_it_is_spent() {
        let log = log(&[], &small(3, 100));
        for index in 0..10 {
            log.write(Level::Info, &format!("line {index}"));
        }
        assert_eq!(
            said(&log),
            [
                "line 0",
                "line 1",
                "more than 2 lines in one call: the rest is dropped"
            ]
        );
        log.begin_call();
        log.write(Level::Info, "again");
        assert_eq!(said(&log).last().unwrap(), "again");
    }

    #[test]
    fn a_tail_is_kept_beyond_the_quota_and_ends_with_the_call() {
        let log = log(&[], &small(2, 100));
        log.bytes(Stdio::Stderr, b"1\n2\n3\n\n4\n5\npanicked at x");
        log.end_call();
        assert_eq!(log.stderr_tail(), "2 | 3 | 4 | 5 | panicked at x");
        log.begin_call();
        assert_eq!(log.stderr_tail(), "");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let log = log(&[], &Limits::default());
        log.bytes(Stdio::Stdout, b"\xff\xfe ok\n");
        assert_eq!(said(&log), ["\u{fffd}\u{fffd} ok"]);
    }

    #[test]
    fn endless_output_without_a_line_end_takes_no_memory() {
        let log = log(&[], &small(5, 100));
        for _ in 0..1_000 {
            log.bytes(Stdio::Stdout, &[b'x'; 4096]);
        }
        log.with(|shared| assert!(shared.stdout.bytes.len() <= 400));
        log.end_call();
        assert_eq!(said(&log).len(), 1);
    }

    proptest! {
        #[test]
        fn no_secret_is_ever_left(
            before in "\\PC{0,60}", after in "\\PC{0,60}",
            secret in "[a-zA-Z0-9/+$]{4,12}", limit in 5usize..60,
        ) {
            let log = log(&[&secret], &small(10, limit));
            log.write(Level::Info, &format!("{before}{secret}{after}"));
            log.bytes(Stdio::Stdout, format!("{before}{secret}{after}\n").as_bytes());
            for line in said(&log) {
                prop_assert!(!line.contains(&secret));
                prop_assert!(line.len() <= limit + '…'.len_utf8());
            }
        }
    }
}
