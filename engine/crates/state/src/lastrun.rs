//! The text of a lastrun file, as Python writes and reads it.
//!
//! Written: `str(datetime)`, so `2026-11-21 16:57:53+00:00`. Read: what six
//! cASO versions wrote and what operators type, which dateutil took: a date, or
//! a date and a time after `T` or a space, with seconds and a fraction or
//! without, with `Z`, `+HH:MM`, `+HHMM`, `+HH` or nothing (UTC), white space
//! around. What dateutil took by guessing (`10`, `01/02/2026`) is refused.

use chrono::{DateTime, NaiveDate, NaiveTime};

/// The text for a moment in epoch seconds; none outside the years 0 to 9999.
pub(crate) fn format_lastrun(at: i64) -> Option<String> {
    let moment = DateTime::from_timestamp(at, 0)?;
    let text = moment.format("%Y-%m-%d %H:%M:%S+00:00").to_string();
    // Python's years have four digits.
    (text.len() == 25).then_some(text)
}

/// The moment in epoch seconds, a fraction cut off; none if it is no date.
pub(crate) fn parse_lastrun(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let date = parse_date(date)?;
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest
            .is_empty()
            .then(|| date.and_time(NaiveTime::MIN).and_utc().timestamp());
    };
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone_at)?;
    let (time, next_day) = parse_time(time.trim_end())?;
    let offset = parse_zone(zone)?;
    let local = date.and_time(time).and_utc().timestamp();
    let day = if next_day { 86_400 } else { 0 };
    Some(local + day - offset)
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// The time of day, and whether it is the next day's start (`24:00`).
fn parse_time(text: &str) -> Option<(NaiveTime, bool)> {
    let (clock, fraction) = match text.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = match parts.next() {
        Some(second) => digits(second, 2)?,
        None if fraction.is_some() => return None,
        None => 0,
    };
    let fraction_fits =
        fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|byte| byte.is_ascii_digit()));
    if parts.next().is_some() || !fraction_fits {
        return None;
    }
    if (hour, minute, second) == (24, 0, 0) {
        return Some((NaiveTime::MIN, true));
    }
    Some((NaiveTime::from_hms_opt(hour, minute, second)?, false))
}

/// Seconds east of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if text.is_empty() || text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some((hours, minutes)) => (digits(hours, 2)?, digits(minutes, 2)?),
        None if rest.len() == 2 => (digits(rest, 2)?, 0),
        None => {
            let (hours, minutes) = rest.split_at_checked(2)?;
            (digits(hours, 2)?, digits(minutes, 2)?)
        }
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: i64 = 1_795_280_273;

    #[test]
    fn every_form_of_six_versions() {
        for text in [
            "2026-11-21 16:57:53+00:00",
            "2026-11-21 16:57:53.259158+00:00",
            "2026-11-21 16:57:53.259158",
            "2026-11-21T16:57:53Z",
            " 2026-11-21T16:57:53.1\n",
            "2026-11-21 18:57:53+02:00",
            "2026-11-21 13:27:53-0330",
            "2026-11-21 17:57:53+01",
            "2026-11-21 16:57:53 +00:00",
            "2026-11-21 16:57:53,5",
            "2026-11-22 16:56:53+23:59",
        ] {
            assert_eq!(parse_lastrun(text), Some(AT), "{text}");
        }
        assert_eq!(parse_lastrun("1970-01-01"), Some(0));
        assert_eq!(parse_lastrun("2026-11-21 16:57"), Some(AT - 53));
        assert_eq!(
            parse_lastrun("2026-11-20 24:00:00"),
            parse_lastrun("2026-11-21")
        );
        assert_eq!(format_lastrun(AT).unwrap(), "2026-11-21 16:57:53+00:00");
    }

    #[test]
    fn guesses_are_refused() {
        for text in [
            "",
            "10",
            "01/02/2026",
            "2026-13-01",
            "2026-02-29",
            "2026-11-21 16",
            "2026-11-21 25:00",
            "2026-11-21 16:57:53 CET",
            "2026-11-21x",
            "2026-11-21 16:57:53+2",
            "2026-11-21 16:57:53.",
            "None",
            "２０２６-11-21",
            "2026-1-021",
            "2026-11-21 16:57.5",
            "2026-11-21 16:5:53",
            "2026-11-21 16:57:53+0:30",
            "2026-11-21 16:57:53+24:00",
            "2026-11-21 16:57:53-2400",
            "2026-11-21 16:57:53+00:60",
            "2026-11-21 16:57:53-0099",
        ] {
            assert_eq!(parse_lastrun(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(at in -62_135_596_800i64..253_402_300_800) {
            let text = format_lastrun(at).unwrap();
            prop_assert_eq!(parse_lastrun(&text), Some(at));
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = parse_lastrun(&text);
        }

        #[test]
        fn nor_an_almost_right_one(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.,+Z-]{0,20}") {
            let _ = parse_lastrun(&text);
        }
    }
}
