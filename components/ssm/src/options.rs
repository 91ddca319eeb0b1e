//! The messenger's options, read from what the host hands to `start`.

use caso_component::settings::Settings;

use crate::{QUEUE, RECORD_TYPES};

/// Version of APEL's cloud usage record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudVersion {
    /// 0.2: without compute service, benchmark and public IP count.
    V02,
    /// 0.4, the version of today.
    V04,
}

impl CloudVersion {
    /// The version as written in the option and, after a `v`, in the message's header.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V02 => "0.2",
            Self::V04 => "0.4",
        }
    }
}

/// Variant of the public IP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpFormat {
    /// As cASO writes it and APEL's message router expects it.
    Caso,
    /// As the draft of APEL's schema requires it.
    Strict,
}

/// What a StAR record has as its `recordId`. APEL replaces a stored record by a later one
/// with the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StarRecordId {
    /// The id of the record: APEL keeps every interval of a volume.
    Interval,
    /// The id of the volume, as in cASO: APEL keeps a volume's last interval only.
    Volume,
}

/// The configuration of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Largest number of records in a message, at least 1.
    pub max_size: usize,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Version of cloud messages.
    pub cloud_version: CloudVersion,
    /// Variant of public IP messages.
    pub ip_format: IpFormat,
    /// Id of storage records.
    pub star_record_id: StarRecordId,
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

/// Least value of `max_message_bytes`: a record with long names needs about as much.
const SMALLEST_MESSAGE: usize = 4_096;

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
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, String> {
        let max_size = settings.integer("max_size")?;
        let max_size = usize::try_from(max_size)
            .ok()
            .filter(|size| *size >= 1)
            .ok_or_else(|| format!("option `max_size` is `{max_size}`, but must be at least 1"))?;
        let bytes = settings.size("max_message_bytes")?;
        let max_message_bytes = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes >= SMALLEST_MESSAGE)
            .ok_or_else(|| {
                format!(
                    "option `max_message_bytes` is `{bytes}`, but must be at least \
                     {SMALLEST_MESSAGE}"
                )
            })?;
        let choice = |name: &str, known: [&str; 2]| {
            let value = settings.text(name)?;
            known.iter().position(|word| *word == value).ok_or_else(|| {
                let [first, second] = known;
                format!("option `{name}` is `{value}`, but must be `{first}` or `{second}`")
            })
        };
        let mut own_queues = Vec::new();
        for kind in RECORD_TYPES {
            let path = settings.optional_text(&own_queue_option(kind))?;
            if path.is_some_and(|path| !path.is_empty()) {
                own_queues.push(kind);
            }
        }
        Ok(Self {
            own_queues,
            max_size,
            max_message_bytes,
            cloud_version: match choice("cloud_version", ["0.4", "0.2"])? {
                0 => CloudVersion::V04,
                _ => CloudVersion::V02,
            },
            ip_format: match choice("ip_format", ["caso", "strict"])? {
                0 => IpFormat::Caso,
                _ => IpFormat::Strict,
            },
            star_record_id: match choice("star_record_id", ["interval", "volume"])? {
                0 => StarRecordId::Interval,
                _ => StarRecordId::Volume,
            },
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_size: 100,
            max_message_bytes: 500_000,
            cloud_version: CloudVersion::V04,
            ip_format: IpFormat::Caso,
            star_record_id: StarRecordId::Interval,
            own_queues: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::types::{OptionValue, Setting};

    fn with(name: &str, value: OptionValue) -> Result<Options, String> {
        let mut settings: Vec<Setting> = [
            ("max_size", OptionValue::Integer(100)),
            ("max_message_bytes", OptionValue::SizeBytes(500_000)),
            ("cloud_version", OptionValue::Text("0.4".into())),
            ("ip_format", OptionValue::Text("caso".into())),
            ("star_record_id", OptionValue::Text("interval".into())),
        ]
        .into_iter()
        .filter(|(known, _)| *known != name)
        .map(|(name, value)| Setting {
            name: name.into(),
            value,
        })
        .collect();
        settings.push(Setting {
            name: name.into(),
            value,
        });
        Options::from_settings(Settings(&settings))
    }

    #[test]
    fn defaults() {
        assert_eq!(
            with("max_size", OptionValue::Integer(100)),
            Ok(Options::default())
        );
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

    #[test]
    fn least_values_are_taken() {
        let options = with("max_size", OptionValue::Integer(1)).unwrap();
        assert_eq!(options.max_size, 1);
        let options = with("max_message_bytes", OptionValue::SizeBytes(4_096)).unwrap();
        assert_eq!(options.max_message_bytes, 4_096);
        assert!(with("max_message_bytes", OptionValue::SizeBytes(4_095)).is_err());
    }

    #[test]
    fn bad_values_are_named() {
        for (name, value) in [
            ("max_size", OptionValue::Integer(0)),
            ("max_size", OptionValue::Integer(-5)),
            ("max_message_bytes", OptionValue::SizeBytes(10)),
            ("cloud_version", OptionValue::Text("0.3".into())),
            ("ip_format", OptionValue::Boolean(true)),
        ] {
            let error = with(name, value).unwrap_err();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }
}
