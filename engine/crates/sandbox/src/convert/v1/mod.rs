//! Version 1 of the contract.

mod delivery;
mod description;
mod record;
mod usage;

use super::{Cross, record, variant};
use crate::bindings::mapper::caso::accounting::types as wit;
use caso_model::component::{OptionValue, Setting};

record!(both caso_model::Attribute, wit::Attribute { name, value });
record!(to wit::Window, from caso_model::Window { start, end });
record!(to wit::Setting, from Setting { name, value });
variant!(to wit::OptionValue, from OptionValue {
    Text, Integer, Number, Boolean, DurationMilliseconds, SizeBytes, Texts,
});
