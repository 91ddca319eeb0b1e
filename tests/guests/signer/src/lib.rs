//! A messenger that asks for signatures, as often and under the name that its options say,
//! puts what it gets into a queue and reports what else it was answered. Afterwards it looks through
//! all of its memory for what its option `sought` names.

// Its imports exist in WebAssembly only.
#![cfg(target_arch = "wasm32")]

wit_bindgen::generate!({
    path: ["../../../wit", "../../../wit/signature"],
    world: "caso:signature/signer",
});

use caso::signature::signing::sign;
use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Messenger, OptionDescription,
    OptionKind, Rest, Setup, StartError, queue,
};
use caso_component::settings::Settings;
use caso_component::types::Setting;

/// A started instance.
struct Signer(Vec<Setting>);

impl Messenger for Signer {
    fn describe() -> ComponentDescription {
        let option = |name, kind| OptionDescription::new(name, kind, None, "");
        ComponentDescription {
            options: vec![
                option("certificate", OptionKind::Path),
                option("key", OptionKind::Path),
                option("output_path", OptionKind::Path),
                option("name", OptionKind::Text),
                option("message", OptionKind::Text),
                option("times", OptionKind::Integer),
                option("sought", OptionKind::Text),
            ],
            capabilities: vec![
                CapabilityRequest::new("host", "signature", "${certificate}")
                    .term("keyfile", "key")
                    .optional(),
                CapabilityRequest::new("outgoing", "queue", "${output_path}").optional(),
            ],
            ..ComponentDescription::new("signer", "", "1.0.0")
        }
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Ok(Self(setup.settings.clone()))
    }

    fn deliver(&mut self, _: &Batch) -> Answer {
        let settings = Settings(&self.0);
        let text = |name: &str| settings.optional_text(name).ok().flatten();
        let name = text("name").unwrap_or_else(|| "host".to_owned());
        let message = text("message").unwrap_or_else(|| "text\n".to_owned());
        let times = settings
            .optional_integer("times")
            .ok()
            .flatten()
            .unwrap_or(1);
        let mut made = 0;
        // Kept, so that the search has something to find.
        let mut last = Vec::new();
        let mut failed = String::new();
        for _ in 0..times {
            match sign(&name, message.as_bytes()) {
                Ok(signed) => {
                    made += 1;
                    let _ = queue::put("outgoing", &signed);
                    last = signed;
                }
                Err(error) => {
                    failed = format!(", then {error:?}");
                    break;
                }
            }
        }
        let sought = text("sought").unwrap_or_default();
        let words = sought.split_whitespace().filter_map(turned);
        let found: Vec<String> = words.map(|word| is_in_memory(&word).to_string()).collect();
        let found = match found.as_slice() {
            [] => String::new(),
            found => format!(", in memory: {}", found.join(" ")),
        };
        drop(last);
        Answer::nothing(Rest::Other(format!("{made} signed{failed}{found}")))
    }
}

/// Bytes of which each is given turned round, in hex: so that what is sought never stands in this
/// memory for being sought.
fn turned(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Whether bytes stand anywhere in this component's linear memory, its stack and freed parts included.
// There is no other way to look at all of it.
#[allow(unsafe_code)]
fn is_in_memory(turned: &[u8]) -> bool {
    let bytes = core::arch::wasm32::memory_size(0) * 65_536;
    // All of it is the component's own and stays where it is, and nothing else runs in it meanwhile. It is looked at from
    // the second byte on, as no reference leads to the first.
    let memory = unsafe { std::slice::from_raw_parts(std::ptr::dangling::<u8>(), bytes - 1) };
    let first = turned.first().map_or(0, |byte| !byte);
    let mut at = 0;
    while let Some(step) = memory[at..].iter().position(|byte| *byte == first) {
        at += step;
        let here = memory[at..].iter().zip(turned);
        if at + turned.len() <= memory.len() && here.clone().all(|(byte, turned)| *byte == !turned)
        {
            return true;
        }
        at += 1;
    }
    false
}

caso_component::export_messenger!(Signer);
