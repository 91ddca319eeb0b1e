//! URLs, and hosts with their ports.

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

/// A host, of a name's characters or an IPv6 address in brackets, and a port
/// from 1.
///
/// ```
/// use caso_config::value::endpoint;
///
/// assert_eq!(endpoint("localhost:5000"), Ok(("localhost".into(), 5000)));
/// assert_eq!(endpoint("[::1]:80"), Ok(("[::1]".into(), 80)));
/// assert!(endpoint("::1:80").is_err() && endpoint("host:0").is_err() && endpoint("host").is_err());
/// ```
///
/// # Errors
/// What is expected, for any other text.
pub fn endpoint(text: &str) -> Result<(String, u16), String> {
    let expected = || "a host and a port: `host:port`, `[::1]:port`".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let port: u16 = port
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(expected)?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let good = match bracketed {
        Some(inside) => inside.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(named)
        }
    };
    if good {
        Ok((host.to_owned(), port))
    } else {
        Err(expected())
    }
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
