//! From `[prometheus]` to the source of the power of servers.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use caso_base::Clock;
use caso_config::{BasicLogin, KeystoneAuth, LoginSecret, PrometheusConfig};
use caso_extract::PowerSource;
use caso_net::Timeouts;
use caso_net::Transport;
use caso_net::http::{HttpTransport, TransportSettings};
use caso_net::tls::TlsSettings;
use caso_openstack::RetryPolicy;
use caso_openstack::prometheus::{Prometheus, PrometheusSettings, Selector};

/// The way to Prometheus: its own certificates; timeouts, proxies and
/// repetitions are those of OpenStack's requests.
///
/// # Errors
/// A certificate cannot be read.
pub fn transport(
    config: &PrometheusConfig,
    auth: &KeystoneAuth,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<Arc<dyn Transport>> {
    let settings = TransportSettings {
        tls: TlsSettings {
            cafile: config.cafile.clone(),
            insecure: config.insecure,
            ..TlsSettings::default()
        },
        timeouts: Timeouts::from_option(auth.timeout),
        environment: environment.clone(),
        ..TransportSettings::default()
    };
    let transport = HttpTransport::new(&settings)
        .context("cannot set up access to Prometheus, by `[prometheus]`")?;
    Ok(Arc::new(transport))
}

/// User and password, the latter read now where it is in a file.
///
/// # Errors
/// The file cannot be read.
pub fn login(config: &PrometheusConfig) -> anyhow::Result<Option<(String, String)>> {
    let Some(BasicLogin { user, password }) = &config.login else {
        return Ok(None);
    };
    let password = match password {
        LoginSecret::Text(secret) => secret.expose().to_owned(),
        LoginSecret::File(path) => fs::read_to_string(path)
            .with_context(|| {
                format!(
                    "cannot read the password in `{}` (from `prometheus_password_file` in `[prometheus]`)",
                    path.display()
                )
            })?
            // Editors end a file with a line break, which is not part of it.
            .trim_end_matches(['\n', '\r'])
            .to_owned(),
    };
    Ok(Some((user.clone(), password)))
}

/// The source, with the login that [`login`] gave.
pub fn source(
    config: &PrometheusConfig,
    login: Option<(String, String)>,
    retry: RetryPolicy,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> PowerSource {
    let settings = PrometheusSettings {
        endpoint: config.endpoint.clone(),
        login,
        retry,
    };
    PowerSource {
        client: Prometheus::new(settings, transport, clock),
        selector: Selector {
            metric: config.metric.clone(),
            uuid_label: config.uuid_label.clone(),
            labels: config.labels.clone(),
        },
        step: i64::from(config.step.max(1)),
        sum_labels: config.sum_labels.clone(),
    }
}

/// The part of `[prometheus]` that decides on the queries: a recording has it,
/// without the login.
#[derive(Debug, Serialize, Deserialize)]
pub struct PowerArguments {
    endpoint: String,
    metric: String,
    uuid_label: String,
    labels: Vec<(String, String)>,
    sum_labels: Vec<String>,
    step: u32,
    /// A recording of a version without it read up to its end.
    #[serde(default)]
    delay: u32,
}

impl PowerArguments {
    /// What a recording keeps of it.
    pub fn of(config: &PrometheusConfig) -> Self {
        PowerArguments {
            endpoint: config.endpoint.to_string(),
            metric: config.metric.clone(),
            uuid_label: config.uuid_label.clone(),
            labels: config.labels.clone(),
            sum_labels: config.sum_labels.clone(),
            step: config.step,
            delay: config.delay,
        }
    }

    /// What a replay makes of it.
    ///
    /// # Errors
    /// The recorded address is not a URL.
    pub fn config(self) -> anyhow::Result<PrometheusConfig> {
        let endpoint = url::Url::parse(&self.endpoint);
        let endpoint = endpoint.with_context(|| {
            format!(
                "its address of Prometheus, `{}`, is not a URL",
                self.endpoint
            )
        })?;
        Ok(PrometheusConfig {
            endpoint,
            login: None,
            metric: self.metric,
            uuid_label: self.uuid_label,
            labels: self.labels,
            sum_labels: self.sum_labels,
            step: self.step,
            delay: self.delay,
            cafile: None,
            insecure: false,
        })
    }
}
