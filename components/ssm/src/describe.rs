//! What the messenger says of itself.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::options::{own_path, own_queue};
use crate::{QUEUE, RECORD_TYPES};

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    let queue = |name: String, target: &str, required| CapabilityRequest {
        name,
        kind: "queue".to_owned(),
        target: format!("${{{target}}}"),
        required,
        attributes: Vec::new(),
    };
    // Each of its own vanishes unless the site sets its path.
    let mut queues = vec![queue(QUEUE.to_owned(), "output_path", true)];
    queues.extend(RECORD_TYPES.map(|kind| queue(own_queue(kind), &own_path(kind), false)));
    ComponentDescription {
        name: "ssm".to_owned(),
        summary: "Writes APEL messages into the queue from which SSM sends".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        record_types: RECORD_TYPES.map(str::to_owned).to_vec(),
        options: options(),
        capabilities: queues,
        packing_option: Some("max_size".to_owned()),
        attributes: Vec::new(),
    }
}

fn options() -> Vec<OptionDescription> {
    let choice = |words: [&str; 2]| OptionKind::Choice(words.map(str::to_owned).to_vec());
    let mut options = vec![OptionDescription::new(
        "output_path",
        OptionKind::Path,
        Some("/var/spool/apel/outgoing/openstack"),
        "Directory queue from which ssmsend takes the messages.",
    )];
    options.extend(RECORD_TYPES.map(|kind| {
        OptionDescription::new(
            &own_path(kind),
            OptionKind::Path,
            None,
            &format!(
                "Directory queue for {kind} records, where they go to another destination than \
                 the others. When unset, `output_path`."
            ),
        )
    }));
    options.extend([
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
    ]);
    options
}
