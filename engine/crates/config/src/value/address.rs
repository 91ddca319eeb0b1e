//! URLs, and hosts with their ports.

use caso_base::Endpoint;
use url::Url;

use super::{Kind, Value};

/// An absolute URL with a host, over HTTP or HTTPS.
///
/// ```
/// use caso_config::value::url;
///
/// assert_eq!(url("https://keystone.example.org:5000/v3").unwrap().port(), Some(5000));
/// assert!(url("keystone.example.org").is_err() && url("ftp://h/").is_err());
/// ```
///
/// # Errors
/// What is expected, for any other text.
pub fn url(text: &str) -> Result<Url, String> {
    let expected = || "an address that begins with `https://` or `http://`".to_owned();
    let begins = ["https://", "http://"]
        .iter()
        .any(|it| text.starts_with(it));
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        // What it begins with is right: what is wrong lies behind.
        Err(error) if begins => Err(format!("an address, but it has an {error}")),
        Ok(_) | Err(_) => Err(expected()),
    }
}

/// A host and a port, in the forms of [`Endpoint`].
///
/// ```
/// use caso_config::value::endpoint;
///
/// let read = |text| endpoint(text).map(|endpoint| endpoint.to_string());
/// assert_eq!(read("localhost:5000"), Ok("localhost:5000".into()));
/// assert_eq!(read("[::1]:80"), Ok("[::1]:80".into()));
/// assert!(endpoint("::1:80").is_err() && endpoint("host:0").is_err() && endpoint("host").is_err());
/// ```
///
/// # Errors
/// What is expected, for any other text.
pub fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse()
        .map_err(|_| "a host and a port: `host:port`, `[::1]:port`".to_owned())
}

impl Value for Url {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Url;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        match text {
            "" => Ok(None),
            _ => url(text).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it begins with is said only where that is wrong.
    #[test]
    fn what_is_wrong_with_an_address_is_named() {
        for (text, expected) in [
            (
                "keystone",
                "an address that begins with `https://` or `http://`",
            ),
            (
                "ftp://h/",
                "an address that begins with `https://` or `http://`",
            ),
            (
                "https://h:258800/v3",
                "an address, but it has an invalid port number",
            ),
            ("http://", "an address, but it has an empty host"),
        ] {
            assert_eq!(url(text).unwrap_err(), expected, "{text}");
        }
        for text in ["http://127.0.0.1 :25880/v3", "http://::1:25880/v3"] {
            let error = url(text).unwrap_err();
            assert!(error.starts_with("an address, but it has an "), "{error}");
        }
    }
}
