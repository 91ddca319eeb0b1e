//! The messenger's options, as far as they concern it.

use caso_component::messenger::StartError;
use caso_component::settings::Settings;

/// The configuration of an instance. Host, port and TLS are not in it: they are terms of
/// the connection, which the host makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether records count as delivered only when the server has closed the connection.
    pub wait_for_end: bool,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong. A file for TLS without `tls` is an error: who sets
    /// one expects the records to be encrypted.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let tls = settings.boolean("tls")?;
        for name in ["cafile", "certfile", "keyfile"] {
            let file = settings.optional_text(name)?;
            if !tls && file.is_some_and(|file| !file.is_empty()) {
                return Err(StartError::option(
                    name,
                    format!("is set but `tls` is not: set `tls = true`, or remove `{name}`"),
                ));
            }
        }
        Ok(Self {
            wait_for_end: settings.boolean("wait_for_end")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples::setting;
    use caso_component::types::OptionValue;

    fn options(tls: bool, wait_for_end: bool, file: (&str, &str)) -> Result<Options, String> {
        Options::from_settings(Settings(&[
            setting("tls", OptionValue::Boolean(tls)),
            setting("wait_for_end", OptionValue::Boolean(wait_for_end)),
            setting(file.0, OptionValue::Text(file.1.into())),
        ]))
        .map_err(|error| error.text())
    }

    #[test]
    fn files_of_tls_without_tls_are_a_mistake() {
        for name in ["cafile", "certfile", "keyfile"] {
            assert!(options(true, true, (name, "/client.pem")).is_ok());
            assert!(options(false, true, (name, "")).is_ok());
            let error = options(false, true, (name, "/client.pem")).unwrap_err();
            assert!(
                error.contains(&format!("`{name}`")) && error.contains("`tls`"),
                "{error}"
            );
        }
    }

    #[test]
    fn waiting_is_a_choice() {
        for wait_for_end in [true, false] {
            let options = options(true, wait_for_end, ("cafile", "")).unwrap();
            assert_eq!(options, Options { wait_for_end });
        }
    }
}
