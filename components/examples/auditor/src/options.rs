//! The messenger's options, read from what the host hands to `start`.

use caso_component::messenger::StartError;
use caso_component::settings::Settings;
use caso_http::address::Address;
use caso_http::client::token;

use crate::record;

/// The configuration of an instance. Not `Debug`: the token must not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// Where AUDITOR is.
    pub address: Address,
    /// Whether a VM that runs has a record without a stop time.
    pub open: bool,
    /// How the ids of records begin.
    pub prefix: String,
    /// Records in a request.
    pub max_size: usize,
    /// For a proxy.
    pub token: Option<String>,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong, and what it must be.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let address = Address::parse(&settings.text("url")?)
            .map_err(|reason| StartError::option("url", reason))?;
        let prefix = settings.text("record_prefix")?;
        if record::name(&prefix).is_err() || prefix.chars().count() > 64 {
            return Err(StartError::option(
                "record_prefix",
                "must be a word of at most 64 characters",
            ));
        }
        let max_size = settings.integer("max_size")?;
        Ok(Self {
            address,
            open: settings.text("running")? == "open",
            prefix,
            // The host has checked its bounds.
            max_size: usize::try_from(max_size).unwrap_or(1).max(1),
            token: token(settings, "token")?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use caso_component::samples::setting;
    use caso_component::types::OptionValue;

    pub(crate) fn options(changes: &[(&str, &str)]) -> Result<Options, String> {
        let mut settings = vec![setting("max_size", OptionValue::Integer(100))];
        let defaults = [
            ("url", "https://auditor.example.org:8001"),
            ("running", "skip"),
            ("record_prefix", "caso"),
        ];
        for (name, value) in defaults.iter().chain(changes) {
            settings.retain(|it| it.name != *name);
            settings.push(setting(name, OptionValue::Text((*value).into())));
        }
        Options::from_settings(Settings(&settings)).map_err(|error| error.text())
    }

    #[test]
    fn bad_values_are_named_and_no_token_is_shown() {
        for (name, value) in [
            ("url", "auditor.example.org"),
            ("url", "https://u:hunter2@auditor.example.org"),
            ("record_prefix", " "),
            ("token", "hunter 2"),
        ] {
            let error = options(&[(name, value)]).err().unwrap();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
        let options = options(&[("url", "http://a/b/"), ("token", "")])
            .ok()
            .unwrap();
        assert_eq!(options.address.below("/record"), "/b/record");
        assert!(options.token.is_none() && !options.open);
    }
}
