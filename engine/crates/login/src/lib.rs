//! How to log in to a cloud, as plain data.
//!
//! The configuration makes a [`Login`] of a keystone section and has checked it;
//! `openstack` sends it; a recording keeps it, and its secrets serialize to the
//! word `removed`.
//!
//! The project or domain of the configuration is never sent together with the
//! scope that a run asks for: Keystone answers "cannot be scoped to multiple
//! targets". It serves where the system scope is refused, and as the domain of
//! projects given by name.

#![warn(missing_docs)]

mod data;
mod display;

pub use data::{
    ApplicationCredentialLogin, Bearer, ConfiguredScope, CredentialRef, DomainRef, GenericLogin,
    GenericUser, Login, LoginMethod, OidcGrant, OidcLogin, OidcProvider, PasswordLogin,
    ProjectChoice, ProviderPlace, TenantRef, TokenLogin, UserRef, V2Login, WantedToken,
};
