//! All limits of a component in one place, each with what it bounds.
//!
//! Two clocks stop a guest. The *deadline* counts the time in which it computes
//! (epoch ticks in which its code ran); a guest that waits in a host call
//! spends none of it. The *timeout* is the wall clock around a whole call and
//! covers the waiting. Neither suffices alone: epochs do not stop a host call,
//! and a timeout cannot fire while the guest's own loop holds the thread.

use std::time::Duration;

/// How often the epoch advances: the grain of every deadline.
pub const TICK: Duration = Duration::from_millis(10);

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
    /// Bytes of each linear memory.
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
    /// Linear memories. Each may grow to `memory`.
    pub memories: usize,
    /// Tables, each of at most `table_elements`.
    pub tables: usize,
    /// Elements of a table.
    pub table_elements: usize,
    /// Log lines of one call, its stdout and stderr included.
    pub log_lines: u32,
    /// Bytes of one log line; the rest of it is cut.
    pub log_line_bytes: usize,
    /// Messages that one `deliver` may put into queues.
    pub queue_messages: u32,
    /// Bytes of those messages together.
    pub queue_bytes: u64,
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
            memory: 64 << 20,
            timeout: Duration::from_secs(120),
            deadline: Duration::from_secs(10),
            crossing_bytes: 32 << 20,
            instances: 64,
            memories: 8,
            tables: 64,
            table_elements: 100_000,
            log_lines: 200,
            log_line_bytes: 2_000,
            queue_messages: 10_000,
            queue_bytes: 64 << 20,
            connections: 16,
            connection_bytes: 256 << 20,
            connect_timeout: Duration::from_secs(10),
            transfer_timeout: Duration::from_secs(30),
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
    /// than this to say its name is not admitted.
    pub fn describing() -> Self {
        Self {
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
