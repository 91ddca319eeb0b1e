//! `[keystone_auth]`, or the section of another cloud, or the one that its
//! `auth_section` names.
//!
//! As in keystoneauth, `auth_section` moves `auth_type` and the options of the
//! auth type; those of the session (certificates, timeouts) stay.

use std::time::Duration;

use url::Url;

use super::error::{At, ConfigError};
use super::origin::Origin;
use super::reader::Reader;
use super::resolve::Slot;
use super::suggest::hint;
use super::table::{Row, keystone as table};
use super::types::{
    ApplicationCredentialAuth, ApplicationCredentialRef, AuthMethod, ConfiguredScope, DomainRef,
    KeystoneAuth, PasswordAuth, Tls, UserRef,
};
use super::value;
use super::warning::Warning;

/// Every auth type that keystoneauth ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    Password,
    V3Password,
    V3ApplicationCredential,
    /// Known to keystoneauth and not to this version.
    Other(&'static str),
    /// Keystone v2, removed from Keystone in 2018.
    V2(&'static str),
}

const OTHERS: &[&str] = &[
    "admin_token",
    "http_basic",
    "none",
    "token",
    "v3adfspassword",
    "v3fedkerb",
    "v3kerberos",
    "v3multifactor",
    "v3oauth1",
    "v3oauth2clientcredential",
    "v3oauth2mtlsclientcredential",
    "v3oidcaccesstoken",
    "v3oidcauthcode",
    "v3oidcclientcredentials",
    "v3oidcdeviceauthz",
    "v3oidcpassword",
    "v3samlpassword",
    "v3token",
    "v3tokenlessauth",
    "v3totp",
];
const V2: &[&str] = &["v2password", "v2token"];
const SUPPORTED: &str = "`v3password`, `password` or `v3applicationcredential`";

impl AuthType {
    /// By keystoneauth's name.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "password" => Ok(Self::Password),
            "v3password" => Ok(Self::V3Password),
            "v3applicationcredential" => Ok(Self::V3ApplicationCredential),
            _ => {
                let among =
                    |names: &'static [&str]| names.iter().copied().find(|other| *other == name);
                let known = || ["password", "v3password", "v3applicationcredential"].into_iter();
                among(OTHERS)
                    .map(Self::Other)
                    .or_else(|| among(V2).map(Self::V2))
                    .ok_or_else(|| format!("{SUPPORTED}{}", hint(name, known())))
            }
        }
    }
}

/// Reads it. `None` when nothing says how to authenticate, or when something
/// is wrong, which the reader has noted. `section` is the cloud's.
pub(super) fn read(
    reader: &mut Reader<'_>,
    section: &str,
    warnings: &mut Vec<Warning>,
) -> Option<KeystoneAuth> {
    let session = session(reader, section, warnings);
    let section = reader
        .text(&Slot::within(&table::AUTH_SECTION, section))
        .unwrap_or_else(|| section.to_owned());
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
    let scope = ConfiguredScope {
        system_scope: auth.text(&table::SYSTEM_SCOPE),
        domain_id: auth.text(&table::DOMAIN_ID),
        domain_name: auth.text(&table::DOMAIN_NAME),
        project_id: auth.text(&table::PROJECT_ID),
        project_name: auth.text(&table::PROJECT_NAME),
        project_domain: auth.domain(&table::PROJECT_DOMAIN_ID, &table::PROJECT_DOMAIN_NAME),
        trust_id: auth.text(&table::TRUST_ID),
    };
    if auth_type.is_none()
        && auth_url.is_none()
        && fields.username.is_none()
        && fields.user_id.is_none()
    {
        return None;
    }
    let auth_type = auth.auth_type(auth_type, warnings);
    let auth_url = auth.auth_url(auth_url);
    let auth_type = auth_type?;
    let method = match auth_type {
        AuthType::Password | AuthType::V3Password => {
            let user = auth.user(&fields);
            let password =
                password.or_else(|| auth.missing(&table::PASSWORD, "the auth_type needs it"));
            AuthMethod::Password(PasswordAuth {
                user: user?,
                password: password?,
                default_domain: fields.default_domain,
                generic: auth_type == AuthType::Password,
            })
        }
        AuthType::V3ApplicationCredential => {
            let credential = match (credential_id, credential_name) {
                (Some(id), _) => Some(ApplicationCredentialRef::Id(id)),
                (None, Some(name)) => auth
                    .user(&fields)
                    .map(|user| ApplicationCredentialRef::Name { name, user }),
                (None, None) => auth.missing(
                    &table::APPLICATION_CREDENTIAL_ID,
                    "the auth_type needs it, or `application_credential_name` and its user",
                ),
            };
            let secret = secret.or_else(|| {
                auth.missing(
                    &table::APPLICATION_CREDENTIAL_SECRET,
                    "the auth_type needs it",
                )
            });
            AuthMethod::ApplicationCredential(ApplicationCredentialAuth {
                credential: credential?,
                secret: secret?,
            })
        }
        AuthType::Other(_) | AuthType::V2(_) => return None,
    };
    Some(KeystoneAuth {
        auth_url: auth_url?,
        method,
        scope,
        tls: session.tls,
        timeout: session.timeout,
        connect_retries: session.connect_retries,
        status_code_retries: session.status_code_retries,
    })
}

/// Options that stay in `[keystone_auth]`.
struct Session {
    tls: Tls,
    timeout: Duration,
    connect_retries: u32,
    status_code_retries: u32,
}

fn session(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Warning>) -> Session {
    let slot = |row: &Row| Slot::within(row, section);
    let mut path = |row: &Row| reader.path(&slot(row));
    let (cafile, certfile, keyfile) = (
        path(&table::CAFILE),
        path(&table::CERTFILE),
        path(&table::KEYFILE),
    );
    let version = reader.parsed(&slot(&table::TLS_MIN_VERSION), |text| match text {
        "" => Ok(None),
        _ => value::choice(text, &["1.2", "1.3"]).map(Some),
    });
    let insecure = slot(&table::INSECURE);
    let tls = Tls {
        cafile,
        certfile,
        keyfile,
        insecure: reader.boolean(&insecure),
        only_tls13: version.is_some_and(|(version, _)| version == "1.3"),
    };
    if tls.insecure {
        let found = reader.resolver.resolve(&insecure).ok().flatten();
        let origin = found.map_or(Origin::Default, |found| found.origin);
        let text = format!(
            "{origin}: `[{section}] insecure` takes any certificate, so that whoever sits between can read the \
             password; to trust a certificate of your own, set `cafile`"
        );
        warnings.push(Warning::new(format!("insecure:{section}"), text));
    }
    Session {
        tls,
        timeout: reader.duration(&slot(&table::TIMEOUT), table::TIMEOUT.kind),
        connect_retries: reader.integer(&slot(&table::CONNECT_RETRIES), &table::CONNECT_RETRIES),
        status_code_retries: reader.integer(
            &slot(&table::STATUS_CODE_RETRIES),
            &table::STATUS_CODE_RETRIES,
        ),
    }
}

/// Who logs in, as far as it is written.
struct Fields {
    user_id: Option<String>,
    username: Option<String>,
    user_domain: Option<DomainRef>,
    default_domain: Option<DomainRef>,
}

/// Reads the options of the auth type from its section.
struct Auth<'r, 'a> {
    reader: &'r mut Reader<'a>,
    section: String,
}

impl Auth<'_, '_> {
    fn slot(&self, row: &Row) -> Slot {
        Slot::within(row, &self.section)
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
            section: self.section.clone(),
            option: row.name.to_owned(),
            why: why.to_owned(),
        });
        None
    }

    fn refuse<T>(&mut self, row: &Row, what: String) -> Option<T> {
        let error = ConfigError::Refused {
            at: At::new(&self.origin(row), &self.section, row.name),
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
            if self.section == table::AUTH_TYPE.section && sources.find(&[ancient]).is_some() {
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
                at: At::new(&origin, &self.section, table::AUTH_URL.name),
                what: "it leads to Keystone v2, which OpenStack has removed; let it end with `/v3`"
                    .into(),
            });
            return None;
        }
        url.set_path(&path);
        Some(url)
    }

    fn user(&mut self, fields: &Fields) -> Option<UserRef> {
        if let Some(id) = &fields.user_id {
            return Some(UserRef::Id(id.clone()));
        }
        let Some(name) = fields.username.clone() else {
            return self.missing(&table::USERNAME, "the auth_type needs it, or `user_id`");
        };
        let domain = fields
            .user_domain
            .clone()
            .or_else(|| fields.default_domain.clone());
        match domain {
            Some(domain) => Some(UserRef::Name { name, domain }),
            None => self.missing(
                &table::USER_DOMAIN_NAME,
                "a user's name is unique in its domain only; most clouds call it `Default`",
            ),
        }
    }
}

#[cfg(test)]
mod tests;
