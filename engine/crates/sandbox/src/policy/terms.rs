//! What each kind of capability is: one small type, read from the text behind
//! the kind and written back as the same text.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::grant::GrantProblem;
use super::value;
use crate::grant::{Endpoint, Identity};

/// A directory queue for messages: `/path` or `/path?umask=027`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTerms {
    /// Absolute and plain.
    pub path: PathBuf,
    /// For its files and folders, instead of the process's own.
    pub umask: Option<u32>,
}

/// A TCP connection: `host:port`, or `tls://host:port` with terms of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTerms {
    /// Where it leads.
    pub endpoint: Endpoint,
    /// Whether it is inside TLS.
    pub tls: bool,
    /// The CAs that count, instead of the system's.
    pub cafile: Option<PathBuf>,
    /// The client certificate that a server may ask for.
    pub identity: Option<Identity>,
}

/// An origin for HTTP requests: `https://host`, with terms of TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpTerms {
    /// Scheme, host and perhaps port, as the URL standard writes them.
    pub origin: String,
    /// The CAs that count, instead of the system's.
    pub cafile: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    pub verify: bool,
}

/// A directory that the guest sees under the capability's name, `/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryTerms {
    /// Absolute and plain.
    pub path: PathBuf,
    /// Whether it may be written too.
    pub write: bool,
}

impl QueueTerms {
    /// Whether a grant of this covers a request for `wanted`: the same queue. A
    /// queue below another is another queue.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.path == wanted.path
    }
}

impl ConnectionTerms {
    /// The same endpoint; and TLS covers a request for plain TCP, not the other
    /// way round.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.endpoint == wanted.endpoint && (self.tls || !wanted.tls)
    }
}

impl HttpTerms {
    /// The same scheme, host and port.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.origin == wanted.origin
    }
}

impl DirectoryTerms {
    /// The same directory; and writing covers reading, not the other way round.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.path == wanted.path && (self.write || !wanted.write)
    }
}

impl FromStr for QueueTerms {
    type Err = GrantProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, umask) = split_term(text, "umask");
        Ok(Self {
            umask: umask.map(value::umask).transpose()?,
            path: value::path(path)?,
        })
    }
}

impl fmt::Display for QueueTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let umask = self.umask.map(|umask| format!("{umask:03o}"));
        write!(f, "{}", self.path.display())?;
        write_terms(f, [("umask", umask)])
    }
}

impl FromStr for ConnectionTerms {
    type Err = GrantProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, [cafile, certfile, keyfile]) =
            split_terms(text, ["cafile", "certfile", "keyfile"]);
        let cafile = cafile.map(value::path).transpose()?;
        let identity = identity(certfile, keyfile)?;
        let (tls, endpoint) = match rest.strip_prefix("tls://") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if cafile.is_some() && !tls {
            return Err(GrantProblem::TermWithoutTls("cafile"));
        }
        if identity.is_some() && !tls {
            return Err(GrantProblem::TermWithoutTls("certfile"));
        }
        Ok(Self {
            endpoint: endpoint.parse().map_err(GrantProblem::Endpoint)?,
            tls,
            cafile,
            identity,
        })
    }
}

impl fmt::Display for ConnectionTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "tls://" } else { "" };
        let identity = self.identity.as_ref();
        write!(f, "{tls}{}", self.endpoint)?;
        write_terms(
            f,
            [
                ("cafile", self.cafile.as_deref().map(Path::display)),
                ("certfile", identity.map(|own| own.certfile.display())),
                ("keyfile", identity.map(|own| own.keyfile.display())),
            ],
        )
    }
}

impl FromStr for HttpTerms {
    type Err = GrantProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rest, cafile) = split_term(text, "cafile");
        let (rest, verify) = split_term(rest, "verify");
        let cafile = cafile.map(value::path).transpose()?;
        let verify = verify.map(value::boolean).transpose()?;
        let origin = value::origin(rest)?;
        if cafile.is_some() && verify.is_some() {
            return Err(GrantProblem::CafileBesideVerify);
        }
        if (cafile.is_some() || verify.is_some()) && !origin.starts_with("https:") {
            return Err(GrantProblem::TermsWithoutHttps);
        }
        Ok(Self {
            origin,
            cafile,
            verify: verify.unwrap_or(true),
        })
    }
}

impl fmt::Display for HttpTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        match &self.cafile {
            _ if !self.verify => f.write_str("?verify=false"),
            cafile => write_terms(f, [("cafile", cafile.as_deref().map(Path::display))]),
        }
    }
}

impl fmt::Display for DirectoryTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

/// Of the two terms: without `keyfile` the key lies with the certificate.
pub fn identity(
    certfile: Option<&str>,
    keyfile: Option<&str>,
) -> Result<Option<Identity>, GrantProblem> {
    let Some(certfile) = certfile else {
        return match keyfile {
            Some(_) => Err(GrantProblem::KeyWithoutCertificate),
            None => Ok(None),
        };
    };
    Ok(Some(Identity {
        certfile: value::path(certfile)?,
        keyfile: value::path(keyfile.unwrap_or(certfile))?,
    }))
}

/// Writes `?name=value&name=value` for the terms that have a value.
fn write_terms<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    terms: [(&str, Option<impl fmt::Display>); N],
) -> fmt::Result {
    let mut sign = '?';
    for (name, value) in terms {
        if let Some(value) = value {
            write!(f, "{sign}{name}={value}")?;
            sign = '&';
        }
    }
    Ok(())
}

/// Splits `?name=value` off the end. Only the last `?name=` counts, so that a
/// path may contain a question mark.
fn split_term<'a>(text: &'a str, name: &str) -> (&'a str, Option<&'a str>) {
    match text.rsplit_once(&format!("?{name}=")) {
        Some((rest, value)) => (rest, Some(value)),
        None => (text, None),
    }
}

/// Splits `?name=value&name=value` off the end, the names in any order; as with
/// one, a path may contain a question mark, or an ampersand. A term that stands
/// twice is no term: the text stays whole, and its address is refused.
fn split_terms<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> (&'a str, [Option<&'a str>; N]) {
    let mut values = [None; N];
    let mut rest = text;
    loop {
        let found = names.iter().zip(&mut values).flat_map(|(name, value)| {
            let last = ['?', '&'].into_iter().filter_map(|sign| {
                let (before, found) = rest.rsplit_once(&format!("{sign}{name}="))?;
                Some((before, sign, found))
            });
            let last = last.max_by_key(|(before, ..)| before.len());
            last.map(|(before, sign, found)| (before, sign, found, value))
        });
        let Some((before, sign, found, value)) = found.max_by_key(|(before, ..)| before.len())
        else {
            return (text, [None; N]);
        };
        if value.replace(found).is_some() {
            return (text, [None; N]);
        }
        rest = before;
        if sign == '?' {
            return (rest, values);
        }
    }
}
