//! The sizes and flavors that servers have, each kept once: an entry has its number.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What is known of a server's size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kind {
    /// Virtual CPUs; none where no API ever gave them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vcpus: Option<u32>,
    /// The flavor's id; none where no API ever gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flavor: Option<String>,
}

/// All of them. Number 0 is that of a server of which neither is known.
#[derive(Debug)]
pub(crate) struct Kinds {
    all: Vec<Kind>,
    /// Their numbers, by flavor (none: the empty text, which is no flavor's id).
    numbers: HashMap<String, Vec<u32>>,
}

/// Of a server of which nothing is known.
pub(crate) const UNKNOWN: u32 = 0;

impl Default for Kinds {
    fn default() -> Self {
        let mut kinds = Self {
            all: Vec::new(),
            numbers: HashMap::new(),
        };
        kinds.number(Kind::default());
        kinds
    }
}

impl Kinds {
    /// The kind of that number; none if there is no such number.
    pub(crate) fn get(&self, number: u32) -> Option<&Kind> {
        self.all.get(usize::try_from(number).ok()?)
    }

    /// The number of a kind, which is new or not. Past four thousand million of them
    /// nothing is known of a server's.
    pub(crate) fn number(&mut self, kind: Kind) -> u32 {
        let flavor = kind.flavor.as_deref().unwrap_or_default();
        let known = self.numbers.get(flavor).into_iter().flatten().copied();
        for number in known {
            if self.get(number) == Some(&kind) {
                return number;
            }
        }
        let Ok(number) = u32::try_from(self.all.len()) else {
            return UNKNOWN;
        };
        let of_flavor = self.numbers.entry(flavor.to_owned()).or_default();
        of_flavor.push(number);
        self.all.push(kind);
        number
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}
