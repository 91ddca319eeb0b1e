//! What the messenger declares to the host.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::ORIGIN;

/// What AUDITOR's records can say: something that was used from a start to a stop, once. An
/// accelerator's record is replaced by later ones, which AUDITOR cannot do; addresses are
/// counted at a moment.
const RECORD_TYPES: [&str; 3] = ["cloud", "storage", "energy"];
/// The option with the number of records in a request.
const PACKING_OPTION: &str = "max_size";

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        record_types: RECORD_TYPES.map(str::to_owned).to_vec(),
        options: options(),
        // How TLS is spoken is a term of the site's grant.
        capabilities: vec![CapabilityRequest::new(ORIGIN, "http", "${url}")],
        packing_option: Some(PACKING_OPTION.to_owned()),
        ..ComponentDescription::new(
            "auditor",
            "Sends records of VMs that have ended, of volumes and of energy to AUDITOR",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn options() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "url",
            OptionKind::Url,
            None,
            "Address of AUDITOR, without `/record`. With TLS, AUDITOR wants a client certificate: \
             `certfile` and `keyfile` of the grant.",
        )
        .required(),
        OptionDescription::new(
            "running",
            OptionKind::Choice(vec!["skip".to_owned(), "open".to_owned()]),
            Some("skip"),
            "What becomes of a VM that runs. `skip`: AUDITOR gets it when it has ended. `open`: \
             it gets a record without a stop time, which is set when the VM has ended, and \
             without what adds up until then.",
        ),
        OptionDescription::new(
            "record_prefix",
            OptionKind::Text,
            Some("caso"),
            "How the ids of records begin, as with AUDITOR's own collectors. Do not change it: a \
             record with another id is another record.",
        ),
        OptionDescription::new(
            PACKING_OPTION,
            OptionKind::Integer,
            Some("500"),
            "Records in a request.",
        )
        .minimum(1)
        .maximum(5_000),
        OptionDescription::new(
            "token",
            OptionKind::Secret,
            None,
            "Bearer token, if a proxy before AUDITOR wants one; AUDITOR itself has none.",
        ),
    ]
}
