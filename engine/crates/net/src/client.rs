//! The HTTP client that everybody begins with.

use std::sync::Arc;

use reqwest::ClientBuilder;
use rustls::ClientConfig;

use crate::proxy::Proxies;

/// What we call ourselves, for the logs of those we ask.
pub const USER_AGENT: &str = concat!("caso/", env!("CARGO_PKG_VERSION"));

/// A client with our trust and our proxies, that follows no redirect, repeats
/// nothing and sends nobody an address it was at before. Bounds in time are for
/// the caller to add.
pub fn client_builder(tls: &Arc<ClientConfig>, proxies: Proxies) -> ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        // Only ours: reqwest's own reading of the environment differs.
        .no_proxy()
        .proxy(reqwest::Proxy::custom(move |url| {
            proxies.proxy_for(url).cloned()
        }))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(USER_AGENT)
}
