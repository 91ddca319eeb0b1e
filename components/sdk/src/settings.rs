//! Typed access to the options a component was started with.
//!
//! The host has parsed and checked them against the description; what can still
//! be wrong is that component and host disagree on a name or a kind, and then
//! the error names the option.

use crate::types::{OptionValue, Setting};

/// The options of an instance.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a>(pub &'a [Setting]);

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $optional:ident, $case:ident, $type:ty, $kind:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// When the option has no value, or one of another kind.
        pub fn $name(&self, name: &str) -> Result<$type, String> {
            self.$optional(name)?
                .ok_or_else(|| format!("option `{name}` has no value"))
        }

        /// The same for an option that may have no value.
        ///
        /// # Errors
        /// When its value is of another kind.
        pub fn $optional(&self, name: &str) -> Result<Option<$type>, String> {
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
        /// A text; also a choice, a path, a URL, an endpoint or a secret.
        text, optional_text, Text, String, "a text");
    getter!(
        /// A whole number.
        integer, optional_integer, Integer, i64, "a whole number");
    getter!(
        /// A number.
        number, optional_number, Number, f64, "a number");
    getter!(
        /// A truth value.
        boolean, optional_boolean, Boolean, bool, "a truth value");
    getter!(
        /// An amount of data, in bytes.
        size, optional_size, SizeBytes, u64, "an amount of data");

    fn value(&self, name: &str) -> Option<&OptionValue> {
        self.0
            .iter()
            .find(|setting| setting.name == name)
            .map(|setting| &setting.value)
    }
}

fn unexpected(name: &str, expected: &str, value: &OptionValue) -> String {
    let given = match value {
        OptionValue::Text(_) => "a text",
        OptionValue::Integer(_) => "a whole number",
        OptionValue::Number(_) => "a number",
        OptionValue::Boolean(_) => "a truth value",
        OptionValue::DurationMilliseconds(_) => "a span of time",
        OptionValue::SizeBytes(_) => "an amount of data",
        OptionValue::Texts(_) => "a list of texts",
        OptionValue::Other(_) => "a value of a kind unknown here",
    };
    format!("option `{name}` shall be {expected}, and the host gave {given}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Vec<Setting> {
        vec![
            Setting {
                name: "output_path".into(),
                value: OptionValue::Text("/spool".into()),
            },
            Setting {
                name: "max_size".into(),
                value: OptionValue::Integer(100),
            },
        ]
    }

    #[test]
    fn value_of_its_kind() {
        let list = settings();
        let settings = Settings(&list);
        assert_eq!(settings.text("output_path").unwrap(), "/spool");
        assert_eq!(settings.optional_integer("max_size"), Ok(Some(100)));
        assert_eq!(settings.optional_boolean("tls"), Ok(None));
    }

    #[test]
    fn error_names_the_option() {
        let list = settings();
        let settings = Settings(&list);
        assert_eq!(
            settings.text("max_size").unwrap_err(),
            "option `max_size` shall be a text, and the host gave a whole number"
        );
        assert_eq!(
            settings.boolean("tls").unwrap_err(),
            "option `tls` has no value"
        );
    }
}
