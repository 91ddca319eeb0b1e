//! The engine's own words: usage as the extractors learn it, records as the
//! mapper makes them.
//!
//! These types mirror the contract in `wit/` item by item, but are never the
//! generated ones: the journal writes them to disk, and what is on disk must
//! outlive a change of bindings. `sandbox::convert` is the only place that
//! knows both. Times are whole seconds since the Unix epoch, UTC.

pub mod answer;
pub mod component;
pub mod extraction;
pub mod guest;
pub mod notice;
pub mod record;
pub mod record_type;
pub mod secret;
pub mod usage;

use serde::{Deserialize, Serialize};

/// A fact under a name, for what has no field of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// So much of something; the unit stands at the end of the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    pub name: String,
    pub value: f64,
}

/// The fact of an [`Origin`] that is the project's name.
pub const PROJECT_NAME: &str = "project-name";

/// Where usage comes from, as the host knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The cloud's name in the configuration.
    pub cloud: String,
    /// The region; absent where the site did not name one.
    pub region: Option<String>,
    /// The project's id.
    pub project_id: String,
    /// What extracted the usage, as in `nova`.
    pub extractor: String,
    /// The window that is reported.
    pub window: Window,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

impl Origin {
    /// The project's name, where it is among the facts; else its id.
    #[must_use]
    pub fn project(&self) -> &str {
        let mut facts = self.attributes.iter();
        let name = facts.find(|fact| fact.name == PROJECT_NAME);
        name.map_or(&self.project_id, |fact| &fact.value)
    }
}

/// A half-open interval: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub start: i64,
    pub end: i64,
}
