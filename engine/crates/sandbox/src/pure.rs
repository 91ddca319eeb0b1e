//! The world of a component that reaches nothing: a mapper's, a filter's.

use wasmtime::Store;
use wasmtime_wasi::WasiCtxBuilder;

use super::abi::Starts;
use super::clock;
use super::instance::{Spec, World};
use super::log::GuestLog;
use super::state::{HostServices, State};
use caso_model::guest::{GuestFailure, StartError};

/// Nothing around the guest, and clocks that stand still.
pub struct Pure<P> {
    pub pre: P,
    /// Seconds since 1970.
    pub now: i64,
}

impl<P: Starts> World for Pure<P> {
    type Bindings = P::Running;

    async fn surround(
        &self,
        spec: &Spec,
        log: &GuestLog,
        wasi: &mut WasiCtxBuilder,
    ) -> Result<HostServices, GuestFailure> {
        clock::pin(wasi, self.now);
        Ok(HostServices::nothing(&spec.limits, log))
    }

    async fn start(
        &self,
        store: &mut Store<State>,
        spec: &Spec,
    ) -> wasmtime::Result<(P::Running, Result<(), StartError>)> {
        self.pre.start(store, &spec.setup).await
    }
}
