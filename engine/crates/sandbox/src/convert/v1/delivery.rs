//! A batch and its answer, a page's outcomes and log levels.

use crate::bindings::mapper::caso::accounting::log as wit_log;
use crate::bindings::mapper::exports::caso::accounting::mapping;
use crate::bindings::messenger::exports::caso::accounting::delivery as wit;
use crate::convert::{Cross, record};
use crate::log::Level;
use caso_model::guest as model;
use caso_model::record::AccountingRecord;

record!(to wit::Batch, from model::Batch {
    id, attempt, instance, record_type, records, now, attributes,
});
record!(of wit::Refusal, into model::Refusal { index, reason });
record!(of wit::Answer, into model::Answer { accepted, refused, rest, attributes });

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

/// The records of an item, or why there are none.
impl Cross<Result<Vec<AccountingRecord>, String>> for mapping::Outcome {
    fn cross(self) -> Result<Vec<AccountingRecord>, String> {
        match self {
            Self::Records(records) => Ok(records.cross()),
            Self::Refused(reason) => Err(reason),
            // A case of a later contract.
            Self::Other(fact) => Err(format!("{}: {}", fact.name, fact.value)),
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
