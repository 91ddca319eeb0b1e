//! The form of a line of the log, whoever writes it: the log itself, or the summary of a run.

use std::io;

use nix::sys::stat::{SFlag, fstat};
use serde_json::{Map, Value};

/// The time that a line carries.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A line for people in a file, which nothing else says the time of.
pub fn stamped(now: &str, level: &str, text: &str) -> String {
    format!("{now} {} {level}: {text}", std::process::id())
}

/// What to do, below the line that says what is.
pub const HINT: &str = "hint";

/// A line for programs.
pub fn json<'a>(
    now: &str,
    level: &str,
    target: &str,
    message: &str,
    fields: impl Iterator<Item = (&'a str, Value)>,
) -> String {
    let head = [
        ("time", now),
        ("level", level),
        ("target", target),
        ("message", message),
    ];
    let head = head.map(|(name, value)| (name, value.into()));
    let all = head.into_iter().chain(fields);
    let line: Map<String, Value> = all.map(|(name, value)| (name.to_owned(), value)).collect();
    Value::Object(line).to_string()
}

/// Whether standard error goes into a file, as a cron line has it with `>> caso.log 2>&1`.
pub fn stderr_is_a_file() -> bool {
    fstat(io::stderr()).is_ok_and(|found| {
        SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
    })
}
