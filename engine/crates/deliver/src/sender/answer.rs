//! What an answer means for the records that were offered.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use caso_model::answer::CheckedAnswer;
use caso_model::guest::Rest;

use super::{Ending, IDLE_RETRIES, Item, Place, Sender, Stop, Why};

impl Sender<'_> {
    /// What an answer to the first `size` items means for them.
    pub(super) fn answered(
        &mut self,
        place: &Place,
        items: &mut VecDeque<Item>,
        size: usize,
        answer: CheckedAnswer,
    ) -> Result<(), Stop> {
        let answer = answer.into_inner();
        let accepted = usize::try_from(answer.accepted).unwrap_or(size);
        let reasons: HashMap<usize, &str> = answer
            .refused
            .iter()
            .filter_map(|r| Some((usize::try_from(r.index).ok()?, r.reason.as_str())))
            .collect();
        let dealt: BTreeSet<usize> = (0..accepted).chain(reasons.keys().copied()).collect();
        if !dealt.is_empty() {
            self.handled_well()?;
        }
        let refused: Vec<(&Item, &str)> = items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((item, *reasons.get(&at)?)))
            .collect();
        self.quarantine(place, Why::Refused, &refused)?;
        self.report.refused += refused.len() as u64;
        self.report.delivered += (dealt.len() - refused.len()) as u64;
        let indices: Vec<u32> = items
            .iter()
            .enumerate()
            .filter(|(at, _)| dealt.contains(at))
            .map(|(_, item)| item.index)
            .collect();
        if !indices.is_empty() {
            self.ack(place.pack)?.resolve(place.index, indices)?;
        }
        let mut at = 0;
        items.retain(|_| {
            at += 1;
            !dealt.contains(&(at - 1))
        });
        self.offer.moved(dealt.len());
        self.rest(place, items, size - dealt.len(), size, answer.rest)
    }

    pub(super) fn rest(
        &mut self,
        place: &Place,
        items: &mut VecDeque<Item>,
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
            Rest::TooLarge if self.offer.too_large(offered) => Ok(()),
            Rest::TooLarge => {
                let Some(item) = items.pop_front() else {
                    return Ok(());
                };
                // A word about this record, like a refusal.
                self.handled_well()?;
                let reason = "larger than the consumer takes, even alone";
                self.quarantine(place, Why::Refused, &[(&item, reason)])?;
                self.report.refused += 1;
                self.ack(place.pack)?.resolve(place.index, [item.index])?;
                Ok(())
            }
            Rest::Misconfigured(reason) => Err(Ending::Misconfigured(reason).into()),
            Rest::Other(reason) => Err(Ending::Other(reason).into()),
        }
    }
}
