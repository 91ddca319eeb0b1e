//! The ground of every connection, OpenStack's, Prometheus' and a guest's: TLS,
//! proxies, failures, redirects, retries and timeouts, each once.
//!
//! Whoever asks an API hands a plain [`Request`] to a [`Transport`]: the network
//! ([`http::HttpTransport`]), or a recording in its place. The sandbox makes the
//! connections of its guests itself and takes their parts from here: TLS from
//! [`tls::TlsCache`], a client from [`client_builder`], the addresses that a name
//! may lead to from [`address`], and the reason of what fails from [`Failure`].

#![warn(missing_docs)]

pub mod address;
mod client;
mod environment;
mod exchange;
pub mod failure;
pub mod http;
mod path;
pub mod proxy;
pub mod redirect;
pub mod retry;
pub mod timeouts;
pub mod tls;

pub use caso_base::{Endpoint, ParseEndpointError};
pub use client::{USER_AGENT, client_builder};
pub use environment::NetworkEnvironment;
pub use exchange::{Method, Request, Response, Transport, TransportError, clean};
pub use failure::{Cause, Failure};
pub use path::path_segment;
pub use redirect::RedirectRefused;
pub use retry::RetryPolicy;
pub use timeouts::Timeouts;
