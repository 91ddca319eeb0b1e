//! Version 1 of the contract, called.

use std::ops::Range;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::{Filtered, Mapped};
use crate::bindings::v1::filter::caso::filter::verdicts::Verdict;
use crate::bindings::v1::mapper::exports::caso::accounting::mapping;
use crate::bindings::v1::messenger::exports::caso::accounting::delivery;
use crate::bindings::v1::{described, filter, http, mapper, messenger, signature};
use crate::component::Roles;
use crate::convert::Cross;
use crate::convert::v1::setup;
use crate::state::State;
use caso_model::component::{Description, Setup};
use caso_model::guest::{self, Answer, StartError};
use caso_model::usage::{Context, Tables, UsageItem};

pub type MapperPre = mapper::MapperPre<State>;
pub type Mapper = mapper::Mapper;
pub type MessengerPre = messenger::MessengerPre<State>;
pub type Messenger = messenger::Messenger;
pub type Batch = delivery::Batch;
pub type FilterPre = filter::FilterPre<State>;
pub type Filter = filter::Filter;

pub fn add_mapper(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    mapper::Mapper::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

pub fn add_messenger(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    messenger::Messenger::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    http::Http::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    signature::caso::signature::signing::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

pub fn add_filter(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    filter::Filter::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

/// The component in the world of `describe`.
pub struct Described {
    pre: InstancePre<State>,
}

impl Described {
    pub fn new(pre: InstancePre<State>) -> wasmtime::Result<Self> {
        // Whether the export is there; its types are compared with those of an instance.
        described::DescribedIndices::new(&pre)?;
        Ok(Self { pre })
    }

    pub async fn describe(
        &self,
        store: &mut Store<State>,
        roles: Roles,
    ) -> wasmtime::Result<Description> {
        let instance = self.pre.instantiate_async(&mut *store).await?;
        // Each of these compares all types of its world.
        if roles.mapper {
            mapper::MapperIndices::new(&self.pre)?.load(&mut *store, &instance)?;
        }
        if roles.messenger {
            messenger::MessengerIndices::new(&self.pre)?.load(&mut *store, &instance)?;
        }
        if roles.filter {
            filter::FilterIndices::new(&self.pre)?.load(&mut *store, &instance)?;
        }
        let bindings = described::DescribedIndices::new(&self.pre)?.load(&mut *store, &instance)?;
        let description = bindings
            .caso_accounting_description()
            .call_describe(store)
            .await?;
        Ok(description.cross())
    }
}

/// What `map-usage` is given.
pub struct Page {
    context: mapping::Context,
    tables: mapping::Tables,
    items: Vec<mapping::UsageItem>,
}

impl Page {
    pub fn new(context: &Context, tables: &Tables, items: &[UsageItem]) -> Self {
        Self {
            context: context.cross(),
            tables: tables.cross(),
            items: items.cross(),
        }
    }

    /// The items of the range, and no item beyond the page.
    pub fn items(&self, range: Range<usize>) -> &[mapping::UsageItem] {
        self.items.get(range).unwrap_or_default()
    }
}

pub async fn start_mapper(
    pre: &MapperPre,
    store: &mut Store<State>,
    with: &Setup,
) -> wasmtime::Result<(Mapper, Result<(), StartError>)> {
    let mapper = pre.instantiate_async(&mut *store).await?;
    let started = mapper
        .caso_accounting_mapping()
        .call_start(store, &setup(with))
        .await?;
    Ok((mapper, started.map_err(Cross::cross)))
}

pub async fn map_usage(
    mapper: &Mapper,
    store: &mut Store<State>,
    page: &Page,
    range: Range<usize>,
) -> wasmtime::Result<Vec<Mapped>> {
    let outcomes = mapper
        .caso_accounting_mapping()
        .call_map_usage(store, &page.context, &page.tables, page.items(range))
        .await?;
    Ok(outcomes.cross())
}

pub async fn start_messenger(
    pre: &MessengerPre,
    store: &mut Store<State>,
    with: &Setup,
) -> wasmtime::Result<(Messenger, Result<(), StartError>)> {
    let messenger = pre.instantiate_async(&mut *store).await?;
    let started = messenger
        .caso_accounting_delivery()
        .call_start(store, &setup(with))
        .await?;
    Ok((messenger, started.map_err(Cross::cross)))
}

pub fn batch(batch: &guest::Batch, time_left: Duration) -> Batch {
    (batch, time_left).cross()
}

pub async fn deliver(
    messenger: &Messenger,
    store: &mut Store<State>,
    batch: &Batch,
) -> wasmtime::Result<Answer> {
    let answer = messenger
        .caso_accounting_delivery()
        .call_deliver(store, batch)
        .await?;
    Ok(answer.cross())
}

pub async fn start_filter(
    pre: &FilterPre,
    store: &mut Store<State>,
    with: &Setup,
) -> wasmtime::Result<(Filter, Result<(), StartError>)> {
    let filter = pre.instantiate_async(&mut *store).await?;
    let started = filter
        .caso_filter_filtering()
        .call_start(store, &setup(with))
        .await?;
    Ok((filter, started.map_err(Cross::cross)))
}

pub async fn filter(
    filter: &Filter,
    store: &mut Store<State>,
    batch: &Batch,
) -> wasmtime::Result<Vec<Filtered>> {
    let verdicts = filter
        .caso_filter_filtering()
        .call_filter(store, batch)
        .await?;
    Ok(verdicts.into_iter().map(filtered).collect())
}

fn filtered(verdict: Verdict) -> Filtered {
    match verdict {
        Verdict::Keep => Filtered::Keep,
        Verdict::Replace(record) => Filtered::Replace(Box::new(record.cross())),
        Verdict::Drop(reason) => Filtered::Drop(reason),
        Verdict::Other(fact) => Filtered::Other(fact.name, fact.value),
    }
}
