//! What the messenger declares to the host. All options but `cafile` are cASO's.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

/// All that the contract has a case for; the service decides what it accepts.
const RECORD_TYPES: [&str; 5] = ["cloud", "ip", "accelerator", "storage", "energy"];

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        // The host gives it energy records only, unless `record_types` names others.
        record_types: RECORD_TYPES.map(str::to_owned).to_vec(),
        options: options(),
        capabilities: vec![
            CapabilityRequest::new("service", "http", "${base_url}")
                .term("verify", "verify_ssl")
                .term("cafile", "cafile"),
        ],
        ..ComponentDescription::new(
            "greendigit_cim",
            "Posts energy records to the GreenDIGIT CIM service",
            env!("CARGO_PKG_VERSION"),
        )
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
        OptionDescription::new(
            "email",
            OptionKind::Text,
            None,
            "Email address of the account with the service.",
        )
        .required(),
        OptionDescription::new(
            "password",
            OptionKind::Secret,
            None,
            "Password of the account. The service takes it in the URL of a request: it is \
             encrypted in transit, but may end up in the service's own log.",
        )
        .required(),
        OptionDescription::new(
            "verify_ssl",
            OptionKind::Boolean,
            Some("true"),
            "Whether the service's certificate is checked. If it is not, anybody between site and \
             service can read the password.",
        ),
        OptionDescription::new(
            "cafile",
            OptionKind::Path,
            None,
            "PEM file with the certificates to trust instead of the system's.",
        ),
    ]
}
