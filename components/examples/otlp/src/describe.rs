//! What the messenger declares to the host.

use caso_component::messenger::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

use crate::ORIGIN;

/// The option with the number of records in a request.
const PACKING_OPTION: &str = "max_size";

/// The description. It takes all record types, those of other kinds too.
#[must_use]
pub fn describe() -> ComponentDescription {
    ComponentDescription {
        options: options(),
        // How TLS is spoken is a term of the site's grant.
        capabilities: vec![CapabilityRequest::new(ORIGIN, "http", "${endpoint}")],
        packing_option: Some(PACKING_OPTION.to_owned()),
        ..ComponentDescription::new(
            "otlp",
            "Exports records as metrics by OTLP over HTTP",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

fn options() -> Vec<OptionDescription> {
    vec![
        OptionDescription::new(
            "endpoint",
            OptionKind::Url,
            Some("http://localhost:4318"),
            "Address of the receiver, as in OTEL_EXPORTER_OTLP_ENDPOINT: `/v1/metrics` is added to \
             it.",
        ),
        OptionDescription::new(
            "headers",
            OptionKind::Secret,
            None,
            "Headers of each request, as in OTEL_EXPORTER_OTLP_HEADERS: \
             `name=value,name=value`, with `%2C` for a comma and the like.",
        ),
        OptionDescription::new(
            "token",
            OptionKind::Secret,
            None,
            "Bearer token, for the header `Authorization`.",
        ),
        OptionDescription::new(
            "service_name",
            OptionKind::Text,
            Some("caso"),
            "The resource attribute `service.name`, which Prometheus has as `job`.",
        ),
        OptionDescription::new(
            "intervals",
            OptionKind::Choice(vec!["sum".to_owned(), "gauge".to_owned()]),
            Some("sum"),
            "How what was used in an interval (energy, records of other kinds) is exported: as a \
             sum of delta temporality, or as a gauge for receivers that take no deltas, as \
             Prometheus.",
        ),
        OptionDescription::new(
            PACKING_OPTION,
            OptionKind::Integer,
            Some("200"),
            "Records in a request.",
        )
        .minimum(1)
        .maximum(2_000),
    ]
}
