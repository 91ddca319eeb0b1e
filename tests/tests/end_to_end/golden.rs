//! The recording of the real OpenStack, replayed: what comes of it must be what
//! cASO 5.2.2 made of the same cloud, but for its known defects.
//! `tests/openstack/record` makes the recording anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use caso_stand_in::epoch;
use caso_tests::build::workspace;
use caso_tests::site::Site;
use caso_tests::spool::{self, Message};

use crate::month_ends::as_of;

type Records = BTreeMap<String, BTreeMap<String, String>>;

/// Servers whose flavor is gone, and what is right for them: the CPUs they
/// had, and the benchmark of the flavor they booted with (defect 25).
const FLAVOR_GONE: [&str; 4] = [
    "deleted-flavor",
    "deleted-flavor-deleted",
    "reborn-running",
    "reborn-deleted",
];
/// A row that only the usage call knows (defect 39).
const USAGE_ONLY: &str = "16b2baba-f483-5c12-910d-cce554a35d3f";

fn reference(cases: &[&str]) -> Vec<Message> {
    cases
        .iter()
        .flat_map(|case| {
            let folder = workspace().join("tests/openstack/reference").join(case);
            let names = spool::names(&folder)
                .into_iter()
                .filter(|name| name.ends_with(".msg"));
            names
                .map(move |name| folder.join(name))
                .collect::<Vec<PathBuf>>()
        })
        .map(|path| Message {
            name: path.display().to_string(),
            text: fs::read_to_string(&path).expect("a recorded message"),
        })
        .collect()
}

fn by_server(messages: &[Message]) -> Records {
    messages
        .iter()
        .flat_map(Message::cloud_records)
        .map(|record| (record["VMUUID"].clone(), record))
        .collect()
}

/// Accelerator records, each as one text.
fn accelerators(messages: &[Message]) -> BTreeSet<String> {
    messages
        .iter()
        .filter(|message| message.kind() == "accelerator")
        .flat_map(|message| {
            let value: serde_json::Value = serde_json::from_str(&message.text).expect("JSON");
            value["UsageRecords"].as_array().expect("a list").clone()
        })
        .map(|record| record.to_string())
        .collect()
}

/// Storage records by their id, without the times of the run that made them.
fn volumes(messages: &[Message]) -> Records {
    messages
        .iter()
        .flat_map(Message::storage_records)
        .map(|mut record| {
            record.remove("createTime");
            record.remove("EndTime");
            (record["recordId"].clone(), record)
        })
        .collect()
}

/// Public IP records, each as one text, without what is of the moment.
fn addresses(messages: &[Message]) -> BTreeSet<String> {
    messages
        .iter()
        .filter(|message| message.kind() == "ip")
        .flat_map(Message::json_records)
        .map(|mut record| {
            let fields = record.as_object_mut().expect("an object");
            for field in ["uuid", "MeasurementTime"] {
                assert!(fields.remove(field).is_some(), "no {field}");
            }
            record.to_string()
        })
        .collect()
}

/// The messages that a replay of the recording makes.
fn replay(site: &Site) -> Vec<Message> {
    let into = site.path().join("replayed");
    let golden = workspace().join("tests/golden");
    site.extract(&[
        "--replay",
        golden.to_str().expect("UTF-8"),
        "--into",
        into.to_str().expect("UTF-8"),
    ])
    .expect(0);
    spools_below(&into)
}

/// Created after the window, and reported by cASO all the same (defect 44).
const CREATED_LATER: &str = "65594b4f-a76c-552d-91fb-43c0e3ebd4b3";

/// But for the end of their interval, which is the window's (defect 41).
#[test]
fn the_recorded_volumes_and_addresses_are_what_caso_made_of_them() {
    let mut site = Site::with_auth_url("http://127.0.0.1:9/never-asked");
    site.set("ssm", "star_record_id", "volume");
    let messages = replay(&site);
    let reference = reference(&["main"]);
    let mut right = volumes(&reference);
    assert!(right.remove(CREATED_LATER).is_some());
    assert_eq!(right.len(), 8);
    assert_eq!(volumes(&messages), right);
    for record in messages.iter().flat_map(Message::storage_records) {
        assert_eq!(record["EndTime"], "2026-11-16T00:00:00");
    }
    assert_eq!(addresses(&messages), addresses(&reference));
    // One message of each type, in cASO's order.
    let kinds: Vec<&str> = messages.iter().map(Message::kind).collect();
    let order: Vec<&str> = reference.iter().map(Message::kind).collect();
    assert_eq!(kinds, order);
}

#[test]
fn the_recorded_openstack_gives_what_caso_made_of_it() {
    let site = Site::with_auth_url("http://127.0.0.1:9/never-asked");
    let messages = replay(&site);
    let reference = reference(&["main", "flavors"]);

    // Besides what cASO makes, one as of October's end of each server that ran then (defect 60).
    let records: Vec<_> = messages.iter().flat_map(Message::cloud_records).collect();
    let end = epoch("2026-10-31 23:59:59");
    let measured = |record: &BTreeMap<String, String>| {
        number(record, "StartTime") + number(record, "WallDuration")
    };
    let (month_ends, last): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|record| measured(record) == end);
    let right: Vec<_> = last
        .iter()
        .filter(|record| number(record, "StartTime") < end && end < measured(record))
        .map(|record| as_of(record, end))
        .collect();
    assert_eq!(month_ends, right);
    assert!(month_ends.len() > 20, "{}", month_ends.len());
    let mut found: Records = last
        .iter()
        .map(|record| (record["VMUUID"].clone(), record.clone()))
        .collect();
    assert_eq!(found.len(), last.len(), "one as of the window's end");
    assert_eq!(found[USAGE_ONLY]["MachineName"], "deleted-db-error");
    found.remove(USAGE_ONLY);
    let right = by_server(&reference);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        right.keys().collect::<Vec<_>>()
    );
    for (id, mut ours) in found {
        let mut theirs = right[&id].clone();
        if FLAVOR_GONE.contains(&theirs["MachineName"].as_str()) {
            let product = number(&ours, "WallDuration") * number(&ours, "CpuCount");
            assert_eq!(number(&ours, "CpuDuration"), product, "{id}");
            assert!(
                ["15.7", "11.5"].contains(&ours["Benchmark"].as_str()),
                "{id}"
            );
            for field in ["CpuDuration", "Benchmark", "BenchmarkType"] {
                ours.remove(field);
                theirs.remove(field);
            }
        }
        assert_eq!(ours, theirs);
    }
    assert_eq!(accelerators(&messages), accelerators(&reference));
}

fn number(record: &BTreeMap<String, String>, field: &str) -> i64 {
    record[field].parse().expect("a number")
}

/// Every message of every spool in a folder.
pub fn spools_below(folder: &std::path::Path) -> Vec<Message> {
    spool::names(folder)
        .into_iter()
        .map(|name| folder.join(name))
        .flat_map(|path| {
            if path.is_dir() {
                spools_below(&path)
            } else {
                fs::read_to_string(&path)
                    .map(|text| Message {
                        name: path.display().to_string(),
                        text,
                    })
                    .into_iter()
                    .collect()
            }
        })
        .filter(|message| {
            ["APEL-cloud", "{\"Type\"", "<sr:"]
                .iter()
                .any(|begin| message.text.starts_with(begin))
        })
        .collect()
}
