//! What a guest says: its log lines, its stdout and its stderr.
//!
//! It reaches an operator's terminal and root's cron mail, so each line goes
//! through [`Mask`], and each call and each run has a quota of lines. The quota is
//! looked at first: what nobody will read costs nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::budget::Budget;
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
    budget: Arc<Budget>,
}

struct Shared {
    who: Who,
    line_bytes: usize,
    lines_a_call: u32,
    lines_left: u32,
    stdout: Partial,
    stderr: Partial,
    /// As it came; masked when somebody wants to see it.
    tail: VecDeque<Partial>,
    /// For tests: where lines go besides tracing.
    #[cfg(test)]
    written: Vec<(Level, String)>,
}

/// A line that has not ended yet.
#[derive(Default, Clone)]
struct Partial {
    bytes: Vec<u8>,
    /// More came than is kept; the rest up to the line's end is dropped.
    cut: bool,
}

impl GuestLog {
    pub fn new(who: &Who, mask: Mask, limits: &Limits, budget: Arc<Budget>) -> Self {
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
            budget,
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
                    shared.end_of_line(stdio, &self.mask, &self.budget);
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
            let bytes = shared.line_bytes;
            let line = || self.mask.cut(head, bytes, keep < message.len());
            shared.emit(level, &self.budget, line);
        });
    }

    /// Bytes from stdout or stderr.
    pub fn bytes(&self, stdio: Stdio, bytes: &[u8]) {
        self.with(|shared| {
            let keep = shared.line_bytes.saturating_mul(4);
            for (index, piece) in bytes.split(|byte| *byte == b'\n').enumerate() {
                if index > 0 {
                    shared.end_of_line(stdio, &self.mask, &self.budget);
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
            let bytes = shared.line_bytes;
            let lines = shared.tail.iter().map(|line| line.shown(&self.mask, bytes));
            let lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
            let joined = lines.join(" | ");
            let from = joined.ceil_char_boundary(joined.len().saturating_sub(TAIL_BYTES));
            joined.get(from..).unwrap_or_default().to_owned()
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut Shared) -> R) -> R {
        // A panic while the log was held leaves a log that still works.
        work(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Partial {
    fn shown(&self, mask: &Mask, limit: usize) -> String {
        mask.cut(&String::from_utf8_lossy(&self.bytes), limit, self.cut)
    }
}

impl Shared {
    fn partial(&mut self, stdio: Stdio) -> &mut Partial {
        match stdio {
            Stdio::Stdout => &mut self.stdout,
            Stdio::Stderr => &mut self.stderr,
        }
    }

    fn end_of_line(&mut self, stdio: Stdio, mask: &Mask, budget: &Budget) {
        let line = std::mem::take(self.partial(stdio));
        if stdio == Stdio::Stderr && !line.bytes.iter().all(u8::is_ascii_whitespace) {
            if self.tail.len() == TAIL_LINES {
                self.tail.pop_front();
            }
            self.tail.push_back(line.clone());
        }
        let level = match stdio {
            Stdio::Stderr => Level::Info,
            Stdio::Stdout => Level::Debug,
        };
        let bytes = self.line_bytes;
        self.emit(level, budget, || line.shown(mask, bytes));
    }

    /// The quotas first, the line only if they have room.
    fn emit(&mut self, level: Level, budget: &Budget, line: impl FnOnce() -> String) {
        match self.lines_left.checked_sub(1) {
            Some(left) => self.lines_left = left,
            None => return,
        }
        if self.lines_left == 0 {
            let line = format!(
                "more than {} lines in one call: the rest is dropped",
                self.lines_a_call.saturating_sub(1)
            );
            if budget.log_line(level).is_ok() {
                self.say(Level::Warning, &line);
            }
            return;
        }
        match budget.log_line(level) {
            Ok(()) => self.say(level, &line()),
            Err(Some(last)) => match level {
                Level::Error | Level::Warning => self.say(Level::Warning, &last),
                // Where nobody asked for such lines, nobody misses them.
                Level::Info | Level::Debug => self.say(level, &last),
            },
            Err(None) => {}
        }
    }

    fn say(&mut self, level: Level, line: &str) {
        let Who {
            component,
            instance,
            role,
        } = &self.who;
        let role = role.name();
        match level {
            Level::Error => tracing::error!(target: "guest", role, component, instance, "{line}"),
            Level::Warning => tracing::warn!(target: "guest", role, component, instance, "{line}"),
            Level::Info => tracing::info!(target: "guest", role, component, instance, "{line}"),
            Level::Debug => tracing::debug!(target: "guest", role, component, instance, "{line}"),
        }
        #[cfg(test)]
        self.written.push((level, line.to_owned()));
    }
}

#[cfg(test)]
mod tests;
