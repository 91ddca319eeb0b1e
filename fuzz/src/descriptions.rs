//! A description that is taken can be shown, and what it asks for is no more than what
//! was granted.

use caso_model::Attribute;
use caso_model::component::{
    CapabilityRequest, Description, OptionDescription, OptionKind, OptionValue, Setting,
};
use caso_sandbox::{Grant, InstanceName, Policy, Roles, checked_description, decide};

/// Lines of a description: what each is, and its texts.
pub type Lines = Vec<(u8, String, String, String)>;

/// The target.
pub fn target(lines: Lines) {
    let mut description = Description {
        name: "fuzz".to_owned(),
        summary: String::new(),
        version: "1".to_owned(),
        record_types: Vec::new(),
        options: Vec::new(),
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let mut settings = Vec::new();
    for (kind, name, text, more) in lines {
        match kind % 4 {
            0 => description.options.push(OptionDescription {
                name: name.clone(),
                kind: OptionKind::Choice(vec![text.clone(), more.clone()]),
                default: Some(text.clone()),
                required: false,
                help: more,
                old_names: vec![text.clone()],
                attributes: Vec::new(),
            }),
            1 => settings.push(Setting {
                name,
                value: OptionValue::Text(text),
            }),
            2 => description.summary = text,
            _ => description.capabilities.push(CapabilityRequest {
                name: name.clone(),
                kind: text,
                target: more.clone(),
                required: false,
                attributes: vec![Attribute { name, value: more }],
            }),
        }
    }
    let roles = Roles {
        mapper: false,
        messenger: true,
        filter: false,
    };
    let Ok(description) = checked_description(description, roles, &[]) else {
        return;
    };
    let shown = format!("{description:?}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'));
    let grants: Vec<Grant> = [
        "queue:/q",
        "http:https://a",
        "connection:tls://a:1?cafile=/c",
    ]
    .iter()
    .map(|text| text.parse().expect("a grant"))
    .collect();
    let instance = InstanceName::new("fuzz");
    if let Ok(granted) = decide(
        &instance,
        &description.capabilities,
        &settings,
        Policy::Site(&grants),
    ) {
        for grant in granted.grants.values() {
            assert!(grants.contains(grant), "{grant}");
        }
    }
}
