//! What the messenger declares to the host. The options have the names of ssmsend's
//! `sender.cfg` where they mean the same.

use caso_apel::format::PACKING_OPTION;
use caso_apel::{Format, RECORD_TYPES};
use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::adopted;
use crate::options::own_destination;
use crate::{PUBLISH, SIGNATURE, TOKEN};

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        record_types: RECORD_TYPES
            .into_iter()
            .chain([adopted::KIND])
            .map(str::to_owned)
            .collect(),
        options: options(),
        capabilities: vec![
            CapabilityRequest::new(SIGNATURE, "signature", "${certificate}")
                .term("keyfile", "key")
                .term("encrypt", "server_cert"),
            CapabilityRequest::new(PUBLISH, "http", "https://${host}:${port}")
                .term("cafile", "cafile"),
            CapabilityRequest::new(TOKEN, "http", "https://${host}:${authn_port}")
                .term("cafile", "cafile")
                .term("certfile", "certificate")
                .term("keyfile", "key"),
        ],
        packing_option: Some(PACKING_OPTION.to_owned()),
        ..ComponentDescription::new(
            "ams",
            "Signs APEL messages and publishes them to ARGO's messaging service",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn options() -> Vec<OptionDescription> {
    let mut options = service();
    options.extend(RECORD_TYPES.map(|kind| {
        OptionDescription::new(
            &own_destination(kind),
            OptionKind::Text,
            (kind == "storage").then_some("eu-egi-storage-accounting"),
            &format!("Topic for {kind} records. When unset, `destination`."),
        )
    }));
    options.extend(files());
    options.extend(Format::options());
    options
}

fn service() -> Vec<OptionDescription> {
    let port = |name: &str, default: &str, help: &str| {
        OptionDescription::new(name, OptionKind::Integer, Some(default), help)
            .minimum(1)
            .maximum(65_535)
    };
    vec![
        OptionDescription::new(
            "host",
            OptionKind::Text,
            Some("msg.argo.grnet.gr"),
            "Host of ARGO's messaging service; `msg-devel.argo.grnet.gr` to try it.",
        ),
        port("port", "443", "Port to which messages are published."),
        port(
            "authn_port",
            "8443",
            "Port of the service that gives a token for the host's certificate.",
        ),
        OptionDescription::new(
            "ams_project",
            OptionKind::Text,
            Some("accounting"),
            "Project in AMS.",
        ),
        OptionDescription::new(
            "destination",
            OptionKind::Text,
            Some("eu-egi-cloud-accounting"),
            "Topic to which messages are published.",
        ),
    ]
}

fn files() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "certificate",
            OptionKind::Path,
            Some("/etc/grid-security/hostcert.pem"),
            "The host's certificate in PEM. Its subject must be the host DN of a service endpoint in \
             GOCDB of type eu.egi.cloud.accounting.",
        ),
        OptionDescription::new(
            "key",
            OptionKind::Path,
            Some("/etc/grid-security/hostkey.pem"),
            "Its key in PEM, without a passphrase. The host signs with it; the messenger never \
             sees it.",
        ),
        OptionDescription::new(
            "server_cert",
            OptionKind::Path,
            None,
            "Certificate of the repository, not of AMS, if messages are to be encrypted for it.",
        ),
        OptionDescription::new(
            "token",
            OptionKind::Secret,
            None,
            "Token of AMS, if you were given one. When unset, it is asked for with the host's \
             certificate.",
        ),
        OptionDescription::new(
            "cafile",
            OptionKind::Path,
            None,
            "The authorities that AMS's certificate may be from, as a file or a folder in PEM. When \
             unset, those of the system.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_certificate_are_terms_and_the_token_is_a_secret() {
        let description = describe();
        let asked: Vec<String> = description
            .capabilities
            .iter()
            .map(|it| {
                let terms = it
                    .attributes
                    .iter()
                    .map(|term| format!(" {}={}", term.name, term.value));
                format!(
                    "{} {} {}{}",
                    it.name,
                    it.kind,
                    it.target,
                    terms.collect::<String>()
                )
            })
            .collect();
        assert_eq!(
            asked,
            [
                "host signature ${certificate} keyfile=${key} encrypt=${server_cert}",
                "publish http https://${host}:${port} cafile=${cafile}",
                "token http https://${host}:${authn_port} cafile=${cafile} \
                 certfile=${certificate} keyfile=${key}",
            ]
        );
        let token = description.options.iter().find(|it| it.name == "token");
        assert_eq!(token.unwrap().kind, OptionKind::Secret);
        assert_eq!(description.packing_option.as_deref(), Some("max_size"));
    }
}
