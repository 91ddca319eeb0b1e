//! A batch, message by message: which of its records are delivered.
//!
//! Messages are signed one by one and published several at a time, in the order of the
//! records. What AMS took is known by its answer. An answer that gets lost may belong to
//! messages that were taken: they are published again with the same ids, so delivery is at
//! least once.

use std::collections::VecDeque;
use std::time::Duration;

use caso_apel::Formatted;
use caso_component::log;
use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::types::Attribute;
use caso_http::requests::DOUBTFUL;
use caso_http::words::reason;

use crate::adopted;
use crate::message::{self, MOST, Message, Unsigned};
use crate::service::{Published, Service};

/// The part of a call's time in which it begins new requests: two slow ones, a token's and
/// a publish's, fit into the rest.
const BEGINS: u32 = 4;
/// Messages in one request.
const AT_ONCE: usize = 20;

/// Signs and publishes the batch. The answer's attribute `reason` says why it stopped, if it
/// did.
pub fn deliver(service: &mut Service<'_>, batch: &Batch) -> Answer {
    let format = &service.options.format;
    let adopted = (batch.record_type == adopted::KIND).then(|| adopted::of(&batch.records));
    let (formatted, own) = adopted
        .flatten()
        .unwrap_or_else(|| (Formatted::of(format, &batch.records), Vec::new()));
    // What somebody else wrote is a message as it is.
    let (max_size, max_bytes) = match own.is_empty() {
        true => (format.max_size, format.max_message_bytes),
        false => (1, usize::MAX),
    };
    let mut delivery = Delivery {
        refused: formatted.refused.clone(),
        formatted: &formatted,
        record_type: &batch.record_type,
        own: &own,
        begins: batch.time_left() / BEGINS,
        max_size,
        max_bytes,
        at_once: AT_ONCE,
        ready: VecDeque::new(),
        done: 0,
        published: 0,
        doubtful: None,
        full: false,
    };
    let stopped = delivery.all(service);
    let Delivery {
        done,
        refused,
        published,
        ..
    } = delivery;
    log::debug(&format!(
        "batch `{}`: {published} messages published, {} records refused",
        batch.id,
        refused.len()
    ));
    let Some(rest) = stopped else {
        return Answer::done(batch, refused);
    };
    let first = formatted.entries.get(done);
    let accepted = first.map_or(batch.records.len(), |entry| entry.index);
    let reason = reason(&rest);
    let mut answer = Answer::partial(accepted, refused, rest);
    answer.attributes.push(Attribute {
        name: "reason".to_owned(),
        value: reason,
    });
    answer
}

/// How far a call got. Places are those of the formatted records.
struct Delivery<'a> {
    formatted: &'a Formatted,
    record_type: &'a str,
    /// Those of the formatted records, where each has one of its own.
    own: &'a [&'static str],
    /// For how long the call begins new requests.
    begins: Duration,
    /// Records of a message.
    max_size: usize,
    /// Bytes of a message's text.
    max_bytes: usize,
    /// Messages in the next request.
    at_once: usize,
    /// Signed, and not published.
    ready: VecDeque<Message>,
    /// Those before this place are published or refused.
    done: usize,
    /// Messages that AMS took.
    published: usize,
    /// What AMS refused before it took anything.
    doubtful: Option<Doubtful>,
    refused: Vec<Refusal>,
    /// The host signs no more in this call.
    full: bool,
}

/// Messages that were refused one after the other while none was taken: where it goes on so, the
/// fault is not theirs.
struct Doubtful {
    messages: usize,
    /// What was done and refused before the first of them.
    done: usize,
    refused: usize,
}

impl Delivery<'_> {
    /// Publishes all; what to do with the rest where that stops.
    fn all(&mut self, service: &mut Service<'_>) -> Option<Rest> {
        let mut first = true;
        loop {
            if !first && service.outside.elapsed() > self.begins {
                return Some(Rest::retry(
                    0,
                    "the service is slow: the rest is published in another call",
                ));
            }
            first = false;
            let stopped = self.fill(service);
            let (own, record_type) = (self.own, self.record_type);
            let first = self.ready.front();
            let kind = first.map_or("", |first| kind_of(own, record_type, first));
            let ready = self.ready.make_contiguous();
            let count = message::fit(ready, self.at_once);
            // A request is of one topic.
            let of_kind = |message: &&Message| kind_of(own, record_type, message) == kind;
            let fitting = ready.get(..count).unwrap_or_default().iter();
            let count = fitting.take_while(of_kind).count();
            let Some(next) = ready.get(..count).filter(|next| !next.is_empty()) else {
                return stopped.or_else(|| self.unsigned());
            };
            match service.publish(kind, next) {
                Published::Taken(count) => {
                    self.published += count;
                    self.pass(count);
                }
                Published::Stop(rest) => return Some(rest),
                // Which one it is shows when each comes alone.
                Published::Refused(_) | Published::TooLarge(_) if count > 1 => self.at_once = 1,
                Published::Refused(reason) => {
                    if let Some(rest) = self.acquitted(&reason) {
                        return Some(rest);
                    }
                    self.refuse(&reason);
                }
                Published::TooLarge(reason) => self.shrink(&reason),
            }
        }
    }

    /// What to do with what the host has not signed, if there is any.
    fn unsigned(&self) -> Option<Rest> {
        let left = self.done < self.formatted.entries.len();
        let reason = "the host signs no more messages in this call";
        // The limit is for a call: the next one has room again.
        left.then(|| match self.published {
            0 => Rest::Other(reason.to_owned()),
            _ => Rest::retry(0, reason),
        })
    }

    /// Signs messages until a request is full.
    fn fill(&mut self, service: &mut Service<'_>) -> Option<Rest> {
        let max_bytes = self.max_bytes;
        while !self.full && self.ready.len() < self.at_once && self.bytes() < MOST {
            let place = self.packed();
            let waiting = self.formatted.entries.get(place..).unwrap_or_default();
            let first = waiting.first()?;
            let next = self.formatted.next(waiting, self.max_size, max_bytes);
            let Some((text, records)) = next else {
                // In their order: those before it are published first.
                if !self.ready.is_empty() {
                    return None;
                }
                self.refused
                    .push(self.formatted.too_large(first, max_bytes));
                self.done += 1;
                continue;
            };
            match service.sign(place, records, &text) {
                Ok(message) if message.bytes() + 100 > MOST => {
                    if !self.ready.is_empty() {
                        return None;
                    }
                    self.ready.push_back(message);
                    self.shrink("AMS takes less than 1 MB");
                }
                Ok(message) => self.ready.push_back(message),
                Err(Unsigned::Full) => self.full = true,
                Err(_) if !self.ready.is_empty() => return None,
                Err(Unsigned::Refused(reason)) => {
                    self.ready
                        .push_back(Message::new(place, records, &text, b""));
                    self.refuse(&reason);
                }
                Err(Unsigned::Stop(rest)) => return Some(rest),
            }
        }
        None
    }

    /// The place behind what is signed.
    fn packed(&self) -> usize {
        self.ready
            .back()
            .map_or(self.done, |message| message.first + message.records)
    }

    fn bytes(&self) -> usize {
        self.ready.iter().map(Message::bytes).sum()
    }

    /// So many messages from the front are dealt with.
    fn pass(&mut self, count: usize) {
        for message in self.ready.drain(..count.min(self.ready.len())) {
            self.done = message.first + message.records;
        }
    }

    /// AMS refuses the first message. If it is one of many, and none was taken, all of them wait.
    fn acquitted(&mut self, reason: &str) -> Option<Rest> {
        if self.published > 0 {
            return None;
        }
        let before = Doubtful {
            messages: 0,
            done: self.done,
            refused: self.refused.len(),
        };
        let doubtful = self.doubtful.get_or_insert(before);
        doubtful.messages += 1;
        if doubtful.messages < DOUBTFUL {
            return None;
        }
        self.done = doubtful.done;
        self.refused.truncate(doubtful.refused);
        Some(Rest::Other(format!(
            "none of {DOUBTFUL} messages was taken: {reason}"
        )))
    }

    /// The first message is refused for good.
    fn refuse(&mut self, reason: &str) {
        if let Some(message) = self.ready.front() {
            let indices = self.formatted.entries.iter().map(|entry| entry.index);
            self.refused.extend(message.refusals(indices, reason));
        }
        self.pass(1);
        self.at_once = AT_ONCE;
    }

    /// The first message is too large: its records come in smaller ones, or are refused
    /// where it has only one.
    fn shrink(&mut self, reason: &str) {
        let Some(message) = self.ready.front() else {
            return;
        };
        if message.records == 1 {
            let bytes = message.data.len();
            let reason =
                format!("the record alone makes a message of {bytes} bytes as published: {reason}");
            self.refuse(&reason);
            return;
        }
        self.max_size = message::fewer(message.records, message.bytes());
        // Signed again in its new form, with what comes after it.
        self.ready.clear();
    }
}

/// The record type of a message, by which it has a topic.
fn kind_of<'a>(own: &[&'static str], record_type: &'a str, message: &Message) -> &'a str {
    own.get(message.first).copied().unwrap_or(record_type)
}
