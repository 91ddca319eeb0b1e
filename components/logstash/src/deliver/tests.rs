use super::*;
use caso_component::records::OtherRecord;
use caso_component::samples;

/// Records with payloads of that many bytes and a little more.
fn batch(count: usize, bytes: usize) -> Batch {
    let record = |number: usize| OtherRecord {
        payload: Some(format!(
            "{{\"n\":{number},\"x\":\"{}\"}}",
            "x".repeat(bytes)
        )),
        ..samples::other()
    };
    samples::batch(RecordList::Other((0..count).map(record).collect()))
}

/// A server that fails in one of the calls, counted from 0.
#[derive(Default)]
struct Server {
    fails: Option<(usize, ConnectionError)>,
    calls: usize,
    received: Vec<Vec<u8>>,
    ended: bool,
    /// Bytes that it sends before it closes.
    greeting: usize,
    /// Number of connections after which the call is late.
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

impl Connection for Server {
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
fn a_server_that_answers_is_not_a_tcp_input() {
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
        assert!(matches!(&answer.rest, Rest::Retry(retry) if retry.after_seconds == RETRY_SECONDS));
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
    assert_eq!((answer.accepted, answer.rest), (2, Rest::retry(0, LATE)));
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
fn what_a_retry_cannot_fix_is_misconfigured() {
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
        records[1].payload = Some("text".into());
    }
    let answer = deliver(&WAIT, &batch, &mut Server::default());
    assert_eq!((answer.accepted, answer.refused.len()), (3, 1));
    assert_eq!(answer.refused[0].index, 1);
}
