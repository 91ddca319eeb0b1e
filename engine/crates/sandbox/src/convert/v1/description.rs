//! What a component says of itself.

use crate::bindings::v1::mapper::caso::accounting::descriptions as wit;
use crate::convert::{Cross, record};
use caso_model::component as model;

record!(of wit::ComponentDescription, into model::Description {
    name, summary, version, record_types, options, capabilities, packing_option, attributes,
});
record!(of wit::OptionDescription, into model::OptionDescription {
    name, kind, default, required, help, old_names, attributes,
});
record!(of wit::CapabilityRequest, into model::CapabilityRequest {
    name, kind, target, required, attributes,
});

impl Cross<model::OptionKind> for wit::OptionKind {
    fn cross(self) -> model::OptionKind {
        match self {
            Self::Text => model::OptionKind::Text,
            Self::Integer => model::OptionKind::Integer,
            Self::Number => model::OptionKind::Number,
            Self::Boolean => model::OptionKind::Boolean,
            Self::Duration => model::OptionKind::Duration,
            Self::Size => model::OptionKind::Size,
            Self::Path => model::OptionKind::Path,
            Self::Url => model::OptionKind::Url,
            Self::Endpoint => model::OptionKind::Endpoint,
            Self::Choice(words) => model::OptionKind::Choice(words),
            Self::Texts => model::OptionKind::Texts,
            Self::Secret => model::OptionKind::Secret,
            Self::Other(kind) => model::OptionKind::Other(kind),
        }
    }
}
