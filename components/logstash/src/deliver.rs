//! A batch over the connection, and what of it counts as delivered.
//!
//! A stream of lines has no receipt: bytes that were sent may lie in a buffer of
//! a server that never reads them. What TCP does tell is the end. A server that
//! has read all lines up to our end closes its side, and we see its end; one that
//! went away before, or closed with lines unread, resets the connection, and we
//! see an error. So a batch goes over one connection of its own, our side is
//! ended, and the batch is delivered when the server's end has come. Before
//! that nothing is known, and all of it is left to be sent again: at least once,
//! never less. `wait_for_end = false` is for a server that never closes.

use caso_component::log;
use caso_component::messenger::connection::ConnectionError;
use caso_component::messenger::{Answer, Batch, Refusal, Rest};
use caso_component::settings::Settings;
use caso_component::types::{Attribute, Setting};

use crate::lines;

/// Bytes collected before they are sent: each call of the host has its price.
const BUFFER: usize = 64 * 1024;
/// How long to leave a server alone that is not there, in seconds.
const RETRY_SECONDS: u32 = 30;

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
}

/// Sends the batch.
pub fn deliver(options: &Options, batch: &Batch, peer: &mut dyn Peer) -> Answer {
    if batch.records.is_empty() {
        return Answer::done(batch, Vec::new());
    }
    let mut stage = "connecting";
    let sent = send(options, batch, peer, &mut stage);
    match sent {
        Ok(refused) => {
            log::debug(&format!(
                "batch `{}`: {} records sent, {} refused",
                batch.id,
                batch.records.len() - refused.len(),
                refused.len()
            ));
            Answer::done(batch, refused)
        }
        Err(error) => unsent(stage, error),
    }
}

fn send(
    options: &Options,
    batch: &Batch,
    peer: &mut dyn Peer,
    stage: &mut &'static str,
) -> Result<Vec<Refusal>, ConnectionError> {
    peer.open()?;
    *stage = "sending";
    let mut buffer = String::with_capacity(BUFFER);
    let refused = lines::each(&batch.records, |line| {
        if !buffer.is_empty() && buffer.len() + line.len() > BUFFER {
            peer.send(buffer.as_bytes())?;
            buffer.clear();
        }
        buffer.push_str(line);
        Ok(())
    })?;
    if !buffer.is_empty() {
        peer.send(buffer.as_bytes())?;
    }
    *stage = "ending";
    peer.finish()?;
    if options.wait_for_end {
        *stage = "waiting for the server to close";
        while peer.receive()? > 0 {}
    }
    Ok(refused)
}

/// Nothing is known to have arrived: all of the batch is left, for later.
fn unsent(stage: &str, error: ConnectionError) -> Answer {
    let (reason, rest) = match error {
        ConnectionError::Denied(reason) => (reason.clone(), Rest::Misconfigured(reason)),
        ConnectionError::Tls(reason) => {
            let reason = format!("TLS failed: {reason}");
            (reason.clone(), Rest::Misconfigured(reason))
        }
        ConnectionError::Unavailable(reason) => (reason, Rest::RetryAfterSeconds(RETRY_SECONDS)),
        ConnectionError::Closed => (
            "the server closed the connection before it had read all records".to_owned(),
            Rest::RetryAfterSeconds(RETRY_SECONDS),
        ),
        ConnectionError::TimedOut if stage.starts_with("waiting") => {
            let reason = "the server has not closed the connection after all records, so that it \
                          is not known whether it read them; for one that never closes, set \
                          `wait_for_end = false`"
                .to_owned();
            (reason.clone(), Rest::Other(reason))
        }
        ConnectionError::TimedOut => (
            "the server took too long".to_owned(),
            Rest::RetryAfterSeconds(RETRY_SECONDS),
        ),
        ConnectionError::Invalid(reason) | ConnectionError::Other(reason) => {
            (reason.clone(), Rest::Other(reason))
        }
    };
    if matches!(rest, Rest::RetryAfterSeconds(_)) {
        // The only answer that has no text of its own.
        log::warning(&format!("nothing delivered: {stage}: {reason}"));
    }
    let mut answer = Answer::partly(0, Vec::new(), rest);
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
    use caso_component::records::{Head, OtherRecord, RecordList};

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
            self.call()
        }

        fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
            self.call()?;
            self.received.push(bytes.to_vec());
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
    }

    const WAIT: Options = Options { wait_for_end: true };

    #[test]
    fn whole_lines_in_few_calls() {
        let mut server = Server {
            greeting: 5,
            ..Server::default()
        };
        let answer = deliver(&WAIT, &batch(1_000, 200), &mut server);
        assert_eq!((answer.accepted, answer.rest), (1_000, Rest::Done));
        assert!(server.received.len() <= 4);
        for bytes in &server.received {
            assert!(bytes.len() <= BUFFER && bytes.ends_with(b"}\n"));
        }
        let all = server.received.concat();
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 1_000);
    }

    #[test]
    fn a_record_larger_than_the_buffer_goes_by_itself() {
        let mut server = Server::default();
        let answer = deliver(&WAIT, &batch(2, BUFFER * 2), &mut server);
        assert_eq!(answer.accepted, 2);
        assert_eq!(server.received.len(), 2);
    }

    #[test]
    fn whenever_the_server_goes_away_nothing_counts() {
        // open, two sends, finish, receive.
        for call in 0..5 {
            let error = if call == 0 {
                ConnectionError::Unavailable("refused".into())
            } else {
                ConnectionError::Closed
            };
            let mut server = Server::failing(call, error);
            let answer = deliver(&WAIT, &batch(2, BUFFER), &mut server);
            assert_eq!(answer.accepted, 0, "call {call}");
            assert_eq!(answer.rest, Rest::RetryAfterSeconds(RETRY_SECONDS));
        }
        let mut server = Server::default();
        deliver(&WAIT, &batch(2, BUFFER), &mut server);
        assert_eq!(server.calls, 5);
    }

    #[test]
    fn a_server_that_never_closes_is_a_choice() {
        let never = || Server::failing(3, ConnectionError::TimedOut);
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
