//! Version 1 of the contract.

mod delivery;
mod description;
mod record;
mod usage;

use super::{Cross, record, variant};
use crate::bindings::v1::mapper::caso::accounting::types as wit;
use caso_model::component::{OptionValue, Setting, Setup};
use caso_model::guest::StartError;

record!(both caso_model::Attribute, wit::Attribute { name, value });
record!(both caso_model::Quantity, wit::Quantity { name, value });
record!(to wit::Window, from caso_model::Window { start, end });
record!(to wit::Origin, from caso_model::Origin {
    cloud, region, project_id, extractor, window, attributes,
});
variant!(to wit::OptionValue, from OptionValue {
    Text, Integer, Number, Boolean, DurationMilliseconds, SizeBytes, Texts,
});

impl Cross<wit::Setting> for &Setting {
    fn cross(self) -> wit::Setting {
        let Setting { name, value } = self;
        wit::Setting {
            name: name.cross(),
            value: value.cross(),
            attributes: Vec::new(),
        }
    }
}

/// What a component is started with.
pub fn setup(setup: &Setup) -> wit::Setup {
    let Setup {
        instance,
        settings,
        attributes,
    } = setup;
    wit::Setup {
        instance: instance.cross(),
        settings: settings.cross(),
        attributes: attributes.cross(),
    }
}

impl Cross<StartError> for wit::StartError {
    fn cross(self) -> StartError {
        match self {
            Self::WrongOption(wrong) => StartError::WrongOption {
                name: wrong.name,
                reason: wrong.reason,
            },
            Self::Misconfigured(text) => StartError::Misconfigured(text),
            Self::Unavailable(text) => StartError::Unavailable(text),
            Self::Other(text) => StartError::Other(text),
        }
    }
}
