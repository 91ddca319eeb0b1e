//! `mapper`: turns normalized usage into accounting records.
//!
//! Usage is what OpenStack said; what it means for accounting is policy, and all
//! policy stands here: which status counts as running, when a VM began, which
//! flavor properties name a benchmark or an accelerator, how a month is cut. It
//! is the policy of cASO 5.2.2, so that a site's history goes on unbroken, with
//! cASO's mistakes mended. One module a kind of usage:
//!
//! ```text
//! page of usage ─► page (tables by id, flavor properties read once)
//!    server ─► lifetime, status ─► cloud ─► accelerator
//!    volume ─► storage      floating-ips ─► ip      energy ─► energy
//! ```
//!
//! Text stays Unicode here; what a consumer can't take its messenger deals with.

mod accelerator;
mod calendar;
mod cloud;
mod describe;
mod energy;
mod flavor;
mod identity;
mod ip;
mod lifetime;
mod page;
pub mod policy;
mod status;
mod storage;

#[cfg(test)]
mod samples;

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "mapper",
        additional_derives: [PartialEq],
        with: {
            "caso:accounting/types@1.0.0": caso_component::types,
            "caso:accounting/records@1.0.0": caso_component::records,
            "caso:accounting/log@1.0.0": caso_component::caso::accounting::log,
        },
    });
}

pub use bindings::caso::accounting::usage;
pub use bindings::exports::caso::accounting::mapping::Outcome;
pub use describe::describe;

use page::Page;
use policy::Policy;
use usage::{Context, Tables, UsageItem};

/// Maps a page: one outcome for each item, in the items' order.
#[must_use]
pub fn map(
    policy: &Policy,
    context: &Context,
    tables: &Tables,
    items: &[UsageItem],
) -> Vec<Outcome> {
    let page = Page::new(policy, context, tables, items);
    items
        .iter()
        .map(|item| {
            let records = match item {
                UsageItem::Server(server) => cloud::map(&page, server),
                UsageItem::Volume(volume) => storage::map(&page, volume),
                UsageItem::FloatingIps(addresses) => ip::map(&page, addresses),
                UsageItem::Energy(energy) => energy::map(&page, energy),
                UsageItem::Other(other) => Err(format!(
                    "usage `{}` is of kind `{}`, which this mapper does not know",
                    other.id, other.kind
                )),
            };
            match records {
                Ok(records) => Outcome::Records(records),
                Err(reason) => Outcome::Refused(reason),
            }
        })
        .collect()
}

#[cfg(target_arch = "wasm32")]
mod component {
    use std::sync::OnceLock;

    use caso_component::types::Setting;

    use crate::bindings;
    use crate::bindings::exports::caso::accounting::description::{self, ComponentDescription};
    use crate::bindings::exports::caso::accounting::mapping;
    use crate::policy::Policy;
    use crate::usage::{Context, Tables, UsageItem};

    /// What `start` was given. A store holds one started instance.
    static POLICY: OnceLock<Policy> = OnceLock::new();

    struct Mapper;

    impl description::Guest for Mapper {
        fn describe() -> ComponentDescription {
            crate::describe()
        }
    }

    impl mapping::Guest for Mapper {
        fn start(settings: Vec<Setting>) -> Result<(), String> {
            POLICY
                .set(Policy::from_settings(&settings)?)
                .map_err(|_| "`start` was called twice".to_owned())
        }

        fn map_usage(
            context: Context,
            tables: Tables,
            items: Vec<UsageItem>,
        ) -> Vec<mapping::Outcome> {
            match POLICY.get() {
                Some(policy) => crate::map(policy, &context, &tables, &items),
                None => items
                    .iter()
                    .map(|_| mapping::Outcome::Refused("`start` was not called".to_owned()))
                    .collect(),
            }
        }
    }

    #[allow(unsafe_code)]
    mod export {
        use super::{Mapper, bindings};
        bindings::export!(Mapper with_types_in bindings);
    }
}
