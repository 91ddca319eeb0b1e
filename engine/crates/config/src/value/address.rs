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
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "an address that begins with `https://` or `http://`".into())
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
