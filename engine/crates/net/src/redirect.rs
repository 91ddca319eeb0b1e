//! The one rule for redirects: a secret stays with the origin that it was sent
//! to.
//!
//! An origin is scheme, host and port (RFC 6454). Another port of the same host
//! is another server, perhaps of another user; and what was typed into a
//! configuration for one of them was not meant for the other. A cloud that sends
//! us elsewhere names the final address in an error, for the operator to write
//! where the first one stands.
//!
//! Prometheus and guests follow no redirect at all: to the former it is an
//! error, to the latter an answer, and a guest that goes on to the address it
//! leads to makes a request like any other, judged by its own grants.

use url::Url;

use crate::exchange::{Request, strip_user};

/// Headers that anybody may see. What is not in this list counts as a secret,
/// so that a new header cannot be forgotten here.
const HARMLESS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "content-length",
    "content-type",
    "openstack-api-version",
    "user-agent",
    "x-openstack-nova-api-version",
];

/// Why a redirect is not followed. The sentence begins with a verb: its subject
/// is the service that redirects. Origins carry neither path nor query, which
/// may hold a secret of theirs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectRefused {
    /// The request carries a secret, and the target is another origin.
    #[error("redirects from `{from}` to `{to}`, and our credentials are for `{from}` only")]
    OtherOrigin {
        /// The origin that was asked.
        from: String,
        /// The origin that it names.
        to: String,
    },
    /// No secret is carried, but what another host answers is not what we asked for.
    #[error("redirects from `{from}` to `{to}`, which is another host")]
    OtherHost {
        /// The origin that was asked.
        from: String,
        /// The origin that it names.
        to: String,
    },
    /// From `https` to anything else.
    #[error("redirects from `{from}` to `{to}`, which is not encrypted")]
    Unencrypted {
        /// The origin that was asked.
        from: String,
        /// The origin that it names.
        to: String,
    },
    /// Not an address, or not one of HTTP.
    #[error("redirects from `{from}` to something that is not an HTTP address")]
    NotHttp {
        /// The origin that was asked.
        from: String,
    },
}

/// Where a redirect leads, if the request may follow it there as it is.
///
/// | the request carries | the redirect leads to | |
/// |---|---|---|
/// | anything | the same scheme, host and port | followed |
/// | a body, or a header that is not harmless | any other origin | refused |
/// | nothing secret | the same host: another port, or `https` after `http` | followed |
/// | nothing secret | another host | refused |
/// | anything | `http` after `https` | refused |
/// | anything | what is not HTTP | refused |
///
/// ```
/// use caso_net::redirect::target;
/// use caso_net::{Method, Request};
///
/// let request = |url: &str, headers: &[(&str, &str)], body: Option<&str>| Request {
///     method: if body.is_some() { Method::Post } else { Method::Get },
///     url: url.parse().unwrap(),
///     headers: headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
///     body: body.map(str::to_owned),
///     scope: String::new(),
/// };
/// let from = "https://cloud:5000/v3";
/// let token = request(from, &[("x-auth-token", "t")], None);
/// let password = request(from, &[("content-type", "application/json")], Some("{}"));
/// let bare = request(from, &[("accept", "application/json")], None);
/// for (location, with_token, with_password, with_nothing) in [
///     ("/v3/",                       true,  true,  true),
///     ("https://cloud:5000/v3/",     true,  true,  true),
///     ("https://CLOUD:5000/v3/",     true,  true,  true),
///     ("https://cloud:5001/v3/",     false, false, true),
///     ("https://cloud/v3/",          false, false, true),
///     ("https://other:5000/v3/",     false, false, false),
///     ("//other:5000/v3/",           false, false, false),
///     ("http://cloud:5000/v3/",      false, false, false),
///     ("ftp://cloud:5000/v3/",       false, false, false),
///     ("https://[",                  false, false, false),
/// ] {
///     assert_eq!(target(&token, location).is_ok(), with_token, "{location}");
///     assert_eq!(target(&password, location).is_ok(), with_password, "{location}");
///     assert_eq!(target(&bare, location).is_ok(), with_nothing, "{location}");
/// }
/// // From `http` to `https` the way out is to write `https` in the first place.
/// let plain = request("http://cloud:5000/v3", &[("x-auth-token", "t")], None);
/// assert_eq!(
///     target(&plain, "https://cloud:5000/v3").unwrap_err().to_string(),
///     "redirects from `http://cloud:5000` to `https://cloud:5000`, and our credentials are for \
///      `http://cloud:5000` only",
/// );
/// // An address cannot bring a user and a password of its own.
/// let found = target(&bare, "https://u:p@cloud:5000/x#y").unwrap();
/// assert_eq!(found.as_str(), "https://cloud:5000/x");
/// ```
pub fn target(request: &Request, location: &str) -> Result<Url, RedirectRefused> {
    let from = request.url.origin().ascii_serialization();
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let Some(mut target) = request.url.join(location).ok().filter(is_http) else {
        return Err(RedirectRefused::NotHttp { from });
    };
    let same_origin = target.origin() == request.url.origin();
    let to = target.origin().ascii_serialization();
    if request.url.scheme() == "https" && target.scheme() != "https" {
        return Err(RedirectRefused::Unencrypted { from, to });
    }
    if !same_origin && carries_secret(request) {
        return Err(RedirectRefused::OtherOrigin { from, to });
    }
    if target.host_str() != request.url.host_str() {
        return Err(RedirectRefused::OtherHost { from, to });
    }
    strip_user(&mut target);
    if same_origin {
        // Neither refuses: the request's own address has them already.
        let _ = target.set_username(request.url.username());
        let _ = target.set_password(request.url.password());
    }
    target.set_fragment(None);
    Ok(target)
}

/// A body may hold a password, a header a token, an address both.
fn carries_secret(request: &Request) -> bool {
    let named = |(name, _): &(String, String)| !HARMLESS.contains(&name.as_str());
    request.body.is_some()
        || request.headers.iter().any(named)
        || !request.url.username().is_empty()
        || request.url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;
    use proptest::prelude::*;

    fn request(url: &str, header: &str) -> Request {
        Request {
            method: Method::Get,
            url: url.parse().unwrap(),
            headers: vec![(header.to_owned(), "x".to_owned())],
            body: None,
            scope: String::new(),
        }
    }

    #[test]
    fn every_header_is_a_secret_unless_it_is_known_to_be_harmless() {
        let elsewhere = "https://cloud:1/";
        for secret in ["authorization", "cookie", "x-auth-token", "x-service-token"] {
            assert!(target(&request("https://cloud/", secret), elsewhere).is_err());
        }
        for harmless in HARMLESS {
            assert!(target(&request("https://cloud/", harmless), elsewhere).is_ok());
        }
        let with_user = request("https://u:p@cloud/a", "accept");
        assert!(target(&with_user, elsewhere).is_err());
        let same = target(&with_user, "/b").unwrap();
        assert_eq!(same.as_str(), "https://u:p@cloud/b");
    }

    /// Not even without a secret: the answer could be anybody's.
    #[test]
    fn a_redirect_never_leads_out_of_encryption() {
        let refused = target(&request("https://cloud/a", "accept"), "http://cloud/a");
        assert!(
            matches!(refused, Err(RedirectRefused::Unencrypted { .. })),
            "{refused:?}"
        );
        let followed = target(&request("http://cloud/a", "accept"), "https://cloud/a");
        assert_eq!(followed.unwrap().as_str(), "https://cloud/a");
    }

    #[test]
    fn an_error_shows_no_path_and_no_query() {
        let error = target(
            &request("https://cloud/a?key=1", "cookie"),
            "https://u:p@sso/login?ticket=2",
        );
        let text = error.unwrap_err().to_string();
        assert!(text.contains("`https://cloud` to `https://sso`"), "{text}");
        assert!(!text.contains("key") && !text.contains("ticket") && !text.contains("u:p"));
    }

    proptest! {
        #[test]
        fn no_location_takes_a_secret_away(location in "[a-z]{0,6}:?[/\\\\]{0,3}[a-z0-9.@:?#%\\[\\] /\\\\]{0,30}") {
            let asked = request("https://cloud:8774/v2.1", "x-auth-token");
            if let Ok(found) = target(&asked, &location) {
                prop_assert_eq!(found.origin(), asked.url.origin());
                prop_assert!(found.username().is_empty() && found.password().is_none());
            }
        }
    }
}
