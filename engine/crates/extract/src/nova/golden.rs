//! A project of a real Nova (2026.2), as recorded, against the records that
//! cASO 5.2.2 made of the same answers: which servers are emitted, and with which facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::Value;

use super::*;
use crate::extract;
use crate::testing::*;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_model::usage::Tables;
use caso_stand_in::Person;

/// Emitted by us, and by cASO only as a warning: its row was deleted without
/// coming into the lists, and only the usage API has it.
const LOST_BY_CASO: &str = "16b2baba-f483-5c12-910d-cce554a35d3f";

fn recording() -> Value {
    serde_json::from_str(include_str!("../testdata/main.json")).unwrap()
}

fn answer(call: &Seen, recording: &Value) -> Option<Reply> {
    let last = call.path.rsplit('/').next()?;
    let list = match last {
        "detail" if call.asks("/flavors/") => &recording["flavors"],
        "detail" if call.param("changes-since").is_none() => &recording["current"],
        "detail" if call.param("changes-since")? == "2026-10-01T00:00:00Z" => &recording["servers"],
        "detail" => return Some(ok(serde_json::json!({"servers": []}))),
        "images" => &recording["images"],
        "os-extra_specs" => {
            let id = call.path.split('/').rev().nth(1)?;
            return Some(ok(
                serde_json::json!({"extra_specs": recording["extra_specs"][id]}),
            ));
        }
        _ if call.asks("os-simple-tenant-usage") => &recording["usage"],
        _ => return None,
    };
    Some(ok(list.clone()))
}

async fn run() -> (Kept, Value) {
    let recording = recording();
    let id = recording["project"].as_str().unwrap().to_owned();
    let window = Window {
        start: recording["window"][0].as_i64().unwrap(),
        end: recording["window"][1].as_i64().unwrap(),
    };
    let users = recording["users"].as_object().unwrap();
    let named = |(id, name): (&String, &Value)| {
        Some(Person {
            id: id.clone(),
            name: name.as_str()?.to_owned(),
        })
    };
    let stand = Plan {
        microversion: 46,
        people: users.iter().filter_map(named).collect(),
        projects: vec![project_with(&id, Vec::new())],
        ..plan()
    }
    .start_with({
        let recording = recording.clone();
        move |call, _| answer(call, &recording)
    });
    let mut kept = Kept::default();
    let project = project(&id);
    let context = stand.context();
    let history = Mutex::default();
    let outcome = extract(
        Extractor::Nova,
        Task {
            context: &context,
            project: &project,
            window,
            history: &history,
            volumes: None,
        },
        &mut kept,
    );
    outcome.await.unwrap();
    assert_eq!(context.caches.closing_warnings(), []);
    (kept, recording)
}

#[tokio::test]
async fn the_same_servers_as_caso_and_the_one_it_lost() {
    let (kept, recording) = run().await;
    let emitted: BTreeSet<&str> = kept
        .servers()
        .iter()
        .map(|server| server.id.as_str())
        .collect();
    let records = recording["records"].as_object().unwrap();
    let mut expected: BTreeSet<&str> = records.keys().map(String::as_str).collect();
    expected.insert(LOST_BY_CASO);
    assert_eq!(emitted, expected);
    assert_eq!(kept.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn the_same_facts_as_in_casos_records() {
    let (kept, recording) = run().await;
    let mut compared = 0;
    for page in &kept.0 {
        for item in &page.items {
            let UsageItem::Server(server) = item else {
                panic!("{item:?}")
            };
            let Some(record) = recording["records"].get(&server.id) else {
                continue;
            };
            let record: BTreeMap<String, String> = serde_json::from_value(record.clone()).unwrap();
            let name = record["MachineName"].as_str();
            for (field, fact) in facts(server, &page.tables) {
                assert_eq!(record.get(field), fact.as_ref(), "{field} of {name}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 28 * 9);
}

/// What a record says, where it follows from one fact each.
fn facts(server: &Server, tables: &Tables) -> Vec<(&'static str, Option<String>)> {
    let ascii = |text: &String| -> String { text.chars().filter(char::is_ascii).collect() };
    let usage = server.compute_usage.as_ref();
    let flavor = tables
        .flavors
        .iter()
        .find(|flavor| Some(&flavor.id) == server.flavor_id.as_ref());
    let image = tables
        .images
        .iter()
        .find(|image| Some(&image.id) == server.image_id.as_ref());
    let uri = image.and_then(|image| {
        let uri = |property: &&caso_model::Attribute| property.name == "vmcatcher_event_ad_mpuri";
        image.properties.iter().find(uri)
    });
    let user = tables
        .users
        .iter()
        .find(|user| Some(&user.id) == server.user_id.as_ref());
    let floating = server.addresses.iter().flatten();
    let floating = floating.filter(|address| address.kind.as_deref() == Some("floating"));
    vec![
        ("MachineName", server.name.as_ref().map(ascii)),
        ("StartTime", server.created.map(|time| time.to_string())),
        (
            "CpuCount",
            usage
                .and_then(|usage| usage.vcpus)
                .or(flavor.and_then(|flavor| flavor.vcpus))
                .map(|count| count.to_string()),
        ),
        (
            "Memory",
            usage
                .and_then(|usage| usage.memory_mib)
                .or(flavor.and_then(|flavor| flavor.memory_mib))
                .map(|size| size.to_string()),
        ),
        (
            "Disk",
            usage
                .and_then(|usage| usage.disk_gib)
                .or(flavor.and_then(|flavor| Some(flavor.root_gib? + flavor.ephemeral_gib?)))
                .map(|size| size.to_string()),
        ),
        (
            "ImageId",
            uri.map(|uri| uri.value.clone()).or(server.image_id.clone()),
        ),
        ("LocalUserId", server.user_id.clone()),
        (
            "GlobalUserName",
            user.and_then(|user| user.name.as_ref()).map(ascii),
        ),
        ("PublicIPCount", Some(floating.count().to_string())),
    ]
}
