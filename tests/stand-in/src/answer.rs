//! Answers in the services' own shapes. A refusal looks different in
//! each of them, and a client that reads only one shape shows here.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

/// Nearly an HTTP response: its body is still in one piece, so that a fault
/// can cut it.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Answer {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: body.to_string(),
        }
    }

    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Answer {
            status,
            headers: vec![("content-type", "text/html; charset=UTF-8".into())],
            body: body.into(),
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Keystone's refusals.
pub fn identity(status: u16, message: &str) -> Answer {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    Answer::json(
        status,
        &json!({"error": {"code": status, "message": message, "title": title}}),
    )
}

/// Keystone's 401, which is also what its middleware answers in front of Nova.
pub fn unauthorized(auth_url: &str) -> Answer {
    identity(401, "The request you have made requires authentication.")
        .with("www-authenticate", format!("Keystone uri=\"{auth_url}\""))
}

/// Nova's refusals, each status under its own key.
pub fn compute(status: u16, message: &str) -> Answer {
    let key = match status {
        400 => "badRequest",
        403 => "forbidden",
        404 => "itemNotFound",
        _ => "computeFault",
    };
    Answer::json(status, &json!({key: {"code": status, "message": message}}))
}

/// Glance's refusals are pages for people.
pub fn image(status: u16, message: &str) -> Answer {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error");
    Answer::html(
        status,
        format!(
            "<html>\n <head>\n  <title>{status} {reason}</title>\n </head>\n <body>\n  \
             <h1>{status} {reason}</h1>\n  {message}<br /><br />\n\n\n\n </body>\n</html>"
        ),
    )
}

/// Replaces fields of a row by those that a plan wants otherwise.
pub fn put(row: &mut Value, odd: &BTreeMap<String, Value>) {
    for (key, value) in odd {
        row[key] = value.clone();
    }
}
