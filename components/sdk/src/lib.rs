#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it is for |
//! |---|---|
//! | [`messenger`] | the trait [`messenger::Messenger`], batches, answers, queues and connections |
//! | [`description`] | what a component declares: options, record types, capabilities |
//! | [`settings`] | typed access to the values of the options |
//! | [`log`] | lines for the operator's log |
//! | [`records`], [`types`] | the contract's records and basic types, generated from `wit/` |
//! | [`record_json`], [`json`], [`python`] | records as JSON with cASO's keys, byte for byte |
//! | [`plain`] | whether a text may go as it is into what is written |
//! | [`started`] | what keeps a started instance between calls |
//!
//! A mapper generates the bindings of its own world (`mapper`) and takes the types
//! that both worlds share (settings, records, log) from here, so that a native test
//! can hand a mapper's records straight to a messenger.

#![warn(missing_docs)]

/// The memory of whatever is built with this: a component has one thread.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

pub mod description;
pub mod json;
pub mod log;
pub mod messenger;
pub mod plain;
pub mod python;
pub mod record_json;
#[cfg(any(test, feature = "testing"))]
pub mod samples;
pub mod settings;
pub mod started;

#[allow(
    missing_docs,
    reason = "generated: the documentation is that of the files in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "messenger",
        pub_export_macro: true,
        export_macro_name: "export_bindings",
        default_bindings_module: "caso_component",
        additional_derives: [PartialEq],
    });
}

pub use bindings::caso;
pub use bindings::caso::accounting::{records, types};
// `export_messenger!` needs these two at the crate's root.
#[doc(hidden)]
pub use bindings::{export_bindings, exports};
