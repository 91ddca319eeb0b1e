//! What a run is asked to extract: which extractors, and how counters are read.
//! `config` makes it of the options, `extract` acts on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::record_type::{Accrual, RecordType};

/// A reader of one kind of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extractor {
    Nova,
    Cinder,
    Neutron,
    Prometheus,
    Ceilometer,
}

impl Extractor {
    pub const ALL: [Self; 5] = [
        Self::Nova,
        Self::Cinder,
        Self::Neutron,
        Self::Prometheus,
        Self::Ceilometer,
    ];

    /// The name in `extractor`, and in cursors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nova => "nova",
            Self::Cinder => "cinder",
            Self::Neutron => "neutron",
            Self::Prometheus => "prometheus",
            Self::Ceilometer => "ceilometer",
        }
    }

    /// How what comes of its windows makes one figure; also where that is `other` records.
    #[must_use]
    pub fn accrual(self) -> Accrual {
        match self {
            Self::Nova | Self::Ceilometer => Accrual::Latest,
            Self::Cinder | Self::Prometheus => Accrual::Sum,
            Self::Neutron => Accrual::Moment,
        }
    }

    /// Whether what it reads is of a moment: of the past nothing can be made afterwards.
    #[must_use]
    pub fn is_of_a_moment(self) -> bool {
        let mut types = self.record_types().iter();
        types.all(|it| it.accrual() == Accrual::Moment)
    }

    /// The types of records that come of what it reads.
    #[must_use]
    pub fn record_types(self) -> &'static [RecordType] {
        match self {
            Self::Nova | Self::Ceilometer => &[RecordType::Cloud, RecordType::Accelerator],
            Self::Cinder => &[RecordType::Storage],
            Self::Neutron => &[RecordType::Ip],
            Self::Prometheus => &[RecordType::Energy],
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

impl fmt::Display for Extractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    /// The largest reading in the window, as cASO up to 1.x took it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_add_up_as_their_extractors_windows_do() {
        for extractor in Extractor::ALL {
            assert_eq!(Extractor::named(extractor.as_str()), Some(extractor));
            for kind in extractor.record_types() {
                assert_eq!(kind.accrual(), extractor.accrual(), "{extractor}: {kind:?}");
            }
        }
        assert_eq!(Extractor::named("glance"), None);
    }
}
