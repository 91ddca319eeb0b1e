//! The bodies of token requests. Source: Keystone API v3, "Authentication and
//! token management".

use serde_json::{Map, Value, json};

use caso_login::{
    ConfiguredScope, CredentialRef, DomainRef, Login, LoginMethod, PasswordLogin, ProjectChoice,
    TenantRef, UserRef,
};
use caso_model::secret::Secret;

/// What a token request asks for, as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    System,
    Project(ProjectChoice),
    Domain(DomainRef),
    /// Explicitly none.
    Unscoped,
    /// Nothing said: the user's default project, if it has one, else none.
    /// The only way for an application credential.
    Unsaid,
}

impl From<&ConfiguredScope> for Target {
    fn from(scope: &ConfiguredScope) -> Self {
        match scope {
            ConfiguredScope::Project(project) => Target::Project(project.clone()),
            ConfiguredScope::Domain(domain) => Target::Domain(domain.clone()),
        }
    }
}

impl From<TenantRef> for Target {
    /// Version 2.0 knows one domain, and nobody names it.
    fn from(tenant: TenantRef) -> Self {
        Target::Project(match tenant {
            TenantRef::Id(id) => ProjectChoice::Id(id),
            TenantRef::Name(name) => ProjectChoice::Name {
                name,
                domain: DomainRef::Id(V2_DOMAIN.to_owned()),
            },
        })
    }
}

/// Where version 2.0 has its tenants, as version 3 calls it.
pub const V2_DOMAIN: &str = "default";

impl Target {
    /// Its word in a recording.
    pub fn label(&self) -> String {
        match self {
            Target::System => "system".to_owned(),
            Target::Project(ProjectChoice::Id(id)) => format!("project:{id}"),
            Target::Project(ProjectChoice::Name { name, .. }) => format!("project-name:{name}"),
            Target::Domain(DomainRef::Id(id)) => format!("domain:{id}"),
            Target::Domain(DomainRef::Name(name)) => format!("domain-name:{name}"),
            Target::Unscoped => "unscoped".to_owned(),
            Target::Unsaid => "unsaid".to_owned(),
        }
    }

    fn json(&self) -> Option<Value> {
        match self {
            Target::System => Some(json!({"system": {"all": true}})),
            Target::Project(ProjectChoice::Id(id)) => Some(json!({"project": {"id": id}})),
            Target::Project(ProjectChoice::Name { name, domain }) => {
                Some(json!({"project": {"name": name, "domain": domain_json(domain)}}))
            }
            Target::Domain(domain) => Some(json!({"domain": domain_json(domain)})),
            Target::Unscoped => Some(json!("unscoped")),
            Target::Unsaid => None,
        }
    }
}

/// Body of `POST /v3/auth/tokens`; none where the login has no user that
/// version 3 could know, or is not told to version 3 in a body.
pub fn request_body(login: &Login, target: &Target) -> Option<String> {
    let identity = match &login.method {
        LoginMethod::Password(login) => password_json(login),
        LoginMethod::Generic(login) => password_json(&login.v3()?),
        LoginMethod::ApplicationCredential(login) => {
            let mut inner = Map::new();
            match &login.credential {
                CredentialRef::Id(id) => {
                    inner.insert("id".to_owned(), json!(id));
                }
                CredentialRef::Name { name, user } => {
                    inner.insert("name".to_owned(), json!(name));
                    inner.insert("user".to_owned(), Value::Object(user_json(user)));
                }
            }
            inner.insert("secret".to_owned(), json!(login.secret.expose()));
            json!({"methods": ["application_credential"], "application_credential": inner})
        }
        LoginMethod::Token(login) => token_json(&login.token),
        LoginMethod::Oidc(_) | LoginMethod::V2Password(_) => return None,
    };
    Some(with_scope(identity, target))
}

/// The same for somebody who has a token already: one of his for another
/// scope. Source: Keystone API v3, "Token authentication with scoped
/// authorization".
pub fn token_body(token: &Secret, target: &Target) -> String {
    with_scope(token_json(token), target)
}

fn token_json(token: &Secret) -> Value {
    json!({"methods": ["token"], "token": {"id": token.expose()}})
}

fn with_scope(identity: Value, target: &Target) -> String {
    let mut auth = Map::new();
    auth.insert("identity".to_owned(), identity);
    if let Some(scope) = target.json() {
        auth.insert("scope".to_owned(), scope);
    }
    json!({ "auth": auth }).to_string()
}

fn password_json(login: &PasswordLogin) -> Value {
    let mut user = user_json(&login.user);
    user.insert("password".to_owned(), json!(login.password.expose()));
    json!({"methods": ["password"], "password": {"user": user}})
}

fn user_json(user: &UserRef) -> Map<String, Value> {
    let mut fields = Map::new();
    match user {
        UserRef::Id(id) => {
            fields.insert("id".to_owned(), json!(id));
        }
        UserRef::Name { name, domain } => {
            fields.insert("name".to_owned(), json!(name));
            fields.insert("domain".to_owned(), domain_json(domain));
        }
    }
    fields
}

fn domain_json(domain: &DomainRef) -> Value {
    match domain {
        DomainRef::Id(id) => json!({ "id": id }),
        DomainRef::Name(name) => json!({ "name": name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(user: UserRef) -> Login {
        Login {
            auth_url: "https://keystone.example.org:5000/v3".parse().unwrap(),
            method: LoginMethod::Password(PasswordLogin {
                user,
                password: Secret::new("hunter2"),
            }),
            configured: None,
            project_domain: None,
        }
    }

    fn accounting() -> Login {
        login(UserRef::Name {
            name: "accounting".into(),
            domain: DomainRef::Name("Default".into()),
        })
    }

    fn body(login: &Login, target: &Target) -> Value {
        serde_json::from_str(&request_body(login, target).unwrap()).unwrap()
    }

    #[test]
    fn bodies_as_keystone_documents_them() {
        let project = Target::Project(ProjectChoice::Name {
            name: "p".into(),
            domain: DomainRef::Id("default".into()),
        });
        assert_eq!(
            body(&accounting(), &project),
            json!({"auth": {
                "identity": {"methods": ["password"], "password": {"user": {
                    "name": "accounting", "domain": {"name": "Default"}, "password": "hunter2"}}},
                "scope": {"project": {"name": "p", "domain": {"id": "default"}}}}})
        );
        let user = &body(&login(UserRef::Id("u".into())), &Target::Unsaid)["auth"];
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
            assert_eq!(body(&accounting(), &target)["auth"]["scope"], scope);
        }
        assert!(!format!("{:?}", accounting()).contains("hunter2"));
    }
}
