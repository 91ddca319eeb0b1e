//! A federated login: an access token from an OpenID Connect provider, for it
//! an unscoped token of Keystone, and with that one token for each scope.
//! Source: Keystone API v3, extension OS-FEDERATION, "Request an unscoped
//! OS-FEDERATION token"; keystoneauth's `v3oidc…` plugins.
//!
//! Provider and federation are asked once for all scopes, and again when what
//! they gave is about to end: a scoped token never outlives the unscoped one
//! that it was made of, so both are due at the same time.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::super::error::Call;
use super::super::identity::credentials::{Target, token_body};
use super::super::identity::oidc::{self, AccessToken, ClientAuth, Discovered};
use super::super::identity::token::Token;
use super::super::{ApiError, Service};
use super::Session;
use super::answer::{self, BadBody};
use super::ask::Attempts;
use super::login::{self, TokenRequest};
use caso_login::{Bearer, OidcLogin, OidcProvider, ProviderPlace};
use caso_model::secret::Secret;
use caso_net::{Method, Request};

/// A refused scope may mean that the unscoped token is no longer good. One
/// that is younger than this is not suspected: most refusals are about a role.
const FRESH_SECONDS: i64 = 60;

/// What is known between two scopes.
#[derive(Default)]
pub struct Federation {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    provider: Option<Discovered>,
    /// The way that the provider knew us by.
    way: Option<ClientAuth>,
    access: Option<AccessToken>,
    unscoped: Option<(Arc<Token>, i64)>,
}

/// A token for a scope.
pub async fn token(
    session: &Session,
    wanted: TokenRequest<'_>,
    login: &OidcLogin,
) -> Result<Token, ApiError> {
    let (unscoped, since) = unscoped(session, wanted, login).await?;
    if matches!(wanted.target, Target::Unscoped | Target::Unsaid) {
        return Ok(unscoped.as_ref().clone());
    }
    let asked = rescope(session, wanted, &unscoped).await;
    let old = session.inner.clock.now() - since > FRESH_SECONDS;
    match asked {
        Err(ApiError::Unauthorized { .. } | ApiError::NotFound { .. }) if old => {
            forget(session, &unscoped).await;
            let (unscoped, _) = self::unscoped(session, wanted, login).await?;
            rescope(session, wanted, &unscoped).await
        }
        asked => asked,
    }
}

async fn rescope(
    session: &Session,
    wanted: TokenRequest<'_>,
    unscoped: &Token,
) -> Result<Token, ApiError> {
    login::post_v3(session, wanted, token_body(&unscoped.id, wanted.target)).await
}

/// Throws the unscoped token away, unless it has been replaced meanwhile.
async fn forget(session: &Session, refused: &Token) {
    let mut state = session.inner.tokens.federation.state.lock().await;
    if state
        .unscoped
        .as_ref()
        .is_some_and(|(token, _)| token.id == refused.id)
    {
        state.unscoped = None;
    }
}

/// The unscoped token, and since when we have it.
async fn unscoped(
    session: &Session,
    wanted: TokenRequest<'_>,
    login: &OidcLogin,
) -> Result<(Arc<Token>, i64), ApiError> {
    let mut state = session.inner.tokens.federation.state.lock().await;
    let now = session.inner.clock.now();
    if let Some((token, since)) = &state.unscoped
        && !token.is_due(now)
    {
        return Ok((token.clone(), *since));
    }
    state.unscoped = None;
    let (bearer, kept) = bearer(session, wanted, login, &mut state).await?;
    let token = match federate(session, wanted, login, &bearer).await {
        // The provider may have taken back what it gave an hour ago.
        Err(ApiError::Unauthorized { .. }) if kept => {
            state.access = None;
            let (bearer, _) = self::bearer(session, wanted, login, &mut state).await?;
            federate(session, wanted, login, &bearer).await
        }
        token => token,
    };
    let token = Arc::new(token.map_err(|error| explain(error, session, login))?);
    let now = session.inner.clock.now();
    state.unscoped = Some((token.clone(), now));
    Ok((token, now))
}

/// The access token, and whether it is one that was kept.
async fn bearer(
    session: &Session,
    wanted: TokenRequest<'_>,
    login: &OidcLogin,
    state: &mut State,
) -> Result<(Secret, bool), ApiError> {
    let provider = match &login.bearer {
        Bearer::Given { access_token } => return Ok((access_token.clone(), false)),
        Bearer::Provider(provider) => provider,
    };
    let now = session.inner.clock.now();
    if let Some(access) = &state.access
        && access.renew_at.is_none_or(|renew| now < renew)
    {
        return Ok((access.secret.clone(), true));
    }
    let access = access_token(session, wanted, provider, state).await?;
    let secret = access.secret.clone();
    state.access = Some(access);
    Ok((secret, false))
}

async fn access_token(
    session: &Session,
    wanted: TokenRequest<'_>,
    provider: &OidcProvider,
    state: &mut State,
) -> Result<AccessToken, ApiError> {
    let found = match (&state.provider, &provider.place) {
        (Some(found), _) => found.clone(),
        (None, ProviderPlace::Direct(url)) => Discovered {
            token_endpoint: url.clone(),
            auth_methods: Vec::new(),
        },
        (None, ProviderPlace::Discovery(url)) => discover(session, wanted, provider, url).await?,
    };
    state.provider = Some(found.clone());
    let ways = match state.way {
        Some(way) => vec![way],
        None => oidc::client_auths(provider, &found.auth_methods),
    };
    let mut refused = None;
    for way in ways {
        match ask_provider(session, wanted, provider, &found.token_endpoint, way).await {
            Ok(token) => {
                state.way = Some(way);
                return Ok(token);
            }
            Err(error) if refusal(&error).is_some_and(oidc::unknown_client) => {
                // The first way's words: that is how the client is registered.
                refused.get_or_insert(error);
            }
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    Err(match refused {
        Some(error) => provider_refused(error, session, provider),
        // Not reached: there is always one way.
        None => no_provider(
            &found.token_endpoint,
            "no way to prove the client".to_owned(),
        ),
    })
}

/// The provider's discovery document.
async fn discover(
    session: &Session,
    wanted: TokenRequest<'_>,
    provider: &OidcProvider,
    url: &Url,
) -> Result<Discovered, ApiError> {
    let request = Request {
        method: Method::Get,
        url: url.clone(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: None,
        scope: "none".to_owned(),
    };
    let mut attempts = Attempts::start(session.inner.clock.as_ref());
    let document: Value = session
        .ask(
            &request,
            &wanted.purpose(Service::OpenIdProvider),
            &mut attempts,
            answer::json,
        )
        .await
        .map_err(|error| match error {
            ApiError::NotFound { message, call } => {
                no_provider(url, format!("{call} says that there is nothing: {message}"))
            }
            ApiError::NotJson { excerpt, call, .. } => {
                no_provider(url, format!("{call} answers with a page: {excerpt}"))
            }
            other => other,
        })?;
    oidc::discovered(&document, url, &provider.grant)
        .map_err(|bad| no_provider(url, bad.to_string()))
}

fn no_provider(url: &Url, detail: String) -> ApiError {
    ApiError::BadUrl {
        url: url.to_string(),
        detail,
        from: "`discovery_endpoint` or `access_token_endpoint` in `[keystone_auth]`".to_owned(),
    }
}

async fn ask_provider(
    session: &Session,
    wanted: TokenRequest<'_>,
    provider: &OidcProvider,
    endpoint: &Url,
    way: ClientAuth,
) -> Result<AccessToken, ApiError> {
    let (headers, form) = oidc::token_request(provider, way);
    let request = Request {
        method: Method::Post,
        url: endpoint.clone(),
        headers,
        body: Some(form),
        scope: "provider".to_owned(),
    };
    let mut attempts = Attempts::start(session.inner.clock.as_ref());
    session
        .ask(
            &request,
            &wanted.purpose(Service::OpenIdProvider),
            &mut attempts,
            |response| {
                let body: Value = answer::json(response)?;
                let now = session.inner.clock.now();
                oidc::access_token(&body, provider, now).map_err(BadBody::from)
            },
        )
        .await
}

/// What a refusal says: 400 and 401 by RFC 6749, 403 by some.
fn refusal(error: &ApiError) -> Option<&str> {
    match error {
        ApiError::Unauthorized { message, .. } | ApiError::Forbidden { message, .. } => {
            Some(message)
        }
        ApiError::Status {
            status: 400,
            message,
            ..
        } => Some(message),
        _ => None,
    }
}

fn provider_refused(error: ApiError, session: &Session, provider: &OidcProvider) -> ApiError {
    let Some(message) = refusal(&error).map(str::to_owned) else {
        return error;
    };
    let remedy = if message.contains("invalid_scope") {
        "check `scope` (also called `openid_scope`)"
    } else if message.contains("unsupported_grant_type") {
        "the provider must allow this grant to the client"
    } else if message.contains("invalid_grant") {
        "check `username` and `password`"
    } else {
        "check `client_id` and `client_secret`"
    };
    refused(
        error,
        "the OpenID provider",
        provider.who(),
        message,
        format!("{remedy} in `[keystone_auth]`"),
    )
    .unwrap_or_else(|| no_provider(&session.inner.settings.login.auth_url, String::new()))
}

/// The unscoped token for an access token.
async fn federate(
    session: &Session,
    wanted: TokenRequest<'_>,
    login: &OidcLogin,
    bearer: &Secret,
) -> Result<Token, ApiError> {
    let mut url = login::base(session).await?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([
            "OS-FEDERATION",
            "identity_providers",
            &login.identity_provider,
            "protocols",
            &login.protocol,
            "auth",
        ]);
    }
    let request = Request {
        method: Method::Post,
        url,
        headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            (
                "authorization".to_owned(),
                format!("Bearer {}", bearer.expose()),
            ),
            ("content-length".to_owned(), "0".to_owned()),
        ],
        body: None,
        scope: "federated".to_owned(),
    };
    login::send_v3(session, wanted, &request).await
}

/// Which of the many "no"s of a federation it was, as far as it can be known.
fn explain(error: ApiError, session: &Session, login: &OidcLogin) -> ApiError {
    let said = |error: &ApiError| match error {
        ApiError::Unauthorized { message, .. }
        | ApiError::Forbidden { message, .. }
        | ApiError::NotFound { message, .. } => Some(message.clone()),
        _ => None,
    };
    let Some(message) = said(&error) else {
        return error;
    };
    let provider = &login.identity_provider;
    let found = !matches!(error, ApiError::NotFound { .. });
    let remedy = if message.contains("invalid_token") || message.contains("invalid_request") {
        match &login.bearer {
            Bearer::Given { .. } => {
                "the access token has expired, was taken back or is not of this provider: put a new one into \
                 `access_token` or `access_token_file` in `[keystone_auth]`, or log in as a client with \
                 `v3oidcclientcredentials`"
                    .to_owned()
            }
            Bearer::Provider(_) => format!(
                "the web server in front of Keystone does not take the tokens of this provider: check \
                 `discovery_endpoint`, `scope` and `access_token_type` in `[keystone_auth]`, and ask the site \
                 whether it trusts the provider as `{provider}`"
            ),
        }
    } else if !found && message.contains("Identity Provider") {
        "check `identity_provider` in `[keystone_auth]`: this cloud has none of that name"
            .to_owned()
    } else if !found {
        "check `auth_url`, `identity_provider` and `protocol` in `[keystone_auth]`".to_owned()
    } else if message.contains("unsupported method") {
        format!(
            "check `protocol` in `[keystone_auth]`: this cloud has no `{}`",
            login.protocol
        )
    } else {
        format!(
            "Keystone knows the token and maps it to nobody: ask the site to add a rule for this client to the \
             mapping of `{provider}`, or check `client_id`, `scope` and `protocol` in `[keystone_auth]`"
        )
    };
    let who = session.inner.settings.login.who();
    refused(error.clone(), "Keystone", who, message, remedy).unwrap_or(error)
}

/// The final error, with the call of the one it stands for.
fn refused(
    error: ApiError,
    by: &'static str,
    who: String,
    message: String,
    remedy: String,
) -> Option<ApiError> {
    let call: Box<Call> = Box::new(error.call()?.clone());
    Some(ApiError::Credentials {
        by,
        who,
        message,
        remedy,
        call,
    })
}
