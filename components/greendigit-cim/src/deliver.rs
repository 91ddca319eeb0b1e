//! A batch to the service, and what of it counts as delivered.
//!
//! The service takes a list of records in one `POST` and answers for all of them
//! at once. 2xx: all are delivered. That it does not know the token any more: a
//! new one is asked for, once. That it cannot take what was posted (400, 422 and
//! their like) says nothing about which record is at fault: halves are posted,
//! down to the one, which is refused; but where none of the first few is taken,
//! it is not the records, and they wait. Anything that may pass (429, 5xx, no
//! answer) is for another try.
//!
//! An answer that is lost may stand for a list that was taken: it is posted
//! again, so delivery is at least once. The id of the batch goes with it as the
//! `Idempotency-Key`, for a service that can tell a repetition.

use std::time::Duration;

use caso_component::log;
use caso_component::messenger::{Answer, Batch, Refusal, Rest, index};
use caso_component::types::Attribute;

use crate::account::Account;
use crate::records;
use crate::service::{Service, Verdict};
use crate::web::Web;

/// After so long a call answers with what is done instead of beginning anew.
const PATIENCE: Duration = Duration::from_secs(15);
/// Single records that may be refused before one is taken.
const IN_VAIN: usize = 10;

/// Sends the batch; `token` is kept from call to call.
pub fn deliver(
    account: &Account,
    token: &mut Option<String>,
    batch: &Batch,
    web: &mut dyn Web,
) -> Answer {
    let mut refused = Vec::new();
    let mut objects = Vec::new();
    for position in 0..batch.records.len() {
        match records::object(&batch.records, position) {
            Ok(object) => objects.push((position, object)),
            Err(reason) => refused.push(Refusal {
                index: index(position),
                reason,
            }),
        }
    }
    let mut service = Service {
        account,
        token,
        web,
    };
    let mut progress = Progress {
        done: 0,
        size: objects.len(),
        taken: 0,
        refused,
    };
    let rest = progress.all(&objects, &batch.id, &mut service);
    let Progress {
        done,
        taken,
        mut refused,
        ..
    } = progress;
    match rest {
        Ok(()) => {
            log::debug(&format!("batch `{}`: {taken} records posted", batch.id));
            Answer::done(batch, refused)
        }
        Err(stop) => {
            if stop.takes_back {
                refused.clear();
            }
            let accepted = match objects.get(done) {
                Some(_) if stop.takes_back => 0,
                Some((position, _)) => *position,
                None => batch.records.len(),
            };
            let mut answer = Answer::partly(accepted, refused, stop.rest);
            answer.attributes.push(Attribute {
                name: "reason".to_owned(),
                value: stop.reason,
            });
            answer
        }
    }
}

/// How far a call got, counted in records that have an object.
struct Progress {
    done: usize,
    /// Of the next list.
    size: usize,
    taken: usize,
    refused: Vec<Refusal>,
}

/// Why a call ends before the batch does.
struct Stop {
    rest: Rest,
    reason: String,
    /// Whether what was refused is taken back: it was not the records.
    takes_back: bool,
}

impl Progress {
    fn all(
        &mut self,
        objects: &[(usize, String)],
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
            if !first && service.web.elapsed() > PATIENCE {
                let reason = "the service is slow: the rest goes in another call".to_owned();
                return Err(stop(Rest::again(0, reason.clone()), reason));
            }
            first = false;
            let list = left.get(..self.size.max(1)).unwrap_or(left);
            let key = if list.len() == objects.len() {
                id.to_owned()
            } else {
                format!("{id}/{}+{}", self.done, list.len())
            };
            match service.submit(list.iter().map(|(_, object)| object.as_str()), &key) {
                Verdict::Taken => {
                    self.taken += list.len();
                    self.done += list.len();
                    self.size = self.size.saturating_mul(2).max(1);
                }
                Verdict::Refused(_) if list.len() > 1 => self.size = list.len() / 2,
                Verdict::Refused(reason) => self.refuse(list, objects.len(), reason)?,
                Verdict::Stop(rest, reason) => return Err(stop(rest, reason)),
            }
        }
        Ok(())
    }

    /// One record that the service does not take.
    fn refuse(&mut self, one: &[(usize, String)], of: usize, reason: String) -> Result<(), Stop> {
        let position = one.first().map_or(0, |(position, _)| *position);
        self.refused.push(Refusal {
            index: index(position),
            reason: reason.clone(),
        });
        self.done += 1;
        if self.taken == 0 && self.done == IN_VAIN && of > IN_VAIN {
            let reason = format!("none of {IN_VAIN} records was taken: {reason}");
            return Err(Stop {
                rest: Rest::Other(reason.clone()),
                reason,
                takes_back: true,
            });
        }
        Ok(())
    }
}
