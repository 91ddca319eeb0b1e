//! The auth type and its options, from one section, into a [`Login`].

use url::Url;

use super::auth_type::{AuthType, KNOWN_ELSEWHERE};
use super::secret_file;
use super::section::{NEEDED, Section};
use crate::reader::Reader;
use crate::table::keystone as table;
use crate::text::listed;
use crate::value::{Choice, words};
use caso_base::Message;
use caso_base::suggest::did_you_mean;
use caso_login::{
    ApplicationCredentialLogin, Bearer, ConfiguredScope, CredentialRef, DomainRef, GenericLogin,
    GenericUser, Login, LoginMethod, OidcGrant, OidcLogin, OidcProvider, PasswordLogin,
    ProjectChoice, ProviderPlace, TenantRef, TokenLogin, UserRef, V2Login,
};
use caso_model::notice::Notice;
use caso_model::secret::Secret;

/// `None` when nothing in the section says how, or when something is wrong,
/// which the reader has noted.
pub fn read(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Notice>) -> Option<Login> {
    let section = Section {
        reader,
        name: section,
    };
    let mut form = Form::read(section, warnings);
    let auth_type = form.section.get(&table::AUTH_TYPE);
    let auth_url = form.section.get(&table::AUTH_URL);
    let nobody = form.username.is_none() && form.user_id.is_none();
    if auth_type.is_none() && auth_url.is_none() && nobody {
        return None;
    }
    let auth_type = form.auth_type(auth_type, auth_url.as_ref())?;
    let auth_url = form.auth_url(auth_url, auth_type);
    let method = form.method(auth_type);
    if form.section.get(&table::TRUST_ID).is_some() {
        return form.section.refuse(
            &table::TRUST_ID,
            (
                "it is not supported",
                "use an application credential for delegated access",
            ),
        );
    }
    let project_domain = form.project_domain.clone().or(form.default_domain.clone());
    Some(Login {
        auth_url: auth_url?,
        method: method?,
        configured: form.configured(project_domain.as_ref()),
        project_domain,
    })
}

/// What several auth types have in common, as it is written.
struct Form<'r, 'a, 'w> {
    section: Section<'r, 'a>,
    warnings: &'w mut Vec<Notice>,
    user_id: Option<String>,
    username: Option<String>,
    user_domain: Option<DomainRef>,
    default_domain: Option<DomainRef>,
    project_id: Option<String>,
    project_name: Option<String>,
    project_domain: Option<DomainRef>,
    domain: Option<DomainRef>,
}

impl<'r, 'a, 'w> Form<'r, 'a, 'w> {
    fn read(mut section: Section<'r, 'a>, warnings: &'w mut Vec<Notice>) -> Self {
        // Taken, and without a meaning: the system is asked for first anyway.
        section.get(&table::SYSTEM_SCOPE);
        Form {
            user_id: section.get(&table::USER_ID),
            username: section.get(&table::USERNAME),
            user_domain: section.domain(&table::USER_DOMAIN_ID, &table::USER_DOMAIN_NAME),
            default_domain: section.domain(&table::DEFAULT_DOMAIN_ID, &table::DEFAULT_DOMAIN_NAME),
            project_id: section.get(&table::PROJECT_ID),
            project_name: section.get(&table::PROJECT_NAME),
            project_domain: section.domain(&table::PROJECT_DOMAIN_ID, &table::PROJECT_DOMAIN_NAME),
            domain: section.domain(&table::DOMAIN_ID, &table::DOMAIN_NAME),
            section,
            warnings,
        }
    }

    /// The type, or a note.
    fn auth_type(&mut self, name: Option<String>, auth_url: Option<&Url>) -> Option<AuthType> {
        let known = || listed(words::<AuthType>());
        let Some(name) = name else {
            if let Some(assumed) = self.of_the_first_caso(auth_url) {
                return Some(assumed);
            }
            let why = format!("set it to one of {}", known());
            return self.section.missing(&table::AUTH_TYPE, &why);
        };
        let auth_type = AuthType::from_word(&name);
        if auth_type.is_some() {
            return auth_type;
        }
        let what = if KNOWN_ELSEWHERE.contains(&name.as_str()) {
            Message::from((
                format!("this version does not authenticate with `{name}`"),
                format!("set it to one of {}", known()),
            ))
        } else {
            let text = format!("`{name}` is not an auth type; expected one of {}", known());
            Message::from(text).hint(did_you_mean(&name, words::<AuthType>()))
        };
        self.section.refuse(&table::AUTH_TYPE, what)
    }

    /// cASO 0.3.3 had no types: there `[extractor] user`, `password` and
    /// `endpoint` said all, its user was `accounting` where none was set,
    /// and Keystone was that of version 2.0. A site that has changed the
    /// address or named a domain since means version 3.
    fn of_the_first_caso(&mut self, auth_url: Option<&Url>) -> Option<AuthType> {
        let sources = self.section.reader.resolver.sources;
        let set = |name: &str| {
            sources
                .find(&[("extractor".to_owned(), name.to_owned())])
                .is_some()
        };
        let own = self.section.name == table::AUTH_TYPE.section;
        if !own || !["user", "password", "endpoint"].into_iter().any(set) {
            return None;
        }
        let v3 = self.user_domain.is_some() || auth_url.is_some_and(|url| ends_with(url, "v3"));
        let (auth_type, name) = match v3 {
            true => (AuthType::V3Password, "v3password"),
            false => (AuthType::V2Password, "v2password"),
        };
        let text = format!(
            "`[keystone_auth] auth_type` is not set; `{name}` is assumed, as cASO 0.3.3 would, because of the options in [extractor]"
        );
        let warning = Notice::warning("assumed:keystone_auth.auth_type", text);
        self.warnings.push(warning);
        if self.username.is_none() && self.user_id.is_none() {
            self.username = Some("accounting".to_owned());
        }
        Some(auth_type)
    }

    fn auth_url(&mut self, found: Option<Url>, auth_type: AuthType) -> Option<Url> {
        let Some(mut url) = found else {
            return self.section.missing(
                &table::AUTH_URL,
                "set it to the address of Keystone, such as `https://keystone.example.org:5000/v3`",
            );
        };
        if !url.username().is_empty() || url.password().is_some() {
            return self.section.refuse(
                &table::AUTH_URL,
                (
                    "it has a user or a password in it",
                    "use `username` and `password`",
                ),
            );
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let (v2, any) = (
            auth_type == AuthType::V2Password,
            auth_type == AuthType::Password,
        );
        if ends_with(&url, "v2.0") && !v2 && !any {
            return self.section.refuse(
                &table::AUTH_URL,
                (
                    "it leads to version 2.0 of Keystone, which newer ones lack",
                    "end it with `/v3`, or set `auth_type = v2password` if this cloud is that old",
                ),
            );
        }
        if ends_with(&url, "v3") && v2 {
            return self.section.refuse(
                &table::AUTH_URL,
                (
                    "it leads to version 3 of Keystone",
                    "set `auth_type = v3password` and `user_domain_name`",
                ),
            );
        }
        Some(url)
    }

    fn method(&mut self, auth_type: AuthType) -> Option<LoginMethod> {
        match auth_type {
            AuthType::V3Password => {
                let (user, password) = (self.user(), self.password());
                Some(LoginMethod::Password(PasswordLogin {
                    user: user?,
                    password: password?,
                }))
            }
            AuthType::Password => {
                let (user, password) = (self.any_user(), self.password());
                Some(LoginMethod::Generic(GenericLogin {
                    user: user?,
                    user_domain: self.user_domain.clone(),
                    default_domain: self.default_domain.clone(),
                    password: password?,
                    tenant: self.tenant(),
                }))
            }
            AuthType::V2Password => {
                let (user, password) = (self.any_user(), self.password());
                Some(LoginMethod::V2Password(V2Login {
                    user: user?,
                    password: password?,
                    tenant: self.tenant(),
                }))
            }
            AuthType::V3ApplicationCredential => self.application_credential(),
            AuthType::V3Token => Some(LoginMethod::Token(TokenLogin {
                token: secret_file::needed(
                    &mut self.section,
                    &table::TOKEN,
                    &table::TOKEN_FILE,
                    self.warnings,
                )?,
            })),
            AuthType::V3OidcAccessToken => {
                let access_token = secret_file::needed(
                    &mut self.section,
                    &table::ACCESS_TOKEN,
                    &table::ACCESS_TOKEN_FILE,
                    self.warnings,
                );
                self.federated(access_token.map(|access_token| Bearer::Given { access_token }))
            }
            AuthType::V3OidcClientCredentials => {
                let secret = secret_file::needed(
                    &mut self.section,
                    &table::CLIENT_SECRET,
                    &table::CLIENT_SECRET_FILE,
                    self.warnings,
                );
                let provider = self.provider(OidcGrant::ClientCredentials);
                self.federated(secret.zip(provider).map(|(secret, provider)| {
                    Bearer::Provider(OidcProvider {
                        client_secret: Some(secret),
                        ..provider
                    })
                }))
            }
            AuthType::V3OidcPassword => {
                let username = self.section.needed(&table::USERNAME);
                let password = self.password();
                let client_secret = secret_file::read(
                    &mut self.section,
                    &table::CLIENT_SECRET,
                    &table::CLIENT_SECRET_FILE,
                    self.warnings,
                );
                let grant = username
                    .zip(password)
                    .map(|(username, password)| OidcGrant::Password { username, password });
                let provider = grant.and_then(|grant| self.provider(grant));
                self.federated(provider.map(|provider| {
                    Bearer::Provider(OidcProvider {
                        client_secret,
                        ..provider
                    })
                }))
            }
        }
    }

    fn application_credential(&mut self) -> Option<LoginMethod> {
        let id = self.section.get(&table::APPLICATION_CREDENTIAL_ID);
        let name = self.section.get(&table::APPLICATION_CREDENTIAL_NAME);
        let credential = match (id, name) {
            (Some(id), _) => Some(CredentialRef::Id(id)),
            (None, Some(name)) => self.user().map(|user| CredentialRef::Name { name, user }),
            (None, None) => self.section.missing(
                &table::APPLICATION_CREDENTIAL_ID,
                "the auth_type needs it, or `application_credential_name` and its user",
            ),
        };
        let secret = secret_file::needed(
            &mut self.section,
            &table::APPLICATION_CREDENTIAL_SECRET,
            &table::APPLICATION_CREDENTIAL_SECRET_FILE,
            self.warnings,
        );
        Some(LoginMethod::ApplicationCredential(
            ApplicationCredentialLogin {
                credential: credential?,
                secret: secret?,
            },
        ))
    }

    fn federated(&mut self, bearer: Option<Bearer>) -> Option<LoginMethod> {
        let identity_provider = self.section.needed(&table::IDENTITY_PROVIDER);
        let protocol = self.section.needed(&table::PROTOCOL);
        Some(LoginMethod::Oidc(OidcLogin {
            identity_provider: identity_provider?,
            protocol: protocol?,
            bearer: bearer?,
        }))
    }

    /// The provider, but for its client's secret.
    fn provider(&mut self, grant: OidcGrant) -> Option<OidcProvider> {
        let section = &mut self.section;
        let discovery = section.get(&table::DISCOVERY_ENDPOINT);
        let direct = section.get(&table::ACCESS_TOKEN_ENDPOINT);
        let place = match (direct, discovery) {
            (Some(url), _) => Some(ProviderPlace::Direct(url)),
            (None, Some(url)) => Some(ProviderPlace::Discovery(url)),
            (None, None) if section.is_set(&table::ACCESS_TOKEN_ENDPOINT) => None,
            (None, None) => section.missing(
                &table::DISCOVERY_ENDPOINT,
                "the auth_type needs it, or `access_token_endpoint`",
            ),
        };
        let client_id = section.needed(&table::CLIENT_ID);
        let slot = section.slot(&table::ACCESS_TOKEN_TYPE);
        let wanted = section.reader.find(&table::ACCESS_TOKEN_TYPE, &slot);
        let scope = section.get(&table::SCOPE).unwrap_or_default();
        Some(OidcProvider {
            place: place?,
            client_id: client_id?,
            client_secret: None,
            scope,
            wanted: wanted?.0,
            grant,
        })
    }

    fn password(&mut self) -> Option<Secret> {
        secret_file::needed(
            &mut self.section,
            &table::PASSWORD,
            &table::PASSWORD_FILE,
            self.warnings,
        )
    }

    fn any_user(&mut self) -> Option<GenericUser> {
        match (&self.user_id, &self.username) {
            (Some(id), _) => Some(GenericUser::Id(id.clone())),
            (None, Some(name)) => Some(GenericUser::Name(name.clone())),
            (None, None) => {
                let why = format!("{NEEDED}, or `user_id`");
                self.section.missing(&table::USERNAME, &why)
            }
        }
    }

    fn user(&mut self) -> Option<UserRef> {
        let name = match self.any_user()? {
            GenericUser::Id(id) => return Some(UserRef::Id(id)),
            GenericUser::Name(name) => name,
        };
        match self.user_domain.clone() {
            Some(domain) => Some(UserRef::Name { name, domain }),
            None => self.section.missing(
                &table::USER_DOMAIN_NAME,
                "a user name is unique only in its domain; most clouds call it `Default`",
            ),
        }
    }

    fn tenant(&self) -> Option<TenantRef> {
        let id = self.project_id.clone().map(TenantRef::Id);
        id.or_else(|| self.project_name.clone().map(TenantRef::Name))
    }

    /// A project by name alone is no project to Keystone v3; cASO threw the
    /// name away before it asked, so it must not stop anybody.
    fn configured(&self, project_domain: Option<&DomainRef>) -> Option<ConfiguredScope> {
        let named = self.project_name.clone().zip(project_domain.cloned());
        let id = self.project_id.clone().map(ProjectChoice::Id);
        id.or_else(|| named.map(|(name, domain)| ProjectChoice::Name { name, domain }))
            .map(ConfiguredScope::Project)
            .or_else(|| self.domain.clone().map(ConfiguredScope::Domain))
    }
}

/// Its path ends with this version.
fn ends_with(url: &Url, version: &str) -> bool {
    url.path().trim_end_matches('/').rsplit('/').next() == Some(version)
}
