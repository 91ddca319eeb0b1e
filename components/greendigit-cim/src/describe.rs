//! What the messenger says of itself. The options are cASO's, but for `cafile`.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso_component::types::Attribute;

/// All of them: what the service makes of each is its own affair.
const RECORD_TYPES: [&str; 5] = ["cloud", "ip", "accelerator", "storage", "energy"];

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    let attribute = |name: &str, value: &str| Attribute {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    ComponentDescription {
        name: "greendigit_cim".to_owned(),
        summary: "Posts energy records to the GreenDIGIT CIM service".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // The host gives it energy records, unless `record_types` says more.
        record_types: RECORD_TYPES.map(str::to_owned).to_vec(),
        options: options(),
        capabilities: vec![CapabilityRequest {
            name: "service".to_owned(),
            kind: "http".to_owned(),
            target: "${base_url}".to_owned(),
            required: true,
            attributes: vec![
                attribute("verify", "${verify_ssl}"),
                attribute("cafile", "${cafile}"),
            ],
        }],
        packing_option: None,
        attributes: Vec::new(),
    }
}

fn options() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "base_url",
            OptionKind::Url,
            Some("https://greendigit-cim.sztaki.hu"),
            "Address of the GreenDIGIT CIM service, without `/gd-cim-api`.",
        ),
        OptionDescription {
            required: true,
            ..OptionDescription::new(
                "email",
                OptionKind::Text,
                None,
                "Email address of the account there.",
            )
        },
        OptionDescription {
            required: true,
            ..OptionDescription::new(
                "password",
                OptionKind::Secret,
                None,
                "Password of the account. The service takes it in the address of a request: it is \
                 encrypted on its way, and may stand in the service's own log.",
            )
        },
        OptionDescription::new(
            "verify_ssl",
            OptionKind::Boolean,
            Some("true"),
            "Whether the service's certificate is checked. Without that, whoever stands between \
             can read the password.",
        ),
        OptionDescription::new(
            "cafile",
            OptionKind::Path,
            None,
            "Certificates to trust instead of the system's.",
        ),
    ]
}
