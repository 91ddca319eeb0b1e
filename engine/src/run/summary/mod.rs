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

pub use self::extraction::{FEW, Failure, by_cause};

use crate::run::remedy;
use caso_base::Message;
use caso_base::line::{LINE_BYTES, clean_lines, short_line};
use std::collections::BTreeMap;
use std::io::{self, Write as _};

use super::exit::Exit;
use super::warning_memory::WarningMemory;
use crate::advice;
use crate::log_line;
use caso_model::notice::Notice;
use caso_state::ledger::ProblemLine;

/// So many are remembered of a run.
const MOST_PROBLEMS: usize = 50;

/// Collected while the run goes on.
#[derive(Default)]
pub struct Summary {
    successes: usize,
    failures: usize,
    lines: Vec<Line>,
    /// Requests to OpenStack and Prometheus.
    requests: u64,
    /// Whether nothing of it is real.
    dry: bool,
    /// Whether it moves no cursor, so that the next run reads the same again.
    rehearsal: bool,
    memory: WarningMemory,
    /// What was told as an error.
    problems: Vec<ProblemLine>,
    /// Where each messenger's records go, for people; nothing of one whose output is turned
    /// elsewhere.
    destinations: BTreeMap<String, Vec<String>>,
}

/// A line, and what it says as data: a program reads the fields, a person the text.
struct Line {
    text: String,
    fields: Vec<(&'static str, serde_json::Value)>,
}

impl Summary {
    /// Of a run that is none of the site's accounting: a dry one, one of a recording, a trial.
    #[must_use]
    pub fn of_a_rehearsal(self, rehearsal: bool) -> Self {
        Self { rehearsal, ..self }
    }

    /// One that warns of what is new to `memory`. `dry` is a run in which nothing
    /// is really sent.
    pub fn new(memory: WarningMemory, dry: bool) -> Self {
        Self {
            memory,
            dry,
            ..Self::default()
        }
    }

    /// Where a messenger's records go.
    pub fn goes_to(&mut self, messenger: &str, places: Vec<String>) {
        self.destinations.insert(messenger.to_owned(), places);
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
    pub fn problem(&mut self, message: impl Into<Message>) {
        let message = message.into();
        self.remember(&message);
        remedy::log_error(message);
        self.failure();
    }

    /// For whoever asks later what became of the run. Of very many the first say what is wrong.
    pub fn remember(&mut self, message: &Message) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(ProblemLine {
                text: short_line(&message.text, LINE_BYTES),
                hint: message.hint.as_deref().map(|it| short_line(it, LINE_BYTES)),
            });
        }
    }

    /// Whether it was told that the spool's disk is full: what else that costs is then no news.
    pub fn has_told_of_no_room(&self) -> bool {
        self.problems
            .iter()
            .any(|it| it.text.contains(remedy::NO_ROOM))
    }

    /// What was told as an error so far.
    pub fn problems(&self) -> &[ProblemLine] {
        &self.problems
    }

    /// A line of the summary.
    pub fn line(&mut self, text: String) {
        self.line_with(text, Vec::new());
    }

    /// The same with what it says as data.
    pub fn line_with(&mut self, text: String, fields: Vec<(&'static str, serde_json::Value)>) {
        tracing::info!("{text}");
        self.lines.push(Line { text, fields });
    }

    /// Something odd that cost no record: a warning where it is new.
    pub fn notice(&mut self, notice: &Notice) {
        self.memory.notice(notice);
    }

    fn warn(&mut self, key: String, message: impl Into<Message>) {
        self.notice(&Notice::warning(key, message));
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
        let fields = vec![
            ("requests", self.requests.into()),
            ("seconds", seconds.into()),
        ];
        self.line_with(format!("{requests}, {seconds:.1} s"), fields);
    }

    /// The lines' texts.
    #[cfg(test)]
    fn texts(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line.text.as_str()).collect()
    }

    /// The lines on stderr.
    pub fn print(&self, json: bool) {
        let mut stderr = io::stderr().lock();
        let now = log_line::now();
        let stamped = log_line::stderr_is_a_file();
        for Line { text, fields } in &self.lines {
            let text = clean_lines(text);
            let text = advice::of_process(&text);
            let line = match json {
                true => {
                    let fields = fields.iter().map(|(name, value)| (*name, value.clone()));
                    log_line::json(&now, "INFO", "caso", &text, fields)
                }
                false if stamped => log_line::stamped(&now, "info", &text),
                false => text.into_owned(),
            };
            let _ = writeln!(stderr, "{line}");
        }
    }
}
