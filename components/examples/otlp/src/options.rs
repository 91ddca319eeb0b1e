//! The messenger's options, read from what the host hands to `start`.

use caso_component::messenger::StartError;
use caso_component::settings::Settings;
use caso_http::address::Address;
use caso_http::client::{header, token};
use caso_http::http::Header;

/// The path of metrics below the endpoint ("OTLP/HTTP Request").
const METRICS: &str = "/v1/metrics";

/// The configuration of an instance. Not `Debug`: the headers must not end up in a log.
#[derive(Clone, PartialEq)]
pub struct Options {
    /// Where the receiver is.
    pub endpoint: Address,
    /// Path of a request.
    pub path: String,
    /// Headers of each request, besides its type.
    pub headers: Vec<Header>,
    /// The parts of these headers that nobody may see.
    pub secrets: Vec<String>,
    /// `service.name`.
    pub service_name: String,
    /// Whether what was used in an interval is a sum of delta temporality.
    pub deltas: bool,
    /// Records in a request.
    pub max_size: usize,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong, and what it must be.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let endpoint = Address::parse(&settings.text("endpoint")?)
            .map_err(|reason| StartError::option("endpoint", reason))?;
        let text = |name: &str| -> Result<Option<String>, StartError> {
            Ok(settings
                .optional_text(name)?
                .filter(|text| !text.trim().is_empty()))
        };
        let mut headers = Vec::new();
        let mut secrets = Vec::new();
        for (name, value) in parse(&text("headers")?.unwrap_or_default())
            .ok_or_else(|| StartError::option("headers", "must be `name=value,name=value`"))?
        {
            headers.push(header(&name, &value));
            // Of `Bearer abc` the word that matters is the last one.
            secrets.extend(value.split_whitespace().next_back().map(str::to_owned));
            secrets.push(value);
        }
        if let Some(token) = token(settings, "token")? {
            if headers.iter().any(|it| it.name == "authorization") {
                return Err(StartError::option(
                    "token",
                    "is set, and `headers` has an `authorization` as well",
                ));
            }
            headers.push(header("authorization", &format!("Bearer {token}")));
            secrets.push(token);
        }
        // The longest first, or a part would be left of it.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let max_size = settings.integer("max_size")?;
        Ok(Self {
            path: endpoint.below(METRICS),
            endpoint,
            headers,
            secrets,
            service_name: settings.text("service_name")?,
            deltas: settings.text("intervals")? == "sum",
            // The host has checked its bounds.
            max_size: usize::try_from(max_size).unwrap_or(1).max(1),
        })
    }
}

/// Names in lower case and values of `name=value,name=value`, which are encoded as those of
/// W3C Baggage without properties ("Specifying headers via environment variables").
fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let name = decoded(name.trim())?.to_ascii_lowercase();
            let value = decoded(value.trim())?;
            let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            let named = !name.is_empty() && name.chars().all(is_name);
            let plain = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            (named && plain && name != "content-type").then_some((name, value))
        })
        .collect()
}

/// Percent-encoding undone.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(left.next())? * 16 + digit(left.next())?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use caso_component::samples::setting;
    use caso_component::types::OptionValue;

    pub(crate) fn options(changes: &[(&str, &str)]) -> Result<Options, String> {
        let mut settings = vec![setting("max_size", OptionValue::Integer(100))];
        let defaults = [
            ("endpoint", "https://otel.example.org:4318"),
            ("service_name", "caso"),
            ("intervals", "sum"),
        ];
        for (name, value) in defaults.iter().chain(changes) {
            settings.retain(|it| it.name != *name);
            settings.push(setting(name, OptionValue::Text((*value).into())));
        }
        Options::from_settings(Settings(&settings)).map_err(|error| error.text())
    }

    fn headers(changes: &[(&str, &str)]) -> Vec<String> {
        let options = options(changes).ok().unwrap();
        let headers = options.headers.iter();
        headers
            .map(|it| format!("{}: {}", it.name, it.value))
            .collect()
    }

    #[test]
    fn headers_are_those_of_the_environment_variable() {
        for (text, expected) in [
            ("", vec![]),
            ("api-key=abc", vec!["api-key: abc"]),
            (
                " Authorization = Bearer%20abc , x=a%2Cb%3D,",
                vec!["authorization: Bearer abc", "x: a,b="],
            ),
        ] {
            assert_eq!(headers(&[("headers", text)]), expected);
        }
        assert_eq!(headers(&[("token", "abc")]), ["authorization: Bearer abc"]);
        let options = options(&[("headers", "authorization=Bearer%20hunter2")]);
        assert_eq!(options.ok().unwrap().secrets, ["Bearer hunter2", "hunter2"]);
    }

    #[test]
    fn the_path_is_below_the_endpoint() {
        for (endpoint, path) in [
            ("http://localhost:4318", "/v1/metrics"),
            ("http://prom:9090/api/v1/otlp/", "/api/v1/otlp/v1/metrics"),
        ] {
            let options = options(&[("endpoint", endpoint)]).ok().unwrap();
            assert_eq!(options.path, path);
        }
    }

    #[test]
    fn bad_values_are_named_and_no_secret_is_shown() {
        for changes in [
            [("endpoint", "otel.example.org"), ("token", "")],
            [("endpoint", "http://u:hunter2@a"), ("token", "")],
            [("headers", "hunter2"), ("token", "")],
            [("headers", "a b=hunter2"), ("token", "")],
            [("headers", "a=hunter2%0A"), ("token", "")],
            [("headers", "a=hunter2%4"), ("token", "")],
            [("headers", "content-type=hunter2"), ("token", "")],
            [("token", "hunter 2"), ("headers", "")],
            [("token", "hunter2"), ("headers", "Authorization=hunter2")],
        ] {
            let error = options(&changes).err().unwrap();
            assert!(error.contains(&format!("`{}`", changes[0].0)), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
