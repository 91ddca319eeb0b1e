//! What an operator reads of an answer or of a request without one, and what the host should
//! do with the records then.

use std::time::SystemTime;

use caso_component::messenger::Rest;

use crate::http::{HttpError, Response};

/// Characters of an answer that are quoted.
const QUOTED: usize = 300;
/// Seconds until a service that is not there, or is overloaded, is tried again.
const RETRY_SECONDS: u32 = 30;
/// Longest pause in seconds that a service may ask for; by then the next run is due.
const LONGEST_PAUSE: u32 = 3_600;

/// What the body says: the title where it is HTML; empty where it says nothing.
#[must_use]
pub fn of(response: &Response) -> String {
    let text = String::from_utf8_lossy(&response.body);
    let title = between(&text, "<title>", "</title>");
    short(title.unwrap_or(&text))
}

/// Whether the body is a page, of something that stands before the service or in its place.
#[must_use]
pub fn is_page(response: &Response) -> bool {
    let text = String::from_utf8_lossy(&response.body);
    text.trim_start().starts_with('<')
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    // ASCII alone, so that places in the one are places in the other.
    let lower = text.to_ascii_lowercase();
    let from = lower.find(begin)? + begin.len();
    let to = from + lower.get(from..)?.find(end)?;
    text.get(from..to)
}

/// On one line, and no longer than what is quoted of an answer.
#[must_use]
pub fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The answer of `address` to `about` in words, `said` being its own, without the secrets.
#[must_use]
pub fn quote<'s>(
    address: &str,
    about: &str,
    status: u16,
    mut said: String,
    secrets: impl IntoIterator<Item = &'s str>,
) -> String {
    for secret in secrets {
        if !secret.is_empty() {
            said = said.replace(secret, "***");
        }
    }
    match said.is_empty() {
        true => format!("`{address}` answered {about} with {status}"),
        false => format!("`{address}` answered {about} with {status}: {said}"),
    }
}

/// Whether the same request may be answered otherwise later on.
#[must_use]
pub fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// To be tried again when the answer says so, or after a while.
#[must_use]
pub fn later(response: &Response, reason: String) -> Rest {
    let seconds = retry_after(response).unwrap_or(RETRY_SECONDS);
    Rest::retry(seconds.clamp(1, LONGEST_PAUSE), reason)
}

/// Seconds that the answer asks to wait: `Retry-After` as a number, or as a date, which is
/// compared with the answer's own.
#[must_use]
pub fn retry_after(response: &Response) -> Option<u32> {
    let header = |name: &str| {
        let mut headers = response.headers.iter();
        let found = headers.find(|header| header.name == name)?;
        Some(found.value.trim())
    };
    let value = header("retry-after")?;
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let now = header("date").and_then(|date| httpdate::parse_http_date(date).ok());
    let now = now.unwrap_or_else(SystemTime::now);
    let wait = then.duration_since(now).unwrap_or_default();
    u32::try_from(wait.as_secs()).ok()
}

/// What the host should do with records to which `address` gave no answer; `about` says what
/// was asked.
#[must_use]
pub fn unanswered(error: HttpError, address: &str, about: &str) -> Rest {
    let retry = |reason: String| {
        Rest::retry(
            RETRY_SECONDS,
            format!("`{address}` did not answer {about}: {reason}"),
        )
    };
    match error {
        HttpError::Denied(reason) => Rest::Misconfigured(reason),
        HttpError::Tls(reason) => Rest::Misconfigured(format!("`{address}`, {about}: {reason}")),
        HttpError::Unavailable(reason) => retry(reason),
        HttpError::Closed => retry("the connection was closed before the answer".to_owned()),
        HttpError::TimedOut => retry("there was no answer in time".to_owned()),
        HttpError::TooLarge(most) => {
            Rest::Other(format!("`{address}`, {about}: more than {most} bytes"))
        }
        HttpError::Invalid(reason) | HttpError::Other(reason) => {
            Rest::Other(format!("`{address}`, {about}: {reason}"))
        }
    }
}

/// The reason in words, for the log; empty where there is none.
#[must_use]
pub fn reason(rest: &Rest) -> String {
    match rest {
        Rest::Retry(retry) => retry.reason.clone(),
        Rest::Misconfigured(reason) | Rest::Other(reason) => reason.clone(),
        Rest::Done | Rest::TooLarge => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::header;

    fn response(body: &str, headers: &[(&str, &str)]) -> Response {
        Response {
            status: 503,
            headers: headers
                .iter()
                .map(|(name, value)| header(name, value))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_answer_in_words() {
        for (body, words, page) in [
            (
                "<html><head>\n<TITLE>504 Gateway\n Time-out</TITLE></head><body>…</body></html>",
                "504 Gateway Time-out",
                true,
            ),
            ("upstream timed out", "upstream timed out", false),
            ("<title>open", "<title>open", true),
            ("", "", false),
        ] {
            let answer = response(body, &[]);
            assert_eq!(of(&answer), words);
            assert_eq!(is_page(&answer), page, "{body}");
        }
        assert_eq!(
            of(&response(&"x".repeat(400), &[])).chars().count(),
            QUOTED + 1
        );
        let said = "no key abc".to_owned();
        assert_eq!(
            quote("https://a", "it", 401, said, ["abc", ""]),
            "`https://a` answered it with 401: no key ***"
        );
    }

    #[test]
    fn a_pause_is_a_number_or_a_date() {
        let date = ("date", "Sat, 28 Nov 2026 12:00:00 GMT");
        for (headers, seconds) in [
            (vec![("retry-after", " 17 ")], Some(17)),
            (
                vec![date, ("retry-after", "Sat, 28 Nov 2026 12:01:30 GMT")],
                Some(90),
            ),
            (
                vec![date, ("retry-after", "Sat, 28 Nov 2026 11:00:00 GMT")],
                Some(0),
            ),
            (vec![("retry-after", "soon")], None),
            (vec![date], None),
        ] {
            assert_eq!(retry_after(&response("", &headers)), seconds, "{headers:?}");
        }
        let wait = |value: &str| match later(&response("", &[("retry-after", value)]), "x".into()) {
            Rest::Retry(retry) => retry.after_seconds,
            rest => panic!("{rest:?}"),
        };
        assert_eq!((wait("0"), wait("100000"), wait("-")), (1, 3_600, 30));
    }
}
