//! Which certificates are trusted, and where they are read from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caso_base::regular;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use super::TlsError;

/// The certificates that the environment names, as python-requests and OpenSSL
/// read them; an empty value counts as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateVariables {
    /// `REQUESTS_CA_BUNDLE`, or else `CURL_CA_BUNDLE`: a file or a folder.
    bundle: Option<(PathBuf, &'static str)>,
    ssl_cert_file: Option<PathBuf>,
    ssl_cert_dir: Option<PathBuf>,
}

impl CertificateVariables {
    /// The file or folder that replaces the system's certificates, and the option or variable
    /// that names it.
    pub fn bundle<'a>(&'a self, cafile: Option<&'a Path>) -> Option<(&'a Path, &'static str)> {
        let bundle = || {
            let (path, name) = self.bundle.as_ref()?;
            Some((path.as_path(), *name))
        };
        cafile.map(|path| (path, "cafile")).or_else(bundle)
    }

    /// From the variables of the process.
    pub fn read(environment: &BTreeMap<String, String>) -> Self {
        let path = |name: &str| {
            let value = environment.get(name).filter(|value| !value.is_empty())?;
            Some(PathBuf::from(value))
        };
        CertificateVariables {
            bundle: ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
                .into_iter()
                .find_map(|name| Some((path(name)?, name))),
            ssl_cert_file: path("SSL_CERT_FILE"),
            ssl_cert_dir: path("SSL_CERT_DIR"),
        }
    }
}

/// The certificates to trust, by the order in the documentation of
/// [`tls`](crate::tls).
pub fn trusted(
    cafile: Option<&Path>,
    variables: &CertificateVariables,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if let Some((path, option)) = variables.bundle(cafile) {
        return if path.is_dir() {
            read_folder(path, option)
        } else {
            read_file(path, option)
        };
    }
    let (file, folder) = (&variables.ssl_cert_file, &variables.ssl_cert_dir);
    let found = if file.is_some() || folder.is_some() {
        rustls_native_certs::load_certs_from_paths(file.as_deref(), folder.as_deref())
    } else {
        rustls_native_certs::load_native_certs()
    };
    // A system without certificates is no error yet: the site may speak plain
    // HTTP, and of an HTTPS server it will hear that its issuer is unknown.
    for error in &found.errors {
        tracing::debug!("system certificates: {error}");
    }
    Ok(found.certs)
}

/// A folder of certificates, under names that `openssl rehash` gives.
fn read_folder(
    path: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_certs_from_paths(None, Some(path));
    if found.certs.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
            option,
            detail: "the folder holds none".to_owned(),
        });
    }
    Ok(found.certs)
}

/// All certificates of a PEM file.
pub fn read_file(
    path: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read {
        path: path.to_owned(),
        option,
        source,
    };
    let text = regular::read(path).map_err(|error| read(pem::Error::Io(error)))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Read to its end, it would take all memory.
    #[test]
    fn a_device_in_the_place_of_a_file_is_refused() {
        let error = read_file(Path::new("/dev/zero"), "cafile").unwrap_err();
        let told = caso_base::error_chain(&error);
        assert!(told.contains("it is no regular file"), "{told}");
    }
}
