//! Numbers as English has them.

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
