//! Messages signed as SSM signs them, and encrypted as it encrypts them, with the files
//! that a grid host has.
//!
//! `ssmsend` calls `openssl smime -sign -text`, and `openssl smime -encrypt -aes128` where
//! it has a `server_cert` (`ssm/crypto.py` of apel/ssm). What comes out here is the same,
//! for an RSA key byte for byte, but without a process for each message and with the key in
//! no memory but this one's.
//!
//! | step | as in | by |
//! |---|---|---|
//! | certificate and key are read, and must belong together | `check_cert_key` | `certificate`, `key`, `pem` |
//! | refused within a day of the end, for both certificates | `verify_cert_date` | [`Signer::check`] |
//! | `multipart/signed` with a detached PKCS#7 signature | `sign` | `smime`, `cms` |
//! | `enveloped-data` in AES-128 | `encrypt` | `smime`, `cms`, `receiver` |
//!
//! # Which keys
//!
//! | key | forms | digest |
//! |---|---|---|
//! | RSA of 2048 to 4096 bits | PKCS#1, PKCS#8 | SHA-256 |
//! | EC on P-256 | SEC1 (with or without parameters before it), PKCS#8 | SHA-256 |
//! | EC on P-384 | the same | SHA-384 |
//!
//! Everything else is refused with words: a passphrase, another curve, Ed25519, DSA. A
//! receiver's certificate has an RSA key.
//!
//! # Whose cryptography
//!
//! Signatures are `ring`'s, which every TLS connection here stands on already and which
//! blinds its RSA. The crate `rsa` was not taken: RUSTSEC-2023-0071 is about the time that
//! its operations with a private key take. `aws-lc-rs` would do all of it, as a second
//! library in C beside the first. What `ring` does not have needs no private key: AES-CBC
//! comes from RustCrypto, and of RSA's encryption the one exponentiation from
//! `crypto-bigint`. Of the crate `cms` there is a release candidate alone, or one that
//! stands on a second generation of `der`; the two structures of RFC 5652 that are written
//! here are nested lengths (`der`), and nothing of anybody else's is read with it.

#![warn(missing_docs)]

mod certificate;
mod cms;
mod der;
mod error;
mod key;
mod pem;
mod receiver;
mod smime;

use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use certificate::Certificate;
use key::Key;
use receiver::Receiver;

pub use error::SignatureError;

/// Seconds before a certificate's end within which nothing is signed: as `ssmsend`, which
/// asks `openssl x509 -checkend 86400`.
pub const REFUSED_WITHIN: i64 = 86_400;
/// Seconds before a certificate's end within which its operator is warned.
pub const WARNED_WITHIN: i64 = 30 * 86_400;

/// The files of a signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignatureFiles {
    /// PEM: the host's certificate, perhaps followed by its chain.
    pub certfile: PathBuf,
    /// PEM: its private key without a passphrase; perhaps the same file.
    pub keyfile: PathBuf,
    /// PEM: the certificate of the one who is to read the messages. With one they are
    /// encrypted for it.
    pub encrypt: Option<PathBuf>,
}

/// Signs messages, and encrypts them if it has somebody to encrypt them for.
pub struct Signer {
    certificate: Certificate,
    key: Key,
    receiver: Option<Receiver>,
    random: SystemRandom,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}

/// What the message is besides its text: so that the same message can be made twice.
struct Made {
    /// Seconds since 1970.
    at: i64,
    /// 32 hexadecimal digits.
    boundary: String,
}

impl Signer {
    /// Reads the files and holds key and certificate together.
    ///
    /// # Errors
    /// A file that cannot be read, or has nothing that can be used; a key that is not the
    /// certificate's. Whether a certificate is in date is [`Signer::check`]'s question.
    pub fn read(files: &SignatureFiles) -> Result<Self, SignatureError> {
        let certificate = Certificate::read(&files.certfile)?;
        let key = Key::read(&files.keyfile, &certificate)?;
        let receiver = files.encrypt.as_deref().map(Receiver::read).transpose()?;
        Ok(Self {
            certificate,
            key,
            receiver,
            random: SystemRandom::new(),
        })
    }

    /// The certificate's subject as GOCDB and SSM's list of DNs write it:
    /// `/DC=org/O=Site/CN=host.example.org`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.certificate.subject
    }

    /// Whether both certificates are in date, now in seconds since 1970: what the operator
    /// should be warned of, a sentence each.
    ///
    /// # Errors
    /// One of them is not valid yet, or ends within a day.
    pub fn check(&self, now: i64) -> Result<Vec<String>, SignatureError> {
        let receiver = self.receiver.as_ref().map(|to| &to.certificate);
        let mut warnings = Vec::new();
        for certificate in std::iter::once(&self.certificate).chain(receiver) {
            warnings.extend(certificate.in_date(now)?);
        }
        Ok(warnings)
    }

    /// The message as it is published: signed, and encrypted if there is a receiver. Now is
    /// in seconds since 1970.
    ///
    /// # Errors
    /// See [`Signer::check`]; a text with a NUL, or with a carriage return that ends no
    /// line, which no reader of S/MIME is sure to read as it was written.
    pub fn sign(&self, text: &[u8], now: i64) -> Result<Vec<u8>, SignatureError> {
        self.check(now)?;
        let mut boundary = [0; 16];
        self.fill(&mut boundary)?;
        let boundary = boundary.iter().map(|byte| format!("{byte:02X}")).collect();
        let signed = self.signed(text, &Made { at: now, boundary })?;
        match &self.receiver {
            None => Ok(signed),
            Some(receiver) => self.encrypted(&signed, receiver),
        }
    }

    fn signed(&self, text: &[u8], made: &Made) -> Result<Vec<u8>, SignatureError> {
        let content = smime::text_part(text)?;
        let attributes = cms::signed_attributes(&self.key.digest(&content), made.at)?;
        let signature = self.key.sign(&attributes.signed, &self.random)?;
        let pkcs7 = cms::signed_data(&self.certificate, &self.key, &attributes, &signature);
        let micalg = self.key.micalg();
        Ok(smime::signed(&content, &pkcs7, micalg, &made.boundary))
    }

    fn encrypted(&self, signed: &[u8], receiver: &Receiver) -> Result<Vec<u8>, SignatureError> {
        let (mut key, mut iv) = (zeroize::Zeroizing::new([0; 16]), [0; 16]);
        self.fill(&mut *key)?;
        self.fill(&mut iv)?;
        let content = receiver::aes_128_cbc(&key, &iv, &smime::canonical(signed));
        let wrapped = receiver.wrap(&*key, |bytes| self.fill(bytes))?;
        let pkcs7 = cms::enveloped_data(&receiver.certificate, &wrapped, &iv, &content);
        Ok(smime::enveloped(&pkcs7))
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), SignatureError> {
        let filled = self.random.fill(bytes);
        filled.map_err(|ring::error::Unspecified| SignatureError::Random)
    }
}

/// The text of a file that may hold a key: overwritten when it is dropped.
fn read_file(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, SignatureError> {
    caso_base::regular::read(path)
        .map(zeroize::Zeroizing::new)
        .map_err(|source| SignatureError::Read {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests;
