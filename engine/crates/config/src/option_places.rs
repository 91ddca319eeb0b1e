//! Where each option of a component stands, for what is found out only when the
//! component starts: that a value, right by its kind, will not do.

use std::collections::BTreeMap;

use super::error::At;

/// The places of a component's options that have a value, by the options' names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OptionPlaces(pub(crate) BTreeMap<String, Box<At>>);

impl OptionPlaces {
    /// As other errors of the configuration begin: the file and line, the section and
    /// the option.
    pub fn get(&self, option: &str) -> Option<&At> {
        self.0.get(option).map(Box::as_ref)
    }
}
