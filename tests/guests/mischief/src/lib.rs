//! A messenger that does what its option `verb` says: the sandbox's word for
//! word opponent in the end-to-end tests. Whatever it does, nobody else may be
//! harmed and none of its records lost.

use std::sync::OnceLock;

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Delivery, Description,
    OptionDescription, OptionKind, Refusal, Rest, queue,
};
use caso_component::records::RecordList;
use caso_component::types::Setting;

/// The component.
pub struct Mischief;

/// What this instance was told: `verb`, and whom it is about.
static TOLD: OnceLock<(String, Option<String>)> = OnceLock::new();

impl Description for Mischief {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "mischief".into(),
            summary: "Misbehaves on demand".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            record_types: vec!["cloud".into()],
            options: vec![
                OptionDescription::new("verb", OptionKind::Text, Some("accept"), "What to do"),
                OptionDescription::new("victim", OptionKind::Text, None, "The machine it is about"),
                OptionDescription::new("output", OptionKind::Path, None, "A queue it would like"),
            ],
            // Vanishes unless `output` is set; then it must be granted.
            capabilities: vec![CapabilityRequest {
                name: "outgoing".into(),
                kind: "queue".into(),
                target: "${output}".into(),
                required: false,
                attributes: Vec::new(),
            }],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl Delivery for Mischief {
    fn start(_instance: String, settings: Vec<Setting>) -> Result<(), String> {
        let settings = caso_component::settings::Settings(&settings);
        let verb = settings.text("verb")?;
        if verb == "refuse-to-start" {
            return Err("not today".into());
        }
        TOLD.set((verb, settings.optional_text("victim")?))
            .map_err(|_| "started twice".to_owned())
    }

    fn deliver(batch: Batch) -> Answer {
        let (verb, victim) = TOLD.get().expect("the host starts before it delivers");
        let count = batch.records.len();
        let refusal = |index: usize| Refusal {
            index: index as u32,
            reason: "out of mischief".into(),
        };
        match verb.as_str() {
            "accept" => Answer::done(&batch, Vec::new()),
            "trap" => panic!("asked to trap"),
            "trap-on" if has(&batch.records, victim.as_deref()) => {
                panic!("asked to trap on this one")
            }
            "trap-on" => Answer::done(&batch, Vec::new()),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "allocate" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(vec![1; 1 << 20]);
                }
            }
            "shout" => {
                for n in 0..40_000 {
                    println!(
                        "line {n} of very many that nobody wants to read, \x1b[31min red\x1b[0m"
                    );
                    log::info(&format!("line {n} of very many that nobody wants to read"));
                }
                Answer::done(&batch, Vec::new())
            }
            "ask" => match queue::put("somebody-elses", b"hello") {
                Err(queue::QueueError::Denied(_)) => Answer::done(&batch, Vec::new()),
                other => panic!("a queue that was not granted answered {other:?}"),
            },
            "put" => match queue::put("outgoing", b"hello\n") {
                Ok(()) => Answer::done(&batch, Vec::new()),
                Err(error) => Answer::partly(0, Vec::new(), Rest::Other(format!("{error:?}"))),
            },
            "put-and-trap" => {
                let _ = queue::put("outgoing", b"must never appear\n");
                panic!("asked to trap after a message")
            }
            "refuse-first" => Answer::done(&batch, vec![refusal(0)]),
            "refuse-beyond" => Answer::done(&batch, vec![refusal(count + 7)]),
            "accept-too-many" => Answer::partly(count + 7, Vec::new(), Rest::Done),
            "too-large" if count > 1 => Answer::partly(0, Vec::new(), Rest::TooLarge),
            "too-large" => Answer::done(&batch, Vec::new()),
            "retry" => Answer::partly(0, Vec::new(), Rest::again(3600, "not now")),
            "misconfigured" => Answer::partly(
                0,
                Vec::new(),
                Rest::Misconfigured("nobody told me where".into()),
            ),
            "halfway" => Answer::partly(
                count / 2,
                Vec::new(),
                Rest::Other("enough for today".into()),
            ),
            other => panic!("no such verb: {other}"),
        }
    }
}

fn has(records: &RecordList, victim: Option<&str>) -> bool {
    match records {
        RecordList::Cloud(records) => records
            .iter()
            .any(|record| Some(record.machine_name.as_str()) == victim),
        _ => false,
    }
}

caso_component::export_messenger!(Mischief);
