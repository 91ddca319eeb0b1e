//! What the limits take: the built-in mapper under the engine's own configuration and store,
//! and without what bounds it (no deadline to look at in each loop, no check of an access, as
//! wasmtime has it where a guest may reserve 4 GiB).

use std::path::Path;
use std::time::{Duration, Instant};

use caso_model::usage as model;
use caso_sandbox::engine_config;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use self::caso::accounting::{descriptions, log, types, usage};
use super::{Failure, PAGE, PAGES};

wasmtime::component::bindgen!({
    path: "../wit",
    world: "mapper",
    imports: { default: async | trappable },
    exports: { default: async },
    require_store_data_send: true,
});

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    limiter: Limiter,
}

/// As the engine's: all growth goes by it.
struct Limiter(usize);

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0 += desired - current;
        Ok(self.0 <= 64 << 20)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
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

impl log::Host for State {
    async fn write(&mut self, _: log::Level, _: String) -> wasmtime::Result<()> {
        Ok(())
    }
}
impl types::Host for State {}
impl usage::Host for State {}
impl caso::accounting::records::Host for State {}
impl caso::accounting::outcomes::Host for State {}
impl descriptions::Host for State {}

/// A started mapper.
struct Running {
    store: Store<State>,
    mapper: Mapper,
}

impl Running {
    async fn new(limited: bool, cache: &Path) -> Result<Self, Failure> {
        let mut config = engine_config();
        let mut kept = wasmtime::CacheConfig::new();
        kept.with_directory(cache.join("limits"));
        config.cache(Some(wasmtime::Cache::new(kept)?));
        if !limited {
            config
                .epoch_interruption(false)
                .memory_reservation(4 << 30)
                .memory_guard_size(2 << 30);
        }
        let engine = Engine::new(&config)?;
        let bytes = caso_builtin::builtin("mapper").ok_or("no mapper")?;
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        Mapper::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let state = State {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
            limiter: Limiter(0),
        };
        let mut store = Store::new(&engine, state);
        if limited {
            store.limiter(|state| &mut state.limiter);
            store.set_hostcall_fuel(32 << 20);
            store.epoch_deadline_callback(|_| {
                let resume = Box::pin(tokio::task::yield_now());
                Ok(UpdateDeadline::YieldCustom(1, resume))
            });
            store.set_epoch_deadline(1);
            let engine = engine.weak();
            std::thread::spawn(move || {
                while let Some(engine) = engine.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        }
        let mapper = Mapper::instantiate_async(&mut store, &component, &linker).await?;
        let description = mapper
            .caso_accounting_description()
            .call_describe(&mut store)
            .await?;
        let setup = types::Setup {
            instance: "mapper".to_owned(),
            settings: description
                .options
                .into_iter()
                .filter_map(setting)
                .collect(),
            attributes: Vec::new(),
        };
        let started = mapper
            .caso_accounting_mapping()
            .call_start(&mut store, &setup)
            .await?;
        started.map_err(|error| format!("{error:?}"))?;
        Ok(Self { store, mapper })
    }

    /// How long a round takes in the guest.
    async fn round(&mut self, page: &Page) -> Result<Duration, Failure> {
        let began = Instant::now();
        for _ in 0..PAGES {
            let outcomes = self
                .mapper
                .caso_accounting_mapping()
                .call_map_usage(&mut self.store, &page.context, &page.tables, &page.items)
                .await?;
            if outcomes.len() != PAGE || outcomes.iter().any(|one| one.records.len() != 1) {
                return Err("it does not make a record of each".into());
            }
        }
        Ok(began.elapsed())
    }
}

struct Page {
    context: usage::Context,
    tables: usage::Tables,
    items: Vec<usage::UsageItem>,
}

/// The part of the time that the limits take; below zero where noise is more than that.
pub async fn cost(cache: &Path, rounds: usize) -> Result<f64, Failure> {
    let page = converted();
    let mut limited = Running::new(true, cache).await?;
    let mut free = Running::new(false, cache).await?;
    let (mut with, mut without) = (Duration::MAX, Duration::MAX);
    // In turns, so that what disturbs disturbs both.
    for _ in 0..rounds {
        with = with.min(limited.round(&page).await?);
        without = without.min(free.round(&page).await?);
    }
    Ok(with.as_secs_f64() / without.as_secs_f64() - 1.0)
}

/// The defaults of an option, by the component's own word.
fn setting(option: descriptions::OptionDescription) -> Option<types::Setting> {
    let default = option.default?;
    let value = match option.kind {
        descriptions::OptionKind::Number => types::OptionValue::Number(default.parse().ok()?),
        descriptions::OptionKind::Boolean => types::OptionValue::Boolean(default == "true"),
        _ => types::OptionValue::Text(default),
    };
    Some(types::Setting {
        name: option.name,
        value,
        attributes: Vec::new(),
    })
}

/// The page of the other rounds, in this world's types.
fn converted() -> Page {
    let model::Context {
        site_name,
        service_name,
        cloud_type,
        cloud,
        region,
        project_id,
        project_name,
        vo,
        window,
        now,
        attributes: _,
    } = super::context();
    let flavors = super::tables().flavors.into_iter().map(flavor).collect();
    let items = super::page().into_iter().filter_map(|item| match item {
        model::UsageItem::Server(it) => Some(usage::UsageItem::Server(server(it))),
        _ => None,
    });
    Page {
        context: usage::Context {
            site_name,
            service_name,
            cloud_type,
            cloud,
            region,
            project_id,
            project_name,
            vo,
            window: types::Window {
                start: window.start,
                end: window.end,
            },
            now,
            attributes: Vec::new(),
        },
        tables: usage::Tables {
            flavors,
            images: Vec::new(),
            users: Vec::new(),
            other: Vec::new(),
        },
        items: items.collect(),
    }
}

fn flavor(it: model::Flavor) -> usage::Flavor {
    usage::Flavor {
        id: it.id,
        name: it.name,
        vcpus: it.vcpus,
        memory_mib: it.memory_mib,
        root_gib: it.root_gib,
        ephemeral_gib: it.ephemeral_gib,
        extra_specs: it.extra_specs.map(|_| Vec::new()),
        attributes: Vec::new(),
    }
}

fn server(it: model::Server) -> usage::Server {
    usage::Server {
        id: it.id,
        name: it.name,
        project_id: it.project_id,
        user_id: it.user_id,
        status: it.status,
        vm_state: it.vm_state,
        task_state: it.task_state,
        created: it.created,
        launched: it.launched,
        terminated: it.terminated,
        updated: it.updated,
        image_id: it.image_id,
        flavor_id: it.flavor_id,
        embedded_flavor: it.embedded_flavor.map(flavor),
        addresses: it.addresses.map(|_| Vec::new()),
        compute_usage: it.compute_usage.map(|it| usage::ComputeUsage {
            started: it.started,
            ended: it.ended,
            vcpus: it.vcpus,
            memory_mib: it.memory_mib,
            disk_gib: it.disk_gib,
            state: it.state,
            flavor_name: it.flavor_name,
            attributes: Vec::new(),
        }),
        counters: None,
        earlier_counters: None,
        sizes: Vec::new(),
        metadata: None,
        tags: None,
        attributes: Vec::new(),
    }
}
