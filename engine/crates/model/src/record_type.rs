//! The types of record that the contract names. Who adds one is led by the compiler to each place
//! that must say what becomes of it.

/// The kind of whole messages that the host takes over from a queue (`caso queue adopt`): who delivers
/// them signs them as they stand. In them are records of all types, older than what is sealed behind them.
pub const ADOPTED: &str = "apel-message";

/// A type of record with fields of its own; all others are `other`, under a name of the site's.
/// In the order in which cASO sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// A server, a month.
    Cloud,
    /// The public addresses of a user.
    Ip,
    /// The accelerators of a server, a month.
    Accelerator,
    /// A volume, snapshot or image.
    Storage,
    /// The energy of a host.
    Energy,
}

/// How the records of a type that follow each other make one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accrual {
    /// Each counts from the resource's beginning: the last one of a month replaces those before.
    Latest,
    /// Each counts its own window: they add up.
    Sum,
    /// Each is a count at one moment, which nobody can make afterwards.
    Moment,
}

impl RecordType {
    pub const ALL: [RecordType; 5] = [
        RecordType::Cloud,
        RecordType::Ip,
        RecordType::Accelerator,
        RecordType::Storage,
        RecordType::Energy,
    ];

    /// The name, as in `record_types`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Ip => "ip",
            Self::Accelerator => "accelerator",
            Self::Storage => "storage",
            Self::Energy => "energy",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// All names, in order.
    pub fn names<'a>() -> impl Iterator<Item = &'a str> + Clone {
        Self::ALL.into_iter().map(|kind| kind.name())
    }

    #[must_use]
    pub const fn accrual(self) -> Accrual {
        match self {
            Self::Cloud | Self::Accelerator => Accrual::Latest,
            Self::Storage | Self::Energy => Accrual::Sum,
            Self::Ip => Accrual::Moment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_listed_once_and_found_by_name() {
        for (at, kind) in RecordType::ALL.into_iter().enumerate() {
            assert_eq!(RecordType::named(kind.name()), Some(kind));
            assert_eq!(kind as usize, at, "{kind:?}");
        }
        assert_eq!(RecordType::named("other"), None);
    }
}
