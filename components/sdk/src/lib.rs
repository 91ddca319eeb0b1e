//! What the Rust components of this repository share: the bindings of the
//! world `messenger`, typed access to options, the log, and cASO's JSON.
//!
//! The mapper generates its own world and takes the types that both worlds know
//! (settings, records, log) from here, so that a native test can hand a
//! mapper's records straight to a messenger. Exports exist in WebAssembly only:
//! natively a component is an ordinary library, and `cargo test` runs its logic.

pub mod json;
pub mod log;
pub mod messenger;
pub mod python;
pub mod settings;
pub mod shape;

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "messenger",
        pub_export_macro: true,
        export_macro_name: "export_messenger",
        default_bindings_module: "caso_component",
        additional_derives: [PartialEq],
    });
}

pub use bindings::caso;
pub use bindings::caso::accounting::{records, types};
// `export_messenger!` looks for these names at the crate's root.
pub use bindings::export_messenger;
#[doc(hidden)]
pub use bindings::exports;
