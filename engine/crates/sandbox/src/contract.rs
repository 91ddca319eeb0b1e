//! What the host holds a mapper's records to: the sentences of `wit/` that types
//! cannot say. A consumer's own rules are its messenger's; what an answer is
//! held to stands at [`caso_model::answer`].

use std::collections::{BTreeSet, HashMap};

use super::budget::{Budget, KINDS};
use caso_model::Quantity;
use caso_model::record::AccountingRecord;
use caso_model::record_type::{ADOPTED, RecordType};

/// Records of one usage item: a server since 1970 has one a month, and one a model of its accelerators.
const MOST_OF_AN_ITEM: usize = 10_000;
/// Bytes of an id and of a key.
const KEY_BYTES: usize = 1_000;
/// Bytes of a word: a kind, a quantity's name.
const WORD_BYTES: usize = 80;
/// The case of `accounting-record` for kinds of the site's own.
const OTHER: &str = "other";

/// Records of one usage item that break the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    #[error("{} {record_type} record {problem}", article(record_type))]
    Record {
        record_type: String,
        problem: RecordProblem,
    },
    #[error("two {record_type} records of one item have the id `{id}`")]
    Twice { record_type: String, id: String },
    #[error(
        "a record of another item has the id `{0}`, too: whoever goes by ids would keep one of them"
    )]
    OfTwoItems(String),
    #[error(
        "an other record has the kind `{0}`, and a mapper may make {KINDS} kinds in one run, which are made: \
         what differs from record to record is its `resource-id` or an attribute, not its kind"
    )]
    Kinds(String),
    #[error("{0} records of one item, of which there may be {MOST_OF_AN_ITEM}")]
    Many(usize),
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    #[error("has an empty `{0}`")]
    Empty(&'static str),
    #[error("ends at {end}, before it starts at {start}")]
    Backwards { start: i64, end: i64 },
    #[error("has a `{0}` that is not finite")]
    NotFinite(&'static str),
    #[error("has a quantity `{0}` that is not finite")]
    QuantityNotFinite(String),
    #[error("has the IP version {0}")]
    IpVersion(u8),
    #[error("has the month {0}")]
    Month(u8),
    #[error("has a key `{0}` of {1} bytes, more than {KEY_BYTES}")]
    Long(&'static str, usize),
    #[error("has a control character in its `{0}`")]
    Control(&'static str),
    #[error("has the kind `{0}`, which is not of a-z, 0-9, `-` and `_`, at most {WORD_BYTES}")]
    Kind(String),
    #[error("has the kind `{kind}`, which is kept for {reserved} records")]
    Reserved {
        kind: String,
        reserved: &'static str,
    },
    #[error("has a quantity `{0}`, which is not of a-z, 0-9, `-` and `_`, at most {WORD_BYTES}")]
    Quantity(String),
    #[error("has the quantity `{0}` twice")]
    QuantityTwice(String),
    #[error("has a payload that is no JSON object: {0}")]
    Payload(String),
}

/// Before the name of a record type, which may be any word.
fn article(word: &str) -> &'static str {
    match word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => "an",
        false => "a",
    }
}

/// Checks the records of one usage item.
pub fn records(records: &[AccountingRecord]) -> Result<(), RecordsError> {
    if records.len() > MOST_OF_AN_ITEM {
        return Err(RecordsError::Many(records.len()));
    }
    let mut seen = BTreeSet::new();
    for record in records {
        let record_type = || match record.record_type() {
            word if is_word(word) => word.to_owned(),
            _ => OTHER.to_owned(),
        };
        one(record).map_err(|problem| RecordsError::Record {
            record_type: match problem {
                // By its kind it would be taken for one of those for which the kind is kept.
                RecordProblem::Reserved { .. } => OTHER.to_owned(),
                _ => record_type(),
            },
            problem,
        })?;
        let id = &record.head().id;
        if !seen.insert((record.record_type(), id)) {
            return Err(RecordsError::Twice {
                record_type: record_type(),
                id: id.clone(),
            });
        }
    }
    Ok(())
}

/// Of the items of a page those with a record whose id one of an item before them has, too; by their places.
pub fn of_two_items<'a>(
    items: impl Iterator<Item = &'a [AccountingRecord]>,
) -> HashMap<usize, RecordsError> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = HashMap::new();
    for (place, records) in items.enumerate() {
        for record in records {
            let id = &record.head().id;
            let first = *seen.entry((record.record_type(), id)).or_insert(place);
            if first != place {
                found.insert(place, RecordsError::OfTwoItems(id.clone()));
                break;
            }
        }
    }
    found
}

/// Whether there is room in the run's budget for the kinds of these records, which keep the contract
/// in all else. Each kind is batches, files and lines of its own for every messenger.
pub fn kinds(records: &[AccountingRecord], budget: &Budget) -> Result<(), RecordsError> {
    for record in records {
        if let AccountingRecord::Other(record) = record
            && !budget.kind(&record.kind)
        {
            return Err(RecordsError::Kinds(record.kind.clone()));
        }
    }
    Ok(())
}

fn one(record: &AccountingRecord) -> Result<(), RecordProblem> {
    let head = record.head();
    key("id", &head.id)?;
    key("supersedes", &head.supersedes)?;
    match record {
        AccountingRecord::Cloud(record) => {
            named("vm-uuid", &record.vm_uuid)?;
            ordered(record.start, record.end.unwrap_or(record.start))?;
        }
        AccountingRecord::Ip(record) => {
            if !matches!(record.ip_version, 4 | 6) {
                return Err(RecordProblem::IpVersion(record.ip_version));
            }
        }
        AccountingRecord::Accelerator(record) => {
            named("associated-record", &record.associated_record)?;
            if !(1..=12).contains(&record.month) {
                return Err(RecordProblem::Month(record.month));
            }
        }
        AccountingRecord::Storage(record) => {
            named("resource-id", &record.resource_id)?;
            ordered(record.start, record.end)?;
        }
        AccountingRecord::Energy(record) => {
            named("exec-unit-id", &record.exec_unit_id)?;
            ordered(record.start, record.end)?;
        }
        AccountingRecord::Other(record) => {
            kind(&record.kind)?;
            named("resource-id", &record.resource_id)?;
            ordered(record.start, record.end)?;
            quantities(&record.quantities)?;
            if let Some(payload) = &record.payload {
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(payload)
                    .map_err(|error| RecordProblem::Payload(error.to_string()))?;
            }
        }
    }
    match record.not_finite() {
        Some(field) => Err(RecordProblem::NotFinite(field)),
        None => Ok(()),
    }
}

/// What a resource is called: it stands in log lines, in commands, and in lists of a line each.
fn named(field: &'static str, value: &str) -> Result<(), RecordProblem> {
    if value.is_empty() {
        return Err(RecordProblem::Empty(field));
    }
    match value.contains(char::is_control) {
        true => Err(RecordProblem::Control(field)),
        false => Ok(()),
    }
}

/// An id or a key: what consumers keep in an index.
fn key(field: &'static str, value: &str) -> Result<(), RecordProblem> {
    if value.len() > KEY_BYTES {
        return Err(RecordProblem::Long(field, value.len()));
    }
    named(field, value)
}

fn kind(kind: &str) -> Result<(), RecordProblem> {
    if !is_word(kind) {
        return Err(RecordProblem::Kind(kind.to_owned()));
    }
    // The cases of `accounting-record`: a kind that is one of them, or begins with one and a
    // `-`, would be taken for it by who reads names.
    let taken = |word: &&'static str| {
        kind.strip_prefix(*word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    match RecordType::names().chain([OTHER, ADOPTED]).find(taken) {
        Some(reserved) => Err(RecordProblem::Reserved {
            kind: kind.to_owned(),
            reserved,
        }),
        None => Ok(()),
    }
}

fn quantities(quantities: &[Quantity]) -> Result<(), RecordProblem> {
    let mut seen = BTreeSet::new();
    for Quantity { name, value } in quantities {
        if !is_word(name) {
            return Err(RecordProblem::Quantity(name.clone()));
        }
        if !seen.insert(name) {
            return Err(RecordProblem::QuantityTwice(name.clone()));
        }
        if !value.is_finite() {
            return Err(RecordProblem::QuantityNotFinite(name.clone()));
        }
    }
    Ok(())
}

fn is_word(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= WORD_BYTES && text.bytes().all(fits)
}

fn ordered(start: i64, end: i64) -> Result<(), RecordProblem> {
    match end < start {
        true => Err(RecordProblem::Backwards { start, end }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
