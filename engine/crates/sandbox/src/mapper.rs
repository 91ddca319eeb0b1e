//! The mapper, called.

use std::ops::Range;

use wasmtime::Store;
use wasmtime_wasi::WasiCtxBuilder;

use super::bindings::mapper::exports::caso::accounting::mapping;
use super::bindings::mapper::{Mapper as Bindings, MapperPre};
use super::convert::Cross;
use super::instance::{Instance, Spec, World};
use super::limits::CallTime;
use super::log::GuestLog;
use super::state::{HostServices, State};
use super::{clock, contract};
use caso_model::guest::{GuestFailure, Outcome};
use caso_model::record::AccountingRecord;
use caso_model::usage::{Context, Tables, UsageItem};

/// A started mapper.
pub struct GuestMapper(Instance<MapperWorld>);

/// Nothing around the guest, and clocks that stand still.
struct MapperWorld {
    pre: MapperPre<State>,
    /// Seconds since 1970.
    now: i64,
}

impl World for MapperWorld {
    type Bindings = Bindings;

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
    ) -> wasmtime::Result<(Bindings, Result<(), String>)> {
        let bindings = self.pre.instantiate_async(&mut *store).await?;
        let started = bindings
            .caso_accounting_mapping()
            .call_start(store, &spec.settings)
            .await?;
        Ok((bindings, started))
    }
}

impl GuestMapper {
    pub(crate) async fn start(
        spec: Spec,
        pre: MapperPre<State>,
        now: i64,
    ) -> Result<Self, GuestFailure> {
        Instance::start(spec, MapperWorld { pre, now })
            .await
            .map(Self)
    }

    /// The time that one call may take.
    pub fn call_time(&self) -> CallTime {
        self.0.spec.limits.call_time()
    }

    /// A page of usage, copied once for the guest, to be mapped whole or in parts.
    pub fn page(
        &mut self,
        context: &Context,
        tables: &Tables,
        items: &[UsageItem],
    ) -> GuestPage<'_> {
        GuestPage {
            mapper: &mut self.0,
            context: context.cross(),
            tables: tables.cross(),
            items: items.cross(),
        }
    }
}

/// A page on its way through a mapper.
pub struct GuestPage<'a> {
    mapper: &'a mut Instance<MapperWorld>,
    context: mapping::Context,
    tables: mapping::Tables,
    items: Vec<mapping::UsageItem>,
}

impl GuestPage<'_> {
    /// Maps the items of this range, and no item beyond the page: one outcome
    /// for each, in their order. One call of the guest, within this time; after
    /// one that failed, the next has a fresh store.
    pub async fn map(
        &mut self,
        range: Range<usize>,
        time: CallTime,
    ) -> Result<Vec<Outcome>, GuestFailure> {
        let items = self.items.get(range).unwrap_or_default();
        let mut running = self.mapper.take().await?;
        let outcomes = running
            .call("map-usage", time, |bindings, store| {
                bindings.caso_accounting_mapping().call_map_usage(
                    store,
                    &self.context,
                    &self.tables,
                    items,
                )
            })
            .await?;
        let spec = &self.mapper.spec;
        if outcomes.len() != items.len() {
            let detail = format!("{} outcomes for {} items", outcomes.len(), items.len());
            return Err(spec.contract("map-usage", detail));
        }
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| checked(outcome, spec))
            .collect();
        self.mapper.keep(running);
        Ok(outcomes)
    }
}

/// An outcome that keeps the contract; records that break it cost their item.
fn checked(outcome: mapping::Outcome, spec: &Spec) -> Outcome {
    let crossed: Result<Vec<AccountingRecord>, String> = outcome.cross();
    match crossed {
        Err(reason) => Outcome::Refused(spec.reason(&reason)),
        Ok(records) => match contract::records(&records) {
            Ok(()) => Outcome::Records(records),
            Err(problem) => {
                let reason = format!("the mapper broke the contract: {problem}");
                Outcome::Refused(spec.reason(&reason))
            }
        },
    }
}
