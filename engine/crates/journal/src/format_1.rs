//! Records as format 1 of the journal had them, up to version 1.0 of the contract.
//!
//! What an engine of that time sealed is delivered by this one, by the same messengers
//! and with the same bytes. A record of format 1 differs in five ways: one benchmark as
//! two fields, a `uuid` in a public IP record, the name of a storage record's resource
//! and of two of its facts, and an `other` record that has a payload and no interval.

use serde_json::{Map, Value, json};

use caso_model::record::AccountingRecord;

/// The record of a line.
pub(crate) fn record(text: &str) -> Result<AccountingRecord, serde_json::Error> {
    let mut record: Map<String, Value> = serde_json::from_str(text)?;
    for (case, fields) in &mut record {
        if let Value::Object(fields) = fields {
            convert(case, fields);
        }
    }
    serde_json::from_value(Value::Object(record))
}

fn convert(case: &str, fields: &mut Map<String, Value>) {
    match case {
        "Cloud" | "Accelerator" => benchmark(fields),
        "Ip" => {
            if let Some(uuid) = fields.remove("uuid")
                && let Some(facts) = facts(fields)
            {
                facts.push(json!({"name": "uuid", "value": uuid}));
            }
        }
        "Storage" => {
            if let Some(id) = fields.remove("volume_id") {
                fields.insert("resource_id".to_owned(), id);
            }
            for fact in facts(fields).into_iter().flatten() {
                let name = match fact.get("name").and_then(Value::as_str) {
                    Some("attached_to") => "attached-to",
                    Some("attached_seconds") => "attached-seconds",
                    _ => continue,
                };
                if let Some(fact) = fact.as_object_mut() {
                    fact.insert("name".to_owned(), json!(name));
                }
            }
        }
        "Other" => {
            let head = |name| fields.get("head").and_then(|head| head.get(name));
            let id = head("id").cloned().unwrap_or_default();
            // All that is known of its time.
            let at = head("measured_at").cloned().unwrap_or_default();
            for (name, value) in [
                ("resource_id", id),
                ("start", at.clone()),
                ("end", at),
                ("quantities", json!([])),
            ] {
                fields.insert(name.to_owned(), value);
            }
        }
        _ => {}
    }
}

fn benchmark(fields: &mut Map<String, Value>) {
    let mut taken = |name| fields.remove(name).unwrap_or_default();
    let (name, value) = (taken("benchmark_type"), taken("benchmark_value"));
    let benchmarks = match name.is_null() && value.is_null() {
        true => json!([]),
        false => json!([{"name": name, "value": value, "attributes": []}]),
    };
    fields.insert("benchmarks".to_owned(), benchmarks);
}

/// The attributes of a record's head.
fn facts(fields: &mut Map<String, Value>) -> Option<&mut Vec<Value>> {
    fields
        .get_mut("head")?
        .get_mut("attributes")?
        .as_array_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_model::record::Benchmark;

    fn head(facts: Value) -> Value {
        json!({"id": "i", "supersedes": "s", "measured_at": 7, "attributes": facts})
    }

    fn cloud(name: Value, value: Value) -> Vec<Benchmark> {
        let text = json!({"Cloud": {
            "head": head(json!([])), "vm_uuid": "v", "site_name": "", "compute_service": "",
            "cloud_type": "", "machine_name": "", "local_user_id": null, "local_group_id": "",
            "global_user_name": null, "fqan": "", "status": "", "start": 0, "end": null,
            "suspend_seconds": null, "wall_seconds": null, "cpu_seconds": null, "cpu_count": 2,
            "network_type": null, "network_inbound_bytes": null, "network_outbound_bytes": null,
            "public_ip_count": null, "memory_mib": null, "disk_gib": null,
            "benchmark_type": name, "benchmark_value": value,
            "storage_record_id": null, "image_id": null}});
        let AccountingRecord::Cloud(record) = record(&text.to_string()).unwrap() else {
            panic!("another case");
        };
        assert_eq!(record.cpu_count, Some(2.0));
        record.benchmarks
    }

    #[test]
    fn a_benchmark_has_what_was_known_of_it() {
        let benchmark = |name: Option<&str>, value| Benchmark {
            name: name.map(str::to_owned),
            value,
            attributes: Vec::new(),
        };
        assert_eq!(cloud(json!(null), json!(null)), []);
        assert_eq!(
            cloud(json!("HS23"), json!(0.1 + 0.2)),
            [benchmark(Some("HS23"), Some(0.1 + 0.2))]
        );
        assert_eq!(
            cloud(json!("HS23"), json!(null)),
            [benchmark(Some("HS23"), None)]
        );
        assert_eq!(cloud(json!(null), json!(3)), [benchmark(None, Some(3.0))]);
    }

    #[test]
    fn an_other_record_is_of_its_moment() {
        let text = json!({"Other": {"head": head(json!([])), "kind": "bucket", "payload": "{}"}});
        let AccountingRecord::Other(record) = record(&text.to_string()).unwrap() else {
            panic!("another case");
        };
        assert_eq!((record.start, record.end), (7, 7));
        assert_eq!(record.resource_id, "i");
        assert_eq!(record.payload.as_deref(), Some("{}"));
    }

    /// By the format of the file, and not by what a record looks like.
    #[test]
    fn only_a_file_of_format_1_is_read_so() {
        let text = json!({"Other": {"head": head(json!([])), "kind": "bucket", "payload": "{}"}});
        let text = text.to_string();
        assert_eq!(crate::batch::parsed(1, &text), record(&text).ok());
        assert_eq!(crate::batch::parsed(2, &text), None);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in ["", "[]", "{}", "{\"Cloud\": 1}", "{\"Cloud\": {}}"] {
            assert!(record(text).is_err(), "{text}");
        }
    }
}
