//! What a login is made of.

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
    /// The auth type, with what it needs.
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

/// A user of version 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordLogin {
    /// By id, or by name and domain.
    pub user: UserRef,
    /// The user's password.
    pub password: Secret,
}

/// What version 3 and version 2.0 would be told, as far as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenericLogin {
    /// By id or by name.
    pub user: GenericUser,
    /// `user_domain_*`: only version 3 has domains, so it is the one meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_domain: Option<DomainRef>,
    /// `default_domain_*`: version 3 if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<DomainRef>,
    /// The user's password.
    pub password: Secret,
    /// What version 2.0 would be scoped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantRef>,
}

/// A user of version 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct V2Login {
    /// By id or by name; there are no domains.
    pub user: GenericUser,
    /// The user's password.
    pub password: Secret,
    /// What to be scoped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantRef>,
}

/// A project of version 2.0, which has no domains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A token that somebody else got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenLogin {
    /// As Keystone gave it in `X-Subject-Token`.
    pub token: Secret,
}

/// Keystone's federation, "OS-FEDERATION" in its API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcLogin {
    /// As Keystone's operator named it.
    pub identity_provider: String,
    /// As Keystone's operator named it; `openid`, usually.
    pub protocol: String,
    /// What Keystone is shown.
    pub bearer: Bearer,
}

/// Where the access token comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// From the configuration.
    Given {
        /// The token, as the provider gave it.
        access_token: Secret,
    },
    /// Asked for at the provider.
    Provider(OidcProvider),
}

/// How to get an access token from an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// Where it is asked.
    #[serde(flatten)]
    pub place: ProviderPlace,
    /// The name under which the provider knows us.
    pub client_id: String,
    /// Absent for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// `openid profile`.
    pub scope: String,
    /// `access_token_type`: which of the answer's tokens Keystone wants.
    pub wanted: WantedToken,
    /// What the provider is shown.
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

/// A token of the provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WantedToken {
    /// OAuth 2.0's.
    #[serde(rename = "access")]
    Access,
    /// OpenID Connect's.
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
    /// The client itself.
    ClientCredentials,
    /// A user of the provider.
    Password {
        /// The user's name there.
        username: String,
        /// The user's password.
        password: Secret,
    },
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
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// An application credential of version 3, with the roles that it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCredentialLogin {
    /// Which one.
    pub credential: CredentialRef,
    /// Its secret, which Keystone showed once.
    pub secret: Secret,
}

/// An application credential by id, or by name and user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialRef {
    /// By id.
    Id(String),
    /// By name, which is unique for its user only.
    Name {
        /// The name.
        name: String,
        /// Who made it.
        user: UserRef,
    },
}

/// A user by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserRef {
    /// By id.
    Id(String),
    /// By name, which is unique in its domain only.
    Name {
        /// The name.
        name: String,
        /// Its domain.
        domain: DomainRef,
    },
}

/// A domain by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainRef {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// The project that a configuration names, by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectChoice {
    /// By id.
    Id(String),
    /// By name, which is unique in its domain only.
    Name {
        /// The name.
        name: String,
        /// Its domain.
        domain: DomainRef,
    },
}

/// What the configuration itself asks to be scoped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfiguredScope {
    /// One project.
    Project(ProjectChoice),
    /// One domain.
    Domain(DomainRef),
}

impl Login {
    /// Bound to one project, whatever is asked.
    pub fn bound(&self) -> bool {
        matches!(self.method, LoginMethod::ApplicationCredential(_))
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

impl DomainRef {
    /// Id or name.
    pub fn text(&self) -> &str {
        let (DomainRef::Id(text) | DomainRef::Name(text)) = self;
        text
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
