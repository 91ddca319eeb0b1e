//! The network side against servers on loopback: trust, proxies, bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{HttpTransport, SetupError, TransportSettings};
use crate::tls::Identity;
use crate::{Method, Request, Response, Timeouts, Transport, TransportError};

type Reply = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A server that answers each connection once, by a closure over the head of
/// the request; an empty answer is silence.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(
        tls: Option<TlsAcceptor>,
        reply: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let reply: Reply = Arc::new(reply);
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, reply, seen) = (tls.clone(), reply.clone(), seen.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, reply, seen).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, reply, seen).await;
                            }
                        }
                    }
                });
            }
        });
        Server { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    reply: Reply,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    seen.lock().unwrap().push(head.clone());
    let bytes = reply(&head);
    if bytes.is_empty() {
        std::future::pending::<()>().await;
    }
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

fn page(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn request(url: &str) -> Request {
    Request {
        method: Method::Get,
        url: Url::parse(url).unwrap(),
        headers: vec![("x-auth-token".into(), "the-token".into())],
        body: None,
        scope: "system".into(),
    }
}

fn settings() -> TransportSettings {
    TransportSettings {
        timeouts: Timeouts {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(20),
            total: Duration::from_secs(20),
        },
        ..TransportSettings::default()
    }
}

async fn get(settings: &TransportSettings, url: &str) -> Result<Response, TransportError> {
    HttpTransport::new(settings)
        .unwrap()
        .send(request(url))
        .await
}

/// A private authority, a server certificate it signed for `localhost`, and
/// a self-signed one.
struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(rcgen::DnType::CommonName, "Our authority");
        write("ca.pem", ca.self_signed(&ca_key).unwrap().pem());
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        write("leaf.pem", leaf.pem() + &key.serialize_pem());
        for (name, is_ca) in [
            ("self.pem", IsCa::ExplicitNoCa),
            ("self-ca.pem", IsCa::Ca(BasicConstraints::Unconstrained)),
        ] {
            let key = KeyPair::generate().unwrap();
            let mut own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            own.is_ca = is_ca;
            let own = own.self_signed(&key).unwrap();
            write(name, own.pem() + &key.serialize_pem());
        }
        Authority { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn acceptor(&self, name: &str, client_ca: Option<&str>) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = rustls::RootCertStore::empty();
                let ca = CertificateDer::from_pem_file(self.path(ca)).unwrap();
                roots.add(ca).unwrap();
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![CertificateDer::from_pem_file(self.path(name)).unwrap()];
        let key = PrivateKeyDer::from_pem_file(self.path(name)).unwrap();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }

    async fn server(&self, name: &str) -> Server {
        Server::start(Some(self.acceptor(name, None)), |_| page("{}")).await
    }

    fn cafile(&self, name: &str) -> TransportSettings {
        let mut settings = settings();
        settings.tls.cafile = Some(self.path(name));
        settings
    }
}

fn https(server: &Server) -> String {
    format!("https://localhost:{}/", server.address.port())
}

#[tokio::test]
async fn an_unknown_issuer_is_told_apart() {
    let authority = Authority::new();
    for name in ["leaf.pem", "self.pem", "self-ca.pem"] {
        let server = authority.server(name).await;
        let error = get(&settings(), &https(&server)).await.unwrap_err();
        let TransportError::Tls {
            unknown_issuer,
            detail,
            ..
        } = &error
        else {
            panic!("{name}: {error:?}");
        };
        assert!(unknown_issuer, "{name}: {detail}");
        assert!(server.heads().is_empty(), "sent something to {name}");
    }
}

#[tokio::test]
async fn cafile_and_the_variables_of_requests() {
    let authority = Authority::new();
    let server = authority.server("leaf.pem").await;
    get(&authority.cafile("ca.pem"), &https(&server))
        .await
        .unwrap();
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        let mut settings = settings();
        let path = authority.path("ca.pem").display().to_string();
        settings.environment = BTreeMap::from([(variable.to_owned(), path)]);
        get(&settings, &https(&server)).await.unwrap();
        // `cafile` goes before them.
        settings.tls.cafile = Some(authority.path("self.pem"));
        let error = get(&settings, &https(&server)).await.unwrap_err();
        let TransportError::Tls { detail, remedy, .. } = error else {
            panic!("{error:?}");
        };
        let place = format!("`{}` (`cafile`)", authority.path("self.pem").display());
        assert_eq!(detail, format!("nothing in {place} signed its certificate"));
        let remedy = remedy.unwrap();
        let server = https(&server);
        let server = server.trim_start_matches("https://").trim_end_matches('/');
        assert!(remedy.starts_with(&format!("add to {place} ")), "{remedy}");
        let show = format!("openssl s_client -connect {server} -showcerts");
        assert!(remedy.contains(&show), "{remedy}");
    }
}

#[tokio::test]
async fn cafile_may_be_the_servers_own_certificate() {
    let authority = Authority::new();
    for name in ["self.pem", "self-ca.pem", "leaf.pem"] {
        let server = authority.server(name).await;
        get(&authority.cafile(name), &https(&server)).await.unwrap();
        // For the name in it, and for no other.
        let other = https(&server).replace("localhost", "127.0.0.1");
        let error = get(&authority.cafile(name), &other).await.unwrap_err();
        let TransportError::Tls {
            unknown_issuer,
            detail,
            ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert!(
            !unknown_issuer && detail.contains("another name"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn only_the_newest_tls_where_that_is_asked_for() {
    let authority = Authority::new();
    let old = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_protocol_versions(&[&rustls::version::TLS12])
    .unwrap();
    let chain = vec![CertificateDer::from_pem_file(authority.path("leaf.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(authority.path("leaf.pem")).unwrap();
    let old = old
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let server = Server::start(Some(TlsAcceptor::from(Arc::new(old))), |_| page("{}")).await;
    let mut settings = authority.cafile("ca.pem");
    get(&settings, &https(&server)).await.unwrap();
    settings.tls.only_tls13 = true;
    let error = get(&settings, &https(&server)).await.unwrap_err();
    let TransportError::Tls { detail, remedy, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        detail,
        "it does not speak TLS 1.3, and `tls_min_version` takes nothing older"
    );
    let remedy = remedy.unwrap();
    assert!(
        remedy.starts_with("set `tls_min_version = 1.2`"),
        "{remedy}"
    );
}

/// By TLS 1.1 at most a server answers with an alert to what we offer.
#[tokio::test]
async fn a_server_with_old_tls_alone_is_said_to_have_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        // A fatal alert, `protocol_version`: RFC 5246, section 7.2.
        stream.write_all(&[0x15, 3, 2, 0, 2, 2, 70]).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let error = get(&settings(), &format!("https://{address}/"))
        .await
        .unwrap_err();
    let TransportError::Tls { detail, remedy, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(detail, "its TLS is too old: we accept 1.2 and 1.3");
    assert!(remedy.unwrap().contains("TLS 1.2 or 1.3"));
}

#[tokio::test]
async fn a_certificate_of_the_future_says_both_dates() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    own.not_before = rcgen::date_time_ymd(2098, 1, 2);
    own.not_after = rcgen::date_time_ymd(2099, 1, 2);
    let own = own.self_signed(&key).unwrap();
    std::fs::write(
        authority.path("future.pem"),
        own.pem() + &key.serialize_pem(),
    )
    .unwrap();
    let server = authority.server("future.pem").await;
    let error = get(&authority.cafile("future.pem"), &https(&server))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "its certificate is not valid before 2098-01-02T00:00:00Z, and by this machine's clock it is 2"
        ),
        "{text}"
    );
}

/// With a passphrase, in OpenSSL's two forms; damaged; in no text.
#[tokio::test]
async fn files_of_another_form_are_named_with_the_command_that_makes_them_ours() {
    let authority = Authority::new();
    let write = |name: &str, text: &[u8]| std::fs::write(authority.path(name), text).unwrap();
    for (name, text) in [
        (
            "pkcs8.pem",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
        (
            "former.pem",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n\
             -----END RSA PRIVATE KEY-----\n",
        ),
    ] {
        write(name, text.as_bytes());
        let mut settings = authority.cafile("ca.pem");
        settings.tls.identity = Some(Identity {
            certfile: authority.path("leaf.pem"),
            keyfile: authority.path(name),
        });
        let SetupError::Tls(error) = HttpTransport::new(&settings).unwrap_err() else {
            panic!("{name}");
        };
        assert!(error.to_string().contains("has a passphrase"), "{error}");
        let key = authority.path(name).display().to_string();
        assert_eq!(
            error.hint().unwrap(),
            format!(
                "(umask 077; openssl pkey -in {key} -out {key}.open), as the user that runs cASO; then set \
                 `keyfile = {key}.open`"
            )
        );
    }
    write("empty.pem", b" \n");
    write("der.crt", &[0x30, 0x82, 1, 2, 3]);
    write("cut.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n");
    for (name, text, hint) in [
        (
            "empty.pem",
            "usable certificate: it is empty",
            "set `cafile` to a PEM file",
        ),
        (
            "der.crt",
            "it is in DER form",
            "openssl x509 -inform der -in ",
        ),
        (
            "cut.pem",
            "a block of it has no end `-----END CERTIFICATE-----`",
            "set `cafile` to a PEM file",
        ),
        (
            "missing.pem",
            "cannot read certificates from",
            "set `cafile` to a PEM file",
        ),
    ] {
        let SetupError::Tls(error) = HttpTransport::new(&authority.cafile(name)).unwrap_err()
        else {
            panic!("{name}");
        };
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.hint().unwrap().starts_with(hint), "{error}");
    }
}

#[tokio::test]
async fn insecure_trusts_anybody() {
    let authority = Authority::new();
    let mut settings = settings();
    settings.tls.insecure = true;
    for name in ["leaf.pem", "self-ca.pem"] {
        let server = authority.server(name).await;
        let url = https(&server).replace("localhost", "127.0.0.1");
        get(&settings, &url).await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_of_our_own() {
    let authority = Authority::new();
    let acceptor = authority.acceptor("leaf.pem", Some("ca.pem"));
    let server = Server::start(Some(acceptor), |_| page("{}")).await;
    let error = get(&authority.cafile("ca.pem"), &https(&server))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TransportError::Tls { remedy: Some(remedy), .. } if remedy.starts_with("set `certfile`")),
        "{error:?}"
    );
    let mut settings = authority.cafile("ca.pem");
    let identity = |certfile: &str, keyfile: &str| {
        let (certfile, keyfile) = (authority.path(certfile), authority.path(keyfile));
        Some(Identity { certfile, keyfile })
    };
    settings.tls.identity = identity("leaf.pem", "leaf.pem");
    get(&settings, &https(&server)).await.unwrap();
    for (certfile, keyfile, parts) in [
        (
            "leaf.pem",
            "self.pem",
            ["do not belong together", "self.pem"],
        ),
        (
            "leaf.pem",
            "no-key.pem",
            ["cannot read the private key", "no-key.pem"],
        ),
        ("leaf.pem", "ca.pem", ["holds no private key", "ca.pem"]),
        (
            "no-certificate.pem",
            "self.pem",
            ["`certfile`", "no-certificate.pem"],
        ),
    ] {
        settings.tls.identity = identity(certfile, keyfile);
        let text = HttpTransport::new(&settings).unwrap_err().to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

/// `openssl rehash` names certificates by the hash of their subject.
#[tokio::test]
async fn cafile_may_be_a_folder_of_hashed_names() {
    let authority = Authority::new();
    let server = authority.server("leaf.pem").await;
    let folder = authority.path("authorities");
    std::fs::create_dir(&folder).unwrap();
    let settings = authority.cafile("authorities");
    let text = HttpTransport::new(&settings).unwrap_err().to_string();
    assert!(text.contains("the folder holds none"), "{text}");
    std::os::unix::fs::symlink("../ca.pem", folder.join("9f2c3d41.0")).unwrap();
    get(&settings, &https(&server)).await.unwrap();
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_and_a_name_that_is_not_theirs() {
    let authority = Authority::new();
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", plain.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = get(&authority.cafile("ca.pem"), &url).await.unwrap_err();
    assert!(
        error.to_string().contains("does not speak TLS"),
        "{error:?}"
    );
    let server = authority.server("leaf.pem").await;
    let other = format!("https://127.0.0.1:{}/", server.address.port());
    let error = get(&authority.cafile("ca.pem"), &other).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("another name") && text.contains("localhost"),
        "{text}"
    );
}

#[tokio::test]
async fn files_that_cannot_serve_are_named() {
    let authority = Authority::new();
    std::fs::write(authority.path("empty.pem"), "no certificate\n").unwrap();
    for name in ["missing.pem", "empty.pem"] {
        let error = HttpTransport::new(&authority.cafile(name)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("`cafile`"), "{text}");
    }
}

fn through(variable: &str, proxy: &Server, credentials: &str) -> TransportSettings {
    let mut settings = settings();
    let address = format!("http://{credentials}{}", proxy.address);
    settings.environment = BTreeMap::from([(variable.to_owned(), address)]);
    settings
}

#[tokio::test]
async fn plain_requests_through_a_proxy() {
    let proxy = Server::start(None, |_| page("\"proxied\"")).await;
    let settings = through("http_proxy", &proxy, "user:pass%40word@");
    let answer = get(&settings, "http://cloud.invalid:5000/v3?a=b")
        .await
        .unwrap();
    assert_eq!(answer.body, b"\"proxied\"");
    let head = proxy.heads().remove(0).to_lowercase();
    assert!(
        head.starts_with("get http://cloud.invalid:5000/v3?a=b "),
        "{head}"
    );
    // user:pass@word
    assert!(
        head.contains("proxy-authorization: basic dxnlcjpwyxnzqhdvcmq="),
        "{head}"
    );
}

#[tokio::test]
async fn encrypted_requests_ask_the_proxy_for_a_tunnel() {
    for (status, login, told) in [
        (
            403,
            false,
            "refuses to make a connection to it, or cannot make one",
        ),
        (
            503,
            false,
            "refuses to make a connection to it, or cannot make one",
        ),
        (407, true, "wants a user and a password (status 407)"),
    ] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        let proxy = Server::start(None, move |_| answer.clone().into_bytes()).await;
        let settings = through("HTTPS_PROXY", &proxy, "");
        let error = get(&settings, "https://cloud.invalid:5000/v3")
            .await
            .unwrap_err();
        let proxied = TransportError::Proxy {
            wants_login: login,
            detail: format!(
                "the proxy `http://{}` (`HTTPS_PROXY` in the environment) {told}",
                proxy.address
            ),
        };
        assert_eq!(error, proxied);
        let head = proxy.heads().remove(0);
        assert!(head.starts_with("CONNECT cloud.invalid:5000 "), "{head}");
        assert!(!head.contains("the-token"), "{head}");
    }
}

/// What else a proxy answers, a server may have said.
#[tokio::test]
async fn a_login_is_wanted_by_the_proxy_and_never_by_the_server() {
    let refusal = |_: &str| b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n".to_vec();
    let server = Server::start(None, refusal).await;
    let error = get(&through("http_proxy", &server, ""), "http://cloud.invalid/")
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            TransportError::Proxy {
                wants_login: true,
                ..
            }
        ),
        "{error:?}"
    );
    let url = format!("http://{}/", server.address);
    assert_eq!(get(&settings(), &url).await.unwrap().status, 407);
}

/// A proxy that opens one tunnel, to `target` whatever was asked for.
async fn tunnel(target: SocketAddr) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<String>> = Arc::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        *seen.lock().unwrap() = String::from_utf8(head).unwrap().to_lowercase();
        stream
            .write_all(b"HTTP/1.1 200 Go on\r\n\r\n")
            .await
            .unwrap();
        let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
    });
    (address, asked)
}

#[tokio::test]
async fn through_a_tunnel_it_is_still_the_server_that_is_trusted() {
    let authority = Authority::new();
    let server = authority.server("leaf.pem").await;
    for trusted in [true, false] {
        let (proxy, asked) = tunnel(server.address).await;
        let mut settings = if trusted {
            authority.cafile("ca.pem")
        } else {
            settings()
        };
        let proxy = format!("http://user:pass@{proxy}");
        settings.environment = BTreeMap::from([("https_proxy".to_owned(), proxy)]);
        let answer = get(&settings, &https(&server)).await;
        assert_eq!(answer.is_ok(), trusted, "{answer:?}");
        let head = asked.lock().unwrap().clone();
        assert!(head.starts_with("connect localhost:"), "{head}");
        assert!(
            head.contains("proxy-authorization: basic dxnlcjpwyxnz"),
            "{head}"
        );
        assert!(!head.contains("the-token"), "{head}");
    }
    // The token went through the tunnel, to the one that was trusted.
    assert_eq!(server.heads().len(), 1);
    assert!(server.heads()[0].contains("the-token"));
}

#[tokio::test]
async fn no_proxy_goes_straight() {
    let server = Server::start(None, |_| page("\"direct\"")).await;
    let proxy = Server::start(None, |_| page("\"proxied\"")).await;
    let mut settings = through("all_proxy", &proxy, "");
    settings
        .environment
        .insert("NO_PROXY".into(), "127.0.0.0/8".into());
    let url = format!("http://{}/", server.address);
    assert_eq!(get(&settings, &url).await.unwrap().body, b"\"direct\"");
    assert!(proxy.heads().is_empty());
}

#[tokio::test]
async fn the_answer_as_it_is() {
    let server = Server::start(None, |_| {
        b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nX-Openstack-Request-Id: req-1\r\nContent-Length: 4\r\n\r\nbusy".to_vec()
    })
    .await;
    let answer = get(&settings(), &format!("http://{}/v3", server.address))
        .await
        .unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("x-openstack-request-id"), Some("req-1"));
    assert_eq!(answer.body, b"busy");
    let head = server.heads().remove(0).to_lowercase();
    assert!(head.contains("x-auth-token: the-token"), "{head}");
    assert!(head.contains("user-agent: caso/"), "{head}");
}

#[tokio::test]
async fn redirects_are_given_back() {
    let server = Server::start(None, |_| {
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()
    })
    .await;
    let answer = get(&settings(), &format!("http://{}/", server.address))
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn packed_answers_are_unpacked_within_the_bound() {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b' '; 1_000_000]).unwrap();
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 10_000);
    let server = Server::start(None, move |head| {
        assert!(
            head.to_lowercase().contains("accept-encoding: gzip"),
            "{head}"
        );
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        )
        .into_bytes();
        bytes.extend(&packed);
        bytes
    })
    .await;
    let url = format!("http://{}/", server.address);
    let mut settings = settings();
    settings.max_body = 1_000_000;
    assert_eq!(get(&settings, &url).await.unwrap().body.len(), 1_000_000);
    settings.max_body = 999_999;
    let error = get(&settings, &url).await.unwrap_err();
    assert_eq!(error, TransportError::TooLarge { limit: 999_999 });
}

#[tokio::test]
async fn a_body_cut_short() {
    for head in ["Content-Length: 50\r\n", "Transfer-Encoding: chunked\r\n"] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\nabc").into_bytes();
        let server = Server::start(None, move |_| bytes.clone()).await;
        let error = get(&settings(), &format!("http://{}/", server.address))
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::Truncated(_)), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_there_and_hung_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = get(&settings(), &url).await.unwrap_err();
    assert!(
        matches!(&error, TransportError::Connect(text) if text.contains("refused")),
        "{error:?}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let error = get(&settings(), &url).await.unwrap_err();
    assert!(matches!(error, TransportError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn silence_ends() {
    let mut settings = settings();
    settings.timeouts.read = Duration::from_millis(50);
    let silent = Server::start(None, |_| Vec::new()).await;
    let error = get(&settings, &format!("http://{}/", silent.address))
        .await
        .unwrap_err();
    assert!(matches!(error, TransportError::Timeout(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("no answer for 0.05 s"), "{text}");
    settings.timeouts.total = Duration::from_millis(30);
    let error = get(&settings, &format!("http://{}/", silent.address))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("not complete after 0.03 s"),
        "{error}"
    );
}
