//! Posts a batch to the service, and decides which of its records are delivered.
//!
//! The service takes a list of records in one `POST` and gives one response for all:
//!
//! | response | then |
//! |---|---|
//! | 2xx | all records of the list are delivered |
//! | 401 | the token has expired: log in again, once |
//! | 400, 422 and the like | a record is at fault, but not said which: halves are posted, down to one record, which is refused. Where none of the first ten is accepted, the fault is not the records', and all wait |
//! | 429, 5xx, no response | it may pass: the rest is retried |
//!
//! A response that gets lost may belong to a list that was accepted. The list is posted
//! again, so delivery is at least once. The `Idempotency-Key`, made of the batch's id, lets
//! a service recognize a repetition.

use std::time::Duration;

use caso_component::json::Style;
use caso_component::log;
use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::record_json;
use caso_component::types::Attribute;

use crate::account::Account;
use crate::http::HttpClient;
use crate::service::{Service, Verdict};

/// The part of a call's time in which it begins new requests.
const BEGINS: u32 = 4;
/// Records that may be refused, one by one, before the first is accepted.
const REFUSED_AT_FIRST: usize = 10;

/// Posts the batch. `token` is kept from call to call. The answer's attribute `reason` says
/// why it stopped, if it did.
pub fn deliver(
    account: &Account,
    token: &mut Option<String>,
    batch: &Batch,
    http: &mut dyn HttpClient,
) -> Answer {
    let objects: Vec<String> = (0..batch.records.len())
        .filter_map(|index| record_json::record(&batch.records, index, Style::Compact))
        .collect();
    let mut service = Service {
        account,
        token,
        http,
    };
    let mut progress = Progress {
        done: 0,
        size: objects.len(),
        accepted: 0,
        refused: Vec::new(),
        begins: batch.time_left() / BEGINS,
    };
    match progress.post_all(&objects, &batch.id, &mut service) {
        Ok(()) => {
            let accepted = progress.accepted;
            log::debug(&format!("batch `{}`: {accepted} records posted", batch.id));
            Answer::done(batch, progress.refused)
        }
        Err(stop) => {
            let mut answer = if stop.takes_back {
                Answer::nothing(stop.rest)
            } else {
                Answer::partial(progress.done, progress.refused, stop.rest)
            };
            answer.attributes.push(Attribute {
                name: "reason".to_owned(),
                value: stop.reason,
            });
            answer
        }
    }
}

/// How far a call got.
struct Progress {
    /// Records from the front of the batch that are accepted or refused.
    done: usize,
    /// Number of records in the next list.
    size: usize,
    /// Those of `done` that the service has accepted.
    accepted: usize,
    refused: Vec<Refusal>,
    /// For how long the call begins new requests.
    begins: Duration,
}

/// Why a call ends before the batch does.
struct Stop {
    rest: Rest,
    reason: String,
    /// Whether the refusals are taken back, for the fault was not the records'.
    takes_back: bool,
}

impl Progress {
    fn post_all(
        &mut self,
        objects: &[String],
        id: &str,
        service: &mut Service<'_>,
    ) -> Result<(), Stop> {
        let mut first = true;
        while let Some(left) = objects.get(self.done..).filter(|left| !left.is_empty()) {
            let stop = |rest, reason: String| Stop {
                rest,
                reason,
                takes_back: false,
            };
            if !first && service.http.elapsed() > self.begins {
                let reason = "the service is slow: the rest is posted in another call".to_owned();
                return Err(stop(Rest::retry(0, reason.clone()), reason));
            }
            first = false;
            let list = left.get(..self.size).unwrap_or(left);
            let key = if list.len() == objects.len() {
                id.to_owned()
            } else {
                format!("{id}/{}+{}", self.done, list.len())
            };
            match service.submit(list, &key) {
                Verdict::Accepted => {
                    self.accepted += list.len();
                    self.done += list.len();
                    self.size *= 2;
                }
                Verdict::Refused(_) if list.len() > 1 => self.size = list.len() / 2,
                Verdict::Refused(reason) => self.refuse_one(objects.len(), reason)?,
                Verdict::Stop(rest, reason) => return Err(stop(rest, reason)),
            }
        }
        Ok(())
    }

    /// Refuses the next record, of `of` in the batch, which was posted alone.
    fn refuse_one(&mut self, of: usize, reason: String) -> Result<(), Stop> {
        self.refused.push(Refusal::new(self.done, reason.clone()));
        self.done += 1;
        if self.accepted == 0 && self.done == REFUSED_AT_FIRST && of > REFUSED_AT_FIRST {
            let reason = format!("none of {REFUSED_AT_FIRST} records was accepted: {reason}");
            return Err(Stop {
                rest: Rest::Other(reason.clone()),
                reason,
                takes_back: true,
            });
        }
        Ok(())
    }
}
