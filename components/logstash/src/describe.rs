//! What the messenger declares to the host: options, and the connection they describe.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::CONNECTION;

/// The description.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        options: options(),
        capabilities: vec![
            CapabilityRequest::new(CONNECTION, "connection", "${host}:${port}")
                .term("tls", "tls")
                .term("cafile", "cafile")
                .term("certfile", "certfile")
                .term("keyfile", "keyfile"),
        ],
        ..ComponentDescription::new(
            "logstash",
            "Sends each record as a line of JSON to a Logstash",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn options() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "host",
            OptionKind::Text,
            Some("localhost"),
            "Host of the Logstash server; an IPv6 address in brackets.",
        ),
        OptionDescription::new(
            "port",
            OptionKind::Integer,
            Some("5000"),
            "Port of its TCP input, which needs a codec for lines of JSON.",
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
            "PEM file with the certificates to trust instead of the system's. Needs `tls`.",
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
            "PEM file with the key of the client certificate, without a passphrase. When unset, \
             the key is read from `certfile`.",
        ),
        OptionDescription::new(
            "wait_for_end",
            OptionKind::Boolean,
            Some("true"),
            "Whether records count as delivered only when the server, having read them all, \
             closes the connection, as Logstash and rsyslog do. Set it to false for a server \
             that never closes connections; records in transit when it fails are then lost.",
        ),
    ]
}
