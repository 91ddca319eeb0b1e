//! The mapper as the host sees it: the exports of the world `mapper`. Only in WebAssembly.

use caso_component::settings::Settings;
use caso_component::started::Started;
use caso_component::types::{Setup, StartError};

use crate::Outcome;
use crate::bindings;
use crate::bindings::exports::caso::accounting::{description, mapping};
use crate::policy::Policy;
use crate::usage::{Context, Tables, UsageItem};
use caso_component::description::ComponentDescription;

thread_local! {
    static STARTED: Started<Policy> = const { Started::new() };
}

struct Mapper;

impl description::Guest for Mapper {
    fn describe() -> ComponentDescription {
        crate::describe()
    }
}

impl mapping::Guest for Mapper {
    fn start(setup: Setup) -> Result<(), StartError> {
        STARTED.with(|started| started.start(|| Policy::from_settings(Settings::from(&setup))))
    }

    fn map_usage(context: Context, tables: Tables, items: Vec<UsageItem>) -> Vec<Outcome> {
        let mapped = STARTED
            .with(|started| started.with(|policy| crate::map(policy, &context, &tables, &items)));
        mapped.unwrap_or_else(|reason| {
            items
                .iter()
                .map(|_| crate::refused(reason.clone()))
                .collect()
        })
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod export {
    use super::{Mapper, bindings};
    bindings::export!(Mapper with_types_in bindings);
}
