//! Records on which the messenger failed alone, and what becomes of them.

use std::collections::{BTreeSet, VecDeque};

use crate::error::JournalError;
use crate::quarantine;
use caso_model::guest::{FailureKind, GuestFailure};

use super::{Ending, Item, MOST_SUSPECTS, Place, REASONS, SUSPECTS, Sender, Stop, Suspect, Why};

impl Sender<'_> {
    /// A record on which the messenger failed alone.
    pub(super) async fn suspect(
        &mut self,
        place: &Place,
        item: Item,
        failure: GuestFailure,
        behind: &VecDeque<Item>,
    ) -> Result<(), Stop> {
        self.suspects.push(Suspect {
            place: place.clone(),
            item,
            failure: failure.clone(),
        });
        if self.suspects.len() >= MOST_SUSPECTS {
            return Err(Ending::Broken(failure).into());
        }
        if self.suspects.len() < SUSPECTS || behind.is_empty() {
            return Ok(());
        }
        let last = behind.len() - 1;
        let tries: BTreeSet<usize> = [last / 4, last / 2, last].into();
        for at in tries.into_iter().rev() {
            self.check_bounds()?;
            if let Ok(answer) = self.call(place, behind.iter().skip(at).take(1)).await?
                && (answer.accepted > 0 || !answer.refused.is_empty())
            {
                // Evidence only: it is not acknowledged, and has its turn.
                return self.handled_well();
            }
        }
        Err(Ending::Broken(failure).into())
    }

    /// The messenger is in order, so the suspects are not.
    pub(super) fn handled_well(&mut self) -> Result<(), Stop> {
        self.handled = true;
        for suspect in std::mem::take(&mut self.suspects) {
            let reason = suspect.failure.to_string();
            let guilty = [(&suspect.item, reason.as_str())];
            self.quarantine(&suspect.place, Why::Failed, &guilty)?;
            self.ack(suspect.place.pack)?
                .resolve(suspect.place.index, [suspect.item.index])?;
            self.report.failed += 1;
        }
        Ok(())
    }

    pub(super) fn end_of_queue(&mut self) -> Result<(), Stop> {
        let Some(last) = self.suspects.last() else {
            return Ok(());
        };
        let by_itself = |suspect: &Suspect| suspect.failure.kind != FailureKind::Deadline;
        if self.handled && self.suspects.iter().all(by_itself) {
            return self.handled_well();
        }
        Err(Ending::Undecided(last.failure.clone()).into())
    }

    pub(super) fn quarantine(
        &mut self,
        place: &Place,
        why: Why,
        items: &[(&Item, &str)],
    ) -> Result<(), JournalError> {
        let lines: Vec<quarantine::Line<'_>> = items
            .iter()
            .map(|(item, reason)| quarantine::Line {
                format: quarantine::Line::FORMAT,
                why,
                reason,
                at: self.bounds.clock.now(),
                instance: &self.name,
                batch_id: &place.id,
                batch: place.index,
                index: item.index,
                segment: item.segment,
                record_type: place.kind.name(),
                record: &item.record,
            })
            .collect();
        quarantine::add(&self.shared.disk, &self.queue, place.pack, &lines)?;
        for (item, reason) in items {
            if self.report.reasons.len() < REASONS {
                let id = &item.record.head().id;
                self.report.reasons.push(format!("record `{id}`: {reason}"));
            }
        }
        Ok(())
    }
}
