//! From the configuration of a cloud to a session with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use caso_config::{CloudConfig, KeystoneAuth};
use caso_extract::ProjectOptions;
use caso_net::Timeouts;
use caso_net::Transport;
use caso_net::http::{HttpTransport, TransportSettings};
use caso_net::tls::{Identity, TlsSettings};
use caso_openstack::{RetryPolicy, SessionSettings};

/// The way to the cloud, as its configuration has it.
///
/// # Errors
/// A certificate or key cannot be read.
pub fn transport(
    auth: &KeystoneAuth,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<Arc<dyn Transport>> {
    let identity = Identity::of(auth.tls.certfile.clone(), auth.tls.keyfile.clone())
        .context("cannot set up access to OpenStack")?;
    let settings = TransportSettings {
        tls: TlsSettings {
            cafile: auth.tls.cafile.clone(),
            identity,
            insecure: auth.tls.insecure,
            only_tls13: auth.tls.only_tls13,
        },
        timeouts: Timeouts::from_option(auth.timeout),
        environment: environment.clone(),
        ..TransportSettings::default()
    };
    let transport = HttpTransport::new(&settings).context("cannot set up access to OpenStack")?;
    Ok(Arc::new(transport))
}

/// How the session logs in, which endpoints it takes and how often it tries.
/// `at_a_time` is the most requests that a service gets at a time.
pub fn session_settings(
    cloud: &CloudConfig,
    auth: &KeystoneAuth,
    at_a_time: usize,
) -> SessionSettings {
    let name = |interface: &caso_config::Interface| interface.as_str().to_owned();
    SessionSettings {
        interfaces: cloud.interfaces.iter().map(name).collect(),
        region: cloud.region_names.first().cloned(),
        retry: RetryPolicy {
            retries: auth.status_code_retries,
            connect_retries: auth.connect_retries,
            ..RetryPolicy::default()
        },
        at_a_time,
        ..SessionSettings::new(auth.login.clone())
    }
}

/// Which projects, and how their VO is found.
pub fn project_options(cloud: &CloudConfig) -> ProjectOptions {
    ProjectOptions {
        configured: cloud.projects.clone(),
        tag: cloud.caso_tag.clone().unwrap_or_default(),
        vo_property: cloud.vo_property.clone(),
        mapping_file: cloud.mapping_file.clone(),
        domain: cloud
            .keystone_auth
            .as_ref()
            .and_then(|auth| auth.login.project_domain.clone()),
    }
}
