//! Until when certificates are valid: a site learns it before the day.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::{TlsError, trust};
use caso_base::time::parse_timestamp;

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

/// RFC 5280, section 4.1: `notAfter`; none of what is no certificate. One date is wanted, of a
/// certificate that rustls judges: a parser of all of X.509 would bring ten crates for it.
fn end_of(certificate: &CertificateDer<'_>) -> Option<i64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (outer, whole, _) = element(certificate)?;
    let (inner, mut fields, _) = element(whole)?;
    if (outer, inner) != (SEQUENCE, SEQUENCE) {
        return None;
    }
    if let Some((VERSION, _, rest)) = element(fields) {
        fields = rest;
    }
    // Serial number, signature's algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (SEQUENCE, validity, _) = element(fields)? else {
        return None;
    };
    let not_after = element(validity)?.2;
    let (tag, text, _) = element(not_after)?;
    moment(tag, std::str::from_utf8(text).ok()?)
}

/// Tag, contents and what follows, of DER (X.690, section 8.1) with tags of one byte.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length
                .iter()
                .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

/// `UTCTime`, `YYMMDDhhmmssZ` from 1950 to 2049, or `GeneralizedTime` with four digits of the
/// year; RFC 5280 allows no other form of either.
fn moment(tag: u8, text: &str) -> Option<i64> {
    let whole = match tag {
        0x17 => {
            let year: u32 = text.get(..2)?.parse().ok()?;
            format!("{}{text}", if year < 50 { "20" } else { "19" })
        }
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| whole.get(from..to);
    let digits = whole.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    parse_timestamp(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    ))
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
        assert_eq!(moment(0x17, "\u{e9}1234567890Z"), None);
    }
}
