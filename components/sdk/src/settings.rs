//! Typed access to the options that a component was started with.
//!
//! The host has parsed the site's text and checked it against the description. What
//! can still go wrong is that component and host disagree on a name or a kind; the
//! error then names the option.

use crate::messenger::StartError;
use crate::types::{OptionValue, Setting, Setup};

/// The options in force for an instance: what the site set, or the default. An option
/// with neither has no value.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a>(pub &'a [Setting]);

impl<'a> From<&'a Setup> for Settings<'a> {
    fn from(setup: &'a Setup) -> Self {
        Self(&setup.settings)
    }
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $case:ident, $type:ty, $kind:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// When the option has no value, or a value of another kind.
        pub fn $name(&self, name: &str) -> Result<$type, StartError> {
            self.$optional(name)?
                .ok_or_else(|| StartError::option(name, "it has no value"))
        }

        #[doc = concat!("Like [`Self::", stringify!($name), "`], for an option that may have no value.")]
        ///
        /// # Errors
        /// When the option has a value of another kind.
        pub fn $optional(&self, name: &str) -> Result<Option<$type>, StartError> {
            match self.value(name) {
                None => Ok(None),
                Some(OptionValue::$case(value)) => Ok(Some(value.clone())),
                Some(other) => Err(unexpected(name, $kind, other)),
            }
        }
    };
}

impl Settings<'_> {
    getter!(
        /// The value of an option of kind text, choice, path, URL, endpoint or secret.
        text, optional_text, Text, String, "a text");
    getter!(
        /// The value of an integer option.
        integer, optional_integer, Integer, i64, "a whole number");
    getter!(
        /// The value of a number option; never infinite or NaN.
        number, optional_number, Number, f64, "a number");
    getter!(
        /// The value of a boolean option.
        boolean, optional_boolean, Boolean, bool, "a boolean");
    getter!(
        /// The value of a size option, in bytes.
        size, optional_size, SizeBytes, u64, "a size");
    getter!(
        /// The value of a duration option, in milliseconds.
        duration_milliseconds, optional_duration_milliseconds, DurationMilliseconds, u64,
        "a duration");
    getter!(
        /// The value of a list option, in the order in which the site wrote it.
        texts, optional_texts, Texts, Vec<String>, "a list of texts");

    fn value(&self, name: &str) -> Option<&OptionValue> {
        self.0
            .iter()
            .find(|setting| setting.name == name)
            .map(|setting| &setting.value)
    }
}

fn unexpected(name: &str, expected: &str, value: &OptionValue) -> StartError {
    let given = match value {
        OptionValue::Text(_) => "a text",
        OptionValue::Integer(_) => "a whole number",
        OptionValue::Number(_) => "a number",
        OptionValue::Boolean(_) => "a boolean",
        OptionValue::DurationMilliseconds(_) => "a duration",
        OptionValue::SizeBytes(_) => "a size",
        OptionValue::Texts(_) => "a list of texts",
        OptionValue::Other(_) => "a value of an unknown kind",
    };
    StartError::option(
        name,
        format!("must be {expected}, but the host gave {given}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::setting;

    fn settings() -> Vec<Setting> {
        vec![
            setting("output_path", OptionValue::Text("/spool".into())),
            setting("max_size", OptionValue::Integer(100)),
        ]
    }

    #[test]
    fn value_of_its_kind() {
        let list = settings();
        let settings = Settings(&list);
        assert_eq!(settings.text("output_path").unwrap(), "/spool");
        assert_eq!(settings.optional_integer("max_size").unwrap(), Some(100));
        assert_eq!(settings.optional_boolean("tls").unwrap(), None);
    }

    #[test]
    fn error_names_the_option() {
        let list = settings();
        let settings = Settings(&list);
        assert_eq!(
            settings.text("max_size").unwrap_err().text(),
            "option `max_size`: must be a text, but the host gave a whole number"
        );
        assert_eq!(
            settings.boolean("tls").unwrap_err().text(),
            "option `tls`: it has no value"
        );
    }
}
