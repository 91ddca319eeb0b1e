//! The components that are part of the program: WebAssembly as bytes, by name.
//!
//! The build script compiles `components/` for `wasm32-wasip2` with a nested
//! cargo and embeds what comes out, so that a program that is one file brings
//! them along. A packager who builds them apart names their folder in
//! `CASO_COMPONENTS_DIR`. What they are and may do a host asks the components
//! themselves; here they are names and bytes.

#![warn(missing_docs)]

/// Name and bytes of each. The table is short: it is looked through.
static BUILTINS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/components.rs"));

/// The built-in component of this name, as WebAssembly.
#[must_use]
pub fn builtin(name: &str) -> Option<&'static [u8]> {
    BUILTINS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| *bytes)
}

/// Names of all built-in components, the mapper among them.
pub fn builtins() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, _)| *name)
}

/// Names of the built-in filters: what `filters` may name without a component of its own.
pub const FILTERS: [&str; 1] = ["anonymise"];

/// Names of the built-in messengers: what `messengers` may name without a
/// component of its own.
pub fn messengers() -> Vec<String> {
    builtins()
        .filter(|name| *name != "mapper" && !FILTERS.contains(name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;
