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
            binary: false,
        });
    }
    Ok(found.certs)
}

/// All certificates of a PEM file.
pub fn read_file(
    path: &Path,
    option: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = regular::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        option,
        source,
    })?;
    let unusable = |detail: String, binary| TlsError::Empty {
        path: path.to_owned(),
        option,
        detail,
        binary,
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates.map_err(|error| wrong(&error)) {
        Ok(certificates) if !certificates.is_empty() => return Ok(certificates),
        Err(Some(detail)) => return Err(unusable(detail, false)),
        Ok(_) | Err(None) => {}
    }
    // A DER sequence with a length of two bytes, which each certificate is.
    let binary = text.starts_with(&[0x30, 0x82]);
    let detail = match (text.trim_ascii().is_empty(), binary) {
        (true, _) => "it is empty",
        (_, true) => "it is in DER form, and not in PEM",
        (false, false) => "no block `-----BEGIN CERTIFICATE-----`",
    };
    Err(unusable(detail.to_owned(), binary))
}

/// What is wrong with the text of a PEM file; none where it has nothing of what was looked for.
pub(super) fn wrong(error: &pem::Error) -> Option<String> {
    let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Some(match error {
        pem::Error::NoItemsFound => return None,
        pem::Error::MissingSectionEnd { end_marker } => {
            format!(
                "a block of it has no end `-----END {}-----`",
                line(end_marker)
            )
        }
        pem::Error::IllegalSectionStart { line: begin } => {
            format!("no block begins with `{}`", line(begin))
        }
        pem::Error::Base64Decode(_) => "a block of it is damaged".to_owned(),
        other => other.to_string(),
    })
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
