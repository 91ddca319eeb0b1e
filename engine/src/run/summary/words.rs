//! Numbers and lists as English has them.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::run::{backlog, month};
use caso_journal::Damaged;
use caso_state::backlog::Lost;

/// `1 record`, `2 records`, `0 records`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", of(number, one, many))
}

/// The one word or the other.
pub fn of<'a>(number: u64, one: &'a str, many: &'a str) -> &'a str {
    match number {
        1 => one,
        _ => many,
    }
}

/// `1 record`, `2 records`.
pub fn records(number: u64) -> String {
    count(number, "record", "records")
}

/// `is`, `are`.
pub fn is(number: u64) -> &'static str {
    of(number, "is", "are")
}

/// A length as a number to be counted.
pub fn len<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

/// ` to A, B`, where something goes; nothing where it goes nowhere.
pub fn to(places: &[String]) -> String {
    match places.is_empty() {
        true => String::new(),
        false => format!(" to {}", places.join(", ")),
    }
}

/// So many projects are named in a line of many.
const NAMED: usize = 20;

/// `a`, `b`: the first of them, and how many there are besides.
pub fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let names = names.take(NAMED).map(|name| format!("`{name}`"));
    let mut text = names.collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// Seconds in hours, with a digit behind the point.
pub fn hours(seconds: u64) -> String {
    format!(
        "{:.1}",
        Duration::from_secs(seconds).as_secs_f64() / 3_600.0
    )
}

/// `26 min`, `29 h`, `7 days`.
pub fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

/// `999 bytes`, `31 KiB`, `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return count(bytes, "byte", "bytes");
    }
    let (mut whole, mut rest, mut at) = (bytes >> 10, bytes & 1_023, 0);
    while whole >= 1_024 && at + 1 < UNITS.len() {
        (rest, whole, at) = (whole & 1_023, whole >> 10, at + 1);
    }
    let unit = UNITS.get(at).copied().unwrap_or_default();
    match whole {
        0..10 => format!("{whole}.{} {unit}", rest * 10 / 1_024),
        _ => format!("{whole} {unit}"),
    }
}

/// 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a, b and c`; `or` in place of `and` where that is meant.
pub fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// That files of the journal are damaged, which are all of one kind, and what to do.
/// `lost` is what was lost with them.
pub fn damaged(files: &[&Damaged], lost: &[Lost]) -> Option<(String, String)> {
    let first = files.first()?;
    let number = len(files);
    let folder = first.path.parent().unwrap_or(&first.path).display();
    Some(match first.held.is_records() {
        true => {
            let text = format!(
                "{} of the journal {} in `{folder}`: what messengers had not yet received of {} was not delivered",
                count(number, "damaged segment", "damaged segments"),
                of(number, "lies", "lie"),
                of(number, "it", "them"),
            );
            let command = first.held.command();
            let command = command.or_else(|| backlog::command(lost));
            let command =
                command.unwrap_or_else(|| month::republish(&[month_of(&first.path)].into()));
            (text, format!("{command} && rm {}", first.path.display()))
        }
        false => (
            format!(
                "{} of the journal {} in `{folder}`: no record was lost with {}",
                count(number, "damaged file", "damaged files"),
                of(number, "lies", "lie"),
                of(number, "it", "them"),
            ),
            format!("look at the disk, then: rm {}", listed_paths(files)),
        ),
    })
}

fn listed_paths(files: &[&Damaged]) -> String {
    let paths = files.iter().map(|it| it.path.display().to_string());
    paths.collect::<Vec<_>>().join(" ")
}

/// The month in which a file was written last, which is when its records were made, or else this one.
fn month_of(path: &Path) -> String {
    let written = path.metadata().and_then(|found| found.modified());
    let at = written.unwrap_or_else(|_| SystemTime::now());
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    month::name(i64::try_from(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_lengths_of_time() {
        let sizes = [
            0,
            1,
            1_023,
            1_024,
            1_536,
            31 << 10,
            (5 << 20) + (1 << 19),
            3 << 40,
        ];
        assert_eq!(
            sizes.map(size).join(", "),
            "0 bytes, 1 byte, 1023 bytes, 1.0 KiB, 1.5 KiB, 31 KiB, 5.5 MiB, 3.0 TiB"
        );
        let spans = [-5, 0, 119, 120, 7_200, 172_800];
        assert_eq!(
            spans.map(span).join(", "),
            "0 s, 0 s, 119 s, 2 min, 2 h, 2 days"
        );
    }

    #[test]
    fn numbers_are_grouped_and_words_listed() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&words, "and"), "a, b and c");
        assert_eq!(listed(words.get(..1).unwrap(), "and"), "a");
        assert_eq!(listed(&[], "and"), "");
    }
}
