//! From an answer to a value, or to the error that says what was wrong with
//! it. Login pages with status 200, bodies cut short and services that call
//! JSON `text/html` are all met in the field.

use serde::de::DeserializeOwned;

use super::super::identity::token::NotAToken;
use caso_net::Response;

/// A success whose body is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBody {
    NotJson {
        content_type: String,
        excerpt: String,
    },
    /// Ends in the middle: asked again.
    Truncated(String),
    Shape {
        path: String,
        detail: String,
    },
}

impl From<NotAToken> for BadBody {
    fn from(bad: NotAToken) -> Self {
        BadBody::Shape {
            path: bad.path.to_owned(),
            detail: bad.detail,
        }
    }
}

/// The body as `T`. What it is goes before what it is called: JSON under a
/// wrong content type is JSON.
pub fn json<T: DeserializeOwned>(response: &Response) -> Result<T, BadBody> {
    let not_json = || BadBody::NotJson {
        content_type: response.header("content-type").unwrap_or("none").to_owned(),
        excerpt: excerpt(&response.body),
    };
    if response.body.iter().all(u8::is_ascii_whitespace) {
        return Err(not_json());
    }
    // That it is UTF-8, as JSON is (RFC 8259), is looked at once, and not for each text in it.
    let text = std::str::from_utf8(&response.body).map_err(|_| not_json())?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Eof => BadBody::Truncated(inner.to_string()),
            serde_json::error::Category::Data => BadBody::Shape {
                path,
                detail: inner.to_string(),
            },
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => not_json(),
        }
    })?;
    reader.end().map_err(|_| not_json())?;
    Ok(value)
}

/// What a refusal says, in one line: the `message` of OpenStack's error
/// object (`{"forbidden": {"message": …}}`, `{"NeutronError": …}`),
/// Ceilometer's `faultstring`, Gnocchi's `description`, the error of an OAuth
/// provider (RFC 6749, section 5.2), the one in the header of a server that
/// wants a bearer token (RFC 6750, section 3), or what text there is.
pub fn message(response: &Response) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(&response.body).ok();
    let found = parsed.as_ref().and_then(|body| {
        let text = serde_json::Value::as_str;
        let values = body.as_object()?.values();
        let of_key = |key: &str| values.clone().find_map(|value| text(value.get(key)?));
        of_key("message")
            .or_else(|| of_key("faultstring"))
            .map(str::to_owned)
            .or_else(|| match body.get("description")? {
                serde_json::Value::String(text) => Some(text.clone()),
                // Cause, reason and detail.
                object => Some(object.to_string()),
            })
            .or_else(|| values.clone().find_map(text).map(str::to_owned))
    });
    if let Some(said) = parsed.as_ref().and_then(oauth).or_else(|| bearer(response)) {
        return shorten(&said);
    }
    match found {
        Some(message) => shorten(&message),
        None => excerpt(&response.body),
    }
}

/// `invalid_client: client authentication failed`.
fn oauth(body: &serde_json::Value) -> Option<String> {
    let text = |key: &str| body.get(key).and_then(serde_json::Value::as_str);
    let error = text("error")?;
    Some(match text("error_description") {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    })
}

/// `Bearer error="invalid_token", error_description="…"`.
fn bearer(response: &Response) -> Option<String> {
    let header = response.header("www-authenticate")?;
    let rest = header.strip_prefix("Bearer ")?;
    let quoted = |key: &str| {
        let (_, after) = rest.split_once(&format!("{key}=\""))?;
        after.split_once('"').map(|(value, _)| value.to_owned())
    };
    let error = quoted("error")?;
    Some(match quoted("error_description") {
        Some(description) => format!("{error}: {description}"),
        None => error,
    })
}

/// The beginning of a body as plain words: tags, scripts and line breaks of
/// a page removed.
pub fn excerpt(body: &[u8]) -> String {
    let head = body.get(..body.len().min(8192)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let mut words = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                words.push(' ');
            }
            _ if in_tag => {}
            _ => words.push(c),
        }
    }
    let words = shorten(&words);
    if words.is_empty() {
        "an empty body".to_owned()
    } else {
        words
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 240;
    let mut line = String::new();
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if length >= LONGEST {
            line.push('…');
            return line;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for c in word.chars() {
            if length >= LONGEST {
                line.push('…');
                return line;
            }
            line.push(c);
            length += 1;
        }
    }
    line.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Page {
        servers: Vec<Server>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Server {
        id: String,
    }

    fn response(content_type: &str, body: &str) -> Response {
        Response {
            status: 200,
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
        }
    }

    fn read(content_type: &str, body: &str) -> Result<Page, BadBody> {
        json(&response(content_type, body))
    }

    #[test]
    fn good_whatever_it_is_called() {
        for content_type in ["application/json", "text/html", ""] {
            let page = read(content_type, r#" {"servers": [{"id": "a"}]} "#).unwrap();
            assert_eq!(page.servers[0].id, "a");
        }
    }

    #[test]
    fn bad_bodies() {
        let html = "<html><head><title>Log in</title></head>\n<body>please</body></html>";
        assert_eq!(
            read("text/html", html),
            Err(BadBody::NotJson {
                content_type: "text/html".into(),
                excerpt: "Log in please".into()
            })
        );
        for empty in ["", " \n"] {
            let Err(BadBody::NotJson { excerpt, .. }) = read("application/json", empty) else {
                panic!("accepted {empty:?}");
            };
            assert_eq!(excerpt, "an empty body");
        }
        assert!(matches!(
            read("application/json", r#"{"servers": [{"id": "a"#),
            Err(BadBody::Truncated(_))
        ));
        assert!(matches!(
            read("application/json", r#"{"servers": []} trailing"#),
            Err(BadBody::NotJson { .. })
        ));
        let Err(BadBody::Shape { path, detail }) = read(
            "application/json",
            r#"{"servers": [{"id": "a"}, {"id": null}]}"#,
        ) else {
            panic!("accepted a null id");
        };
        assert_eq!(path, "servers[1].id");
        assert!(detail.contains("null"), "{detail}");
    }

    #[test]
    fn messages_of_refusals() {
        for (body, expected) in [
            (
                r#"{"error": {"code": 401, "message": "No.", "title": "U"}}"#,
                "No",
            ),
            (
                r#"{"itemNotFound": {"message": "gone", "code": 404}}"#,
                "gone",
            ),
            (
                r#"{"NeutronError": {"type": "T", "message": "m", "detail": ""}}"#,
                "m",
            ),
            (r#"{"NeutronError": "old form"}"#, "old form"),
            (
                r#"{"error_message": {"faultcode": "Client", "faultstring": "Unknown", "debuginfo": null}}"#,
                "Unknown",
            ),
            (
                r#"{"code": 404, "title": "Not Found", "description": "Metric does not exist"}"#,
                "Metric does not exist",
            ),
            (
                r#"{"code": 400, "title": "Bad", "description": {"cause": "c", "reason": "r"}}"#,
                r#"{"cause":"c","reason":"r"}"#,
            ),
            (
                "<html><h1>403\nForbidden</h1>Access denied<br/></html>",
                "403 Forbidden Access denied",
            ),
            ("", "an empty body"),
            ("[1]", "[1]"),
        ] {
            assert_eq!(message(&response("x", body)), expected);
        }
    }

    proptest! {
        #[test]
        fn one_short_line_of_anything(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let text = excerpt(&body);
            prop_assert!(!text.is_empty() && text.chars().count() <= 241);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
