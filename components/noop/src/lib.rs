//! `noop`: a messenger that takes every record, of any type, and does nothing
//! with it but say so. For a site that wants to see an extraction run.

use caso_component::log;
use caso_component::messenger::{Answer, Batch, ComponentDescription, Delivery, Description};
use caso_component::types::Setting;

/// The component.
pub struct Noop;

impl Description for Noop {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "noop".to_owned(),
            summary: "Takes every record and does nothing with it".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            record_types: Vec::new(),
            options: Vec::new(),
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl Delivery for Noop {
    fn start(_instance: String, _settings: Vec<Setting>) -> Result<(), String> {
        Ok(())
    }

    fn deliver(batch: Batch) -> Answer {
        log::info(&format!(
            "took {} records of type `{}` (batch `{}`)",
            batch.records.len(),
            batch.record_type,
            batch.id
        ));
        Answer::done(&batch, Vec::new())
    }
}

#[cfg(target_arch = "wasm32")]
caso_component::export_messenger!(Noop);

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::{Head, OtherRecord, RecordList};

    #[test]
    fn takes_what_it_does_not_know() {
        let record = OtherRecord {
            head: Head {
                id: "bucket:1".into(),
                supersedes: "bucket:1".into(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            kind: "object-storage".into(),
            payload: "{}".into(),
        };
        let answer = Noop::deliver(Batch {
            id: "b".into(),
            attempt: 1,
            instance: "noop".into(),
            record_type: "object-storage".into(),
            records: RecordList::Other(vec![record.clone(), record]),
            now: 0,
            attributes: Vec::new(),
        });
        assert_eq!(answer.accepted, 2);
        assert!(answer.refused.is_empty());
    }
}
