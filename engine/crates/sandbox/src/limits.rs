//! All limits of a component in one place, each with what it bounds.
//!
//! Two clocks stop a guest. The *deadline* counts the time in which it computes
//! (epoch ticks in which its code ran); a guest that waits in a host call
//! spends none of it. The *timeout* is the wall clock around a whole call and
//! covers the waiting. Neither suffices alone: epochs do not stop a host call,
//! and a timeout cannot fire while the guest's own loop holds the thread.

use std::time::Duration;

use super::budget::RunLimits;
use caso_net::timeouts;

/// How often the epoch advances: the grain of every deadline.
pub const TICK: Duration = Duration::from_millis(10);

/// Bytes of address space that a linear memory takes from the beginning: what a guest
/// may have by default ([`Limits::default`]).
pub const RESERVED: u64 = 64 << 20;

/// Bytes before and after it in which nothing lies: an access with a constant offset
/// below that needs one check of its base.
pub const GUARD: u64 = 1 << 20;

/// How long one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallTime {
    /// Computing time.
    pub deadline: Duration,
    /// Wall clock, waiting included.
    pub timeout: Duration,
}

/// What one call of a component may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories and tables together.
    pub memory: u64,
    /// Wall clock of one call, waiting included.
    pub timeout: Duration,
    /// Computing time of one call.
    pub deadline: Duration,
    /// Bytes that one crossing from guest to host may carry: an answer, a
    /// message, a log line. Guards the host's memory against returned lists.
    pub crossing_bytes: u64,
    /// Core instances; a componentized interpreter uses a handful.
    pub instances: usize,
    /// Linear memories.
    pub memories: usize,
    /// Tables, each of at most `table_elements`.
    pub tables: usize,
    /// Elements of a table.
    pub table_elements: usize,
    /// Host objects (streams, pollables, descriptors) that it may hold. An open file of
    /// a guest is one of ours.
    pub host_objects: usize,
    /// What an instance may use in a whole run, in all calls.
    pub run: RunLimits,
    /// Log lines of one call, its stdout and stderr included.
    pub log_lines: u32,
    /// Bytes of one log line; the rest of it is cut.
    pub log_line_bytes: usize,
    /// Messages that one `deliver` may put into queues.
    pub queue_messages: u32,
    /// Bytes of those messages together.
    pub queue_bytes: u64,
    /// Messages that one `deliver` may have signed.
    pub signatures: u32,
    /// Connections open at a time.
    pub connections: u32,
    /// Bytes that one `deliver` may send and receive over all of them.
    pub connection_bytes: u64,
    /// Until a connection stands: name resolved, connected, TLS agreed.
    pub connect_timeout: Duration,
    /// For one `send` or `receive`, and for an HTTP request until its answer
    /// begins and from one piece of the answer to the next.
    pub transfer_timeout: Duration,
    /// HTTP requests that one `deliver` may make.
    pub http_requests: u32,
    /// Of them, those whose answers have not ended.
    pub http_requests_at_once: u32,
    /// Bytes of one request's body, which is held whole until it is sent.
    pub http_request_bytes: u64,
    /// Bytes of all bodies of one `deliver`, both ways.
    pub http_bytes: u64,
    /// Bytes of one set of headers that a guest makes, with what holds them.
    pub http_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: RESERVED,
            timeout: Duration::from_secs(120),
            deadline: Duration::from_secs(10),
            crossing_bytes: 32 << 20,
            instances: 64,
            memories: 8,
            tables: 64,
            table_elements: 100_000,
            host_objects: 200,
            run: RunLimits::default(),
            log_lines: 200,
            log_line_bytes: 2_000,
            queue_messages: 10_000,
            queue_bytes: 64 << 20,
            signatures: 1_000,
            connections: 16,
            connection_bytes: 256 << 20,
            connect_timeout: timeouts::GUEST_CONNECT,
            transfer_timeout: timeouts::GUEST_TRANSFER,
            http_requests: 1_000,
            http_requests_at_once: 8,
            http_request_bytes: 32 << 20,
            http_bytes: 256 << 20,
            http_header_bytes: 32 << 10,
        }
    }
}

impl Limits {
    /// For `describe`, which answers a constant: a component that needs more
    /// than this to say its name is not admitted. Its memories are what they will be
    /// in any call, so they may be as large as the site lets them be.
    pub fn describing(memory: u64) -> Self {
        Self {
            memory: memory.max(RESERVED),
            timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(5),
            crossing_bytes: 1 << 20,
            log_lines: 20,
            queue_messages: 0,
            queue_bytes: 0,
            connections: 0,
            connection_bytes: 0,
            http_requests: 0,
            http_requests_at_once: 0,
            http_bytes: 0,
            ..Self::default()
        }
    }

    /// The whole time of one call.
    pub(crate) fn call_time(&self) -> CallTime {
        CallTime {
            deadline: self.deadline,
            timeout: self.timeout,
        }
    }

    /// Epoch ticks of a span of computing time, one at least.
    pub(crate) fn ticks(span: Duration) -> u64 {
        let ticks = span.as_millis().div_ceil(TICK.as_millis());
        u64::try_from(ticks).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_whole_ticks_and_one_at_least() {
        let ticks = |milliseconds| Limits::ticks(Duration::from_millis(milliseconds));
        assert_eq!([ticks(0), ticks(1), ticks(10), ticks(11)], [1, 1, 1, 2]);
        assert_eq!(ticks(10_000), 1_000);
    }

    #[test]
    fn one_call_may_use_so_much() {
        let limits = Limits::default();
        let mebibytes = |bytes: u64| bytes / 1_048_576;
        assert_eq!(mebibytes(limits.memory), 64);
        assert_eq!(mebibytes(limits.crossing_bytes), 32);
        assert_eq!(mebibytes(limits.queue_bytes), 64);
        assert_eq!(mebibytes(limits.connection_bytes), 256);
        assert_eq!(mebibytes(limits.http_request_bytes), 32);
        assert_eq!(mebibytes(limits.http_bytes), 256);
        assert_eq!(limits.http_header_bytes, 32_768);
        let time = limits.call_time();
        assert_eq!(
            (time.deadline, time.timeout),
            (limits.deadline, limits.timeout)
        );
        // A guest that waits for one host call can still be answered.
        assert!(limits.connect_timeout < limits.timeout);
        assert!(limits.transfer_timeout < limits.timeout);
    }

    #[test]
    fn describing_itself_takes_little_and_reaches_nothing() {
        let limits = Limits::describing(1 << 20);
        assert_eq!(limits.memory, RESERVED);
        assert_eq!(Limits::describing(128 << 20).memory, 128 << 20);
        assert_eq!(limits.crossing_bytes, 1_048_576);
        assert!(limits.timeout < Limits::default().timeout);
        assert!(limits.deadline < Limits::default().deadline);
        assert_eq!(
            (
                limits.queue_messages,
                limits.connections,
                limits.http_requests
            ),
            (0, 0, 0)
        );
    }
}
