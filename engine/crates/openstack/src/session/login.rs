//! One token request, by the auth type and the version of Keystone.

use serde_json::Value;
use url::Url;

use super::super::identity::credentials::{self, Target};
use super::super::identity::discovery::{self, Keystone, Wish};
use super::super::identity::token::Token;
use super::super::identity::v2;
use super::super::{ApiError, Scope, Service};
use super::answer::{self, BadBody};
use super::ask::{Attempts, Purpose};
use super::exchange::get_headers;
use super::{Session, federation};
use caso_login::{ConfiguredScope, GenericLogin, Login, LoginMethod, TenantRef, V2Login};
use caso_net::{Method, Request};

/// What is asked for.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// What for: it stands in errors.
    pub scope: &'a Scope,
    /// What goes out.
    pub target: &'a Target,
    /// Whether to ask again where Keystone is busy or away.
    pub patient: bool,
}

impl<'a> TokenRequest<'a> {
    pub fn new(scope: &'a Scope, target: &'a Target) -> Self {
        TokenRequest {
            scope,
            target,
            patient: true,
        }
    }

    pub fn purpose(self, service: Service) -> Purpose<'a> {
        Purpose {
            service,
            scope: self.scope,
            repeat_timeouts: true,
            patient: self.patient,
        }
    }
}

/// Asks for a token.
pub async fn request(session: &Session, wanted: TokenRequest<'_>) -> Result<Token, ApiError> {
    let login = &session.inner.settings.login;
    match (&login.method, keystone(session).await?) {
        (LoginMethod::Oidc(federated), _) => federation::token(session, wanted, federated).await,
        (LoginMethod::V2Password(v2), _) => post_v2(session, wanted, v2).await,
        (LoginMethod::Generic(generic), Keystone::V2(_)) => {
            post_v2(session, wanted, &generic.v2()).await
        }
        (_, _) => {
            let body = credentials::request_body(login, wanted.target).ok_or_else(|| ApiError::BadUrl {
                url: login.auth_url.to_string(),
                detail: format!(
                    "that is Keystone v3, where {} must be said of which domain: set `user_domain_name`",
                    login.who()
                ),
                from: "`auth_url` in `[keystone_auth]`".to_owned(),
            })?;
            post_v3(session, wanted, body).await
        }
    }
}

/// What the configuration names, as far as this Keystone can be asked for it.
pub async fn configured(session: &Session) -> Result<Option<Target>, ApiError> {
    let login = &session.inner.settings.login;
    let tenant = match &login.method {
        LoginMethod::V2Password(login) => login.tenant.clone(),
        LoginMethod::Generic(login) => login.tenant.clone(),
        _ => None,
    };
    Ok(match keystone(session).await? {
        Keystone::V3(_) => login.configured.as_ref().map(Target::from),
        Keystone::V2(_) => tenant.map(Target::from),
    })
}

/// `POST /v3/auth/tokens`.
pub async fn post_v3(
    session: &Session,
    wanted: TokenRequest<'_>,
    body: String,
) -> Result<Token, ApiError> {
    let mut url = base(session).await?;
    let path = format!("{}/auth/tokens", url.path().trim_end_matches('/'));
    url.set_path(&path);
    send_v3(session, wanted, &post(url, wanted.target, body)).await
}

/// Any request that Keystone v3 answers with a token.
pub async fn send_v3(
    session: &Session,
    wanted: TokenRequest<'_>,
    request: &Request,
) -> Result<Token, ApiError> {
    let clock = session.inner.clock.as_ref();
    let mut attempts = Attempts::start(clock);
    session
        .ask(
            request,
            &wanted.purpose(Service::Identity),
            &mut attempts,
            |response| {
                let body: Value = answer::json(response)?;
                Token::from_response(response, &body, clock.now()).map_err(BadBody::from)
            },
        )
        .await
        .inspect(|token| session.note_issued(token))
        .map_err(|error| over_tls(error, &request.url))
}

async fn post_v2(
    session: &Session,
    wanted: TokenRequest<'_>,
    login: &V2Login,
) -> Result<Token, ApiError> {
    let mut url = base(session).await?;
    let path = format!("{}/tokens", url.path().trim_end_matches('/'));
    url.set_path(&path);
    let tenant: Option<TenantRef> = v2::tenant(wanted.target);
    let body = v2::request_body(login, tenant.as_ref());
    let request = post(url, wanted.target, body);
    let clock = session.inner.clock.as_ref();
    let mut attempts = Attempts::start(clock);
    session
        .ask(
            &request,
            &wanted.purpose(Service::Identity),
            &mut attempts,
            |response| {
                let body: Value = answer::json(response)?;
                v2::token(&body, clock.now()).map_err(BadBody::from)
            },
        )
        .await
        .inspect(|token| session.note_issued(token))
        .map_err(|error| over_tls(error, &request.url))
}

fn post(url: Url, target: &Target, body: String) -> Request {
    Request {
        method: Method::Post,
        url,
        headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: Some(body),
        scope: target.label(),
    }
}

/// Web servers say in words of their own that their port speaks TLS.
fn over_tls(error: ApiError, url: &Url) -> ApiError {
    let said = match &error {
        ApiError::Status {
            status: 400..=499,
            message,
            ..
        } => message.to_lowercase(),
        _ => return error,
    };
    let tls = ["plain http", "https server", "https port"]
        .iter()
        .any(|words| said.contains(words));
    if url.scheme() != "http" || !tls {
        return error;
    }
    ApiError::BadUrl {
        url: url.to_string(),
        detail: format!("that port speaks TLS: write `https://` in place of `http://`; {error}"),
        from: "`auth_url` in `[keystone_auth]`".to_owned(),
    }
}

/// Base of whichever version it is.
pub async fn base(session: &Session) -> Result<Url, ApiError> {
    let (Keystone::V3(url) | Keystone::V2(url)) = keystone(session).await?;
    Ok(url)
}

/// Which Keystone answers, and where. Looked up once, where `auth_type` says
/// so.
pub async fn keystone(session: &Session) -> Result<Keystone, ApiError> {
    let cell = &session.inner.tokens.keystone;
    cell.get_or_try_init(|| find(session)).await.cloned()
}

async fn find(session: &Session) -> Result<Keystone, ApiError> {
    let login = &session.inner.settings.login;
    match &login.method {
        LoginMethod::V2Password(_) => Ok(Keystone::V2(discovery::v2_base(&login.auth_url))),
        LoginMethod::Generic(generic) => discover(session, &wish(login, generic)).await,
        _ => Ok(Keystone::V3(discovery::v3_base(&login.auth_url))),
    }
}

/// keystoneauth's rule: what has a domain means version 3; without one version
/// 2.0 is taken where there is one, unless `default_domain_*` is set.
fn wish(login: &Login, generic: &GenericLogin) -> Wish {
    let project_domain = login.project_domain != generic.default_domain;
    let domain_scope = matches!(login.configured, Some(ConfiguredScope::Domain(_)));
    if generic.user_domain.is_some() || project_domain || domain_scope {
        Wish::V3
    } else if generic.default_domain.is_some() {
        Wish::Newest
    } else {
        Wish::Oldest
    }
}

async fn discover(session: &Session, wish: &Wish) -> Result<Keystone, ApiError> {
    let auth_url = &session.inner.settings.login.auth_url;
    // Nothing to find out, so nothing is asked.
    if *wish != Wish::Oldest && discovery::names(auth_url, "v3") {
        return Ok(Keystone::V3(discovery::v3_base(auth_url)));
    }
    let request = Request {
        method: Method::Get,
        url: auth_url.clone(),
        headers: get_headers(None, Service::Identity, None),
        body: None,
        scope: "none".to_owned(),
    };
    let mut attempts = Attempts::start(session.inner.clock.as_ref());
    let wanted = TokenRequest::new(&Scope::Unscoped, &Target::Unsaid);
    let document: Result<Value, ApiError> = session
        .ask(
            &request,
            &wanted.purpose(Service::Identity),
            &mut attempts,
            answer::json,
        )
        .await
        .map_err(|error| over_tls(error, auth_url));
    match document {
        Ok(document) => {
            discovery::read(&document, auth_url, wish).map_err(|detail| ApiError::BadUrl {
                url: auth_url.to_string(),
                detail,
                from: "`auth_url` in `[keystone_auth]`".to_owned(),
            })
        }
        // Keystone is away, or not to be trusted: no other path changes that.
        Err(error)
            if error.is_outage()
                || matches!(error, ApiError::Unrecorded { .. } | ApiError::BadUrl { .. }) =>
        {
            Err(error)
        }
        // Some sites open `/v3` alone.
        Err(error) => {
            let found = discovery::by_path(auth_url, wish);
            tracing::debug!("no version document at `{auth_url}`, so its path decides: {error}");
            Ok(found)
        }
    }
}
