//! A batch in requests, and which of its records are delivered.
//!
//! Several records go in one request. Where the service takes a request whole or not at all
//! and does not say which record is at fault, halves of it are sent, down to one record. One
//! that is at fault alone is refused for good once the service has taken another one in the
//! same call; where it takes none of the first few, the fault is not the records', and all
//! wait. So a service of another version costs no record, and a record at fault costs itself.

use std::time::Duration;

use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::types::Attribute;

use crate::words;

/// The part of a call's time in which it begins new requests: a slow one fits into the rest.
const BEGINS: u32 = 4;
/// Requests of a call. The host allows 1,000, and one of ours may be several.
const REQUESTS: usize = 400;
/// What may fail, one by one, before the service has taken anything.
pub const DOUBTFUL: usize = 5;

/// A record as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// Its index in the batch.
    pub index: usize,
    /// Bytes that it has in a request.
    pub bytes: usize,
    /// What is sent.
    pub value: T,
}

/// How much goes into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// So many records.
    pub records: usize,
    /// So many bytes; one record that is larger goes alone.
    pub bytes: usize,
}

/// What became of the records of a request.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// All of them are delivered.
    Taken,
    /// All of them were delivered earlier, as perhaps those after them: no more at a time.
    Known,
    /// None of them is: fewer at a time. One that is alone is refused, for this reason.
    Fewer(String),
    /// The same of one that is alone, if the service takes others; `unless` none is taken at
    /// all, then this is to be done with the rest.
    AtFault {
        /// Why it was not taken.
        reason: String,
        /// What to do where nothing in the batch is taken; without it they are refused.
        unless: Option<Rest>,
    },
    /// All of them are refused for good.
    Refused(String),
}

/// Where requests go.
pub trait Service<T> {
    /// Sends these records in one request, or a few.
    ///
    /// # Errors
    /// What the host should do with them and all that come after.
    fn send(&mut self, records: &[Entry<T>]) -> Result<Verdict, Rest>;

    /// How long the current call of `deliver` has lasted.
    fn elapsed(&self) -> Duration;
}

/// Sends the entries, which are in the batch's order; a record that is neither among them
/// nor among `refused` needs no delivery. The answer's attribute `reason` says why it
/// stopped, if it did.
pub fn deliver<T>(
    batch: &Batch,
    entries: &[Entry<T>],
    refused: Vec<Refusal>,
    most: Most,
    service: &mut dyn Service<T>,
) -> Answer {
    let mut progress = Progress {
        entries,
        most,
        place: 0,
        size: most.records.max(1),
        taken: false,
        doubtful: Vec::new(),
        refused,
        begins: batch.time_left() / BEGINS,
    };
    let Some(rest) = progress.all(service) else {
        return Answer::done(batch, progress.refused);
    };
    let first = progress.doubtful.first();
    let place = first.map_or(progress.place, |doubtful| doubtful.place);
    let accepted = entries
        .get(place)
        .map_or(batch.records.len(), |entry| entry.index);
    let reason = words::reason(&rest);
    let mut answer = Answer::partial(accepted, progress.refused, rest);
    answer.attributes.push(Attribute {
        name: "reason".to_owned(),
        value: reason,
    });
    answer
}

/// A record that may be at fault.
struct Doubtful {
    place: usize,
    reason: String,
    unless: Option<Rest>,
}

/// How far a call got.
struct Progress<'a, T> {
    entries: &'a [Entry<T>],
    most: Most,
    /// Those before this place are sent.
    place: usize,
    /// Records of the next request.
    size: usize,
    /// Whether the service has taken anything.
    taken: bool,
    doubtful: Vec<Doubtful>,
    refused: Vec<Refusal>,
    begins: Duration,
}

impl<'a, T> Progress<'a, T> {
    /// Sends all; what to do with the rest where that stops.
    fn all(&mut self, service: &mut dyn Service<T>) -> Option<Rest> {
        let mut requests = 0;
        while let Some(next) = self.next() {
            if requests > 0 && (requests >= REQUESTS || service.elapsed() > self.begins) {
                return Some(Rest::retry(
                    0,
                    "the service is slow, or takes few records at a time: the rest is sent in \
                     another call",
                ));
            }
            requests += 1;
            let count = next.len();
            let verdict = match service.send(next) {
                Ok(verdict) => verdict,
                Err(rest) => return Some(rest),
            };
            match verdict {
                Verdict::Taken | Verdict::Known => {
                    self.taken = true;
                    self.place += count;
                    if verdict == Verdict::Taken {
                        self.size = (self.size * 2).min(self.most.records.max(1));
                    }
                    self.convict();
                }
                Verdict::Fewer(_) | Verdict::AtFault { .. } if count > 1 => self.size = count / 2,
                Verdict::Fewer(reason) | Verdict::Refused(reason) => {
                    let indices = next.iter().map(|entry| entry.index);
                    self.refused
                        .extend(indices.map(|index| Refusal::new(index, reason.clone())));
                    self.place += count;
                }
                Verdict::AtFault { reason, unless } => {
                    self.doubtful.push(Doubtful {
                        place: self.place,
                        reason,
                        unless,
                    });
                    self.place += 1;
                    if self.taken {
                        self.convict();
                    } else if self.doubtful.len() == DOUBTFUL {
                        return self.acquit();
                    }
                }
            }
        }
        if let Some(rest) = self.doubtful.iter().find_map(|it| it.unless.clone()) {
            return Some(rest);
        }
        self.convict();
        None
    }

    /// What the next request has.
    fn next(&self) -> Option<&'a [Entry<T>]> {
        let left = self.entries.get(self.place..)?;
        let mut bytes = 0;
        let fits = |entry: &&Entry<T>| {
            bytes += entry.bytes;
            bytes <= self.most.bytes
        };
        let fitting = left.iter().take(self.size).take_while(fits).count();
        left.get(..fitting.max(1))
    }

    /// The fault is the records': they are refused.
    fn convict(&mut self) {
        for doubtful in self.doubtful.drain(..) {
            if let Some(entry) = self.entries.get(doubtful.place) {
                self.refused
                    .push(Refusal::new(entry.index, doubtful.reason));
            }
        }
    }

    /// The fault is not the records': they wait.
    fn acquit(&self) -> Option<Rest> {
        let first = self.doubtful.first()?;
        Some(first.unless.clone().unwrap_or_else(|| {
            let reason = &first.reason;
            Rest::Other(format!("none of {DOUBTFUL} records was taken: {reason}"))
        }))
    }
}

#[cfg(test)]
mod tests;
