//! A messenger that asks for signatures, as often and under the name that its options say,
//! puts what it gets into a queue and reports what else it was answered.

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
        let mut failed = String::new();
        for _ in 0..times {
            match sign(&name, message.as_bytes()) {
                Ok(signed) => {
                    made += 1;
                    let _ = queue::put("outgoing", &signed);
                }
                Err(error) => {
                    failed = format!(", then {error:?}");
                    break;
                }
            }
        }
        Answer::nothing(Rest::Other(format!("{made} signed{failed}")))
    }
}

caso_component::export_messenger!(Signer);
