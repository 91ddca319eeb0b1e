//! What the environment of the process says of connections: which proxies, and
//! which certificates. Read once from the map that is handed in, for OpenStack
//! and for guests alike.

use std::collections::BTreeMap;

use crate::proxy::{BadProxy, Proxies};
use crate::tls::CertificateVariables;

/// Proxies and certificates, as variables name them; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkEnvironment {
    /// `http_proxy` and its like.
    pub proxies: Proxies,
    /// `REQUESTS_CA_BUNDLE` and its like.
    pub certificates: CertificateVariables,
}

impl NetworkEnvironment {
    /// Reads both; fails where a proxy is named that cannot be used.
    pub fn read(environment: &BTreeMap<String, String>) -> Result<Self, BadProxy> {
        Ok(NetworkEnvironment {
            proxies: Proxies::from_environment(environment)?,
            ..Self::without_proxies(environment)
        })
    }

    /// The certificates alone, for those who connect directly.
    pub fn without_proxies(environment: &BTreeMap<String, String>) -> Self {
        NetworkEnvironment {
            proxies: Proxies::default(),
            certificates: CertificateVariables::read(environment),
        }
    }
}
