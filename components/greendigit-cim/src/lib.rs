//! `greendigit_cim`: posts energy records to the GreenDIGIT CIM service.
//!
//! A list of records in cASO's JSON is posted in one request, with a bearer token that the
//! service issues for an email address and a password.
//!
//! | module | what is in it |
//! |---|---|
//! | `account` | the configuration: which service, which account |
//! | `service` | the service's API: its two requests, and what its answers mean |
//! | `deliver` | which records count as delivered |
//! | `component` | the messenger as the host sees it |
//! | `http`, `wasi_http` | an HTTP client as far as it is needed, and the one of the sandbox |

#![warn(missing_docs)]

mod account;
#[cfg(target_arch = "wasm32")]
mod component;
mod deliver;
mod describe;
mod http;
mod service;
#[cfg(target_arch = "wasm32")]
mod wasi_http;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use deliver::deliver;
pub use describe::describe;
pub use http::{HttpClient, HttpError, Request, Response};
