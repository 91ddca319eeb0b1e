//! A mapper that fails as its option `mode` says: `VERB` or `VERB:ID`, where ID
//! is the usage item on which it does.

// A native build of it is empty.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

wit_bindgen::generate!({ path: "../../../wit", world: "mapper" });

use caso::accounting::records::{AccountingRecord, Head, OtherRecord};
use caso::accounting::types::{Attribute, OptionValue, Setting};
use caso::accounting::usage::{Context, Tables, UsageItem};
use exports::caso::accounting::description::{self, ComponentDescription};
use exports::caso::accounting::mapping::{self, Outcome};

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
        payload: payload.to_owned(),
    })
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
        return Outcome::Refused("not mine".to_owned());
    };
    let good = || Outcome::Records(vec![record(&usage.id, "{}")]);
    match verb {
        "trap" => panic!("cannot map {}", usage.id),
        "loop" => loop {
            std::hint::black_box(usage);
        },
        "refuse" => Outcome::Refused("a bad\x1b one".to_owned()),
        "empty-id" => Outcome::Records(vec![record("", "{}")]),
        "no-json" => Outcome::Records(vec![record(&usage.id, "<xml/>")]),
        "twice" => Outcome::Records(vec![record(&usage.id, "{}"), record(&usage.id, "{}")]),
        "other" => Outcome::Other(Attribute {
            name: "later".to_owned(),
            value: "case".to_owned(),
        }),
        "surroundings" => Outcome::Refused(surroundings()),
        _ => good(),
    }
}

impl mapping::Guest for Hostile {
    fn start(settings: Vec<Setting>) -> Result<(), String> {
        if let Some(Setting {
            value: OptionValue::Text(mode),
            ..
        }) = settings.into_iter().next()
        {
            if mode == "start-refuses" {
                return Err("which status map?".to_owned());
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
