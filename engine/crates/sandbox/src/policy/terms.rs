//! What each kind of capability is: one small type, read from what stands
//! behind the kind and written back as the same text.

use std::fmt;
use std::path::PathBuf;

use super::grant::GrantProblem;
use super::value;
use super::written::{Terms, Written, encoded, write_terms};
use caso_net::Endpoint;
use caso_net::address::Reach;
use caso_net::tls::{Identity, KeyAlone, TlsSettings};
use caso_signature::SignatureFiles;

/// A directory queue for messages: `/path` or `/path?umask=027`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTerms {
    /// Absolute and plain.
    pub path: PathBuf,
    /// For its files and folders, instead of the process's own.
    pub umask: Option<u32>,
}

/// How TLS is spoken: the same terms for whatever leads through it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsTerms {
    /// The CAs that count, instead of the system's: a file, or a folder of them.
    pub cafile: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    pub verify: bool,
    /// The client certificate that a server may ask for.
    pub identity: Option<Identity>,
}

/// A TCP connection: `host:port`, or `tls://host:port` with terms of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTerms {
    /// Where it leads.
    pub endpoint: Endpoint,
    /// Whether it is inside TLS.
    pub tls: bool,
    /// How, if it is.
    pub trust: TlsTerms,
    /// What its name may lead to.
    pub reach: Reach,
}

/// An origin for HTTP requests: `https://host`, with terms of TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpTerms {
    /// Scheme, host and perhaps port, as the URL standard writes them.
    pub origin: String,
    /// How TLS is spoken there.
    pub trust: TlsTerms,
    /// What its name may lead to.
    pub reach: Reach,
}

/// A directory that the guest sees under the capability's name, `/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryTerms {
    /// Absolute and plain.
    pub path: PathBuf,
    /// Whether it may be written too.
    pub write: bool,
}

/// A host and port for plain `wasi:sockets` TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressTerms {
    /// Where it leads.
    pub endpoint: Endpoint,
    /// What its name may lead to.
    pub reach: Reach,
}

/// Signatures with a certificate: `/path`, where its key lies with it, or
/// `/path?keyfile=/path`, and `encrypt=/path` for the one who is to read what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureTerms {
    /// Absolute and plain, all of them.
    pub files: SignatureFiles,
}

/// The terms of [`TlsTerms`].
pub const TLS: [&str; 4] = ["cafile", "certfile", "keyfile", "verify"];
/// Whether a name may lead to this machine and to private networks.
pub const LOCAL: &str = "local";

impl Default for TlsTerms {
    /// The system's CAs, and no certificate of ours.
    fn default() -> Self {
        Self {
            cafile: None,
            verify: true,
            identity: None,
        }
    }
}

impl TlsTerms {
    fn read(terms: &Terms) -> Result<Self, GrantProblem> {
        let cafile = terms.path("cafile")?;
        let verify = terms.boolean("verify")?;
        if cafile.is_some() && verify.is_some() {
            return Err(GrantProblem::CafileBesideVerify);
        }
        Ok(Self {
            cafile,
            verify: verify.unwrap_or(true),
            identity: identity(terms.path("certfile")?, terms.path("keyfile")?)?,
        })
    }

    fn settings(&self) -> TlsSettings {
        TlsSettings {
            cafile: self.cafile.clone(),
            identity: self.identity.clone(),
            insecure: !self.verify,
            ..TlsSettings::default()
        }
    }

    /// The files that are read for it.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let identity = self.identity.iter();
        let identity = identity.flat_map(|own| [&own.certfile, &own.keyfile]);
        self.cafile.iter().chain(identity)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, reach: Reach) -> fmt::Result {
        let path = |path: Option<&PathBuf>| path.map(|path| encoded(path));
        let identity = self.identity.as_ref();
        write_terms(
            f,
            [
                ("cafile", path(self.cafile.as_ref())),
                ("certfile", path(identity.map(|own| &own.certfile))),
                ("keyfile", path(identity.map(|own| &own.keyfile))),
                ("verify", (!self.verify).then(|| "false".to_owned())),
                (LOCAL, local(reach)),
            ],
        )
    }
}

fn reach(terms: &Terms) -> Result<Reach, GrantProblem> {
    Ok(match terms.boolean(LOCAL)? {
        Some(true) => Reach::Local,
        Some(false) | None => Reach::Public,
    })
}

fn local(reach: Reach) -> Option<String> {
    (reach == Reach::Local).then(|| "true".to_owned())
}

impl QueueTerms {
    pub(super) fn read(written: &Written<'_>) -> Result<Self, GrantProblem> {
        let umask = written.terms.text("umask").map(value::umask).transpose()?;
        Ok(Self {
            umask,
            path: written.path()?,
        })
    }

    /// Whether a grant of this covers a request for `wanted`: the same queue. A
    /// queue below another is another queue.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.path == wanted.path
    }
}

impl ConnectionTerms {
    pub(super) fn read(written: &Written<'_>) -> Result<Self, GrantProblem> {
        let (tls, endpoint) = match written.target.strip_prefix("tls://") {
            Some(rest) => (true, rest),
            None => (false, written.target),
        };
        let of_tls = TLS
            .into_iter()
            .find(|term| written.terms.text(term).is_some());
        if let (false, Some(term)) = (tls, of_tls) {
            return Err(GrantProblem::TermWithoutTls(term));
        }
        Ok(Self {
            endpoint: endpoint.parse()?,
            tls,
            trust: TlsTerms::read(&written.terms)?,
            reach: reach(&written.terms)?,
        })
    }

    /// The same endpoint; and TLS covers a request for plain TCP, not the other
    /// way round.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.endpoint == wanted.endpoint && (self.tls || !wanted.tls)
    }

    /// How TLS is spoken there.
    pub(crate) fn tls_settings(&self) -> TlsSettings {
        self.trust.settings()
    }
}

impl HttpTerms {
    pub(super) fn read(written: &Written<'_>) -> Result<Self, GrantProblem> {
        let origin = value::origin(written.target)?;
        let of_tls = TLS
            .into_iter()
            .any(|term| written.terms.text(term).is_some());
        if of_tls && !origin.starts_with("https:") {
            return Err(GrantProblem::TermsWithoutHttps);
        }
        Ok(Self {
            origin,
            trust: TlsTerms::read(&written.terms)?,
            reach: reach(&written.terms)?,
        })
    }

    /// The same scheme, host and port.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.origin == wanted.origin
    }

    /// How TLS is spoken there.
    pub(crate) fn tls_settings(&self) -> TlsSettings {
        self.trust.settings()
    }
}

impl DirectoryTerms {
    pub(super) fn read(written: &Written<'_>, write: bool) -> Result<Self, GrantProblem> {
        let path = written.path()?;
        Ok(Self { path, write })
    }

    /// The same directory; and writing covers reading, not the other way round.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.path == wanted.path && (self.write || !wanted.write)
    }
}

impl AddressTerms {
    pub(super) fn read(written: &Written<'_>) -> Result<Self, GrantProblem> {
        Ok(Self {
            endpoint: written.target.parse()?,
            reach: reach(&written.terms)?,
        })
    }
}

impl SignatureTerms {
    pub(super) fn read(written: &Written<'_>) -> Result<Self, GrantProblem> {
        let certfile = written.path()?;
        let keyfile = written.terms.path("keyfile")?;
        Ok(Self {
            files: SignatureFiles {
                keyfile: keyfile.unwrap_or_else(|| certfile.clone()),
                certfile,
                encrypt: written.terms.path("encrypt")?,
            },
        })
    }

    /// The same certificate. Key and receiver are the grant's, never the request's.
    pub(super) fn covers(&self, wanted: &Self) -> bool {
        self.files.certfile == wanted.files.certfile
    }

    /// The files that are read for it.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let files = &self.files;
        [&files.certfile, &files.keyfile]
            .into_iter()
            .chain(&files.encrypt)
    }
}

impl fmt::Display for SignatureTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = &self.files;
        let apart = files.keyfile != files.certfile;
        f.write_str(&encoded(&files.certfile))?;
        write_terms(
            f,
            [
                ("keyfile", apart.then(|| encoded(&files.keyfile))),
                ("encrypt", files.encrypt.as_deref().map(encoded)),
            ],
        )
    }
}

impl fmt::Display for QueueTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let umask = self.umask.map(|umask| format!("{umask:03o}"));
        f.write_str(&encoded(&self.path))?;
        write_terms(f, [("umask", umask)])
    }
}

impl fmt::Display for ConnectionTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "tls://" } else { "" };
        write!(f, "{tls}{}", self.endpoint)?;
        self.trust.write(f, self.reach)
    }
}

impl fmt::Display for HttpTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        self.trust.write(f, self.reach)
    }
}

impl fmt::Display for DirectoryTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoded(&self.path))
    }
}

impl fmt::Display for AddressTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)?;
        write_terms(f, [(LOCAL, local(self.reach))])
    }
}

/// Of the two terms: without `keyfile` the key lies with the certificate.
pub fn identity(
    certfile: Option<PathBuf>,
    keyfile: Option<PathBuf>,
) -> Result<Option<Identity>, GrantProblem> {
    Identity::of(certfile, keyfile).map_err(|KeyAlone| GrantProblem::KeyWithoutCertificate)
}
