//! TLS of every connection, OpenStack's, Prometheus' and a guest's: whom we
//! trust, and who we say that we are.
//!
//! | | trusted |
//! |---|---|
//! | `insecure` | anybody |
//! | `cafile`, a file or a folder | its certificates, a server's own self-signed one too |
//! | `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE` | the same |
//! | `SSL_CERT_FILE`, `SSL_CERT_DIR` | the same |
//! | otherwise | the system's certificates |
//!
//! The first row that applies counts and replaces all below it, as
//! python-requests had it, so that a site's `cafile` or `REQUESTS_CA_BUNDLE` goes
//! on working.

mod cache;
mod ends;
mod trust;
mod verify;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use caso_base::{regular, shell_word};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::TLS13;
use rustls::{ClientConfig, Error, SupportedProtocolVersion};

use self::ends::{Ends, Noting};
use self::verify::{NoCertificate, Trust, TrustAnybody};

pub use self::cache::TlsCache;
pub use self::ends::certificate_end;
pub use self::trust::CertificateVariables;

/// How one server, or all of a cloud, are spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TlsSettings {
    /// Certificates that replace the system's: a PEM file, or a folder of them.
    pub cafile: Option<PathBuf>,
    /// Our own certificate, for servers that ask for one.
    pub identity: Option<Identity>,
    /// Trust anybody: encrypted, but with whom is not known.
    pub insecure: bool,
    /// Nothing older than TLS 1.3; otherwise 1.2 as well.
    pub only_tls13: bool,
}

/// A client certificate with its chain, and its private key: PEM files, or one
/// file that holds both. The key has no passphrase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The certificate, followed by its chain if need be.
    pub certfile: PathBuf,
    /// Its private key; perhaps the same file.
    pub keyfile: PathBuf,
}

/// A key that nothing is known to belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`keyfile` without `certfile`")]
pub struct KeyAlone;

impl KeyAlone {
    /// What to do about it.
    pub const HINT: &str = "set `certfile` to the certificate that the key is for";
}

impl Identity {
    /// Of two options.
    ///
    /// | `certfile` | `keyfile` | |
    /// |---|---|---|
    /// | unset | unset | no certificate |
    /// | set | unset | the certificate's file holds the key too |
    /// | set | set | both |
    /// | unset | set | [`KeyAlone`] |
    ///
    /// ```
    /// use caso_net::tls::{Identity, KeyAlone};
    /// let path = |text: &str| Some(text.into());
    /// assert_eq!(Identity::of(None, None), Ok(None));
    /// let both = Identity::of(path("/both.pem"), None)?.unwrap();
    /// assert_eq!(both.keyfile, both.certfile);
    /// let apart = Identity::of(path("/c.pem"), path("/k.pem"))?.unwrap();
    /// assert_ne!(apart.keyfile, apart.certfile);
    /// assert_eq!(Identity::of(None, path("/k.pem")), Err(KeyAlone));
    /// # Ok::<(), KeyAlone>(())
    /// ```
    pub fn of(
        certfile: Option<PathBuf>,
        keyfile: Option<PathBuf>,
    ) -> Result<Option<Self>, KeyAlone> {
        match (certfile, keyfile) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(KeyAlone),
            (Some(certfile), keyfile) => Ok(Some(Identity {
                keyfile: keyfile.unwrap_or_else(|| certfile.clone()),
                certfile,
            })),
        }
    }
}

/// A TLS setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates cannot be read.
    #[error("cannot read certificates from `{}` (from `{option}`)", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The option or variable that names it.
        option: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file or folder without a certificate.
    #[error("`{}` (from `{option}`) has no usable certificate: {detail}", .path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// The option or variable that names it.
        option: &'static str,
        /// What is wrong with it.
        detail: String,
        /// It is a certificate in the form that is no text.
        binary: bool,
    },
    /// A private key cannot be read.
    #[error("cannot read the private key in `{}`", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file with a private key that is damaged.
    #[error("the private key in `{}` cannot be used: {detail}", .path.display())]
    DamagedKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A private key that is encrypted.
    #[error("the private key in `{}` has a passphrase, and nobody is there to type it", .path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// A file without a private key.
    #[error("`{}` holds no private key", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A key that is not the certificate's.
    #[error("the certificate in `{}` and the key in `{}` do not belong together", .0.certfile.display(), .0.keyfile.display())]
    Apart(Identity),
    /// rustls refuses the rest.
    #[error("cannot set up TLS")]
    Rustls(#[from] Error),
    /// The certificates cannot be made into a verifier.
    #[error("cannot set up TLS")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
    /// The task that reads certificates did not come to its end.
    #[error("reading certificates failed")]
    Task(#[from] tokio::task::JoinError),
}

impl TlsError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let denied = |source: &io::Error| source.kind() == io::ErrorKind::PermissionDenied;
        Some(match self {
            TlsError::Read { source, .. } | TlsError::Key { source, .. } if denied(source) => {
                "let the user that runs cASO read it, and the folders above it".to_owned()
            }
            TlsError::Empty {
                path,
                option,
                binary: true,
                ..
            } => {
                let text = beside(path, "pem");
                format!(
                    "openssl x509 -inform der -in {} -out {}; then set `{option} = {text}`",
                    shell_word(&path.display().to_string()),
                    shell_word(&text)
                )
            }
            TlsError::Read { option, .. } | TlsError::Empty { option, .. } => format!(
                "set `{option}` to a PEM file with the certificate of the authority that signed the server's"
            ),
            TlsError::Key { .. } | TlsError::DamagedKey { .. } => {
                "set `keyfile` if it stands in another file".to_owned()
            }
            TlsError::NoKey { .. } => "set `keyfile` to the file that has it".to_owned(),
            TlsError::Passphrase { path } => {
                let open = beside(path, "open");
                format!(
                    "(umask 077; openssl pkey -in {} -out {}), as the user that runs cASO; then set `keyfile = {open}`",
                    shell_word(&path.display().to_string()),
                    shell_word(&open)
                )
            }
            TlsError::Apart(_) => "set `certfile` and `keyfile` to one pair".to_owned(),
            _ => return None,
        })
    }
}

/// A file's name with an ending more.
fn beside(path: &Path, ending: &str) -> String {
    format!("{}.{ending}", path.display())
}

/// TLS as it was set up.
#[derive(Debug, Clone)]
pub struct TlsClient {
    /// For whoever makes connections.
    pub config: Arc<ClientConfig>,
    certificate_wanted: Arc<AtomicBool>,
    ends: Ends,
}

impl TlsClient {
    /// Reads what the settings name. Takes a while where that is a system's
    /// certificates, and blocks.
    pub fn new(settings: &TlsSettings, variables: &CertificateVariables) -> Result<Self, TlsError> {
        let versions: &[&SupportedProtocolVersion] = if settings.only_tls13 {
            &[&TLS13]
        } else {
            rustls::DEFAULT_VERSIONS
        };
        let provider = provider();
        let verifier: Arc<dyn ServerCertVerifier> = if settings.insecure {
            Arc::new(TrustAnybody(provider.clone()))
        } else {
            let trusted = trust::trusted(settings.cafile.as_deref(), variables)?;
            Arc::new(Trust::new(trusted, provider.clone())?)
        };
        Self::with(versions, provider, verifier, settings.identity.as_ref())
    }

    /// Trusts nobody, and reads nothing: for plain connections, whose client
    /// wants TLS set up all the same.
    pub fn trusting_nobody() -> Result<Self, TlsError> {
        let provider = provider();
        let nobody = Arc::new(Trust::new(Vec::new(), provider.clone())?);
        Self::with(rustls::DEFAULT_VERSIONS, provider, nobody, None)
    }

    fn with(
        versions: &[&'static SupportedProtocolVersion],
        provider: Arc<CryptoProvider>,
        verifier: Arc<dyn ServerCertVerifier>,
        identity: Option<&Identity>,
    ) -> Result<Self, TlsError> {
        let certificate_wanted = Arc::<AtomicBool>::default();
        let ends = Ends::default();
        let verifier = Arc::new(Noting {
            judge: verifier,
            ends: ends.clone(),
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match identity {
            None => builder
                .with_client_cert_resolver(Arc::new(NoCertificate(certificate_wanted.clone()))),
            Some(identity) => {
                let chain = trust::read_file(&identity.certfile, "certfile")?;
                builder
                    .with_client_auth_cert(chain, key(identity)?)
                    .map_err(|error| match error {
                        Error::InconsistentKeys(_) => TlsError::Apart(identity.clone()),
                        other => TlsError::Rustls(other),
                    })?
            }
        };
        Ok(TlsClient {
            config: Arc::new(config),
            certificate_wanted,
            ends,
        })
    }

    /// When the certificates end of the servers that were spoken to, in epoch seconds, by name.
    pub fn certificate_ends(&self) -> BTreeMap<String, i64> {
        self.ends.so_far()
    }

    /// A server has asked for a certificate of ours, and there is none.
    pub fn is_certificate_wanted(&self) -> bool {
        self.certificate_wanted.load(Ordering::Relaxed)
    }
}

/// The provider by name: nobody needs to have installed a global one.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn key(identity: &Identity) -> Result<PrivateKeyDer<'static>, TlsError> {
    let path = identity.keyfile.clone();
    let text = match regular::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(TlsError::Key { path, source }),
    };
    if is_encrypted(&text) {
        return Err(TlsError::Passphrase { path });
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match trust::wrong(&error) {
        None => TlsError::NoKey { path },
        Some(detail) => TlsError::DamagedKey { path, detail },
    })
}

/// PKCS #8's form (RFC 7468, section 11), and OpenSSL's former one (RFC 1421, section 4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let former = |line: &str| line.starts_with("Proc-Type:") && line.contains("ENCRYPTED");
    text.lines()
        .any(|line| line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") || former(line))
}
