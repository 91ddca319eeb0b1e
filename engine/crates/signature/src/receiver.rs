//! The one for whom a message is encrypted, as `openssl smime -encrypt -aes128` does it: a
//! new AES key a message, wrapped with the RSA key of the receiver's certificate.

use std::path::Path;

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::error::SignatureError;
use crate::key::{RSA, rsa_public};

/// A certificate with an RSA key.
pub struct Receiver {
    pub certificate: Certificate,
    modulus: BoxedMontyParams,
    exponent: BoxedUint,
    /// Bytes of the modulus.
    length: usize,
}

impl Receiver {
    /// # Errors
    /// There is no certificate, or its key is none that an AES key can be wrapped with.
    pub fn read(path: &Path) -> Result<Self, SignatureError> {
        let certificate = Certificate::read(path)?;
        let bad = |problem: &str| SignatureError::Certificate {
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        if certificate.public.algorithm != RSA {
            return Err(bad(
                "messages are encrypted for a receiver with an RSA key, and its key is another",
            ));
        }
        let unsound = || bad("its RSA key is not sound");
        let key = rsa_public(&certificate.public.bits).ok_or_else(unsound)?;
        let bits = key.n.len() * 8;
        if !(256..=1024).contains(&key.n.len()) || key.e.len() > 8 {
            return Err(bad("its RSA key has less than 2048 or more than 8192 bits"));
        }
        let precision = u32::try_from(bits).map_err(|_| unsound())?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, precision).ok();
        let modulus = number(&key.n).ok_or_else(unsound)?;
        let odd: Option<Odd<BoxedUint>> = Odd::new(modulus).into();
        Ok(Self {
            modulus: BoxedMontyParams::new(odd.ok_or_else(unsound)?),
            exponent: number(&key.e).ok_or_else(unsound)?,
            length: key.n.len(),
            certificate,
        })
    }

    /// RSAES-PKCS1-v1_5 (RFC 8017, 7.2.1).
    pub fn wrap(
        &self,
        key: &[u8],
        fill: impl Fn(&mut [u8]) -> Result<(), SignatureError>,
    ) -> Result<Vec<u8>, SignatureError> {
        // 00 02, bytes that are not 0, 00, the key.
        let mut block = Zeroizing::new(vec![0, 2]);
        while block.len() < self.length.saturating_sub(key.len() + 1) {
            let mut byte = [0];
            fill(&mut byte)?;
            block.extend(byte.iter().filter(|byte| **byte != 0));
        }
        block.push(0);
        block.extend(key);
        let precision = self.exponent.bits_precision();
        let message = BoxedUint::from_be_slice(&block, precision)
            .map_err(|_| SignatureError::Text("the receiver's key is too small"))?;
        let wrapped = BoxedMontyForm::new(message, &self.modulus).pow(&self.exponent);
        let bytes = wrapped.retrieve().to_be_bytes();
        // The number may have been rounded up to whole words.
        let zeros = bytes.len().saturating_sub(self.length);
        Ok(bytes.get(zeros..).unwrap_or_default().to_vec())
    }
}

/// With the padding of PKCS#7.
pub fn aes_128_cbc(key: &[u8; 16], iv: &[u8; 16], content: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes128>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(content)
}
