//! Records as the JSON objects that cASO posted.

use caso_component::json::Style;
use caso_component::records::RecordList;
use caso_component::shape;

/// The object of a record.
///
/// # Errors
/// Why it has none.
pub fn object(records: &RecordList, position: usize) -> Result<String, String> {
    const STYLE: Style = Style::Compact;
    let object = match records {
        RecordList::Cloud(list) => list.get(position).map(|r| shape::cloud(r, STYLE)),
        RecordList::Ip(list) => list.get(position).map(|r| shape::ip(r, STYLE)),
        RecordList::Accelerator(list) => list.get(position).map(|r| shape::accelerator(r, STYLE)),
        RecordList::Storage(list) => list.get(position).map(|r| shape::storage(r, STYLE)),
        RecordList::Energy(list) => list.get(position).map(|r| shape::energy(r, STYLE)),
        RecordList::Other(list) => list.get(position).map(|r| r.payload.clone()),
    };
    object.ok_or_else(|| "the record is not in the batch".to_owned())
}
