//! What differs from run to run, and must not stand in a snapshot.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::NaiveDateTime;

use crate::build::{guests, program, workspace};

/// The text with the folder as `[SITE]`, those of the programs and of the tests'
/// components as `[PROGRAMS]` and `[GUESTS]`, the repository as `[REPOSITORY]`, ports
/// of the loopback interface as `[PORT]`, the present time as `[NOW]`, times taken as
/// `[TIME]`, requests made as `[COUNT]`, our version as `[VERSION]`, SHA-256 digests as `[DIGEST]`, processes as
/// `[PID]`, names in a message queue as `[MESSAGE]`, sizes on disk as `[SIZE]`, where a test's
/// guest panicked and how much memory it asked for as `[LINE]` and `[BYTES]`, and the
/// names of users and groups, where they are who we run as or who owns a file. A time
/// that a test has set stays.
pub fn filtered(text: &str, folder: &Path) -> String {
    let programs = program("caso").with_file_name("").display().to_string();
    let programs = programs.trim_end_matches('/').to_owned();
    let places = [
        (folder.display().to_string(), "[SITE]"),
        (guests().display().to_string(), "[GUESTS]"),
        (programs, "[PROGRAMS]"),
        (workspace().display().to_string(), "[REPOSITORY]"),
        (env!("CARGO_PKG_VERSION").to_owned(), "[VERSION]"),
    ];
    let mut rest = text;
    let mut out = String::new();
    'text: while let Some(first) = rest.chars().next() {
        for (place, name) in &places {
            if let Some(after) = rest.strip_prefix(place) {
                out += name;
                rest = after;
                continue 'text;
            }
        }
        // A number or a word begins here, and does not go on.
        if !out.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '.') {
            for (shape, name) in SHAPES {
                if let Some(length) = shape(rest) {
                    out += name;
                    rest = &rest[length..];
                    continue 'text;
                }
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// The length of what a text begins with, if it has that shape.
type Shape = fn(&str) -> Option<usize>;

const SHAPES: [(Shape, &str); 16] = [
    (address, "127.0.0.1:[PORT]"),
    (present_time, "[NOW]"),
    (|text| seconds(text, "in "), "in [TIME] s"),
    (|text| seconds(text, "after "), "after [TIME] s"),
    (requests, "[COUNT] requests, [TIME] s"),
    (requests_as_data, "\"requests\":[COUNT],\"seconds\":[TIME]"),
    (digest, "[DIGEST]"),
    (message, "[MESSAGE]"),
    (process, "process [PID]"),
    (size, "([SIZE])"),
    (line_of_a_guest, "src/lib.rs:[LINE]"),
    (memory, "needs [MIB] MiB of memory"),
    (owner, "`[OWNER]`"),
    (|text| user(text, "run as `"), "run as `[USER]`"),
    (|text| user(text, "give it to `"), "give it to `[USER]`"),
    (|text| user(text, "looked at by `"), "looked at by `[USER]`"),
];

fn address(text: &str) -> Option<usize> {
    let host = "127.0.0.1:";
    let digits = digits(text.strip_prefix(host)?);
    (digits > 0).then_some(host.len() + digits)
}

/// `2026-11-21 17:20:08.123Z` or `2026-11-21T17:20:08+00:00`, up to a day from now.
fn present_time(text: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let bytes = text.as_bytes();
    let head = bytes.get(..SHAPE.len())?;
    let fits = head.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        shape => byte == shape,
    });
    if !fits {
        return None;
    }
    let head = text[..SHAPE.len()].replace('T', " ");
    let at = NaiveDateTime::parse_from_str(&head, "%Y-%m-%d %H:%M:%S").ok()?;
    let at = at.and_utc().timestamp();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let tail = bytes[SHAPE.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z' | b'+' | b':'))
        .count();
    (at.abs_diff(i64::try_from(now).ok()?) < 86_400).then_some(SHAPE.len() + tail)
}

/// `0.4 s` behind these words: with a fraction, as only a time taken is printed.
fn seconds(text: &str, words: &str) -> Option<usize> {
    let number = text.strip_prefix(words)?;
    let whole = digits(number);
    let fraction = digits(number[whole..].strip_prefix('.')?);
    let length = whole + 1 + fraction;
    let fits = whole > 0 && fraction > 0 && number[length..].starts_with(" s");
    fits.then_some(words.len() + length + 2)
}

/// The same as fields of a JSON line.
fn requests_as_data(text: &str) -> Option<usize> {
    let (first, second) = ("\"requests\":", ",\"seconds\":");
    let number = text.strip_prefix(first)?;
    let count = digits(number);
    let rest = number[count..].strip_prefix(second)?;
    let length = rest.find(|c: char| !matches!(c, '0'..='9' | '.' | 'e' | '-'))?;
    Some(first.len() + count + second.len() + length)
}

/// `23 requests, 0.4 s`: how many there are is judged elsewhere.
fn requests(text: &str) -> Option<usize> {
    let count = digits(text);
    let length = seconds(&text[count..], " requests, ")?;
    (count > 0).then_some(count + length)
}

/// `src/lib.rs:61:23`, which every line above it moves.
fn line_of_a_guest(text: &str) -> Option<usize> {
    let file = "src/lib.rs:";
    let place = text.strip_prefix(file)?;
    let line = digits(place);
    let column = digits(place[line..].strip_prefix(':')?);
    (line > 0 && column > 0).then_some(file.len() + line + 1 + column)
}

/// What was one too much depends on what the guest is made of.
fn memory(text: &str) -> Option<usize> {
    let (before, after) = ("needs ", " MiB of memory");
    let number = text.strip_prefix(before)?;
    let count = number
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .count();
    let fits = count > 0 && number[count..].starts_with(after);
    fits.then_some(before.len() + count + after.len())
}

fn digest(text: &str) -> Option<usize> {
    (hexadecimal(text) == 64).then_some(64)
}

/// `6b094ec4/6b094ef2598f70`
fn message(text: &str) -> Option<usize> {
    let element = text.get(8..)?.strip_prefix('/')?;
    (hexadecimal(text) == 8 && hexadecimal(element) == 14).then_some(8 + 1 + 14)
}

fn hexadecimal(text: &str) -> usize {
    let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.bytes().take_while(|byte| digit(byte)).count()
}

/// `(9333 bytes)`
fn size(text: &str) -> Option<usize> {
    let number = text.strip_prefix('(')?;
    let figures = number
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.');
    let (number, unit) = number.split_at(figures.count());
    let units = [" bytes)", " KiB)", " MiB)"];
    let unit = units.iter().find(|it| unit.starts_with(**it))?;
    (digits(number) > 0).then_some(1 + number.len() + unit.len())
}

fn process(text: &str) -> Option<usize> {
    let word = "process ";
    let digits = digits(text.strip_prefix(word)?);
    (digits > 0).then_some(word.len() + digits)
}

/// `` `root:root` (mode 0755)``, without the mode.
fn owner(text: &str) -> Option<usize> {
    let name = user(text, "`")?;
    text[name..].starts_with(" (mode ").then_some(name)
}

/// A name in backticks behind these words.
fn user(text: &str, words: &str) -> Option<usize> {
    let length = text.strip_prefix(words)?.find('`')?;
    Some(words.len() + length + 1)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_stand_in::instant;

    #[test]
    fn what_differs_from_run_to_run_is_replaced_and_nothing_else() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = instant(now.as_secs() as i64);
        let text = format!(
            "{now} error: cannot reach `http://127.0.0.1:34567/v3` after 0.25 s, says ñ; \
             at least 0.1 s; {}/caso keeps 6b094ec4/6b094ef2598f70 (933 bytes) (1.5 KiB); \
             process 4711 has /tmp/x/spool, {}/etc and {} of v{}; 5 s from 2026-10-05T00:00:00Z; \
             `/x` belongs to `root:adm` (mode 0755), and we run as `me`; a/src/lib.rs:6:23: needs 7.1 MiB of memory",
            program("caso").parent().unwrap().display(),
            workspace().display(),
            "0a".repeat(32),
            env!("CARGO_PKG_VERSION"),
        );
        assert_eq!(
            filtered(&text, Path::new("/tmp/x")),
            "[NOW] error: cannot reach `http://127.0.0.1:[PORT]/v3` after [TIME] s, says ñ; \
             at least 0.1 s; [PROGRAMS]/caso keeps [MESSAGE] ([SIZE]) ([SIZE]); \
             process [PID] has [SITE]/spool, [REPOSITORY]/etc and [DIGEST] of v[VERSION]; \
             5 s from 2026-10-05T00:00:00Z; \
             `/x` belongs to `[OWNER]` (mode 0755), and we run as `[USER]`; \
             a/src/lib.rs:[LINE]: needs [MIB] MiB of memory"
        );
    }
}
