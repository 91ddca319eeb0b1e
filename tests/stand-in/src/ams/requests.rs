//! AMS's requests, as far as accounting makes them.

use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answers::{error, json_of};
use super::{PROJECT, Publication, State, TOO_LARGE};

/// A request.
pub struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    token: Option<String>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    pub fn new(parts: &'a Parts, body: &'a [u8]) -> Self {
        let header = parts.headers.get("x-api-key");
        // The documentation's other way, of older clients.
        let query = parts.uri.query().unwrap_or_default();
        let queried = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "key")
            .map(|(_, key)| key.into_owned());
        Self {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            token: header
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
                .or(queried),
            body,
        }
    }

    pub fn is_for_a_token(&self) -> bool {
        let host = self
            .path
            .strip_prefix("/v1/service-types/ams/hosts/")
            .and_then(|rest| rest.strip_suffix(":authx509"));
        // The name of the host, and not where it listens.
        self.method == "GET" && host.is_some_and(|host| !host.is_empty() && !host.contains(':'))
    }

    pub fn publishes(&self) -> bool {
        self.method == "POST" && self.path.ends_with(":publish")
    }

    pub fn token(&self, state: &mut State) -> Response {
        match self.is_for_a_token() {
            true => json_of(200, &json!({ "token": state.issue() })),
            false => error(404, "Binding was not found", "NOT_FOUND"),
        }
    }

    /// The answer; of a publish only the first so many messages are taken, if there is a
    /// number.
    pub fn answer(&self, state: &mut State, takes: Option<usize>) -> Response {
        let known = |token: &String| state.tokens.contains(token);
        if !self.token.as_ref().is_some_and(known) {
            return error(401, "Unauthorized", "UNAUTHORIZED");
        }
        let Some((kind, name, verb)) = self.parts() else {
            return error(404, "project doesn't exist", "NOT_FOUND");
        };
        let there = match kind {
            "topics" => state.topics.iter().any(|topic| topic == name),
            _ => state.subscriptions.contains_key(name),
        };
        match (there, kind, verb, self.method) {
            (false, "topics", ..) => error(404, "Topic doesn't exist", "NOT_FOUND"),
            (false, ..) => error(404, "Subscription doesn't exist", "NOT_FOUND"),
            (_, "topics", "", "GET") => json_of(
                200,
                &json!({"name": format!("/projects/{PROJECT}/topics/{name}")}),
            ),
            (_, "topics", "publish", "POST") => self.publish(state, name, takes),
            (_, "subscriptions", "pull", "POST") => self.pull(state, name),
            (_, "subscriptions", "acknowledge", "POST") => self.acknowledge(state, name),
            _ => error(404, "Not found", "NOT_FOUND"),
        }
    }

    /// `topics` or `subscriptions`, a name, and what is done with it.
    fn parts(&self) -> Option<(&'a str, &'a str, &'a str)> {
        let rest = self.path.strip_prefix("/v1/projects/")?;
        let (kind, name) = rest
            .strip_prefix(PROJECT)?
            .strip_prefix('/')?
            .split_once('/')?;
        let (name, verb) = name.split_once(':').unwrap_or((name, ""));
        matches!(kind, "topics" | "subscriptions").then_some((kind, name, verb))
    }

    fn publish(&self, state: &mut State, topic: &str, takes: Option<usize>) -> Response {
        let invalid = |what: &str| error(400, what, "INVALID_ARGUMENT");
        if self.body.len() >= TOO_LARGE {
            return error(413, "Message size is too large", "INVALID_ARGUMENT");
        }
        let Ok(body) = serde_json::from_slice::<Value>(self.body) else {
            return invalid("Invalid Message Arguments");
        };
        let Some(messages) = body["messages"].as_array().filter(|all| !all.is_empty()) else {
            return invalid("Invalid Message Arguments");
        };
        let mut taken = Vec::new();
        for message in messages {
            let attribute = &message["attributes"]["empaid"];
            let data = message["data"].as_str().map(|text| STANDARD.decode(text));
            let (Some(empaid), Some(Ok(data))) = (attribute.as_str(), data) else {
                return invalid("Invalid Message Arguments");
            };
            taken.push(Publication {
                topic: topic.to_owned(),
                empaid: empaid.to_owned(),
                data,
            });
        }
        taken.truncate(takes.unwrap_or(usize::MAX));
        let first = state.published.len();
        let ids: Vec<String> = (first..first + taken.len())
            .map(|id| id.to_string())
            .collect();
        state.published.extend(taken);
        json_of(200, &json!({ "messageIds": ids }))
    }

    /// The next messages of a subscription, which stay until they are acknowledged.
    fn pull(&self, state: &State, name: &str) -> Response {
        let Some((topic, acknowledged)) = state.subscriptions.get(name) else {
            return error(404, "Subscription doesn't exist", "NOT_FOUND");
        };
        let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
        // The library has it as a text, and the documentation as well.
        let most = match &body["maxMessages"] {
            Value::String(text) => text.parse().unwrap_or(1),
            number => number.as_u64().map_or(1, |number| number as usize),
        };
        let of_topic = state.published.iter().filter(|it| it.topic == *topic);
        let messages: Vec<Value> = of_topic
            .enumerate()
            .skip(*acknowledged)
            .take(most)
            .map(|(place, message)| {
                json!({
                    "ackId": format!("projects/{PROJECT}/subscriptions/{name}:{place}"),
                    "message": {
                        "messageId": place.to_string(),
                        "attributes": {"empaid": message.empaid},
                        "data": STANDARD.encode(&message.data),
                        "publishTime": "2026-11-28T09:00:00.000000000Z",
                    },
                })
            })
            .collect();
        json_of(200, &json!({ "receivedMessages": messages }))
    }

    /// The highest id acknowledges all before it.
    fn acknowledge(&self, state: &mut State, name: &str) -> Response {
        let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
        let ids = body["ackIds"].as_array().into_iter().flatten();
        let place = |id: &Value| id.as_str()?.rsplit_once(':')?.1.parse::<usize>().ok();
        let Some(last) = ids.filter_map(place).max() else {
            return error(400, "Invalid ack id", "INVALID_ARGUMENT");
        };
        if let Some((_, acknowledged)) = state.subscriptions.get_mut(name) {
            *acknowledged = (last + 1).max(*acknowledged);
        }
        json_of(200, &json!({}))
    }
}
