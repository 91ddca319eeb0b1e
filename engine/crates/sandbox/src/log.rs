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

    /// The call is over: a line without its end ends here.
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
mod tests;
