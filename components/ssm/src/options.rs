//! The messenger's options, read from what the host hands to `start`.

use caso_apel::{Format, RECORD_TYPES};
use caso_component::messenger::StartError;
use caso_component::settings::Settings;

use crate::QUEUE;

/// The configuration of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The form and the size of messages.
    pub format: Format,
    /// The record types that have a queue of their own.
    pub own_queues: Vec<&'static str>,
}

/// Name of the option with the path of a record type's own queue.
pub fn own_queue_option(record_type: &str) -> String {
    format!("output_path_{record_type}")
}

/// The contract's name of a record type's own queue.
pub fn own_queue_name(record_type: &str) -> String {
    format!("{QUEUE}-{record_type}")
}

impl Options {
    /// The contract's name of the queue for records of this type.
    #[must_use]
    pub fn queue(&self, record_type: &str) -> String {
        if self.own_queues.contains(&record_type) {
            own_queue_name(record_type)
        } else {
            QUEUE.to_owned()
        }
    }

    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong, and what it must be.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let mut own_queues = Vec::new();
        for kind in RECORD_TYPES {
            let path = settings.optional_text(&own_queue_option(kind))?;
            if path.is_some_and(|path| !path.is_empty()) {
                own_queues.push(kind);
            }
        }
        Ok(Self {
            format: Format::from_settings(settings)?,
            own_queues,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_apel::samples::settings_with;
    use caso_component::types::OptionValue;

    fn with(name: &str, value: OptionValue) -> Result<Options, String> {
        let settings = settings_with(name, value);
        Options::from_settings(Settings(&settings)).map_err(|error| error.text())
    }

    #[test]
    fn a_record_type_has_a_queue_of_its_own_where_a_path_is_set() {
        let path = |text: &str| OptionValue::Text(text.into());
        let options = with("output_path_storage", path("/spool/storage")).unwrap();
        assert_eq!(options.queue("storage"), "outgoing-storage");
        for other in ["cloud", "ip", "accelerator", "energy", "whatever"] {
            assert_eq!(options.queue(other), "outgoing");
        }
        let unset = with("output_path_ip", path("")).unwrap();
        assert_eq!(unset.queue("ip"), "outgoing");
    }
}
