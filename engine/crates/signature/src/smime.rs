//! The text around the signature: MIME, line by line as OpenSSL's `SMIME_write_ASN1` puts
//! it. What is signed has lines that end in CRLF, the lines around it in LF.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::SignatureError;

/// What `-text` puts before the message. SSM's receiver reads what is behind the first
/// blank line.
const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\n";

/// The part that is signed.
pub fn text_part(text: &[u8]) -> Result<Vec<u8>, SignatureError> {
    if text.contains(&0) {
        return Err(SignatureError::Text("it has a NUL"));
    }
    let lone = |two: &[u8]| matches!(two, [b'\r', other] if *other != b'\n');
    if text.windows(2).any(lone) || text.last() == Some(&b'\r') {
        return Err(SignatureError::Text(
            "it has a carriage return that ends no line",
        ));
    }
    Ok([TEXT, &canonical(text)].concat())
}

/// Lines that end in CRLF, whatever they ended in. The last one stays without an end if it
/// has none.
pub fn canonical(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend(b"\r\n");
            }
            None => out.extend(line),
        }
    }
    out
}

/// `multipart/signed` (RFC 8551, 3.5.3).
pub fn signed(content: &[u8], pkcs7: &[u8], micalg: &str, boundary: &str) -> Vec<u8> {
    let boundary = format!("----{boundary}");
    let head = format!(
        "MIME-Version: 1.0\n\
         Content-Type: multipart/signed; protocol=\"application/x-pkcs7-signature\"; \
         micalg=\"{micalg}\"; boundary=\"{boundary}\"\n\
         \n\
         This is an S/MIME signed message\n\
         \n\
         --{boundary}\n"
    );
    let tail = format!(
        "\n--{boundary}\n\
         Content-Type: application/x-pkcs7-signature; name=\"smime.p7s\"\n\
         Content-Transfer-Encoding: base64\n\
         Content-Disposition: attachment; filename=\"smime.p7s\"\n\
         \n\
         {}\n\
         --{boundary}--\n\
         \n",
        lines(pkcs7)
    );
    [head.as_bytes(), content, tail.as_bytes()].concat()
}

/// `application/x-pkcs7-mime`, by which SSM's receiver sees that it is encrypted.
pub fn enveloped(pkcs7: &[u8]) -> Vec<u8> {
    format!(
        "MIME-Version: 1.0\n\
         Content-Disposition: attachment; filename=\"smime.p7m\"\n\
         Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\n\
         Content-Transfer-Encoding: base64\n\
         \n\
         {}\n",
        lines(pkcs7)
    )
    .into_bytes()
}

/// Base64 in lines of 64.
fn lines(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines.push('\n');
    lines
}
