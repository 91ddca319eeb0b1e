//! What the host holds a component to: the sentences of `wit/` that types
//! cannot say. A consumer's own rules are its messenger's.

use std::collections::BTreeSet;

use caso_model::guest::{Answer, Rest};
use caso_model::record::AccountingRecord;

/// Checks the records of one usage item.
pub fn records(records: &[AccountingRecord]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for record in records {
        one(record).map_err(|what| format!("a {} record {what}", record.record_type()))?;
        if !seen.insert((record.record_type(), &record.head().id)) {
            let kind = record.record_type();
            return Err(format!(
                "two {kind} records of one item have the id `{}`",
                record.head().id
            ));
        }
    }
    Ok(())
}

fn one(record: &AccountingRecord) -> Result<(), String> {
    let head = record.head();
    named("id", &head.id)?;
    named("supersedes", &head.supersedes)?;
    match record {
        AccountingRecord::Cloud(record) => {
            named("vm-uuid", &record.vm_uuid)?;
            ordered(record.start, record.end.unwrap_or(record.start))?;
            finite("benchmark-value", record.benchmark_value)
        }
        AccountingRecord::Ip(record) => match record.ip_version {
            4 | 6 => Ok(()),
            other => Err(format!("has the IP version {other}")),
        },
        AccountingRecord::Accelerator(record) => {
            named("associated-record", &record.associated_record)?;
            if !(1..=12).contains(&record.month) {
                return Err(format!("has the month {}", record.month));
            }
            finite("count", Some(record.count))?;
            finite("benchmark-value", record.benchmark_value)
        }
        AccountingRecord::Storage(record) => {
            named("volume-id", &record.volume_id)?;
            ordered(record.start, record.end)
        }
        AccountingRecord::Energy(record) => {
            named("exec-unit-id", &record.exec_unit_id)?;
            ordered(record.start, record.end)?;
            finite("watt-hours", Some(record.watt_hours))?;
            finite("work", record.work)?;
            finite("efficiency", record.efficiency)?;
            finite("cpu-normalization-factor", record.cpu_normalization_factor)
        }
        AccountingRecord::Other(record) => {
            named("kind", &record.kind)?;
            let object: Result<serde_json::Map<String, serde_json::Value>, _> =
                serde_json::from_str(&record.payload);
            object
                .map(drop)
                .map_err(|error| format!("has a payload that is no JSON object: {error}"))
        }
    }
}

fn named(field: &str, value: &str) -> Result<(), String> {
    if value.is_empty() {
        Err(format!("has an empty `{field}`"))
    } else {
        Ok(())
    }
}

fn ordered(start: i64, end: i64) -> Result<(), String> {
    if end < start {
        Err(format!("ends at {end}, before it starts at {start}"))
    } else {
        Ok(())
    }
}

fn finite(field: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !value.is_finite() => {
            Err(format!("has a `{field}` of {value}, which is not finite"))
        }
        _ => Ok(()),
    }
}

/// Checks an answer against the batch it answers.
pub fn answer(mut answer: Answer, len: usize) -> Result<Answer, String> {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    if answer.accepted > len {
        return Err(format!("it accepted {} records of {len}", answer.accepted));
    }
    let mut seen = BTreeSet::new();
    for refusal in &answer.refused {
        if refusal.index >= len {
            return Err(format!(
                "it refused record {} of {len}, counted from 0",
                refusal.index
            ));
        }
        if !seen.insert(refusal.index) {
            return Err(format!("it refused record {} twice", refusal.index));
        }
    }
    let beyond = seen
        .iter()
        .filter(|index| **index >= answer.accepted)
        .count();
    let dealt = u64::from(answer.accepted) + u64::try_from(beyond).unwrap_or(u64::MAX);
    if answer.rest == Rest::Done && dealt < u64::from(len) {
        let left = u64::from(len) - dealt;
        answer.rest = Rest::Other(format!("it left {left} records without saying why"));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_model::guest::Refusal;
    use caso_model::record::{EnergyRecord, Head, OtherRecord};

    fn head() -> Head {
        Head {
            id: "i".to_owned(),
            supersedes: "s".to_owned(),
            measured_at: 0,
            attributes: Vec::new(),
        }
    }

    fn energy() -> EnergyRecord {
        EnergyRecord {
            head: head(),
            exec_unit_id: "vm".to_owned(),
            site_name: String::new(),
            compute_service: String::new(),
            cloud_type: String::new(),
            start: 10,
            end: 10,
            watt_hours: 1.0,
            work: None,
            efficiency: None,
            wall_seconds: 0,
            cpu_seconds: None,
            suspend_seconds: None,
            cpu_normalization_factor: None,
            finished: false,
            status: String::new(),
            owner: String::new(),
        }
    }

    #[test]
    fn ids_numbers_and_times_are_checked() {
        type Spoil = fn(&mut EnergyRecord);
        let spoil: [(&str, Spoil); 6] = [
            ("empty `id`", |r| r.head.id.clear()),
            ("empty `supersedes`", |r| r.head.supersedes.clear()),
            ("empty `exec-unit-id`", |r| r.exec_unit_id.clear()),
            ("ends at 9, before it starts at 10", |r| r.end = 9),
            ("`watt-hours` of NaN", |r| r.watt_hours = f64::NAN),
            ("`work` of inf", |r| r.work = Some(f64::INFINITY)),
        ];
        assert!(records(&[AccountingRecord::Energy(energy())]).is_ok());
        for (part, spoil) in spoil {
            let mut record = energy();
            spoil(&mut record);
            let problem = records(&[AccountingRecord::Energy(record)]).unwrap_err();
            assert!(
                problem.starts_with("a energy record") && problem.contains(part),
                "{problem}"
            );
        }
    }

    #[test]
    fn an_id_stands_once_for_each_type() {
        let other = |payload: &str| {
            let kind = "object-storage".to_owned();
            AccountingRecord::Other(OtherRecord {
                head: head(),
                kind,
                payload: payload.to_owned(),
            })
        };
        let energy = || AccountingRecord::Energy(energy());
        assert!(records(&[energy(), other("{}")]).is_ok());
        assert!(
            records(&[energy(), energy()])
                .unwrap_err()
                .contains("have the id `i`")
        );
        assert!(
            records(&[other("[]")])
                .unwrap_err()
                .contains("no JSON object")
        );
    }

    fn answered(accepted: u32, refused: &[u32], rest: Rest) -> Result<Answer, String> {
        let refused = refused
            .iter()
            .map(|index| Refusal {
                index: *index,
                reason: "r".to_owned(),
            })
            .collect();
        answer(
            Answer {
                accepted,
                refused,
                rest,
                attributes: Vec::new(),
            },
            3,
        )
    }

    #[test]
    fn numbers_lie_inside_the_batch() {
        assert!(answered(3, &[0, 2], Rest::Done).is_ok());
        assert!(answered(0, &[2], Rest::TooLarge).is_ok());
        assert!(
            answered(4, &[], Rest::Done)
                .unwrap_err()
                .contains("accepted 4 records of 3")
        );
        assert!(
            answered(3, &[3], Rest::Done)
                .unwrap_err()
                .contains("refused record 3 of 3")
        );
        assert!(
            answered(3, &[1, 1], Rest::Done)
                .unwrap_err()
                .contains("twice")
        );
    }

    #[test]
    fn what_is_left_in_silence_is_other() {
        assert_eq!(answered(1, &[1, 2], Rest::Done).unwrap().rest, Rest::Done);
        let rest = answered(1, &[0, 2], Rest::Done).unwrap().rest;
        assert_eq!(
            rest,
            Rest::Other("it left 1 records without saying why".to_owned())
        );
    }
}
