//! For tests of what is made of this: the options of [`Format`](crate::Format) as a host hands
//! them over.

use caso_component::samples::setting;
use caso_component::types::{OptionValue, Setting};

/// Their defaults.
#[must_use]
pub fn settings() -> Vec<Setting> {
    let text = |text: &str| OptionValue::Text(text.to_owned());
    [
        ("max_size", OptionValue::Integer(100)),
        ("max_message_bytes", OptionValue::SizeBytes(500_000)),
        ("cloud_version", text("0.4")),
        ("ip_format", text("caso")),
        ("star_record_id", text("interval")),
    ]
    .into_iter()
    .map(|(name, value)| setting(name, value))
    .collect()
}

/// The same, with another value of one of them, or one more.
#[must_use]
pub fn settings_with(name: &str, value: OptionValue) -> Vec<Setting> {
    let mut settings = settings();
    settings.retain(|known| known.name != name);
    settings.push(setting(name, value));
    settings
}
