//! One thing outside the sandbox that a component may use, as an operator writes it.
//!
//! A component has nothing by itself; an empty list of grants denies all. Each
//! grant is one line of text and the same text everywhere: in the operator's
//! configuration, in messages and in serialised form.
//!
//! The accepted forms stand at [`Grant`].
//!
//! There are no wildcards: one that opens all hosts or all of a disk would be
//! the first thing that everybody writes. IPv6 addresses stand in brackets.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::terms::{
    AddressTerms, ConnectionTerms, DirectoryTerms, HttpTerms, QueueTerms, SignatureTerms,
};
use super::value::ValueError;
use super::written::{Written, another, encoded};
use caso_net::ParseEndpointError;

/// A capability with its terms, read from text and written back as the same
/// text.
///
/// | form                        | grants                                                |
/// |-----------------------------|-------------------------------------------------------|
/// | `queue:/path`               | messages into the directory queue at `/path`          |
/// | `connection:host:port`      | a TCP connection to one host and port                 |
/// | `connection:tls://host:port`| the same, inside TLS, by the system's CAs             |
/// | `http:https://host`         | HTTP requests to one origin, `https://host:port` too  |
/// | `directory:/path`           | reading below `/path`                                 |
/// | `directory-write:/path`     | reading and writing below `/path`                     |
/// | `address:host:port`         | plain `wasi:sockets` TCP to one host and port         |
/// | `signature:/path`           | S/MIME signatures with the certificate in that file   |
///
/// Terms stand behind it, `?TERM=VALUE&TERM=VALUE`. One that its kind does not
/// have is refused.
///
/// | term              | of                                       | means                                          |
/// |-------------------|------------------------------------------|------------------------------------------------|
/// | `umask=027`       | `queue`                                  | files and folders get that umask               |
/// | `cafile=/path`    | `connection:tls://`, `http:https://`     | the CAs that count: a file, or a folder        |
/// | `verify=false`    | the same                                 | whatever certificate the server has            |
/// | `certfile=/path`  | the same                                 | our own certificate, if the server asks for it |
/// | `keyfile=/path`   | the same, and `signature`                | its key, if it lies in another file            |
/// | `encrypt=/path`   | `signature`                              | encrypted for this certificate besides         |
/// | `local=true`      | `connection`, `http`, `address`          | the name may lead to this machine and to private networks |
///
/// In a path and in a value, `%3F` stands for `?`, `%26` for `&`, `%2C` for a
/// comma and `%25` for `%`.
///
/// ```
/// use caso_sandbox::Grant;
///
/// for text in [
///     "queue:/var/spool/q?umask=027",
///     "connection:tls://logstash.example:5000?cafile=/etc/ca.pem",
///     "connection:tls://[2001:db8::1]:5001?certfile=/c.pem&keyfile=/k.pem",
///     "http:https://cim.example?verify=false",
///     "directory-write:/var/lib/templates",
///     "address:[::1]:9",
/// ] {
///     assert_eq!(text.parse::<Grant>()?.to_string(), text);
/// }
/// // Text that is not a grant is refused with the form that is accepted.
/// let error = "queue:spool".parse::<Grant>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`queue:spool` is not a grant: `spool` is not an absolute path; write it as \
///      `queue:/path`, with `?umask=027` at the end if need be"
/// );
/// # Ok::<(), caso_sandbox::ParseGrantError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grant {
    /// `queue:`
    Queue(QueueTerms),
    /// `connection:`
    Connection(ConnectionTerms),
    /// `http:`
    Http(HttpTerms),
    /// `directory:` or `directory-write:`
    Directory(DirectoryTerms),
    /// `address:`
    Address(AddressTerms),
    /// `signature:`
    Signature(SignatureTerms),
}

/// The word before a grant's first colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Queue,
    Connection,
    Http,
    Directory,
    DirectoryWrite,
    Address,
    Signature,
}

/// Text that is not a grant. It names the accepted form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a grant: {problem}; write it as {form}")]
pub struct ParseGrantError {
    /// The text as it was written.
    pub text: String,
    /// What is wrong with it.
    pub problem: GrantProblem,
    /// The accepted forms of its kind, or of all kinds.
    pub form: &'static str,
}

/// What is wrong with a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantProblem {
    /// There is no colon in it.
    #[error("it names no kind (a comma divides grants: one in a path is `%2C`)")]
    NoKind,
    /// A blank behind the colon, which a path would begin with.
    #[error("a blank stands behind `{0}:`")]
    Blank(&'static str),
    /// Two that something else than a comma divides.
    #[error("`{0}` in it begins another grant: divide them by a comma")]
    Several(String),
    /// An address with a scheme, where a host and a port are wanted.
    #[error("`{0}` does not belong there: {1}")]
    Scheme(String, &'static str),
    /// An address without the kind before it.
    #[error("the kind goes before an address: `{0}`")]
    BareAddress(String),
    /// The word before the colon is unknown.
    #[error("there is no kind `{0}`")]
    UnknownKind(String),
    /// A path, a number or an address that is malformed.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A host and port that are malformed.
    #[error(transparent)]
    Endpoint(#[from] ParseEndpointError),
    /// A term that this kind does not have.
    #[error("{} has no term `{term}`{}", kind, listed(known))]
    UnknownTerm {
        /// Its name, as it was written.
        term: String,
        /// Of the grant.
        kind: &'static str,
        /// Those that it has.
        known: &'static [&'static str],
    },
    /// Something behind `?` or `&` that is no `name=value`.
    #[error("`{0}` is not a term, `name=value`")]
    NoTerm(String),
    /// Two terms of one name.
    #[error("the term `{0}` is there twice")]
    TermTwice(&'static str),
    /// A `%` that stands for nothing, or a second `?`.
    #[error(
        "`{0}` has a `?`, or a `%` without the two hexadecimal digits of a character; `?` itself \
         is `%3F`, and `%` itself is `%25`"
    )]
    Encoding(String),
    /// A term of TLS at a plain connection.
    #[error("`{0}` without `tls://`")]
    TermWithoutTls(&'static str),
    /// A private key for no certificate.
    #[error("`keyfile` without `certfile`")]
    KeyWithoutCertificate,
    /// Who would be trusted by a file, and anybody.
    #[error("`cafile` beside `verify`")]
    CafileBesideVerify,
    /// A term of TLS at a plain origin.
    #[error("terms of TLS without `https://`")]
    TermsWithoutHttps,
}

fn listed(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        known => format!(" (it has {})", known.join(", ")),
    }
}

const FORMS: &str = "`queue:/path`, `connection:host:port`, `connection:tls://host:port`, \
                     `http:https://host`, `directory:/path`, `directory-write:/path`, \
                     `address:host:port` or `signature:/path`";

impl Kind {
    const ALL: [Self; 7] = [
        Self::Queue,
        Self::Connection,
        Self::Http,
        Self::Directory,
        Self::DirectoryWrite,
        Self::Address,
        Self::Signature,
    ];

    /// The kind of this name; none where this host has none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Connection => "connection",
            Self::Http => "http",
            Self::Directory => "directory",
            Self::DirectoryWrite => "directory-write",
            Self::Address => "address",
            Self::Signature => "signature",
        }
    }

    /// The terms that it has.
    pub fn terms(self) -> &'static [&'static str] {
        match self {
            Self::Queue => &["umask"],
            Self::Connection | Self::Http => &["cafile", "certfile", "keyfile", "verify", "local"],
            Self::Directory | Self::DirectoryWrite => &[],
            Self::Address => &["local"],
            Self::Signature => &["keyfile", "encrypt"],
        }
    }

    /// The accepted forms, for a refusal.
    fn form(self) -> &'static str {
        match self {
            Self::Queue => "`queue:/path`, with `?umask=027` at the end if need be",
            Self::Connection => {
                "`connection:host:port` or `connection:tls://host:port`, with `?cafile=/path` \
                 after the latter if need be, and `&certfile=/path&keyfile=/path`"
            }
            Self::Http => {
                "`http:https://host` or `http:https://host:port`, with `?cafile=/path` or \
                 `?verify=false` at the end if need be"
            }
            Self::Directory | Self::DirectoryWrite => {
                "`directory:/path` or `directory-write:/path`"
            }
            Self::Address => "`address:host:port`",
            Self::Signature => {
                "`signature:/path`, with `?keyfile=/path` if the key lies in another file, and \
                 `&encrypt=/path` if what is signed is to be encrypted"
            }
        }
    }

    /// A grant of this kind from what stands behind the colon.
    pub fn grant(self, target: &str) -> Result<Grant, ParseGrantError> {
        self.read(target)
            .map_err(|problem| self.bad(target, problem))
    }

    fn bad(self, target: &str, problem: GrantProblem) -> ParseGrantError {
        ParseGrantError {
            text: format!("{}:{target}", self.as_str()),
            problem,
            form: self.form(),
        }
    }

    fn read(self, text: &str) -> Result<Grant, GrantProblem> {
        // A path may hold blanks, but hardly ever another grant.
        if let Some(another) = another(text, ' ') {
            return Err(GrantProblem::Several(another.to_owned()));
        }
        let read = Written::read(self, text).and_then(|written| self.of(&written));
        // What is wrong with a part says little where the whole is another thing than a grant.
        read.map_err(|problem| self.as_a_whole(text).unwrap_or(problem))
    }

    /// What may be meant by a text that is none of this kind.
    fn as_a_whole(self, text: &str) -> Option<GrantProblem> {
        if let Some(another) = another(text, ';') {
            return Some(GrantProblem::Several(another.to_owned()));
        }
        if text.starts_with(char::is_whitespace) {
            return Some(GrantProblem::Blank(self.as_str()));
        }
        let plain = match self {
            Self::Connection => "a connection is plain TCP, or `tls://`",
            Self::Address => "an address is plain TCP",
            _ => return None,
        };
        let (scheme, _) = text.split_once("//")?;
        (self != Self::Connection || scheme != "tls:")
            .then(|| GrantProblem::Scheme(format!("{scheme}//"), plain))
    }

    /// A grant of this kind without terms, of a target that somebody else wrote: the
    /// value of an option is a path as it is.
    pub fn plain(self, target: &str) -> Result<Grant, ParseGrantError> {
        let path = matches!(
            self,
            Self::Queue | Self::Directory | Self::DirectoryWrite | Self::Signature
        );
        let escaped = path.then(|| encoded(Path::new(target)));
        let target = escaped.as_deref().unwrap_or(target);
        let written = Written {
            target,
            ..Written::default()
        };
        self.of(&written)
            .map_err(|problem| self.bad(target, problem))
    }

    fn of(self, written: &Written<'_>) -> Result<Grant, GrantProblem> {
        match self {
            Self::Queue => QueueTerms::read(written).map(Grant::Queue),
            Self::Connection => ConnectionTerms::read(written).map(Grant::Connection),
            Self::Http => HttpTerms::read(written).map(Grant::Http),
            Self::Directory => DirectoryTerms::read(written, false).map(Grant::Directory),
            Self::DirectoryWrite => DirectoryTerms::read(written, true).map(Grant::Directory),
            Self::Address => AddressTerms::read(written).map(Grant::Address),
            Self::Signature => SignatureTerms::read(written).map(Grant::Signature),
        }
    }
}

impl Grant {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Queue(_) => Kind::Queue,
            Self::Connection(_) => Kind::Connection,
            Self::Http(_) => Kind::Http,
            Self::Directory(terms) if terms.write => Kind::DirectoryWrite,
            Self::Directory(_) => Kind::Directory,
            Self::Address(_) => Kind::Address,
            Self::Signature(_) => Kind::Signature,
        }
    }

    /// Whether this grant covers a request for `wanted`: the same thing, or
    /// less of it. Never by a prefix.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Queue(granted), Self::Queue(wanted)) => granted.covers(wanted),
            (Self::Connection(granted), Self::Connection(wanted)) => granted.covers(wanted),
            (Self::Http(granted), Self::Http(wanted)) => granted.covers(wanted),
            (Self::Directory(granted), Self::Directory(wanted)) => granted.covers(wanted),
            (Self::Address(granted), Self::Address(wanted)) => granted.endpoint == wanted.endpoint,
            (Self::Signature(granted), Self::Signature(wanted)) => granted.covers(wanted),
            _ => false,
        }
    }
}

impl FromStr for Grant {
    type Err = ParseGrantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem| ParseGrantError {
            text: text.to_owned(),
            problem,
            form: FORMS,
        };
        let (kind, target) = text
            .trim()
            .split_once(':')
            .ok_or_else(|| fail(GrantProblem::NoKind))?;
        // An address as it stands in a browser has `http` for its scheme, not for a kind.
        if matches!(kind, "http" | "https") && target.starts_with("//") {
            return Err(ParseGrantError {
                form: Kind::Http.form(),
                ..fail(GrantProblem::BareAddress(format!("http:{}", text.trim())))
            });
        }
        Kind::named(kind)
            .ok_or_else(|| fail(GrantProblem::UnknownKind(kind.to_owned())))?
            .grant(target)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind().as_str())?;
        match self {
            Self::Queue(terms) => terms.fmt(f),
            Self::Connection(terms) => terms.fmt(f),
            Self::Http(terms) => terms.fmt(f),
            Self::Directory(terms) => terms.fmt(f),
            Self::Address(terms) => terms.fmt(f),
            Self::Signature(terms) => terms.fmt(f),
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

#[cfg(test)]
mod tests;
