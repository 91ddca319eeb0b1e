//! The network. A thin skin over reqwest: it bounds every request in time and
//! size, and turns its failures into the few kinds that somebody decides on.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use url::Url;

use crate::client::client_builder;
use crate::environment::NetworkEnvironment;
use crate::failure::{Cause, Failure, OTHERS_SIGNATURE};
use crate::proxy::{BadProxy, Proxies, Through};
use crate::tls::{TlsClient, TlsError, TlsSettings};
use crate::{Method, Request, Response, Timeouts, Transport, TransportError};

/// So [`TransportError::Connect`] begins where a connection ended that stood, without an answer.
pub const CLOSED: &str = "the connection was closed";

/// Everything a connection depends on. The environment is handed in, so that
/// two clouds, or two tests, can differ.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// Whom we trust, and who we are.
    pub tls: TlsSettings,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// Largest body we take, in bytes, unpacked.
    pub max_body: u64,
    /// Of the process: proxy and certificate variables are read.
    pub environment: BTreeMap<String, String>,
}

impl Default for TransportSettings {
    fn default() -> Self {
        TransportSettings {
            tls: TlsSettings::default(),
            timeouts: Timeouts::default(),
            max_body: 256 * 1024 * 1024,
            environment: BTreeMap::new(),
        }
    }
}

/// So long a page, in bytes, is taken at its word.
const LONG_PAGE: u64 = 8 << 20;

/// Settings with which no request can be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The files that TLS needs.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The proxy that the environment names.
    #[error(transparent)]
    Proxy(#[from] BadProxy),
    /// Anything else.
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
}

/// [`Transport`] over HTTP and HTTPS.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    proxies: Proxies,
    tls: TlsClient,
    timeouts: Timeouts,
    max_body: u64,
    bundle: Option<Bundle>,
    only_tls13: bool,
}

/// What replaces the system's certificates.
#[derive(Debug, Clone)]
struct Bundle {
    /// For people.
    place: String,
    /// Whether the configuration names it, and not a variable, which it could overrule.
    is_cafile: bool,
}

impl Bundle {
    /// `why` is what the subject's sentence does not say; `server` is its host and port.
    fn has_not_signed(&self, why: &str, server: Option<&str>) -> TransportError {
        let place = &self.place;
        let why = match why {
            "" => String::new(),
            why => format!(" ({why})"),
        };
        let show = server.map_or_else(String::new, |server| {
            format!(": openssl s_client -connect {server} -showcerts shows what is sent")
        });
        TransportError::Tls {
            unknown_issuer: !self.is_cafile,
            detail: format!("nothing in {place} signed its certificate{why}"),
            remedy: self.is_cafile.then(|| {
                format!(
                    "add to {place} the certificate of the authority that signed it, or have the intermediate ones sent \
                     with it{show}"
                )
            }),
        }
    }
}

impl HttpTransport {
    /// Reads the certificates that the settings name, and blocks for it.
    pub fn new(settings: &TransportSettings) -> Result<Self, SetupError> {
        let environment = NetworkEnvironment::read(&settings.environment)?;
        let tls = TlsClient::new(&settings.tls, &environment.certificates)?;
        let bundle = environment
            .certificates
            .bundle(settings.tls.cafile.as_deref());
        let bundle = bundle.map(|(path, option)| Bundle {
            place: format!("`{}` (`{option}`)", path.display()),
            is_cafile: settings.tls.cafile.is_some(),
        });
        let client = client_builder(&tls.config, environment.proxies.clone())
            .gzip(true)
            .connect_timeout(settings.timeouts.connect)
            .read_timeout(settings.timeouts.read)
            .timeout(settings.timeouts.total)
            .build()?;
        Ok(HttpTransport {
            client,
            proxies: environment.proxies,
            tls,
            timeouts: settings.timeouts,
            max_body: settings.max_body,
            bundle,
            only_tls13: settings.tls.only_tls13,
        })
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let started = Instant::now();
        let through = self.proxies.through(&request.url);
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
        // Grown by doubling, a page would be copied and leave holes behind it. What is only announced costs nothing.
        let announced = answer.content_length().unwrap_or_default();
        let mut body =
            Vec::with_capacity(usize::try_from(announced.min(LONG_PAGE)).unwrap_or_default());
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
        // No server behind it says so.
        if let (407, Some(through)) = (status, &through) {
            return Err(wants_login(through));
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    fn explain(&self, error: reqwest::Error, in_body: bool, started: Instant) -> TransportError {
        let server = error.url().and_then(|url| {
            let (host, port) = (url.host_str()?, url.port_or_known_default()?);
            Some(format!("{host}:{port}"))
        });
        // It may be the proxy that fails, which nobody sees in the address.
        let through = error.url().and_then(|url| self.proxies.through(url));
        let Failure {
            cause,
            mut detail,
            mut remedy,
        } = Failure::of_request(error);
        if cause == Cause::TlsVersion && self.only_tls13 {
            "it does not speak TLS 1.3, and `tls_min_version` takes nothing older"
                .clone_into(&mut detail);
            remedy = Some(
                "set `tls_min_version = 1.2` in `[keystone_auth]`, or have TLS 1.3 switched on there"
                    .to_owned(),
            );
        }
        let others_signature = detail == OTHERS_SIGNATURE;
        if let Some(through) = &through {
            if cause == Cause::Unopened {
                return no_way(through, &detail);
            }
            detail = format!("{detail}; {}", through.asked());
        }
        // Without a certificate it hung up, or sent an alert.
        let refused = cause == Cause::Alert || cause.is_closed();
        if refused && self.tls.is_certificate_wanted() {
            return TransportError::Tls {
                unknown_issuer: false,
                detail: "it asks for a client certificate, and there is none".to_owned(),
                remedy: Some("set `certfile` and `keyfile` in `[keystone_auth]`".to_owned()),
            };
        }
        // One of the authority's name with another key is not the one either.
        let unsigned = cause == Cause::UnknownIssuer || others_signature;
        if let Some(bundle) = self.bundle.as_ref().filter(|_| unsigned) {
            let why = others_signature.then(|| OTHERS_SIGNATURE.to_owned());
            let asked = through.as_ref().map(Through::asked);
            let why: Vec<String> = why.into_iter().chain(asked).collect();
            return bundle.has_not_signed(&why.join("; "), server.as_deref());
        }
        match cause {
            Cause::UnknownIssuer
            | Cause::Certificate
            | Cause::TlsVersion
            | Cause::Alert
            | Cause::Tls => TransportError::Tls {
                unknown_issuer: cause == Cause::UnknownIssuer,
                detail,
                remedy,
            },
            Cause::ConnectTimeout | Cause::Silence => {
                let late = self.too_late(cause, in_body, started);
                TransportError::Timeout(match through {
                    Some(through) => format!("{late}; {}", through.asked()),
                    None => late,
                })
            }
            Cause::Unresolved
            | Cause::Refused
            | Cause::Unreachable
            | Cause::Unopened
            | Cause::HungUp => TransportError::Connect(detail),
            _ if in_body => TransportError::Truncated(detail),
            Cause::Cut => TransportError::Connect(format!("{CLOSED}: {detail}")),
            Cause::Protocol => TransportError::Protocol(detail),
        }
    }

    /// Which of the bounds it was.
    fn too_late(&self, cause: Cause, in_body: bool, started: Instant) -> String {
        let bounds = &self.timeouts;
        if started.elapsed() >= bounds.total {
            format!("not complete after {} s", bounds.total.as_secs_f64())
        } else if cause == Cause::ConnectTimeout {
            format!("no connection for {} s", bounds.connect.as_secs_f64())
        } else if in_body {
            format!("the answer stopped for {} s", bounds.read.as_secs_f64())
        } else {
            format!("no answer for {} s", bounds.read.as_secs_f64())
        }
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.exchange(request).boxed()
    }

    fn certificate_ends(&self) -> BTreeMap<String, i64> {
        self.tls.certificate_ends()
    }

    fn through(&self, url: &Url) -> Option<Through> {
        self.proxies.through(url)
    }
}

fn wants_login(through: &Through) -> TransportError {
    TransportError::Proxy {
        wants_login: true,
        detail: format!("{through} wants a user and a password (status 407)"),
    }
}

/// The proxy was asked for a way to the server (`CONNECT`), and opened none. Whether it wants a login its library
/// says in words alone: where they change, the message is less exact.
fn no_way(through: &Through, detail: &str) -> TransportError {
    match detail.contains("authorization required") {
        true => wants_login(through),
        false => TransportError::Proxy {
            wants_login: false,
            detail: format!("{through} refuses to make a connection to it, or cannot make one"),
        },
    }
}

#[cfg(test)]
mod tests;
