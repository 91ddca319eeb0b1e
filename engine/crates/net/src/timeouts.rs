//! Every timeout of the network, with what it bounds.
//!
//! | bound | of OpenStack and Prometheus | of a guest |
//! |---|---|---|
//! | a connection: name, TCP, TLS | [`Timeouts::connect`], 20 s | [`GUEST_CONNECT`], 10 s |
//! | silence: until the answer, or its next piece | [`Timeouts::read`], 60 s | [`GUEST_TRANSFER`], 30 s |
//! | all of it | [`Timeouts::total`], 600 s | the call's own timeout, 120 s (`Limits` of the sandbox) |
//! | a connection that is being closed | none is waited for | [`GUEST_LINGER`], 1 s |
//!
//! Each is shorter than the one below it, so that the failure that is reported
//! is the one that happened: no connection, then silence, then slowness. A guest
//! waits less than we do ourselves, because a whole delivery is waiting for it.
//!
//! The pauses between two tries are not timeouts; see
//! [`RetryPolicy`](crate::RetryPolicy).

use std::time::Duration;

/// Default for a guest's connection until it stands.
pub const GUEST_CONNECT: Duration = Duration::from_secs(10);
/// Default for one `send` or `receive` of a guest, for its HTTP request until
/// the answer begins and from one piece of the answer to the next.
pub const GUEST_TRANSFER: Duration = Duration::from_secs(30);
/// How long a guest's closing connection is listened to, so that what was sent
/// is not thrown away together with what was not read.
pub const GUEST_LINGER: Duration = Duration::from_secs(1);

/// Bounds of one of our own requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, TCP and TLS.
    pub connect: Duration,
    /// Silence while we wait for the answer or the next piece of it, as
    /// python-requests' `timeout`.
    pub read: Duration,
    /// The request as a whole.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

impl Timeouts {
    /// From the `timeout` option of `[keystone_auth]`, which bounds connecting
    /// and silence alike.
    pub fn from_option(timeout: Duration) -> Self {
        let default = Timeouts::default();
        Timeouts {
            connect: timeout.min(default.connect),
            read: timeout,
            total: default.total.max(timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_shorter_than_the_one_below_it() {
        for option in [1, 20, 60, 600, 100_000] {
            let timeouts = Timeouts::from_option(Duration::from_secs(option));
            assert!(timeouts.connect <= timeouts.read && timeouts.read <= timeouts.total);
        }
        assert!(GUEST_LINGER < GUEST_CONNECT && GUEST_CONNECT < GUEST_TRANSFER);
        let ours = Timeouts::default();
        assert!(GUEST_CONNECT <= ours.connect && GUEST_TRANSFER <= ours.read);
    }
}
