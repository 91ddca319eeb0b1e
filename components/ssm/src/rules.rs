//! What APEL's loader, its database and SSM take of a text or a number.
//!
//! - SSM decodes a message as ASCII and stops, queue and all, where it is not.
//! - The loader cuts a cloud message at every `%%` and, as Python's `splitlines`
//!   does, at every line end it knows; a value with one of them breaks the
//!   message with all its records.
//! - The columns are `VARCHAR(255)` (`BenchmarkType` 50), `BIGINT`, `INT`,
//!   `DECIMAL(10,3)` and `DATETIME`, in strict mode.
//! - A mandatory value must not be empty, `none` or `null` in any case.
//!
//! Three kinds of text field follow from what is at stake. A *name* (MachineName,
//! LocalUserId, GlobalUserName) is for people: it is cleaned, as cASO drops what
//! is not ASCII from it. A *note* (image, benchmark, network, storage id) may be
//! absent: it is left out. An *id* (everything by which usage is booked) is never
//! altered: its record is refused.

/// Characters of a `VARCHAR(255)`.
pub const TEXT: usize = 255;
/// Characters of `BenchmarkType`.
pub const BENCHMARK_TYPE: usize = 50;
/// First value that `DECIMAL(10,3)` does not hold.
const DECIMAL_END: f64 = 9_999_999.999_5;
/// 9999-12-31T23:59:59Z, the last second of a `DATETIME`.
const LAST_SECOND: i64 = 253_402_300_799;

/// A text in a cloud message that must stay as it is. The error says what is
/// wrong with it.
pub fn ascii_id(value: &str, limit: usize) -> Result<(), &'static str> {
    if !value.is_ascii() {
        return Err("has a character that is not ASCII, at which SSM would stop");
    }
    if value.contains("%%") {
        return Err("has `%%`, which divides records");
    }
    if value.contains(breaks) {
        return Err("has a line end or another control character");
    }
    length(value, limit)
}

/// A text in a JSON or XML message, where anything can be escaped.
pub fn text(value: &str, limit: usize) -> Result<(), &'static str> {
    length(value, limit)
}

/// Whether the loader takes it for no value at all.
pub fn is_null(value: &str) -> bool {
    let value = value.trim();
    ["", "none", "null"]
        .iter()
        .any(|null| value.eq_ignore_ascii_case(null))
}

/// A name, cleaned: without what is not ASCII, with spaces for control
/// characters, single percent signs, and cut at the column's end.
pub fn name(value: &str) -> String {
    let mut cleaned = String::with_capacity(value.len());
    for c in value.chars().filter(char::is_ascii) {
        match c {
            '%' if cleaned.ends_with('%') => {}
            c if breaks(c) => cleaned.push(' '),
            c => cleaned.push(c),
        }
        if cleaned.len() == TEXT {
            break;
        }
    }
    cleaned
}

/// Control characters but the tab: among them every ASCII line end.
fn breaks(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

fn length(value: &str, limit: usize) -> Result<(), &'static str> {
    if value.chars().nth(limit).is_none() {
        Ok(())
    } else if limit == TEXT {
        Err("is longer than 255 characters")
    } else {
        Err("is longer than 50 characters")
    }
}

/// A number of a `BIGINT` column.
pub fn big(value: u64) -> Result<i64, &'static str> {
    i64::try_from(value).map_err(|_| "is larger than APEL's database holds")
}

/// A number of an `INT` column.
pub fn int(value: u32) -> Result<i32, &'static str> {
    i32::try_from(value).map_err(|_| "is larger than APEL's database holds")
}

/// A number of a `DECIMAL(10,3)` column.
pub fn decimal(value: f64) -> Result<f64, &'static str> {
    if !value.is_finite() {
        Err("is no number")
    } else if value < 0.0 {
        Err("is negative")
    } else if value >= DECIMAL_END {
        Err("is larger than APEL's database holds")
    } else {
        Ok(value)
    }
}

/// A time of a `DATETIME` column.
pub fn time(value: i64) -> Result<i64, &'static str> {
    if (0..=LAST_SECOND).contains(&value) {
        Ok(value)
    } else {
        Err("lies before 1970 or after 9999")
    }
}

/// Puts the field's name before what is wrong with it.
pub fn field<T>(name: &str, value: Result<T, &'static str>) -> Result<T, String> {
    value.map_err(|wrong| format!("`{name}` {wrong}"))
}

/// The same for a mandatory text.
pub fn mandatory(
    name: &str,
    value: &str,
    rule: fn(&str, usize) -> Result<(), &'static str>,
) -> Result<(), String> {
    if is_null(value) {
        return Err(format!("`{name}` is `{value}`, which APEL takes for none"));
    }
    field(name, rule(value, TEXT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_cleaned() {
        for (given, told) in [
            ("plain name-1_%", "plain name-1_%"),
            ("b\u{f3}b", "bb"),
            ("a%%b", "a%b"),
            ("a%%%%b", "a%b"),
            ("a%\u{f3}%b", "a%b"),
            ("two\r\nlines", "two  lines"),
            ("nul\0 and escape\x1b[1m", "nul  and escape [1m"),
            ("\u{2028}\u{85}", ""),
        ] {
            assert_eq!(name(given), told);
        }
        assert_eq!(name(&"x".repeat(300)).len(), 255);
    }

    #[test]
    fn ids_are_taken_or_refused() {
        assert_eq!(ascii_id("/vo.example.org/Role=VMOperators", TEXT), Ok(()));
        assert_eq!(ascii_id("100%", TEXT), Ok(()));
        for bad in ["b\u{f3}b", "a%%b", "a\nb", "a\x0bb", "a\x1eb", "a\0b"] {
            assert!(ascii_id(bad, TEXT).is_err(), "{bad:?}");
        }
        assert_eq!(ascii_id(&"x".repeat(255), TEXT), Ok(()));
        assert!(ascii_id(&"x".repeat(256), TEXT).is_err());
        assert!(ascii_id(&"x".repeat(51), BENCHMARK_TYPE).is_err());
        assert_eq!(text(&"\u{f3}".repeat(255), TEXT), Ok(()));
    }

    #[test]
    fn nulls_of_the_loader() {
        for null in ["", " ", "None", "NULL", "nOnE", "null "] {
            assert!(is_null(null), "{null:?}");
        }
        assert!(!is_null("nothing"));
    }

    #[test]
    fn numbers_fit_their_columns() {
        assert!(big(u64::MAX).is_err());
        assert!(int(u32::MAX).is_err());
        assert_eq!(decimal(9_999_999.999), Ok(9_999_999.999));
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1e7] {
            assert!(decimal(bad).is_err(), "{bad}");
        }
        assert!(time(-1).is_err());
        assert!(time(253_402_300_800).is_err());
    }

    proptest! {
        #[test]
        fn a_cleaned_name_obeys_the_rules_of_an_id(value in any::<String>()) {
            let cleaned = name(&value);
            prop_assert_eq!(ascii_id(&cleaned, TEXT), Ok(()));
            prop_assert_eq!(name(&cleaned), cleaned);
        }

        #[test]
        fn an_id_that_is_taken_is_left_alone_by_the_loader(value in any::<String>()) {
            if ascii_id(&value, TEXT).is_ok() {
                prop_assert_eq!(name(&value), value);
            }
        }
    }
}
