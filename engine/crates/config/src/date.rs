//! Moments in the configuration and on the command line.
//!
//! cASO hands them to dateutil, which makes something of anything: `10` is the
//! tenth of this month, `01/02/2026` the second of January. Here only ISO 8601
//! is taken, and an offset is converted, where cASO dropped it (`02:00+02:00`
//! meant 02:00 UTC).

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use super::ini::strip;

/// The forms that are taken.
pub const FORMS: &str = "a date in ISO 8601: `2026-10-01`, `2026-10-01T00:00:00`, `2026-10-01 02:00+02:00`; UTC if it names no zone";

/// Whole seconds since 1970, fractions cut.
pub fn moment(text: &str) -> Result<i64, String> {
    parse(strip(text)).ok_or_else(|| FORMS.to_owned())
}

fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let shape = date.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d")
        .ok()
        .filter(|_| shape)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let midnight = Ok(1_790_812_800);
        for text in [
            "2026-10-01",
            "2026-10-01 00:00",
            "2026-10-01T00:00:00",
            "2026-10-01T00:00:00Z",
            "2026-10-01 00:00:00.999999",
            "2026-10-01 00:00:00+00:00",
            "2026-10-01T02:00+02:00",
            "2026-09-30T19:30:00-0430",
        ] {
            assert_eq!(moment(text), midnight, "{text}");
        }
        assert_eq!(moment("1969-12-31T23:59:59.5"), Ok(-1));
    }

    #[test]
    fn what_can_be_read_two_ways_is_refused() {
        for text in [
            "",
            "10",
            "01/02/2026",
            "2026-13-01",
            "2026-02-30",
            "20261001",
            "2026-10-01T",
            "2026-10-01T24:00",
            "2026-10-01T10",
            "2026-10-01 10:00 PM",
            "2026-10-01T00:00+2",
            "2026-10-01T00:00:00.",
            "2026-10-01Z",
            "+026-10-01",
            "now",
            "1790812800",
            "2026-10-01T00:00:60",
        ] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = moment(&text);
        }

        #[test]
        fn offsets_are_converted(seconds in 0_i64..4_000_000_000, minutes in -1439_i64..1440) {
            let local = chrono::DateTime::from_timestamp(seconds + minutes * 60, 0).unwrap();
            let sign = if minutes < 0 { '-' } else { '+' };
            let text = format!(
                "{}{sign}{:02}:{:02}",
                local.format("%Y-%m-%dT%H:%M:%S"), minutes.abs() / 60, minutes.abs() % 60
            );
            prop_assert_eq!(moment(&text), Ok(seconds));
        }
    }
}
