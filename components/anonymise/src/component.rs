//! The filter as the host sees it: the exports of the world `filter`. Only in WebAssembly.

use caso_component::caso::accounting::deliveries::Batch;
use caso_component::description::ComponentDescription;
use caso_component::started::Started;
use caso_component::types::{Attribute, Setup, StartError};

use crate::bindings::exports::caso::accounting::description;
use crate::bindings::exports::caso::filter::filtering;
use crate::{Anonymise, Verdict, bindings};

thread_local! {
    static STARTED: Started<Anonymise> = const { Started::new() };
}

struct Component;

impl description::Guest for Component {
    fn describe() -> ComponentDescription {
        crate::describe()
    }
}

impl filtering::Guest for Component {
    fn start(setup: Setup) -> Result<(), StartError> {
        STARTED.with(|started| started.start(|| Anonymise::start(&setup)))
    }

    fn filter(batch: Batch) -> Vec<Verdict> {
        let count = batch.origin_of.len();
        let verdicts = STARTED.with(|started| started.with(|filter| filter.filter(batch.records)));
        // An error, by which nothing goes on.
        verdicts.unwrap_or_else(|reason| {
            let other = || {
                Verdict::Other(Attribute {
                    name: "error".to_owned(),
                    value: reason.clone(),
                })
            };
            (0..count).map(|_| other()).collect()
        })
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod export {
    use super::{Component, bindings};
    bindings::export!(Component with_types_in bindings);
}
