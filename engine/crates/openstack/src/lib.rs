//! OpenStack: one [`Session`] a cloud and region (TLS, proxies, tokens,
//! catalog, retries), then one thin client a service.
//!
//! The way of a request: a client names scope, service and path; the session
//! finds a token for the scope ([`identity`]) and the service's address in
//! that token's catalog, hands a plain [`caso_net::Request`] to a
//! [`caso_net::Transport`], and makes a typed value or a typed [`ApiError`] of
//! what comes back. The transport is the network, or a recorder around it,
//! or a recording in its place ([`recording`]); nothing above it can see which.
//!
//! [`prometheus`] is no service of OpenStack's: it has an address, credentials
//! and a certificate of its own, and takes from here but the transport.
//!
//! An accounting run knows three kinds of request: `GET`, the `POST` that asks for
//! a token, and the one that carries a question too long for an address
//! ([`Session::search`], for Gnocchi). What can be changed in a cloud through this
//! room is one property and one tag of a project ([`keystone::set_property`],
//! [`keystone::add_tag`]), for `caso-mapping-migrate`.

pub mod ceilometer;
pub mod cinder;
pub mod error;
mod filled;
pub mod glance;
pub mod gnocchi;
pub mod identity;
pub mod keystone;
mod keystone_changes;
pub mod neutron;
pub mod nova;
pub mod pages;
mod project;
pub mod prometheus;
pub mod recording;
pub mod session;
mod tenants;
mod tries;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_live;

use std::fmt;
use std::str::FromStr;

pub use error::{ApiError, ApiErrorKind, Call};
pub use session::{RetryPolicy, Session, SessionSettings};
pub use tries::without_tries;

/// A kind of API. The catalog says its type in one of several historic words
/// (os-service-types), see [`Service::types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Keystone
    Identity,
    /// Nova
    Compute,
    /// Glance
    Image,
    /// Neutron
    Network,
    /// Cinder
    BlockStorage,
    /// Gnocchi
    Metric,
    /// Ceilometer's API of its own, version 2: gone since Queens
    Metering,
    /// What gives the access tokens of a federated login. In no catalog.
    OpenIdProvider,
}

impl Service {
    /// Catalog types of this service, the preferred one first. From
    /// os-service-types; for block storage the one that cASO asks for leads.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Service::Identity => &["identity"],
            Service::Compute => &["compute"],
            Service::Image => &["image"],
            Service::Network => &["network"],
            Service::OpenIdProvider => &[],
            Service::BlockStorage => &[
                "volumev3",
                "block-storage",
                "volumev2",
                "volume",
                "block-store",
            ],
            Service::Metric => &["metric"],
            Service::Metering => &["metering", "meter", "telemetry"],
        }
    }

    /// The project that usually implements it, for people.
    pub fn name(self) -> &'static str {
        match self {
            Service::Identity => "Keystone",
            Service::Compute => "Nova",
            Service::Image => "Glance",
            Service::Network => "Neutron",
            Service::BlockStorage => "Cinder",
            Service::Metric => "Gnocchi",
            Service::Metering => "Ceilometer",
            Service::OpenIdProvider => "the OpenID provider",
        }
    }

    /// The major versions that our calls are written for, the preferred one first,
    /// where they are not in the paths of the calls: the endpoint has them.
    pub(crate) fn endpoint_versions(self) -> &'static [u16] {
        match self {
            Service::Compute => &[2],
            Service::BlockStorage => &[3, 2],
            Service::Identity
            | Service::Image
            | Service::Network
            | Service::Metric
            | Service::Metering
            | Service::OpenIdProvider => &[],
        }
    }

    /// From this microversion on the project's id need not be in the path.
    /// <https://docs.openstack.org/nova/latest/reference/api-microversion-history.html>
    /// (2.18), <https://docs.openstack.org/cinder/latest/contributor/api_microversion_history.html> (3.67)
    pub(crate) fn optional_project(self) -> Option<Microversion> {
        match self {
            Service::Compute => Some(Microversion::new(2, 18)),
            Service::BlockStorage => Some(Microversion::new(3, 67)),
            _ => None,
        }
    }

    /// Its word in the `OpenStack-API-Version` header; none where the service
    /// has no microversions.
    pub(crate) fn version_word(self) -> Option<&'static str> {
        match self {
            Service::Compute => Some("compute"),
            Service::BlockStorage => Some("volume"),
            Service::Identity
            | Service::Image
            | Service::Network
            | Service::Metric
            | Service::Metering
            | Service::OpenIdProvider => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole cloud: project lists and user names. Where the account has
    /// no role on the system, the session falls back to what the
    /// configuration names, or to no scope ([`Session::system_refused`]).
    System,
    /// One project, by id.
    Project(String),
    /// No scope.
    Unscoped,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::System => f.write_str("the system"),
            Scope::Project(id) => write!(f, "project `{id}`"),
            Scope::Unscoped => f.write_str("no scope"),
        }
    }
}

/// A microversion, such as `2.61`.
#[derive(Debug, Copy, Clone, PartialOrd, Ord, Eq, PartialEq, Hash)]
pub struct Microversion {
    pub major: u16,
    pub minor: u16,
}

impl Microversion {
    pub const fn new(major: u16, minor: u16) -> Self {
        Microversion { major, minor }
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Not of the form `2.61`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a microversion (such as `2.61`)")]
pub struct BadMicroversion(String);

impl FromStr for Microversion {
    type Err = BadMicroversion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadMicroversion(text.to_owned());
        let (major, minor) = text.split_once('.').ok_or_else(bad)?;
        Ok(Microversion {
            major: major.parse().map_err(|_| bad())?,
            minor: minor.parse().map_err(|_| bad())?,
        })
    }
}

/// What a service offers, both ends included.
#[derive(Debug, Copy, Clone, Eq, PartialEq)]
pub struct MicroversionRange {
    pub min: Microversion,
    pub max: Microversion,
}

impl MicroversionRange {
    pub fn contains(&self, version: Microversion) -> bool {
        self.min <= version && version <= self.max
    }
}
