//! From text to values, as oslo's types read them, and as the contract's own
//! kinds (duration, size, endpoint) are written.
//!
//! An error is the second half of the sentence "… is `x`; expected …".

use std::fmt::Display;

use super::ini::strip;
use caso_base::Endpoint;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Text,
    Secret,
    Path,
    Url,
    Boolean,
    /// From, up to.
    Integer(i64, i64),
    /// More than zero.
    Positive,
    Texts,
    /// Least and greatest, in milliseconds.
    Duration(u64, u64),
    /// Least, in bytes.
    Size(u64),
    /// A moment, see `date`.
    Moment,
    Choice(&'static [&'static str]),
}

/// oslo's `Boolean`.
pub fn boolean(text: &str) -> Result<bool, String> {
    caso_base::parse_boolean(text)
        .ok_or_else(|| "true or false (also yes, no, on, off, 1, 0)".into())
}

/// Python's `int()`; `None` for an empty text.
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
pub fn number(text: &str, minimum: f64, maximum: f64) -> Result<Option<f64>, String> {
    let text = strip(text);
    if text.is_empty() {
        return Ok(None);
    }
    digits(text)
        .and_then(|digits| digits.parse::<f64>().ok())
        .filter(|value| value.is_finite() && (minimum..=maximum).contains(value))
        .map(Some)
        .ok_or_else(|| {
            range(
                "a number",
                minimum,
                maximum,
                f64::NEG_INFINITY,
                f64::INFINITY,
            )
        })
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

/// oslo's `List` of texts: empty entries in the middle stay.
pub fn texts(text: &str) -> Vec<String> {
    let text = strip(text).trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| strip(item).to_owned()).collect()
}

/// `90`, `90s`, `1.5h`: milliseconds; `None` for an empty text.
pub fn duration(text: &str, minimum: u64, maximum: u64) -> Result<Option<u64>, String> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1_000),
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("min", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let text = strip(text);
    if text.is_empty() {
        return Ok(None);
    }
    amount(text, UNITS, false)
        .filter(|value| (minimum..=maximum).contains(value))
        .map(Some)
        .ok_or_else(|| {
            let mut expected =
                String::from("a span of time: seconds, or `500ms`, `90s`, `15m`, `2h`, `1d`");
            if minimum > 0 {
                expected += &format!(", at least {} s", minimum as f64 / 1_000.0);
            }
            if maximum < u64::MAX {
                expected += &format!(", at most {} s", maximum as f64 / 1_000.0);
            }
            expected
        })
}

/// `700000`, `700k` (thousands), `64MiB` (1,024s): bytes; `None` for an empty
/// text.
pub fn size(text: &str, minimum: u64) -> Result<Option<u64>, String> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1),
        ("b", 1),
        ("k", 1_000),
        ("kb", 1_000),
        ("m", 1_000_000),
        ("mb", 1_000_000),
        ("g", 1_000_000_000),
        ("gb", 1_000_000_000),
        ("ki", 1 << 10),
        ("kib", 1 << 10),
        ("mi", 1 << 20),
        ("mib", 1 << 20),
        ("gi", 1 << 30),
        ("gib", 1 << 30),
    ];
    let text = strip(text);
    if text.is_empty() {
        return Ok(None);
    }
    amount(text, UNITS, true)
        .filter(|value| *value >= minimum)
        .map(Some)
        .ok_or_else(|| match minimum {
            0 => "an amount of data: bytes, or `700k`, `64MiB`, `1GiB`".into(),
            _ => {
                format!("an amount of data: bytes, or `700k`, `64MiB`, `1GiB`, at least {minimum}")
            }
        })
}

/// A number with one of `units` behind it, exactly, as a whole number of the
/// smallest unit.
fn amount(text: &str, units: &[(&str, u64)], any_case: bool) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start_matches(' ');
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit || any_case && name.eq_ignore_ascii_case(unit))?
        .1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let divisor = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let fraction = fraction.parse::<u128>().ok()? * u128::from(factor) / divisor;
    whole.checked_add(u64::try_from(fraction).ok()?)
}

/// An absolute URL with a host.
pub fn url(text: &str) -> Result<url::Url, String> {
    url::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "an address that begins with `https://` or `http://`".into())
}

/// A host and a port, see [`Endpoint`].
pub fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse()
        .map_err(|_| "a host and a port: `host:port`, `[::1]:port`".to_owned())
}

/// One of `words`, exactly.
pub fn choice<S: AsRef<str>>(text: &str, words: &[S]) -> Result<String, String> {
    if words.iter().any(|word| word.as_ref() == text) {
        return Ok(text.to_owned());
    }
    let listed: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    Err(format!("one of {}", listed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn booleans_as_oslo_reads_them() {
        assert_eq!(boolean("YES"), Ok(true));
        assert_eq!(boolean("off"), Ok(false));
        assert!(boolean("").is_err());
        assert!(boolean("y").is_err());
    }

    #[test]
    fn integers_as_python_reads_them() {
        let any = |text| integer(text, i64::MIN, i64::MAX);
        assert_eq!(any(" +1_000 "), Ok(Some(1000)));
        assert_eq!(any(""), Ok(None));
        for bad in ["1__0", "_1", "1.0", "0x10", "ten"] {
            assert_eq!(any(bad), Err("a whole number".into()), "{bad}");
        }
        assert_eq!(
            integer("0", 1, i64::MAX),
            Err("a whole number of at least 1".into())
        );
        assert_eq!(
            integer("70000", 1, 65535),
            Err("a whole number from 1 to 65535".into())
        );
    }

    #[test]
    fn numbers_are_finite() {
        let any = |text| number(text, f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(any("1e3"), Ok(Some(1000.0)));
        assert!(any("nan").is_err());
        assert!(any("inf").is_err());
    }

    #[test]
    fn lists_keep_empty_entries_in_the_middle() {
        assert_eq!(texts("a,,b,,"), ["a", "", "b"]);
        assert_eq!(texts(" a,\n b "), ["a", "b"]);
        assert!(texts(" , ").is_empty() || texts(" , ") == [""]);
        assert!(texts("").is_empty());
    }

    #[test]
    fn durations_and_sizes() {
        let d = |text| duration(text, 0, u64::MAX);
        assert_eq!(d("90"), Ok(Some(90_000)));
        assert_eq!(d("1.5h"), Ok(Some(5_400_000)));
        assert_eq!(d("500ms"), Ok(Some(500)));
        assert_eq!(d(""), Ok(None));
        for bad in ["-1", "1 fortnight", ".5", "1.", "1M", "s"] {
            assert!(d(bad).is_err(), "{bad}");
        }
        assert!(duration("0", 1, u64::MAX).is_err());
        assert_eq!(size("700k", 0), Ok(Some(700_000)));
        assert_eq!(size("64 MiB", 0), Ok(Some(64 << 20)));
        assert!(size("1", 65_536).is_err());
        assert!(size("99999999999999999999", 0).is_err());
    }

    #[test]
    fn endpoints() {
        let read = |text| endpoint(text).map(|endpoint| endpoint.to_string());
        assert_eq!(read("localhost:5000"), Ok("localhost:5000".into()));
        assert_eq!(read("[::1]:80"), Ok("[::1]:80".into()));
        for bad in [
            "::1:80",
            "host",
            "host:0",
            ":80",
            "a b:1",
            "[x]:1",
            "host:99999",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = (boolean(&text), integer(&text, 0, 9), number(&text, 0.0, 9.0), texts(&text));
            let _ = (duration(&text, 0, 9), size(&text, 0), endpoint(&text), url(&text));
        }

        #[test]
        fn any_number_of_seconds_is_read(seconds in 0_u64..1 << 50) {
            prop_assert_eq!(duration(&seconds.to_string(), 0, u64::MAX), Ok(Some(seconds * 1000)));
        }
    }
}
