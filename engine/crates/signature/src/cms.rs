//! The two structures of a message: PKCS#7's `signedData` and `envelopedData` (RFC 2315, in
//! RFC 5652's words CMS), filled as OpenSSL's `smime` fills them.

use x509_cert::der::DateTime;

use crate::certificate::Certificate;
use crate::der::{self, sequence, value};
use crate::error::SignatureError;
use crate::key::Key;

/// The algorithms that occur, as `AlgorithmIdentifier`s.
#[derive(Debug, Clone, Copy)]
pub enum Algorithm {
    Sha256,
    Sha384,
    Rsa,
    EcdsaSha256,
    EcdsaSha384,
}

impl Algorithm {
    fn encoded(self) -> Vec<u8> {
        let null = value(der::NULL, &[]);
        match self {
            Self::Sha256 => sequence(&[&oid(SHA_256), &null]),
            Self::Sha384 => sequence(&[&oid(SHA_384), &null]),
            Self::Rsa => sequence(&[&oid(RSA), &null]),
            // RFC 5758: without parameters.
            Self::EcdsaSha256 => sequence(&[&oid(ECDSA_SHA_256)]),
            Self::EcdsaSha384 => sequence(&[&oid(ECDSA_SHA_384)]),
        }
    }
}

// Ids, encoded: 1.2.840.113549.1 is PKCS, 2.16.840.1.101.3.4 NIST's.
const DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01";
const SIGNED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
const ENVELOPED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03";
const CONTENT_TYPE: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x03";
const MESSAGE_DIGEST: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x04";
const SIGNING_TIME: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05";
const CAPABILITIES: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0F";
const RSA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01";
const SHA_256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const SHA_384: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
const ECDSA_SHA_256: &[u8] = b"\x2A\x86\x48\xCE\x3D\x04\x03\x02";
const ECDSA_SHA_384: &[u8] = b"\x2A\x86\x48\xCE\x3D\x04\x03\x03";
const AES_128_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x02";
const AES_192_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x16";
const AES_256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2A";
const DES_EDE3_CBC: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x03\x07";
const RC2_CBC: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x03\x02";
const DES_CBC: &[u8] = b"\x2B\x0E\x03\x02\x07";

/// What a signer signs: facts of the content.
pub struct SignedAttributes {
    /// As they are signed: a `SET`.
    pub signed: Vec<u8>,
    /// The same without tag and length.
    contents: Vec<u8>,
}

/// Of a content with this digest that is signed at this time, in seconds since 1970.
pub fn signed_attributes(digest: &[u8], at: i64) -> Result<SignedAttributes, SignatureError> {
    let attribute = |id, contents: &[u8]| sequence(&[&oid(id), &value(der::SET, &[contents])]);
    let mut attributes = [
        attribute(CONTENT_TYPE, &oid(DATA)),
        attribute(SIGNING_TIME, &time(at)?),
        attribute(MESSAGE_DIGEST, &value(der::OCTETS, &[digest])),
        attribute(CAPABILITIES, &capabilities()),
    ];
    // A set in DER is in the order of its bytes.
    attributes.sort();
    let contents = attributes.concat();
    Ok(SignedAttributes {
        signed: value(der::SET, &[&contents]),
        contents,
    })
}

/// The signature with the signer's certificate, and without the content.
pub fn signed_data(
    certificate: &Certificate,
    key: &Key,
    attributes: &SignedAttributes,
    signature: &[u8],
) -> Vec<u8> {
    let digest = key.digest_algorithm().encoded();
    let signer = sequence(&[
        &der::small(1),
        &issuer_and_serial(certificate),
        &digest,
        &value(der::CONTEXT, &[&attributes.contents]),
        &key.algorithm().encoded(),
        &value(der::OCTETS, &[signature]),
    ]);
    let data = sequence(&[
        &der::small(1),
        &value(der::SET, &[&digest]),
        &sequence(&[&oid(DATA)]),
        &value(der::CONTEXT, &[&certificate.der]),
        &value(der::SET, &[&signer]),
    ]);
    content_info(SIGNED_DATA, &data)
}

/// What is encrypted, with its key as wrapped for one receiver.
pub fn enveloped_data(
    receiver: &Certificate,
    wrapped: &[u8],
    iv: &[u8],
    encrypted: &[u8],
) -> Vec<u8> {
    let to = sequence(&[
        &der::small(0),
        &issuer_and_serial(receiver),
        &Algorithm::Rsa.encoded(),
        &value(der::OCTETS, &[wrapped]),
    ]);
    let content = sequence(&[
        &oid(DATA),
        &sequence(&[&oid(AES_128_CBC), &value(der::OCTETS, &[iv])]),
        &value(der::CONTEXT_PRIMITIVE, &[encrypted]),
    ]);
    let data = sequence(&[&der::small(0), &value(der::SET, &[&to]), &content]);
    content_info(ENVELOPED_DATA, &data)
}

fn content_info(id: &[u8], content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), &value(der::CONTEXT, &[content])])
}

fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    let [issuer, serial] = &certificate.issuer_and_serial;
    sequence(&[issuer, serial])
}

fn oid(id: &[u8]) -> Vec<u8> {
    value(der::OID, &[id])
}

/// The ciphers that OpenSSL says a signer could read. We read none; a message without them
/// would be told from one of `ssmsend`'s, and nothing else.
fn capabilities() -> Vec<u8> {
    let plain = |id| sequence(&[&oid(id)]);
    let bits = |id, bits| sequence(&[&oid(id), &der::small(bits)]);
    sequence(&[
        &plain(AES_256_CBC),
        &plain(AES_192_CBC),
        &plain(AES_128_CBC),
        &plain(DES_EDE3_CBC),
        &bits(RC2_CBC, 128),
        &bits(RC2_CBC, 64),
        &plain(DES_CBC),
        &bits(RC2_CBC, 40),
    ])
}

/// RFC 5652, 11.3: `UTCTime` through 2049.
fn time(at: i64) -> Result<Vec<u8>, SignatureError> {
    let out = SignatureError::Text("the time is outside of 1970 to 9999");
    let since = u64::try_from(at).map(std::time::Duration::from_secs);
    let Some(time) = since
        .ok()
        .and_then(|at| DateTime::from_unix_duration(at).ok())
    else {
        return Err(out);
    };
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        time.month(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds()
    );
    Ok(match time.year() {
        year @ ..2050 => {
            let text = format!("{:02}{rest}", year % 100);
            value(der::UTC_TIME, &[text.as_bytes()])
        }
        year => {
            let text = format!("{year:04}{rest}");
            value(der::GENERALIZED_TIME, &[text.as_bytes()])
        }
    })
}
