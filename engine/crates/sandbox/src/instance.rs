//! A component's instance: what a fresh store is made of, and the one that runs.
//!
//! Mapper and messenger differ in what surrounds the guest and in what it is
//! called with; that is their [`World`]. The rest is here, once: a store is
//! made, the guest is started in it, and it serves call after call until one
//! goes wrong. Then it is thrown away with all that the guest had in it, and
//! the next call gets a fresh one.

use std::sync::Arc;

use wasmtime::{Engine, Store};
use wasmtime_wasi::WasiCtxBuilder;

use super::abi::VERSIONS;
use super::budget::Budget;
use super::failure::Who;
use super::limits::{CallTime, Limits};
use super::log::GuestLog;
use super::mask::Mask;
use super::state::{Guest, HostServices, State, wasi};
use caso_model::Attribute;
use caso_model::component::{Setting, Setup};
use caso_model::guest::{FailureKind, GuestFailure, StartError};

/// Bytes of a refusal's reason.
pub const REASON_BYTES: usize = 1_000;

/// What one of the contract's worlds adds to a store.
pub trait World: Send + Sync + Sized {
    /// The generated exports.
    type Bindings: Send + Sync;

    /// What the guest gets of WASI and of the host's own services.
    fn surround(
        &self,
        spec: &Spec,
        log: &GuestLog,
        wasi: &mut WasiCtxBuilder,
    ) -> impl Future<Output = Result<HostServices, GuestFailure>> + Send;

    /// Instantiates the component and calls `start`, which may refuse.
    fn start(
        &self,
        store: &mut Store<State>,
        spec: &Spec,
    ) -> impl Future<Output = wasmtime::Result<(Self::Bindings, Result<(), StartError>)>> + Send;
}

/// In place of a reason that has no letter in it.
const UNSAID: &str = "it does not say why";

/// What a fresh store is made of, whatever the world.
pub struct Spec {
    pub engine: Engine,
    pub who: Who,
    /// What the guest is started with.
    pub setup: Setup,
    pub limits: Limits,
    pub mask: Mask,
    /// Of all stores of this instance.
    pub budget: Arc<Budget>,
}

impl Spec {
    pub fn new(
        engine: Engine,
        who: Who,
        settings: Vec<Setting>,
        limits: Limits,
        mask: Mask,
    ) -> Self {
        Self {
            setup: Setup {
                instance: who.instance.clone(),
                settings,
                attributes: facts(&limits),
            },
            engine,
            who,
            budget: Arc::new(Budget::new(limits.run)),
            limits,
            mask,
        }
    }

    /// A failure of ours, not of the guest.
    pub fn host(&self, call: &'static str, detail: impl ToString) -> GuestFailure {
        self.who
            .failure(call, FailureKind::Host, detail.to_string())
    }

    /// The guest broke the contract.
    pub fn contract(&self, call: &'static str, detail: impl ToString) -> GuestFailure {
        self.who
            .failure(call, FailureKind::Contract, detail.to_string())
    }

    /// The guest does not start, for this reason.
    fn not_started(&self, error: StartError) -> GuestFailure {
        let (option, reason) = match error {
            StartError::WrongOption { name, reason } => (Some(self.reason(&name)), reason),
            StartError::Misconfigured(reason)
            | StartError::Unavailable(reason)
            | StartError::Other(reason) => (None, reason),
        };
        let detail = self.reason(&reason);
        GuestFailure {
            option,
            ..self.who.failure("start", FailureKind::Start, detail)
        }
    }

    /// A reason in the guest's words, fit to be shown and kept.
    pub fn reason(&self, text: &str) -> String {
        let line = self.mask.line(text, REASON_BYTES);
        match line.trim().is_empty() {
            true => UNSAID.to_owned(),
            false => line,
        }
    }
}

/// What the host says of itself, by the names that `wit/README.md` registers. Nothing
/// of a dry run: a component that could tell would make one worthless.
fn facts(limits: &Limits) -> Vec<Attribute> {
    let milliseconds = |time: std::time::Duration| time.as_millis().to_string();
    let facts = [
        ("engine", env!("CARGO_PKG_VERSION").to_owned()),
        ("contract", newest()),
        ("timeout-milliseconds", milliseconds(limits.timeout)),
        ("deadline-milliseconds", milliseconds(limits.deadline)),
        ("memory-bytes", limits.memory.to_string()),
    ];
    let attribute = |(name, value): (&str, String)| Attribute {
        name: name.to_owned(),
        value,
    };
    facts.into_iter().map(attribute).collect()
}

/// The newest version of the contract that this host speaks.
fn newest() -> String {
    let last = VERSIONS.last();
    last.map(|(_, version)| version.to_string())
        .unwrap_or_default()
}

/// A component started in one world, with or without a store at the moment.
pub struct Instance<W: World> {
    pub spec: Spec,
    pub world: W,
    running: Option<Running<W::Bindings>>,
}

/// A guest that was started and has not failed since.
pub struct Running<B> {
    guest: Guest,
    bindings: B,
}

impl<W: World> Instance<W> {
    /// Starts it, so that a component which cannot start is known at once.
    pub async fn start(spec: Spec, world: W) -> Result<Self, GuestFailure> {
        let running = Some(fresh(&spec, &world).await?);
        Ok(Self {
            spec,
            world,
            running,
        })
    }

    /// The guest at hand, or a fresh one, to be given back with [`Self::keep`]
    /// after a call that went well. One that is not given back, because its call
    /// failed or was dropped half-way, is gone.
    pub async fn take(&mut self) -> Result<Running<W::Bindings>, GuestFailure> {
        match self.running.take() {
            Some(running) => Ok(running),
            None => fresh(&self.spec, &self.world).await,
        }
    }

    pub fn keep(&mut self, running: Running<W::Bindings>) {
        self.running = Some(running);
    }
}

/// A fresh store, started.
async fn fresh<W: World>(spec: &Spec, world: &W) -> Result<Running<W::Bindings>, GuestFailure> {
    let log = GuestLog::new(
        &spec.who,
        spec.mask.clone(),
        &spec.limits,
        Arc::clone(&spec.budget),
    );
    let mut wasi = wasi(&log);
    let services = world.surround(spec, &log, &mut wasi).await?;
    let mut guest = Guest::new(
        &spec.engine,
        spec.who.clone(),
        &spec.limits,
        log,
        wasi,
        services,
        Arc::clone(&spec.budget),
    );
    let (bindings, started) = guest
        .run("start", spec.limits.call_time(), |store| {
            world.start(store, spec)
        })
        .await
        // Whatever it was: the component did not take its options.
        .map_err(|failure| GuestFailure {
            kind: FailureKind::Start,
            ..failure
        })?;
    started.map_err(|error| spec.not_started(error))?;
    Ok(Running { guest, bindings })
}

impl<B> Running<B> {
    /// One call with fresh quotas, within this time.
    pub async fn call<'a, T, F>(
        &'a mut self,
        name: &'static str,
        time: CallTime,
        call: impl FnOnce(&'a B, &'a mut Store<State>) -> F,
    ) -> Result<T, GuestFailure>
    where
        F: Future<Output = wasmtime::Result<T>>,
    {
        let Self { guest, bindings } = self;
        guest.run(name, time, |store| call(bindings, store)).await
    }

    /// What the guest says goes there, within its quotas.
    pub fn log(&self) -> &GuestLog {
        &self.guest.log
    }

    pub fn services(&mut self) -> &mut HostServices {
        &mut self.guest.store.data_mut().services
    }
}
