//! The versions of the contract that this host speaks, behind one face.
//!
//! A component is built for one major version. Everything else in this crate calls
//! it through the types of this file, in the engine's own words; what differs from
//! version to version stands in a folder of its own in `bindings`, `convert` and
//! here. A second version is a second file here, a variant more in each of these
//! types (the compiler names the places), and a line in [`VERSIONS`].

mod v1;
pub mod version;

use std::ops::Range;
use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::{InstancePre, Linker};

use crate::component::Roles;
use crate::state::State;
use caso_model::component::{Description, Setup};
use caso_model::guest::{Answer, Batch, StartError};
use caso_model::record::AccountingRecord;
use caso_model::usage::{Context, Tables, UsageItem};

pub use version::{Major, VERSIONS};

/// Adds what a mapper may import of the contract, in every version.
pub fn add_mapper(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v1::add_mapper(linker)
}

/// Adds what a messenger may import of the contract, in every version.
pub fn add_messenger(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v1::add_messenger(linker)
}

/// Adds what a filter may import of the contract, in every version.
pub fn add_filter(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v1::add_filter(linker)
}

/// A component that can be asked what it is.
pub enum DescribedAbi {
    V1(v1::Described),
}

impl DescribedAbi {
    pub fn new(major: Major, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match major {
            Major::V1 => v1::Described::new(pre).map(Self::V1),
        }
    }

    /// Asks it, and then whether its other exports have the contract's types, which
    /// nothing checks before an instance is made.
    pub async fn describe(
        &self,
        store: &mut Store<State>,
        roles: Roles,
    ) -> wasmtime::Result<Description> {
        match self {
            Self::V1(described) => described.describe(store, roles).await,
        }
    }
}

/// A mapper, ready to be instantiated.
#[derive(Clone)]
pub enum MapperAbi {
    V1(v1::MapperPre),
}

/// A page of usage as a guest takes it: converted once, mapped whole or in parts.
pub enum PageAbi {
    V1(v1::Page),
}

/// A mapper's instance.
pub enum RunningMapper {
    V1(v1::Mapper),
}

/// A component of a world, ready to be instantiated.
pub trait Starts: Send + Sync {
    /// It, started.
    type Running: Send + Sync;

    /// Instantiates it and calls `start`, which may refuse.
    fn start(
        &self,
        store: &mut Store<State>,
        setup: &Setup,
    ) -> impl Future<Output = wasmtime::Result<(Self::Running, Result<(), StartError>)>> + Send;
}

/// What became of a usage item, not yet held to the contract.
pub struct Mapped {
    pub records: Vec<AccountingRecord>,
    pub refused: Option<String>,
}

impl Starts for MapperAbi {
    type Running = RunningMapper;

    async fn start(
        &self,
        store: &mut Store<State>,
        setup: &Setup,
    ) -> wasmtime::Result<(RunningMapper, Result<(), StartError>)> {
        match self {
            Self::V1(pre) => {
                let (running, started) = v1::start_mapper(pre, store, setup).await?;
                Ok((RunningMapper::V1(running), started))
            }
        }
    }
}

impl MapperAbi {
    pub fn new(major: Major, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match major {
            Major::V1 => v1::MapperPre::new(pre).map(Self::V1),
        }
    }

    pub fn page(&self, context: &Context, tables: &Tables, items: &[UsageItem]) -> PageAbi {
        match self {
            Self::V1(_) => PageAbi::V1(v1::Page::new(context, tables, items)),
        }
    }
}

impl PageAbi {
    /// How many items of the page lie in the range.
    pub fn items_in(&self, range: Range<usize>) -> usize {
        match self {
            Self::V1(page) => page.items(range).len(),
        }
    }
}

impl RunningMapper {
    /// Maps the items of the range.
    pub async fn map_usage(
        &self,
        store: &mut Store<State>,
        page: &PageAbi,
        range: Range<usize>,
    ) -> wasmtime::Result<Vec<Mapped>> {
        match (self, page) {
            (Self::V1(mapper), PageAbi::V1(page)) => {
                v1::map_usage(mapper, store, page, range).await
            }
        }
    }
}

/// A messenger, ready to be instantiated.
#[derive(Clone)]
pub enum MessengerAbi {
    V1(v1::MessengerPre),
}

/// A batch as a guest takes it.
pub enum BatchAbi {
    V1(v1::Batch),
}

/// A messenger's instance.
pub enum RunningMessenger {
    V1(v1::Messenger),
}

impl Starts for MessengerAbi {
    type Running = RunningMessenger;

    async fn start(
        &self,
        store: &mut Store<State>,
        setup: &Setup,
    ) -> wasmtime::Result<(RunningMessenger, Result<(), StartError>)> {
        match self {
            Self::V1(pre) => {
                let (running, started) = v1::start_messenger(pre, store, setup).await?;
                Ok((RunningMessenger::V1(running), started))
            }
        }
    }
}

impl MessengerAbi {
    pub fn new(major: Major, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match major {
            Major::V1 => v1::MessengerPre::new(pre).map(Self::V1),
        }
    }

    /// The batch, and how long the call may take.
    pub fn batch(&self, batch: &Batch, time_left: Duration) -> BatchAbi {
        match self {
            Self::V1(_) => BatchAbi::V1(v1::batch(batch, time_left)),
        }
    }
}

impl RunningMessenger {
    pub async fn deliver(
        &self,
        store: &mut Store<State>,
        batch: &BatchAbi,
    ) -> wasmtime::Result<Answer> {
        match (self, batch) {
            (Self::V1(messenger), BatchAbi::V1(batch)) => {
                v1::deliver(messenger, store, batch).await
            }
        }
    }
}

/// A filter, ready to be instantiated.
#[derive(Clone)]
pub enum FilterAbi {
    V1(v1::FilterPre),
}

/// A filter's instance.
pub enum RunningFilter {
    V1(v1::Filter),
}

/// A filter's verdict, not yet held to the contract.
pub enum Filtered {
    Keep,
    Replace(Box<AccountingRecord>),
    Drop(String),
    /// What this version of the contract has no case for, and its value.
    Other(String, String),
}

impl Starts for FilterAbi {
    type Running = RunningFilter;

    async fn start(
        &self,
        store: &mut Store<State>,
        setup: &Setup,
    ) -> wasmtime::Result<(RunningFilter, Result<(), StartError>)> {
        match self {
            Self::V1(pre) => {
                let (running, started) = v1::start_filter(pre, store, setup).await?;
                Ok((RunningFilter::V1(running), started))
            }
        }
    }
}

impl FilterAbi {
    pub fn new(major: Major, pre: InstancePre<State>) -> wasmtime::Result<Self> {
        match major {
            Major::V1 => v1::FilterPre::new(pre).map(Self::V1),
        }
    }

    /// The batch, and how long the call may take.
    pub fn batch(&self, batch: &Batch, time_left: Duration) -> BatchAbi {
        match self {
            Self::V1(_) => BatchAbi::V1(v1::batch(batch, time_left)),
        }
    }
}

impl RunningFilter {
    pub async fn filter(
        &self,
        store: &mut Store<State>,
        batch: &BatchAbi,
    ) -> wasmtime::Result<Vec<Filtered>> {
        match (self, batch) {
            (Self::V1(filter), BatchAbi::V1(batch)) => v1::filter(filter, store, batch).await,
        }
    }
}
