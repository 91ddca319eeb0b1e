//! The world `messenger` under short names, and what every messenger needs.

pub use crate::bindings::caso::accounting::{connection, queue};
pub use crate::bindings::exports::caso::accounting::delivery::{
    Answer, Batch, Guest as Delivery, Refusal, Rest, Retry,
};
pub use crate::bindings::exports::caso::accounting::description::{
    CapabilityRequest, ComponentDescription, Guest as Description, OptionDescription, OptionKind,
};
use crate::records::RecordList;
use crate::types::Attribute;

impl RecordList {
    /// How many records there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Cloud(records) => records.len(),
            Self::Ip(records) => records.len(),
            Self::Accelerator(records) => records.len(),
            Self::Storage(records) => records.len(),
            Self::Energy(records) => records.len(),
            Self::Other(records) => records.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Answer {
    /// Every record is dealt with: delivered, or refused for the reason given.
    #[must_use]
    pub fn done(batch: &Batch, refused: Vec<Refusal>) -> Self {
        Self {
            accepted: index(batch.records.len()),
            refused,
            rest: Rest::Done,
            attributes: Vec::new(),
        }
    }

    /// The first `accepted` records are dealt with, and `rest` says what to do
    /// with the others.
    #[must_use]
    pub fn partly(accepted: usize, refused: Vec<Refusal>, rest: Rest) -> Self {
        Self {
            accepted: index(accepted),
            refused,
            rest,
            attributes: Vec::new(),
        }
    }
}

impl Rest {
    /// To be tried again, not sooner than after so many seconds, and why.
    #[must_use]
    pub fn again(after_seconds: u32, reason: impl Into<String>) -> Self {
        Self::Retry(Retry {
            after_seconds,
            reason: reason.into(),
        })
    }
}

/// An index as the contract counts it. A list that crossed the boundary has
/// fewer than 2^32 items, for its memory does.
#[must_use]
pub fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl OptionDescription {
    /// An option that a site may leave out.
    #[must_use]
    pub fn new(name: &str, kind: OptionKind, default: Option<&str>, help: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
            required: false,
            help: help.to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// The same with a smallest value.
    #[must_use]
    pub fn minimum(self, minimum: i64) -> Self {
        self.attribute("minimum", minimum)
    }

    /// The same with a largest value.
    #[must_use]
    pub fn maximum(self, maximum: i64) -> Self {
        self.attribute("maximum", maximum)
    }

    fn attribute(mut self, name: &str, value: i64) -> Self {
        self.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_string(),
        });
        self
    }
}
