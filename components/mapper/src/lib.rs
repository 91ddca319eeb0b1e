//! `mapper`: turns normalized usage into accounting records.
//!
//! Usage is what OpenStack's APIs state. What it means for accounting is policy, and all of
//! the policy is in this crate: which status counts as running, when a VM began, which
//! flavor properties name a benchmark or an accelerator, how a window is divided into
//! months. It is the policy of cASO 5.2.2, so that the history of a site continues without
//! a break, with cASO's defects corrected. There is one module for each kind of usage:
//!
//! ```text
//! page of usage ─► page (tables by id, flavor properties read once)
//!    server ─► lifetime, status, cpu, counted ─► cloud ─► accelerator
//!    volume ─► storage      floating-ips ─► ip      energy ─► energy      other ─► other
//! ```
//!
//! Times are epoch seconds in UTC. Text stays Unicode of any length: what a consumer cannot
//! take is up to its messenger.

#![warn(missing_docs)]

mod accelerator;
mod calendar;
mod cloud;
#[cfg(target_arch = "wasm32")]
mod component;
mod counted;
mod cpu;
mod describe;
mod energy;
mod flavor;
mod held;
mod identity;
mod ip;
mod lifetime;
mod other;
mod page;
pub mod policy;
mod status;
mod storage;

#[cfg(test)]
mod samples;

#[allow(
    missing_docs,
    reason = "generated: the documentation is that of the files in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "mapper",
        additional_derives: [PartialEq],
        with: {
            "caso:accounting/types@1.0.0": caso_component::types,
            "caso:accounting/descriptions@1.0.0": caso_component::caso::accounting::descriptions,
            "caso:accounting/records@1.0.0": caso_component::records,
            "caso:accounting/log@1.0.0": caso_component::caso::accounting::log,
        },
    });
}

pub use bindings::caso::accounting::outcomes::Outcome;
pub use bindings::caso::accounting::usage;
pub use describe::describe;

use page::Page;
use policy::Policy;
use usage::{Context, Tables, UsageItem};

/// Maps a page of usage: one outcome for each item, in the items' order. An item has no
/// records where there is nothing to report, and is refused, with the reason, where it
/// cannot be accounted.
#[must_use]
pub fn map(
    policy: &Policy,
    context: &Context,
    tables: &Tables,
    items: &[UsageItem],
) -> Vec<Outcome> {
    let page = Page::new(policy, context, tables, items);
    let outcome = |records| Outcome {
        records,
        refused: None,
        attributes: Vec::new(),
    };
    items
        .iter()
        .map(|item| {
            let records = match item {
                UsageItem::Server(server) => cloud::map(&page, server),
                UsageItem::Volume(volume) => storage::map(&page, volume),
                UsageItem::FloatingIps(addresses) => ip::map(&page, addresses),
                UsageItem::Energy(energy) => energy::map(&page, energy),
                UsageItem::Other(other) => other::map(&page, other),
            };
            match records {
                Ok(records) => outcome(records),
                Err(reason) => refused(reason),
            }
        })
        .collect()
}

/// The outcome of an item that cannot be accounted, for this reason.
fn refused(reason: String) -> Outcome {
    Outcome {
        records: Vec::new(),
        refused: Some(reason),
        attributes: Vec::new(),
    }
}
