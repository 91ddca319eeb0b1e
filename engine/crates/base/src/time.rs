//! Times as text. In the program a time is whole seconds since the Unix epoch,
//! UTC; text is for people and for APIs.

use chrono::{
    DateTime, Datelike as _, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime,
    SecondsFormat, Utc,
};

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// For people, and for what reads ISO 8601: `2026-10-01T00:00:00Z`.
#[must_use]
pub fn format_utc(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || format!("{seconds} s after 1970"),
        // A form of strftime's would be read anew for each time.
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

/// The month of a time, as `--month` takes it: `2026-10`.
#[must_use]
pub fn format_month(seconds: i64) -> String {
    format_utc(seconds).chars().take(7).collect()
}

/// As OpenStack's APIs take a time in a query: UTC, with no zone,
/// `2026-10-01T00:00:00`. A time beyond chrono's years (some 260,000) is
/// written as the last one it has.
#[must_use]
pub fn format_naive(seconds: i64) -> String {
    let bound = if seconds < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    };
    DateTime::from_timestamp(seconds, 0)
        .unwrap_or(bound)
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string()
}

/// A timestamp in one of the forms that OpenStack's services answer with: RFC
/// 3339, or `T` or a blank between date and time, a fraction or none, a zone
/// (`+00:00`, `+0000`, `Z`) or none, which means UTC. Fractions are cut.
/// `None` where the text has none of these forms.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    // Nearly every time is in one of these forms, and reading a form of strftime's for each
    // of a server's six is a tenth of the work on it.
    plain_utc(text).or_else(|| in_any_form(text))
}

fn in_any_form(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp());
    }
    ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z"]
        .iter()
        .find_map(|form| DateTime::parse_from_str(text, form).ok())
        .map(|time| time.timestamp())
        .or_else(|| {
            ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
                .map(|time| time.and_utc().timestamp())
        })
}

/// `2026-10-01T00:00:00`, with a blank for the `T` or a fraction or `Z` behind it. Of what
/// it does not take the others decide.
fn plain_utc(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = plain_date(date)?;
    let time = rest.strip_prefix(['T', ' '])?;
    let time = time.strip_suffix('Z').unwrap_or(time);
    // With its seconds, which people may leave out and APIs do not.
    let time = time_of_day(time).filter(|_| time.len() >= "00:00:00".len())?;
    Some(date.and_time(time).and_utc().timestamp())
}

/// A date as a person writes it, in the forms of ISO 8601 that can be read in
/// one way only; whole seconds since 1970, fractions cut. `None` for any other
/// text, blanks around it included.
///
/// | part | forms |
/// |---|---|
/// | date | `2026-10-01` |
/// | time, after `T` or one blank | `00:00`, `00:00:00`, `00:00:00.5`, or none: midnight |
/// | zone, after a time | `Z`, `+02:00`, `-0430`, or none: UTC |
///
/// ```
/// use caso_base::time::parse_iso;
///
/// for text in [
///     "2026-10-01", "2026-10-01T00:00", "2026-10-01 00:00:00.999999", "2026-10-01T00:00:00Z",
///     "2026-10-01 02:00+02:00", "2026-09-30T19:30:00-0430",
/// ] {
///     assert_eq!(parse_iso(text), Some(1_790_812_800), "{text}");
/// }
/// for text in ["10", "01/10/2026", "20261001", "2026-10-01T24:00", "2026-10-01Z", "now"] {
///     assert_eq!(parse_iso(text), None, "{text}");
/// }
/// ```
#[must_use]
pub fn parse_iso(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = plain_date(date)?;
    if rest.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp());
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (time, offset) = match rest.find(['Z', '+', '-']) {
        None => (rest, 0),
        Some(at) => {
            let (time, zone) = rest.split_at_checked(at)?;
            (time, zone_seconds(zone)?)
        }
    };
    let time = time_of_day(time)?;
    let zone = FixedOffset::east_opt(offset)?;
    let local = NaiveDateTime::new(date, time);
    let moment: DateTime<FixedOffset> = local.and_local_timezone(zone).single()?;
    Some(moment.timestamp())
}

/// `YYYY-MM-DD`.
fn plain_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (century, year) = parts.next()?.split_at_checked(2)?;
    let year = two_digits(century)? * 100 + two_digits(year)?;
    let month = two_digits(parts.next()?)?;
    let day = two_digits(parts.next()?)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `HH:MM[:SS[.frac]]`.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let second = match parts.next() {
        None => 0,
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let good = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
            two_digits(whole).filter(|_| good)?
        }
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_opt(hour, minute, second)
}

/// `Z`, `+HH:MM` or `+HHMM`, in seconds east.
fn zone_seconds(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None => rest.split_at_checked(2)?,
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
}

fn two_digits(text: &str) -> Option<u32> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The first second of the month in which the moment lies, in UTC; both in epoch seconds. None
/// outside the years that a calendar has.
#[must_use]
pub fn start_of_month(at: i64) -> Option<i64> {
    let day = DateTime::from_timestamp(at, 0)?.date_naive().with_day(1)?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp())
}

/// The first second of the month after the one in which the moment lies, in UTC; both in epoch
/// seconds. None outside the years that a calendar has.
#[must_use]
pub fn end_of_month(at: i64) -> Option<i64> {
    let day = DateTime::from_timestamp(at, 0)?.date_naive();
    let next = day.with_day(1)?.checked_add_months(Months::new(1))?;
    Some(next.and_time(NaiveTime::MIN).and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_of_the_five_services_mean_the_same_second() {
        for text in [
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00.000000",
            "2026-10-01T00:00:00.000000Z",
            "2026-10-01T00:00:00",
            "2026-10-01 00:00:00",
            "2026-10-01 00:00:00.500000",
            "2026-10-01T02:00:00+02:00",
            "2026-10-01T02:00:00+0200",
        ] {
            assert_eq!(parse_timestamp(text), Some(1_790_812_800), "{text}");
        }
        for text in ["", "x", "2026-10-01", "1790812800", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_in_a_query_has_no_zone() {
        assert_eq!(format_naive(1_790_812_800), "2026-10-01T00:00:00");
        assert_eq!(format_naive(0), "1970-01-01T00:00:00");
        assert_eq!(format_utc(1_790_812_800), "2026-10-01T00:00:00Z");
    }

    proptest! {
        #[test]
        fn times_come_back_as_they_went(seconds in -2_000_000_000i64..8_000_000_000, fraction in 0u32..1_000_000) {
            let time = DateTime::from_timestamp(seconds, fraction * 1000).unwrap();
            for form in ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%6f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.6f+00:00"] {
                prop_assert_eq!(parse_timestamp(&time.format(form).to_string()), Some(seconds));
            }
        }

        #[test]
        fn the_plain_forms_are_read_as_the_others(text in "(19|20|00)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,9})?Z?") {
            if let Some(time) = plain_utc(&text) {
                prop_assert_eq!(in_any_form(&text), Some(time), "{}", text);
            }
        }

        #[test]
        fn no_text_and_no_number_breaks_them(text in ".{0,40}", seconds in any::<i64>()) {
            let _ = (parse_timestamp(&text), format_naive(seconds), format_utc(seconds));
        }
    }
}
