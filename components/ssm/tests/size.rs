//! The default size of a message against what the message service takes.
//!
//! ssmsend signs with `openssl smime -sign -text`, encrypts with `openssl smime -encrypt
//! -aes128` where `server_cert` is set, and publishes the result in base64; ARGO's
//! messaging service takes less than 1 MB. Measured with OpenSSL 3.0.19, a certificate
//! of 4096 bits and cloud records:
//!
//! | text | signed | encrypted | published |
//! |---|---|---|---|
//! | 100 000 | 108 125 | 147 682 | 196 912 |
//! | 500 000 | 525 956 | 713 507 | 951 344 |
//! | 524 288 | 551 327 | 747 847 | 997 132 |
//! | 700 000 | 734 868 | 996 407 | 1 328 544 |

#![allow(clippy::unwrap_used, reason = "a test's panic is its failure")]

use std::fs;
use std::path::{Path, PathBuf};

use caso_ssm::Options;

/// Bytes that AMS takes.
const MOST: usize = 1_000_000;
/// Certificate, signature and headers.
const SIGNATURE: usize = 3_700;
/// The recipient's part of an encrypted message.
const ENVELOPE: usize = 1_000;

/// Each line ends with CR and LF in what is signed.
fn signed(text: &str) -> usize {
    text.len() + text.matches('\n').count() + SIGNATURE
}

/// Base64 in lines of 64.
fn encrypted(signed: usize) -> usize {
    (signed + ENVELOPE).div_ceil(48) * 65
}

fn base64(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

fn near(found: usize, measured: usize) -> bool {
    found.abs_diff(measured) * 1_000 < measured * 5
}

#[test]
fn the_formula_is_the_measurement() {
    // The records that were measured have 22 257 lines in 500 000 bytes.
    let line = "x".repeat(500_000 / 22_257 - 1) + "\n";
    for (bytes, measured) in [(100_000, 196_912), (500_000, 951_344), (700_000, 1_328_544)] {
        let text = line.repeat(bytes / line.len());
        let found = base64(encrypted(signed(&text)));
        assert!(near(found, measured), "{bytes}: {found}, not {measured}");
    }
}

#[test]
fn a_full_message_passes_encrypted_whatever_is_in_it() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let most = Options::default().format.max_message_bytes;
    let mut kinds = 0;
    let files = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    for file in files(&golden).iter().flat_map(|case| files(case)) {
        let text = fs::read_to_string(file).unwrap();
        let full = text.repeat(most.div_ceil(text.len()));
        let published = base64(encrypted(signed(&full[..most])));
        assert!(published < MOST, "{published} bytes of {most}");
        kinds += 1;
    }
    assert!(kinds > 0);
}
