//! What the messenger says of itself.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso_component::types::Attribute;

use crate::CONNECTION;

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        name: "logstash".to_owned(),
        summary: "Sends each record as a line of JSON to a Logstash".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        record_types: Vec::new(),
        options: options(),
        capabilities: vec![CapabilityRequest {
            name: CONNECTION.to_owned(),
            kind: "connection".to_owned(),
            target: "${host}:${port}".to_owned(),
            required: true,
            attributes: ["tls", "cafile", "certfile", "keyfile"]
                .map(|term| Attribute {
                    name: term.to_owned(),
                    value: format!("${{{term}}}"),
                })
                .to_vec(),
        }],
        packing_option: None,
        attributes: Vec::new(),
    }
}

fn options() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "host",
            OptionKind::Text,
            Some("localhost"),
            "Host of the Logstash; an IPv6 address in brackets.",
        ),
        OptionDescription::new(
            "port",
            OptionKind::Integer,
            Some("5000"),
            "Port of its TCP input with a codec for lines of JSON.",
        )
        .minimum(1)
        .maximum(65_535),
        OptionDescription::new(
            "tls",
            OptionKind::Boolean,
            Some("false"),
            "Whether the connection is encrypted and the server's certificate checked.",
        ),
        OptionDescription::new(
            "cafile",
            OptionKind::Path,
            None,
            "PEM file with the certificates to trust, in place of the system's. Needs `tls`.",
        ),
        OptionDescription::new(
            "certfile",
            OptionKind::Path,
            None,
            "PEM file with the client certificate to present, for a server that asks for one. \
             Needs `tls`.",
        ),
        OptionDescription::new(
            "keyfile",
            OptionKind::Path,
            None,
            "PEM file with the key of the client certificate, without passphrase. When unset it \
             is looked for in `certfile`.",
        ),
        OptionDescription::new(
            "wait_for_end",
            OptionKind::Boolean,
            Some("true"),
            "Whether records count as delivered only when the server, having read them all, \
             closes the connection, as Logstash and rsyslog do. Set it to false for a server \
             that never closes; what is on its way when it fails is lost then.",
        ),
    ]
}
