//! Times as text. In the program a time is whole seconds since the Unix epoch,
//! UTC; text is for people and for APIs.

use chrono::{DateTime, NaiveDateTime, Utc};

/// For people, and for what reads ISO 8601: `2026-10-01T00:00:00Z`.
#[must_use]
pub fn format_utc(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || format!("{seconds} s after 1970"),
        |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
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
        fn no_text_and_no_number_breaks_them(text in ".{0,40}", seconds in any::<i64>()) {
            let _ = (parse_timestamp(&text), format_naive(seconds), format_utc(seconds));
        }
    }
}
