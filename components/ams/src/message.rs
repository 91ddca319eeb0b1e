//! A message on its way: signed, with its id, and its size as it is published.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caso_component::messenger::{Refusal, Rest};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Bytes of a request that publishes: below the megabyte that AMS takes, whether it counts
/// the message or all of the request.
pub const MOST: usize = 999_000;
/// Bytes of a request around its messages: `{"messages":[]}`.
const AROUND: usize = 16;

/// A message that is signed and not published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place among the formatted records of the batch: that of its first.
    pub first: usize,
    /// How many records it has.
    pub records: usize,
    /// The same for the same text, see [`id`].
    pub id: String,
    /// Signed, perhaps encrypted, in base64.
    pub data: String,
    /// It was not changed by what signs, so that this is a dry run.
    pub unsigned: bool,
}

impl Message {
    /// Of a text and what the host made of it.
    pub fn new(first: usize, records: usize, text: &str, signed: &[u8]) -> Self {
        Self {
            first,
            records,
            id: id(text),
            data: STANDARD.encode(signed),
            unsigned: signed == text.as_bytes(),
        }
    }

    /// Bytes that it has in a request.
    pub fn bytes(&self) -> usize {
        self.object().to_string().len() + 1
    }

    fn object(&self) -> Value {
        json!({"attributes": {"empaid": self.id}, "data": self.data})
    }

    /// The records, as refusals with this reason.
    pub fn refusals<'a>(
        &self,
        indices: impl Iterator<Item = usize> + 'a,
        reason: &'a str,
    ) -> impl Iterator<Item = Refusal> + 'a {
        indices
            .skip(self.first)
            .take(self.records)
            .map(move |index| Refusal::new(index, reason))
    }
}

/// What a message's attribute `empaid` says. `ssmsend` takes the name of the message in its
/// queue (`6b020038/6b0200528089e1`). Ours is of the same form and made of the text, so that
/// the same records have the same id in every attempt, whichever run was killed in between,
/// and no other message has it.
pub fn id(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(22);
    hex.insert(8, '/');
    hex
}

/// The body of the request that publishes these, in their order.
pub fn body(messages: &[Message]) -> String {
    let messages: Vec<Value> = messages.iter().map(Message::object).collect();
    json!({ "messages": messages }).to_string()
}

/// How many of these, from the front, one request takes: at most `most` and [`MOST`] bytes;
/// 0 where the first alone is larger.
pub fn fit(messages: &[Message], most: usize) -> usize {
    let mut bytes = AROUND;
    let fits = |message: &&Message| {
        bytes += message.bytes();
        bytes <= MOST
    };
    messages.iter().take(most).take_while(fits).count()
}

/// How many records make a message that fits, where `records` made one of `bytes`: fewer,
/// but one at least.
pub fn fewer(records: usize, bytes: usize) -> usize {
    let part = records.saturating_mul(MOST) / bytes.max(1);
    part.min(records / 2 + records / 4).max(1)
}

/// Why there is no signed message.
#[derive(Debug, PartialEq)]
pub enum Unsigned {
    /// Its records can never be signed.
    Refused(String),
    /// No more in this call.
    Full,
    /// What the host should do with the records.
    Stop(Rest),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_texts() {
        // `printf 'text\n' | sha256sum`
        assert_eq!(id("text\n"), "b9e68e1b/ea3e5b19ca6b2f");
        assert_ne!(id("text\n"), id("text"));
    }

    #[test]
    fn a_request_is_as_large_as_it_was_counted() {
        let message = Message::new(0, 1, "text\n", &[b'x'; 100_001]);
        for count in [1, 3] {
            let messages = vec![message.clone(); count];
            let counted: usize = messages.iter().map(Message::bytes).sum();
            let length = body(&messages).len();
            assert!(length <= AROUND + counted && length + 2 > AROUND + counted - count);
        }
        let many = vec![message; 20];
        let fitting = fit(&many, 20);
        assert_eq!(fitting, 7);
        assert!(body(&many[..fitting]).len() < 1_000_000);
        assert_eq!(fit(&many, 3), 3);
        let large = Message::new(0, 1, "text\n", &vec![b'x'; 750_000]);
        assert_eq!(fit(&[large], 20), 0);
    }

    #[test]
    fn what_is_too_large_becomes_smaller_until_it_is_one_record() {
        // Almost small enough, four times too large, and small enough for us.
        assert_eq!(fewer(100, MOST + 10), 75);
        assert_eq!(fewer(100, MOST * 4), 25);
        assert_eq!(fewer(100, 5_000), 75);
        let (mut records, mut steps) = (100, 0);
        while records > 1 {
            records = fewer(records, 5_000);
            steps += 1;
        }
        assert!(steps < 15, "{steps}");
    }
}
