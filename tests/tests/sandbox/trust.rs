//! Whom a guest's connections trust: what works for Keystone works for them.
//! Each case is tried over a connection and over HTTP.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority in `ca.pem`, and a server on loopback whose certificate it
/// signed, or which signed its own, as an authority would, in `self.pem`.
struct World {
    folder: tempfile::TempDir,
    authority: String,
}

impl World {
    async fn signed() -> Self {
        Self::start(false).await
    }

    async fn self_signed() -> Self {
        Self::start(true).await
    }

    async fn start(own: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        write("ca.pem", ca.self_signed(&ca_key).unwrap().pem());
        let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = if own {
            server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            server.self_signed(&key).unwrap()
        } else {
            server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap()
        };
        write("self.pem", certificate.pem());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = format!("localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    // A request of HTTP has a head, a message of the guest's one line.
                    let mut bytes = Vec::new();
                    while !bytes.ends_with(b"\n") {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            break;
                        }
                    }
                    let answer: &[u8] = match bytes.starts_with(b"GET ") {
                        true => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                        false => b"ok",
                    };
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        World { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a guest reports that connects, and one that asks by HTTP, under a
    /// term of their grants and a variable of the environment.
    async fn reports(&self, cafile: Option<&str>, variable: Option<(&str, &str)>) -> [String; 2] {
        let terms = cafile.map_or_else(String::new, |name| {
            format!("?cafile={}", self.path(name).display())
        });
        let variables: BTreeMap<String, String> = variable
            .map(|(variable, name)| (variable.to_owned(), self.path(name).display().to_string()))
            .into_iter()
            .collect();
        let network = NetworkEnvironment::read(&variables).unwrap();
        let server = &self.authority;
        let origin = format!("https://{server}");
        let all = guests().await;
        let connecting = (
            &all.hostile,
            vec![text("mode", "connect"), text("server", server)],
            format!("connection:tls://{server}{terms}"),
        );
        let browsing = (
            &all.browser,
            vec![
                text("mode", "ask"),
                text("origin", &origin),
                text("scheme", "https"),
                text("authority", server),
                text("path", "/"),
            ],
            format!("http:{origin}{terms}"),
        );
        let mut reports = Vec::new();
        for (component, settings, grant) in [connecting, browsing] {
            let requests = &component.description.capabilities;
            let grants = [grant.parse().unwrap()];
            let setup = MessengerSetup {
                instance: "mine".to_owned(),
                granted: decide(&mine(), requests, &settings, Policy::Site(&grants)).unwrap(),
                settings,
                secrets: Vec::new(),
                limits: Limits::default(),
                redirect: Redirect::default(),
                network: network.clone(),
            };
            let mut messenger = component.start_messenger(setup).await.unwrap();
            reports.push(report(messenger.deliver(&batch(&["a"])).await.unwrap()));
        }
        reports.try_into().unwrap()
    }
}

const TRUSTED: [&str; 2] = ["received ok", "200 2 bytes, end: ok"];

#[tokio::test]
async fn an_unknown_issuer_comes_with_its_remedy() {
    let world = World::signed().await;
    let [connection, http] = world.reports(None, None).await;
    assert!(
        connection.contains("an authority that this machine does not know")
            && connection.contains(&format!(
                "set a `cafile` for `{}`: the term `?cafile=/path` of its grant in `grants` in [messenger_mine]",
                world.authority
            )),
        "{connection}"
    );
    // The words are in the log, the code is for the guest.
    assert!(http.contains("TlsCertificateError"), "{http}");
}

#[tokio::test]
async fn a_cafile_may_be_a_folder() {
    let world = World::signed().await;
    std::fs::create_dir(world.path("authorities")).unwrap();
    // `openssl rehash` names certificates by the hash of their subject.
    std::fs::copy(world.path("ca.pem"), world.path("authorities/9f2c3d41.0")).unwrap();
    assert_eq!(world.reports(Some("authorities"), None).await, TRUSTED);
}

#[tokio::test]
async fn a_cafile_may_be_the_servers_own_certificate() {
    let world = World::self_signed().await;
    assert_eq!(world.reports(Some("self.pem"), None).await, TRUSTED);
    let [connection, http] = world.reports(Some("ca.pem"), None).await;
    assert!(connection.contains("Tls"), "{connection}");
    assert!(http.contains("TlsCertificateError"), "{http}");
}

#[tokio::test]
async fn the_variables_of_requests_and_openssl_count() {
    let world = World::signed().await;
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        let named = Some((variable, "ca.pem"));
        assert_eq!(world.reports(None, named).await, TRUSTED, "{variable}");
    }
    // The grant goes before them.
    let named = Some(("REQUESTS_CA_BUNDLE", "self.pem"));
    assert_eq!(world.reports(Some("ca.pem"), named).await, TRUSTED);
}
