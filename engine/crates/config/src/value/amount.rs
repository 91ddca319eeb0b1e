//! Spans of time and amounts of data, with or without a unit.

use std::time::Duration;

use super::{Kind, Value, number};
use crate::text::strip;

/// A span of time between `minimum` and `maximum`, to the millisecond; `None`
/// for an empty text. A bare number counts seconds.
///
/// ```
/// use caso_config::value::duration;
/// use std::time::Duration;
///
/// let any = |text| duration(text, Duration::ZERO, Duration::MAX);
/// for (text, milliseconds) in [
///     ("90", 90_000), ("90s", 90_000), ("500ms", 500), ("15m", 900_000), ("15min", 900_000),
///     ("1.5h", 5_400_000), ("1 d", 86_400_000),
/// ] {
///     assert_eq!(any(text), Ok(Some(Duration::from_millis(milliseconds))), "{text}");
/// }
/// assert_eq!(any(""), Ok(None));
/// assert!(any("-1").is_err() && any("1 fortnight").is_err() && any("1M").is_err());
/// ```
///
/// # Errors
/// What is expected, with the bounds that there are.
pub fn duration(
    text: &str,
    minimum: Duration,
    maximum: Duration,
) -> Result<Option<Duration>, String> {
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
    let span = amount(text, UNITS, false).map(Duration::from_millis);
    let span = span.filter(|span| (minimum..=maximum).contains(span));
    span.map(Some).ok_or_else(|| {
        let mut expected =
            String::from("a span of time: seconds, or `500ms`, `90s`, `15m`, `2h`, `1d`");
        if minimum > Duration::ZERO {
            expected += &format!(", at least {} s", minimum.as_secs_f64());
        }
        if maximum < Duration::MAX {
            expected += &format!(", at most {} s", maximum.as_secs_f64());
        }
        expected
    })
}

/// An amount of data in bytes, at least `minimum`; `None` for an empty text.
/// `k`, `M`, `G` count thousands, `Ki`, `Mi`, `Gi` 1,024s, in any case.
///
/// ```
/// use caso_config::value::size;
///
/// for (text, bytes) in [
///     ("700000", 700_000), ("700k", 700_000), ("1 GB", 1_000_000_000), ("64MiB", 64 << 20),
///     ("1.5Ki", 1536),
/// ] {
///     assert_eq!(size(text, 0), Ok(Some(bytes)), "{text}");
/// }
/// assert_eq!(size("", 0), Ok(None));
/// assert!(size("lots", 0).is_err() && size("1k", 65_536).is_err());
/// ```
///
/// # Errors
/// What is expected, with the least if there is one.
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
    let bytes = amount(text, UNITS, true).filter(|bytes| *bytes >= minimum);
    bytes.map(Some).ok_or_else(|| {
        let least = match minimum {
            0 => String::new(),
            _ => format!(", at least {minimum}"),
        };
        format!("an amount of data: bytes, or `700k`, `64MiB`, `1GiB`{least}")
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

impl Value for Duration {
    /// Least and greatest.
    type Terms = (Duration, Duration);
    const ANY: Self::Terms = (Duration::ZERO, Duration::MAX);
    const KIND: Kind = Kind::Duration;

    fn parse(text: &str, (least, greatest): Self::Terms) -> Result<Option<Self>, String> {
        duration(text, least, greatest)
    }
}

/// An amount of data, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size(pub u64);

impl Value for Size {
    /// The least.
    type Terms = u64;
    const ANY: u64 = 0;
    const KIND: Kind = Kind::Size;

    fn parse(text: &str, least: u64) -> Result<Option<Self>, String> {
        Ok(size(text, least)?.map(Self))
    }
}

/// keystoneauth's timeouts: a bare number above zero, at most a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl Value for Seconds {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Seconds;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        let seconds = number(text, 0.001, 86_400.0)
            .map_err(|_| "a number of seconds above 0, at most 86400".to_owned())?;
        let milliseconds = seconds.map(|seconds| (seconds * 1_000.0).round() as u64);
        Ok(milliseconds.map(|span| Self(Duration::from_millis(span))))
    }
}
