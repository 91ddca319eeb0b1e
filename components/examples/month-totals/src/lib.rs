//! A messenger for cASO: the month's totals of VMs, by VO, as a file for Prometheus.
//!
//! node_exporter reads `*.prom` in a folder of its own (`--collector.textfile.directory`).
//! This writes `caso.prom` there, and keeps what it has to remember beside it.

// Without a sandbox, as in `cargo test`, nobody calls what is exported.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod totals;

use std::fs;
use std::io::{ErrorKind, Result};
use std::path::Path;

wit_bindgen::generate!({ path: "wit", world: "messenger" });

use caso::accounting::deliveries::{Answer, Batch, Rest};
use caso::accounting::descriptions::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso::accounting::log;
use caso::accounting::records::{CloudRecord, RecordList};
use caso::accounting::types::{Attribute, Setup, StartError};
use exports::caso::accounting::{delivery, description};
use totals::{Totals, Vm};

struct Component;

/// A granted folder is at `/` and the capability's name.
const FOLDER: &str = "/reports";
const REPORT: &str = "caso.prom";
const STATE: &str = "caso-month-totals.state";

impl description::Guest for Component {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: env!("CARGO_PKG_NAME").into(),
            summary: "The month's totals of VMs, for Prometheus".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            record_types: vec!["cloud".into()],
            options: vec![OptionDescription {
                name: "folder".into(),
                kind: OptionKind::Path,
                default: None,
                required: true,
                help: "The folder of node_exporter's textfile collector.".into(),
                old_names: Vec::new(),
                attributes: Vec::new(),
            }],
            capabilities: vec![CapabilityRequest {
                name: "reports".into(),
                kind: "directory-write".into(),
                target: "${folder}".into(),
                required: true,
                attributes: vec![Attribute {
                    name: "purpose".into(),
                    value: "the metrics, and what is remembered of each VM".into(),
                }],
            }],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl delivery::Guest for Component {
    fn start(_: Setup) -> std::result::Result<(), StartError> {
        Ok(())
    }

    fn deliver(batch: Batch) -> Answer {
        let RecordList::Cloud(records) = &batch.records else {
            return answer(0, Rest::Other("only cloud records are taken".into()));
        };
        match report(Path::new(FOLDER), records) {
            Ok(()) => {
                log::write(log::Level::Debug, &format!("{} VMs", records.len()));
                answer(records.len(), Rest::Done)
            }
            // Nothing is lost: the records come again, and what was taken in is known by then.
            Err(error) => answer(0, Rest::Other(format!("cannot write the report: {error}"))),
        }
    }
}

/// Takes the records in, and writes the report anew.
fn report(folder: &Path, records: &[CloudRecord]) -> Result<()> {
    let state = match fs::read_to_string(folder.join(STATE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut totals = Totals::read(&state);
    for record in records {
        totals.take(
            &record.vm_uuid,
            Vm {
                vo: record.fqan.clone(),
                measured_at: record.head.measured_at,
                start: record.start,
                wall_seconds: record.wall_seconds.unwrap_or(0),
                cpu_seconds: record.cpu_seconds.unwrap_or(0),
            },
        );
    }
    replace(&folder.join(STATE), &totals.write())?;
    replace(&folder.join(REPORT), &totals.prometheus())
}

/// Whole or not at all: a reader never sees half a file.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(&new, path)
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
