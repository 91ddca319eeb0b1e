//! Configurations once made, for those who connect often and each time under
//! terms of their own: reading a system's certificates takes a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::sync::Mutex;

use super::{CertificateVariables, TlsClient, TlsError, TlsSettings};

/// Configurations by their settings.
#[derive(Debug, Default)]
pub struct TlsCache {
    variables: CertificateVariables,
    made: Mutex<BTreeMap<TlsSettings, Arc<ClientConfig>>>,
}

impl TlsCache {
    /// Empty. The variables count where the settings have no `cafile`.
    pub fn new(variables: CertificateVariables) -> Self {
        TlsCache {
            variables,
            made: Mutex::default(),
        }
    }

    /// The configuration for these settings; files are read the first time only,
    /// and not on this thread. What fails is tried again the next time.
    pub async fn config(&self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, TlsError> {
        let mut made = self.made.lock().await;
        if let Some(config) = made.get(settings) {
            return Ok(config.clone());
        }
        let (wanted, variables) = (settings.clone(), self.variables.clone());
        let making = tokio::task::spawn_blocking(move || TlsClient::new(&wanted, &variables));
        let config = making.await??.config;
        made.insert(settings.clone(), config.clone());
        Ok(config)
    }
}
