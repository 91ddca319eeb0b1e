//! What stands behind one store, and how a call into it is begun and ended.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::budget::Budget;
use super::clock::StillClock;
use super::connection::Connections;
use super::failure::{Allowed, LimitReached, Who, no_address_space};
use super::folders::Folders;
use super::http::{Clients, Http};
use super::limits::{CallTime, Limits};
use super::log::{GuestLog, Stdio};
use super::policy::Granted;
use super::queue::Stage;
use super::signature::Signatures;
use super::sockets::Lookup;
use super::stdio::GuestStdio;
use caso_model::guest::{Bound, FailureKind, GuestFailure};
use caso_net::proxy::Proxies;
use caso_net::tls::TlsCache;

/// Random bytes that it may ask for at once.
const RANDOM_BYTES: u64 = 1 << 20;

/// The host's side of one store.
pub struct State {
    wasi: WasiCtx,
    headers: WasiHttpCtx,
    table: ResourceTable,
    limiter: Limiter,
    /// Ticks of computing time left in this call.
    ticks_left: u64,
    pub(super) log: GuestLog,
    pub(super) budget: Arc<Budget>,
    pub(super) services: HostServices,
}

/// What a messenger reaches through our own interfaces. Empty for a mapper.
pub struct HostServices {
    pub granted: Arc<Granted>,
    pub stage: Stage,
    pub connections: Connections,
    pub signatures: Signatures,
    pub http: Http,
}

impl HostServices {
    /// Nothing granted.
    pub fn nothing(limits: &Limits, log: &GuestLog) -> Self {
        let tls = Arc::<TlsCache>::default();
        let clients = Clients::new(limits, Arc::clone(&tls), Proxies::default());
        Self {
            granted: Arc::default(),
            stage: Stage::new(limits),
            connections: Connections::new(limits, tls, None),
            signatures: Signatures::default(),
            http: Http::new(limits, Arc::default(), Arc::new(clients), log.clone()),
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.services.http,
            table: &mut self.table,
            ctx: &mut self.headers,
        }
    }
}

impl State {
    /// The folders that were granted.
    pub(super) fn folders(&mut self) -> Folders<'_> {
        let budget = Arc::clone(&self.budget);
        Folders {
            wasi: WasiFilesystemView::filesystem(self),
            budget,
        }
    }

    /// A clock that stands still, for those who must not know the time.
    pub(super) fn still_clock(&mut self) -> StillClock<'_> {
        StillClock(&mut self.table)
    }

    /// The resolver of `wasi:sockets`.
    pub(super) fn lookup(&mut self) -> Lookup<'_> {
        let sockets = WasiSocketsCtxView {
            ctx: self.wasi.sockets(),
            table: &mut self.table,
        };
        Lookup {
            sockets,
            granted: &self.services.granted,
        }
    }
}

/// A WASI context without environment, arguments, files or network; stdout and
/// stderr go to the log. Clocks and random are live.
pub fn wasi(log: &GuestLog) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(GuestStdio::new(log.clone(), Stdio::Stdout))
        .stderr(GuestStdio::new(log.clone(), Stdio::Stderr))
        .max_random_size(RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false);
    builder
}

/// A store with what is needed to call into it. Dropped after any error: a
/// trap leaves the instance in a state that nobody planned.
pub struct Guest {
    pub store: Store<State>,
    pub log: GuestLog,
    pub who: Who,
    crossing_bytes: u64,
    host_objects: usize,
}

impl Guest {
    pub fn new(
        engine: &Engine,
        who: Who,
        limits: &Limits,
        log: GuestLog,
        mut wasi: WasiCtxBuilder,
        services: HostServices,
        budget: Arc<Budget>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.host_objects);
        let mut headers = WasiHttpCtx::new();
        headers.set_field_size_limit(limits.http_header_bytes);
        let state = State {
            wasi: wasi.build(),
            headers,
            table,
            limiter: Limiter::new(limits),
            ticks_left: 0,
            log: log.clone(),
            budget,
            services,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(usize::try_from(limits.crossing_bytes).unwrap_or(usize::MAX));
        // Every tick in which the guest computed costs one of its ticks and
        // lets others run: a loop would hold the thread, and with it the
        // timeout that is to end it. A wait in a host call costs one tick at
        // most, however long it was.
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            match state.ticks_left.checked_sub(1) {
                Some(left) => {
                    state.ticks_left = left;
                    Ok(UpdateDeadline::YieldCustom(
                        1,
                        Box::pin(tokio::task::yield_now()),
                    ))
                }
                None => Ok(UpdateDeadline::Interrupt),
            }
        });
        Self {
            store,
            log,
            who,
            crossing_bytes: limits.crossing_bytes,
            host_objects: limits.host_objects,
        }
    }

    /// One call with fresh quotas, within this time. After an error this store
    /// must not be used again.
    pub async fn run<'a, T, F>(
        &'a mut self,
        call: &'static str,
        time: CallTime,
        work: impl FnOnce(&'a mut Store<State>) -> F,
    ) -> Result<T, GuestFailure>
    where
        F: Future<Output = wasmtime::Result<T>>,
    {
        let allowed = Allowed {
            deadline: time.deadline,
            crossing_bytes: self.crossing_bytes,
            host_objects: self.host_objects,
        };
        let Self {
            store, log, who, ..
        } = self;
        log.begin_call();
        store.set_epoch_deadline(1);
        let state = store.data_mut();
        state.ticks_left = Limits::ticks(time.deadline);
        state.services.stage.begin_call(call == "deliver");
        state.services.connections.begin_call();
        state.services.http.begin_call(time.timeout);
        state.services.signatures.begin_call();
        let result = tokio::time::timeout(time.timeout, work(store)).await;
        log.end_call();
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(who.trapped(call, &error, allowed, log)),
            Err(_) => {
                let detail = format!("it did not return within {:?}", time.timeout);
                let failure = who.failure(call, FailureKind::Deadline, detail);
                Err(GuestFailure {
                    limit: Some(who.limit(Bound::Timeout)),
                    stderr: log.stderr_tail(),
                    ..failure
                })
            }
        }
    }
}

/// Refuses with a type of our own, so that a report distinguishes memory from
/// other traps. What counts is all that the guest has together: its memories, of
/// which it may have several, and its tables.
struct Limiter {
    memory: usize,
    /// Bytes of all memories and tables.
    used: usize,
    /// Of the growth that was allowed last.
    last: usize,
    table_elements: usize,
    instances: usize,
    memories: usize,
    tables: usize,
}

/// Bytes that an element of a table takes of ours.
const ELEMENT: usize = 16;

impl Limiter {
    fn new(limits: &Limits) -> Self {
        Self {
            memory: usize::try_from(limits.memory).unwrap_or(usize::MAX),
            used: 0,
            last: 0,
            table_elements: limits.table_elements,
            instances: limits.instances,
            memories: limits.memories,
            tables: limits.tables,
        }
    }

    fn grow(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(bytes);
        if wanted > self.memory {
            return Err(LimitReached::Memory {
                wanted,
                limit: self.memory,
            }
            .into());
        }
        self.used = wanted;
        self.last = bytes;
        Ok(true)
    }

    /// What was allowed did not come about.
    fn undo(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.last));
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        wanted: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(wanted.saturating_sub(current))
    }

    /// A guest that may have more than is reserved moves when it grows. Where the host
    /// has no room for that, the guest would see an allocation fail and abort, and
    /// nobody would learn why.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        match no_address_space(&error.root_cause().to_string()) {
            Some(_) => Err(error),
            None => Ok(()),
        }
    }

    fn table_growing(
        &mut self,
        current: usize,
        wanted: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if wanted > self.table_elements {
            return Err(LimitReached::Table {
                wanted,
                limit: self.table_elements,
            }
            .into());
        }
        self.grow(wanted.saturating_sub(current).saturating_mul(ELEMENT))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f27 and f28: eight memories of 64 MiB each, and sixty tables.
    #[test]
    fn all_memories_and_tables_count_together() {
        let limits = Limits {
            memory: 100 << 10,
            ..Limits::default()
        };
        let mut limiter = Limiter::new(&limits);
        assert!(limiter.memory_growing(0, 60 << 10, None).is_ok());
        assert!(limiter.table_growing(0, 1_000, None).is_ok());
        let error = limiter.memory_growing(0, 60 << 10, None).unwrap_err();
        assert!(error.downcast_ref::<LimitReached>().is_some());
        assert!(limiter.table_growing(1_000, 3_000, None).is_err());
        // Growth counts, not what is there already; and not what did not come about.
        assert!(limiter.memory_growing(60 << 10, 80 << 10, None).is_ok());
        limiter
            .memory_grow_failed(wasmtime::Error::msg("no"))
            .unwrap();
        assert!(limiter.memory_growing(0, 20 << 10, None).is_ok());
    }
}
