//! The sandbox: components loaded, admitted, limited and called.
//!
//! The only room that knows wasmtime. What it defends: an operator runs a
//! formatter that somebody else wrote, as the user that may read OpenStack's
//! credentials and write the accounting spool. So a component gets nothing by
//! itself; what it may reach is granted line by line and held by the host, who
//! hands out names instead of paths and addresses; it cannot outlive its
//! deadline or outgrow its memory; and whatever goes wrong in it is a typed
//! failure of that component, in a store that is thrown away.
//!
//! The way through: `admission` takes a file in and asks it what it is,
//! `decide` compares what it would like with what is granted, `component`
//! starts it, `mapper` and `messenger` call it. `state` is what stands behind
//! a store; `log`, `queue`, `connection`, `http` and `sockets` are what it can reach.

mod admission;
mod bindings;
mod cache;
mod clock;
mod component;
mod connection;
mod contract;
mod convert;
mod decide;
mod describe;
mod detour;
mod dirq;
mod engine;
mod error;
mod failure;
mod grant;
mod host;
mod http;
mod isolate;
mod limits;
mod link;
mod log;
mod mapper;
mod messenger;
mod queue;
mod sockets;
mod state;
mod stdio;

pub use admission::Source;
pub use cache::CacheDir;
pub use component::{Component, MessengerSetup, Roles};
pub use decide::{
    ConnectionTerms, DirectoryTerms, GrantError, Granted, HttpTerms, Policy, QueueTerms, decide,
};
pub use detour::{Detour, Sink};
pub use engine::{Sandbox, SandboxSettings};
pub use error::{AdmissionError, SandboxError};
pub use grant::{Endpoint, Grant, ParseGrantError};
pub use limits::Limits;
pub use mapper::GuestMapper;
pub use messenger::GuestMessenger;
