use super::*;
use caso_model::record::Benchmark;
use serde_json::{Value, json};

/// A record of this type, good but for these fields.
fn record(record_type: &str, change: Value) -> AccountingRecord {
    let mut fields = json!({
        "head": {"id": "i", "supersedes": "s", "measured_at": 0, "attributes": []},
        "site_name": "", "compute_service": "", "cloud_type": "", "fqan": "", "status": "",
        "start": 10, "end": 10,
        // cloud, ip
        "vm_uuid": "vm", "machine_name": "", "local_group_id": "", "benchmarks": [],
        "local_group": "", "ip_version": 4, "ip_count": 0,
        // accelerator
        "month": 1, "year": 2026, "associated_record_type": "cloud", "associated_record": "vm",
        "count": 1.0, "active_seconds": 0, "available_seconds": 0, "accelerator_type": "GPU",
        // storage
        "resource_id": "v", "storage_system": "", "create_time": 0, "capacity_bytes": 0,
        // energy
        "exec_unit_id": "vm", "watt_hours": 1.0, "wall_seconds": 0, "finished": false,
        "owner": "",
        // other
        "kind": "object-storage", "quantities": [], "payload": "{}",
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
            json!({"vm_uuid": "x\nerror: forged"}),
            "a cloud record has a control character in its `vm-uuid`",
        ),
        (
            "other",
            json!({"resource_id": "\u{1b}[2J"}),
            "an object-storage record has a control character in its `resource-id`",
        ),
        (
            "storage",
            json!({"resource_id": "v\u{85}"}),
            "a storage record has a control character in its `resource-id`",
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
            json!({"resource_id": ""}),
            "a storage record has an empty `resource-id`",
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
            "an other record has the kind ``, which is not of a-z, 0-9, `-` and `_`, at most 80",
        ),
        (
            "other",
            json!({"kind": "../x\n"}),
            "an other record has the kind `../x\n`, which is not of a-z, 0-9, `-` and `_`, at \
             most 80",
        ),
        (
            "other",
            json!({"kind": "cloud"}),
            "an other record has the kind `cloud`, which is kept for cloud records",
        ),
        (
            "other",
            json!({"kind": "other"}),
            "an other record has the kind `other`, which is kept for other records",
        ),
        (
            "other",
            json!({"kind": "apel-message"}),
            "an other record has the kind `apel-message`, which is kept for apel-message records",
        ),
        (
            "other",
            json!({"kind": "energy-joules"}),
            "an other record has the kind `energy-joules`, which is kept for energy \
             records",
        ),
        (
            "other",
            json!({"resource_id": ""}),
            "an object-storage record has an empty `resource-id`",
        ),
        (
            "other",
            json!({"end": 9}),
            "an object-storage record ends at 9, before it starts at 10",
        ),
        (
            "other",
            json!({"quantities": [{"name": "Bytes", "value": 1.0}]}),
            "an object-storage record has a quantity `Bytes`, which is not of a-z, 0-9, `-` and \
             `_`, at most 80",
        ),
        (
            "other",
            json!({"quantities": [{"name": "a", "value": 1.0}, {"name": "a", "value": 2.0}]}),
            "an object-storage record has the quantity `a` twice",
        ),
        (
            "cloud",
            json!({"id": "x".repeat(1_001)}),
            "a cloud record has a key `id` of 1001 bytes, more than 1000",
        ),
        (
            "ip",
            json!({"supersedes": "\u{e9}".repeat(501)}),
            "an ip record has a key `supersedes` of 1002 bytes, more than 1000",
        ),
        (
            "cloud",
            json!({"id": "a\u{1b}[31m"}),
            "a cloud record has a control character in its `id`",
        ),
        (
            "cloud",
            json!({"supersedes": "a\u{85}"}),
            "a cloud record has a control character in its `supersedes`",
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
        ("other", json!({"kind": "cloudy", "payload": null})),
        (
            "other",
            json!({"kind": "x-energy", "quantities": [{"name": "watt-hours", "value": 0.5}]}),
        ),
        (
            "cloud",
            json!({"id": "x".repeat(1_000), "supersedes": "b\u{f3}b"}),
        ),
        ("cloud", json!({"cpu_count": 0.5})),
    ] {
        assert_eq!(
            records(&[record(record_type, change)]),
            Ok(()),
            "{record_type}"
        );
    }
}

fn benchmark(value: f64) -> Benchmark {
    Benchmark {
        value: Some(value),
        ..Benchmark::default()
    }
}

#[test]
fn every_number_is_finite() {
    // JSON has no such numbers.
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        type Spoil = fn(&mut AccountingRecord, f64);
        let spoil: [(&str, &str, Spoil); 9] = [
            ("cloud", "cpu-count", |record, bad| {
                let AccountingRecord::Cloud(record) = record else {
                    return;
                };
                record.cpu_count = Some(bad);
            }),
            ("cloud", "benchmarks", |record, bad| {
                let AccountingRecord::Cloud(record) = record else {
                    return;
                };
                record.benchmarks = vec![Benchmark::default(), benchmark(bad)];
            }),
            ("other", "quantities", |record, bad| {
                let AccountingRecord::Other(record) = record else {
                    return;
                };
                record.quantities = vec![Quantity {
                    name: "bytes".to_owned(),
                    value: bad,
                }];
            }),
            ("accelerator", "count", |record, bad| {
                let AccountingRecord::Accelerator(record) = record else {
                    return;
                };
                record.count = bad;
            }),
            ("accelerator", "benchmarks", |record, bad| {
                let AccountingRecord::Accelerator(record) = record else {
                    return;
                };
                record.benchmarks = vec![benchmark(bad)];
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
                said.ends_with(&match field {
                    "quantities" => "record has a quantity `bytes` that is not finite".to_owned(),
                    field => format!("record has a `{field}` that is not finite"),
                }),
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

#[test]
fn an_id_is_of_one_item_of_a_page_and_of_one_type() {
    let of = |record_type, id| record(record_type, json!({ "id": id }));
    let page = [
        vec![of("cloud", "a"), of("accelerator", "a")],
        vec![of("cloud", "b")],
        vec![of("cloud", "c"), of("cloud", "a")],
        vec![of("cloud", "b")],
        vec![],
    ];
    let found = of_two_items(page.iter().map(|it| &it[..]));
    let expected =
        [(2, "a"), (3, "b")].map(|(place, id)| (place, RecordsError::OfTwoItems(id.into())));
    assert_eq!(found, HashMap::from(expected));
    assert_eq!(
        found[&2].to_string(),
        "a record of another item has the id `a`, too: whoever goes by ids would keep one of them"
    );
}

#[test]
fn of_one_item_there_are_ten_thousand_at_most() {
    let numbered = |id: usize| record("cloud", json!({ "id": id.to_string() }));
    let mut all: Vec<AccountingRecord> = (0..10_000).map(numbered).collect();
    assert_eq!(records(&all), Ok(()));
    all.push(numbered(10_000));
    let refused = records(&all).unwrap_err().to_string();
    assert_eq!(
        refused,
        "10001 records of one item, of which there may be 10000"
    );
}

/// 5,000 of them took the host minutes.
#[test]
fn a_mapper_makes_so_many_kinds_in_a_run_and_is_told_of_the_bound() {
    let budget = Budget::default();
    let of_kind = |kind: &str| [record("other", json!({"kind": kind}))];
    for n in 0..KINDS {
        assert_eq!(kinds(&of_kind(&format!("k{n}")), &budget), Ok(()));
    }
    assert_eq!(kinds(&of_kind("k0"), &budget), Ok(()));
    assert_eq!(kinds(&[record("cloud", json!({}))], &budget), Ok(()));
    let told = kinds(&of_kind("one-more"), &budget)
        .unwrap_err()
        .to_string();
    assert!(
        told.starts_with(
            "an other record has the kind `one-more`, and a mapper may make 100 kinds in one run"
        ),
        "{told}"
    );
}
