//! A host for WebAssembly components that get what they are granted and
//! nothing else.
//!
//! It is made for programs that run somebody else's component with their own
//! rights: an operator installs a formatter or a sender written elsewhere, and
//! the program around it may read credentials and write what other programs
//! trust. So a component gets nothing by itself. What it may reach is granted
//! line by line and held by the host, who hands out names instead of paths and
//! addresses; it cannot outlive its deadline or outgrow its memory; and whatever
//! goes wrong in it is a typed failure of that component, in a store that is
//! thrown away.
//!
//! The components speak the contract `caso:accounting` of `wit/`: a *mapper* is
//! pure and turns usage into records, a *messenger* delivers batches of records
//! and may ask for capabilities. Whose usage it is, where records come from and
//! what a configuration file looks like is the host program's business, not
//! known here. The types of the contract are those of `caso_model`.
//!
//! # From a file to a delivery
//!
//! 1. A [`Sandbox`] is set up once: the compiler, its clock, its cache.
//! 2. [`Sandbox::load`] admits a component: the file is read and compared with
//!    its pin, compiled, its imports are held against what is offered, and it is
//!    asked what it is, which options it has and what it would like to reach.
//! 3. [`decide()`] compares that with what is granted, [`Grant`] by [`Grant`].
//! 4. [`Component::start_mapper`] or [`Component::start_messenger`] starts an
//!    instance with its settings and [`Limits`].
//! 5. Each call has fresh quotas. One that fails costs the store, not the
//!    instance: the next call gets a fresh one.
//!
//! ```no_run
//! use std::path::Path;
//! use caso_sandbox::{
//!     Grant, InstanceName, Limits, MessengerSetup, Policy, Redirect, Sandbox,
//!     SandboxSettings, Source, decide,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::new(SandboxSettings::default())?;
//! let path = Path::new("/usr/lib/components/mine.wasm");
//! let component = sandbox.load(Source::File { path, sha256: None }).await?;
//!
//! let settings = Vec::new();
//! let grants: Vec<Grant> = vec!["queue:/var/spool/mine".parse()?];
//! let granted = decide(
//!     &InstanceName::new("mine"),
//!     &component.description.capabilities,
//!     &settings,
//!     Policy::Site(&grants),
//! )?;
//! let messenger = component
//!     .start_messenger(MessengerSetup {
//!         instance: "mine".to_owned(),
//!         settings,
//!         secrets: Vec::new(),
//!         granted,
//!         limits: Limits::default(),
//!         redirect: Redirect::default(),
//!         network: Default::default(),
//!     })
//!     .await?;
//! # drop(messenger);
//! # Ok(())
//! # }
//! ```
//!
//! # In this crate
//!
//! `admission`, `describe` and `link` take components in; `policy` decides;
//! `instance` runs what `mapper`, `filter` and `messenger` call, in a store whose host side
//! is `state`. What a guest can reach is a file each: `log`, `queue`,
//! `connection`, `signature`, `http` and `sockets`; `redirect` is where that goes in a dry run.
//! `mask` keeps secrets out of texts, `contract` holds answers to `wit/`. `abi` calls a
//! component in the version of the contract that it was built for: `bindings` has what is
//! generated of each, `convert` stands between that and `caso_model`. `address_space` says how
//! many guests a process may have.

#![warn(missing_docs)]

mod abi;
mod address_space;
mod admission;
mod bindings;
mod budget;
mod cache;
mod clock;
mod compile;
mod component;
mod connection;
mod contract;
mod convert;
mod describe;
mod engine;
mod error;
mod failure;
mod filter;
mod folders;
mod http;
mod instance;
mod limits;
mod link;
mod log;
mod mapper;
mod mask;
mod messenger;
mod policy;
mod producers;
mod pure;
mod queue;
mod redirect;
mod shape;
mod signature;
mod sockets;
mod state;
mod stdio;
mod unusable;

pub use abi::version::spoken_versions;
pub use address_space::{AddressSpace, Shortage};
pub use admission::{Place, Source};
pub use budget::{Amount, RunLimits, Spent};
pub use cache::{CacheChoice, CacheProblem, CacheRefusal};
pub use compile::{CompilerProcess, compile_and_exit_code};
pub use component::{Component, Roles};
pub use connection::try_out as try_connection;
pub use describe::{DescriptionError, checked as checked_description};
#[doc(hidden)]
pub use engine::config as engine_config;
pub use engine::{Compiling, Sandbox, SandboxSettings};
pub use error::{AdmissionError, SandboxError};
pub use filter::GuestFilter;
pub use limits::{CallTime, Limits};
pub use mapper::{GuestMapper, GuestPage};
pub use mask::Mask;
pub use messenger::{GuestMessenger, MessengerSetup};
pub use policy::{
    AddressTerms, Claim, ConnectionTerms, Denial, DirectoryTerms, Grant, GrantError, GrantProblem,
    Granted, HttpTerms, InstanceName, Overlap, ParseGrantError, Policy, QueueTerms, RequestProblem,
    SignatureTerms, Territory, TlsTerms, ValueError, decide, same_place, suggested,
};
pub use producers::{Tool, producers};
pub use redirect::{Redirect, Sink};
pub use unusable::Feature;
