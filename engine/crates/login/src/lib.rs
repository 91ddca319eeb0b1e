//! How to log in to a cloud, as plain data. `config` makes it of a keystone
//! section and has checked it; `openstack` sends it; a recording keeps it, as
//! its secrets serialize to nothing.
//!
//! The project or domain of the configuration is never sent together with the
//! scope that a run asks for: Keystone answers "cannot be scoped to multiple
//! targets". It serves where the system scope is refused, and as the domain of
//! projects given by name.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use caso_model::secret::Secret;

/// All that it takes to get a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Without user and password in it; its path has no slash at the end,
    /// unless it is `/`.
    #[serde(with = "address")]
    pub auth_url: Url,
    pub method: LoginMethod,
    /// The project or domain of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<ConfiguredScope>,
    /// Domain of projects given by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_domain: Option<DomainRef>,
}

/// keystoneauth's auth types, each with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "auth_type")]
pub enum LoginMethod {
    /// Version 3, at `auth_url` or with `/v3` behind it.
    #[serde(rename = "v3password")]
    Password(PasswordLogin),
    /// The version of Keystone is found out.
    #[serde(rename = "password")]
    Generic(GenericLogin),
    /// Bound to one project; Keystone refuses any scope with it.
    #[serde(rename = "v3applicationcredential")]
    ApplicationCredential(ApplicationCredentialLogin),
    /// A token that somebody else got.
    #[serde(rename = "v3token")]
    Token(TokenLogin),
    /// `v3oidcclientcredentials`, `v3oidcpassword` and `v3oidcaccesstoken`:
    /// a provider vouches for us, and Keystone believes it.
    #[serde(rename = "v3oidc")]
    Oidc(OidcLogin),
    /// Version 2.0, which OpenStack had until 2018.
    #[serde(rename = "v2password")]
    V2Password(V2Login),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLogin {
    pub user: UserRef,
    pub password: Secret,
}

/// What version 3 and version 2.0 would be told, as far as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenericLogin {
    pub user: GenericUser,
    /// `user_domain_*`: only version 3 has domains, so it is the one meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_domain: Option<DomainRef>,
    /// `default_domain_*`: version 3 if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<DomainRef>,
    pub password: Secret,
    /// What version 2.0 would be scoped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantRef>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct V2Login {
    pub user: GenericUser,
    pub password: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantRef>,
}

/// A project of version 2.0, which has no domains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantRef {
    Id(String),
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLogin {
    pub token: Secret,
}

/// Keystone's federation, "OS-FEDERATION" in its API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcLogin {
    /// Both as Keystone's operator named them.
    pub identity_provider: String,
    pub protocol: String,
    pub bearer: Bearer,
}

/// Where the access token comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// From the configuration.
    Given { access_token: Secret },
    /// Asked for at the provider.
    Provider(OidcProvider),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    #[serde(flatten)]
    pub place: ProviderPlace,
    pub client_id: String,
    /// None for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// `openid profile`.
    pub scope: String,
    /// `access_token_type`: which of the answer's tokens Keystone wants.
    pub wanted: WantedToken,
    pub grant: OidcGrant,
}

/// Where the provider gives tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderPlace {
    /// `access_token_endpoint`.
    Direct(#[serde(with = "address")] Url),
    /// `discovery_endpoint`: its document says.
    Discovery(#[serde(with = "address")] Url),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WantedToken {
    #[serde(rename = "access")]
    Access,
    #[serde(rename = "id")]
    Id,
}

impl WantedToken {
    /// Its field in the provider's answer.
    pub fn field(self) -> &'static str {
        match self {
            WantedToken::Access => "access_token",
            WantedToken::Id => "id_token",
        }
    }
}

/// RFC 6749, sections 4.4 and 4.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OidcGrant {
    ClientCredentials,
    Password { username: String, password: Secret },
}

impl OidcGrant {
    /// Its word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            OidcGrant::ClientCredentials => "client_credentials",
            OidcGrant::Password { .. } => "password",
        }
    }
}

/// A user by id or by name, its domain apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenericUser {
    Id(String),
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCredentialLogin {
    pub credential: CredentialRef,
    pub secret: Secret,
}

/// An application credential by id, or by name and user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialRef {
    Id(String),
    Name { name: String, user: UserRef },
}

/// A user by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRef {
    Id(String),
    Name { name: String, domain: DomainRef },
}

/// A domain by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainRef {
    Id(String),
    Name(String),
}

/// A project by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectRef {
    Id(String),
    Name { name: String, domain: DomainRef },
}

/// What the configuration itself asks to be scoped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfiguredScope {
    Project(ProjectRef),
    Domain(DomainRef),
}

impl Login {
    /// Bound to one project, whatever is asked.
    pub fn bound(&self) -> bool {
        matches!(self.method, LoginMethod::ApplicationCredential(_))
    }

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
    /// Whom the provider is told of.
    pub fn who(&self) -> String {
        match &self.grant {
            OidcGrant::ClientCredentials => format!("the client `{}`", self.client_id),
            OidcGrant::Password { username, .. } => {
                format!("user `{username}` of the client `{}`", self.client_id)
            }
        }
    }
}

impl GenericLogin {
    /// The login of version 2.0.
    pub fn v2(&self) -> V2Login {
        V2Login {
            user: self.user.clone(),
            password: self.password.clone(),
            tenant: self.tenant.clone(),
        }
    }

    /// The login of version 3; none where a user's name has no domain.
    pub fn v3(&self) -> Option<PasswordLogin> {
        let user = match &self.user {
            GenericUser::Id(id) => UserRef::Id(id.clone()),
            GenericUser::Name(name) => UserRef::Name {
                name: name.clone(),
                domain: self
                    .user_domain
                    .clone()
                    .or_else(|| self.default_domain.clone())?,
            },
        };
        Some(PasswordLogin {
            user,
            password: self.password.clone(),
        })
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

impl DomainRef {
    /// Id or name.
    pub fn text(&self) -> &str {
        let (DomainRef::Id(text) | DomainRef::Name(text)) = self;
        text
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

/// An address as text.
mod address {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use url::Url;

    pub fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        let text = String::deserialize(deserializer)?;
        Url::parse(&text).map_err(D::Error::custom)
    }
}
