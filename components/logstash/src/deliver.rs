//! Sends a batch over connections, and decides which of its records are delivered.
//!
//! A stream of lines has no acknowledgement: what was sent may lie in a buffer of a server
//! that never reads it. What TCP does report is the end. A server that has read all lines
//! up to our end closes its side, and we see its end. One that goes away earlier, or closes
//! with lines unread, resets the connection, and we see an error.
//!
//! So a batch is sent in portions, each over a connection of its own: send, end our side,
//! wait for the server's end, and only then is the portion delivered. If that fails,
//! nothing is known about the portion, and all of it is left to be sent again: delivery is
//! at least once. `wait_for_end = false` is for a server that never closes.
//!
//! A portion is small enough for the server's first receive window, so that lines which a
//! closing server has not read are in its buffer and make it reset the connection. The last
//! newline of a portion is sent on its own: a server that had closed before the portion
//! arrived has answered it with a reset by then, and the second call sees that.

use caso_component::log;
use caso_component::messenger::connection::ConnectionError;
use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::records::RecordList;
use caso_component::types::Attribute;

use crate::connection::Connection;
use crate::lines;
use crate::options::Options;

/// Bytes of a portion. A longer record is a portion by itself.
const PORTION: usize = 32 * 1024;
/// Seconds until a server that is not there is tried again.
const RETRY_SECONDS: u32 = 30;
const LATE: &str = "the server is slow: the rest is sent in another call";

/// Sends the batch. The answer's attributes `stage` and `reason` say where and why it
/// stopped, if it did.
pub fn deliver(options: &Options, batch: &Batch, server: &mut dyn Connection) -> Answer {
    let mut refused = Vec::new();
    let mut done = 0;
    while done < batch.records.len() {
        if done > 0 && server.is_late() {
            return Answer::partial(done, refused, Rest::retry(0, LATE));
        }
        let portion = Portion::from(&batch.records, done);
        let mut stage = "connecting";
        let sent = send(options, &portion.text, server, &mut stage);
        server.close();
        if let Err(error) = sent {
            return stopped(done, refused, stage, error);
        }
        refused.extend(portion.refused);
        done = portion.end;
    }
    log::debug(&format!(
        "batch `{}`: {} records sent, {} refused",
        batch.id,
        done - refused.len(),
        refused.len()
    ));
    Answer::done(batch, refused)
}

/// The lines that are sent over one connection.
struct Portion {
    text: String,
    refused: Vec<Refusal>,
    /// Index of the first record behind the portion.
    end: usize,
}

impl Portion {
    fn from(records: &RecordList, start: usize) -> Self {
        let mut portion = Self {
            text: String::with_capacity(PORTION),
            refused: Vec::new(),
            end: start,
        };
        while portion.end < records.len() {
            match lines::line(records, portion.end) {
                Ok(line) => {
                    let full = portion.text.len() + line.len() > PORTION;
                    if full && !portion.text.is_empty() {
                        break;
                    }
                    portion.text.push_str(&line);
                }
                Err(reason) => portion.refused.push(Refusal::new(portion.end, reason)),
            }
            portion.end += 1;
        }
        portion
    }
}

/// Sends a portion and waits for the server's end. `stage` follows what is being done.
fn send(
    options: &Options,
    text: &str,
    server: &mut dyn Connection,
    stage: &mut &'static str,
) -> Result<(), ConnectionError> {
    let Some(lines) = text.strip_suffix('\n') else {
        // Every record of the portion was refused.
        return Ok(());
    };
    server.open()?;
    *stage = "sending";
    server.send(lines.as_bytes())?;
    server.send(b"\n")?;
    *stage = "ending";
    server.finish()?;
    if options.wait_for_end {
        *stage = "waiting for the server to close";
        // A TCP input sends nothing. A server that does is of another protocol, and has
        // not understood our lines.
        if server.receive()? > 0 {
            return Err(ConnectionError::Other(
                "the server answers, which a TCP input does not: `port` belongs to another \
                 service, or to one that needs `wait_for_end = false`"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

/// The answer when a portion failed: nothing is known about the records from index `done`
/// on, so they are left.
fn stopped(done: usize, refused: Vec<Refusal>, stage: &str, error: ConnectionError) -> Answer {
    let again = |reason: String| {
        let text = format!("stopped after {done} records: {stage}: {reason}");
        (reason, Rest::retry(RETRY_SECONDS, text))
    };
    let (reason, rest) = match error {
        ConnectionError::Denied(reason) => (reason.clone(), Rest::Misconfigured(reason)),
        ConnectionError::Tls(reason) => {
            let reason = format!("TLS failed: {reason}");
            (reason.clone(), Rest::Misconfigured(reason))
        }
        ConnectionError::Unavailable(reason) => again(reason),
        ConnectionError::Closed => {
            again("the server closed the connection before it had read all records".to_owned())
        }
        ConnectionError::TimedOut if stage.starts_with("waiting") => {
            let reason = "the server did not close the connection after the records, so it is \
                          unknown whether it has read them; if it never closes connections, set \
                          `wait_for_end = false`"
                .to_owned();
            (reason.clone(), Rest::Other(reason))
        }
        ConnectionError::TimedOut => again("the server did not respond in time".to_owned()),
        ConnectionError::Invalid(reason) | ConnectionError::Other(reason) => {
            (reason.clone(), Rest::Other(reason))
        }
    };
    let mut answer = Answer::partial(done, refused, rest);
    for (name, value) in [("stage", stage), ("reason", &reason)] {
        answer.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
    answer
}

#[cfg(test)]
mod tests;
