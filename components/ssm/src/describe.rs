//! What the messenger declares to the host: options, record types and queues.

use caso_apel::format::PACKING_OPTION;
use caso_apel::{Format, RECORD_TYPES};
use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::QUEUE;
use crate::options::{own_queue_name, own_queue_option};

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
        packing_option: Some(PACKING_OPTION.to_owned()),
        ..ComponentDescription::new(
            "ssm",
            "Writes APEL messages into the queue from which SSM sends",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn options() -> Vec<OptionDescription> {
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
                "Directory queue for {kind} records, if they go to another destination than the \
                 others. When unset, `output_path`."
            ),
        )
    }));
    options.extend(Format::options());
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use caso_component::samples::setting;
    use caso_component::settings::Settings;
    use caso_component::types::{OptionValue, Setting};

    /// The settings that a host makes of the defaults, by the kind of each option.
    fn defaults() -> Vec<Setting> {
        let setting = |option: OptionDescription| {
            let default = option.default?;
            let value = match option.kind {
                OptionKind::Integer => OptionValue::Integer(default.parse().unwrap()),
                OptionKind::Size => {
                    let thousands: u64 = default.strip_suffix('k').unwrap().parse().unwrap();
                    OptionValue::SizeBytes(thousands * 1_000)
                }
                _ => OptionValue::Text(default),
            };
            Some(setting(&option.name, value))
        };
        describe().options.into_iter().filter_map(setting).collect()
    }

    #[test]
    fn described_defaults_are_the_defaults() {
        assert_eq!(
            Options::from_settings(Settings(&defaults())).unwrap(),
            Options::default()
        );
    }

    #[test]
    fn each_record_type_may_have_a_queue_and_all_others_share_one() {
        let description = describe();
        assert_eq!(description.record_types, RECORD_TYPES);
        assert_eq!(description.packing_option.as_deref(), Some("max_size"));
        let queues: Vec<(&str, &str, bool)> = description
            .capabilities
            .iter()
            .map(|queue| (queue.name.as_str(), queue.target.as_str(), queue.required))
            .collect();
        assert_eq!(
            queues,
            [
                ("outgoing", "${output_path}", true),
                ("outgoing-cloud", "${output_path_cloud}", false),
                ("outgoing-ip", "${output_path_ip}", false),
                ("outgoing-accelerator", "${output_path_accelerator}", false),
                ("outgoing-storage", "${output_path_storage}", false),
            ]
        );
        for option in ["output_path", "output_path_cloud", "output_path_storage"] {
            assert!(description.options.iter().any(|known| known.name == option));
        }
    }
}
