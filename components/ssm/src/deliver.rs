//! Formats a batch into messages and puts them into the queue.

use caso_apel::Formatted;
use caso_component::log;
use caso_component::messenger::queue::QueueError;
use caso_component::messenger::{Answer, Batch, Rest};

use crate::options::Options;

/// Formats the batch and hands its messages to `put`, in order.
///
/// The host publishes the staged messages when it gets a valid answer. So when the queue
/// fails, the records of the messages already put are accepted, and the others are left
/// for another attempt. A message that the queue finds too large is packed again, smaller.
pub fn deliver(
    options: &Options,
    batch: &Batch,
    put: &mut dyn FnMut(&[u8]) -> Result<(), QueueError>,
) -> Answer {
    let format = &options.format;
    let formatted = Formatted::of(format, &batch.records);
    let mut refused = formatted.refused.clone();
    let mut waiting = formatted.entries.as_slice();
    let mut max_bytes = format.max_message_bytes;
    let mut messages = 0_u32;
    while let Some(first) = waiting.first() {
        let Some((message, taken)) = formatted.next(waiting, format.max_size, max_bytes) else {
            refused.push(formatted.too_large(first, max_bytes));
            waiting = waiting.get(1..).unwrap_or_default();
            continue;
        };
        let rest = match put(message.as_bytes()) {
            Ok(()) => {
                messages += 1;
                waiting = waiting.get(taken..).unwrap_or_default();
                continue;
            }
            Err(QueueError::TooLarge(limit)) => {
                // Always less than this message, so that the loop ends.
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                max_bytes = limit.min(message.len().saturating_sub(1));
                continue;
            }
            // The limit is for a call: the next call has room again.
            Err(QueueError::Full) if messages > 0 => Rest::retry(0, "the queue is full"),
            Err(error) => error.into(),
        };
        return Answer::partial(first.index, refused, rest);
    }
    log::debug(&format!(
        "batch `{}`: {} records in {messages} messages, {} refused",
        batch.id,
        formatted.entries.len(),
        refused.len()
    ));
    Answer::done(batch, refused)
}

#[cfg(test)]
mod tests;
