//! Records on which the messenger failed alone, and what becomes of them.

use std::collections::{BTreeSet, VecDeque};

use caso_journal::{BatchItem, JournalError, PackedBatch, QuarantineCause, Quarantined};
use caso_model::guest::{FailureKind, GuestFailure};

use super::{Ending, MOST_SUSPECTS, SUSPECTS, Sender, Stop, Suspect};

impl Sender<'_> {
    /// A record on which the messenger failed alone.
    pub(super) async fn suspect(
        &mut self,
        batch: &PackedBatch,
        item: BatchItem,
        failure: GuestFailure,
        behind: &VecDeque<BatchItem>,
    ) -> Result<(), Stop> {
        self.suspects.push(Suspect {
            batch: batch.clone(),
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
            if let Ok(answer) = self.call(batch, behind.iter().skip(at).take(1)).await?
                && answer.handled_any()
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
            self.quarantine(&suspect.batch, QuarantineCause::Failed, &guilty)?;
            suspect.batch.resolve([suspect.item.index])?;
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
        batch: &PackedBatch,
        cause: QuarantineCause,
        items: &[(&BatchItem, &str)],
    ) -> Result<(), JournalError> {
        let records: Vec<Quarantined<'_>> = items
            .iter()
            .map(|(item, reason)| Quarantined {
                item,
                cause,
                reason,
            })
            .collect();
        batch.quarantine(self.bounds.clock.now(), &records)?;
        for (item, reason) in items {
            self.report.quarantined(&item.record.head().id, reason);
        }
        Ok(())
    }
}
