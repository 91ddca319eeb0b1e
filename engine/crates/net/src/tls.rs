//! Whom we trust. One rustls configuration for all services of a cloud:
//! the system's certificates, or those of one file in their place, as
//! python-requests had it, so that a site's `cafile` or `REQUESTS_CA_BUNDLE`
//! goes on working.
//!
//! Order: `insecure` trusts anybody; `cafile`; `REQUESTS_CA_BUNDLE` or
//! `CURL_CA_BUNDLE`; `SSL_CERT_FILE` and `SSL_CERT_DIR`; the system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

/// TLS options of `[keystone_auth]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificates that replace the system's.
    pub cafile: Option<PathBuf>,
    /// Our own certificate, for sites that ask for one; its key may stand
    /// in the same file.
    pub certfile: Option<PathBuf>,
    pub keyfile: Option<PathBuf>,
    /// Trust anybody. `config` warns of it, once, where it reads it.
    pub insecure: bool,
}

/// A TLS setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read certificates from `{}` (from `{option}`)", .path.display())]
    Read {
        path: PathBuf,
        option: &'static str,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("`{}` (from `{option}`) holds no certificate that we can use: {detail}", .path.display())]
    Empty {
        path: PathBuf,
        option: &'static str,
        detail: String,
    },
    #[error("cannot read the private key in `{}`; set `keyfile` if it stands in another file", .path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error(
        "`keyfile` is set without `certfile`; set `certfile` to the certificate that the key is for"
    )]
    KeyAlone,
    #[error("the certificate in `{}` and the key in `{}` do not belong together; set `certfile` and `keyfile` to one pair", .certfile.display(), .keyfile.display())]
    Apart { certfile: PathBuf, keyfile: PathBuf },
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] Error),
    #[error("cannot set up TLS: {0}")]
    Verifier(String),
}

/// The configuration for all connections of one cloud. `asked` is set when a
/// server asks for a certificate that we do not have.
pub fn client_config(
    settings: &TlsSettings,
    only_tls13: bool,
    environment: &BTreeMap<String, String>,
    asked: &Arc<AtomicBool>,
) -> Result<ClientConfig, TlsError> {
    let versions: &[&SupportedProtocolVersion] = if only_tls13 {
        &[&TLS13]
    } else {
        rustls::DEFAULT_VERSIONS
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions)?;
    let verifier: Arc<dyn ServerCertVerifier> = if settings.insecure {
        Arc::new(TrustAnybody(provider))
    } else {
        Arc::new(Trust::new(trusted(settings, environment)?, provider)?)
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(match (&settings.certfile, &settings.keyfile) {
        (None, None) => builder.with_client_cert_resolver(Arc::new(NoCertificate(asked.clone()))),
        (None, Some(_)) => return Err(TlsError::KeyAlone),
        (Some(certfile), keyfile) => {
            let chain = read_certificates(certfile, "certfile")?;
            let path = keyfile.as_ref().unwrap_or(certfile);
            let key = PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Key {
                path: path.clone(),
                source,
            })?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| match error {
                    Error::InconsistentKeys(_) => TlsError::Apart {
                        certfile: certfile.clone(),
                        keyfile: path.clone(),
                    },
                    other => TlsError::Rustls(other),
                })?
        }
    })
}

/// A server that wants a certificate may say so with an alert, after a
/// handshake that went well (TLS 1.3), or just hang up; so it is noted here.
#[derive(Debug)]
struct NoCertificate(Arc<AtomicBool>);

impl ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// The certificates to trust, by the order in the module's doc.
fn trusted(
    settings: &TlsSettings,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let variable = |name: &'static str| {
        environment
            .get(name)
            .filter(|value| !value.is_empty())
            .map(|value| (PathBuf::from(value), name))
    };
    let chosen = settings
        .cafile
        .clone()
        .map(|path| (path, "cafile"))
        .or_else(|| variable("REQUESTS_CA_BUNDLE"))
        .or_else(|| variable("CURL_CA_BUNDLE"));
    if let Some((path, option)) = chosen {
        return if path.is_dir() {
            let found = rustls_native_certs::load_certs_from_paths(None, Some(&path));
            if found.certs.is_empty() {
                return Err(TlsError::Empty {
                    path,
                    option,
                    detail: "the folder holds none".to_owned(),
                });
            }
            Ok(found.certs)
        } else {
            read_certificates(&path, option)
        };
    }
    let (file, folder) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
    let found = if file.is_some() || folder.is_some() {
        rustls_native_certs::load_certs_from_paths(
            file.as_ref().map(|(path, _)| path.as_path()),
            folder.as_ref().map(|(path, _)| path.as_path()),
        )
    } else {
        rustls_native_certs::load_native_certs()
    };
    // A system without certificates is no error yet: the site may speak plain
    // HTTP, and an HTTPS one will hear that its issuer is unknown.
    for error in &found.errors {
        tracing::debug!("system certificates: {error}");
    }
    Ok(found.certs)
}

fn read_certificates(
    path: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read {
        path: path.to_owned(),
        option,
        source,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(read)?
        .collect::<Result<_, _>>()
        .map_err(read)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
            option,
            detail: "no block `-----BEGIN CERTIFICATE-----`".to_owned(),
        });
    }
    Ok(certificates)
}

/// Webpki's judgement, and, as OpenSSL does, a server whose own certificate
/// stands among the trusted ones: many sites have `cafile` point at the
/// self-signed certificate of the server itself, which webpki refuses for
/// not being signed by an authority, or for being one.
#[derive(Debug)]
struct Trust {
    /// None where nobody is trusted, which webpki's builder does not allow.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    certificates: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let (added, ignored) = roots.add_parsable_certificates(certificates.iter().cloned());
        if ignored > 0 {
            tracing::debug!(
                "{ignored} of {} certificates cannot be read",
                added + ignored
            );
        }
        let webpki = if roots.is_empty() {
            None
        } else {
            Some(
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                    .build()
                    .map_err(|error| TlsError::Verifier(error.to_string()))?,
            )
        };
        Ok(Trust {
            webpki,
            certificates,
            provider,
        })
    }
}

impl Trust {
    fn trusts_itself(&self, end_entity: &CertificateDer<'_>) -> bool {
        self.certificates
            .iter()
            .any(|trusted| trusted.as_ref() == end_entity.as_ref())
    }
}

fn about_date_or_name(reason: &CertificateError) -> bool {
    matches!(
        reason,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. }
    )
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let judgement = match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(unknown.clone()),
        };
        match judgement {
            // Who signed it does not matter for a certificate that is trusted
            // itself; dates and names do.
            Err(Error::InvalidCertificate(reason))
                if !about_date_or_name(&reason) && self.trusts_itself(end_entity) =>
            {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            // A self-signed authority used as a server: for the reader an
            // unknown issuer.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if intermediates.is_empty() =>
            {
                Err(unknown)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// `insecure = true`: encrypted, but with whom is not known.
#[derive(Debug)]
struct TrustAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
