//! The auth type and its options, from one section, into a [`Login`].

use url::Url;

use super::auth_type::{AuthType, SUPPORTED};
use crate::config::error::{At, ConfigError};
use crate::config::origin::Origin;
use crate::config::reader::Reader;
use crate::config::resolve::Slot;
use crate::config::table::{Row, keystone as table};
use crate::config::value;
use crate::config::warning::Warning;
use crate::model::login::{
    ApplicationCredentialLogin, ConfiguredScope, CredentialRef, DomainRef, GenericLogin,
    GenericUser, Login, LoginMethod, PasswordLogin, ProjectRef, UserRef,
};

/// Who logs in, as far as it is written.
struct Fields {
    user_id: Option<String>,
    username: Option<String>,
    user_domain: Option<DomainRef>,
    default_domain: Option<DomainRef>,
}

/// `None` when nothing in the section says how, or when something is wrong,
/// which the reader has noted.
pub fn read(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Warning>) -> Option<Login> {
    let mut auth = Auth { reader, section };
    let auth_type = auth.text(&table::AUTH_TYPE);
    let auth_url = auth
        .reader
        .parsed(&auth.slot(&table::AUTH_URL), |text| match text {
            "" => Ok(None),
            _ => value::url(text).map(Some),
        });
    let fields = Fields {
        user_id: auth.text(&table::USER_ID),
        username: auth.text(&table::USERNAME),
        user_domain: auth.domain(&table::USER_DOMAIN_ID, &table::USER_DOMAIN_NAME),
        default_domain: auth.domain(&table::DEFAULT_DOMAIN_ID, &table::DEFAULT_DOMAIN_NAME),
    };
    let password = auth.reader.secret(&auth.slot(&table::PASSWORD));
    let credential_id = auth.text(&table::APPLICATION_CREDENTIAL_ID);
    let credential_name = auth.text(&table::APPLICATION_CREDENTIAL_NAME);
    let secret = auth
        .reader
        .secret(&auth.slot(&table::APPLICATION_CREDENTIAL_SECRET));
    // Taken, and without a meaning: the system is asked for first anyway.
    auth.text(&table::SYSTEM_SCOPE);
    let domain = auth.domain(&table::DOMAIN_ID, &table::DOMAIN_NAME);
    let project = (
        auth.text(&table::PROJECT_ID),
        auth.text(&table::PROJECT_NAME),
    );
    let project_domain = auth.domain(&table::PROJECT_DOMAIN_ID, &table::PROJECT_DOMAIN_NAME);
    let trust = auth.text(&table::TRUST_ID);
    if auth_type.is_none()
        && auth_url.is_none()
        && fields.username.is_none()
        && fields.user_id.is_none()
    {
        return None;
    }
    if trust.is_some() {
        auth.refuse::<()>(
            &table::TRUST_ID,
            "it is not supported; use an application credential for delegated access".into(),
        );
    }
    let auth_type = auth.auth_type(auth_type, warnings);
    let auth_url = auth.auth_url(auth_url);
    let needs_it = "the auth_type needs it";
    let method = match auth_type? {
        AuthType::V3Password => {
            let user = auth.user(&fields);
            let password = password.or_else(|| auth.missing(&table::PASSWORD, needs_it));
            LoginMethod::Password(PasswordLogin {
                user: user?,
                password: password?,
            })
        }
        AuthType::Password => {
            let user = auth.user_of_any_version(&fields);
            let password = password.or_else(|| auth.missing(&table::PASSWORD, needs_it));
            LoginMethod::Generic(GenericLogin {
                user: user?,
                user_domain: fields.user_domain.clone(),
                default_domain: fields.default_domain.clone(),
                password: password?,
            })
        }
        AuthType::V3ApplicationCredential => {
            let credential = match (credential_id, credential_name) {
                (Some(id), _) => Some(CredentialRef::Id(id)),
                (None, Some(name)) => auth
                    .user(&fields)
                    .map(|user| CredentialRef::Name { name, user }),
                (None, None) => auth.missing(
                    &table::APPLICATION_CREDENTIAL_ID,
                    "the auth_type needs it, or `application_credential_name` and its user",
                ),
            };
            let secret =
                secret.or_else(|| auth.missing(&table::APPLICATION_CREDENTIAL_SECRET, needs_it));
            LoginMethod::ApplicationCredential(ApplicationCredentialLogin {
                credential: credential?,
                secret: secret?,
            })
        }
        AuthType::Other(_) | AuthType::V2(_) => return None,
    };
    let project_domain = project_domain.or(fields.default_domain);
    Some(Login {
        auth_url: auth_url?,
        method,
        configured: configured(project, &project_domain, domain),
        project_domain,
    })
}

/// A project by name alone is no project to Keystone; cASO threw the name away
/// before it asked, so it must not stop anybody.
fn configured(
    (id, name): (Option<String>, Option<String>),
    project_domain: &Option<DomainRef>,
    domain: Option<DomainRef>,
) -> Option<ConfiguredScope> {
    let named = name.zip(project_domain.clone());
    id.map(ProjectRef::Id)
        .or_else(|| named.map(|(name, domain)| ProjectRef::Name { name, domain }))
        .map(ConfiguredScope::Project)
        .or_else(|| domain.map(ConfiguredScope::Domain))
}

/// Reads the options of the auth type from its section.
struct Auth<'r, 'a> {
    reader: &'r mut Reader<'a>,
    section: &'r str,
}

impl Auth<'_, '_> {
    fn slot(&self, row: &Row) -> Slot {
        Slot::within(row, self.section)
    }

    fn text(&mut self, row: &Row) -> Option<String> {
        let slot = self.slot(row);
        self.reader.text(&slot)
    }

    /// An id goes before a name.
    fn domain(&mut self, id: &Row, name: &Row) -> Option<DomainRef> {
        let (id, name) = (self.text(id), self.text(name));
        id.map(DomainRef::Id).or_else(|| name.map(DomainRef::Name))
    }

    fn origin(&self, row: &Row) -> Origin {
        let found = self.reader.resolver.resolve(&self.slot(row)).ok().flatten();
        found.map_or(Origin::Default, |found| found.origin)
    }

    fn missing<T>(&mut self, row: &Row, why: &str) -> Option<T> {
        // One that cannot be read is not missing, and has been noted.
        if self.reader.resolver.resolve(&self.slot(row)).is_err() {
            return None;
        }
        self.reader.errors.push(ConfigError::Missing {
            section: self.section.to_owned(),
            option: row.name.to_owned(),
            why: why.to_owned(),
        });
        None
    }

    fn refuse<T>(&mut self, row: &Row, what: String) -> Option<T> {
        let error = ConfigError::Refused {
            at: At::new(&self.origin(row), self.section, row.name),
            what,
        };
        self.reader.errors.push(error);
        None
    }

    /// The type, or a note. cASO 0.3.3 had none: there `[extractor] user` and
    /// `password` said all.
    fn auth_type(&mut self, name: Option<String>, warnings: &mut Vec<Warning>) -> Option<AuthType> {
        let Some(name) = name else {
            let sources = self.reader.resolver.sources;
            let ancient = ("extractor".to_owned(), "user".to_owned());
            if sources.find(&[ancient]).is_some() {
                let text = "`[keystone_auth] auth_type` is not set; `v3password` is assumed, because `[extractor] user` is";
                warnings.push(Warning::new("assumed:keystone_auth.auth_type", text));
                return Some(AuthType::V3Password);
            }
            return self.missing(&table::AUTH_TYPE, &format!("set it to {SUPPORTED}"));
        };
        match AuthType::parse(&name) {
            Ok(AuthType::Other(name)) => self.refuse(
                &table::AUTH_TYPE,
                format!("this version does not authenticate with `{name}`; set it to {SUPPORTED}"),
            ),
            Ok(AuthType::V2(name)) => self.refuse(
                &table::AUTH_TYPE,
                format!("`{name}` is Keystone v2, which OpenStack has removed; set it to `v3password`, with `user_domain_name`"),
            ),
            Ok(auth_type) => Some(auth_type),
            Err(expected) => self.refuse(&table::AUTH_TYPE, format!("`{name}` is no auth type; expected {expected}")),
        }
    }

    fn auth_url(&mut self, found: Option<(Url, Origin)>) -> Option<Url> {
        let Some((mut url, origin)) = found else {
            let set = self.reader.resolver.resolve(&self.slot(&table::AUTH_URL));
            let bad = set.ok().flatten().is_some_and(|set| !set.text.is_empty());
            // A bad one has been noted already.
            return match bad {
                true => None,
                false => self.missing(&table::AUTH_URL, "set it to the address of Keystone, such as `https://keystone.example.org:5000/v3`"),
            };
        };
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/v2.0") {
            self.reader.errors.push(ConfigError::Refused {
                at: At::new(&origin, self.section, table::AUTH_URL.name),
                what: "it leads to Keystone v2, which OpenStack has removed; let it end with `/v3`"
                    .into(),
            });
            return None;
        }
        url.set_path(&path);
        Some(url)
    }

    fn user_of_any_version(&mut self, fields: &Fields) -> Option<GenericUser> {
        match (&fields.user_id, &fields.username) {
            (Some(id), _) => Some(GenericUser::Id(id.clone())),
            (None, Some(name)) => Some(GenericUser::Name(name.clone())),
            (None, None) => self.missing(&table::USERNAME, "the auth_type needs it, or `user_id`"),
        }
    }

    fn user(&mut self, fields: &Fields) -> Option<UserRef> {
        let name = match self.user_of_any_version(fields)? {
            GenericUser::Id(id) => return Some(UserRef::Id(id)),
            GenericUser::Name(name) => name,
        };
        match fields.user_domain.clone() {
            Some(domain) => Some(UserRef::Name { name, domain }),
            None => self.missing(
                &table::USER_DOMAIN_NAME,
                "a user's name is unique in its domain only; most clouds call it `Default`",
            ),
        }
    }
}
