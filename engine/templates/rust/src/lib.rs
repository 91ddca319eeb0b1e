//! A messenger for cASO: puts what it is told of VMs into a queue, a line each.
//!
//! `wit/` has the contract, with every item documented. `describe` says what this component
//! is and wants, `start` takes the site's options, `deliver` gets the records.

// Without a sandbox, as in `cargo test`, nobody calls what is exported.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod lines;

use std::cell::RefCell;

wit_bindgen::generate!({ path: "wit", world: "messenger" });

use caso::accounting::deliveries::{Answer, Batch, Rest};
use caso::accounting::descriptions::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso::accounting::log;
use caso::accounting::queue::{self, QueueError};
use caso::accounting::records::RecordList;
use caso::accounting::types::{Attribute, OptionValue, Setup, StartError, WrongOption};
use exports::caso::accounting::{delivery, description};

struct Component;

thread_local! {
    // What `start` was given. A store serves one instance, one call after the other.
    static SEPARATOR: RefCell<String> = const { RefCell::new(String::new()) };
}

impl description::Guest for Component {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: env!("CARGO_PKG_NAME").into(),
            summary: "VMs, a line each".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            record_types: vec!["cloud".into()],
            options: vec![
                option(
                    "output_path",
                    OptionKind::Path,
                    None,
                    "Queue for the messages.",
                ),
                option(
                    "separator",
                    OptionKind::Text,
                    Some(";"),
                    "Between the fields of a line.",
                ),
            ],
            capabilities: vec![CapabilityRequest {
                name: "outgoing".into(),
                kind: "queue".into(),
                target: "${output_path}".into(),
                required: true,
                attributes: vec![Attribute {
                    name: "purpose".into(),
                    value: "the messages".into(),
                }],
            }],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

fn option(name: &str, kind: OptionKind, default: Option<&str>, help: &str) -> OptionDescription {
    OptionDescription {
        name: name.into(),
        kind,
        default: default.map(Into::into),
        required: default.is_none(),
        help: help.into(),
        old_names: Vec::new(),
        attributes: Vec::new(),
    }
}

impl delivery::Guest for Component {
    fn start(setup: Setup) -> Result<(), StartError> {
        let mut separator = String::new();
        for setting in setup.settings {
            if let ("separator", OptionValue::Text(text)) = (setting.name.as_str(), setting.value) {
                separator = text;
            }
        }
        if separator.is_empty() {
            // cASO prints it with the file and line that set the option.
            return Err(StartError::WrongOption(WrongOption {
                name: "separator".into(),
                reason: "must not be empty".into(),
                attributes: Vec::new(),
            }));
        }
        SEPARATOR.set(separator);
        Ok(())
    }

    fn deliver(batch: Batch) -> Answer {
        let RecordList::Cloud(records) = &batch.records else {
            return answer(0, Rest::Other("only cloud records are taken".into()));
        };
        if records.is_empty() {
            return answer(0, Rest::Done);
        }
        let message = SEPARATOR.with_borrow(|separator| lines::lines(records, separator));
        // It appears in the queue when this call has returned a valid answer.
        match queue::put("outgoing", message.as_bytes()) {
            Ok(()) => {
                log::write(log::Level::Debug, &format!("{} VMs", records.len()));
                answer(records.len(), Rest::Done)
            }
            Err(QueueError::Denied(why)) => answer(0, Rest::Misconfigured(why)),
            Err(QueueError::TooLarge(_)) => answer(0, Rest::TooLarge),
            Err(error) => answer(0, Rest::Other(format!("{error:?}"))),
        }
    }
}

fn answer(accepted: usize, rest: Rest) -> Answer {
    Answer {
        accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
        refused: Vec::new(),
        rest,
        attributes: Vec::new(),
    }
}

#[cfg(target_family = "wasm")]
export!(Component);
