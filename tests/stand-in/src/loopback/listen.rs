//! The listener: plain or TLS, with a handle by which an answer can be
//! replaced by the end of the connection, which no HTTP library offers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// A certificate of one's own authority, for `cafile`, `insecure` and the
/// message about an unknown issuer.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate in PEM, as a `cafile` has it.
    pub pem: String,
    /// Its key in PEM, as a `keyfile` has it.
    pub key_pem: String,
    key: Vec<u8>,
    der: Vec<u8>,
}

/// What a server on the loopback interface is called.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "localhost"];

impl Certificate {
    /// Signed by itself, for `127.0.0.1` and `localhost`.
    pub fn for_loopback() -> Self {
        Self::signed(&LOOPBACK, |_| {})
    }

    /// The same, which ends with the beginning of this day.
    pub fn that_ends_on(year: i32, month: u8, day: u8) -> Self {
        Self::signed(&LOOPBACK, |params| {
            params.not_after = rcgen::date_time_ymd(year, month, day);
        })
    }

    /// Signed by itself, of a host of a site, as GOCDB has its subject:
    /// `/O=Site/CN=NAME`.
    pub fn for_host(name: &str) -> Self {
        Self::signed(&[name], |params| {
            let mut subject = rcgen::DistinguishedName::new();
            subject.push(rcgen::DnType::OrganizationName, "Site");
            subject.push(rcgen::DnType::CommonName, name);
            params.distinguished_name = subject;
        })
    }

    fn signed(names: &[&str], change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).expect("names of hosts");
        change(&mut params);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&key).expect("a certificate");
        Certificate {
            pem: made.pem(),
            key_pem: key.serialize_pem(),
            key: key.serialize_der(),
            der: made.der().to_vec(),
        }
    }

    /// An authority whose certificates a server knows; it has no key here.
    pub fn anchor(pem: &[u8]) -> Self {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        let certificate = CertificateDer::from_pem_slice(pem).expect("a certificate in PEM");
        Certificate {
            pem: String::from_utf8_lossy(pem).into_owned(),
            key_pem: String::new(),
            key: Vec::new(),
            der: certificate.to_vec(),
        }
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.server(None)))
    }

    /// A server with this certificate, which asks its clients for that one.
    pub fn server(&self, client: Option<&Certificate>) -> rustls::ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(self.key.clone());
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the provider has them");
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = rustls::RootCertStore::empty();
                roots
                    .add(client.der.clone().into())
                    .expect("a certificate is an anchor");
                let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                    Arc::new(roots),
                    provider,
                );
                builder.with_client_cert_verifier(verifier.build().expect("there is an anchor"))
            }
        };
        builder
            .with_single_cert(vec![self.der.clone().into()], key.into())
            .expect("a certificate with its own key")
    }
}

/// Hands out connections that can be cut.
pub struct Door {
    pub listener: TcpListener,
    pub tls: Option<TlsAcceptor>,
}

impl Listener for Door {
    type Io = Line;
    type Addr = Cut;

    async fn accept(&mut self) -> (Line, Cut) {
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                continue;
            };
            let stream: Box<dyn Stream> = match &self.tls {
                None => Box::new(stream),
                // A client that does not trust us ends the handshake; that
                // is its business, and the next one is waiting.
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => Box::new(stream),
                    Err(_) => continue,
                },
            };
            let cut = Cut::default();
            return (
                Line {
                    stream,
                    cut: cut.clone(),
                },
                cut,
            );
        }
    }

    fn local_addr(&self) -> io::Result<Cut> {
        Ok(Cut::default())
    }
}

/// The handle of one connection.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// The next byte of an answer ends the connection instead.
    pub fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, Door>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl Stream for TcpStream {}
impl Stream for tokio_rustls::server::TlsStream<TcpStream> {}

/// A connection that looks at its handle before it writes.
pub struct Line {
    stream: Box<dyn Stream>,
    cut: Cut,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.cut.0.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What a stand-in serves on.
pub fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Serves behind a port of the system's choice, for as long as the runtime is there.
pub fn serve(runtime: &Runtime, router: Router, tls: Option<TlsAcceptor>) -> u16 {
    let (listener, address) = runtime
        .block_on(bind(0))
        .expect("a free port on the loopback interface");
    let door = Door { listener, tls };
    runtime.spawn(async move {
        axum::serve(door, router.into_make_service_with_connect_info::<Cut>()).await
    });
    address.port()
}

/// A loopback port of the system's choice, or the given one.
pub async fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
