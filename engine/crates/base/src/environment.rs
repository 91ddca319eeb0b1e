//! The variables that the process was started with, read once at the front and
//! handed in from there, so that two tests can differ.

use std::collections::BTreeMap;

/// The variables whose name and value are UTF-8; no other one names anything
/// of ours.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
