//! What the messenger declares to the host: options, record types and queues.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::options::{own_queue_name, own_queue_option};
use crate::{QUEUE, RECORD_TYPES};

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    let queue =
        |name: &str, option: &str| CapabilityRequest::new(name, "queue", &format!("${{{option}}}"));
    let mut queues = vec![queue(QUEUE, "output_path")];
    // Each of these is dropped unless the site sets its path.
    queues.extend(
        RECORD_TYPES.map(|kind| queue(&own_queue_name(kind), &own_queue_option(kind)).optional()),
    );
    ComponentDescription {
        record_types: RECORD_TYPES.map(str::to_owned).to_vec(),
        options: options(),
        capabilities: queues,
        packing_option: Some("max_size".to_owned()),
        ..ComponentDescription::new(
            "ssm",
            "Writes APEL messages into the queue from which SSM sends",
            env!("CARGO_PKG_VERSION"),
        )
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
            &own_queue_option(kind),
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
