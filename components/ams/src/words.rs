//! What an operator reads of an answer: AMS's own words where it has any.
//!
//! AMS answers an error with `{"error": {"code", "message", "status"}}` (its documentation,
//! "API Errors"). What stands before it, a load balancer, answers with HTML or text.

use serde_json::Value;

use crate::http::Response;

/// Characters of an answer that are quoted.
const QUOTED: usize = 300;

/// AMS's own words, if the answer is AMS's.
pub fn of_ams(response: &Response) -> Option<String> {
    let value: Value = serde_json::from_slice(&response.body).ok()?;
    let error = value.get("error")?;
    let message = error.get("message")?.as_str()?;
    let message = short(message);
    Some(match error.get("status").and_then(Value::as_str) {
        Some(status) if !status.is_empty() => format!("{message} ({})", short(status)),
        _ => message,
    })
}

/// What the answer says, AMS's or not; empty where it says nothing.
pub fn of(response: &Response) -> String {
    if let Some(words) = of_ams(response) {
        return words;
    }
    let text = String::from_utf8_lossy(&response.body);
    let title = between(&text, "<title>", "</title>");
    short(title.unwrap_or(&text))
}

fn between<'t>(text: &'t str, begin: &str, end: &str) -> Option<&'t str> {
    // ASCII alone, so that places in the one are places in the other.
    let lower = text.to_ascii_lowercase();
    let from = lower.find(begin)? + begin.len();
    let to = from + lower.get(from..)?.find(end)?;
    text.get(from..to)
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Seconds that the answer asks to wait.
pub fn retry_after(response: &Response) -> Option<u32> {
    let mut headers = response.headers.iter();
    let header = headers.find(|header| header.name == "retry-after")?;
    header.value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Header;

    fn response(body: &str) -> Response {
        Response {
            status: 500,
            headers: vec![Header {
                name: "retry-after".into(),
                value: "17".into(),
            }],
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn an_answer_in_words() {
        for (body, words, ams) in [
            (
                r#"{"error":{"code":403,"message":"Access to this\nresource is forbidden","status":"FORBIDDEN"}}"#,
                "Access to this resource is forbidden (FORBIDDEN)",
                true,
            ),
            (
                r#"{"error":{"code":404,"message":"Binding was not found"}}"#,
                "Binding was not found",
                true,
            ),
            (
                "<html><head>\n<TITLE>504 Gateway\n Time-out</TITLE></head><body>…</body></html>",
                "504 Gateway Time-out",
                false,
            ),
            ("upstream timed out", "upstream timed out", false),
            (r#"{"error":"x"}"#, r#"{"error":"x"}"#, false),
            ("<title>open", "<title>open", false),
            ("", "", false),
        ] {
            assert_eq!(of(&response(body)), words);
            assert_eq!(of_ams(&response(body)).is_some(), ams, "{body}");
        }
        assert_eq!(of(&response(&"x".repeat(400))).chars().count(), 301);
        assert_eq!(retry_after(&response("")), Some(17));
    }
}
