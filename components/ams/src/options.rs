//! The messenger's options, read from what the host hands to `start`.

use caso_apel::{Format, RECORD_TYPES};
use caso_component::messenger::StartError;
use caso_component::settings::Settings;
use caso_http::client::token;

/// The configuration of an instance. Not `Debug`: the token must not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// The form and the size of messages.
    pub format: Format,
    /// Name of the service's host.
    pub host: String,
    /// The project in AMS.
    pub project: String,
    /// The topic of all record types that have none of their own.
    pub destination: String,
    /// Record types with a topic of their own, and that topic.
    pub own_destinations: Vec<(&'static str, String)>,
    /// A token that the site was given; otherwise one is asked for.
    pub token: Option<String>,
}

/// Name of the option with a record type's own topic.
pub fn own_destination(record_type: &str) -> String {
    format!("destination_{record_type}")
}

impl Options {
    /// The topic for records of this type.
    #[must_use]
    pub fn topic(&self, record_type: &str) -> &str {
        let mut own = self.own_destinations.iter();
        own.find(|(kind, _)| *kind == record_type)
            .map_or(&self.destination, |(_, topic)| topic)
    }

    /// The service type under which GOCDB must have the DN for records of this type to be
    /// taken (docs.egi.eu: registration of cloud providers, storage accounting).
    #[must_use]
    pub fn service_type(record_type: &str) -> &'static str {
        match record_type {
            "storage" => "eu.egi.storage.accounting",
            _ => "eu.egi.cloud.accounting",
        }
    }

    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong, and what it must be.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let part = |name: &str| {
            let value = settings.text(name)?;
            match is_part(&value) {
                true => Ok(value),
                false => Err(not_a_part(name, &value)),
            }
        };
        let mut own_destinations = Vec::new();
        for kind in RECORD_TYPES {
            let name = own_destination(kind);
            match settings.optional_text(&name)?.filter(|it| !it.is_empty()) {
                Some(topic) if is_part(&topic) => own_destinations.push((kind, topic)),
                Some(topic) => return Err(not_a_part(&name, &topic)),
                None => {}
            }
        }
        Ok(Self {
            format: Format::from_settings(settings)?,
            host: host(settings)?,
            project: part("ams_project")?,
            destination: part("destination")?,
            own_destinations,
            token: token(settings, "token")?,
        })
    }
}

/// A name alone: the ports are options of their own, and the path is AMS's.
fn host(settings: Settings<'_>) -> Result<String, StartError> {
    let host = settings.text("host")?;
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) || host.contains("://") {
        return Err(StartError::option(
            "host",
            format!("must be the name of a host, like `msg.argo.grnet.gr`, but is `{host}`"),
        ));
    }
    // An IPv6 address has colons, and stands in brackets.
    if !host.starts_with('[') && host.contains(':') {
        return Err(StartError::option(
            "host",
            format!("is `{host}`: the port belongs in `port`"),
        ));
    }
    Ok(host)
}

/// Whether a name can be part of a path as it is. AMS's projects and topics are of letters,
/// digits, `-` and `_` (`validation.go` of argo-messaging).
fn is_part(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.chars().all(plain)
}

fn not_a_part(name: &str, value: &str) -> StartError {
    StartError::option(
        name,
        format!("must be of letters, digits, `-`, `_` and `.`, but is `{value}`"),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use caso_component::samples::setting;
    use caso_component::types::{OptionValue, Setting};

    pub(crate) fn settings(changes: &[(&str, &str)]) -> Vec<Setting> {
        let mut settings = caso_apel::samples::settings_with("max_size", OptionValue::Integer(2));
        let own = [
            ("host", "ams.example.org"),
            ("ams_project", "accounting"),
            ("destination", "eu-egi-cloud-accounting"),
            ("destination_storage", "eu-egi-storage-accounting"),
        ];
        for (name, value) in own.iter().chain(changes) {
            settings.retain(|known| known.name != *name);
            settings.push(setting(name, OptionValue::Text((*value).into())));
        }
        settings
    }

    pub(crate) fn options(changes: &[(&str, &str)]) -> Result<Options, String> {
        Options::from_settings(Settings(&settings(changes))).map_err(|error| error.text())
    }

    #[test]
    fn each_record_type_goes_to_its_topic() {
        let options = options(&[("destination_ip", "ips"), ("destination_cloud", "")]).unwrap();
        for (kind, topic) in [
            ("cloud", "eu-egi-cloud-accounting"),
            ("accelerator", "eu-egi-cloud-accounting"),
            ("ip", "ips"),
            ("storage", "eu-egi-storage-accounting"),
        ] {
            assert_eq!(options.topic(kind), topic);
        }
        assert_eq!(Options::service_type("ip"), "eu.egi.cloud.accounting");
        assert_eq!(
            Options::service_type("storage"),
            "eu.egi.storage.accounting"
        );
    }

    #[test]
    fn bad_values_are_named_and_no_token_is_shown() {
        for (name, value) in [
            ("host", ""),
            ("host", "https://ams.example.org"),
            ("host", "ams.example.org/v1"),
            ("host", "ams.example.org:443"),
            ("ams_project", "a/b"),
            ("destination", ""),
            ("destination_ip", "a:publish?x="),
            ("token", "hunter 2"),
        ] {
            let error = options(&[(name, value)]).err().unwrap();
            assert!(error.contains(&format!("`{name}`")), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        }
        assert_eq!(options(&[("host", "[::1]")]).ok().unwrap().host, "[::1]");
        assert!(options(&[("token", "")]).ok().unwrap().token.is_none());
    }
}
