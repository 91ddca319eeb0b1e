//! The network. A thin skin over reqwest: it sets what must hold for every
//! request (trust, proxies, bounds in time and size, no redirects) and turns
//! reqwest's errors into the few kinds that somebody decides on.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::proxy::{BadProxy, Proxies};
use super::tls::{TlsError, TlsSettings, client_config};
use super::{Method, Request, Response, Timeouts, Transport, TransportError};

/// Everything a connection depends on. The environment is handed in, so that
/// two clouds, or two tests, can differ.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    pub tls: TlsSettings,
    /// Nothing older than TLS 1.3; otherwise 1.2 as well.
    pub only_tls13: bool,
    pub timeouts: Timeouts,
    /// Largest body we take, unpacked.
    pub max_body: u64,
    /// `std::env::vars()`: proxy and certificate variables are read.
    pub environment: BTreeMap<String, String>,
    /// Name and version, for the logs of those we ask.
    pub user_agent: String,
}

impl Default for TransportSettings {
    fn default() -> Self {
        TransportSettings {
            tls: TlsSettings::default(),
            only_tls13: false,
            timeouts: Timeouts::default(),
            max_body: 256 * 1024 * 1024,
            environment: BTreeMap::new(),
            user_agent: concat!("caso/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Settings with which no request can be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Proxy(#[from] BadProxy),
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
}

/// [`Transport`] over HTTP and HTTPS.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    timeouts: Timeouts,
    max_body: u64,
    /// A server asked for a certificate of ours, and we have none.
    certificate_wanted: Arc<AtomicBool>,
}

impl HttpTransport {
    pub fn new(settings: &TransportSettings) -> Result<Self, SetupError> {
        let certificate_wanted = Arc::new(AtomicBool::new(false));
        let tls = client_config(
            &settings.tls,
            settings.only_tls13,
            &settings.environment,
            &certificate_wanted,
        )?;
        let proxies = Proxies::from_environment(&settings.environment)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Only ours: reqwest's own reading of the environment differs.
            .no_proxy()
            .proxy(reqwest::Proxy::custom(move |url| {
                proxies.proxy_for(url).cloned()
            }))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.timeouts.connect)
            .read_timeout(settings.timeouts.read)
            .timeout(settings.timeouts.total)
            .build()?;
        Ok(HttpTransport {
            client,
            timeouts: settings.timeouts,
            max_body: settings.max_body,
            certificate_wanted,
        })
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let started = Instant::now();
        let mut builder = match request.method {
            Method::Get => self.client.get(request.url),
            Method::Post => self.client.post(request.url),
            Method::Patch => self.client.patch(request.url),
            Method::Put => self.client.put(request.url),
        };
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut answer = builder
            .send()
            .await
            .map_err(|error| self.explain(error, false, started))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        while let Some(piece) = answer
            .chunk()
            .await
            .map_err(|error| self.explain(error, true, started))?
        {
            if (body.len() + piece.len()) as u64 > self.max_body {
                return Err(TransportError::TooLarge {
                    limit: self.max_body,
                });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    fn explain(&self, error: reqwest::Error, in_body: bool, started: Instant) -> TransportError {
        // The address stands in the call already, with its secrets removed.
        let error = error.without_url();
        let detail = chain(&error);
        if self.certificate_wanted.load(Ordering::Relaxed) && refused_without(&error, &detail) {
            return TransportError::Tls {
                unknown_issuer: false,
                detail: format!(
                    "it asks for a client certificate, and there is none: set `certfile` and `keyfile` in `[keystone_auth]` ({detail})"
                ),
            };
        }
        if let Some(tls) = tls_error(&error) {
            return tls_failure(tls);
        }
        if error.is_timeout() {
            let bounds = &self.timeouts;
            let text = if started.elapsed() >= bounds.total {
                format!("not complete after {} s", bounds.total.as_secs_f64())
            } else if error.is_connect() {
                format!("no connection for {} s", bounds.connect.as_secs_f64())
            } else if in_body {
                format!("the answer stopped for {} s", bounds.read.as_secs_f64())
            } else {
                format!("no answer for {} s", bounds.read.as_secs_f64())
            };
            return TransportError::Timeout(text);
        }
        if error.is_connect() {
            TransportError::Connect(detail)
        } else if in_body {
            TransportError::Truncated(detail)
        } else if interrupted(&error) {
            // A kept connection that the other side had closed meanwhile.
            TransportError::Connect(format!("the connection was closed: {detail}"))
        } else {
            TransportError::Protocol(detail)
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.exchange(request).boxed()
    }
}

/// The error and its causes in one line, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// rustls' own error, wherever in the chain: it hides inside `io::Error`s,
/// which do not name it as their source.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        if let Some(inner) = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return Some(tls);
            }
            next = Some(inner);
            continue;
        }
        next = cause.source();
    }
    None
}

fn interrupted(error: &reqwest::Error) -> bool {
    let text = chain(error);
    ["closed", "reset", "broken pipe", "before message completed"]
        .iter()
        .any(|word| text.contains(word))
}

/// Without a certificate it hung up, or sent an alert.
fn refused_without(error: &reqwest::Error, detail: &str) -> bool {
    let alert = matches!(tls_error(error), Some(rustls::Error::AlertReceived(_)));
    alert || interrupted(error) || detail.contains("eof")
}

fn tls_failure(error: &rustls::Error) -> TransportError {
    use rustls::CertificateError as Bad;
    let (unknown_issuer, detail) = match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => (
            true,
            "its certificate is signed by an authority that this machine does not know".to_owned(),
        ),
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            (false, "its certificate has expired".to_owned())
        }
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => (
            false,
            format!(
                "its certificate is for another name; write one of its names in the address, or get a certificate for this one: {error}"
            ),
        ),
        rustls::Error::InvalidMessage(_) => (
            false,
            format!("what answers at that port speaks no TLS; is its address `http://`? ({error})"),
        ),
        other => (false, other.to_string()),
    };
    TransportError::Tls {
        unknown_issuer,
        detail,
    }
}
