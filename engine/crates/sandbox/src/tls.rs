//! Whom a TLS connection trusts: the system's certificates, or one file's, or
//! anybody where the site says so; and who we say that we are, where a site has
//! a certificate for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use tokio::sync::Mutex;

use super::grant::Identity;

/// Whom we trust, and who we are.
type Identified = (Option<PathBuf>, Identity);

/// Configurations once made; reading a system's certificates takes a while.
#[derive(Default)]
pub struct TlsRoots {
    made: Mutex<BTreeMap<Trust, Arc<ClientConfig>>>,
    identified: Mutex<BTreeMap<Identified, Arc<ClientConfig>>>,
}

/// A file's certificates or the system's, and whether they count.
type Trust = (Option<PathBuf>, bool);

impl TlsRoots {
    /// The configuration that trusts `cafile`, or the system; anybody without
    /// `verify`. An error is a sentence for the operator.
    pub async fn config(
        &self,
        cafile: Option<&Path>,
        verify: bool,
    ) -> Result<Arc<ClientConfig>, String> {
        let mut made = self.made.lock().await;
        let key = (cafile.map(Path::to_owned), verify);
        if let Some(config) = made.get(&key) {
            return Ok(Arc::clone(config));
        }
        let (path, verify) = key.clone();
        let building = move || match verify {
            true => build(path.as_deref()),
            false => unverified(),
        };
        let config = tokio::task::spawn_blocking(building)
            .await
            .map_err(|error| format!("reading certificates failed: {error}"))??;
        let config = Arc::new(config);
        made.insert(key, Arc::clone(&config));
        Ok(config)
    }
}

impl TlsRoots {
    /// The configuration that trusts nobody.
    pub fn nobody() -> Result<Arc<ClientConfig>, String> {
        Ok(Arc::new(
            trusting(RootCertStore::empty())?.with_no_client_auth(),
        ))
    }

    /// The same with a client certificate, which a server may ask for.
    pub async fn identified(
        &self,
        cafile: Option<&Path>,
        identity: &Identity,
    ) -> Result<Arc<ClientConfig>, String> {
        let mut made = self.identified.lock().await;
        let key = (cafile.map(Path::to_owned), identity.clone());
        if let Some(config) = made.get(&key) {
            return Ok(Arc::clone(config));
        }
        let (cafile, identity) = key.clone();
        let config = tokio::task::spawn_blocking(move || {
            let (certificates, key) = credentials(&identity)?;
            trusting(roots(cafile.as_deref())?)?
                .with_client_auth_cert(certificates, key)
                .map_err(|error| {
                    format!(
                        "certfile `{}` and keyfile `{}`: {error}",
                        identity.certfile.display(),
                        identity.keyfile.display()
                    )
                })
        })
        .await
        .map_err(|error| format!("reading certificates failed: {error}"))??;
        let config = Arc::new(config);
        made.insert(key, Arc::clone(&config));
        Ok(config)
    }
}

/// The certificate with its chain, and its key.
fn credentials(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let path = &identity.certfile;
    let failed = |error: String| format!("certfile `{}`: {error}", path.display());
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("it holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&identity.keyfile).map_err(|error| {
        let path = identity.keyfile.display();
        match error {
            pem::Error::NoItemsFound => {
                format!("keyfile `{path}`: it holds no private key without a passphrase")
            }
            error => format!("keyfile `{path}`: {error}"),
        }
    })?;
    Ok((certificates, key))
}

fn build(cafile: Option<&Path>) -> Result<ClientConfig, String> {
    Ok(trusting(roots(cafile)?)?.with_no_client_auth())
}

fn trusting(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots))
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

fn roots(cafile: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match cafile {
        Some(path) => {
            let failed = |error| format!("cafile `{}`: {error}", path.display());
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("it holds no certificate".to_owned()));
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err("the system has no CA certificates: set `cafile`".to_owned());
            }
        }
    }
    Ok(roots)
}

fn unverified() -> Result<ClientConfig, String> {
    let anybody = Arc::new(Anybody(provider()));
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder
                .dangerous()
                .with_custom_certificate_verifier(anybody)
                .with_no_client_auth()
        })
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

/// The provider by name: nobody needs to have installed a global one.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// `verify = false`: encrypted, but with whom is not known.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
