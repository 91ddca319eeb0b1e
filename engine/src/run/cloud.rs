//! From the configuration of a cloud to a session with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::{
    ApplicationCredentialRef, AuthMethod, CloudConfig, ConfiguredScope, DomainRef, KeystoneAuth,
    UserRef,
};
use crate::extract::ProjectOptions;
use crate::openstack::identity::credentials::{
    self as wire, CredentialRef, Credentials, Proof, ProjectRef, Target,
};
use crate::openstack::wire::Timeouts;
use crate::openstack::wire::tls::TlsSettings;
use crate::openstack::{
    Clock, HttpTransport, RetryPolicy, Session, SessionSettings, Transport, TransportSettings,
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
        timeouts: Timeouts::from_option(auth.timeout),
        environment: environment.clone(),
        ..TransportSettings::default()
    };
    let transport = HttpTransport::new(&settings).context("cannot set up the way to OpenStack")?;
    Ok(Arc::new(transport))
}

pub fn session(
    cloud: &CloudConfig,
    auth: &KeystoneAuth,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Session {
    let settings = SessionSettings {
        credentials: credentials(auth),
        interfaces: cloud
            .interfaces
            .iter()
            .map(|interface| interface.as_str().to_owned())
            .collect(),
        region: cloud.region_name.clone(),
        retry: RetryPolicy {
            retries: auth.status_code_retries.max(auth.connect_retries),
            ..RetryPolicy::default()
        },
    };
    Session::new(settings, transport, clock)
}

/// Which projects, and how their VO is found.
pub fn project_options(cloud: &CloudConfig, auth: &KeystoneAuth) -> ProjectOptions {
    ProjectOptions {
        configured: cloud.projects.clone(),
        tag: cloud.caso_tag.clone().unwrap_or_default(),
        vo_property: cloud.vo_property.clone(),
        mapping_file: cloud.mapping_file.clone(),
        domain: project_domain(auth),
    }
}

fn credentials(auth: &KeystoneAuth) -> Credentials {
    let (proof, discover) = match &auth.method {
        AuthMethod::Password(password) => (
            Proof::Password {
                user: user(&password.user),
                password: wire::Secret::new(password.password.expose()),
            },
            // `v3password` has no `default_domain`, and looks for no version.
            password.default_domain.is_some(),
        ),
        AuthMethod::ApplicationCredential(credential) => (
            Proof::ApplicationCredential {
                credential: match &credential.credential {
                    ApplicationCredentialRef::Id(id) => CredentialRef::Id(id.clone()),
                    ApplicationCredentialRef::Name { name, user: owner } => CredentialRef::Name {
                        name: name.clone(),
                        user: user(owner),
                    },
                },
                secret: wire::Secret::new(credential.secret.expose()),
            },
            false,
        ),
    };
    Credentials {
        auth_url: auth.auth_url.clone(),
        proof,
        discover,
        configured: configured(&auth.scope, project_domain(auth)),
        project_domain: project_domain(auth),
    }
}

fn project_domain(auth: &KeystoneAuth) -> Option<wire::DomainRef> {
    let default = match &auth.method {
        AuthMethod::Password(password) => password.default_domain.as_ref(),
        AuthMethod::ApplicationCredential(_) => None,
    };
    auth.scope.project_domain.as_ref().or(default).map(domain)
}

/// keystoneauth's order of precedence, without what a run asks for itself.
fn configured(scope: &ConfiguredScope, domain: Option<wire::DomainRef>) -> Option<Target> {
    if let Some(id) = &scope.project_id {
        return Some(Target::Project(ProjectRef::Id(id.clone())));
    }
    if let (Some(name), Some(domain)) = (&scope.project_name, domain) {
        let name = name.clone();
        return Some(Target::Project(ProjectRef::Name { name, domain }));
    }
    let id = scope.domain_id.clone().map(wire::DomainRef::Id);
    let name = scope.domain_name.clone().map(wire::DomainRef::Name);
    id.or(name).map(Target::Domain)
}

fn user(user: &UserRef) -> wire::UserRef {
    match user {
        UserRef::Id(id) => wire::UserRef::Id(id.clone()),
        UserRef::Name { name, domain: of } => wire::UserRef::Name {
            name: name.clone(),
            domain: domain(of),
        },
    }
}

fn domain(of: &DomainRef) -> wire::DomainRef {
    match of {
        DomainRef::Id(id) => wire::DomainRef::Id(id.clone()),
        DomainRef::Name(name) => wire::DomainRef::Name(name.clone()),
    }
}
