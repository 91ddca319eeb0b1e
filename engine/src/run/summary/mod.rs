//! What a run came to: what counts for the exit code, and what the operator
//! reads.
//!
//! Three readers: cron, who wants nothing on a good day and few lines on a bad
//! one; a person at a terminal; the log file. Problems are log lines at error,
//! so that all three get them. The other lines are printed when somebody watches
//! or something is wrong. How each is worded is in the files below, by what it is
//! about: `extraction`, `delivery`, `journal`.

mod delivery;
mod extraction;
mod journal;
pub mod words;

use caso_base::line::clean_lines;
use std::io::{self, Write as _};

use super::exit::Exit;
use super::warning_memory::WarningMemory;
use caso_model::notice::Notice;

/// Collected while the run goes on.
#[derive(Default)]
pub struct Summary {
    successes: usize,
    failures: usize,
    lines: Vec<String>,
    /// Requests to OpenStack and Prometheus.
    requests: u64,
    /// Whether nothing of it is real.
    dry: bool,
    memory: WarningMemory,
}

impl Summary {
    /// One that warns of what is new to `memory`. `dry` is a run in which nothing
    /// is really sent.
    pub fn new(memory: WarningMemory, dry: bool) -> Self {
        Self {
            memory,
            dry,
            ..Self::default()
        }
    }

    /// Something that was asked for was done.
    pub fn success(&mut self) {
        self.successes += 1;
    }

    /// Something was not done, and needs no line of its own.
    fn failure(&mut self) {
        self.failures += 1;
    }

    /// Something was not done, or is lost.
    pub fn problem(&mut self, text: impl AsRef<str>) {
        tracing::error!("{}", text.as_ref());
        self.failure();
    }

    /// A line of the summary.
    pub fn line(&mut self, text: String) {
        tracing::info!("{text}");
        self.lines.push(text);
    }

    /// Something odd that cost no record: a warning where it is new.
    pub fn notice(&mut self, notice: &Notice) {
        self.memory.notice(notice);
    }

    fn warn(&mut self, key: String, text: String) {
        self.notice(&Notice::warning(key, text));
    }

    /// The run's exit code.
    pub fn exit(&self, partial_is_success: bool) -> Exit {
        Exit::of(self.successes, self.failures, partial_is_success)
    }

    /// Whether anything at all was done.
    pub fn has_success(&self) -> bool {
        self.successes > 0
    }

    /// Requests to OpenStack and Prometheus so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// What the operator was warned of, to be remembered.
    pub fn take_memory(&mut self) -> WarningMemory {
        std::mem::take(&mut self.memory)
    }

    /// The last line.
    pub fn took(&mut self, seconds: f64) {
        let requests = words::count(self.requests, "request", "requests");
        self.line(format!("{requests}, {seconds:.1} s"));
    }

    /// The lines on stderr.
    pub fn print(&self, json: bool) {
        let mut stderr = io::stderr().lock();
        for line in &self.lines {
            let line = clean_lines(line);
            let line = match json {
                true => serde_json::json!({ "level": "INFO", "message": line }).to_string(),
                false => line,
            };
            let _ = writeln!(stderr, "{line}");
        }
    }
}
