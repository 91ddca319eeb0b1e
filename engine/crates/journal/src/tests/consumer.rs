//! A delivery of a few lines, in the place of the real one with its retry rule:
//! offers each batch once and stops at the first record that is not taken.

use std::path::Path;
use std::sync::{Arc, Mutex};

use caso_model::record::AccountingRecord;

use crate::*;

/// What a messenger makes of the records it is offered.
pub struct Taken {
    /// It accepts so many, from the first on.
    pub accepted: usize,
    /// It refuses the records at these places, accepted or behind them.
    pub refused: Vec<usize>,
}

pub fn all(records: &[AccountingRecord]) -> Taken {
    Taken {
        accepted: records.len(),
        refused: Vec::new(),
    }
}

pub fn nothing(_: &[AccountingRecord]) -> Taken {
    Taken {
        accepted: 0,
        refused: Vec::new(),
    }
}

/// A record that is not to the consumer's taste.
pub fn refused(item: &BatchItem) -> Quarantined<'_> {
    Quarantined {
        item,
        cause: QuarantineCause::Refused,
        reason: "not to my taste",
    }
}

/// The pack at the front of a queue.
pub fn front(queue: &Queue) -> OpenPack {
    queue.open(queue.pending().unwrap()[0].name).unwrap()
}

/// A file that is there and that nobody can open, root neither: a link to itself.
pub fn unreadable(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(path.file_name().unwrap(), path).unwrap();
}

/// A messenger's queue with the records that were taken from it.
#[derive(Clone, Default)]
pub struct Consumer {
    pub got: Arc<Mutex<Vec<AccountingRecord>>>,
    pub offers: Arc<Mutex<Vec<Offer>>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub id: String,
    pub attempt: u32,
    pub record_type: String,
    pub records: Vec<String>,
}

/// What a delivery came to.
#[derive(Debug, Default, PartialEq)]
pub struct Came {
    pub missing: usize,
    pub not_given: NotGiven,
    /// Format of a newer pack that it stopped at.
    pub newer: Option<u32>,
}

impl Consumer {
    pub fn ids(&self) -> Vec<String> {
        let got = self.got.lock().unwrap();
        got.iter().map(|record| record.head().id.clone()).collect()
    }

    pub fn offered(&self) -> Vec<Offer> {
        self.offers.lock().unwrap().clone()
    }

    /// Takes all that a queue holds.
    pub fn drain(&self, journal: &Journal, messenger: &str) -> Came {
        let came = self.deliver(&journal.queue(messenger), (None, None), all);
        journal.clean().unwrap();
        came.unwrap()
    }

    /// Packs what is sealed, of these types and in units of so many records, and
    /// offers it.
    pub fn deliver(
        &self,
        queue: &Queue,
        (types, unit): (Option<&[String]>, Option<u32>),
        rule: impl Fn(&[AccountingRecord]) -> Taken,
    ) -> Result<Came, JournalError> {
        let taking = Taking {
            record_types: types,
            ..Taking::default()
        };
        let mut came = Came {
            not_given: queue.pack(taking, unit)?,
            ..Came::default()
        };
        for pending in queue.pending()? {
            came.newer = pending.newer;
            if came.newer.is_some() {
                break;
            }
            let mut pack = queue.open(pending.name)?;
            while let Some(batch) = pack.next_batch()? {
                let found = batch.records()?;
                came.missing += found.missing.len();
                if !found.missing.is_empty() {
                    batch.resolve(found.missing)?;
                }
                if !self.offer(&batch, &found.items, &rule)? {
                    return Ok(came);
                }
            }
            pack.finish()?;
        }
        Ok(came)
    }

    /// Whether every record was taken or refused.
    fn offer(
        &self,
        batch: &PackedBatch,
        items: &[BatchItem],
        rule: &impl Fn(&[AccountingRecord]) -> Taken,
    ) -> Result<bool, JournalError> {
        if items.is_empty() {
            return Ok(true);
        }
        let attempt = batch.attempt()?;
        let records: Vec<_> = items.iter().map(|item| item.record.clone()).collect();
        self.offers.lock().unwrap().push(Offer {
            id: batch.id().to_owned(),
            attempt,
            record_type: batch.kind().name().to_owned(),
            records: records.iter().map(|r| r.head().id.clone()).collect(),
        });
        let taken = rule(&records);
        let refused: Vec<Quarantined<'_>> = taken
            .refused
            .iter()
            .map(|at| refused(&items[*at]))
            .collect();
        let mut dealt = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let is_refused = taken.refused.contains(&at);
            if at < taken.accepted && !is_refused {
                self.got.lock().unwrap().push(item.record.clone());
            }
            if at < taken.accepted || is_refused {
                dealt.push(item.index);
            }
        }
        if !refused.is_empty() {
            batch.quarantine(7, &refused)?;
        }
        let at_place = |at: &usize| !taken.refused.contains(at) && *at < taken.accepted;
        let accepted = items.iter().enumerate().filter(|(at, _)| at_place(at));
        batch.delivered(accepted.map(|(_, item)| &item.record))?;
        let complete = dealt.len() == items.len();
        if !dealt.is_empty() {
            batch.resolve(dealt)?;
        }
        Ok(complete)
    }
}
