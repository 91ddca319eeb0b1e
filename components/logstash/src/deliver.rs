//! A batch over connections, and what of it counts as delivered.
//!
//! A stream of lines has no receipt: bytes that were sent may lie in a buffer of
//! a server that never reads them. What TCP does tell is the end. A server that
//! has read all lines up to our end closes its side, and we see its end; one that
//! went away before, or closed with lines unread, resets the connection, and we
//! see an error. So the batch goes in portions, each over a connection of its
//! own; our side is ended, and the portion is delivered when the server's end has
//! come. Of the portion that fails nothing is known, and all of it is left to be
//! sent again: at least once, never less. `wait_for_end = false` is for a server
//! that never closes.
//!
//! A portion is small enough to fit into the server's first receive window, so
//! that what a closing server has not read is there to be seen as unread. Its
//! last newline is sent by itself: a server that closed before the portion came
//! has answered with a reset by then, which that second call meets.

use caso_component::log;
use caso_component::messenger::connection::ConnectionError;
use caso_component::messenger::{Answer, Batch, Refusal, Rest, index};
use caso_component::records::RecordList;
use caso_component::settings::Settings;
use caso_component::types::{Attribute, Setting};

use crate::lines;

/// Bytes of a portion; a longer record is a portion by itself.
const PORTION: usize = 32 * 1024;
/// How long to leave a server alone that is not there, in seconds.
const RETRY_SECONDS: u32 = 30;
const LATE: &str = "the time of one call is over";

/// What an instance was configured with. Host, port and TLS are the host's to
/// know: they are the terms of the connection that it grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub wait_for_end: bool,
}

impl Options {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong.
    pub fn from_settings(settings: &[Setting]) -> Result<Self, String> {
        Ok(Self {
            wait_for_end: Settings(settings).boolean("wait_for_end")?,
        })
    }
}

/// The connection, as far as it is needed; a test has its own.
pub trait Peer {
    /// Connects.
    ///
    /// # Errors
    /// Why there is no connection.
    fn open(&mut self) -> Result<(), ConnectionError>;
    /// Sends all of the bytes.
    ///
    /// # Errors
    /// Why they could not be sent.
    fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError>;
    /// Ends our side.
    ///
    /// # Errors
    /// Why it could not be ended well.
    fn finish(&mut self) -> Result<(), ConnectionError>;
    /// Waits for bytes and drops them; how many there were, none at the end.
    ///
    /// # Errors
    /// Why the end did not come.
    fn receive(&mut self) -> Result<usize, ConnectionError>;
    /// Closes the connection.
    fn close(&mut self);
    /// Whether the call has lasted long enough, and shall answer with what is
    /// done before the host ends it.
    fn is_late(&self) -> bool;
}

/// Sends the batch.
pub fn deliver(options: &Options, batch: &Batch, peer: &mut dyn Peer) -> Answer {
    let mut refused = Vec::new();
    let mut done = 0;
    while done < batch.records.len() {
        if done > 0 && peer.is_late() {
            return Answer::partly(done, refused, Rest::again(0, LATE));
        }
        let portion = Portion::from(&batch.records, done);
        let mut stage = "connecting";
        let sent = send(options, &portion.text, peer, &mut stage);
        peer.close();
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

/// Lines that go over one connection.
struct Portion {
    text: String,
    refused: Vec<Refusal>,
    /// Index of the first record after it.
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
                Err(reason) => portion.refused.push(Refusal {
                    index: index(portion.end),
                    reason,
                }),
            }
            portion.end += 1;
        }
        portion
    }
}

fn send(
    options: &Options,
    text: &str,
    peer: &mut dyn Peer,
    stage: &mut &'static str,
) -> Result<(), ConnectionError> {
    let Some(lines) = text.strip_suffix('\n') else {
        // Every record of the portion was refused.
        return Ok(());
    };
    peer.open()?;
    *stage = "sending";
    peer.send(lines.as_bytes())?;
    peer.send(b"\n")?;
    *stage = "ending";
    peer.finish()?;
    if options.wait_for_end {
        *stage = "waiting for the server to close";
        // A tcp input has nothing to say. Whoever speaks is something else, and
        // has taken our lines for nonsense.
        if peer.receive()? > 0 {
            return Err(ConnectionError::Other(
                "the server answers, which no tcp input does: `port` is that of another service, \
                 or of one for which `wait_for_end` has to be false"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

/// Of the portion after `done` nothing is known: it is left, with all behind it.
fn stopped(done: usize, refused: Vec<Refusal>, stage: &str, error: ConnectionError) -> Answer {
    let again = |reason: String| {
        let said = format!("stopped after {done} records: {stage}: {reason}");
        (reason, Rest::again(RETRY_SECONDS, said))
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
            let reason = "the server has not closed the connection after all records, so that it \
                          is not known whether it read them; for one that never closes, set \
                          `wait_for_end = false`"
                .to_owned();
            (reason.clone(), Rest::Other(reason))
        }
        ConnectionError::TimedOut => again("the server took too long".to_owned()),
        ConnectionError::Invalid(reason) | ConnectionError::Other(reason) => {
            (reason.clone(), Rest::Other(reason))
        }
    };
    let mut answer = Answer::partly(done, refused, rest);
    for (name, value) in [("stage", stage), ("reason", &reason)] {
        answer.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::{Head, OtherRecord};

    fn batch(count: usize, bytes: usize) -> Batch {
        let record = |number: usize| OtherRecord {
            head: Head {
                id: number.to_string(),
                supersedes: number.to_string(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            kind: "sample".into(),
            payload: format!("{{\"n\":{number},\"x\":\"{}\"}}", "x".repeat(bytes)),
        };
        Batch {
            id: "b".into(),
            attempt: 1,
            instance: "logstash".into(),
            record_type: "sample".into(),
            records: RecordList::Other((0..count).map(record).collect()),
            now: 0,
            attributes: Vec::new(),
        }
    }

    /// A server that fails in a call of its life, counted from 0.
    #[derive(Default)]
    struct Server {
        fails: Option<(usize, ConnectionError)>,
        calls: usize,
        received: Vec<Vec<u8>>,
        ended: bool,
        /// What it says before it closes.
        greeting: usize,
        /// After so many connections the call is late.
        patience: Option<usize>,
        connections: usize,
    }

    impl Server {
        fn failing(call: usize, error: ConnectionError) -> Self {
            Self {
                fails: Some((call, error)),
                ..Self::default()
            }
        }

        fn call(&mut self) -> Result<(), ConnectionError> {
            let now = self.calls;
            self.calls += 1;
            match &self.fails {
                Some((call, error)) if *call == now => Err(error.clone()),
                _ => Ok(()),
            }
        }
    }

    impl Peer for Server {
        fn open(&mut self) -> Result<(), ConnectionError> {
            self.connections += 1;
            self.ended = false;
            self.received.push(Vec::new());
            self.call()
        }

        fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
            self.call()?;
            self.received.last_mut().unwrap().extend(bytes);
            Ok(())
        }

        fn finish(&mut self) -> Result<(), ConnectionError> {
            self.call()?;
            self.ended = true;
            Ok(())
        }

        fn receive(&mut self) -> Result<usize, ConnectionError> {
            self.call()?;
            assert!(self.ended);
            Ok(std::mem::take(&mut self.greeting))
        }

        fn close(&mut self) {}

        fn is_late(&self) -> bool {
            self.patience.is_some_and(|most| self.connections >= most)
        }
    }

    const WAIT: Options = Options { wait_for_end: true };

    #[test]
    fn whole_lines_in_portions() {
        let mut server = Server::default();
        let answer = deliver(&WAIT, &batch(1_000, 200), &mut server);
        assert_eq!((answer.accepted, answer.rest), (1_000, Rest::Done));
        assert!(server.received.len() <= 8);
        for bytes in &server.received {
            assert!(bytes.len() <= PORTION && bytes.ends_with(b"}\n"));
        }
        let all = server.received.concat();
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 1_000);
    }

    #[test]
    fn who_answers_is_no_tcp_input() {
        let mut server = Server {
            greeting: 5,
            ..Server::default()
        };
        let answer = deliver(&WAIT, &batch(10, 200), &mut server);
        assert_eq!(answer.accepted, 0);
        assert!(matches!(answer.rest, Rest::Other(reason) if reason.contains("`port`")));
    }

    #[test]
    fn a_long_record_is_a_portion_by_itself() {
        let mut server = Server::default();
        let answer = deliver(&WAIT, &batch(2, PORTION * 2), &mut server);
        assert_eq!(answer.accepted, 2);
        assert_eq!(server.received.len(), 2);
    }

    #[test]
    fn whenever_the_server_goes_away_its_portion_does_not_count() {
        // Each of two portions: open, two sends, finish, receive.
        for call in 0..10 {
            let error = if call % 5 == 0 {
                ConnectionError::Unavailable("refused".into())
            } else {
                ConnectionError::Closed
            };
            let mut server = Server::failing(call, error);
            let answer = deliver(&WAIT, &batch(2, PORTION), &mut server);
            assert_eq!(answer.accepted as usize, call / 5, "call {call}");
            assert!(
                matches!(&answer.rest, Rest::Retry(retry) if retry.after_seconds == RETRY_SECONDS)
            );
        }
        let mut server = Server::default();
        deliver(&WAIT, &batch(2, PORTION), &mut server);
        assert_eq!(server.calls, 10);
    }

    #[test]
    fn a_slow_server_gets_the_rest_in_another_call() {
        let mut server = Server {
            patience: Some(2),
            ..Server::default()
        };
        let answer = deliver(&WAIT, &batch(3, PORTION), &mut server);
        assert_eq!((answer.accepted, answer.rest), (2, Rest::again(0, LATE)));
    }

    #[test]
    fn a_server_that_never_closes_is_a_choice() {
        let never = || Server::failing(4, ConnectionError::TimedOut);
        let answer = deliver(&WAIT, &batch(1, 10), &mut never());
        assert_eq!(answer.accepted, 0);
        let Rest::Other(reason) = answer.rest else {
            panic!("{:?}", answer.rest);
        };
        assert!(reason.contains("`wait_for_end = false`"));
        let trusting = Options {
            wait_for_end: false,
        };
        assert_eq!(deliver(&trusting, &batch(1, 10), &mut never()).accepted, 1);
    }

    #[test]
    fn what_no_retry_mends_is_configuration() {
        for error in [
            ConnectionError::Denied("no grant".into()),
            ConnectionError::Tls("unknown issuer".into()),
        ] {
            let answer = deliver(&WAIT, &batch(1, 10), &mut Server::failing(0, error));
            assert!(matches!(answer.rest, Rest::Misconfigured(_)));
        }
    }

    #[test]
    fn refused_records_are_dealt_with_too() {
        let mut batch = batch(3, 10);
        if let RecordList::Other(records) = &mut batch.records {
            records[1].payload = "text".into();
        }
        let answer = deliver(&WAIT, &batch, &mut Server::default());
        assert_eq!((answer.accepted, answer.refused.len()), (3, 1));
        assert_eq!(answer.refused[0].index, 1);
    }
}
