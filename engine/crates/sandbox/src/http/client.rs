//! With what requests are sent: one client for each set of terms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Mutex;
use url::Url;

use super::super::limits::Limits;
use super::super::policy::HttpTerms;
use caso_base::error_chain;
use caso_net::address::Reach;
use caso_net::proxy::Proxies;
use caso_net::tls::{TlsCache, TlsClient};
use caso_net::{Endpoint, address, client_builder};

/// The clients of one messenger instance. Where the site has a proxy, the proxy
/// resolves names: what a granted name leads to is then the proxy's word.
pub struct Clients {
    made: Mutex<BTreeMap<HttpTerms, Client>>,
    tls: Arc<TlsCache>,
    proxies: Proxies,
    connect_timeout: Duration,
}

impl Clients {
    pub fn new(limits: &Limits, tls: Arc<TlsCache>, proxies: Proxies) -> Self {
        Self {
            made: Mutex::default(),
            tls,
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
        let tls = if terms.origin.starts_with("https:") {
            self.tls.config(&terms.tls_settings()).await
        } else {
            TlsClient::trusting_nobody().map(|tls| tls.config)
        };
        let tls = tls.map_err(|error| error_chain(&error))?;
        let client = client_builder(&tls, self.proxies.clone())
            .dns_resolver(Resolver {
                origin: url.host_str().unwrap_or_default().to_owned(),
                reach: terms.reach,
            })
            // The guest gets what was sent, and what it unpacks is its own memory.
            .no_gzip()
            // No connection outlives its request, and none is found closed.
            .pool_max_idle_per_host(0)
            .http1_only()
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
    reach: Reach,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let granted = host.eq_ignore_ascii_case(&self.origin);
        let reach = self.reach;
        Box::pin(async move {
            // The port is set by who asked.
            let found = if granted {
                let endpoint = Endpoint { host, port: 0 };
                address::resolve(&endpoint, reach).await?
            } else {
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect()
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
