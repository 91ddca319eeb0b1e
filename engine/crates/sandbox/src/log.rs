//! What a guest says: its log lines, its stdout and its stderr.
//!
//! Guest text reaches an operator's terminal and root's cron mail, so it is
//! bounded, loses everything that steers a terminal or turns text around, and
//! loses secrets. The order matters: clean first, so that a secret written
//! with a control character in its middle is still found; mask before cutting,
//! so that no half of a secret is left at the end of a line.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::Limits;

/// Shorter secrets are not masked: they would blank half of every line.
const SHORTEST_SECRET: usize = 4;
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

/// Replaces secrets by `***` and cleans text.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that a secret that contains another goes whole.
    secrets: Arc<[String]>,
}

impl Mask {
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        // A secret of several lines is said line by line.
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .flat_map(|secret| secret.lines().map(clean).collect::<Vec<_>>())
            .filter(|secret| secret.chars().count() >= SHORTEST_SECRET)
            .flat_map(|secret| spellings(&secret))
            .collect();
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self {
            secrets: secrets.into(),
        }
    }

    /// The text as it is, but for the secrets in it.
    pub fn hidden(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter() {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// One clean line of at most `limit` bytes.
    pub fn line(&self, text: &str, limit: usize) -> String {
        self.masked(text, limit, false)
    }

    /// As `line`; `cut` says that the text goes on where we no longer look.
    fn masked(&self, text: &str, limit: usize, cut: bool) -> String {
        let mut text = clean(text);
        if cut {
            // What is left of a secret that began before the end.
            let longest = self.secrets.first().map_or(0, String::len);
            let end = text.floor_char_boundary(text.len().saturating_sub(longest));
            let half = self.secrets.iter().filter_map(|secret| {
                let from = text.len().saturating_sub(secret.len());
                (from..text.len())
                    .filter(|start| *start >= end)
                    .find(|start| {
                        text.get(*start..)
                            .is_some_and(|tail| secret.starts_with(tail))
                    })
            });
            if let Some(start) = half.min() {
                text.truncate(start);
            }
        }
        text = self.hidden(&text);
        if text.len() > limit || cut {
            text.truncate(text.floor_char_boundary(limit));
            text.push('…');
        }
        text
    }
}

/// A secret as it stands, and as it stands in JSON and in an address, where the
/// libraries of different languages leave different characters alone.
fn spellings(secret: &str) -> Vec<String> {
    let kept = ["-._*", "-._~", "-._~/", "-._~!'()*", "-._~!()*"];
    let mut all = vec![secret.to_owned()];
    for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
        for kept in kept {
            let text = percent(secret, kept, digits);
            // A blank in a form.
            all.push(text.replace("%20", "+"));
            all.push(text);
        }
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let inside = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    all.extend(inside.map(str::to_owned));
    all
}

fn percent(text: &str, kept: &str, digits: &str) -> String {
    let digit = |value: u8| digits.chars().nth(usize::from(value)).unwrap_or_default();
    let mut all = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || kept.contains(c) {
            all.push(c);
        } else {
            all.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    all
}

/// Without control and bidirectional characters; line ends and tabs are blanks.
fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() => None,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => None,
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => None,
            c => Some(c),
        })
        .collect()
}

/// The log of one store. Clones share it.
#[derive(Clone)]
pub struct GuestLog {
    shared: Arc<Mutex<Shared>>,
    mask: Mask,
}

struct Shared {
    component: String,
    instance: String,
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
    pub fn new(component: &str, instance: &str, mask: Mask, limits: &Limits) -> Self {
        let shared = Shared {
            component: component.to_owned(),
            instance: instance.to_owned(),
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
            let line = self
                .mask
                .masked(head, shared.line_bytes, keep < message.len());
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
        let line = mask.masked(&String::from_utf8_lossy(&bytes), self.line_bytes, cut);
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
        let (component, instance) = (self.component.as_str(), self.instance.as_str());
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

    #[test]
    fn a_secret_is_known_in_an_address_and_in_json() {
        let mask = Mask::new(["p\u{e4}qq w\"rd/&'1".to_owned()]);
        for text in [
            "?password=p%C3%A4qq+w%22rd%2F%26%271&x=1",
            "?password=p%c3%a4qq%20w%22rd/%26%271&x=1",
            "?password=p%C3%A4qq%20w%22rd%2F%26'1&x=1",
            r#"{"password":"p\u{e4}qq w\"rd/&'1","x":1}"#,
        ] {
            let text = text.replace("\\u{e4}", "\u{e4}");
            let line = mask.line(&text, 200);
            assert!(line.contains("***") && !line.contains("qq"), "{line}");
            assert_eq!(mask.hidden(&text), line);
        }
    }
    use proptest::prelude::*;

    fn log(secrets: &[&str], limits: &Limits) -> GuestLog {
        let mask = Mask::new(secrets.iter().map(|secret| (*secret).to_owned()));
        GuestLog::new("ssm", "mine", mask, limits)
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
