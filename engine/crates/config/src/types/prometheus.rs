//! Where the power of servers is measured.

use std::path::PathBuf;

use caso_model::secret::Secret;

/// `[prometheus]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusConfig {
    /// Without user and password.
    pub endpoint: url::Url,
    /// For basic authentication.
    pub login: Option<BasicLogin>,
    /// A gauge, in microwatts.
    pub metric: String,
    /// The label with the server's id.
    pub uuid_label: String,
    /// Further labels that a series must have, with their values.
    pub labels: Vec<(String, String)>,
    /// Labels that tell the parts of one server's power apart.
    pub sum_labels: Vec<String>,
    /// Seconds between two samples; at least 1.
    pub step: u32,
    /// Seconds that a sample may take until it can be read.
    pub delay: u32,
    /// Certificates to trust instead of the system's.
    pub cafile: Option<PathBuf>,
    /// Any certificate will do.
    pub insecure: bool,
}

/// User and password of HTTP's basic authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicLogin {
    /// The name.
    pub user: String,
    /// The password, or where it stands.
    pub password: LoginSecret,
}

/// Where a password stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSecret {
    /// In the configuration.
    Text(Secret),
    /// Read when the run begins.
    File(PathBuf),
}
