//! Record types as the journal sorts them. The order of the variants is the
//! order in which cASO sends: cloud, ip, accelerator, storage, then the rest.

use caso_model::record::{AccountingRecord, RecordList};

/// The type of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A server.
    Cloud,
    /// The public addresses of a user.
    Ip,
    /// The accelerators of a server.
    Accelerator,
    /// A volume, snapshot or image.
    Storage,
    /// The energy of a host.
    Energy,
    /// A type of the site's own, by its name.
    Other(String),
}

impl RecordKind {
    /// Of this record.
    pub fn of(record: &AccountingRecord) -> RecordKind {
        match record {
            AccountingRecord::Cloud(_) => RecordKind::Cloud,
            AccountingRecord::Ip(_) => RecordKind::Ip,
            AccountingRecord::Accelerator(_) => RecordKind::Accelerator,
            AccountingRecord::Storage(_) => RecordKind::Storage,
            AccountingRecord::Energy(_) => RecordKind::Energy,
            AccountingRecord::Other(record) => RecordKind::Other(record.kind.clone()),
        }
    }

    /// The name in `record_types`.
    pub fn name(&self) -> &str {
        match self {
            RecordKind::Cloud => "cloud",
            RecordKind::Ip => "ip",
            RecordKind::Accelerator => "accelerator",
            RecordKind::Storage => "storage",
            RecordKind::Energy => "energy",
            RecordKind::Other(kind) => kind,
        }
    }

    /// On disk an `other` record says so, as nothing keeps its kind from being
    /// called `cloud`.
    pub(crate) fn tag(&self) -> String {
        match self {
            RecordKind::Other(kind) => format!("other:{kind}"),
            known => known.name().to_owned(),
        }
    }

    pub(crate) fn parse(tag: &str) -> Option<RecordKind> {
        Some(match tag {
            "cloud" => RecordKind::Cloud,
            "ip" => RecordKind::Ip,
            "accelerator" => RecordKind::Accelerator,
            "storage" => RecordKind::Storage,
            "energy" => RecordKind::Energy,
            other => RecordKind::Other(other.strip_prefix("other:")?.to_owned()),
        })
    }

    /// The list that a batch carries; records of other types stay out.
    pub fn list<'a>(&self, records: impl Iterator<Item = &'a AccountingRecord>) -> RecordList {
        macro_rules! only {
            ($case:ident) => {
                RecordList::$case(
                    records
                        .filter_map(|record| match record {
                            AccountingRecord::$case(record) => Some(record.clone()),
                            _ => None,
                        })
                        .collect(),
                )
            };
        }
        match self {
            RecordKind::Cloud => only!(Cloud),
            RecordKind::Ip => only!(Ip),
            RecordKind::Accelerator => only!(Accelerator),
            RecordKind::Storage => only!(Storage),
            RecordKind::Energy => only!(Energy),
            RecordKind::Other(_) => only!(Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_other_record_may_be_called_cloud() {
        let odd = RecordKind::Other("cloud".into());
        assert_eq!(odd.name(), "cloud");
        assert_ne!(odd.tag(), RecordKind::Cloud.tag());
        assert_eq!(RecordKind::parse(&odd.tag()), Some(odd));
        assert_eq!(RecordKind::parse("nonsense"), None);
        assert!(
            RecordKind::Cloud < RecordKind::Ip
                && RecordKind::Energy < RecordKind::Other(String::new())
        );
    }
}
