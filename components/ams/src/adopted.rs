//! Messages that somebody else wrote, taken from an old directory queue by `caso queue adopt`:
//! records of the kind [`KIND`], each with a whole text as its payload.

use caso_apel::packing::Frame;
use caso_apel::{Entry, Formatted};
use caso_component::messenger::Refusal;
use caso_component::records::{OtherRecord, RecordList};

/// The kind of such a record.
pub use caso_apel::MESSAGE as KIND;

/// How the messages of each record type begin, as every version of cASO and of APEL's other
/// publishers writes them.
const BEGINNINGS: [(&str, &str); 5] = [
    ("APEL-cloud-message:", "cloud"),
    ("<sr:StorageUsageRecords", "storage"),
    ("<?xml", "storage"),
    ("{\"Type\": \"APEL Public IP message\"", "ip"),
    ("{\"Type\": \"APEL-accelerator-message\"", "accelerator"),
];

/// The messages as they are, one a record, and the record type of each.
pub fn of(records: &RecordList) -> Option<(Formatted, Vec<&'static str>)> {
    let RecordList::Other(records) = records else {
        return None;
    };
    let mut formatted = Formatted {
        frame: Frame {
            prefix: String::new(),
            separator: "",
            suffix: "",
        },
        entries: Vec::new(),
        refused: Vec::new(),
    };
    let mut kinds = Vec::new();
    for (index, record) in records.iter().enumerate() {
        match text(record) {
            Ok((text, kind)) => {
                formatted.entries.push(Entry { index, text });
                kinds.push(kind);
            }
            Err(reason) => formatted.refused.push(Refusal::new(index, reason)),
        }
    }
    Some((formatted, kinds))
}

fn text(record: &OtherRecord) -> Result<(String, &'static str), String> {
    if record.kind != KIND {
        return Err(format!(
            "APEL has no message for records of type `{}`",
            record.kind
        ));
    }
    let text = record.payload.as_deref().unwrap_or_default();
    let mut known = BEGINNINGS.iter();
    let known = known.find(|(begin, _)| text.trim_start().starts_with(begin));
    known
        .map(|(_, kind)| (text.to_owned(), *kind))
        .ok_or_else(|| "it does not begin as a message of APEL's for clouds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples;

    #[test]
    fn a_message_stays_as_it_is_and_is_known_by_its_beginning() {
        let record = |kind: &str, text: Option<&str>| OtherRecord {
            kind: kind.to_owned(),
            payload: text.map(str::to_owned),
            ..samples::other()
        };
        let records = RecordList::Other(vec![
            record(KIND, Some("APEL-cloud-message: v0.2\nx: y\n\n")),
            record(KIND, Some("APEL-individual-job-message: v0.3\n")),
            record(
                KIND,
                Some("<?xml version=\"1.0\"?><sr:StorageUsageRecords/>"),
            ),
            record(KIND, None),
            record("bucket", Some("APEL-cloud-message: v0.4\n")),
        ]);
        let (formatted, kinds) = of(&records).unwrap();
        assert_eq!(kinds, ["cloud", "storage"]);
        let message = formatted.next(&formatted.entries, 1, usize::MAX);
        assert_eq!(
            message,
            Some(("APEL-cloud-message: v0.2\nx: y\n\n".to_owned(), 1))
        );
        let refused: Vec<u32> = formatted.refused.iter().map(|it| it.index).collect();
        assert_eq!(refused, [1, 3, 4]);
        assert!(of(&RecordList::Cloud(Vec::new())).is_none());
    }
}
