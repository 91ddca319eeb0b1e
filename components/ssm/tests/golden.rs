//! The messages that cASO 5.2.2 made of a real OpenStack, made by mapper and messenger from
//! the same facts: equal byte for byte, but for cASO's known defects, and for the records as of
//! months' ends, which it does not make (defect 60): each VM must have exactly those that
//! follow from its record as of the window's end.
//!
//! `golden/CASE/openstack.json` has what Nova, Glance and Keystone answered cASO
//! (the fields that matter), `*.msg` what cASO wrote, under TZ=UTC.

// The helpers of a test fail like the test itself.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;

use caso_component::messenger::Batch;
use caso_component::records::{AccountingRecord, RecordList};
use caso_component::types::{Attribute, Window};
use caso_mapper::usage::{
    Address, ComputeUsage, Context, Flavor, Image, Server, Tables, UsageItem, User,
};
use caso_mapper::{Outcome, policy::Policy};
use caso_ssm::Options;
use chrono::NaiveDateTime;
use serde_json::Value;

#[test]
fn main_case() {
    Case::load("main").check(&[
        Difference {
            machine: "deleted-flavor",
            cpu_seconds: (Some("1"), "52531200"),
        },
        Difference {
            machine: "deleted-db-error",
            cpu_seconds: (None, "5615940"),
        },
    ]);
}

#[test]
fn firstrun() {
    Case::load("firstrun").check(&[Difference {
        machine: "deleted-flavor",
        cpu_seconds: (Some("1"), "60441872"),
    }]);
}

#[test]
fn incremental() {
    Case::load("incremental-2").check(&[]);
}

/// A VM whose record differs because of one of cASO's defects:
///
/// - 25: for a running VM whose flavor is gone cASO reports no CPUs, and so one second of
///   CPU time; the usage API has its CPUs.
/// - 39: a server that only the usage API knows has no record in cASO.
struct Difference {
    machine: &'static str,
    /// CpuDuration: cASO's, if it has a record of the VM, and ours.
    cpu_seconds: (Option<&'static str>, &'static str),
}

struct Case {
    facts: Value,
    cloud: String,
    accelerator: String,
}

impl Case {
    fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        Self {
            facts: serde_json::from_str(&read("openstack.json")).unwrap(),
            cloud: read("cloud.msg"),
            accelerator: read("accelerator.msg"),
        }
    }

    fn check(&self, differences: &[Difference]) {
        let (cloud, accelerator) = self.ours();
        assert_eq!(accelerator, self.accelerator);

        let (header, ours) = records(&cloud);
        let (their_header, mut theirs) = records(&self.cloud);
        assert_eq!(header, their_header);
        let (month_ends, mut ours): (Vec<String>, Vec<String>) = ours
            .into_iter()
            .partition(|record| self.is_of_a_month_end(record));
        let expected: Vec<String> = ours
            .iter()
            .flat_map(|record| self.month_ends(record))
            .collect();
        assert_eq!(month_ends, expected);
        assert!(!expected.is_empty());
        let cloud_without = format!("{header}\n{}\n", ours.join("\n%%\n"));
        for difference in differences {
            let (their_seconds, our_seconds) = difference.cpu_seconds;
            let their = remove(&mut theirs, difference.machine);
            let our = remove(&mut ours, difference.machine).unwrap();
            assert_eq!(value(&our, "CpuDuration"), our_seconds);
            match (their, their_seconds) {
                (Some(their), Some(seconds)) => {
                    let corrected = their.replace(
                        &format!("CpuDuration: {seconds}\n"),
                        &format!("CpuDuration: {our_seconds}\n"),
                    );
                    assert_eq!(our, corrected);
                }
                (their, seconds) => assert_eq!(their.as_deref(), seconds),
            }
        }
        assert_eq!(ours, theirs);
        if differences.is_empty() {
            assert_eq!(cloud_without, self.cloud);
        }
    }

    /// The last seconds of the months that end in the window.
    fn ends_in_window(&self) -> impl Iterator<Item = i64> {
        let window = context(&self.facts).window;
        let ends = MONTH_ENDS.map(|end| time(&Value::from(end)).unwrap());
        ends.into_iter()
            .filter(move |end| (window.start..window.end).contains(end))
    }

    fn is_of_a_month_end(&self, record: &str) -> bool {
        let measured = number(record, "StartTime") + number(record, "WallDuration");
        self.ends_in_window().any(|end| end == measured)
    }

    /// What there must be beside this record, which is as of the window's end.
    fn month_ends(&self, record: &str) -> Vec<String> {
        let start = number(record, "StartTime");
        let until = start + number(record, "WallDuration");
        self.ends_in_window()
            .filter(|end| (start + 1..until).contains(end))
            .map(|end| {
                let wall = end - start;
                let line = |line: &str| match line.split_once(": ").unwrap().0 {
                    "CpuDuration" => format!("CpuDuration: {}", wall * number(record, "CpuCount")),
                    "EndTime" => "EndTime: 0".to_owned(),
                    "Status" => line.replace("completed", "started"),
                    "WallDuration" => format!("WallDuration: {wall}"),
                    _ => line.to_owned(),
                };
                record.lines().map(line).collect::<Vec<_>>().join("\n")
            })
            .collect()
    }

    /// Cloud and accelerator message, with the servers in the order of cASO's records.
    fn ours(&self) -> (String, String) {
        let context = context(&self.facts);
        let tables = tables(&self.facts);
        let (_, theirs) = records(&self.cloud);
        let order: Vec<&str> = theirs.iter().map(|text| value(text, "VMUUID")).collect();
        let mut servers = servers(&self.facts);
        servers.sort_by_key(|server| {
            let place = order.iter().position(|vm| *vm == server.id);
            place.unwrap_or(usize::MAX)
        });
        // The engine leaves out what ended long before the window.
        let start = context.window.start;
        servers.retain(|server| server.terminated.is_none_or(|end| end >= start));
        let items: Vec<UsageItem> = servers.into_iter().map(UsageItem::Server).collect();
        let (mut clouds, mut accelerators) = (Vec::new(), Vec::new());
        for outcome in caso_mapper::map(&Policy::default(), &context, &tables, &items) {
            let Outcome::Records(records) = outcome else {
                panic!("{outcome:?}");
            };
            for record in records {
                match record {
                    AccountingRecord::Cloud(record) => clouds.push(record),
                    AccountingRecord::Accelerator(record) => accelerators.push(record),
                    other => panic!("{other:?}"),
                }
            }
        }
        (
            message(RecordList::Cloud(clouds)),
            message(RecordList::Accelerator(accelerators)),
        )
    }
}

/// Those around the windows of all cases, and around the lives of their VMs.
const MONTH_ENDS: [&str; 8] = [
    "2026-04-30T23:59:59",
    "2026-05-31T23:59:59",
    "2026-06-30T23:59:59",
    "2026-07-31T23:59:59",
    "2026-08-31T23:59:59",
    "2026-09-30T23:59:59",
    "2026-10-31T23:59:59",
    "2026-11-30T23:59:59",
];

/// The header of a cloud message, and its records.
fn records(message: &str) -> (&str, Vec<String>) {
    let (header, body) = message.split_once('\n').unwrap();
    let records = body.strip_suffix('\n').unwrap().split("\n%%\n");
    (header, records.map(str::to_owned).collect())
}

fn remove(records: &mut Vec<String>, machine: &str) -> Option<String> {
    let place = records
        .iter()
        .position(|record| value(record, "MachineName") == machine)?;
    Some(records.remove(place))
}

fn number(record: &str, key: &str) -> i64 {
    value(record, key).parse().unwrap()
}

fn value<'a>(record: &'a str, key: &str) -> &'a str {
    let mut lines = record.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| *known == key).unwrap().1
}

/// The one message that the messenger makes of the records.
fn message(records: RecordList) -> String {
    let batch = Batch {
        id: "golden".into(),
        attempt: 1,
        instance: "ssm".into(),
        record_type: String::new(),
        records,
        now: 0,
        attributes: Vec::new(),
    };
    let mut messages = Vec::new();
    let answer = caso_ssm::deliver(&Options::default(), &batch, &mut |message| {
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        Ok(())
    });
    assert_eq!(answer.refused, []);
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

fn context(facts: &Value) -> Context {
    let edge = |at: usize| time(&facts["window"][at]).unwrap();
    Context {
        site_name: "TEST-SITE".into(),
        service_name: "TEST-SITE-CLOUD".into(),
        cloud_type: "caso/5.2.2 (OpenStack)".into(),
        cloud: "default".into(),
        region: None,
        project_id: "3174786e9d0146608dfdbebc1b4a983e".into(),
        project_name: None,
        vo: "vo.example.org".into(),
        window: Window {
            start: edge(0),
            end: edge(1),
        },
        now: edge(1),
        attributes: Vec::new(),
    }
}

/// Epoch seconds of a time as any of the APIs writes it.
fn time(value: &Value) -> Option<i64> {
    let text = value.as_str()?.trim_end_matches('Z');
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").unwrap();
    Some(time.and_utc().timestamp())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn attributes(value: &Value) -> Vec<Attribute> {
    let pairs = value.as_object().unwrap().iter();
    pairs
        .filter_map(|(name, value)| {
            Some(Attribute {
                name: name.clone(),
                value: text(value)?,
            })
        })
        .collect()
}

fn tables(facts: &Value) -> Tables {
    Tables {
        flavors: list(&facts["flavors"])
            .map(|flavor| Flavor {
                id: text(&flavor["id"]).unwrap(),
                name: text(&flavor["name"]),
                vcpus: flavor["vcpus"].as_u64().map(|n| n.try_into().unwrap()),
                memory_mib: flavor["ram"].as_u64(),
                root_gib: flavor["disk"].as_u64(),
                ephemeral_gib: flavor["ephemeral"].as_u64(),
                extra_specs: Some(attributes(&flavor["extra_specs"])),
                attributes: Vec::new(),
            })
            .collect(),
        images: list(&facts["images"])
            .map(|image| Image {
                id: text(&image["id"]).unwrap(),
                name: None,
                properties: attributes(image),
                attributes: Vec::new(),
            })
            .collect(),
        users: attributes(&facts["users"])
            .into_iter()
            .map(|user| User {
                id: user.name,
                name: Some(user.value),
                attributes: Vec::new(),
            })
            .collect(),
    }
}

/// The servers that Nova lists, each with its usage, then those that only the usage has.
fn servers(facts: &Value) -> Vec<Server> {
    let mut usages: BTreeMap<String, &Value> = list(&facts["usages"])
        .map(|entry| (text(&entry["instance_id"]).unwrap(), entry))
        .collect();
    let mut servers: Vec<Server> = list(&facts["servers"])
        .map(|server| {
            let id = text(&server["id"]).unwrap();
            let usage = usages.remove(&id).map(usage);
            listed(server, id, usage)
        })
        .collect();
    servers.extend(usages.into_iter().map(|(id, entry)| Server {
        name: text(&entry["name"]),
        compute_usage: Some(usage(entry)),
        project_id: text(&entry["tenant_id"]).unwrap(),
        addresses: None,
        ..listed(&Value::Null, id, None)
    }));
    servers
}

fn listed(server: &Value, id: String, compute_usage: Option<ComputeUsage>) -> Server {
    Server {
        id,
        name: text(&server["name"]),
        project_id: text(&server["tenant_id"]).unwrap_or_default(),
        user_id: text(&server["user_id"]),
        status: text(&server["status"]),
        vm_state: None,
        task_state: None,
        created: time(&server["created"]),
        launched: time(&server["OS-SRV-USG:launched_at"]),
        terminated: time(&server["OS-SRV-USG:terminated_at"]),
        updated: time(&server["updated"]),
        image_id: text(&server["image"]),
        flavor_id: text(&server["flavor"]),
        embedded_flavor: None,
        addresses: server["addresses"].as_object().map(|networks| {
            networks
                .iter()
                .flat_map(|(network, addresses)| {
                    list(addresses).map(|address| Address {
                        value: text(&address["addr"]).unwrap(),
                        version: address["version"].as_u64().map(|n| n.try_into().unwrap()),
                        kind: text(&address["OS-EXT-IPS:type"]),
                        network: network.clone(),
                        attributes: Vec::new(),
                    })
                })
                .collect()
        }),
        compute_usage,
        counters: None,
        earlier_counters: None,
        sizes: Vec::new(),
        attributes: Vec::new(),
    }
}

fn usage(entry: &Value) -> ComputeUsage {
    ComputeUsage {
        started: time(&entry["started_at"]),
        ended: time(&entry["ended_at"]),
        vcpus: entry["vcpus"].as_u64().map(|n| n.try_into().unwrap()),
        memory_mib: entry["memory_mb"].as_u64(),
        disk_gib: entry["local_gb"].as_u64(),
        state: text(&entry["state"]),
        flavor_name: text(&entry["flavor"]),
        attributes: Vec::new(),
    }
}
