//! A messenger built on version 1.0.0 of the contract, by its bindings alone: it uses
//! every interface of its world once, so that each of them is held to what it was.
//!
//! A batch becomes a message of one line a record, in the queue `outgoing`, and goes over
//! the connection `server` too where the site has set one. Whatever is given to `start`
//! and `deliver` stands in it somewhere.

wit_bindgen::generate!({ path: "../wit-1.0.0", world: "messenger" });

use std::cell::RefCell;
use std::fmt::Write;

use caso::accounting::deliveries::{Answer, Batch, Refusal, Rest, Retry};
use caso::accounting::descriptions::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso::accounting::records::{Head, RecordList};
use caso::accounting::types::{Attribute, OptionValue, Setup, StartError, WrongOption};
use caso::accounting::{connection, log, queue};
use exports::caso::accounting::{delivery, description};

struct Frozen;

thread_local! {
    static SETUP: RefCell<Option<Setup>> = const { RefCell::new(None) };
}

impl description::Guest for Frozen {
    fn describe() -> ComponentDescription {
        let option = |name: &str, kind, default: Option<&str>| OptionDescription {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
            required: false,
            help: format!("The {name} of it."),
            old_names: vec![format!("old_{name}")],
            attributes: Vec::new(),
        };
        let capability = |name: &str, kind: &str, target: &str| CapabilityRequest {
            name: name.to_owned(),
            kind: kind.to_owned(),
            target: target.to_owned(),
            required: false,
            attributes: vec![Attribute {
                name: "purpose".to_owned(),
                value: "what it is for".to_owned(),
            }],
        };
        let words = ["red", "green"].map(str::to_owned).to_vec();
        ComponentDescription {
            name: "frozen".to_owned(),
            summary: "Built on version 1.0.0 of the contract".to_owned(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: vec![
                option("output_path", OptionKind::Path, None),
                option("server", OptionKind::Endpoint, None),
                option("size", OptionKind::Integer, Some("100")),
                option("share", OptionKind::Number, Some("0.5")),
                option("loud", OptionKind::Boolean, Some("no")),
                option("pause", OptionKind::Duration, Some("2m")),
                option("room", OptionKind::Size, Some("1KiB")),
                option("colour", OptionKind::Choice(words), Some("red")),
                option("names", OptionKind::Texts, Some("a, b")),
                option("newer", OptionKind::Other("newer".to_owned()), Some("x")),
            ],
            capabilities: vec![
                capability("outgoing", "queue", "${output_path}"),
                capability("server", "connection", "${server}"),
            ],
            packing_option: Some("size".to_owned()),
            attributes: Vec::new(),
        }
    }
}

impl delivery::Guest for Frozen {
    fn start(setup: Setup) -> Result<(), StartError> {
        let colour = setup.settings.iter().find(|it| it.name == "colour");
        if let Some(OptionValue::Text(colour)) = colour.map(|it| &it.value)
            && colour == "green"
        {
            return Err(StartError::WrongOption(WrongOption {
                name: "colour".to_owned(),
                reason: "`red` would do".to_owned(),
                attributes: Vec::new(),
            }));
        }
        SETUP.set(Some(setup));
        Ok(())
    }

    fn deliver(batch: Batch) -> Answer {
        log::write(log::Level::Info, "a line of 1.0");
        let lines = SETUP.with_borrow(|setup| message(setup.as_ref(), &batch));
        let count = batch.origin_of.len() as u32;
        let mut answer = Answer {
            accepted: count,
            refused: Vec::new(),
            rest: Rest::Done,
            attributes: Vec::new(),
        };
        if let RecordList::Other(_) = &batch.records {
            answer.refused.push(Refusal {
                index: 0,
                reason: "the first of a kind".to_owned(),
                attributes: Vec::new(),
            });
        }
        match exchange(lines.as_bytes()) {
            Ok(()) | Err(connection::ConnectionError::Denied(_)) => {}
            Err(error) => {
                answer.accepted = 0;
                answer.rest = Rest::Retry(Retry {
                    after_seconds: 1,
                    reason: format!("{error:?}"),
                    attributes: Vec::new(),
                });
                return answer;
            }
        }
        if let Err(error) = queue::put("outgoing", lines.as_bytes()) {
            answer.accepted = 0;
            answer.rest = Rest::Misconfigured(format!("{error:?}"));
        }
        answer
    }
}

fn exchange(bytes: &[u8]) -> Result<(), connection::ConnectionError> {
    let handle = connection::open("server")?;
    connection::send(handle, bytes)?;
    connection::finish(handle)?;
    while !connection::receive(handle, 100)?.is_empty() {}
    connection::close(handle);
    Ok(())
}

fn message(setup: Option<&Setup>, batch: &Batch) -> String {
    let mut text = String::new();
    if let Some(setup) = setup {
        let values = setup.settings.iter();
        let values = values.filter(|it| it.name != "output_path" && it.name != "server");
        let values: Vec<String> = values.map(|it| value(&it.value)).collect();
        let _ = writeln!(text, "{}: {}", setup.instance, values.join(" "));
    }
    let _ = writeln!(
        text,
        "{} attempt {} of {} at {}",
        batch.record_type, batch.attempt, batch.instance, batch.now
    );
    for (index, line) in records(&batch.records).into_iter().enumerate() {
        let origin = batch.origin_of.get(index).and_then(|at| batch.origins.get(*at as usize));
        let origin = origin.map(|it| {
            let region = it.region.as_deref().unwrap_or("-");
            format!(
                "{}/{region}/{}/{}/{}-{}",
                it.cloud, it.project_id, it.extractor, it.window.start, it.window.end
            )
        });
        let _ = writeln!(text, "{line} {}", origin.unwrap_or_default());
    }
    text
}

fn value(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Boolean(truth) => truth.to_string(),
        OptionValue::DurationMilliseconds(time) => format!("{time}ms"),
        OptionValue::SizeBytes(bytes) => format!("{bytes}B"),
        OptionValue::Texts(texts) => texts.join("+"),
        OptionValue::Other(fact) => fact.name.clone(),
    }
}

fn records(list: &RecordList) -> Vec<String> {
    let line = |head: &Head, rest: String| format!("{} {rest}", head.id);
    match list {
        RecordList::Cloud(list) => list
            .iter()
            .map(|it| line(&it.head, format!("{} {:?}", it.vm_uuid, it.cpu_count)))
            .collect(),
        RecordList::Ip(list) => list
            .iter()
            .map(|it| line(&it.head, format!("{} v{}", it.ip_count, it.ip_version)))
            .collect(),
        RecordList::Accelerator(list) => list
            .iter()
            .map(|it| line(&it.head, format!("{} {}", it.count, it.accelerator_type)))
            .collect(),
        RecordList::Storage(list) => list
            .iter()
            .map(|it| line(&it.head, format!("{} {}", it.resource_id, it.capacity_bytes)))
            .collect(),
        RecordList::Energy(list) => list
            .iter()
            .map(|it| line(&it.head, format!("{} {}", it.exec_unit_id, it.watt_hours)))
            .collect(),
        RecordList::Other(list) => list
            .iter()
            .map(|it| {
                let quantities = it.quantities.iter();
                let quantities = quantities.map(|known| format!("{}={}", known.name, known.value));
                let quantities: Vec<String> = quantities.collect();
                line(&it.head, format!("{} {}", it.kind, quantities.join(",")))
            })
            .collect(),
    }
}

export!(Frozen);
