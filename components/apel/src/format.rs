//! How messages are written and how large they may be: the options that every messenger of
//! APEL's messages has, described and read.

use caso_component::messenger::{OptionDescription, OptionKind, StartError};
use caso_component::settings::Settings;

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

/// The form and the size of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
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
}

/// Name of the option with the number of records in a message.
pub const PACKING_OPTION: &str = "max_size";

/// Least value of `max_message_bytes`: a record with long names needs about as much.
const SMALLEST_MESSAGE: usize = 4_096;

impl Format {
    /// The options, for a component's description.
    #[must_use]
    pub fn options() -> Vec<OptionDescription> {
        let choice = |words: [&str; 2]| OptionKind::Choice(words.map(str::to_owned).to_vec());
        vec![
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
                Some("500k"),
                "Largest message. Signed, encrypted and encoded as ssmsend publishes it, a message \
                 is almost twice as large, and the message service takes no more than 1 MB.",
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
                "Variant of public IP messages: `caso` as cASO writes them, `strict` as the draft \
                 of APEL's schema requires them, with the project in place of the user.",
            ),
            OptionDescription::new(
                "star_record_id",
                choice(["interval", "volume"]),
                Some("interval"),
                "Id of a storage record, by which APEL replaces records: `interval` keeps \
                 every interval of a volume, `volume` only the last one, as cASO does.",
            ),
        ]
    }

    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong, and what it must be.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let max_size = settings.integer("max_size")?;
        let max_size = usize::try_from(max_size)
            .ok()
            .filter(|size| *size >= 1)
            .ok_or_else(|| {
                StartError::option(
                    "max_size",
                    format!("must be at least 1, but is `{max_size}`"),
                )
            })?;
        let bytes = settings.size("max_message_bytes")?;
        let max_message_bytes = usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes >= SMALLEST_MESSAGE)
            .ok_or_else(|| {
                StartError::option(
                    "max_message_bytes",
                    format!("must be at least {SMALLEST_MESSAGE}, but is `{bytes}`"),
                )
            })?;
        let choice = |name: &str, known: [&str; 2]| {
            let value = settings.text(name)?;
            known.iter().position(|word| *word == value).ok_or_else(|| {
                let [first, second] = known;
                StartError::option(
                    name,
                    format!("must be `{first}` or `{second}`, but is `{value}`"),
                )
            })
        };
        Ok(Self {
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

impl Default for Format {
    fn default() -> Self {
        Self {
            max_size: 100,
            max_message_bytes: 500_000,
            cloud_version: CloudVersion::V04,
            ip_format: IpFormat::Caso,
            star_record_id: StarRecordId::Interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::settings_with;
    use caso_component::types::OptionValue;

    fn with(name: &str, value: OptionValue) -> Result<Format, String> {
        let settings = settings_with(name, value);
        Format::from_settings(Settings(&settings)).map_err(|error| error.text())
    }

    #[test]
    fn defaults() {
        assert_eq!(
            with("max_size", OptionValue::Integer(100)),
            Ok(Format::default())
        );
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
