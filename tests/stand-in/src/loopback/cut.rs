//! Answers that are not whole, and say so or do not.

use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::stream;
use serde_json::Value;

use super::response;
use crate::answer::Answer;

/// Lists in a page, each by the place that it has.
const LISTS: [&str; 4] = [
    "/servers",
    "/volumes",
    "/floatingips",
    "/tenant_usage/server_usages",
];

/// The id of the last row of a page.
pub fn last_row(body: &str) -> Option<String> {
    let page: Value = serde_json::from_str(body).ok()?;
    let rows = LISTS.iter().find_map(|list| page.pointer(list))?;
    let row = rows.as_array()?.last()?;
    let id = row.get("id").or_else(|| row.get("instance_id"))?;
    Some(id.as_str()?.to_owned())
}

/// The page without its links to a further one; what is no page stays.
pub fn unlink(answer: &mut Answer) {
    edit(answer, |page| {
        if let Some(parts) = page.as_object_mut() {
            parts.retain(|name, _| !name.ends_with("_links") && name != "next");
        }
    });
}

/// The page with the first half of its rows.
pub fn halve(answer: &mut Answer) {
    edit(answer, |page| {
        for list in LISTS {
            if let Some(rows) = page.pointer_mut(list).and_then(Value::as_array_mut) {
                rows.truncate(rows.len() / 2);
            }
        }
    });
}

fn edit(answer: &mut Answer, change: impl FnOnce(&mut Value)) {
    if let Ok(mut page) = serde_json::from_str(&answer.body) {
        change(&mut page);
        answer.body = page.to_string();
    }
}

/// Half of the body, with a length to match.
pub fn halve_body(answer: &mut Answer) {
    let half = (0..=answer.body.len() / 2).rev();
    let half = half
        .into_iter()
        .find(|at| answer.body.is_char_boundary(*at));
    answer.body.truncate(half.unwrap_or(0));
}

/// The proper length, half of the body, and then an end that the HTTP library
/// can only bring about by closing the connection.
pub fn half(mut answer: Answer) -> Response<Body> {
    let length = answer.body.len();
    let body = std::mem::take(&mut answer.body).into_bytes();
    let first = Bytes::copy_from_slice(&body[..length / 2]);
    let parts = [
        Ok(first),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let mut response = response(answer.with("content-length", length.to_string()));
    *response.body_mut() = Body::from_stream(stream::iter(parts));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_cut_and_looks_whole() {
        let page =
            json!({"servers": [{"id": "a"}, {"id": "b"}], "servers_links": [{"rel": "next"}]});
        let mut answer = Answer::json(200, &page);
        assert_eq!(last_row(&answer.body).as_deref(), Some("b"));
        unlink(&mut answer);
        halve(&mut answer);
        assert_eq!(answer.body, r#"{"servers":[{"id":"a"}]}"#);
        halve_body(&mut answer);
        assert_eq!(answer.body, r#"{"servers":["#);
        halve(&mut answer);
        assert_eq!(answer.body, r#"{"servers":["#);
    }
}
