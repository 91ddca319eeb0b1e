//! Clocks and random numbers of a mapper: the same in every run.
//!
//! A mapper is pure, so that a replay gives the same records. Its wall clock
//! stands at the run's `now`, its monotonic clock at zero, and its random
//! numbers are a fixed stream. What waits for a time waits for nothing: a timer that
//! ran out after two milliseconds would be a clock, read by counting. The same holds
//! while a component describes itself. A messenger has live ones.

use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder, async_trait,
};

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

/// `wasi:clocks/monotonic-clock` for those who must not know the time.
pub struct StillClock<'a>(pub &'a mut ResourceTable);

/// For the linker.
pub struct HasStillClock;

impl HasData for HasStillClock {
    type Data<'a> = StillClock<'a>;
}

/// A moment that has come.
struct Now;

#[async_trait]
impl Pollable for Now {
    async fn ready(&mut self) {}
}

impl monotonic_clock::Host for StillClock<'_> {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        Ok(0)
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        Ok(1)
    }

    fn subscribe_instant(
        &mut self,
        _: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.0.push(Now)?;
        subscribe(self.0, now)
    }

    fn subscribe_duration(
        &mut self,
        _: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.0.push(Now)?;
        subscribe(self.0, now)
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
