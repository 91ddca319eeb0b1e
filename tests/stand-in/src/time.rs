//! The forms of dates that the three services read and write, all of them
//! UTC: `Z` in Keystone's, Glance's and a server's `created`; microseconds
//! without zone in `OS-SRV-USG:*` and in the usage call.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Seconds since 1970 of `2026-10-01` or `2026-10-01 08:00:00`, for plans.
pub fn epoch(text: &str) -> i64 {
    changes_since(text).unwrap_or_else(|| panic!("`{text}` is not a date"))
}

/// `2026-10-01T08:00:00Z`
pub fn instant(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// `2026-10-01T08:00:00.000000`
pub(crate) fn micros(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%S.000000")
}

/// `2026-10-01T08:00:00.000000Z`
pub(crate) fn token_time(at: i64) -> String {
    format(at, "%Y-%m-%dT%H:%M:%S.000000Z")
}

/// `Sat, 21 Nov 2026 17:20:08 GMT`
pub(crate) fn http_date(at: i64) -> String {
    format(at, "%a, %d %b %Y %H:%M:%S GMT")
}

pub(crate) fn format(at: i64, form: &str) -> String {
    DateTime::from_timestamp(at, 0)
        .expect("a time between the years -262000 and 262000")
        .format(form)
        .to_string()
}

/// What Nova takes for `changes-since`: any ISO 8601 form, a space for the
/// `T`, no zone meaning UTC. An epoch number is refused.
pub(crate) fn changes_since(text: &str) -> Option<i64> {
    let text = text.replacen(' ', "T", 1);
    if let Ok(at) = DateTime::parse_from_rfc3339(&text) {
        return Some(at.timestamp());
    }
    let zoneless = text.trim_end_matches('Z');
    NaiveDateTime::parse_from_str(zoneless, "%Y-%m-%dT%H:%M:%S%.f")
        .ok()
        .or_else(|| {
            NaiveDate::parse_from_str(zoneless, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        })
        .map(|at| at.and_utc().timestamp())
}

/// What the usage call takes for `start` and `end`: never a zone; with a
/// space only with a fraction.
pub(crate) fn usage_bound(text: &str) -> Option<i64> {
    let forms = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S.%f",
        "%Y-%m-%d %H:%M:%S.%f",
    ];
    forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|at| at.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The accepted and refused forms are those that a real Nova answered
    /// 200 and 400 to.
    #[test]
    fn nova_reads_dates_as_nova_does() {
        for good in [
            "2026-10-01T00:00:00",
            "2026-10-01 00:00:00",
            "2026-10-01 00:00:00+00:00",
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00.000000",
            "2026-10-01T02:00:00+02:00",
            "2026-10-01",
        ] {
            assert_eq!(changes_since(good), Some(1_790_812_800), "{good}");
        }
        assert_eq!(changes_since("1790812800"), None);
        assert_eq!(changes_since("x"), None);

        for good in [
            "2026-10-01T00:00:00",
            "2026-10-01T00:00:00.000000",
            "2026-10-01 00:00:00.000000",
        ] {
            assert_eq!(usage_bound(good), Some(1_790_812_800), "{good}");
        }
        for bad in [
            "2026-10-01T00:00:00Z",
            "2026-10-01 00:00:00",
            "2026-10-01T00:00:00+00:00",
        ] {
            assert_eq!(usage_bound(bad), None, "{bad}");
        }
    }
}
