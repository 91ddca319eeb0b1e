//! What one messenger instance may use, by the names under which it does.

use std::collections::BTreeMap;

use super::grant::{Grant, Kind};
use super::refusal::{GrantError, InstanceName, unknown, unset};
use super::terms::{
    AddressTerms, ConnectionTerms, DirectoryTerms, HttpTerms, QueueTerms, SignatureTerms,
};

/// An optional request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Of the capability.
    pub kind: String,
    /// The option of its target that is not set.
    pub option: String,
}

/// What was granted to one instance, and what was denied. The names are those
/// of the component's requests; a description has no name twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// Whose.
    pub instance: InstanceName,
    /// By the capability's name.
    pub grants: BTreeMap<String, Grant>,
    /// Optional requests that were denied, by the capability's name.
    pub denied: BTreeMap<String, GrantError>,
    /// Optional requests that came to nothing, by the capability's name.
    pub absent: BTreeMap<String, Absent>,
    /// Grants of the site that cover no request: worth a warning.
    pub unused: Vec<Grant>,
    /// Whether the site wrote the grants, with their terms; else those are options.
    pub by_site: bool,
}

impl Granted {
    /// Nothing at all, for this instance.
    pub fn nothing(instance: InstanceName) -> Self {
        Self {
            instance,
            ..Self::default()
        }
    }

    /// The queue of this name.
    pub fn queue(&self, name: &str) -> Option<&QueueTerms> {
        match self.grants.get(name) {
            Some(Grant::Queue(terms)) => Some(terms),
            _ => None,
        }
    }

    /// All queues with their names.
    pub fn queues(&self) -> impl Iterator<Item = (&str, &QueueTerms)> {
        self.grants.iter().filter_map(|(name, grant)| match grant {
            Grant::Queue(terms) => Some((name.as_str(), terms)),
            _ => None,
        })
    }

    /// The connection of this name.
    pub fn connection(&self, name: &str) -> Option<&ConnectionTerms> {
        match self.grants.get(name) {
            Some(Grant::Connection(terms)) => Some(terms),
            _ => None,
        }
    }

    /// The origin of this name.
    pub fn origin(&self, name: &str) -> Option<&HttpTerms> {
        match self.grants.get(name) {
            Some(Grant::Http(terms)) => Some(terms),
            _ => None,
        }
    }

    /// All origins for HTTP requests with their names.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &HttpTerms)> {
        self.grants.iter().filter_map(|(name, grant)| match grant {
            Grant::Http(terms) => Some((name.as_str(), terms)),
            _ => None,
        })
    }

    /// All directories with their names.
    pub fn directories(&self) -> impl Iterator<Item = (&str, &DirectoryTerms)> {
        self.grants.iter().filter_map(|(name, grant)| match grant {
            Grant::Directory(terms) => Some((name.as_str(), terms)),
            _ => None,
        })
    }

    /// The signature of this name.
    pub fn signature(&self, name: &str) -> Option<&SignatureTerms> {
        match self.grants.get(name) {
            Some(Grant::Signature(terms)) => Some(terms),
            _ => None,
        }
    }

    /// All signatures with their names.
    pub fn signatures(&self) -> impl Iterator<Item = (&str, &SignatureTerms)> {
        self.grants.iter().filter_map(|(name, grant)| match grant {
            Grant::Signature(terms) => Some((name.as_str(), terms)),
            _ => None,
        })
    }

    /// All addresses for `wasi:sockets`.
    pub fn addresses(&self) -> impl Iterator<Item = &AddressTerms> {
        self.grants.values().filter_map(|grant| match grant {
            Grant::Address(terms) => Some(terms),
            _ => None,
        })
    }

    /// Where the certificates stand by which servers are trusted; reads on after "set a `cafile`
    /// for `server`".
    pub(crate) fn cafile_place(&self) -> String {
        let InstanceName {
            grants, options, ..
        } = &self.instance;
        match self.by_site {
            true => format!(": the term `?cafile=/path` of its grant in {grants}"),
            false => format!(" in {options}"),
        }
    }

    /// What a guest is answered that uses a name which it was not granted.
    pub(crate) fn refusal(&self, kind: Kind, name: &str) -> String {
        if let Some(denied) = self.denied.get(name) {
            return denied.to_guest();
        }
        if let Some(absent) = self.absent.get(name) {
            return unset(&self.instance, name, &absent.option);
        }
        let unknown = unknown(&self.instance, kind, name);
        // With `wasi:http` a guest names an origin, which may be that of what came to nothing.
        let mut absent = self.absent.iter();
        match absent.find(|(_, it)| name.contains("://") && it.kind == kind.as_str()) {
            Some((capability, it)) => {
                let unset = unset(&self.instance, capability, &it.option);
                format!("{unknown}; unless it is meant by this: {unset}")
            }
            None => unknown,
        }
    }
}
