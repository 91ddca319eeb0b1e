//! Record types as the journal sorts them. The order of the variants is the
//! order in which cASO sends: cloud, ip, accelerator, storage, then the rest.

use caso_model::record::{AccountingRecord, RecordList};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Cloud,
    Ip,
    Accelerator,
    Storage,
    Energy,
    Other(String),
}

impl Kind {
    pub fn of(record: &AccountingRecord) -> Kind {
        match record {
            AccountingRecord::Cloud(_) => Kind::Cloud,
            AccountingRecord::Ip(_) => Kind::Ip,
            AccountingRecord::Accelerator(_) => Kind::Accelerator,
            AccountingRecord::Storage(_) => Kind::Storage,
            AccountingRecord::Energy(_) => Kind::Energy,
            AccountingRecord::Other(record) => Kind::Other(record.kind.clone()),
        }
    }

    /// The name in `record_types`.
    pub fn name(&self) -> &str {
        match self {
            Kind::Cloud => "cloud",
            Kind::Ip => "ip",
            Kind::Accelerator => "accelerator",
            Kind::Storage => "storage",
            Kind::Energy => "energy",
            Kind::Other(kind) => kind,
        }
    }

    /// On disk an `other` record says so, as nothing keeps its kind from being
    /// called `cloud`.
    pub fn tag(&self) -> String {
        match self {
            Kind::Other(kind) => format!("other:{kind}"),
            known => known.name().to_owned(),
        }
    }

    pub fn parse(tag: &str) -> Option<Kind> {
        Some(match tag {
            "cloud" => Kind::Cloud,
            "ip" => Kind::Ip,
            "accelerator" => Kind::Accelerator,
            "storage" => Kind::Storage,
            "energy" => Kind::Energy,
            other => Kind::Other(other.strip_prefix("other:")?.to_owned()),
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
            Kind::Cloud => only!(Cloud),
            Kind::Ip => only!(Ip),
            Kind::Accelerator => only!(Accelerator),
            Kind::Storage => only!(Storage),
            Kind::Energy => only!(Energy),
            Kind::Other(_) => only!(Other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_other_record_may_be_called_cloud() {
        let odd = Kind::Other("cloud".into());
        assert_eq!(odd.name(), "cloud");
        assert_ne!(odd.tag(), Kind::Cloud.tag());
        assert_eq!(Kind::parse(&odd.tag()), Some(odd));
        assert_eq!(Kind::parse("nonsense"), None);
        assert!(Kind::Cloud < Kind::Ip && Kind::Energy < Kind::Other(String::new()));
    }
}
