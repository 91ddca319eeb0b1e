use super::*;
use serde_json::{Value, json};

/// A record of this type, good but for these fields.
fn record(record_type: &str, change: Value) -> AccountingRecord {
    let mut fields = json!({
        "head": {"id": "i", "supersedes": "s", "measured_at": 0, "attributes": []},
        "site_name": "", "compute_service": "", "cloud_type": "", "fqan": "", "status": "",
        "start": 10, "end": 10,
        // cloud, ip
        "vm_uuid": "vm", "machine_name": "", "local_group_id": "", "uuid": "",
        "local_group": "", "ip_version": 4, "ip_count": 0,
        // accelerator
        "month": 1, "year": 2026, "associated_record_type": "cloud", "associated_record": "vm",
        "count": 1.0, "active_seconds": 0, "available_seconds": 0, "accelerator_type": "GPU",
        // storage
        "volume_id": "v", "storage_system": "", "create_time": 0, "capacity_bytes": 0,
        // energy
        "exec_unit_id": "vm", "watt_hours": 1.0, "wall_seconds": 0, "finished": false,
        "owner": "",
        // other
        "kind": "object-storage", "payload": "{}",
    });
    let all = fields.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        match name.as_str() {
            "id" | "supersedes" => all["head"][name] = value.clone(),
            name => drop(all.insert(name.to_owned(), value.clone())),
        }
    }
    fn read<T: serde::de::DeserializeOwned>(fields: Value) -> T {
        serde_json::from_value(fields).unwrap()
    }
    match record_type {
        "cloud" => AccountingRecord::Cloud(read(fields)),
        "ip" => AccountingRecord::Ip(read(fields)),
        "accelerator" => AccountingRecord::Accelerator(read(fields)),
        "storage" => AccountingRecord::Storage(read(fields)),
        "energy" => AccountingRecord::Energy(read(fields)),
        _ => AccountingRecord::Other(read(fields)),
    }
}

fn problem(all: &[AccountingRecord]) -> String {
    records(all).unwrap_err().to_string()
}

#[test]
fn each_sentence_of_the_contract_is_checked() {
    for (record_type, change, said) in [
        (
            "cloud",
            json!({"id": ""}),
            "a cloud record has an empty `id`",
        ),
        (
            "cloud",
            json!({"supersedes": ""}),
            "a cloud record has an empty `supersedes`",
        ),
        (
            "cloud",
            json!({"vm_uuid": ""}),
            "a cloud record has an empty `vm-uuid`",
        ),
        (
            "cloud",
            json!({"end": 9}),
            "a cloud record ends at 9, before it starts at 10",
        ),
        (
            "ip",
            json!({"ip_version": 5}),
            "an ip record has the IP version 5",
        ),
        (
            "accelerator",
            json!({"associated_record": ""}),
            "an accelerator record has an empty `associated-record`",
        ),
        (
            "accelerator",
            json!({"month": 0}),
            "an accelerator record has the month 0",
        ),
        (
            "accelerator",
            json!({"month": 13}),
            "an accelerator record has the month 13",
        ),
        (
            "storage",
            json!({"volume_id": ""}),
            "a storage record has an empty `volume-id`",
        ),
        (
            "storage",
            json!({"end": 9}),
            "a storage record ends at 9, before it starts at 10",
        ),
        (
            "energy",
            json!({"exec_unit_id": ""}),
            "an energy record has an empty `exec-unit-id`",
        ),
        (
            "energy",
            json!({"end": 9}),
            "an energy record ends at 9, before it starts at 10",
        ),
        (
            "other",
            json!({"kind": ""}),
            "an other record has an empty `kind`",
        ),
    ] {
        assert_eq!(problem(&[record(record_type, change)]), said);
    }
    let array = problem(&[record("other", json!({"payload": "[]"}))]);
    let start = "an object-storage record has a payload that is no JSON object: ";
    assert!(array.starts_with(start), "{array}");
}

#[test]
fn what_keeps_the_contract_is_taken() {
    for (record_type, change) in [
        ("cloud", json!({})),
        ("cloud", json!({"end": null})),
        ("ip", json!({"ip_version": 6})),
        ("accelerator", json!({"month": 12})),
        ("storage", json!({})),
        ("energy", json!({"end": 11})),
        ("other", json!({})),
    ] {
        assert_eq!(
            records(&[record(record_type, change)]),
            Ok(()),
            "{record_type}"
        );
    }
}

#[test]
fn every_number_is_finite() {
    // JSON has no such numbers.
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        type Spoil = fn(&mut AccountingRecord, f64);
        let spoil: [(&str, &str, Spoil); 7] = [
            ("cloud", "benchmark-value", |record, bad| {
                let AccountingRecord::Cloud(record) = record else {
                    return;
                };
                record.benchmark_value = Some(bad);
            }),
            ("accelerator", "count", |record, bad| {
                let AccountingRecord::Accelerator(record) = record else {
                    return;
                };
                record.count = bad;
            }),
            ("accelerator", "benchmark-value", |record, bad| {
                let AccountingRecord::Accelerator(record) = record else {
                    return;
                };
                record.benchmark_value = Some(bad);
            }),
            ("energy", "watt-hours", |record, bad| {
                let AccountingRecord::Energy(record) = record else {
                    return;
                };
                record.watt_hours = bad;
            }),
            ("energy", "work", |record, bad| {
                let AccountingRecord::Energy(record) = record else {
                    return;
                };
                record.work = Some(bad);
            }),
            ("energy", "efficiency", |record, bad| {
                let AccountingRecord::Energy(record) = record else {
                    return;
                };
                record.efficiency = Some(bad);
            }),
            ("energy", "cpu-normalization-factor", |record, bad| {
                let AccountingRecord::Energy(record) = record else {
                    return;
                };
                record.cpu_normalization_factor = Some(bad);
            }),
        ];
        for (record_type, field, spoil) in spoil {
            let mut spoiled = record(record_type, json!({}));
            spoil(&mut spoiled, bad);
            let said = problem(&[spoiled]);
            assert!(
                said.ends_with(&format!("record has a `{field}` that is not finite")),
                "{said}"
            );
        }
    }
}

#[test]
fn an_id_stands_once_for_each_type() {
    let energy = || record("energy", json!({}));
    assert_eq!(records(&[energy(), record("other", json!({}))]), Ok(()));
    assert_eq!(
        problem(&[energy(), energy()]),
        "two energy records of one item have the id `i`"
    );
}
