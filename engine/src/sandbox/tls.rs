//! Whom a TLS connection trusts: the system's certificates, or one file's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Mutex;

/// Configurations once made; reading a system's certificates takes a while.
#[derive(Default)]
pub struct TlsRoots {
    made: Mutex<BTreeMap<Option<PathBuf>, Arc<ClientConfig>>>,
}

impl TlsRoots {
    /// The configuration that trusts `cafile`, or the system. An error is a
    /// sentence for the operator.
    pub async fn config(&self, cafile: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
        let mut made = self.made.lock().await;
        let key = cafile.map(Path::to_owned);
        if let Some(config) = made.get(&key) {
            return Ok(Arc::clone(config));
        }
        let path = key.clone();
        let config = tokio::task::spawn_blocking(move || build(path.as_deref()))
            .await
            .map_err(|error| format!("reading certificates failed: {error}"))??;
        let config = Arc::new(config);
        made.insert(key, Arc::clone(&config));
        Ok(config)
    }
}

fn build(cafile: Option<&Path>) -> Result<ClientConfig, String> {
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
    // The provider by name: nobody needs to have installed a global one.
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}
