//! Truths and numbers, as oslo's and Python's own readers take them.

use std::fmt::Display;

use super::{Kind, Value};
use crate::text::strip;

/// oslo's `Boolean`, in any case.
///
/// ```
/// use caso_config::value::boolean;
///
/// for yes in ["true", "Yes", "on", "1"] {
///     assert_eq!(boolean(yes), Ok(true));
/// }
/// for no in ["false", "no", "OFF", "0"] {
///     assert_eq!(boolean(no), Ok(false));
/// }
/// assert!(boolean("y").is_err() && boolean("").is_err());
/// ```
///
/// # Errors
/// What is expected, for any other text.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err("true or false (also yes, no, on, off, 1, 0)".into()),
    }
}

/// Python's `int()`, from `minimum` up to `maximum`; `None` for an empty text.
///
/// ```
/// use caso_config::value::integer;
///
/// assert_eq!(integer(" +1_000 ", 1, 65_535), Ok(Some(1000)));
/// assert_eq!(integer("", 1, 65_535), Ok(None));
/// assert_eq!(integer("0x10", 1, 65_535), Err("a whole number from 1 to 65535".into()));
/// ```
///
/// # Errors
/// What is expected, with the bounds that there are.
pub fn integer(text: &str, minimum: i64, maximum: i64) -> Result<Option<i64>, String> {
    let text = strip(text);
    if text.is_empty() {
        return Ok(None);
    }
    let expected = || range("a whole number", minimum, maximum, i64::MIN, i64::MAX);
    digits(text)
        .and_then(|digits| digits.parse().ok())
        .filter(|value| (minimum..=maximum).contains(value))
        .map(Some)
        .ok_or_else(expected)
}

/// Python's `float()`, finite; `None` for an empty text.
pub(crate) fn number(text: &str, minimum: f64, maximum: f64) -> Result<Option<f64>, String> {
    let text = strip(text);
    if text.is_empty() {
        return Ok(None);
    }
    let (lowest, highest) = (f64::NEG_INFINITY, f64::INFINITY);
    digits(text)
        .and_then(|digits| digits.parse::<f64>().ok())
        .filter(|value| value.is_finite() && (minimum..=maximum).contains(value))
        .map(Some)
        .ok_or_else(|| range("a number", minimum, maximum, lowest, highest))
}

/// A number's text without Python's `_` between digits.
fn digits(text: &str) -> Option<String> {
    let mut previous = None;
    let mut rest = text.chars().peekable();
    let mut out = String::new();
    while let Some(c) = rest.next() {
        if c == '_' {
            let between = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
            if !between(previous.as_ref()) || !between(rest.peek()) {
                return None;
            }
        } else {
            out.push(c);
        }
        previous = Some(c);
    }
    Some(out)
}

fn range<T: Display + PartialEq>(what: &str, min: T, max: T, lowest: T, highest: T) -> String {
    match (min == lowest, max == highest) {
        (true, true) => what.to_owned(),
        (false, true) => format!("{what} of at least {min}"),
        (true, false) => format!("{what} of at most {max}"),
        (false, false) => format!("{what} from {min} to {max}"),
    }
}

impl Value for bool {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Boolean;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        boolean(text).map(Some)
    }
}

impl Value for u32 {
    /// Least and greatest.
    type Terms = (u32, u32);
    const ANY: (u32, u32) = (0, u32::MAX);
    const KIND: Kind = Kind::Integer;

    fn parse(text: &str, (least, greatest): (u32, u32)) -> Result<Option<Self>, String> {
        let value = integer(text, least.into(), greatest.into())?;
        Ok(value.and_then(|value| value.try_into().ok()))
    }

    fn words((least, greatest): (u32, u32)) -> String {
        format!("{}, {least} to {greatest}", Self::KIND.words())
    }
}
