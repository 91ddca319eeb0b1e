//! With what requests are sent: one client for each set of terms.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Mutex;
use url::Url;

use super::super::address;
use super::super::grant::Endpoint;
use super::super::limits::Limits;
use super::super::policy::HttpTerms;
use super::super::tls::TlsRoots;

/// Which proxy an address is reached through, as the site has it for its other
/// requests; none unless told. A proxy resolves names itself: what a granted
/// name leads to is then the proxy's word.
#[derive(Clone, Default)]
pub struct ProxyRule(Option<Arc<Rule>>);

type Rule = dyn Fn(&Url) -> Option<Url> + Send + Sync;

impl ProxyRule {
    pub fn new(rule: impl Fn(&Url) -> Option<Url> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(rule)))
    }

    fn proxy_for(&self, url: &Url) -> Option<Url> {
        self.0.as_ref().and_then(|rule| rule(url))
    }
}

impl fmt::Debug for ProxyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProxyRule").field(&self.0.is_some()).finish()
    }
}

/// The clients of one messenger instance.
pub struct Clients {
    made: Mutex<BTreeMap<HttpTerms, Client>>,
    roots: Arc<TlsRoots>,
    proxies: ProxyRule,
    connect_timeout: Duration,
}

impl Clients {
    pub fn new(limits: &Limits, roots: Arc<TlsRoots>, proxies: ProxyRule) -> Self {
        Self {
            made: Mutex::default(),
            roots,
            proxies,
            connect_timeout: limits.connect_timeout,
        }
    }

    /// The client for these terms, or why there is none.
    pub async fn of(&self, terms: &HttpTerms, url: &Url) -> Result<Client, String> {
        let mut made = self.made.lock().await;
        if let Some(client) = made.get(terms) {
            return Ok(client.clone());
        }
        let trusted = self
            .roots
            .config(terms.cafile.as_deref(), terms.verify)
            .await;
        let tls = match trusted {
            // A system without certificates speaks plain HTTP all the same.
            Err(_) if !terms.origin.starts_with("https:") => TlsRoots::nobody()?,
            trusted => trusted?,
        };
        let proxies = self.proxies.clone();
        let client = Client::builder()
            .tls_backend_preconfigured(rustls::ClientConfig::clone(&tls))
            // Only ours: reqwest would read the environment itself.
            .no_proxy()
            .proxy(reqwest::Proxy::custom(move |url| proxies.proxy_for(url)))
            .dns_resolver(Resolver {
                origin: url.host_str().unwrap_or_default().to_owned(),
            })
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // The guest gets what was sent, and what it unpacks is its own memory.
            .no_gzip()
            // No connection outlives its request, and none is found closed.
            .pool_max_idle_per_host(0)
            .http1_only()
            .user_agent(concat!("caso/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .build()
            .map_err(|error| format!("HTTP cannot be set up: {error}"))?;
        made.insert(terms.clone(), client.clone());
        Ok(client)
    }
}

/// Looks names up, and holds the granted one to what it may lead to. A proxy's
/// name is the operator's.
struct Resolver {
    origin: String,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let granted = host.eq_ignore_ascii_case(&self.origin);
        Box::pin(async move {
            // The port is set by who asked.
            let found = if granted {
                let endpoint = Endpoint { host, port: 0 };
                address::resolve(&endpoint).await.map_err(Unresolved)?
            } else {
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect()
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A name that led nowhere, or where it must not.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unresolved(pub String);
