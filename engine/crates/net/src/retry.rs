//! When to ask again, and how long to wait before. Bounded in number and in
//! time; only for requests that change nothing.
//!
//! | failure | asked again |
//! |---|---|
//! | no connection, one that was closed under the request, body cut short | yes |
//! | 429, 502, 503, 504 | yes |
//! | 413 with Retry-After | yes |
//! | no answer in time, 504 | yes, but a page: its caller asks for less |
//! | anything else | no |

use std::time::Duration;

use crate::Response;

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after one that was answered badly, cut short or not in time.
    pub retries: u32,
    /// Tries after one that found no connection.
    pub connect_retries: u32,
    /// Pause before the second try; it doubles from there.
    pub first_pause: Duration,
    /// Longest pause of our own making.
    pub longest_pause: Duration,
    /// Longest that a Retry-After makes us wait.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            retries: 4,
            connect_retries: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// Whether to ask no more after `waited` pauses: the server wants to be left alone for longer than we wait. Some
    /// exaggerate, so that it is waited for once.
    pub fn gives_up(&self, waited: u32, retry_after: Option<Duration>) -> bool {
        waited > 0 && retry_after.is_some_and(|wait| wait > self.longest_retry_after)
    }

    /// The pause after `failed` failed tries: what the server asked for,
    /// capped; else doubled each time, and somewhere in its upper half, so
    /// that the projects of a run do not all come back at once.
    pub fn pause(&self, failed: u32, retry_after: Option<Duration>) -> Duration {
        if let Some(wait) = retry_after {
            return wait.min(self.longest_retry_after);
        }
        let doubled = 2u32.saturating_pow(failed.saturating_sub(1).min(16));
        let full = self
            .first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause);
        full.mul_f64(0.5 + 0.5 * fastrand::f64())
    }
}

/// `Retry-After`, as seconds or as a date (RFC 9110, section 10.2.3); `now` in
/// seconds since the Unix epoch.
pub fn retry_after(response: &Response, now: i64) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = unix(httpdate::parse_http_date(text).ok()?)?;
    Some(Duration::from_secs(
        u64::try_from(date.saturating_sub(now)).unwrap_or(0),
    ))
}

/// Seconds since the Unix epoch.
pub fn unix(time: std::time::SystemTime) -> Option<i64> {
    time.duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(retry_after: &str) -> Response {
        Response {
            status: 503,
            headers: vec![("retry-after".into(), retry_after.into())],
            body: Vec::new(),
        }
    }

    #[test]
    fn pauses_double_up_to_the_bound() {
        let policy = RetryPolicy::default();
        for (failed, full) in [
            (1, 500),
            (2, 1000),
            (3, 2000),
            (7, 30_000),
            (4_000_000, 30_000),
        ] {
            let pause = policy.pause(failed, None);
            let full = Duration::from_millis(full);
            assert!(pause <= full && pause >= full / 2, "{failed}: {pause:?}");
        }
    }

    #[test]
    fn the_servers_wish_goes_first_but_not_for_ever() {
        let policy = RetryPolicy::default();
        let wait = |s| Some(Duration::from_secs(s));
        assert_eq!(policy.pause(1, wait(7)), Duration::from_secs(7));
        assert_eq!(policy.pause(1, wait(86_400)), Duration::from_secs(120));
        assert!(!policy.gives_up(0, wait(86_400)) && policy.gives_up(1, wait(86_400)));
        assert!(!policy.gives_up(3, wait(120)) && !policy.gives_up(3, None));
    }

    #[test]
    fn seconds_or_date() {
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        let seconds = |text| retry_after(&response(text), now).map(|d| d.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds(" 0.5 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        for bad in ["", "soon", "-5", "NaN", "1e400"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
