//! A request as the stand-in and its tests see it.

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
    pub(crate) token: Option<String>,
    pub(crate) authorization: Option<String>,
    pub body: String,
    /// How many bytes the body of the answer had.
    pub answered_bytes: usize,
    pub status: u16,
}

impl Seen {
    /// A request as it arrives. Names of headers are in lower case, and the query
    /// is as on the wire, without its question mark.
    pub fn new<'a>(
        method: &str,
        path: &str,
        query: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: String,
    ) -> Self {
        let mut seen = Seen {
            method: method.to_owned(),
            path: path.to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            microversion: None,
            project: None,
            user_agent: String::new(),
            token: None,
            authorization: None,
            body,
            answered_bytes: 0,
            status: 0,
        };
        for (name, value) in headers {
            let value = value.to_owned();
            match name {
                "openstack-api-version" => {
                    let compute = value.strip_prefix("compute ").map(str::to_owned);
                    seen.microversion = compute.or(seen.microversion);
                }
                "x-openstack-nova-api-version" => {
                    seen.microversion = seen.microversion.or(Some(value));
                }
                "user-agent" => seen.user_agent = value,
                "x-auth-token" => seen.token = Some(value),
                "authorization" => seen.authorization = Some(value),
                _ => {}
            }
        }
        seen
    }

    /// Whether that is a part of its path.
    pub fn asks(&self, path: &str) -> bool {
        self.path.contains(path)
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
