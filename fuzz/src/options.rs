//! Any text as `caso.conf`, and any description read from it: errors, never a panic,
//! and never a value of another section.

use std::collections::BTreeMap;

use caso_config::{CommandLine, Inputs, Places, Program, component_settings, load};
use caso_model::component::{Description, OptionDescription, OptionKind, OptionValue};

const SITE: &str = "[vault]\nkey = SECRET-OF-OTHERS\n[DEFAULT]\nmessengers = mine\n\
                    [messenger_mine]\ncomponent = /mine.wasm\n";

/// The text of `[mine]`, and names and old names of options.
pub type Input = (String, Vec<(String, String)>);

/// The target.
pub fn target(input: Input) {
    let (text, options) = input;
    // What the site itself hands over is its own affair.
    if text.contains('$') || text.contains('[') {
        return;
    }
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let etc = folder.path().join("etc/caso");
    if std::fs::create_dir_all(&etc).is_err() {
        return;
    }
    let _ = std::fs::write(etc.join("caso.conf"), format!("{SITE}[mine]\n{text}"));
    let inputs = Inputs {
        program: Program::Extract,
        command_line: CommandLine::default(),
        environment: BTreeMap::new(),
        places: Places {
            home: None,
            root: folder.path().to_owned(),
            snap_common: None,
            snap: None,
        },
        builtin_messengers: vec!["ssm".to_owned()],
    };
    let Ok(config) = load(&inputs) else { return };
    let described = options.into_iter().map(|(name, old)| OptionDescription {
        name,
        kind: OptionKind::Text,
        default: None,
        required: false,
        help: String::new(),
        old_names: vec![old],
        attributes: Vec::new(),
    });
    let description = Description {
        name: "fuzz".to_owned(),
        summary: String::new(),
        version: "1".to_owned(),
        record_types: Vec::new(),
        options: described.collect(),
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let Some(messenger) = config.messengers.first() else {
        return;
    };
    if let Ok(found) = component_settings(&config, &messenger.component, &description) {
        for setting in found.settings {
            assert_ne!(
                setting.value,
                OptionValue::Text("SECRET-OF-OTHERS".to_owned())
            );
        }
    }
}
