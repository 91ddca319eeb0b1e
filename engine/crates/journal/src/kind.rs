//! Record types as the journal sorts them. The order of the variants is the
//! order in which cASO sends: cloud, ip, accelerator, storage, then the rest.

use caso_model::record::{AccountingRecord, RecordList};
use caso_model::record_type::RecordType;

/// The type of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// One that the contract names.
    Known(RecordType),
    /// A type of the site's own, by its name.
    Other(String),
}

impl RecordKind {
    /// Of this record.
    pub fn of(record: &AccountingRecord) -> RecordKind {
        match record.known_type() {
            Ok(known) => RecordKind::Known(known),
            Err(kind) => RecordKind::Other(kind.to_owned()),
        }
    }

    /// The name in `record_types`.
    pub fn name(&self) -> &str {
        match self {
            RecordKind::Known(known) => known.name(),
            RecordKind::Other(kind) => kind,
        }
    }

    /// On disk an `other` record says so, as nothing keeps its kind from being
    /// called `cloud`.
    pub(crate) fn tag(&self) -> String {
        match self {
            RecordKind::Other(kind) => format!("other:{kind}"),
            RecordKind::Known(known) => known.name().to_owned(),
        }
    }

    pub(crate) fn parse(tag: &str) -> Option<RecordKind> {
        match RecordType::named(tag) {
            Some(known) => Some(RecordKind::Known(known)),
            None => Some(RecordKind::Other(tag.strip_prefix("other:")?.to_owned())),
        }
    }

    /// The list that a batch carries; records of other types stay out.
    pub fn list<'a>(&self, records: impl Iterator<Item = &'a AccountingRecord>) -> RecordList<'a> {
        let known = match self {
            RecordKind::Known(known) => Some(*known),
            RecordKind::Other(_) => None,
        };
        RecordList::of(known, records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An offer of a thousand records is a thousand references.
    #[test]
    fn a_list_copies_no_record() {
        let record = AccountingRecord::Ip(caso_model::record::IpRecord::default());
        let other = AccountingRecord::Cloud(caso_model::record::CloudRecord::default());
        let list = RecordKind::of(&record).list([&record, &other].into_iter());
        let RecordList::Ip(listed) = list else {
            panic!("{list:?}");
        };
        assert!(
            matches!(&listed[..], [std::borrow::Cow::Borrowed(_)]),
            "{listed:?}"
        );
    }

    #[test]
    fn an_other_record_may_be_called_cloud() {
        let odd = RecordKind::Other("cloud".into());
        assert_eq!(odd.name(), "cloud");
        assert_ne!(odd.tag(), RecordKind::Known(RecordType::Cloud).tag());
        assert_eq!(RecordKind::parse(&odd.tag()), Some(odd));
        assert_eq!(RecordKind::parse("nonsense"), None);
        assert!(
            RecordKind::Known(RecordType::Cloud) < RecordKind::Known(RecordType::Ip)
                && RecordKind::Known(RecordType::Energy) < RecordKind::Other(String::new())
        );
    }
}
