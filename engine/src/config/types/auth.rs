//! How to authenticate, and over which TLS.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::secret::Secret;

/// `[keystone_auth]`: keystoneauth's options under its names.
#[derive(Debug, Clone, PartialEq)]
pub struct KeystoneAuth {
    /// Its path has no slash at the end, unless it is `/`.
    pub auth_url: url::Url,
    pub method: AuthMethod,
    /// What the file itself asks to be scoped to. cASO overrides most of it.
    pub scope: ConfiguredScope,
    pub tls: Tls,
    /// Bound of one request: to connect, and between two reads.
    pub timeout: Duration,
    /// Further tries after a connection that failed.
    pub connect_retries: u32,
    /// Further tries after 429, 502, 503, 504 or 413 with Retry-After.
    pub status_code_retries: u32,
}

/// An auth type with its own options.
#[derive(Debug, Clone, PartialEq)]
pub enum AuthMethod {
    Password(PasswordAuth),
    ApplicationCredential(ApplicationCredentialAuth),
}

/// `password` and `v3password`.
#[derive(Debug, Clone, PartialEq)]
pub struct PasswordAuth {
    pub user: UserRef,
    pub password: Secret,
    /// `default_domain_*` of `password`: also the domain of a project that is
    /// named without one.
    pub default_domain: Option<DomainRef>,
    /// `password`, which finds the version out, not `v3password`.
    pub generic: bool,
}

/// `v3applicationcredential`: never sends a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct ApplicationCredentialAuth {
    pub credential: ApplicationCredentialRef,
    pub secret: Secret,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationCredentialRef {
    Id(String),
    /// A name is unique for its user only.
    Name {
        name: String,
        user: UserRef,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    Id(String),
    Name { name: String, domain: DomainRef },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainRef {
    Id(String),
    Name(String),
}

/// Scope options as the file has them; unset ones absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfiguredScope {
    pub system_scope: Option<String>,
    pub domain_id: Option<String>,
    pub domain_name: Option<String>,
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub project_domain: Option<DomainRef>,
    pub trust_id: Option<String>,
}

/// TLS of all requests to OpenStack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Certificates to trust instead of the system's.
    pub cafile: Option<PathBuf>,
    /// Client certificate, and its key where that is not in the same file.
    pub certfile: Option<PathBuf>,
    pub keyfile: Option<PathBuf>,
    /// Any certificate will do.
    pub insecure: bool,
    /// `tls_min_version = 1.3`.
    pub only_tls13: bool,
}
