//! A filter for cASO: changes or leaves out records on their way to one messenger.
//!
//! `wit/` has the contract, with every item documented. `describe` says what this component
//! is, `start` takes the site's options, `filter` gets a batch and answers a verdict for each
//! record.
//!
//! A filter is pure: no files, no network, a clock that stands still. The same batch gets
//! the same verdicts.

// Without a sandbox, as in `cargo test`, nobody calls what is exported.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod verdicts;

use std::cell::RefCell;

wit_bindgen::generate!({ path: ["wit", "wit/filter"], world: "caso:filter/filter", generate_all });

use caso::accounting::deliveries::Batch;
use caso::accounting::descriptions::{ComponentDescription, OptionDescription, OptionKind};
use caso::accounting::types::{OptionValue, Setup, StartError, WrongOption};
use caso::filter::verdicts::Verdict;
use exports::caso::accounting::description;
use exports::caso::filter::filtering;

struct Component;

thread_local! {
    // What `start` was given.
    static SHOWN_AS: RefCell<String> = const { RefCell::new(String::new()) };
}

impl description::Guest for Component {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: env!("CARGO_PKG_NAME").into(),
            summary: "Hides the names of VMs".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            record_types: Vec::new(),
            // Set in the section of the filter's own name.
            options: vec![OptionDescription {
                name: "shown_as".into(),
                kind: OptionKind::Text,
                default: Some("hidden".into()),
                required: false,
                help: "What stands in the place of a VM's name.".into(),
                old_names: Vec::new(),
                attributes: Vec::new(),
            }],
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl filtering::Guest for Component {
    fn start(setup: Setup) -> Result<(), StartError> {
        let mut shown_as = String::new();
        for setting in setup.settings {
            if let ("shown_as", OptionValue::Text(text)) = (setting.name.as_str(), setting.value) {
                shown_as = text;
            }
        }
        if shown_as.is_empty() {
            // cASO prints it with the file and line that set the option. Until it is mended
            // the messenger's records wait: none goes by unfiltered.
            return Err(StartError::WrongOption(WrongOption {
                name: "shown_as".into(),
                reason: "must not be empty".into(),
                attributes: Vec::new(),
            }));
        }
        SHOWN_AS.set(shown_as);
        Ok(())
    }

    fn filter(batch: Batch) -> Vec<Verdict> {
        SHOWN_AS.with_borrow(|shown_as| verdicts::verdicts(batch.records, shown_as))
    }
}

#[cfg(target_family = "wasm")]
export!(Component);
