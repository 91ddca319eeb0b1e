//! A filter that does what its option `verb` says, to every record or, as `VERB:NAME`, to
//! those of the machine of this name.

// A native build of it is empty.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;

wit_bindgen::generate!({ path: ["../../../wit", "../../../wit/filter"], world: "caso:filter/filter", generate_all });

use caso::accounting::deliveries::Batch;
use caso::accounting::descriptions::{ComponentDescription, OptionDescription, OptionKind};
use caso::accounting::records::{AccountingRecord, CloudRecord, RecordList};
use caso::accounting::types::{Attribute, OptionValue, Setup, StartError};
use caso::filter::verdicts::Verdict;
use exports::caso::accounting::description;
use exports::caso::filter::filtering;

struct Filter;

thread_local! {
    static VERB: RefCell<String> = const { RefCell::new(String::new()) };
}

impl description::Guest for Filter {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "test-filter".to_owned(),
            summary: "Does what it is told".to_owned(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: vec![OptionDescription {
                name: "verb".to_owned(),
                kind: OptionKind::Text,
                default: Some("keep".to_owned()),
                required: false,
                help: "What to do".to_owned(),
                old_names: Vec::new(),
                attributes: Vec::new(),
            }],
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl filtering::Guest for Filter {
    fn start(setup: Setup) -> Result<(), StartError> {
        for setting in setup.settings {
            if let OptionValue::Text(verb) = setting.value {
                VERB.set(verb);
            }
        }
        match VERB.with_borrow(|verb| verb == "refuse-to-start") {
            true => Err(StartError::Unavailable("not today".to_owned())),
            false => Ok(()),
        }
    }

    fn filter(batch: Batch) -> Vec<Verdict> {
        let verb = VERB.with_borrow(String::clone);
        let (verb, name) = verb.split_once(':').unwrap_or((&verb, ""));
        let RecordList::Cloud(records) = batch.records else {
            return batch.origin_of.iter().map(|_| Verdict::Keep).collect();
        };
        let mut verdicts: Vec<Verdict> = records
            .into_iter()
            .map(
                |record| match name.is_empty() || record.machine_name == name {
                    true => verdict(verb, record),
                    false => Verdict::Keep,
                },
            )
            .collect();
        if verb == "too-few" {
            verdicts.pop();
        }
        verdicts
    }
}

fn verdict(verb: &str, mut record: CloudRecord) -> Verdict {
    match verb {
        "keep" | "too-few" => return Verdict::Keep,
        "warn" => {
            caso::accounting::log::write(caso::accounting::log::Level::Warning, "seen by a filter");
            return Verdict::Keep;
        }
        "drop" => return Verdict::Drop("private".to_owned()),
        "trap" => panic!("asked to trap"),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "other" => {
            return Verdict::Other(Attribute {
                name: "later".to_owned(),
                value: "unheard of".to_owned(),
            });
        }
        "rename" => record.machine_name = "renamed".to_owned(),
        "change-id" => record.head.id += "x",
        "backwards" => record.end = Some(record.start - 1),
        other => panic!("no such verb: {other}"),
    }
    Verdict::Replace(AccountingRecord::Cloud(record))
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Filter with_types_in super);
    use super::Filter;
}
