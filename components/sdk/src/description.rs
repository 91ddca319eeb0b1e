//! What a component declares about itself: name, options, record types and the
//! capabilities it asks for.
//!
//! The types are the contract's (`wit/descriptions.wit`); the constructors here fill in
//! what is usually empty, for use with struct update syntax:
//!
//! ```
//! use caso_component::description::{
//!     CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
//! };
//!
//! let description = ComponentDescription {
//!     record_types: vec!["cloud".into()],
//!     options: vec![
//!         OptionDescription::new("port", OptionKind::Integer, Some("5000"), "Port of the server.")
//!             .minimum(1)
//!             .maximum(65_535),
//!         OptionDescription::new("token", OptionKind::Secret, None, "Token to log in with.")
//!             .required(),
//!     ],
//!     capabilities: vec![CapabilityRequest::new("server", "connection", "example.org:${port}")],
//!     ..ComponentDescription::new("mine", "Sends records to example.org", "1.0.0")
//! };
//! assert!(description.capabilities[0].required);
//! ```

pub use crate::bindings::caso::accounting::descriptions::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use crate::types::Attribute;

impl ComponentDescription {
    /// A component that takes every record type and has neither options nor
    /// capabilities.
    ///
    /// `name` is of `a-z`, `0-9`, `-` and `_`; `summary` is one line for lists;
    /// `version` is the component's own, usually `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn new(name: &str, summary: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            summary: summary.to_owned(),
            version: version.to_owned(),
            record_types: Vec::new(),
            options: Vec::new(),
            capabilities: Vec::new(),
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl OptionDescription {
    /// An option that a site may leave out. `default` is written as a site would
    /// write it; `help` is one or two sentences for the operator.
    #[must_use]
    pub fn new(name: &str, kind: OptionKind, default: Option<&str>, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
            required: false,
            help: help.to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// The same option, which a site must set.
    #[must_use]
    pub fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same option with a smallest value (for integers and numbers).
    #[must_use]
    pub fn minimum(self, minimum: i64) -> Self {
        self.attribute("minimum", minimum)
    }

    /// The same option with a largest value (for integers and numbers).
    #[must_use]
    pub fn maximum(self, maximum: i64) -> Self {
        self.attribute("maximum", maximum)
    }

    fn attribute(mut self, name: &str, value: i64) -> Self {
        self.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_string(),
        });
        self
    }
}

impl CapabilityRequest {
    /// A capability without which the component cannot start.
    ///
    /// `name` is what the component calls it (`queue::put(name, …)`); `kind` is
    /// `queue`, `connection`, `http`, `directory`, `directory-write` or `address`;
    /// `target` may refer to options: `${output_path}`, `${host}:${port}`.
    #[must_use]
    pub fn new(name: &str, kind: &str, target: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            target: target.to_owned(),
            required: true,
            attributes: Vec::new(),
        }
    }

    /// The same capability, which is dropped where an option that its target refers
    /// to is not set.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    /// The same capability with a term of the grant that is taken from the option
    /// `option`: `.term("cafile", "ca_file")`.
    #[must_use]
    pub fn term(mut self, name: &str, option: &str) -> Self {
        self.attributes.push(Attribute {
            name: name.to_owned(),
            value: format!("${{{option}}}"),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_and_terms_are_attributes() {
        let pairs = |attributes: Vec<Attribute>| -> Vec<(String, String)> {
            attributes.into_iter().map(|a| (a.name, a.value)).collect()
        };
        let option = OptionDescription::new("port", OptionKind::Integer, None, "Port.")
            .minimum(1)
            .maximum(65_535);
        assert_eq!(
            pairs(option.attributes),
            [
                ("minimum".to_owned(), "1".to_owned()),
                ("maximum".to_owned(), "65535".to_owned())
            ]
        );
        let capability = CapabilityRequest::new("web", "http", "${url}").term("verify", "check");
        assert_eq!(
            pairs(capability.attributes),
            [("verify".to_owned(), "${check}".to_owned())]
        );
    }

    #[test]
    fn required_and_optional() {
        let option = OptionDescription::new("a", OptionKind::Text, None, "");
        assert!(!option.required && option.required().required);
        let capability = CapabilityRequest::new("a", "queue", "/a");
        assert!(capability.required && !capability.optional().required);
    }
}
