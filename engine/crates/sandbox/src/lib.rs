//! A host for WebAssembly components that get what they are granted and
//! nothing else.

mod address;
mod admission;
mod bindings;
mod cache;
mod clock;
mod component;
mod connection;
mod contract;
mod convert;
mod describe;
mod engine;
mod error;
mod failure;
mod grant;
mod http;
mod instance;
mod limits;
mod link;
mod log;
mod mapper;
mod mask;
mod messenger;
mod policy;
mod queue;
mod redirect;
mod sockets;
mod state;
mod stdio;
mod tls;

pub use admission::Source;
pub use cache::{CacheChoice, CacheProblem, CacheRefusal};
pub use component::{Component, Roles};
pub use describe::DescriptionError;
pub use engine::{Sandbox, SandboxSettings};
pub use error::{AdmissionError, SandboxError};
pub use grant::{Endpoint, Identity};
pub use http::ProxyRule;
pub use limits::{CallTime, Limits};
pub use mapper::{GuestMapper, GuestPage};
pub use messenger::{GuestMessenger, MessengerSetup};
pub use policy::{
    ConnectionTerms, Denial, DirectoryTerms, Grant, GrantError, GrantProblem, Granted, HttpTerms,
    InstanceName, ParseGrantError, Policy, QueueTerms, RequestProblem, ValueError, decide,
};
pub use redirect::{Redirect, Sink};
