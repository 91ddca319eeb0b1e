//! `noop`: a messenger that accepts every record, of any type, and does nothing with it
//! but log how many there were. For a site that wants to see an extraction run.

#![warn(missing_docs)]

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError,
};

/// The messenger.
#[derive(Debug)]
pub struct Noop;

impl Messenger for Noop {
    fn describe() -> ComponentDescription {
        ComponentDescription::new(
            "noop",
            "Takes every record and does nothing with it",
            env!("CARGO_PKG_VERSION"),
        )
    }

    fn start(_setup: &Setup) -> Result<Self, StartError> {
        Ok(Self)
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        log::info(&format!(
            "took {} records of type `{}` (batch `{}`)",
            batch.records.len(),
            batch.record_type,
            batch.id
        ));
        Answer::done(batch, Vec::new())
    }
}

caso_component::export_messenger!(Noop);

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::RecordList;
    use caso_component::samples;

    #[test]
    fn accepts_record_types_it_does_not_know() {
        let records = RecordList::Other(vec![samples::other(), samples::other()]);
        let answer = Noop.deliver(&samples::batch(records));
        assert_eq!(answer.accepted, 2);
        assert!(answer.refused.is_empty());
    }
}
