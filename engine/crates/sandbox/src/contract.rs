//! What the host holds a mapper's records to: the sentences of `wit/` that types
//! cannot say. A consumer's own rules are its messenger's; what an answer is
//! held to stands at [`caso_model::answer`].

use std::collections::BTreeSet;

use caso_model::record::AccountingRecord;

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
    #[error("has the IP version {0}")]
    IpVersion(u8),
    #[error("has the month {0}")]
    Month(u8),
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
    let mut seen = BTreeSet::new();
    for record in records {
        let record_type = || match record.record_type() {
            "" => "other".to_owned(),
            named => named.to_owned(),
        };
        one(record).map_err(|problem| RecordsError::Record {
            record_type: record_type(),
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

fn one(record: &AccountingRecord) -> Result<(), RecordProblem> {
    let head = record.head();
    named("id", &head.id)?;
    named("supersedes", &head.supersedes)?;
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
            named("volume-id", &record.volume_id)?;
            ordered(record.start, record.end)?;
        }
        AccountingRecord::Energy(record) => {
            named("exec-unit-id", &record.exec_unit_id)?;
            ordered(record.start, record.end)?;
        }
        AccountingRecord::Other(record) => {
            named("kind", &record.kind)?;
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&record.payload)
                .map_err(|error| RecordProblem::Payload(error.to_string()))?;
        }
    }
    match record.not_finite() {
        Some(field) => Err(RecordProblem::NotFinite(field)),
        None => Ok(()),
    }
}

fn named(field: &'static str, value: &str) -> Result<(), RecordProblem> {
    match value.is_empty() {
        true => Err(RecordProblem::Empty(field)),
        false => Ok(()),
    }
}

fn ordered(start: i64, end: i64) -> Result<(), RecordProblem> {
    match end < start {
        true => Err(RecordProblem::Backwards { start, end }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
