//! Components as the configuration asks for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::origin::Origin;

/// A component as the configuration asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentInstance {
    /// Name of the instance, safe as a file name; `mapper` for the mapper.
    pub name: String,
    /// Where its code comes from.
    pub source: ComponentSource,
    /// Section of what the host is told about it: `messenger_NAME`, `filter_NAME` or `mapper`.
    pub host_section: String,
    /// Section of its own options. Usually its name.
    pub section: String,
    /// Options that a former name implies, below all that the site sets.
    pub implied: Vec<(String, String)>,
    /// SHA-256 that the component must have, lower-case hex.
    pub sha256: Option<String>,
    /// What one call may use.
    pub limits: Limits,
    /// What made the instance: for messages.
    pub origin: Origin,
}

/// Where a component's code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentSource {
    /// Embedded in the engine, under this name.
    BuiltIn(String),
    /// A file of the site.
    File(PathBuf),
}

impl ComponentSource {
    /// Whether it is this one of those in the engine.
    pub fn is_builtin(&self, name: &str) -> bool {
        matches!(self, Self::BuiltIn(known) if known == name)
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// Limits of one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory and tables together.
    pub memory: u64,
    /// Wall time of one call.
    pub timeout: Duration,
    /// CPU time of one call.
    pub deadline: Duration,
    /// Bytes that it may put into queues, and as many into folders, in one run.
    pub output: u64,
}

/// One messenger, with a queue of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct MessengerInstance {
    /// Its component.
    pub component: ComponentInstance,
    /// What it is given.
    pub record_types: RecordTypes,
    /// What records pass on their way to it, in order.
    pub filters: Vec<ComponentInstance>,
    /// One text a grant, parsed by the sandbox.
    pub grants: Vec<Grant>,
}

impl MessengerInstance {
    /// Its name in `messengers`.
    pub fn name(&self) -> &str {
        &self.component.name
    }
}

/// One entry of `grants`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// As it was written.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
    /// Whether a `$` in `grants` stands for a secret.
    pub secret: bool,
}

/// Which record types a messenger is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordTypes {
    /// Nobody set them: those of the component's description.
    Described,
    /// `record_types =`.
    All,
    /// These. Names beyond the contract's five are kept: a component may
    /// describe its own; see `component_settings`.
    These {
        /// In the order of the file.
        names: Vec<String>,
        /// Where they stand.
        origin: Origin,
    },
}
