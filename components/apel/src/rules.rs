//! Which texts and numbers APEL's loader, its database and SSM accept.
//!
//! - SSM decodes a message as ASCII. At one that is not, it stops, and the whole queue
//!   with it.
//! - The loader (`apel/db/loader/record_factory.py`) splits a cloud message at every `%%`
//!   and each record at every line end that Python's `splitlines` knows. A value that
//!   contains one of them breaks the message with all its records.
//! - The database columns are `VARCHAR(255)` (`BenchmarkType`: 50), `BIGINT`, `INT`,
//!   `DECIMAL(10,3)` and `DATETIME`, in MySQL's strict mode.
//! - A mandatory value must not be empty, `none` or `null`, in any case.
//!
//! What happens to a text that breaks a rule depends on what the field is for:
//!
//! | kind | fields | then |
//! |---|---|---|
//! | id | all by which usage is booked | the record is refused; an id is never altered |
//! | name | MachineName, LocalUserId, GlobalUserName | it is cleaned, as cASO does |
//! | optional | image, benchmark, network, storage id | it is left out |
//!
//! The errors of the checks go behind the field's name: see [`field`].

use std::borrow::Cow;

use caso_component::plain::is_plain;

/// Characters that a `VARCHAR(255)` column holds.
pub const VARCHAR: usize = 255;
/// Characters that the column `BenchmarkType` holds.
pub const BENCHMARK_TYPE: usize = 50;
/// The least value that a `DECIMAL(10,3)` column does not hold, for it is rounded up.
const DECIMAL_END: f64 = 9_999_999.999_5;
/// 9999-12-31T23:59:59Z, the last second that a `DATETIME` column holds.
const LAST_SECOND: i64 = 253_402_300_799;

/// Checks a text of a cloud message that must not be altered: ASCII, without `%%`, line
/// ends and other control characters, of at most `limit` characters.
pub fn ascii_id(value: &str, limit: usize) -> Result<(), &'static str> {
    // Mostly in one pass: this is asked of ten texts of every record.
    let bytes = value.as_bytes();
    if value.len() <= limit && is_plain(value, *b"%%") {
        return Ok(());
    }
    if !bytes.is_ascii() {
        return Err("has a character that is not ASCII, which would stop SSM");
    }
    if bytes.windows(2).any(|pair| pair == b"%%") {
        return Err("has `%%`, which separates records");
    }
    if bytes.iter().any(breaks_line) {
        return Err("has a line end or another control character");
    }
    length(value, limit)
}

/// Checks that a text has at most `limit` characters. All that a text in a JSON or XML
/// message has to obey, for there everything else can be escaped.
pub fn length(value: &str, limit: usize) -> Result<(), &'static str> {
    // A character has at least a byte.
    if value.len() <= limit || value.chars().nth(limit).is_none() {
        Ok(())
    } else if limit == VARCHAR {
        Err("is longer than 255 characters")
    } else {
        Err("is longer than 50 characters")
    }
}

/// Whether APEL's loader treats a mandatory value as missing.
pub fn is_null(value: &str) -> bool {
    let value = value.trim();
    ["", "none", "null"]
        .iter()
        .any(|null| value.eq_ignore_ascii_case(null))
}

/// A name as a cloud message can hold it: without characters that are not ASCII, with
/// spaces in place of control characters and `%` in place of `%%`, cut to 255 characters.
pub fn cleaned_name(value: &str) -> Cow<'_, str> {
    if ascii_id(value, VARCHAR).is_ok() {
        return Cow::Borrowed(value);
    }
    let mut cleaned = String::with_capacity(value.len());
    for c in value.chars().filter(char::is_ascii) {
        match c {
            '%' if cleaned.ends_with('%') => {}
            c if c.is_ascii_control() && c != '\t' => cleaned.push(' '),
            c => cleaned.push(c),
        }
        if cleaned.len() == VARCHAR {
            break;
        }
    }
    Cow::Owned(cleaned)
}

/// ASCII control characters except the tab: among them is every line end in ASCII.
fn breaks_line(byte: &u8) -> bool {
    byte.is_ascii_control() && *byte != b'\t'
}

/// Checks a number for a `BIGINT` column.
pub fn bigint(value: u64) -> Result<i64, &'static str> {
    i64::try_from(value).map_err(|_| "is larger than APEL's database holds")
}

/// Checks a number for an `INT` column.
pub fn int(value: u32) -> Result<i32, &'static str> {
    i32::try_from(value).map_err(|_| "is larger than APEL's database holds")
}

/// Checks a number for a `DECIMAL(10,3)` column. None of those fields can be negative.
pub fn decimal(value: f64) -> Result<f64, &'static str> {
    if !value.is_finite() {
        Err("is not a finite number")
    } else if value < 0.0 {
        Err("is negative")
    } else if value >= DECIMAL_END {
        Err("is larger than APEL's database holds")
    } else {
        Ok(value)
    }
}

/// Checks epoch seconds for a `DATETIME` column.
pub fn datetime(value: i64) -> Result<i64, &'static str> {
    if (0..=LAST_SECOND).contains(&value) {
        Ok(value)
    } else {
        Err("is before 1970 or after 9999")
    }
}

/// Completes the error of a check with the field's name: "`FQAN` has `%%`, …".
pub fn field<T>(name: &str, value: Result<T, &'static str>) -> Result<T, String> {
    value.map_err(|wrong| format!("`{name}` {wrong}"))
}

/// Checks a mandatory text: that APEL does not treat it as missing, and then `rule`, with
/// the length of a `VARCHAR(255)`.
pub fn mandatory(
    name: &str,
    value: &str,
    rule: fn(&str, usize) -> Result<(), &'static str>,
) -> Result<(), String> {
    if is_null(value) {
        return Err(format!(
            "`{name}` is `{value}`, which APEL treats as missing"
        ));
    }
    field(name, rule(value, VARCHAR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_cleaned() {
        for (given, cleaned) in [
            ("plain name-1_%", "plain name-1_%"),
            ("b\u{f3}b", "bb"),
            ("a%%b", "a%b"),
            ("a%%%%b", "a%b"),
            ("a%\u{f3}%b", "a%b"),
            ("two\r\nlines", "two  lines"),
            ("a\ttab", "a\ttab"),
            ("nul\0 and escape\x1b[1m", "nul  and escape [1m"),
            ("\u{2028}\u{85}", ""),
        ] {
            assert_eq!(cleaned_name(given), cleaned);
        }
        assert_eq!(cleaned_name(&"x".repeat(300)).len(), 255);
    }

    #[test]
    fn ids_are_taken_or_refused() {
        assert_eq!(
            ascii_id("/vo.example.org/Role=VMOperators", VARCHAR),
            Ok(())
        );
        assert_eq!(ascii_id("100%", VARCHAR), Ok(()));
        for bad in ["b\u{f3}b", "a%%b", "a\nb", "a\x0bb", "a\x1eb", "a\0b"] {
            assert!(ascii_id(bad, VARCHAR).is_err(), "{bad:?}");
        }
        assert_eq!(ascii_id(&"x".repeat(255), VARCHAR), Ok(()));
        assert!(ascii_id(&"x".repeat(256), VARCHAR).is_err());
        for limit in [VARCHAR, BENCHMARK_TYPE] {
            let wrong = ascii_id(&"x".repeat(limit + 1), limit).unwrap_err();
            assert!(wrong.contains(&limit.to_string()), "{wrong}");
        }
        assert_eq!(length(&"\u{f3}".repeat(255), VARCHAR), Ok(()));
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
        assert!(bigint(u64::MAX).is_err());
        assert!(int(u32::MAX).is_err());
        assert_eq!(decimal(9_999_999.999), Ok(9_999_999.999));
        assert_eq!(decimal(0.0), Ok(0.0));
        assert!(decimal(9_999_999.999_5).is_err());
        assert_eq!(datetime(0), Ok(0));
        assert_eq!(datetime(253_402_300_799), Ok(253_402_300_799));
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1e7] {
            assert!(decimal(bad).is_err(), "{bad}");
        }
        assert!(datetime(-1).is_err());
        assert!(datetime(253_402_300_800).is_err());
    }

    proptest! {
        #[test]
        fn a_cleaned_name_obeys_the_rules_of_an_id(value in any::<String>()) {
            let cleaned = cleaned_name(&value);
            prop_assert_eq!(ascii_id(&cleaned, VARCHAR), Ok(()));
            prop_assert_eq!(cleaned_name(&cleaned), cleaned.as_ref());
        }

        #[test]
        fn an_id_that_is_taken_is_left_alone_by_the_loader(value in any::<String>()) {
            if ascii_id(&value, VARCHAR).is_ok() {
                prop_assert_eq!(cleaned_name(&value), value.as_str());
            }
        }
    }
}
