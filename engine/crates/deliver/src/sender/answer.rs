//! What an answer means for the records that were offered.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use caso_journal::{BatchItem, PackedBatch, QuarantineCause};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::Rest;

use super::{Ending, IDLE_RETRIES, Sender, Stop};

impl Sender<'_> {
    /// What an answer to the first `size` items means for them.
    pub(super) fn answered(
        &mut self,
        batch: &PackedBatch,
        items: &mut VecDeque<BatchItem>,
        size: usize,
        answer: CheckedAnswer,
    ) -> Result<(), Stop> {
        let handled = answer.handled_any();
        let dropped: HashMap<usize, String> = answer
            .dropped()
            .iter()
            .filter_map(|d| Some((usize::try_from(d.index).ok()?, d.reason.clone())))
            .collect();
        let answer = answer.into_inner();
        let accepted = usize::try_from(answer.accepted).unwrap_or(size);
        let reasons: HashMap<usize, &str> = answer
            .refused
            .iter()
            .filter_map(|r| Some((usize::try_from(r.index).ok()?, r.reason.as_str())))
            .collect();
        let dealt: BTreeSet<usize> = (0..accepted)
            .chain(reasons.keys().copied())
            .chain(dropped.keys().copied())
            .collect();
        if handled {
            self.handled_well()?;
        }
        let refused: Vec<(&BatchItem, &str)> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((item, *reasons.get(&at)?)))
            .collect();
        self.quarantine(batch, QuarantineCause::Refused, &refused)?;
        self.report.refused += refused.len() as u64;
        self.report.delivered += (dealt.len() - refused.len() - dropped.len()) as u64;
        let accepted = items.iter().enumerate().filter_map(|(at, item)| {
            let accepted =
                dealt.contains(&at) && !reasons.contains_key(&at) && !dropped.contains_key(&at);
            accepted.then_some(&item.record)
        });
        batch.delivered(accepted)?;
        self.dropped(batch, items, &dropped)?;
        let indices: Vec<u32> = items
            .iter()
            .enumerate()
            .filter(|(at, _)| dealt.contains(at))
            .map(|(_, item)| item.index)
            .collect();
        if !indices.is_empty() {
            batch.resolve(indices)?;
        }
        let mut at = 0;
        items.retain(|_| {
            at += 1;
            !dealt.contains(&(at - 1))
        });
        self.size.moved(dealt.len());
        self.rest(batch, items, size - dealt.len(), size, answer.rest)
    }

    /// Notes why, before they are done with.
    fn dropped(
        &mut self,
        batch: &PackedBatch,
        items: &VecDeque<BatchItem>,
        dropped: &HashMap<usize, String>,
    ) -> Result<(), Stop> {
        let reasons: BTreeMap<u32, &str> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((item.index, dropped.get(&at)?.as_str())))
            .collect();
        if !reasons.is_empty() {
            batch.note_dropped(&reasons)?;
        }
        for reason in reasons.into_values() {
            self.report.dropped(reason);
        }
        Ok(())
    }

    fn rest(
        &mut self,
        batch: &PackedBatch,
        items: &mut VecDeque<BatchItem>,
        left: usize,
        offered: usize,
        rest: Rest,
    ) -> Result<(), Stop> {
        let nothing_done = left == offered;
        if !matches!(rest, Rest::Retry { .. }) || !nothing_done {
            self.idle_retries = 0;
        }
        match rest {
            // A wish for a pause counts also when nothing is left of this batch.
            Rest::Retry {
                after_seconds: seconds,
                reason,
            } => {
                // No progress and no pause would be a busy loop.
                let wait = if nothing_done {
                    seconds.max(1)
                } else {
                    seconds
                };
                self.not_before = self
                    .bounds
                    .clock
                    .monotonic()
                    .saturating_add(Duration::from_secs(wait.into()));
                self.asked_seconds = wait;
                self.asked_because.clone_from(&reason);
                self.idle_retries += u32::from(nothing_done);
                if self.idle_retries > IDLE_RETRIES {
                    return Err(Ending::RetryLater { seconds, reason }.into());
                }
                Ok(())
            }
            _ if left == 0 => Ok(()),
            Rest::Done => Err(Ending::Other(format!(
                "it says that it is done, and left {left} of {offered} records"
            ))
            .into()),
            Rest::TooLarge if self.size.too_large(offered) => Ok(()),
            Rest::TooLarge => {
                let Some(item) = items.pop_front() else {
                    return Ok(());
                };
                // It says something of this record, as a refusal does.
                self.handled_well()?;
                let reason = "larger than the consumer takes, even alone";
                self.quarantine(batch, QuarantineCause::Refused, &[(&item, reason)])?;
                self.report.refused += 1;
                batch.resolve([item.index])?;
                Ok(())
            }
            Rest::Misconfigured(reason) => Err(Ending::Misconfigured(reason).into()),
            Rest::Other(reason) => Err(Ending::Other(reason).into()),
        }
    }
}
