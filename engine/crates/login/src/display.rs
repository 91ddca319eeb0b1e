//! Who logs in, in words for people. No secret is among them.

use std::fmt;

use crate::data::{
    Bearer, CredentialRef, GenericLogin, GenericUser, Login, LoginMethod, OidcGrant, OidcLogin,
    OidcProvider, UserRef,
};

impl Login {
    /// Who we are, for people.
    pub fn who(&self) -> String {
        match &self.method {
            LoginMethod::Password(login) => login.user.to_string(),
            LoginMethod::Generic(login) => login.to_string(),
            LoginMethod::ApplicationCredential(login) => match &login.credential {
                CredentialRef::Id(id) => format!("the application credential `{id}`"),
                CredentialRef::Name { name, user } => {
                    format!("the application credential `{name}` of {user}")
                }
            },
            LoginMethod::Token(_) => "the token of the configuration".to_owned(),
            LoginMethod::Oidc(login) => {
                let who = match &login.bearer {
                    Bearer::Given { .. } => "the access token".to_owned(),
                    Bearer::Provider(provider) => provider.who(),
                };
                let OidcLogin {
                    identity_provider: provider,
                    protocol,
                    ..
                } = login;
                format!("{who} (identity provider `{provider}`, protocol `{protocol}`)")
            }
            LoginMethod::V2Password(login) => login.user.to_string(),
        }
    }
}

impl OidcProvider {
    /// Who we are to the provider, for people.
    pub fn who(&self) -> String {
        match &self.grant {
            OidcGrant::ClientCredentials => format!("the client `{}`", self.client_id),
            OidcGrant::Password { username, .. } => {
                format!("user `{username}` of the client `{}`", self.client_id)
            }
        }
    }
}

impl fmt::Display for GenericLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.v3() {
            Some(login) => login.user.fmt(f),
            None => self.user.fmt(f),
        }
    }
}

impl fmt::Display for GenericUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GenericUser::Id(id) => write!(f, "the user with id `{id}`"),
            GenericUser::Name(name) => write!(f, "user `{name}`"),
        }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserRef::Id(id) => write!(f, "the user with id `{id}`"),
            UserRef::Name { name, domain } => {
                write!(f, "user `{name}` of domain `{}`", domain.text())
            }
        }
    }
}
