//! A batch and its answer, a page's outcomes and log levels.

use std::time::Duration;

use crate::abi::Mapped;
use crate::bindings::v1::mapper::caso::accounting::log as wit_log;
use crate::bindings::v1::mapper::caso::accounting::outcomes;
use crate::bindings::v1::messenger::caso::accounting::deliveries as wit;
use crate::convert::{Cross, record};
use crate::log::Level;
use caso_model::guest as model;

/// The batch, and how long the call may take.
impl Cross<wit::Batch> for (&model::Batch<'_>, Duration) {
    fn cross(self) -> wit::Batch {
        let (batch, time_left) = self;
        let model::Batch {
            id,
            attempt,
            instance,
            record_type,
            origins,
            origin_of,
            records,
            now,
            time_left: _,
            attributes,
        } = batch;
        wit::Batch {
            id: id.cross(),
            attempt: attempt.cross(),
            instance: instance.cross(),
            record_type: record_type.cross(),
            origins: origins.cross(),
            origin_of: origin_of.cross(),
            records: records.cross(),
            now: now.cross(),
            time_left_milliseconds: u64::try_from(time_left.as_millis()).unwrap_or(u64::MAX),
            attributes: attributes.cross(),
        }
    }
}

record!(of wit::Answer, into model::Answer { accepted, refused, rest, attributes });

// What a refusal and a retry have in attributes, no host of 1.0 reads.

impl Cross<model::Refusal> for wit::Refusal {
    fn cross(self) -> model::Refusal {
        model::Refusal {
            index: self.index,
            reason: self.reason,
        }
    }
}

impl Cross<model::Rest> for wit::Rest {
    fn cross(self) -> model::Rest {
        match self {
            Self::Done => model::Rest::Done,
            Self::Retry(retry) => model::Rest::Retry {
                after_seconds: retry.after_seconds,
                reason: retry.reason,
            },
            Self::TooLarge => model::Rest::TooLarge,
            Self::Misconfigured(text) => model::Rest::Misconfigured(text),
            Self::Other(text) => model::Rest::Other(text),
        }
    }
}

impl Cross<Mapped> for outcomes::Outcome {
    fn cross(self) -> Mapped {
        Mapped {
            records: self.records.cross(),
            refused: self.refused,
        }
    }
}

impl Cross<Level> for wit_log::Level {
    fn cross(self) -> Level {
        match self {
            Self::Error => Level::Error,
            Self::Warning => Level::Warning,
            Self::Info => Level::Info,
            Self::Debug => Level::Debug,
        }
    }
}
