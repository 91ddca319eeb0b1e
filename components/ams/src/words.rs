//! What an operator reads of an answer: AMS's own words where it has any.
//!
//! AMS answers an error with `{"error": {"code", "message", "status"}}` (its documentation,
//! "API Errors"). What stands before it, a load balancer, answers with HTML or text.

use caso_http::words;
use serde_json::Value;

use crate::http::Response;

/// AMS's own words, if the answer is AMS's.
pub fn of_ams(response: &Response) -> Option<String> {
    let value: Value = serde_json::from_slice(&response.body).ok()?;
    let error = value.get("error")?;
    let message = error.get("message")?.as_str()?;
    let message = words::short(message);
    Some(match error.get("status").and_then(Value::as_str) {
        Some(status) if !status.is_empty() => format!("{message} ({})", words::short(status)),
        _ => message,
    })
}

/// What the answer says, AMS's or not; empty where it says nothing.
pub fn of(response: &Response) -> String {
    of_ams(response).unwrap_or_else(|| words::of(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response {
        Response {
            status: 500,
            headers: Vec::new(),
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
            (r#"{"error":"x"}"#, r#"{"error":"x"}"#, false),
            ("", "", false),
        ] {
            assert_eq!(of(&response(body)), words);
            assert_eq!(of_ams(&response(body)).is_some(), ams, "{body}");
        }
    }
}
