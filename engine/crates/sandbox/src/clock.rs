//! Clocks and random numbers of a mapper: the same in every run.
//!
//! A mapper is pure, so that a replay gives the same records. Its wall clock
//! stands at the run's `now`, its monotonic clock at zero, and its random
//! numbers are a fixed stream. A messenger has live ones.

use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// A clock that stands still.
struct Still(Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// Pins all of them. WASI's wall clock knows no time before 1970.
pub fn pin(builder: &mut WasiCtxBuilder, now: i64) {
    let now = Duration::from_secs(u64::try_from(now).unwrap_or(0));
    builder
        .wall_clock(Still(now))
        .monotonic_clock(Still(Duration::ZERO))
        .secure_random(Deterministic::new(stream(b"secure")))
        .insecure_random(Deterministic::new(stream(b"insecure")))
        .insecure_random_seed(0);
}

/// 4 KiB that look random and are always the same; they repeat after that.
fn stream(label: &[u8]) -> Vec<u8> {
    (0u8..128)
        .flat_map(|block| {
            Sha256::new()
                .chain_update(label)
                .chain_update([block])
                .finalize()
        })
        .collect()
}
