//! What the messenger says of itself.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::QUEUE;

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    // Energy has no APEL message.
    let types = ["cloud", "ip", "accelerator", "storage"];
    ComponentDescription {
        name: "ssm".to_owned(),
        summary: "Writes APEL messages into the queue from which SSM sends".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        record_types: types.map(str::to_owned).to_vec(),
        options: options(),
        capabilities: vec![CapabilityRequest {
            name: QUEUE.to_owned(),
            kind: "queue".to_owned(),
            target: "${output_path}".to_owned(),
            required: true,
            attributes: Vec::new(),
        }],
        packing_option: Some("max_size".to_owned()),
        attributes: Vec::new(),
    }
}

fn options() -> Vec<OptionDescription> {
    let choice = |words: [&str; 2]| OptionKind::Choice(words.map(str::to_owned).to_vec());
    vec![
        OptionDescription::new(
            "output_path",
            OptionKind::Path,
            Some("/var/spool/apel/outgoing/openstack"),
            "Directory queue from which ssmsend takes the messages.",
        ),
        OptionDescription::new(
            "max_size",
            OptionKind::Integer,
            Some("100"),
            "Largest number of records in a message.",
        )
        .minimum(1),
        OptionDescription::new(
            "max_message_bytes",
            OptionKind::Size,
            Some("700k"),
            "Largest message; records beyond it go into one more. Signed and encoded, a message \
             grows by half, and the message service takes no more than 1 MB.",
        ),
        OptionDescription::new(
            "cloud_version",
            choice(["0.4", "0.2"]),
            Some("0.4"),
            "Version of the cloud usage record.",
        ),
        OptionDescription::new(
            "ip_format",
            choice(["caso", "strict"]),
            Some("caso"),
            "Shape of public IP messages: `caso` as cASO writes them, `strict` as the draft of \
             APEL's schema wants them, with the project in the place of the user.",
        ),
        OptionDescription::new(
            "star_record_id",
            choice(["interval", "volume"]),
            Some("interval"),
            "Id of a storage record, by which APEL replaces records: `interval` keeps every \
             interval of a volume, `volume` is cASO's and keeps the last one alone.",
        ),
    ]
}
