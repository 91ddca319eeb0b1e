//! The blocks of a PEM file (RFC 7468), whatever stands around them.
//!
//! A host's files have grown over years: text of `openssl x509 -text` before a certificate,
//! `Bag Attributes` of a PKCS#12 file, parameters before an EC key, key and certificate in
//! one file. All of that is read. A block of the older form with headers (`Proc-Type:
//! 4,ENCRYPTED`) is marked, so that its reader can say what is the matter.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::SignatureError;

/// One block.
pub struct Block {
    /// What stands behind `BEGIN`.
    pub label: String,
    /// Whether it has headers: it is encrypted in the older way.
    pub encrypted: bool,
    /// The contents; nothing where it is encrypted.
    pub der: Zeroizing<Vec<u8>>,
}

/// All blocks of a file in their order.
pub fn blocks(path: &Path) -> Result<Vec<Block>, SignatureError> {
    let bytes = crate::read_file(path)?;
    let bad = |problem: String| SignatureError::Pem {
        path: path.to_owned(),
        problem,
    };
    let mut blocks = Vec::new();
    // Who wrote the text around the blocks may have used any encoding.
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    while let Some(line) = lines.next() {
        let Some(label) = label(line, "-----BEGIN ") else {
            continue;
        };
        let mut text = Zeroizing::new(Vec::new());
        let mut encrypted = false;
        loop {
            let Some(line) = lines.next() else {
                return Err(bad(format!("`BEGIN {label}` has no end")));
            };
            if let Some(end) = self::label(line, "-----END ") {
                match end == label {
                    true => break,
                    false => return Err(bad(format!("`BEGIN {label}` ends as `{end}`"))),
                }
            }
            encrypted |= line.starts_with(b"Proc-Type:");
            if !line.contains(&b':') {
                text.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
        let der = match encrypted {
            true => Zeroizing::default(),
            false => {
                let der = STANDARD.decode(&*text);
                Zeroizing::new(der.map_err(|_| bad(format!("`BEGIN {label}` is not base64")))?)
            }
        };
        blocks.push(Block {
            label,
            encrypted,
            der,
        });
    }
    Ok(blocks)
}

/// Of a line that begins or ends a block.
fn label(line: &[u8], begins: &str) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let label = text.strip_prefix(begins)?.strip_suffix("-----")?;
    Some(label.to_owned())
}

/// The labels of what a file holds, for an error: nothing of the contents.
pub fn listed(blocks: &[Block]) -> String {
    let labels: Vec<String> = blocks
        .iter()
        .map(|block| format!("`{}`", block.label))
        .collect();
    match labels.is_empty() {
        true => "it holds no PEM block".to_owned(),
        false => format!("it holds {}", labels.join(", ")),
    }
}
