//! Requests of a guest that means harm: nothing goes where it was not granted,
//! nothing is left of it, and what was granted works.

use std::sync::{Arc, Mutex};

use super::*;
use caso_sandbox::Grant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What a server does with a connection once it has read a request.
#[derive(Clone)]
pub enum Does {
    Says(String),
    /// Sends this, and then pieces of a body for ever.
    NeverEnds(String),
    /// Sends this, and holds the connection without another word.
    FallsSilent(String),
}

pub fn ok(body: &str) -> Does {
    let length = body.len();
    Does::Says(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nSet-Cookie: a=b\r\n\r\n{body}"
    ))
}

/// A server on the loopback interface, and the requests it got, each whole.
pub struct Server {
    pub authority: String,
    port: u16,
    got: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(does: Does) -> Self {
        Self::with_tls(does, None).await
    }

    pub async fn with_tls(does: Does, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (does, taken, tls) = (does.clone(), Arc::clone(&taken), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, does, &taken).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, does, &taken).await,
                            Err(_) => Ok(()),
                        },
                    }
                });
            }
        });
        Self {
            authority: format!("localhost:{port}"),
            port,
            got,
        }
    }

    pub fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    does: Does,
    taken: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let whole = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head
            .lines()
            .filter_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse()
                    .ok()
            })
            .next()
            .unwrap_or(0);
        (body.len() >= length).then_some(text.clone())
    };
    let request = loop {
        match whole(&bytes) {
            Some(request) => break request,
            None if stream.read_buf(&mut bytes).await? == 0 => return Ok(()),
            None => {}
        }
    };
    taken.lock().unwrap().push(request);
    match does {
        Does::Says(text) => stream.write_all(text.as_bytes()).await?,
        Does::NeverEnds(text) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 64 << 10]).await?;
            }
        }
        Does::FallsSilent(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.flush().await?;
            std::future::pending::<()>().await;
        }
    }
    stream.shutdown().await
}

/// A guest, granted an origin, with what it will ask for.
#[derive(Clone)]
pub struct Asker {
    pub guest: fn(&'static Guests) -> &'static Component,
    pub settings: Vec<Setting>,
    pub grants: Vec<Grant>,
    pub limits: Limits,
    pub redirect: Redirect,
}

/// Granted this server over plain HTTP, and about to ask it for `/`.
fn granted(server: &Server) -> Asker {
    let origin = format!("http://{}", server.authority);
    Asker::new(|guests| &guests.browser, &origin, "")
        .set("scheme", "http")
        .set("authority", &server.authority)
        .set("path", "/")
        .set("mode", "ask")
}

impl Asker {
    /// One that is granted this origin with these terms, and told of it.
    pub fn new(
        guest: fn(&'static Guests) -> &'static Component,
        origin: &str,
        terms: &str,
    ) -> Self {
        Asker {
            guest,
            settings: vec![text("origin", origin)],
            grants: vec![format!("http:{origin}{terms}").parse().unwrap()],
            limits: Limits {
                transfer_timeout: 5 * SOON,
                ..Limits::default()
            },
            redirect: Redirect::default(),
        }
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|setting| setting.name != name);
        self.settings.push(text(name, value));
        self
    }

    async fn start(self) -> Result<GuestMessenger, GuestFailure> {
        let component = (self.guest)(guests().await);
        let requests = &component.description.capabilities;
        let policy = Policy::Site(&self.grants);
        let setup = MessengerSetup {
            instance: "mine".to_owned(),
            granted: decide(&mine(), requests, &self.settings, policy).unwrap(),
            settings: self.settings,
            secrets: Vec::new(),
            limits: self.limits,
            redirect: self.redirect,
            network: NetworkEnvironment::default(),
        };
        component.start_messenger(setup).await
    }

    pub async fn deliver(self) -> Result<CheckedAnswer, GuestFailure> {
        self.start().await?.deliver(&batch(&["a"])).await
    }

    pub async fn report(self) -> String {
        report(self.deliver().await.unwrap())
    }
}

#[tokio::test]
async fn a_granted_origin_is_asked() {
    let server = Server::start(ok("hello")).await;
    let browser = granted(&server)
        .set("path", "/a/b?c=d%20e")
        .set("method", "POST")
        .set("bytes", "10000")
        .set("header", "X-Mine: yes");
    assert_eq!(browser.report().await, "200 5 bytes, end: hello");
    let request = server.got().remove(0);
    let head = request.to_lowercase();
    assert!(
        head.starts_with("post /a/b?c=d%20e http/1.1\r\n"),
        "{request}"
    );
    assert!(
        head.contains(&format!("\r\nhost: {}\r\n", server.authority)),
        "{request}"
    );
    assert!(head.contains("\r\nx-mine: yes\r\n"), "{request}");
    assert!(head.contains("\r\ncontent-length: 10000\r\n"), "{request}");
    assert!(request.ends_with(&"x".repeat(10_000)));
}

/// Whatever else it asks for, no connection is even made.
#[tokio::test]
async fn nothing_but_the_granted_origin_is_asked() {
    let (server, other) = (
        Server::start(ok("ours")).await,
        Server::start(ok("theirs")).await,
    );
    let granted = granted(&server);
    let here = &server.authority;
    for (authority, scheme) in [
        // Another port, another scheme, another name of the same machine.
        (other.authority.clone(), "http"),
        (here.clone(), "https"),
        (format!("127.0.0.1:{}", server.port), "http"),
        (format!("[::1]:{}", other.port), "http"),
        (format!("localhost.:{}", other.port), "http"),
        // Names that contain the granted one.
        (format!("{here}.example"), "http"),
        (format!("localhost.example:{}", server.port), "http"),
        // Who is asked stands behind the `@`.
        (format!("{here}@{}", other.authority), "http"),
        (format!("user:pass@{here}"), "http"),
        // The port of the scheme, not of the grant.
        ("localhost".to_owned(), "http"),
        ("169.254.169.254".to_owned(), "http"),
        // No HTTP at all.
        (here.clone(), "file"),
        (here.clone(), "ws"),
    ] {
        let report = granted
            .clone()
            .set("authority", &authority)
            .set("scheme", scheme)
            .report()
            .await;
        let denied = [
            "HttpRequestDenied",
            "HttpRequestUriInvalid",
            "HttpProtocolError",
        ];
        let denied = denied.iter().any(|code| report.contains(code));
        assert!(
            denied || report == "failed: authority",
            "{scheme}://{authority}: {report}"
        );
    }
    assert_eq!(server.got(), Vec::<String>::new());
    assert_eq!(other.got(), Vec::<String>::new());
}

/// An address in the place of a path, a line's end in a header, the `Host` of
/// somebody else: what leaves is for the granted origin all the same.
#[tokio::test]
async fn a_request_cannot_be_made_into_another() {
    let (server, other) = (
        Server::start(ok("ours")).await,
        Server::start(ok("theirs")).await,
    );
    let granted = granted(&server);
    let elsewhere = format!("http://{}/", other.authority);
    for path in [
        elsewhere.as_str(),
        "//elsewhere/x",
        "/\\elsewhere",
        "/x HTTP/1.1\r\nHost: elsewhere\r\n\r\nGET /y",
        "@elsewhere/",
        ".elsewhere/",
    ] {
        let report = granted.clone().set("path", path).report().await;
        assert!(
            report.ends_with("ours") || report.contains("failed"),
            "{path:?}: {report}"
        );
    }
    for header in [
        "Host: elsewhere",
        "Connection: upgrade",
        "Transfer-Encoding: chunked",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Connection: keep-alive",
        "Upgrade: websocket",
        "Expect: 100-continue",
        "Trailer: x",
        "X: y\r\nHost: elsewhere",
        "X\r\nHost: elsewhere",
    ] {
        let report = granted.clone().set("header", header).report().await;
        assert!(report.contains("failed: header"), "{header:?}: {report}");
    }
    for method in ["CONNECT", "TRACE", "GET / HTTP/1.1\r\nX:"] {
        let report = granted.clone().set("method", method).report().await;
        assert!(report.contains("failed"), "{method:?}: {report}");
    }
    // A length that does not fit would leave the rest for the next request.
    for length in [
        "Content-Length: 3",
        "Content-Length: 30000",
        "Content-Length: +10",
    ] {
        let browser = granted.clone().set("method", "POST").set("bytes", "10");
        let report = browser.set("header", length).report().await;
        assert!(report.contains("failed"), "{length:?}: {report}");
    }
    assert_eq!(other.got(), Vec::<String>::new());
    for request in server.got() {
        let hosts = request.to_lowercase().matches("\r\nhost:").count();
        assert_eq!(hosts, 1, "{request}");
        assert!(
            !request.to_lowercase().contains("host: elsewhere"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let other = Server::start(ok("theirs")).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{}/", other.authority);
        let server = Server::start(Does::Says(format!(
            "HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\ngone"
        )))
        .await;
        let report = granted(&server).report().await;
        assert_eq!(report, format!("{status} 4 bytes, end: gone"));
    }
    assert_eq!(other.got(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_by_the_quota() {
    let head = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    let server = Server::start(Does::NeverEnds(head)).await;
    let mut browser = granted(&server);
    browser.limits.http_bytes = 3 << 20;
    let report = browser.report().await;
    assert!(report.contains("response body size exceeds"), "{report}");
    let count: usize = report.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(count <= 3 << 20 && count > 1 << 20, "{report}");
}

#[tokio::test]
async fn an_answer_of_endless_headers_is_none() {
    let head = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(100_000));
    let server = Server::start(Does::FallsSilent(head)).await;
    let report = granted(&server).report().await;
    assert!(
        report.contains("failed: ErrorCode::HttpProtocolError"),
        "{report}"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let server = Server::start(Does::FallsSilent(String::new())).await;
    let mut browser = granted(&server);
    browser.limits.transfer_timeout = SOON;
    browser.limits.connect_timeout = SOON;
    let report = browser.clone().report().await;
    assert!(report.contains("HttpResponseTimeout"), "{report}");

    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned();
    let server = Server::start(Does::FallsSilent(head)).await;
    let authority = server.authority.clone();
    browser.grants = granted(&server).grants;
    let browser = browser
        .set("origin", &format!("http://{authority}"))
        .set("authority", &authority);
    let report = browser.report().await;
    assert!(report.contains("connection read timeout"), "{report}");
}

#[tokio::test]
async fn nobody_there_and_a_name_of_nobody_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for (authority, code) in [
        (format!("127.0.0.1:{port}"), "ConnectionRefused"),
        ("nobody.invalid:1".to_owned(), "DnsError"),
    ] {
        let server = Server {
            authority,
            port,
            got: Arc::default(),
        };
        let report = granted(&server).report().await;
        assert!(report.contains(code), "{report}");
    }
}

#[tokio::test]
async fn requests_are_counted() {
    let server = Server::start(ok("")).await;
    let mut browser = granted(&server).set("mode", "flood");
    browser.limits.http_requests = 50;
    let report = browser.report().await;
    assert!(report.starts_with("50 answered, then "), "{report}");
    assert!(
        report.contains("more than 50 HTTP requests in one call"),
        "{report}"
    );
    assert_eq!(server.got().len(), 50);
}

#[tokio::test]
async fn requests_at_once_are_few() {
    let server = Server::start(Does::FallsSilent(String::new())).await;
    let mut browser = granted(&server).set("mode", "hoard");
    browser.limits.http_requests_at_once = 3;
    browser.limits.transfer_timeout = SOON;
    browser.limits.connect_timeout = SOON;
    let report = browser.report().await;
    assert!(
        report.contains("\"ErrorCode::ConnectionLimitReached\": 47"),
        "{report}"
    );
    assert!(
        report.contains("\"ErrorCode::HttpResponseTimeout\": 3"),
        "{report}"
    );
    assert!(server.got().len() <= 3);
}

#[tokio::test]
async fn what_a_guest_hoards_is_bounded() {
    let server = Server::start(ok("")).await;
    let failure = granted(&server)
        .set("mode", "hoard-for-ever")
        .deliver()
        .await
        .unwrap_err();
    assert!(
        matches!(failure.kind, FailureKind::Trap | FailureKind::Memory),
        "{failure}"
    );
    let failure = granted(&server)
        .set("mode", "many-headers")
        .deliver()
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Trap, "{failure}");
    assert!(server.got().len() <= 8, "{}", server.got().len());
}

#[tokio::test]
async fn a_request_leaves_whole_or_not_at_all() {
    let server = Server::start(ok("")).await;
    let browser = granted(&server).set("method", "POST");
    let report = browser.clone().set("mode", "give-up").report().await;
    assert!(
        report.contains("failed: ErrorCode::HttpProtocolError"),
        "{report}"
    );
    let mut large = browser.set("bytes", "100000");
    large.limits.http_request_bytes = 50_000;
    let report = large.report().await;
    assert!(report.contains("HttpRequestBodySize"), "{report}");
    assert_eq!(server.got(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_under_way_outlives_its_call() {
    let server = Server::start(Does::FallsSilent(String::new())).await;
    let mut messenger = granted(&server).start().await.unwrap();
    let mut call = async |mode: &str| {
        let mut batch = batch(&["a"]);
        batch.id = mode.to_owned();
        report(messenger.deliver(&batch).await.unwrap())
    };
    assert_eq!(call("leave").await, "left");
    assert_eq!(
        call("come-back").await,
        "failed: ErrorCode::ConnectionTerminated"
    );
}

/// TLS of a server with this certificate.
pub fn acceptor(own: &rcgen::CertifiedKey<rcgen::KeyPair>) -> tokio_rustls::TlsAcceptor {
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn tls_trusts_what_the_grant_says() {
    let dir = tempfile::tempdir().unwrap();
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (good, bad) = (dir.path().join("good.pem"), dir.path().join("bad.pem"));
    std::fs::write(&good, ours.cert.pem()).unwrap();
    std::fs::write(&bad, other.cert.pem()).unwrap();
    let tls = acceptor(&ours);
    let server = Server::with_tls(ok("hello"), Some(tls)).await;
    let origin = format!("https://{}", server.authority);
    for (terms, part) in [
        (String::new(), "TlsCertificateError"),
        (format!("?cafile={}", bad.display()), "TlsCertificateError"),
        ("?cafile=/no/such/file".to_owned(), "ConfigurationError"),
        (
            format!("?cafile={}", good.display()),
            "200 5 bytes, end: hello",
        ),
        ("?verify=false".to_owned(), "200 5 bytes, end: hello"),
    ] {
        let mut browser = granted(&server)
            .set("origin", &origin)
            .set("scheme", "https");
        browser.grants = vec![format!("http:{origin}{terms}").parse().unwrap()];
        let report = browser.clone().report().await;
        assert!(report.contains(part), "{terms}: {report}");
        // A grant of TLS is none of plain text.
        let report = browser.set("scheme", "http").report().await;
        assert!(report.contains("HttpRequestDenied"), "{terms}: {report}");
    }
    assert_eq!(server.got().len(), 2);
}

/// Where nothing may leave, what would is shown, without its secrets.
#[tokio::test]
async fn a_dry_run_asks_nobody() {
    let server = Server::start(ok("hello")).await;
    let shown: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let sink = Arc::clone(&shown);
    let mut browser = granted(&server)
        .set("key", "p\u{e4}ss word")
        .set("path", "/login?password=p%C3%A4ss+word")
        .set("header", "Authorization: Bearer very-secret")
        .set("method", "POST")
        .set("bytes", "3");
    browser.redirect.requests = Some(Arc::new(move |name, bytes| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        sink.lock().unwrap().push((name.to_owned(), text));
        Ok(())
    }));
    assert_eq!(browser.clone().report().await, "204 0 bytes, end: ");
    let expected = format!("POST http://{}/login?password=***\nxxx\n", server.authority);
    assert_eq!(*shown.lock().unwrap(), [("web".to_owned(), expected)]);
    assert_eq!(server.got(), Vec::<String>::new());
    // And a guest that tells it does not.
    assert_eq!(
        browser.set("mode", "tell").report().await,
        "/login?password=***"
    );
}

#[tokio::test]
async fn without_the_grant_there_is_no_http() {
    let setup = MessengerSetup {
        instance: "mine".to_owned(),
        settings: Vec::new(),
        secrets: Vec::new(),
        granted: Granted::nothing(mine()),
        limits: Limits::default(),
        redirect: Redirect::default(),
        network: NetworkEnvironment::default(),
    };
    let browser = &guests().await.browser;
    let failure = browser.start_messenger(setup).await.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Start);
    assert!(
        failure
            .detail
            .contains("add `http:https://host` to `grants` in [messenger_mine]"),
        "{failure}"
    );
}
