//! What the extractor `ceilometer` is told: where counters come from, and what
//! of them is told.

use serde::{Deserialize, Serialize};

/// `[ceilometer]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterOptions {
    pub source: CounterSource,
    pub reading: CounterReading,
}

/// `source`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterSource {
    /// What the catalog has, Gnocchi before Ceilometer.
    #[default]
    Any,
    Gnocchi,
    /// Ceilometer's own API, version 2.
    Ceilometer,
}

impl CounterSource {
    pub const ALL: [Self; 3] = [Self::Any, Self::Gnocchi, Self::Ceilometer];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Gnocchi => "gnocchi",
            Self::Ceilometer => "ceilometer",
        }
    }
}

/// `reading`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterReading {
    /// The use since the server's start, resets bridged.
    #[default]
    Used,
    /// The largest reading in the window, as cASO to 1.x told it.
    Largest,
}

impl CounterReading {
    pub const ALL: [Self; 2] = [Self::Used, Self::Largest];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Largest => "largest",
        }
    }
}
