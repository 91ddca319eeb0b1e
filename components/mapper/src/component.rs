//! The mapper as the host sees it: the exports of the world `mapper`. Only in WebAssembly.

use caso_component::settings::Settings;
use caso_component::started::Started;
use caso_component::types::Setting;

use crate::bindings;
use crate::bindings::exports::caso::accounting::description::{self, ComponentDescription};
use crate::bindings::exports::caso::accounting::mapping;
use crate::policy::Policy;
use crate::usage::{Context, Tables, UsageItem};

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
    fn start(settings: Vec<Setting>) -> Result<(), String> {
        STARTED.with(|started| started.start(|| Policy::from_settings(Settings(&settings))))
    }

    fn map_usage(context: Context, tables: Tables, items: Vec<UsageItem>) -> Vec<mapping::Outcome> {
        let mapped = STARTED
            .with(|started| started.with(|policy| crate::map(policy, &context, &tables, &items)));
        mapped.unwrap_or_else(|reason| {
            items
                .iter()
                .map(|_| mapping::Outcome::Refused(reason.clone()))
                .collect()
        })
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod export {
    use super::{Mapper, bindings};
    bindings::export!(Mapper with_types_in bindings);
}
