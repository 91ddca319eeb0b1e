//! A certificate, as far as signing and encrypting need it.

use std::path::{Path, PathBuf};

use x509_cert::der::{Any, Decode as _, Encode as _, Tagged as _};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::error::SignatureError;
use crate::pem::{self, blocks};
use crate::{REFUSED_WITHIN, WARNED_WITHIN};

/// The first certificate of a file.
pub struct Certificate {
    pub path: PathBuf,
    /// All of it, as it was read.
    pub der: Vec<u8>,
    /// `issuer` and `serialNumber`, each encoded: by these a message names it.
    pub issuer_and_serial: [Vec<u8>; 2],
    /// As OpenSSL wrote it until 1.1, and GOCDB and SSM still do.
    pub subject: String,
    pub public: PublicKey,
    from: Time,
    to: Time,
}

/// The key that it is for: what its algorithm is in dots, and of EC its curve.
pub struct PublicKey {
    pub algorithm: String,
    /// Named by an id; none where it is spelled out, or there is none.
    pub curve: Option<String>,
    /// The bits: PKCS#1's `RSAPublicKey`, or a point.
    pub bits: Vec<u8>,
}

impl Certificate {
    /// # Errors
    /// There is no certificate in the file, or none that can be read.
    pub fn read(path: &Path) -> Result<Self, SignatureError> {
        let bad = |problem: String| SignatureError::Certificate {
            path: path.to_owned(),
            problem,
        };
        let blocks = blocks(path)?;
        let block = blocks
            .iter()
            .find(|block| matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE"))
            .ok_or_else(|| bad(pem::listed(&blocks)))?;
        let read = |error: x509_cert::der::Error| bad(format!("it cannot be decoded ({error})"));
        let certificate = x509_cert::Certificate::from_der(&block.der).map_err(read)?;
        let signed = certificate.tbs_certificate();
        let key = signed.subject_public_key_info();
        let curve = key.algorithm.parameters.as_ref();
        let curve = curve.and_then(|named| {
            named
                .decode_as::<x509_cert::der::oid::ObjectIdentifier>()
                .ok()
        });
        let bits = key.subject_public_key.as_bytes();
        Ok(Self {
            path: path.to_owned(),
            issuer_and_serial: [
                signed.issuer().to_der().map_err(read)?,
                signed.serial_number().to_der().map_err(read)?,
            ],
            subject: legacy(signed.subject()),
            public: PublicKey {
                algorithm: key.algorithm.oid.to_string(),
                curve: curve.map(|curve| curve.to_string()),
                bits: bits
                    .ok_or_else(|| bad("its key is not a whole number of bytes".to_owned()))?
                    .to_vec(),
            },
            from: signed.validity().not_before,
            to: signed.validity().not_after,
            der: block.der.to_vec(),
        })
    }

    /// A warning where it ends soon.
    ///
    /// # Errors
    /// It is not valid yet, or ends within a day.
    pub fn in_date(&self, now: i64) -> Result<Option<String>, SignatureError> {
        let (from, to) = (seconds(&self.from), seconds(&self.to));
        let (path, subject) = (self.path.clone(), self.subject.clone());
        if now < from {
            let from = self.from.to_date_time().to_string();
            return Err(SignatureError::NotYet {
                path,
                subject,
                from,
            });
        }
        let left = to.saturating_sub(now);
        let when = self.to.to_date_time();
        if left <= REFUSED_WITHIN {
            let ends = match left < 0 {
                true => format!("ended at {when}"),
                false => format!("ends within a day, at {when}"),
            };
            return Err(SignatureError::Ended {
                path,
                subject,
                ends,
            });
        }
        Ok((left <= WARNED_WITHIN).then(|| {
            format!(
                "the certificate `{subject}` in `{}` ends in {} days, at {when}: renew it, for \
                 within the last day nothing is signed",
                path.display(),
                left / 86_400
            )
        }))
    }
}

/// Since 1970. A certificate of a time before is none that is in date.
fn seconds(time: &Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// `X509_NAME_oneline` of OpenSSL: a slash before each part, in the certificate's order.
fn legacy(name: &Name) -> String {
    let mut text = String::new();
    for part in name.iter_rdn() {
        for (index, attribute) in part.iter().enumerate() {
            text.push(if index == 0 { '/' } else { '+' });
            text.push_str(&short_name(&attribute.oid.to_string()));
            text.push('=');
            for character in characters(&attribute.value) {
                match character {
                    ' '..='~' => text.push(character),
                    other => {
                        let mut bytes = [0; 4];
                        for byte in other.encode_utf8(&mut bytes).bytes() {
                            text.push_str(&format!("\\x{byte:02X}"));
                        }
                    }
                }
            }
        }
    }
    text
}

/// Of a text in any of the types that a name has.
fn characters(value: &Any) -> Vec<char> {
    use x509_cert::der::Tag;
    match value.tag() {
        Tag::Utf8String => String::from_utf8_lossy(value.value()).chars().collect(),
        Tag::BmpString => value
            .value()
            .chunks(2)
            .filter_map(|two| two.try_into().ok())
            .filter_map(|two| char::from_u32(u32::from(u16::from_be_bytes(two))))
            .collect(),
        _ => value.value().iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// OpenSSL's short names of what stands in the names of hosts.
fn short_name(oid: &str) -> String {
    let known = match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    };
    known.to_owned()
}
