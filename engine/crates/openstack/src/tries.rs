//! How often a call was tried and for how long, as errors say it: what differs from one failure to the next of the same cause.

use std::fmt;
use std::time::Duration;

/// `(2 tries in 1.3 s, request `req-…`)`.
pub(crate) struct Tries<'a> {
    pub tries: u32,
    /// From the first try to the last answer, pauses included.
    pub elapsed: Duration,
    pub request_id: Option<&'a str>,
}

/// Between the number of tries and the seconds.
const ONE: &str = " try in ";
const MORE: &str = " tries in ";

impl fmt::Display for Tries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries = if self.tries == 1 { ONE } else { MORE };
        write!(
            f,
            "({}{tries}{:.1} s",
            self.tries,
            self.elapsed.as_secs_f64()
        )?;
        if let Some(id) = self.request_id {
            write!(f, ", request `{id}`")?;
        }
        f.write_str(")")
    }
}

/// An error's text without them, to tell whether two are of one cause.
pub fn without_tries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = next(rest) {
        kept.push_str(before);
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// What stands before the first of them, and behind it.
fn next(text: &str) -> Option<(&str, &str)> {
    let words = [ONE, MORE].map(|words| text.find(words));
    let at = words.into_iter().flatten().min()?;
    let (before, from) = text.split_at_checked(at)?;
    let (before, number) = before.rsplit_once('(')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let (_, after) = from.split_once(')').filter(|_| is_number)?;
    Some((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_failures_of_one_cause_differ_in_nothing_else() {
        let said = |tries, millis, request_id| {
            let tries = Tries {
                tries,
                elapsed: Duration::from_millis(millis),
                request_id,
            };
            format!("Nova is away, `GET /servers` {tries}; Glance, {tries}.")
        };
        let once = said(1, 80, None);
        assert!(once.contains("` (1 try in 0.1 s); Glance, "), "{once}");
        let twice = said(2, 1_290, Some("req-1"));
        assert!(
            twice.contains("` (2 tries in 1.3 s, request `req-1`)"),
            "{twice}"
        );
        let cause = "Nova is away, `GET /servers` ; Glance, .";
        assert_eq!(without_tries(&once), cause);
        assert_eq!(without_tries(&twice), cause);
        // What only looks like one is left alone.
        for text in [
            "",
            "no try in time (at all)",
            "(a try in 3 s)",
            "(1 try in 3 s",
        ] {
            assert_eq!(without_tries(text), text);
        }
    }
}
