//! `caso:accounting/queue`: messages staged during a call.
//!
//! A message appears in its queue only when `deliver` returned a valid answer.
//! Until then it lies here, so that a trap leaves no half of a delivery behind.

use super::bindings::v1::messenger::caso::accounting::queue::{Host, QueueError};
use super::limits::Limits;
use super::policy::Kind;
use super::state::State;

/// Messages of one call, in the order of the calls to `put`.
pub struct Stage {
    messages: Vec<Staged>,
    bytes: u64,
    /// Records of the call, by which the run's budget grows.
    records: usize,
    /// What is put now is taken when the call has answered.
    open: bool,
    most_messages: usize,
    most_bytes: u64,
}

/// A message and the name of the queue it goes to.
pub struct Staged {
    pub queue: String,
    pub message: Vec<u8>,
}

impl Stage {
    pub fn new(limits: &Limits) -> Self {
        Self {
            messages: Vec::new(),
            bytes: 0,
            records: 0,
            open: false,
            most_messages: usize::try_from(limits.queue_messages).unwrap_or(usize::MAX),
            most_bytes: limits.queue_bytes,
        }
    }

    /// A call begins: what was put before is gone, and what it puts is taken if it is `deliver`.
    pub fn begin_call(&mut self, is_delivery: bool) {
        self.messages.clear();
        self.bytes = 0;
        self.open = is_delivery;
    }

    /// How many records the next call is about.
    pub fn about(&mut self, records: usize) {
        self.records = records;
    }

    pub fn take(&mut self) -> Vec<Staged> {
        self.bytes = 0;
        std::mem::take(&mut self.messages)
    }

    fn put(&mut self, queue: String, message: Vec<u8>) -> Result<(), QueueError> {
        let size = u64::try_from(message.len()).unwrap_or(u64::MAX);
        if size > self.most_bytes {
            return Err(QueueError::TooLarge(self.most_bytes));
        }
        let bytes = self.bytes.saturating_add(size);
        if self.messages.len() >= self.most_messages || bytes > self.most_bytes {
            return Err(QueueError::Full);
        }
        self.bytes = bytes;
        self.messages.push(Staged { queue, message });
        Ok(())
    }
}

impl Host for State {
    async fn put(
        &mut self,
        name: String,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<(), QueueError>> {
        let services = &mut self.services;
        if services.granted.queue(&name).is_none() {
            let text = services.granted.refusal(Kind::Queue, &name);
            return Ok(Err(QueueError::Denied(text)));
        }
        if !services.stage.open {
            let text =
                "a message is put while records are delivered: in `deliver`, and nowhere else";
            return Ok(Err(QueueError::Other(text.to_owned())));
        }
        let size = message.len();
        let records = services.stage.records;
        let put = services.stage.put(name, message);
        if put.is_ok() {
            // Over the budget of a run nothing helps: it stops.
            self.budget.message(size, records)?;
        }
        Ok(put)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_bounded_in_number_and_bytes() {
        let limits = Limits {
            queue_messages: 2,
            queue_bytes: 10,
            ..Limits::default()
        };
        let mut stage = Stage::new(&limits);
        let mut put = |size| stage.put("q".to_owned(), vec![0; size]);
        assert!(matches!(put(11), Err(QueueError::TooLarge(10))));
        assert!(put(6).is_ok());
        assert!(matches!(put(6), Err(QueueError::Full)));
        assert!(put(4).is_ok());
        assert!(matches!(put(0), Err(QueueError::Full)));
        assert_eq!(stage.take().len(), 2);
        assert!(stage.put("q".to_owned(), vec![0; 10]).is_ok());
    }
}
