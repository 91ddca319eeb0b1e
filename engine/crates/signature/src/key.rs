//! The private key: read from any of its PEM forms, held against the certificate, used.

use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, rsa};
use x509_cert::der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::der::{AnyRef, Decode as _, Reader, SliceReader};
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::cms::Algorithm;
use crate::der;
use crate::error::SignatureError;
use crate::pem::{self, Block, blocks};

/// `rsaEncryption` of RFC 8017.
pub const RSA: &str = "1.2.840.113549.1.1.1";
/// `id-ecPublicKey` of RFC 5480.
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

/// A key that belongs to its certificate.
pub struct Key {
    path: PathBuf,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

/// What a block is, whatever wraps it.
enum Secret {
    /// PKCS#1's `RSAPrivateKey`.
    Rsa(Zeroizing<Vec<u8>>),
    /// A number.
    Ec(Zeroizing<Vec<u8>>),
}

impl Key {
    /// # Errors
    /// There is no key in the file, or none that can be used; it is not the certificate's.
    pub fn read(path: &Path, certificate: &Certificate) -> Result<Self, SignatureError> {
        let bad = |problem: String| SignatureError::Key {
            path: path.to_owned(),
            problem,
        };
        let blocks = blocks(path)?;
        let block = blocks
            .iter()
            .find(|block| block.label.ends_with("PRIVATE KEY"))
            .ok_or_else(|| bad(pem::listed(&blocks)))?;
        let secret = secret(block).map_err(bad)?;
        let apart = || SignatureError::Apart {
            certfile: certificate.path.clone(),
            keyfile: path.to_owned(),
        };
        let public = &certificate.public;
        let pair = match (secret, public.algorithm.as_str()) {
            (Secret::Rsa(der), RSA) => {
                let pair = RsaKeyPair::from_der(&der).map_err(|why| bad(of_rsa(&why)))?;
                if pair.public_key().as_ref() != public.bits {
                    return Err(apart());
                }
                Pair::Rsa(pair)
            }
            (Secret::Ec(number), EC) => {
                let curve = public.curve.as_deref();
                let (named, length, of): (_, _, fn(_) -> _) = match curve {
                    Some(P256) => (&ECDSA_P256_SHA256_ASN1_SIGNING, 32, Pair::P256),
                    Some(P384) => (&ECDSA_P384_SHA384_ASN1_SIGNING, 48, Pair::P384),
                    _ => return Err(bad(other_curve(curve))),
                };
                of(on_curve(named, &number, length, &public.bits).ok_or_else(apart)?)
            }
            (Secret::Rsa(_) | Secret::Ec(_), RSA | EC) => return Err(apart()),
            (_, other) => {
                return Err(SignatureError::Certificate {
                    path: certificate.path.clone(),
                    problem: format!(
                        "its key is of the kind {other}; SSM signs with RSA and EC keys"
                    ),
                });
            }
        };
        Ok(Self {
            path: path.to_owned(),
            pair,
        })
    }

    /// Of what is signed.
    pub fn digest(&self, content: &[u8]) -> Vec<u8> {
        let algorithm = match self.pair {
            Pair::Rsa(_) | Pair::P256(_) => &digest::SHA256,
            Pair::P384(_) => &digest::SHA384,
        };
        digest::digest(algorithm, content).as_ref().to_vec()
    }

    /// The word for the digest in a message's header (RFC 8551).
    pub fn micalg(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) | Pair::P256(_) => "sha-256",
            Pair::P384(_) => "sha-384",
        }
    }

    pub fn digest_algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) | Pair::P256(_) => Algorithm::Sha256,
            Pair::P384(_) => Algorithm::Sha384,
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rsa,
            Pair::P256(_) => Algorithm::EcdsaSha256,
            Pair::P384(_) => Algorithm::EcdsaSha384,
        }
    }

    /// # Errors
    /// The key did not sign: no random numbers.
    pub fn sign(&self, bytes: &[u8], random: &SystemRandom) -> Result<Vec<u8>, SignatureError> {
        let failed = |ring::error::Unspecified| SignatureError::Sign(self.path.clone());
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random, bytes, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Pair::P256(pair) | Pair::P384(pair) => {
                let signature = pair.sign(random, bytes).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// What is in a block, or why it cannot be used.
fn secret(block: &Block) -> Result<Secret, String> {
    if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(
            "it has a passphrase, which nobody could type; write one without \
             (`openssl pkey -in FILE -out NEW`) that root alone may read"
                .to_owned(),
        );
    }
    let broken = |_| format!("`{}` cannot be decoded; is the file whole?", block.label);
    match block.label.as_str() {
        "RSA PRIVATE KEY" => Ok(Secret::Rsa(block.der.clone())),
        "EC PRIVATE KEY" => sec1(&block.der).map_err(broken).map(Secret::Ec),
        "PRIVATE KEY" => {
            let (algorithm, key) = pkcs8(&block.der).map_err(broken)?;
            match algorithm.as_str() {
                RSA => Ok(Secret::Rsa(key)),
                EC => sec1(&key).map_err(broken).map(Secret::Ec),
                other => Err(other_kind(other)),
            }
        }
        other => Err(other_kind(other)),
    }
}

fn other_kind(kind: &str) -> String {
    let kind = match kind {
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "1.2.840.113549.1.1.10" => "RSA for PSS alone",
        "1.2.840.10040.4.1" | "DSA PRIVATE KEY" => "DSA",
        other => other,
    };
    format!("it is of the kind {kind}; SSM signs with RSA and EC keys")
}

fn other_curve(curve: Option<&str>) -> String {
    let curve = match curve {
        Some("1.3.132.0.35") => "on P-521",
        Some("1.3.132.0.10") => "on secp256k1",
        Some(_) => "on another curve",
        None => "on a curve that the certificate does not name",
    };
    format!("it is {curve}; EC keys can be on P-256 or P-384")
}

fn of_rsa(why: &ring::error::KeyRejected) -> String {
    match why.to_string().as_str() {
        "TooLarge" => "it has more than 4096 bits".to_owned(),
        "TooSmall" => "it has less than 2048 bits".to_owned(),
        "InvalidEncoding" => "it cannot be decoded; is the file whole?".to_owned(),
        other => format!("it is no sound RSA key ({other})"),
    }
}

/// The number of SEC1's `ECPrivateKey`. Its curve is the certificate's, or it is not the
/// certificate's key: parameters, named or spelled out, are not needed.
fn sec1(bytes: &[u8]) -> x509_cert::der::Result<Zeroizing<Vec<u8>>> {
    SliceReader::new(bytes)?.sequence(|reader| {
        u8::decode(reader)?;
        let number = <&OctetStringRef>::decode(reader)?.as_bytes().to_vec();
        rest(reader)?;
        Ok(Zeroizing::new(number))
    })
}

/// What PKCS#8's `PrivateKeyInfo` wraps, and what it is.
fn pkcs8(bytes: &[u8]) -> x509_cert::der::Result<(String, Zeroizing<Vec<u8>>)> {
    SliceReader::new(bytes)?.sequence(|reader| {
        u8::decode(reader)?;
        let algorithm = reader.sequence(|reader| {
            let algorithm: ObjectIdentifier = ObjectIdentifier::decode(reader)?;
            rest(reader)?;
            x509_cert::der::Result::Ok(algorithm.to_string())
        })?;
        let key = <&OctetStringRef>::decode(reader)?.as_bytes().to_vec();
        rest(reader)?;
        Ok((algorithm, Zeroizing::new(key)))
    })
}

fn rest<'a>(reader: &mut impl Reader<'a>) -> x509_cert::der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}

/// The pair; none where number and point do not belong together.
fn on_curve(
    curve: &'static EcdsaSigningAlgorithm,
    number: &[u8],
    length: usize,
    point: &[u8],
) -> Option<EcdsaKeyPair> {
    // Old programs left out zeros at the front.
    let mut padded = Zeroizing::new(vec![0; length.saturating_sub(number.len())]);
    padded.extend(number);
    let random = SystemRandom::new();
    EcdsaKeyPair::from_private_key_and_public_key(curve, &padded, point, &random).ok()
}

/// Modulus and exponent of PKCS#1's `RSAPublicKey`, as big-endian bytes.
pub fn rsa_public(bits: &[u8]) -> Option<rsa::PublicKeyComponents<Vec<u8>>> {
    let (n, e) = der::two_integers(bits)?;
    Some(rsa::PublicKeyComponents { n, e })
}
