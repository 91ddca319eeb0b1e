//! HMAC-SHA256 (RFC 2104), as hexadecimal text.

use sha2::{Digest as _, Sha256};

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// The first `digits` hexadecimal digits of the HMAC of a text, at most 64.
pub fn hmac(key: &[u8], text: &str, digits: usize) -> String {
    let mut block = [0_u8; BLOCK];
    let own = match key.len() > BLOCK {
        true => Sha256::digest(key).to_vec(),
        false => key.to_vec(),
    };
    for (to, from) in block.iter_mut().zip(own) {
        *to = from;
    }
    let keyed = |with: u8| {
        let mut hash = Sha256::new();
        hash.update(block.map(|byte| byte ^ with));
        hash
    };
    let inner = keyed(0x36).chain_update(text.as_bytes()).finalize();
    let outer = keyed(0x5c).chain_update(inner).finalize();
    let hex: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn it_is_that_of_the_rfc() {
        let found = hmac(&[0x0b; 20], "Hi There", 64);
        assert_eq!(
            found,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        let found = hmac(b"Jefe", "what do ya want for nothing?", 64);
        assert_eq!(
            found,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let text = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hmac(&[0xaa; 131], text, 64),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(hmac(b"Jefe", "x", 8).len(), 8);
    }
}
