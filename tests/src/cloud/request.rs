//! A request as the stand-in and its tests see it.

use axum::http::request::Parts;

/// One request that arrived, kept for the test to count and look at.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// With the service in front: `/compute/v2.1/servers/detail`.
    pub path: String,
    /// Decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// The microversion asked of Nova, as sent, without the word `compute`.
    pub microversion: Option<String>,
    /// The project that the request's token is scoped to.
    pub project: Option<String>,
    pub user_agent: String,
    pub(super) token: Option<String>,
    pub(super) authorization: Option<String>,
    /// How many bytes the body of the answer had.
    pub answered_bytes: usize,
    pub status: u16,
}

impl Seen {
    pub(super) fn of(parts: &Parts) -> Self {
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let query = parts.uri.query().unwrap_or_default();
        Seen {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            microversion: header("openstack-api-version")
                .and_then(|value| value.strip_prefix("compute ").map(str::to_owned))
                .or_else(|| header("x-openstack-nova-api-version")),
            project: None,
            user_agent: header("user-agent").unwrap_or_default(),
            token: header("x-auth-token"),
            authorization: header("authorization"),
            answered_bytes: 0,
            status: 0,
        }
    }

    /// The first value of that query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// What was asked, ids and paging aside: `GET compute servers/detail`.
    pub fn kind(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        let mut parts = self.path.trim_matches('/').split('/');
        let service = parts.next().unwrap_or_default();
        for part in parts {
            let version =
                part.starts_with('v') && part[1..].starts_with(|c: char| c.is_ascii_digit());
            if version {
                continue;
            }
            words.push(if part.chars().any(|c| c.is_ascii_digit()) {
                "ID"
            } else {
                part
            });
        }
        format!("{} {service} {}", self.method, words.join("/"))
    }
}
