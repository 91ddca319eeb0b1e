//! Until when certificates are valid: a site learns it before the day.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::{TlsError, trust};

/// By the server's name, when its certificate ends, in epoch seconds.
#[derive(Debug, Clone, Default)]
pub struct Ends(Arc<Mutex<BTreeMap<String, i64>>>);

impl Ends {
    /// Those of the servers that were spoken to so far.
    pub fn so_far(&self) -> BTreeMap<String, i64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, server: &ServerName<'_>, certificate: &CertificateDer<'_>) {
        if let Some(end) = end_of(certificate) {
            let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            ends.insert(server.to_str().into_owned(), end);
        }
    }
}

/// `notAfter`; none of what is no certificate.
fn end_of(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let end = certificate.tbs_certificate().validity().not_after;
    i64::try_from(end.to_unix_duration().as_secs()).ok()
}

/// When the first certificate of a PEM file ends, in epoch seconds; none where it cannot be
/// read as a certificate.
///
/// # Errors
/// The file holds none, or cannot be read.
pub fn certificate_end(path: &Path) -> Result<Option<i64>, TlsError> {
    let all = trust::read_file(path, "certfile")?;
    Ok(all.first().and_then(end_of))
}

/// Another one's judgement, of which nothing is kept but the certificate's end.
#[derive(Debug)]
pub struct Noting {
    pub judge: Arc<dyn ServerCertVerifier>,
    pub ends: Ends,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.ends.note(server_name, end_entity);
        self.judge
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;
    use caso_base::time::parse_timestamp;

    fn made(year: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 2, 3);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn the_end_is_read_in_both_forms_of_time() {
        for (year, end) in [
            (2031, "2031-02-03T00:00:00Z"),
            (2049, "2049-02-03T00:00:00Z"),
            (2051, "2051-02-03T00:00:00Z"),
        ] {
            assert_eq!(end_of(&made(year)), parse_timestamp(end), "{year}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end_and_does_no_harm() {
        let whole = made(2031).to_vec();
        for length in 0..whole.len() {
            let cut = CertificateDer::from(whole[..length].to_vec());
            assert_eq!(end_of(&cut), None, "{length}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            let _ = end_of(&CertificateDer::from(bytes));
        }
        let (end, odd) = (b"310203000000Z", "\u{e9}1234567890Z".as_bytes());
        let at = whole.windows(end.len()).position(|part| part == end);
        let mut bytes = whole.clone();
        bytes[at.unwrap()..][..end.len()].copy_from_slice(odd);
        assert_eq!(end_of(&CertificateDer::from(bytes)), None);
    }
}
