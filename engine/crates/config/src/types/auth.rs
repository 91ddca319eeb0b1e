//! How to authenticate, and over which TLS.

use std::path::PathBuf;
use std::time::Duration;

use caso_login::Login;

/// A keystone section: keystoneauth's options under its names.
#[derive(Debug, Clone, PartialEq)]
pub struct KeystoneAuth {
    /// Who logs in, and where.
    pub login: Login,
    /// Whom to trust.
    pub tls: Tls,
    /// Bound of one request: to connect, and between two reads.
    pub timeout: Duration,
    /// Further tries after a connection that failed.
    pub connect_retries: u32,
    /// Further tries after 429, 502, 503, 504 or 413 with Retry-After.
    pub status_code_retries: u32,
}

/// TLS of all requests to OpenStack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Certificates to trust instead of the system's.
    pub cafile: Option<PathBuf>,
    /// Client certificate, and its key where that is not in the same file.
    pub certfile: Option<PathBuf>,
    /// See `certfile`.
    pub keyfile: Option<PathBuf>,
    /// Any certificate will do.
    pub insecure: bool,
    /// `tls_min_version = 1.3`.
    pub only_tls13: bool,
}
