//! The components that are part of the program.
//!
//! The build script builds them from `components/` and writes the table; it is
//! sorted by nothing, has few lines, and is looked through.

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

/// Names of the built-in messengers: what `messengers` may name without a
/// component of its own.
pub fn messengers() -> Vec<String> {
    builtins()
        .filter(|name| *name != "mapper")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_component() {
        // Preamble of a component: magic, version 13, layer 1.
        const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";
        for name in builtins() {
            assert!(builtin(name).unwrap().starts_with(PREAMBLE), "{name}");
        }
        assert!(builtin("noop").is_some());
        assert!(builtin("no-such").is_none());
    }
}
