//! From the configuration of a cloud to a session with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{
    ApplicationCredentialRef, AuthMethod, CloudConfig, DomainRef, KeystoneAuth, UserRef,
};
use crate::extract::ProjectOptions;
use crate::openstack::identity::credentials as wire;
use crate::openstack::wire::Timeouts;
use crate::openstack::wire::tls::TlsSettings;
use crate::openstack::{
    AuthOptions, Credentials, HttpTransport, RetryPolicy, SessionSettings, Transport,
    TransportSettings,
};

/// The network as this cloud's configuration wants it used.
pub fn transport(
    auth: &KeystoneAuth,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<Arc<dyn Transport>> {
    let settings = TransportSettings {
        tls: TlsSettings {
            cafile: auth.tls.cafile.clone(),
            certfile: auth.tls.certfile.clone(),
            keyfile: auth.tls.keyfile.clone(),
            insecure: auth.tls.insecure,
        },
        only_tls13: auth.tls.only_tls13,
        timeouts: Timeouts::from_option(auth.timeout),
        environment: environment.clone(),
        ..TransportSettings::default()
    };
    let transport = HttpTransport::new(&settings).context("cannot set up the way to OpenStack")?;
    Ok(Arc::new(transport))
}

/// What the session is to do; `auth_options` says how it logs in.
pub fn session_settings(
    cloud: &CloudConfig,
    auth: &KeystoneAuth,
    options: &AuthOptions,
) -> anyhow::Result<SessionSettings> {
    Ok(SessionSettings {
        interfaces: interfaces(cloud),
        region: cloud.region_names.first().cloned(),
        retry: RetryPolicy {
            retries: auth.status_code_retries,
            connect_retries: auth.connect_retries,
            ..RetryPolicy::default()
        },
        ..SessionSettings::new(Credentials::from_options(options)?)
    })
}

pub fn interfaces(cloud: &CloudConfig) -> Vec<String> {
    let name = |interface: &crate::config::Interface| interface.as_str().to_owned();
    cloud.interfaces.iter().map(name).collect()
}

/// Which projects, and how their VO is found.
pub fn project_options(cloud: &CloudConfig) -> ProjectOptions {
    ProjectOptions {
        configured: cloud.projects.clone(),
        tag: cloud.caso_tag.clone().unwrap_or_default(),
        vo_property: cloud.vo_property.clone(),
        mapping_file: cloud.mapping_file.clone(),
        domain: cloud.keystone_auth.as_ref().and_then(project_domain),
    }
}

/// `[keystone_auth]` as the session takes it.
pub fn auth_options(auth: &KeystoneAuth) -> AuthOptions {
    let scope = &auth.scope;
    let mut options = AuthOptions {
        auth_url: Some(auth.auth_url.to_string()),
        project_id: scope.project_id.clone(),
        project_name: scope.project_name.clone(),
        domain_id: scope.domain_id.clone(),
        domain_name: scope.domain_name.clone(),
        trust_id: scope.trust_id.clone(),
        ..AuthOptions::default()
    };
    (options.project_domain_id, options.project_domain_name) =
        id_and_name(scope.project_domain.as_ref());
    match &auth.method {
        AuthMethod::Password(password) => {
            // `v3password` has no `default_domain`, and looks for no version.
            let generic = password.generic;
            options.auth_type = Some(if generic { "password" } else { "v3password" }.into());
            options.password = Some(password.password.expose().to_owned());
            (options.default_domain_id, options.default_domain_name) =
                id_and_name(password.default_domain.as_ref());
            set_user(&mut options, &password.user);
        }
        AuthMethod::ApplicationCredential(credential) => {
            options.auth_type = Some("v3applicationcredential".into());
            options.application_credential_secret = Some(credential.secret.expose().to_owned());
            match &credential.credential {
                ApplicationCredentialRef::Id(id) => {
                    options.application_credential_id = Some(id.clone());
                }
                ApplicationCredentialRef::Name { name, user } => {
                    options.application_credential_name = Some(name.clone());
                    set_user(&mut options, user);
                }
            }
        }
    }
    options
}

fn set_user(options: &mut AuthOptions, user: &UserRef) {
    match user {
        UserRef::Id(id) => options.user_id = Some(id.clone()),
        UserRef::Name { name, domain } => {
            options.username = Some(name.clone());
            (options.user_domain_id, options.user_domain_name) = id_and_name(Some(domain));
        }
    }
}

fn id_and_name(domain: Option<&DomainRef>) -> (Option<String>, Option<String>) {
    match domain {
        Some(DomainRef::Id(id)) => (Some(id.clone()), None),
        Some(DomainRef::Name(name)) => (None, Some(name.clone())),
        None => (None, None),
    }
}

fn project_domain(auth: &KeystoneAuth) -> Option<wire::DomainRef> {
    let default = match &auth.method {
        AuthMethod::Password(password) => password.default_domain.as_ref(),
        AuthMethod::ApplicationCredential(_) => None,
    };
    let domain = auth.scope.project_domain.as_ref().or(default)?;
    Some(match domain {
        DomainRef::Id(id) => wire::DomainRef::Id(id.clone()),
        DomainRef::Name(name) => wire::DomainRef::Name(name.clone()),
    })
}
