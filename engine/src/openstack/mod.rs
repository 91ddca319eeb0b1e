//! OpenStack: one [`Session`] a cloud and region (TLS, proxies, tokens,
//! catalog, retries), then one thin client a service.
//!
//! The way of a request: a client names scope, service and path; the session
//! finds a token for the scope ([`identity`]) and the service's address in
//! that token's catalog, hands a plain [`wire::Request`] to a
//! [`wire::Transport`], and makes a typed value or a typed [`ApiError`] of
//! what comes back. The transport is the network, or a recorder around it,
//! or a recording in its place ([`recording`]); nothing above it can tell.
//!
//! [`prometheus`] is no service of OpenStack's: it has an address, credentials
//! and a certificate of its own, and takes from here but the transport.
//!
//! Only two kinds of request exist here: `GET`, and the `POST` that asks for
//! a token. Nothing in a cloud can be changed through this room.

pub mod cinder;
pub mod clock;
pub mod error;
pub mod glance;
pub mod identity;
pub mod keystone;
pub mod neutron;
pub mod nova;
pub mod pages;
pub mod prometheus;
pub mod recording;
pub mod session;
pub mod wire;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_live;

use std::fmt;
use std::str::FromStr;

pub use clock::{Clock, PinnedClock, SystemClock};
pub use error::{ApiError, Call};
pub use session::{RetryPolicy, Session, SessionSettings};
pub use wire::Transport;
pub use wire::http::{HttpTransport, TransportSettings};

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
            Service::BlockStorage => &[
                "volumev3",
                "block-storage",
                "volumev2",
                "volume",
                "block-store",
            ],
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
        }
    }

    /// Its word in the `OpenStack-API-Version` header; none where the service
    /// has no microversions.
    pub(crate) fn version_word(self) -> Option<&'static str> {
        match self {
            Service::Compute => Some("compute"),
            Service::BlockStorage => Some("volume"),
            Service::Identity | Service::Image | Service::Network => None,
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
