//! The policy: what a component may reach outside the sandbox.
//!
//! [`grant`] is a capability as an operator writes it, `request` the same as a
//! component asks for it, [`decide()`] the one place that compares the two, and
//! `refusal` the texts that say how to be granted what was denied. What comes
//! out is [`Granted`], and each capability looks itself up there by the name
//! that the guest uses: names, never paths and addresses, come from a guest.

mod decide;
mod grant;
mod granted;
mod refusal;
mod request;
mod terms;
mod territory;
mod value;
mod written;

pub use decide::{Policy, decide, suggested};
pub(crate) use grant::Kind;
pub use grant::{Grant, GrantProblem, ParseGrantError};
pub use granted::Granted;
pub use refusal::{Denial, GrantError, InstanceName};
pub use request::RequestProblem;
pub use terms::{
    AddressTerms, ConnectionTerms, DirectoryTerms, HttpTerms, QueueTerms, SignatureTerms, TlsTerms,
};
pub use territory::{Claim, Overlap, Territory, same_place};
pub use value::ValueError;
