//! A guest that asks for signatures: it gets them by the grant, no more of them than a call
//! may have, and of the key nothing.

use std::path::PathBuf;

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caso_sandbox::Grant;

/// Certificates and keys that OpenSSL made, valid until 2126.
fn golden(name: &str) -> PathBuf {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../engine/crates/signature/tests/golden"
    );
    Path::new(folder).canonicalize().unwrap().join(name)
}

struct Signer {
    settings: Vec<Setting>,
    grants: Vec<String>,
    limits: Limits,
    redirect: Redirect,
    queue: tempfile::TempDir,
}

/// Asks for the host's certificate, and is granted these lines and a queue.
fn signer(grants: &[String]) -> Signer {
    let queue = tempfile::tempdir().unwrap();
    let path = queue.path().join("q").display().to_string();
    let certificate = golden("rsa-cert.pem").display().to_string();
    Signer {
        settings: vec![
            text("certificate", &certificate),
            text("output_path", &path),
        ],
        grants: [grants, &[format!("queue:{path}")]].concat(),
        limits: Limits::default(),
        redirect: Redirect::default(),
        queue,
    }
}

fn line(certificate: &str, key: &str) -> String {
    let (certificate, key) = (golden(certificate), golden(key));
    format!(
        "signature:{}?keyfile={}",
        certificate.display(),
        key.display()
    )
}

impl Signer {
    fn set(mut self, name: &str, value: OptionValue) -> Self {
        let name = name.to_owned();
        self.settings.push(Setting { name, value });
        self
    }

    async fn start(&self) -> Result<GuestMessenger, GuestFailure> {
        let component = &guests().await.signer;
        let grants: Vec<Grant> = self
            .grants
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let requests = &component.description.capabilities;
        let granted = decide(&mine(), requests, &self.settings, Policy::Site(&grants)).unwrap();
        let setup = MessengerSetup {
            instance: "mine".to_owned(),
            granted,
            settings: self.settings.clone(),
            secrets: Vec::new(),
            limits: self.limits.clone(),
            redirect: self.redirect.clone(),
            network: NetworkEnvironment::default(),
        };
        component.start_messenger(setup).await
    }

    async fn report(&self) -> String {
        let mut messenger = self.start().await.unwrap();
        let answer = messenger.deliver(&batch(&["a"])).await.unwrap();
        report(answer)
    }

    /// All that came out.
    fn messages(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.queue.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(std::fs::read_to_string(path).unwrap()),
                }
            }
        }
        found
    }
}

#[tokio::test]
async fn what_is_granted_is_signed() {
    let signer = signer(&[line("rsa-cert.pem", "rsa-pkcs8.pem")]);
    assert_eq!(signer.report().await, "1 signed");
    let message = signer.messages().remove(0);
    assert!(
        message.contains("\nContent-Type: text/plain\r\n\r\ntext\r\n\n------"),
        "{message}"
    );
    assert!(message.contains("micalg=\"sha-256\""), "{message}");
}

/// The bytes in a PEM block.
fn der(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

/// Of what is given for the guest to look for: each byte turned round, in hex.
fn turned(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{:02x}", !byte)).collect()
}

/// It signs with the key and looks through all of its memory afterwards: for pieces of the key, as the file has
/// them and decoded; and, so that the search is known to find, for what must be there.
#[tokio::test]
async fn of_the_key_nothing_is_in_the_guests_memory() {
    let file = std::fs::read(golden("rsa-pkcs8.pem")).unwrap();
    let key = der("rsa-pkcs8.pem");
    let message = "a message that is signed, and that nobody keeps to himself";
    let pieces = key.chunks(24).chain(file.chunks(24));
    let pieces = pieces.filter(|piece| piece.len() == 24);
    let public = der("rsa-cert.pem");
    // The modulus is public, and in the certificate that goes with each signature (as text, in base64).
    let is_public = |piece: &[u8]| public.windows(piece.len()).any(|part| part == piece);
    let sought: Vec<String> = pieces
        .filter(|piece| !is_public(piece))
        .map(turned)
        .collect();
    assert!(sought.len() > 80, "{}", sought.len());
    let words = [turned(message.as_bytes()), turned(b"micalg=\"sha-256\"")];
    let words = [&words[..], &sought[..]].concat();
    let signer = signer(&[line("rsa-cert.pem", "rsa-pkcs8.pem")])
        .set("message", OptionValue::Text(message.to_owned()))
        .set("times", OptionValue::Integer(3))
        .set("sought", OptionValue::Text(words.join(" ")));
    let nowhere = vec!["false"; sought.len()].join(" ");
    assert_eq!(
        signer.report().await,
        format!("3 signed, in memory: true true {nowhere}")
    );
}

/// The key is the grant's, whatever the component asks for; its request names another.
#[tokio::test]
async fn key_and_form_are_the_grants() {
    let receiver = golden("receiver-cert.pem").display().to_string();
    let grant = format!(
        "{}&encrypt={receiver}",
        line("rsa-cert.pem", "rsa-pkcs1.pem")
    );
    let key = golden("p256-sec1.pem").display().to_string();
    let signer = signer(&[grant]).set("key", OptionValue::Text(key));
    assert_eq!(signer.report().await, "1 signed");
    let message = signer.messages().remove(0);
    assert!(message.contains("smime-type=enveloped-data") && !message.contains("text/plain"));
}

#[tokio::test]
async fn without_the_grant_nothing_is_signed() {
    let certificate = golden("rsa-cert.pem").display().to_string();
    // Nothing; another certificate; the same file as another kind.
    for grants in [vec![], vec![line("p256-cert.pem", "p256-sec1.pem")]] {
        let signer = signer(&grants);
        assert_eq!(
            signer.report().await,
            format!(
                "0 signed, then SignError::Denied(\"`host` is not granted: add \
                 `signature:{certificate}` to `grants` in [messenger_mine]\")"
            )
        );
        assert_eq!(signer.messages(), Vec::<String>::new());
    }
    for name in ["other", "outgoing", "", "../host", certificate.as_str()] {
        let signer = signer(&[line("rsa-cert.pem", "rsa-pkcs8.pem")]);
        let report = signer
            .set("name", OptionValue::Text(name.to_owned()))
            .report()
            .await;
        assert!(
            report.starts_with("0 signed, then SignError::Denied(\"no signature "),
            "{report}"
        );
    }
}

#[tokio::test]
async fn no_more_is_signed_in_a_call_than_it_may_have() {
    let mut signer = signer(&[line("rsa-cert.pem", "rsa-pkcs8.pem")]);
    signer.limits.signatures = 3;
    let signer = signer.set("times", OptionValue::Integer(5));
    assert_eq!(signer.report().await, "3 signed, then SignError::Full");
}

/// Files that do not go together stop the messenger before it has a record; no byte of the
/// key is in what is said, nor in what comes out when they do go together.
#[tokio::test]
async fn of_the_key_nothing_is_seen() {
    for (certificate, key, words) in [
        ("rsa-cert.pem", "receiver-key.pem", "do not belong together"),
        (
            "rsa-cert.pem",
            "rsa-pkcs8-encrypted.pem",
            "it has a passphrase",
        ),
        ("rsa-cert.pem", "none.pem", "cannot read"),
    ] {
        let refused = signer(&[line(certificate, key)]).start().await;
        let failure = refused.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Start);
        assert!(failure.detail.contains(words), "{failure:?}");
        holds_nothing_of(key, &format!("{failure:?}"));
    }
    let signer = signer(&[line("rsa-cert.pem", "rsa-pkcs8.pem")]);
    let bad = OptionValue::Text("a\rb".to_owned());
    let report = signer.report().await;
    holds_nothing_of("rsa-pkcs8.pem", &report);
    for message in signer.messages() {
        holds_nothing_of("rsa-pkcs8.pem", &message);
    }
    let report = signer.set("message", bad).report().await;
    assert!(
        report.starts_with("0 signed, then SignError::Invalid("),
        "{report}"
    );
}

fn holds_nothing_of(key: &str, text: &str) {
    let file = std::fs::read_to_string(golden(key)).unwrap_or_default();
    for line in file
        .lines()
        .filter(|line| line.len() == 64 && !line.starts_with('-'))
    {
        assert!(!text.contains(&line[..32]), "{key}: {text}");
    }
}

/// Where nothing leaves the host nothing is signed, and nobody need be able to read the key.
#[tokio::test]
async fn a_dry_run_reads_no_key() {
    let mut signer = signer(&[line("rsa-cert.pem", "none.pem")]);
    let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&shown);
    signer.redirect.signatures = Some(std::sync::Arc::new(move |name: &str, message: &[u8]| {
        sink.lock()
            .unwrap()
            .push((name.to_owned(), message.to_vec()));
        Ok(())
    }));
    assert_eq!(signer.report().await, "1 signed");
    assert_eq!(
        *shown.lock().unwrap(),
        [("host".to_owned(), b"text\n".to_vec())]
    );
    assert_eq!(signer.messages(), ["text\n"]);
}
