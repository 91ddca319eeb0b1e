//! A mapper for cASO: makes accounting records of what was used.
//!
//! `wit/` has the contract, with every item documented. `describe` says what this component
//! is, `start` takes the site's options, `map-usage` gets usage page by page.
//!
//! A mapper is pure: no files, no network, a clock that stands still. The same usage gives
//! the same records.

// Without a sandbox, as in `cargo test`, nobody calls what is exported.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod records;

use std::cell::RefCell;

wit_bindgen::generate!({ path: "wit", world: "mapper" });

use caso::accounting::descriptions::{ComponentDescription, OptionDescription, OptionKind};
use caso::accounting::outcomes::Outcome;
use caso::accounting::types::{OptionValue, Setup, StartError, WrongOption};
use caso::accounting::usage::{Context, Tables, UsageItem};
use exports::caso::accounting::{description, mapping};

struct Component;

thread_local! {
    // What `start` was given. A store serves one project after the other.
    static STATUS: RefCell<String> = const { RefCell::new(String::new()) };
}

impl description::Guest for Component {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: env!("CARGO_PKG_NAME").into(),
            summary: "A site's own records".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            // Of the kinds that `records` makes.
            record_types: records::KINDS.iter().map(|kind| (*kind).into()).collect(),
            // Set in the section [mapper].
            options: vec![OptionDescription {
                name: "unknown_status".into(),
                kind: OptionKind::Text,
                default: Some("unknown".into()),
                required: false,
                help: "The status of a VM for whose state there is no word.".into(),
                old_names: Vec::new(),
                attributes: Vec::new(),
            }],
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl mapping::Guest for Component {
    fn start(setup: Setup) -> Result<(), StartError> {
        let mut status = String::new();
        for setting in setup.settings {
            if let ("unknown_status", OptionValue::Text(text)) =
                (setting.name.as_str(), setting.value)
            {
                status = text;
            }
        }
        if status.is_empty() {
            // cASO prints it with the file and line that set the option.
            return Err(StartError::WrongOption(WrongOption {
                name: "unknown_status".into(),
                reason: "must not be empty".into(),
                attributes: Vec::new(),
            }));
        }
        STATUS.set(status);
        Ok(())
    }

    fn map_usage(context: Context, tables: Tables, items: Vec<UsageItem>) -> Vec<Outcome> {
        STATUS.with_borrow(|unknown| {
            items
                .iter()
                .map(|item| outcome(records::records(&context, &tables, item, unknown)))
                .collect()
        })
    }
}

/// The records, or why the item cannot be accounted: cASO then puts it into quarantine, and
/// does not forget it.
fn outcome(records: Result<Vec<caso::accounting::records::AccountingRecord>, String>) -> Outcome {
    let (records, refused) = match records {
        Ok(records) => (records, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    Outcome {
        records,
        refused,
        attributes: Vec::new(),
    }
}

#[cfg(target_family = "wasm")]
export!(Component);
