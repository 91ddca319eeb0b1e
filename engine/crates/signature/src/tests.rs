//! Against what `openssl smime` made of the same files and the same text (`tests/golden`,
//! OpenSSL 3.0): an RSA signature byte for byte, for it has no random numbers in it.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{self, UnparsedPublicKey};

use super::*;

fn golden(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    PathBuf::from(folder).join(name)
}

fn files(certificate: &str, key: &str) -> SignatureFiles {
    SignatureFiles {
        certfile: golden(certificate),
        keyfile: golden(key),
        encrypt: None,
    }
}

fn signer(certificate: &str, key: &str) -> Signer {
    Signer::read(&files(certificate, key)).unwrap()
}

fn refusal(certificate: &str, key: &str) -> String {
    let error = Signer::read(&files(certificate, key)).unwrap_err();
    caso_words(&error)
}

fn caso_words(error: &dyn std::error::Error) -> String {
    let folder = format!("{}/", golden("").display()).replace("//", "/");
    error.to_string().replace(&folder, "")
}

fn text(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

/// Of a message of OpenSSL's: its boundary and its signature.
fn parts(message: &[u8]) -> (String, Vec<u8>) {
    let message = String::from_utf8(message.to_vec()).unwrap();
    let boundary = message.split("boundary=\"----").nth(1).unwrap();
    let boundary = boundary.split('"').next().unwrap().to_owned();
    let body = message.split("smime.p7s\"\n\n").nth(1).unwrap();
    let body: String = body.split("\n------").next().unwrap().split('\n').collect();
    (boundary, STANDARD.decode(body).unwrap())
}

/// The time in a signature, as the seconds that it stands for.
fn signed_at(pkcs7: &[u8]) -> i64 {
    // The attribute signingTime and the set around its value, a UTCTime of 13 characters.
    let mark = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05\x31\x0F\x17\x0D";
    let at = pkcs7.windows(mark.len()).position(|window| window == mark);
    let at = at.unwrap() + mark.len();
    let text = std::str::from_utf8(&pkcs7[at..at + 12]).unwrap();
    let number = |from: usize| text[from..from + 2].parse::<u8>().unwrap();
    let year = 2000 + u16::from(number(0));
    let time =
        x509_cert::der::DateTime::new(year, number(2), number(4), number(6), number(8), number(10));
    i64::try_from(time.unwrap().unix_duration().as_secs()).unwrap()
}

fn again(signer: &Signer, text: &[u8], message: &[u8]) -> String {
    let (boundary, pkcs7) = parts(message);
    let at = signed_at(&pkcs7);
    let signed = signer.signed(text, &Made { at, boundary }).unwrap();
    String::from_utf8(signed).unwrap()
}

#[test]
fn an_rsa_signature_is_openssls_byte_for_byte() {
    let signer = signer("rsa-cert.pem", "rsa-pkcs8.pem");
    for (text, message) in [("text", "rsa.eml"), ("long", "rsa-long.eml")] {
        let theirs = self::text(message);
        let ours = again(&signer, &self::text(text), &theirs);
        assert_eq!(ours, String::from_utf8(theirs).unwrap(), "{message}");
    }
}

/// All of OpenSSL's message is ours but the signature's number, which has chance in it; and
/// the number is checked with the certificate's key.
#[test]
fn an_ec_signature_is_openssls_but_for_its_number() {
    let certificate = "p256-cert.pem";
    let signer = signer(certificate, "p256-sec1.pem");
    let theirs = text("p256.eml");
    let (boundary, pkcs7) = parts(&theirs);
    let ours = signer.signed(
        &text("text"),
        &Made {
            at: signed_at(&pkcs7),
            boundary,
        },
    );
    let (_, ours) = parts(&ours.unwrap());
    // Without the lengths at the front, which depend on the number.
    let mark = b"\x2A\x86\x48\xCE\x3D\x04\x03\x02\x04";
    let cut = |pkcs7: &[u8]| {
        let end = pkcs7.windows(mark.len()).rposition(|window| window == mark);
        pkcs7[30..end.unwrap()].to_vec()
    };
    let digest = |pkcs7: &[u8]| pkcs7.windows(9).filter(|w| *w == mark).count();
    assert_eq!(digest(&ours), digest(&pkcs7));
    // Between certificate and number only one length may differ.
    let (ours, theirs) = (cut(&ours), cut(&pkcs7));
    assert_eq!(ours.len(), theirs.len());
    let differing = ours.iter().zip(&theirs).filter(|(a, b)| a != b).count();
    assert!(differing <= 2, "{differing} bytes differ");
}

#[test]
fn the_number_of_an_ec_signature_verifies() {
    let random = SystemRandom::new();
    for (curve, algorithm) in [
        ("p256", &signature::ECDSA_P256_SHA256_ASN1),
        ("p384", &signature::ECDSA_P384_SHA384_ASN1),
    ] {
        for form in ["sec1", "pkcs8"] {
            let signer = signer(&format!("{curve}-cert.pem"), &format!("{curve}-{form}.pem"));
            let number = signer.key.sign(b"text", &random).unwrap();
            let key = UnparsedPublicKey::new(algorithm, &signer.certificate.public.bits);
            key.verify(b"text", &number).unwrap();
        }
    }
}

#[test]
fn every_form_of_a_key_signs_the_same() {
    let theirs = text("rsa.eml");
    let message = String::from_utf8(theirs.clone()).unwrap();
    for key in ["rsa-pkcs1.pem", "rsa-pkcs8.pem"] {
        assert_eq!(
            again(&signer("rsa-cert.pem", key), &text("text"), &theirs),
            message
        );
    }
    // Key and certificate in one file, with text around them and lines that end in CRLF.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.pem");
    let both = [
        b"Bag Attributes\n    localKeyID: \xff\n".to_vec(),
        text("rsa-pkcs1.pem"),
        b"subject=CN = x\n\n".to_vec(),
        text("rsa-cert.pem"),
        text("receiver-cert.pem"),
    ]
    .concat();
    let both = both.iter().flat_map(|byte| match byte {
        b'\n' => b"\r\n".to_vec(),
        byte => vec![*byte],
    });
    std::fs::write(&path, both.collect::<Vec<u8>>()).unwrap();
    let signer = Signer::read(&SignatureFiles {
        certfile: path.clone(),
        keyfile: path,
        encrypt: None,
    });
    assert_eq!(again(&signer.unwrap(), &text("text"), &theirs), message);
    // A curve that is spelled out is still the certificate's.
    self::signer("p256-cert.pem", "p256-explicit.pem");
}

#[test]
fn what_cannot_be_used_is_refused_with_words() {
    let passphrase = "the private key in `KEY` cannot be used: it has a passphrase, which nobody \
                      could type; write one without (`openssl pkey -in FILE -out NEW`) that root \
                      alone may read";
    for key in [
        "rsa-pkcs1-encrypted.pem",
        "rsa-pkcs8-encrypted.pem",
        "p256-encrypted.pem",
    ] {
        assert_eq!(refusal("rsa-cert.pem", key), passphrase.replace("KEY", key));
    }
    let apart = "the certificate in `rsa-cert.pem` and the key in `KEY` do not belong together; \
                 name the two files of one pair";
    for key in ["receiver-key.pem", "p256-sec1.pem", "p384-pkcs8.pem"] {
        assert_eq!(refusal("rsa-cert.pem", key), apart.replace("KEY", key));
    }
    for (certificate, key) in [
        ("p256-cert.pem", "p384-sec1.pem"),
        ("p256-cert.pem", "rsa-pkcs8.pem"),
    ] {
        let words = refusal(certificate, key);
        assert!(words.contains("do not belong together"), "{words}");
    }
    assert_eq!(
        refusal("p521-cert.pem", "p521-sec1.pem"),
        "the private key in `p521-sec1.pem` cannot be used: it is on P-521; EC keys can be on \
         P-256 or P-384"
    );
    assert_eq!(
        refusal("rsa-cert.pem", "rsa-cert.pem"),
        "the private key in `rsa-cert.pem` cannot be used: it holds `CERTIFICATE`"
    );
    assert_eq!(
        refusal("text", "rsa-pkcs8.pem"),
        "the certificate in `text` cannot be used: it holds no PEM block"
    );
    assert_eq!(refusal("none", "rsa-pkcs8.pem"), "cannot read `none`");
}

/// Read to its end, it would take all memory.
#[test]
fn a_device_in_the_place_of_a_file_is_refused() {
    for (certificate, key) in [
        ("rsa-cert.pem", "/dev/zero"),
        ("/dev/zero", "rsa-pkcs8.pem"),
    ] {
        assert_eq!(refusal(certificate, key), "cannot read `/dev/zero`");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    for key in ["rsa-pkcs1.pem", "rsa-pkcs8.pem", "p256-sec1.pem"] {
        let whole = text(key);
        let secret = String::from_utf8(whole.clone()).unwrap();
        let line = secret.lines().rev().nth(2).unwrap();
        for length in (0..whole.len() - 10).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let files = SignatureFiles {
                keyfile: path.clone(),
                ..files("rsa-cert.pem", "")
            };
            let error = Signer::read(&files).unwrap_err();
            let words = format!("{error} {error:?}");
            assert!(!words.contains(&line[..10]), "{words}");
        }
    }
    let debug = format!("{:?}", signer("rsa-cert.pem", "rsa-pkcs8.pem"));
    assert_eq!(
        debug,
        "Signer { subject: \"/DC=org/DC=example/O=Site/CN=host.example.org\", .. }"
    );
}

/// What OpenSSL encrypted for the same certificate differs in chance alone; that ours is
/// read, `tests/ams/check` proves with OpenSSL itself.
#[test]
fn an_encrypted_message_has_the_form_of_openssls() {
    let files = SignatureFiles {
        encrypt: Some(golden("receiver-cert.pem")),
        ..files("rsa-cert.pem", "rsa-pkcs8.pem")
    };
    let signer = Signer::read(&files).unwrap();
    let ours = signer.encrypted(&text("rsa.eml"), signer.receiver.as_ref().unwrap());
    let (ours, theirs) = (ours.unwrap(), text("rsa-encrypted.eml"));
    let split = |message: &[u8]| {
        let message = String::from_utf8(message.to_vec()).unwrap();
        let (head, body) = message.split_once("\n\n").unwrap();
        let lines: String = body.lines().collect();
        (head.to_owned(), STANDARD.decode(lines).unwrap())
    };
    let ((our_head, our_body), (head, body)) = (split(&ours), split(&theirs));
    assert_eq!(our_head, head);
    assert_eq!(our_body.len(), body.len());
    // Up to the wrapped key, and from it to the vector, all is the same.
    assert_eq!(our_body[..113], body[..113]);
    assert_eq!(our_body[369..399], body[369..399]);
    assert_ne!(our_body[113..369], body[113..369]);
}

/// The key that is wrapped comes out with the receiver's private key.
#[test]
fn a_wrapped_key_is_unwrapped_by_the_receiver() {
    let receiver = Receiver::read(&golden("receiver-cert.pem")).unwrap();
    let fill = |bytes: &mut [u8]| {
        bytes.fill(7);
        Ok(())
    };
    let wrapped = receiver.wrap(&[9; 16], fill).unwrap();
    assert_eq!(wrapped.len(), 256);
    // m^e mod n of a block that is known: OpenSSL's `pkeyutl -encrypt -pkeyopt
    // rsa_padding_mode:none` of the same block.
    let expected = text("wrapped.bin");
    assert_eq!(wrapped, expected);
}

#[test]
fn a_receiver_has_an_rsa_certificate() {
    for (name, words) in [
        (
            "p256-cert.pem",
            "messages are encrypted for a receiver with an RSA key",
        ),
        ("rsa-pkcs8.pem", "it holds `PRIVATE KEY`"),
    ] {
        let error = Receiver::read(&golden(name)).err().unwrap();
        assert!(caso_words(&error).contains(words), "{error}");
    }
}

#[test]
fn nothing_is_signed_within_the_last_day() {
    let files = SignatureFiles {
        encrypt: Some(golden("receiver-cert.pem")),
        ..files("rsa-cert.pem", "rsa-pkcs8.pem")
    };
    let signer = Signer::read(&files).unwrap();
    // 2126-11-04 01:30:39 UTC; the receiver's ends some seconds later.
    let end = 4_949_429_439;
    let day = 86_400;
    assert_eq!(signer.check(end - 31 * day).unwrap(), Vec::<String>::new());
    let warnings = signer.check(end - 20 * day - 5).unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0]
            .starts_with("the certificate `/DC=org/DC=example/O=Site/CN=host.example.org` in `")
            && warnings[0].contains("ends in 20 days"),
        "{warnings:?}"
    );
    assert!(warnings[1].contains("/CN=receiver.example.org"));
    for (at, words) in [
        (end - day, "ends within a day"),
        (end + 1, "ended at 2126-11-04T"),
    ] {
        let error = signer.sign(b"text", at).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = signer.sign(b"text", 1_000_000_000).unwrap_err().to_string();
    assert!(error.contains("is not valid before 2026-11-28T"), "{error}");
}

#[test]
fn a_text_that_readers_would_read_otherwise_is_refused() {
    let signer = signer("rsa-cert.pem", "rsa-pkcs8.pem");
    let now = 1_900_000_000;
    for bad in [&b"a\0b"[..], b"a\rb", b"a\r"] {
        assert!(signer.sign(bad, now).is_err(), "{bad:?}");
    }
    for good in [
        &b""[..],
        b"\n",
        b"a\r\nb",
        "\u{f3}\n".as_bytes(),
        b"------x\n",
    ] {
        assert!(signer.sign(good, now).is_ok(), "{good:?}");
    }
}
