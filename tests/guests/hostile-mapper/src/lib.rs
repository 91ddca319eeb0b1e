//! A mapper that fails as its option `mode` says: `VERB` or `VERB:ID`, where ID
//! is the usage item on which it does.

// A native build of it is empty.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

wit_bindgen::generate!({ path: "../../../wit", world: "mapper" });

use caso::accounting::descriptions::ComponentDescription;
use caso::accounting::outcomes::Outcome;
use caso::accounting::records::{AccountingRecord, Head, OtherRecord};
use caso::accounting::types::{OptionValue, Quantity, Setting, Setup, StartError, WrongOption};
use caso::accounting::usage::{Context, Tables, UsageItem};
use exports::caso::accounting::{description, mapping};

struct Hostile;

thread_local! {
    static MODE: RefCell<String> = const { RefCell::new(String::new()) };
}

impl description::Guest for Hostile {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "hostile-mapper".to_owned(),
            summary: String::new(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: Vec::new(),
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

fn record(id: &str, payload: &str) -> AccountingRecord {
    AccountingRecord::Other(OtherRecord {
        head: Head {
            id: id.to_owned(),
            supersedes: "key".to_owned(),
            measured_at: 0,
            attributes: Vec::new(),
        },
        kind: "test".to_owned(),
        resource_id: id.to_owned(),
        start: 0,
        end: 1,
        quantities: vec![Quantity {
            name: "requests".to_owned(),
            value: 1.0,
        }],
        payload: Some(payload.to_owned()),
    })
}

/// A record of this kind.
fn of_kind(id: &str, kind: &str) -> AccountingRecord {
    match record(id, "{}") {
        AccountingRecord::Other(record) => AccountingRecord::Other(OtherRecord {
            kind: kind.to_owned(),
            ..record
        }),
        other => other,
    }
}

fn records(records: Vec<AccountingRecord>) -> Outcome {
    Outcome {
        records,
        refused: None,
        attributes: Vec::new(),
    }
}

fn refused(reason: &str) -> Outcome {
    Outcome {
        refused: Some(reason.to_owned()),
        ..records(Vec::new())
    }
}

/// Everything by which a guest could distinguish two runs.
fn surroundings() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|now| now.as_secs());
    let start = std::time::Instant::now();
    // A timer is a clock. Where none moves it has run out before it was set.
    std::thread::sleep(std::time::Duration::from_secs(86_400));
    for _ in 0..1_000 {
        std::hint::black_box(start);
    }
    let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
    format!("{now:?} {:?} {random}", start.elapsed())
}

fn map(verb: &str, item: &UsageItem) -> Outcome {
    let UsageItem::Other(usage) = item else {
        return refused("not mine");
    };
    let good = || records(vec![record(&usage.id, "{}")]);
    match verb {
        "trap" => panic!("cannot map {}", usage.id),
        "loop" => loop {
            std::hint::black_box(usage);
        },
        "refuse" => refused("a bad\x1b one"),
        "partly" => Outcome {
            records: vec![record(&usage.id, "{}")],
            ..refused("its\x1b other half")
        },
        "empty-id" => records(vec![record("", "{}")]),
        "red-id" => records(vec![record("a\x1b[31mRED\nerror: forged", "{}")]),
        "long-id" => records(vec![record(&"x".repeat(1_001), "{}")]),
        "kind-cloud" => records(vec![of_kind(&usage.id, "cloud")]),
        "kind-path" => records(vec![of_kind(&usage.id, "../../x\x1b[2J\ny")]),
        "no-json" => records(vec![record(&usage.id, "<xml/>")]),
        "twice" => records(vec![record(&usage.id, "{}"), record(&usage.id, "{}")]),
        "surroundings" => refused(&surroundings()),
        _ => good(),
    }
}

impl mapping::Guest for Hostile {
    fn start(setup: Setup) -> Result<(), StartError> {
        if let Some(Setting {
            value: OptionValue::Text(mode),
            ..
        }) = setup.settings.into_iter().next()
        {
            if mode == "start-refuses" {
                return Err(StartError::WrongOption(WrongOption {
                    name: "mode".to_owned(),
                    reason: "which status map?".to_owned(),
                    attributes: Vec::new(),
                }));
            }
            MODE.set(mode);
        }
        Ok(())
    }

    fn map_usage(_: Context, _: Tables, items: Vec<UsageItem>) -> Vec<Outcome> {
        let mode = MODE.with_borrow(String::clone);
        let (verb, victim) = mode.split_once(':').unwrap_or((&mode, ""));
        let mut outcomes: Vec<Outcome> = items
            .iter()
            .map(|item| match item {
                UsageItem::Other(usage) if victim.is_empty() || usage.id == victim => {
                    map(verb, item)
                }
                item => map("", item),
            })
            .collect();
        if verb == "wrong-count" {
            outcomes.pop();
        }
        outcomes
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Hostile with_types_in super);
    use super::Hostile;
}
