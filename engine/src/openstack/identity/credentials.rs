//! Credentials from the options of `[keystone_auth]`, and the bodies of the
//! token requests made of them. Source: Keystone API v3, "Authentication and
//! token management"; the options are keystoneauth's, which `caso.conf` has.
//!
//! | `auth_type` | needs |
//! |---|---|
//! | `password`, `v3password` | `password`, and `user_id` or `username` with the user's domain |
//! | `v3applicationcredential` | `application_credential_secret`, and `application_credential_id` or `application_credential_name` with the user |
//!
//! The project or domain of the configuration is never sent together with
//! the scope that a run asks for: Keystone answers "cannot be scoped to
//! multiple targets". It serves as fallback where the system scope is
//! refused, and as the domain of projects given by name.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

/// A value that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A domain by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainRef {
    Id(String),
    Name(String),
}

impl DomainRef {
    fn json(&self) -> Value {
        match self {
            DomainRef::Id(id) => json!({ "id": id }),
            DomainRef::Name(name) => json!({ "name": name }),
        }
    }
}

/// A project by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRef {
    Id(String),
    Name { name: String, domain: DomainRef },
}

/// A user by id, or by name and domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    Id(String),
    Name { name: String, domain: DomainRef },
}

impl UserRef {
    fn json(&self) -> Map<String, Value> {
        let mut user = Map::new();
        match self {
            UserRef::Id(id) => {
                user.insert("id".to_owned(), json!(id));
            }
            UserRef::Name { name, domain } => {
                user.insert("name".to_owned(), json!(name));
                user.insert("domain".to_owned(), domain.json());
            }
        }
        user
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserRef::Id(id) => write!(f, "the user with id `{id}`"),
            UserRef::Name { name, domain } => {
                let (DomainRef::Id(domain) | DomainRef::Name(domain)) = domain;
                write!(f, "user `{name}` of domain `{domain}`")
            }
        }
    }
}

/// What proves who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    Password {
        user: UserRef,
        password: Secret,
    },
    /// Bound to one project; Keystone refuses any scope with it.
    ApplicationCredential {
        credential: CredentialRef,
        secret: Secret,
    },
}

/// An application credential by id, or by name and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialRef {
    Id(String),
    Name { name: String, user: UserRef },
}

/// All of `[keystone_auth]` that a session needs, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub auth_url: Url,
    pub proof: Proof,
    /// `password`: look at the version document first. `v3…`: do not.
    pub discover: bool,
    /// The project or domain of the configuration.
    pub configured: Option<Target>,
    /// Domain of projects given by name.
    pub project_domain: Option<DomainRef>,
}

/// What a token request asks for, as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    System,
    Project(ProjectRef),
    Domain(DomainRef),
    /// Explicitly none.
    Unscoped,
    /// Nothing said: the user's default project, if it has one, else none.
    /// The only way for an application credential.
    Unsaid,
}

impl Target {
    /// Its word in a recording.
    pub fn label(&self) -> String {
        match self {
            Target::System => "system".to_owned(),
            Target::Project(ProjectRef::Id(id)) => format!("project:{id}"),
            Target::Project(ProjectRef::Name { name, .. }) => format!("project-name:{name}"),
            Target::Domain(DomainRef::Id(id)) => format!("domain:{id}"),
            Target::Domain(DomainRef::Name(name)) => format!("domain-name:{name}"),
            Target::Unscoped => "unscoped".to_owned(),
            Target::Unsaid => "unsaid".to_owned(),
        }
    }

    fn json(&self) -> Option<Value> {
        match self {
            Target::System => Some(json!({"system": {"all": true}})),
            Target::Project(ProjectRef::Id(id)) => Some(json!({"project": {"id": id}})),
            Target::Project(ProjectRef::Name { name, domain }) => {
                Some(json!({"project": {"name": name, "domain": domain.json()}}))
            }
            Target::Domain(domain) => Some(json!({"domain": domain.json()})),
            Target::Unscoped => Some(json!("unscoped")),
            Target::Unsaid => None,
        }
    }
}

impl Credentials {
    /// Body of `POST /v3/auth/tokens`.
    pub fn request_body(&self, target: &Target) -> String {
        let identity = match &self.proof {
            Proof::Password { user, password } => {
                let mut user = user.json();
                user.insert("password".to_owned(), json!(password.expose()));
                json!({"methods": ["password"], "password": {"user": user}})
            }
            Proof::ApplicationCredential { credential, secret } => {
                let mut inner = Map::new();
                match credential {
                    CredentialRef::Id(id) => {
                        inner.insert("id".to_owned(), json!(id));
                    }
                    CredentialRef::Name { name, user } => {
                        inner.insert("name".to_owned(), json!(name));
                        inner.insert("user".to_owned(), Value::Object(user.json()));
                    }
                }
                inner.insert("secret".to_owned(), json!(secret.expose()));
                json!({"methods": ["application_credential"], "application_credential": inner})
            }
        };
        let mut auth = Map::new();
        auth.insert("identity".to_owned(), identity);
        if let Some(scope) = target.json() {
            auth.insert("scope".to_owned(), scope);
        }
        json!({ "auth": auth }).to_string()
    }

    /// Bound to one project, whatever is asked.
    pub fn bound(&self) -> bool {
        matches!(self.proof, Proof::ApplicationCredential { .. })
    }

    /// Who we are, for people.
    pub fn who(&self) -> String {
        match &self.proof {
            Proof::Password { user, .. } => user.to_string(),
            Proof::ApplicationCredential { credential, .. } => match credential {
                CredentialRef::Id(id) => format!("the application credential `{id}`"),
                CredentialRef::Name { name, user } => {
                    format!("the application credential `{name}` of {user}")
                }
            },
        }
    }
}

/// The options of `[keystone_auth]` as they stand in the file. An empty one
/// is an absent one. Serialized only into recordings, without its secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthOptions {
    pub auth_type: Option<String>,
    pub auth_url: Option<String>,
    pub user_id: Option<String>,
    pub username: Option<String>,
    pub user_domain_id: Option<String>,
    pub user_domain_name: Option<String>,
    pub default_domain_id: Option<String>,
    pub default_domain_name: Option<String>,
    pub password: Option<String>,
    pub project_id: Option<String>,
    pub project_name: Option<String>,
    pub project_domain_id: Option<String>,
    pub project_domain_name: Option<String>,
    pub domain_id: Option<String>,
    pub domain_name: Option<String>,
    pub trust_id: Option<String>,
    pub application_credential_id: Option<String>,
    pub application_credential_name: Option<String>,
    pub application_credential_secret: Option<String>,
}

/// A missing or unusable option of `[keystone_auth]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAuth {
    #[error("`{option}` in `[keystone_auth]` is not set; {why}")]
    Missing {
        option: &'static str,
        why: &'static str,
    },
    #[error(
        "`auth_type = {0}` in `[keystone_auth]` is not one we know; use `v3password`, `password` or `v3applicationcredential`"
    )]
    UnknownType(String),
    #[error("`auth_url = {url}` in `[keystone_auth]` {why}")]
    Url { url: String, why: String },
    #[error(
        "`trust_id` in `[keystone_auth]` is not supported; use an application credential for delegated access"
    )]
    Trust,
}

impl Credentials {
    pub fn from_options(options: &AuthOptions) -> Result<Self, InvalidAuth> {
        let kind = required(&options.auth_type, "auth_type", "set it to `v3password`")?;
        let auth_url = auth_url(required(
            &options.auth_url,
            "auth_url",
            "set it to Keystone's address, such as `https://keystone.example.org:5000/v3`",
        )?)?;
        if set(&options.trust_id).is_some() {
            return Err(InvalidAuth::Trust);
        }
        let default_domain = domain(&options.default_domain_id, &options.default_domain_name);
        let (proof, discover) = match kind.as_str() {
            "password" | "v3password" => {
                let generic = kind == "password";
                let fallback = default_domain.clone().filter(|_| generic);
                let password = options.password.as_deref();
                let password = password.ok_or(InvalidAuth::Missing {
                    option: "password",
                    why: "it goes with `username`",
                })?;
                let proof = Proof::Password {
                    user: user(options, fallback)?,
                    password: Secret::new(password),
                };
                (proof, generic)
            }
            "v3applicationcredential" => {
                let secret = required(
                    &options.application_credential_secret,
                    "application_credential_secret",
                    "`auth_type = v3applicationcredential` needs it",
                )?;
                let credential = match (
                    set(&options.application_credential_id),
                    set(&options.application_credential_name),
                ) {
                    (Some(id), _) => CredentialRef::Id(id),
                    (None, Some(name)) => CredentialRef::Name {
                        name,
                        user: user(options, None)?,
                    },
                    (None, None) => {
                        return Err(InvalidAuth::Missing {
                            option: "application_credential_id",
                            why: "`auth_type = v3applicationcredential` needs it, or `application_credential_name` and the user",
                        });
                    }
                };
                let proof = Proof::ApplicationCredential {
                    credential,
                    secret: Secret::new(secret),
                };
                (proof, false)
            }
            _ => return Err(InvalidAuth::UnknownType(kind)),
        };
        let project_domain =
            domain(&options.project_domain_id, &options.project_domain_name).or(default_domain);
        let configured = match (
            set(&options.project_id),
            set(&options.project_name),
            &project_domain,
        ) {
            (Some(id), _, _) => Some(Target::Project(ProjectRef::Id(id))),
            (None, Some(name), Some(domain)) => Some(Target::Project(ProjectRef::Name {
                name,
                domain: domain.clone(),
            })),
            // A project by name alone is no project to Keystone; cASO threw
            // the name away before it asked, so it must not stop anybody.
            _ => domain(&options.domain_id, &options.domain_name).map(Target::Domain),
        };
        Ok(Credentials {
            auth_url,
            proof,
            discover,
            configured,
            project_domain,
        })
    }
}

fn set(option: &Option<String>) -> Option<String> {
    option.clone().filter(|text| !text.is_empty())
}

fn required(
    option: &Option<String>,
    name: &'static str,
    why: &'static str,
) -> Result<String, InvalidAuth> {
    set(option).ok_or(InvalidAuth::Missing { option: name, why })
}

fn domain(id: &Option<String>, name: &Option<String>) -> Option<DomainRef> {
    set(id)
        .map(DomainRef::Id)
        .or_else(|| set(name).map(DomainRef::Name))
}

fn user(options: &AuthOptions, fallback: Option<DomainRef>) -> Result<UserRef, InvalidAuth> {
    if let Some(id) = set(&options.user_id) {
        return Ok(UserRef::Id(id));
    }
    let name = required(&options.username, "username", "or set `user_id`")?;
    let domain = domain(&options.user_domain_id, &options.user_domain_name)
        .or(fallback)
        .ok_or(InvalidAuth::Missing {
            option: "user_domain_id",
            why: "a `username` is only unique in its domain: set `user_domain_id` (often `default`) or `user_domain_name`",
        })?;
    Ok(UserRef::Name { name, domain })
}

fn auth_url(text: String) -> Result<Url, InvalidAuth> {
    let bad = |why: &str| InvalidAuth::Url {
        url: text.clone(),
        why: why.to_owned(),
    };
    let url = Url::parse(text.trim())
        .map_err(|_| bad("is no address, such as `https://keystone.example.org:5000/v3`"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("must begin with `https://` or `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidAuth::Url {
            url: super::super::wire::clean(&url),
            why: "has a user or a password in it; use `username` and `password`".to_owned(),
        });
    }
    let last = url.path().trim_end_matches('/').rsplit('/').next();
    if last.is_some_and(|last| last.starts_with("v2")) {
        return Err(bad(
            "is Keystone's version 2, which OpenStack removed in 2018; put `/v3` in its place",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    fn options() -> AuthOptions {
        AuthOptions {
            auth_type: text("v3password"),
            auth_url: text("https://keystone.example.org:5000/v3"),
            username: text("accounting"),
            user_domain_name: text("Default"),
            password: text("hunter2"),
            ..AuthOptions::default()
        }
    }

    fn body(options: &AuthOptions, target: &Target) -> Value {
        let credentials = Credentials::from_options(options).unwrap();
        serde_json::from_str(&credentials.request_body(target)).unwrap()
    }

    #[test]
    fn bodies_as_keystone_documents_them() {
        let project = Target::Project(ProjectRef::Name {
            name: "p".into(),
            domain: DomainRef::Id("default".into()),
        });
        assert_eq!(
            body(&options(), &project),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": "accounting", "domain": {"name": "Default"}, "password": "hunter2"}}},
                "scope": {"project": {"name": "p", "domain": {"id": "default"}}}}})
        );
        let by_id = AuthOptions {
            user_id: text("u"),
            ..options()
        };
        let user = &body(&by_id, &Target::Unsaid)["auth"];
        assert_eq!(
            user,
            &json!({"identity": {"methods": ["password"], "password": {"user": {
                "id": "u", "password": "hunter2"}}}})
        );
        for (target, scope) in [
            (Target::System, json!({"system": {"all": true}})),
            (Target::Unscoped, json!("unscoped")),
            (
                Target::Domain(DomainRef::Id("d".into())),
                json!({"domain": {"id": "d"}}),
            ),
        ] {
            assert_eq!(body(&options(), &target)["auth"]["scope"], scope);
        }
    }

    #[test]
    fn the_configured_scope_is_a_fallback_only() {
        let mut all = options();
        all.domain_id = text("d");
        all.project_name = text("p");
        let configured = |o: &AuthOptions| Credentials::from_options(o).unwrap().configured;
        // By name alone it is no project.
        assert_eq!(
            configured(&all),
            Some(Target::Domain(DomainRef::Id("d".into())))
        );
        all.project_domain_id = text("default");
        assert!(matches!(
            configured(&all),
            Some(Target::Project(ProjectRef::Name { .. }))
        ));
        all.project_id = text("pid");
        assert_eq!(
            configured(&all),
            Some(Target::Project(ProjectRef::Id("pid".into())))
        );
        assert_eq!(configured(&options()), None);
    }

    #[test]
    fn default_domains_are_those_of_the_generic_type() {
        let mut generic = options();
        generic.user_domain_name = None;
        generic.default_domain_id = text("default");
        assert!(Credentials::from_options(&generic).is_err());
        generic.auth_type = text("password");
        let credentials = Credentials::from_options(&generic).unwrap();
        assert!(credentials.discover);
        assert!(credentials.who().contains("`default`"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        type Change = fn(&mut AuthOptions);
        let cases: [(Change, &str); 9] = [
            (|o| o.auth_type = None, "`auth_type`"),
            (
                |o| o.auth_type = text("v2password"),
                "`auth_type = v2password`",
            ),
            (|o| o.auth_url = text(""), "`auth_url`"),
            (|o| o.auth_url = text("keystone:5000"), "must begin with"),
            (|o| o.auth_url = text("https://k/v2.0/"), "version 2"),
            (|o| o.username = None, "`username`"),
            (|o| o.user_domain_name = None, "`user_domain_id`"),
            (|o| o.password = None, "`password`"),
            (|o| o.trust_id = text("t"), "`trust_id`"),
        ];
        for (change, expected) in cases {
            let mut options = options();
            change(&mut options);
            let text = Credentials::from_options(&options).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        }
        let mut secret = options();
        secret.auth_url = text("https://me:hidden@k/v3");
        let text = Credentials::from_options(&secret).unwrap_err().to_string();
        assert!(!text.contains("hidden"), "{text}");
        let shown = format!("{:?}", Credentials::from_options(&options()).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
