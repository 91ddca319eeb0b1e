//! One thing outside the sandbox that a component may use, as the site writes it.
//!
//! A component has nothing by itself; an empty list of grants denies all. Each
//! grant is one line of text and the same text everywhere: in `grants` of
//! `[messenger_NAME]`, in messages and in serialised form.
//!
//! | form                                         | grants                                        |
//! |----------------------------------------------|-----------------------------------------------|
//! | `queue:/path`                                | messages into the directory queue at `/path`  |
//! | `queue:/path?umask=027`                      | the same, files and folders with that umask   |
//! | `connection:host:port`                       | a TCP connection to one host and port         |
//! | `connection:tls://host:port`                 | the same, inside TLS, by the system's CAs     |
//! | `connection:tls://host:port?cafile=/path`    | the same, by the CAs in that file or folder   |
//! | `…?cafile=/path&certfile=/path&keyfile=/path` | the same, with a client certificate too     |
//! | `http:https://host`, `http:https://host:port`| HTTP requests to one origin                   |
//! | `http:https://host?cafile=/path`             | the same, by the CAs in that file or folder   |
//! | `http:https://host?verify=false`             | the same, whatever certificate the server has |
//! | `directory:/path`                            | reading below `/path`                         |
//! | `directory-write:/path`                      | reading and writing below `/path`             |
//! | `address:host:port`                          | plain `wasi:sockets` TCP to one host and port |
//!
//! There are no wildcards: one that opens all hosts or all of a disk would be
//! the first thing that everybody writes. IPv6 addresses stand in brackets.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use caso_net::Endpoint;
pub use caso_net::tls::Identity;

/// The client certificate of two terms.
pub(super) fn identity(
    certfile: Option<&str>,
    keyfile: Option<&str>,
) -> Result<Option<Identity>, String> {
    let certfile = certfile.map(parse_path).transpose()?;
    let keyfile = keyfile.map(parse_path).transpose()?;
    Identity::of(certfile, keyfile).map_err(|error| error.to_string())
}

/// What the site grants; see the table above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grant {
    Queue {
        path: PathBuf,
        /// Instead of the process's own.
        umask: Option<u32>,
    },
    Connection {
        endpoint: Endpoint,
        tls: bool,
        /// Instead of the system's certificates.
        cafile: Option<PathBuf>,
        /// Whom the server is told that we are.
        identity: Option<Identity>,
    },
    Http {
        /// Scheme, host and perhaps port, without a path.
        origin: String,
        /// Instead of the system's certificates.
        cafile: Option<PathBuf>,
        /// Whether the server's certificate is checked.
        verify: bool,
    },
    Directory {
        path: PathBuf,
        write: bool,
    },
    Address(Endpoint),
}

/// A grant that is none. The text names the accepted form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a grant: {problem}; write it as {form}")]
pub struct ParseGrantError {
    pub text: String,
    pub problem: String,
    pub form: &'static str,
}

const FORMS: &str = "`queue:/path`, `connection:host:port`, `connection:tls://host:port`, \
                     `http:https://host`, `directory:/path`, `directory-write:/path` or \
                     `address:host:port`";

impl Grant {
    /// Parses what stands after the kind.
    pub(super) fn of_kind(kind: &str, target: &str) -> Result<Self, ParseGrantError> {
        let fail = |form| {
            move |problem: String| ParseGrantError {
                text: format!("{kind}:{target}"),
                problem,
                form,
            }
        };
        match kind {
            "queue" => {
                let fail = fail("`queue:/path`, with `?umask=027` at the end if need be");
                let (path, term) = split_term(target, "umask");
                let umask = term.map(parse_umask).transpose().map_err(fail)?;
                let path = parse_path(path).map_err(fail)?;
                Ok(Self::Queue { path, umask })
            }
            "connection" => {
                let fail = fail(
                    "`connection:host:port` or `connection:tls://host:port`, with \
                     `?cafile=/path` after the latter if need be, and `&certfile=/path&keyfile=/path`",
                );
                let (rest, [cafile, certfile, keyfile]) =
                    split_terms(target, ["cafile", "certfile", "keyfile"]);
                let cafile = cafile.map(parse_path).transpose().map_err(fail)?;
                let identity = identity(certfile, keyfile).map_err(fail)?;
                let (tls, rest) = match rest.strip_prefix("tls://") {
                    Some(rest) => (true, rest),
                    None => (false, rest),
                };
                if cafile.is_some() && !tls {
                    return Err(fail("`cafile` without `tls://`".to_owned()));
                }
                if identity.is_some() && !tls {
                    return Err(fail("`certfile` without `tls://`".to_owned()));
                }
                let endpoint = endpoint(rest).map_err(fail)?;
                Ok(Self::Connection {
                    endpoint,
                    tls,
                    cafile,
                    identity,
                })
            }
            "http" => {
                let fail = fail(
                    "`http:https://host` or `http:https://host:port`, with `?cafile=/path` or \
                     `?verify=false` at the end if need be",
                );
                let (rest, cafile) = split_term(target, "cafile");
                let (rest, verify) = split_term(rest, "verify");
                let cafile = cafile.map(parse_path).transpose().map_err(fail)?;
                let verify = verify.map(truth).transpose().map_err(fail)?;
                let origin = parse_origin(rest).map_err(fail)?;
                if cafile.is_some() && verify.is_some() {
                    return Err(fail("`cafile` beside `verify`".to_owned()));
                }
                if (cafile.is_some() || verify.is_some()) && !origin.starts_with("https:") {
                    return Err(fail("terms of TLS without `https://`".to_owned()));
                }
                Ok(Self::Http {
                    origin,
                    cafile,
                    verify: verify.unwrap_or(true),
                })
            }
            "directory" | "directory-write" => parse_path(target)
                .map(|path| Self::Directory {
                    path,
                    write: kind == "directory-write",
                })
                .map_err(fail("`directory:/path` or `directory-write:/path`")),
            "address" => endpoint(target)
                .map(Self::Address)
                .map_err(fail("`address:host:port`")),
            _ => Err(fail(FORMS)(format!("there is no kind `{kind}`"))),
        }
    }

    /// Whether a request for `wanted` may have this.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Queue { path, .. }, Self::Queue { path: wanted, .. }) => path == wanted,
            (
                Self::Connection { endpoint, tls, .. },
                Self::Connection {
                    endpoint: wanted,
                    tls: wanted_tls,
                    ..
                },
            ) => endpoint == wanted && (*tls || !wanted_tls),
            (Self::Http { origin, .. }, Self::Http { origin: wanted, .. }) => origin == wanted,
            (
                Self::Directory { path, write },
                Self::Directory {
                    path: wanted,
                    write: wanted_write,
                },
            ) => path == wanted && (*write || !wanted_write),
            (Self::Address(endpoint), Self::Address(wanted)) => endpoint == wanted,
            _ => false,
        }
    }
}

impl FromStr for Grant {
    type Err = ParseGrantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((kind, target)) = text.trim().split_once(':') else {
            return Err(ParseGrantError {
                text: text.to_owned(),
                problem: "it names no kind".to_owned(),
                form: FORMS,
            });
        };
        Self::of_kind(kind, target)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { path, umask } => {
                write!(f, "queue:{}", path.display())?;
                umask.map_or(Ok(()), |umask| write!(f, "?umask={umask:03o}"))
            }
            Self::Connection {
                endpoint,
                tls,
                cafile,
                identity,
            } => {
                write!(
                    f,
                    "connection:{}{endpoint}",
                    if *tls { "tls://" } else { "" }
                )?;
                let terms = [
                    ("cafile", cafile.as_ref()),
                    (
                        "certfile",
                        identity.as_ref().map(|identity| &identity.certfile),
                    ),
                    (
                        "keyfile",
                        identity.as_ref().map(|identity| &identity.keyfile),
                    ),
                ];
                let mut sign = '?';
                for (name, path) in terms {
                    if let Some(path) = path {
                        write!(f, "{sign}{name}={}", path.display())?;
                        sign = '&';
                    }
                }
                Ok(())
            }
            Self::Http {
                origin,
                cafile,
                verify,
            } => {
                write!(f, "http:{origin}")?;
                match cafile {
                    _ if !verify => f.write_str("?verify=false"),
                    Some(path) => write!(f, "?cafile={}", path.display()),
                    None => Ok(()),
                }
            }
            Self::Directory { path, write: false } => write!(f, "directory:{}", path.display()),
            Self::Directory { path, write: true } => {
                write!(f, "directory-write:{}", path.display())
            }
            Self::Address(endpoint) => write!(f, "address:{endpoint}"),
        }
    }
}

impl TryFrom<String> for Grant {
    type Error = ParseGrantError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

/// Splits `?name=value` off the end. Only the last `?name=` counts, so that a
/// path may contain a question mark.
fn split_term<'a>(text: &'a str, name: &str) -> (&'a str, Option<&'a str>) {
    match text.rsplit_once(&format!("?{name}=")) {
        Some((rest, value)) => (rest, Some(value)),
        None => (text, None),
    }
}

/// Splits `?name=value&name=value` off the end, the names in any order. As with
/// one, a path may contain a question mark, or an ampersand.
fn split_terms<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> (&'a str, [Option<&'a str>; N]) {
    let mut values = [None; N];
    let mut rest = text;
    loop {
        let last = names.iter().zip(&mut values).filter_map(|(name, value)| {
            let question = split_term(rest, name);
            let (before, found) = match rest.rsplit_once(&format!("&{name}=")) {
                Some((before, found))
                    if question.1.is_none() || before.len() > question.0.len() =>
                {
                    (before, found)
                }
                _ => (question.0, question.1?),
            };
            Some((before, found, value))
        });
        let Some((before, found, value)) = last.max_by_key(|(before, ..)| before.len()) else {
            return (text, [None; N]);
        };
        if value.replace(found).is_some() {
            return (text, [None; N]);
        }
        let question = rest.as_bytes().get(before.len()) == Some(&b'?');
        rest = before;
        if question {
            return (rest, values);
        }
    }
}

pub(super) fn parse_umask(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(umask) if umask <= 0o777 && !text.starts_with('+') => Ok(umask),
        _ => Err(format!("`{text}` is not an octal umask up to 777")),
    }
}

/// An absolute path in its plain form. `..` is refused: whether it leaves a
/// folder depends on links that a reader of the configuration does not see.
pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err(format!("`{text}` is not an absolute path"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(format!("`{text}` contains `..`"));
    }
    if text.contains(|c: char| c.is_control()) {
        return Err("the path contains a control character".to_owned());
    }
    Ok(path.components().collect())
}

pub(super) fn truth(text: &str) -> Result<bool, String> {
    caso_base::parse_boolean(text).ok_or_else(|| format!("`{text}` is neither true nor false"))
}

fn endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse()
        .map_err(|error: caso_net::ParseEndpointError| error.to_string())
}

fn parse_origin(text: &str) -> Result<String, String> {
    let url = web_url(text)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare {
        return Err(format!("`{text}` is more than an origin"));
    }
    Ok(url.origin().ascii_serialization())
}

/// The origin of an address, as an option of a component has it. A site writes
/// the origin itself, so that it sees what it grants.
pub(super) fn origin_of(text: &str) -> Result<String, String> {
    Ok(web_url(text)?.origin().ascii_serialization())
}

/// The text itself is not shown where it may hold a password.
fn web_url(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|error| format!("`{text}`: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or password in an address is more than an origin".to_owned());
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is not http or https", url.scheme()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_reads_back_as_written() {
        for text in [
            "queue:/var/spool/apel/outgoing/openstack",
            "queue:/q?umask=027",
            "connection:logstash.example.org:5000",
            "connection:tls://logstash.example.org:5001",
            "connection:tls://[2001:db8::1]:5001?cafile=/etc/ca.pem",
            "connection:tls://a:1?certfile=/c.pem&keyfile=/k.pem",
            "connection:tls://a:1?cafile=/a?b&c.pem&certfile=/c.pem&keyfile=/k.pem",
            "http:https://example.org",
            "http:http://example.org:8080",
            "http:https://example.org:8443?cafile=/etc/ca.pem",
            "http:https://[2001:db8::1]?verify=false",
            "directory:/etc/templates",
            "directory-write:/var/lib/x",
            "address:[::1]:9",
        ] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn terms_come_in_any_order_and_a_key_may_lie_with_its_certificate() {
        for (text, same) in [
            (
                "connection:tls://a:1?keyfile=/k&cafile=/a&certfile=/c",
                "connection:tls://a:1?cafile=/a&certfile=/c&keyfile=/k",
            ),
            (
                "connection:tls://a:1?certfile=/both.pem",
                "connection:tls://a:1?certfile=/both.pem&keyfile=/both.pem",
            ),
        ] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), same);
        }
    }

    #[test]
    fn paths_and_hosts_have_one_form() {
        assert_eq!(
            "queue:/q//a/./b/".parse::<Grant>().unwrap().to_string(),
            "queue:/q/a/b"
        );
        let grant: Grant = "address:LOGSTASH.Example:5".parse().unwrap();
        assert_eq!(grant.to_string(), "address:logstash.example:5");
    }

    #[test]
    fn a_refusal_teaches_the_form() {
        for (text, problem, form) in [
            ("everything", "names no kind", "`queue:/path`"),
            ("all:*", "no kind `all`", "`connection:host:port`"),
            ("queue:spool", "not an absolute path", "`queue:/path`"),
            ("queue:/a/../etc", "contains `..`", "`queue:/path`"),
            ("queue:/a?umask=9", "octal", "?umask=027"),
            (
                "connection:example.org",
                "no port",
                "`connection:host:port`",
            ),
            (
                "connection:*:80",
                "`*` is not a host",
                "`connection:host:port`",
            ),
            ("connection:a:0", "not a port", "`connection:host:port`"),
            (
                "connection:::1:80",
                "without brackets",
                "`connection:host:port`",
            ),
            (
                "connection:a:1?cafile=/x",
                "without `tls://`",
                "`connection:tls://host:port`",
            ),
            (
                "connection:a:1?certfile=/x",
                "without `tls://`",
                "`connection:tls://host:port`",
            ),
            (
                "connection:tls://a:1?keyfile=/x",
                "`keyfile` without `certfile`",
                "&certfile=/path",
            ),
            (
                "connection:tls://a:1?cafile=/x&cafile=/y",
                "not a port",
                "`connection:tls://host:port`",
            ),
            ("http:ftp://x", "not http", "`http:https://host`"),
            (
                "http:https://x/path",
                "more than an origin",
                "`http:https://host`",
            ),
            (
                "http:https://u:p@x",
                "more than an origin",
                "`http:https://host`",
            ),
            (
                "http:http://x?verify=false",
                "without `https://`",
                "`http:https://host`",
            ),
            (
                "http:https://x?verify=perhaps",
                "neither true nor false",
                "`http:https://host`",
            ),
            (
                "http:https://x?verify=false?cafile=/y",
                "beside",
                "`http:https://host`",
            ),
        ] {
            let message = text.parse::<Grant>().unwrap_err().to_string();
            assert!(
                message.contains(problem) && message.contains(form),
                "{message}"
            );
        }
    }

    #[test]
    fn serde_goes_through_the_text() {
        let grants: Vec<Grant> = serde_json::from_str(r#"["queue:/q","address:a:1"]"#).unwrap();
        assert_eq!(
            serde_json::to_string(&grants).unwrap(),
            r#"["queue:/q","address:a:1"]"#
        );
        assert!(serde_json::from_str::<Grant>(r#""queue:q""#).is_err());
    }

    #[test]
    fn only_the_same_thing_or_less_is_covered() {
        let grant = |text: &str| text.parse::<Grant>().unwrap();
        for (granted, wanted, covered) in [
            ("queue:/q?umask=027", "queue:/q", true),
            ("queue:/q", "queue:/q/below", false),
            ("connection:tls://a:1", "connection:a:1", true),
            ("connection:a:1", "connection:tls://a:1", false),
            ("connection:a:1", "connection:a:2", false),
            ("connection:a:1", "address:a:1", false),
            ("directory-write:/d", "directory:/d", true),
            ("directory:/d", "directory-write:/d", false),
            ("directory:/d", "directory:/d/e", false),
            ("http:https://a", "http:https://a:443", true),
            ("http:https://a?cafile=/ca", "http:https://a", true),
            ("http:https://a", "http:http://a", false),
            ("http:https://a", "http:https://a:8443", false),
            ("http:https://a", "http:https://b.a", false),
            ("http:https://a", "connection:tls://a:443", false),
        ] {
            assert_eq!(
                grant(granted).covers(&grant(wanted)),
                covered,
                "{granted} / {wanted}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_stable(text in "(queue|connection|directory|address|http):[ -~]{0,30}") {
            if let Ok(grant) = text.parse::<Grant>() {
                prop_assert_eq!(grant.to_string().parse::<Grant>().unwrap(), grant);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Grant>();
        }
    }
}
