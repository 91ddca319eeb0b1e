//! What never gets into a recording: passwords, secrets, tokens, cookies.
//!
//! Three nets. Of headers only the few below are kept. In JSON a text under a
//! key that speaks of a secret goes, whatever it is. And every secret that
//! was seen going out or coming in (password, token id) is remembered and
//! removed wherever else it turns up, in free text too.

use std::collections::BTreeMap;

use serde_json::Value;

/// Stands where a secret stood.
pub use caso_model::secret::REMOVED;
use caso_model::secret::SECRET_WORDS;

const REQUEST_HEADERS: [&str; 4] = [
    "accept",
    "content-type",
    "openstack-api-version",
    "x-openstack-nova-api-version",
];

const ANSWER_HEADERS: [&str; 9] = [
    "content-type",
    "date",
    "location",
    "openstack-api-version",
    "retry-after",
    "x-compute-request-id",
    "x-openstack-nova-api-version",
    "x-openstack-request-id",
    "x-subject-token",
];

/// Secrets shorter than this are too likely to be a word of something else;
/// they are removed where they are the whole text.
const LONG: usize = 8;

/// The secrets seen so far.
#[derive(Debug, Default)]
pub struct Secrets {
    known: Vec<String>,
    tokens: BTreeMap<String, String>,
}

impl Secrets {
    /// From a request's headers: our own token.
    pub fn learn(&mut self, header: &str, value: &str) {
        if matches!(
            header,
            "x-auth-token" | "authorization" | "proxy-authorization" | "cookie"
        ) {
            self.remember(value);
        }
    }

    fn remember(&mut self, secret: &str) {
        if !secret.is_empty() && secret != REMOVED && !self.known.iter().any(|k| k == secret) {
            self.known.push(secret.to_owned());
        }
    }

    /// A token's name in the recording: enough to keep tokens apart.
    pub fn token(&mut self, id: &str) -> String {
        self.remember(id);
        let next = self.tokens.len() + 1;
        self.tokens
            .entry(id.to_owned())
            .or_insert_with(|| format!("recorded-token-{next}"))
            .clone()
    }

    pub fn request_headers(&self, headers: &[(String, String)]) -> BTreeMap<String, String> {
        self.kept(headers, &REQUEST_HEADERS)
    }

    pub fn answer_headers(&mut self, headers: &[(String, String)]) -> BTreeMap<String, String> {
        let mut kept = self.kept(headers, &ANSWER_HEADERS);
        let token = headers.iter().find(|(name, _)| name == "x-subject-token");
        if let Some((name, id)) = token {
            kept.insert(name.clone(), self.token(id));
        }
        kept
    }

    fn kept(&self, headers: &[(String, String)], wanted: &[&str]) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        for (name, value) in headers {
            if wanted.contains(&name.as_str()) && !kept.contains_key(name) {
                kept.insert(name.clone(), self.text(value));
            }
        }
        kept
    }

    /// Remembers the secrets under their keys, before anything is written.
    pub fn find(&mut self, value: &Value) {
        self.walk(value, false);
    }

    fn walk(&mut self, value: &Value, secret: bool) {
        match value {
            Value::String(text) if secret => self.remember(text),
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, secret)),
            Value::Object(fields) => {
                for (key, field) in fields {
                    let is_token_id =
                        key == "token" && field.get("id").is_some_and(Value::is_string);
                    if is_token_id && let Some(id) = field.get("id") {
                        self.walk(id, true);
                    }
                    self.walk(field, speaks_of_secret(key) && !field.is_object());
                }
            }
            _ => {}
        }
    }

    /// Removes them from JSON.
    pub fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::Object(fields) => {
                for (key, field) in fields.iter_mut() {
                    if key == "token"
                        && let Some(id) = field.get_mut("id")
                        && id.is_string()
                    {
                        *id = REMOVED.into();
                    }
                    if speaks_of_secret(key) && !field.is_object() {
                        remove(field);
                    } else {
                        self.clean(field);
                    }
                }
            }
            _ => {}
        }
    }

    /// Removes them from free text.
    pub fn text(&self, text: &str) -> String {
        let mut text = without_userinfo(text);
        for secret in &self.known {
            if *secret == text {
                return REMOVED.to_owned();
            }
            if secret.len() >= LONG && text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REMOVED);
            }
        }
        text
    }
}

fn remove(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(remove),
        Value::Null | Value::Bool(_) => {}
        other => *other = REMOVED.into(),
    }
}

/// What is said about a secret and is none: when it ends, where to ask for it
/// and how (OpenID Connect Discovery 1.0, section 3).
const ABOUT: [&str; 4] = ["_at", "_endpoint", "_type", "_supported"];

/// Parts of keys that do so, beside [`SECRET_WORDS`]. `user_data` is what a cloud boots a
/// machine with, and often full of keys.
const WORDS: [&str; 8] = [
    "adminpass",
    "private_key",
    "privatekey",
    "user_data",
    "userdata",
    "api_key",
    "authorization",
    "cookie",
];

/// A key whose text nobody should see.
fn speaks_of_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    if ABOUT.iter().any(|ending| key.ends_with(ending)) {
        return false;
    }
    let mut words = SECRET_WORDS.iter().chain(&WORDS);
    words.any(|word| key.contains(word))
}

/// Text without the user and password of the addresses in it.
pub fn without_userinfo(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        result.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        result.push_str(authority.rsplit('@').next().unwrap_or(authority));
        rest = tail;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn by_key_by_value_and_in_addresses() {
        let mut secrets = Secrets::default();
        let mut body = json!({
            "auth": {"identity": {"methods": ["password", "token"], "password": {"user": {
                "name": "me", "password": "a-long-password"}}, "token": {"id": "a-token-id"}}},
            "access": {"token": {"id": "v2-token"}},
            "server": {"adminPass": "x", "OS-EXT-SRV-ATTR:user_data": "I2Nsb3Vk",
                       "metadata": {"db_password": "p", "note": "uses a-long-password today"}},
            "password_expires_at": "2027-01-01", "audit_ids": ["a"],
            "url": "http://u:p@h:1/x", "locations": "see swift+https://u:p@ss@h/c and http://h/",
            "secrets": ["one", null], "totp": {"user": {"passcode": "482913"}},
        });
        secrets.find(&body);
        secrets.learn("x-auth-token", "sent-token");
        secrets.clean(&mut body);
        let text = body.to_string();
        for gone in [
            "a-long-password",
            "a-token-id",
            "v2-token",
            "I2Nsb3Vk",
            "u:p",
            "ss@h",
            "one",
            "482913",
        ] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert_eq!(
            body["auth"]["identity"]["methods"],
            json!(["password", "token"])
        );
        assert_eq!(body["server"]["metadata"]["note"], "uses removed today");
        assert_eq!(body["password_expires_at"], "2027-01-01");
        assert_eq!(body["url"], "http://h:1/x");
        assert_eq!(secrets.text("sent-token"), REMOVED);
    }

    #[test]
    fn headers_by_list() {
        let mut secrets = Secrets::default();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            pair("set-cookie", "session=1"),
            pair("x-subject-token", "gAAAA"),
            pair("location", "http://u:p@h/"),
            pair("www-authenticate", "Basic"),
        ];
        let kept = secrets.answer_headers(&headers);
        assert_eq!(kept.len(), 2);
        assert_eq!(kept["x-subject-token"], "recorded-token-1");
        assert_eq!(kept["location"], "http://h/");
        assert_eq!(secrets.token("gAAAA"), "recorded-token-1");
        assert_eq!(secrets.token("other"), "recorded-token-2");
    }

    proptest! {
        #[test]
        fn a_long_secret_is_nowhere(before in ".*", secret in "[a-zA-Z0-9_-]{8,60}", after in ".*") {
            let mut secrets = Secrets::default();
            secrets.find(&json!({"password": &secret}));
            let mut body = json!({"note": format!("{before}{secret}{after}")});
            secrets.clean(&mut body);
            prop_assume!(!REMOVED.contains(&secret));
            prop_assert!(!body.to_string().contains(&secret));
        }
    }
}
