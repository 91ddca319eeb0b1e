//! One token a scope, however many ask for it at once; a new one before the
//! old one ends, or after a 401.
//!
//! What a refusal means has to be found out, for Keystone says 401 to
//! everything: a wrong password, a scope the account has no role on, a
//! project that does not exist.
//! * The system refused: fall back to what the configuration names, then to
//!   no scope, and remember it.
//! * A project refused: if any token was ever given, it is the project. If
//!   not, one more request without scope tells.
//! * Refused without scope: the credentials are wrong. That is final for the
//!   session; asking on would lock the account at sites that count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, OnceCell};
use url::Url;

use super::super::identity::credentials::{self, Target};
use super::super::identity::discovery::{self, Found};
use super::super::identity::token::Token;
use super::super::wire::{Method, Request};
use super::super::{ApiError, Scope, Service};
use super::answer::{self, BadBody};
use super::ask::{Attempts, Errand};
use super::{Session, get_headers};
use crate::model::login::{DomainRef, LoginMethod, ProjectRef};

/// All tokens of a session.
#[derive(Default)]
pub struct Tokens {
    /// By scope; credentials bound to one project have one token for all.
    slots: Mutex<HashMap<Option<Scope>, Arc<Slot>>>,
    /// Held by the first who asks, until it is known whether the credentials
    /// are good: twenty projects must not try a wrong password twenty times.
    first: AsyncMutex<()>,
    /// Failures of those who went first, and the last of them: who stood in
    /// line behind one takes it, lest Keystone's outage be waited for once a
    /// project.
    failures: AtomicU64,
    failure: Mutex<Option<ApiError>>,
    proven: AtomicBool,
    refused: OnceLock<ApiError>,
    system_refused: AtomicBool,
    base: OnceCell<Url>,
}

#[derive(Default)]
struct Slot {
    /// Counts the requests made for this slot, so that who waited for one
    /// takes its outcome, good or bad, instead of making another.
    round: AtomicU64,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    error: Option<ApiError>,
    /// How far the system scope has fallen back.
    step: usize,
}

impl Tokens {
    pub fn system_refused(&self) -> bool {
        self.system_refused.load(Ordering::Relaxed)
    }

    fn slot(&self, key: Option<Scope>) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(key).or_default().clone()
    }
}

/// The token of a scope.
pub async fn token(session: &Session, scope: &Scope) -> Result<Arc<Token>, ApiError> {
    let login = &session.inner.settings.login;
    let token = slot_token(session, scope).await?;
    match scope {
        Scope::Project(wanted) if token.project.as_ref() != Some(wanted) => {
            let own = token.project.clone();
            if login.bound() || own.is_some() {
                Err(ApiError::OtherProject {
                    wanted: wanted.clone(),
                    own: own.unwrap_or_else(|| "none".to_owned()),
                })
            } else {
                // Keystone did not say which; it was asked for this one.
                Ok(token)
            }
        }
        _ => Ok(token),
    }
}

async fn slot_token(session: &Session, scope: &Scope) -> Result<Arc<Token>, ApiError> {
    let tokens = &session.inner.tokens;
    let slot = tokens.slot(key(session, scope));
    let seen = slot.round.load(Ordering::Acquire);
    let mut state = slot.state.lock().await;
    if let Some(token) = &state.token
        && !token.is_due(session.inner.clock.now())
    {
        return Ok(token.clone());
    }
    // No role today is no role for the rest of the run; anything else is
    // shared by those who waited for it, and tried afresh by later ones.
    if let Some(error) = &state.error
        && (matches!(error, ApiError::NoRole { .. }) || slot.round.load(Ordering::Acquire) != seen)
    {
        return Err(error.clone());
    }
    let outcome = obtain(session, scope, &mut state.step).await;
    slot.round.fetch_add(1, Ordering::Release);
    match outcome {
        Ok(token) => {
            let token = Arc::new(token);
            state.token = Some(token.clone());
            state.error = None;
            Ok(token)
        }
        Err(error) => {
            state.token = None;
            state.error = Some(error.clone());
            Err(error)
        }
    }
}

fn key(session: &Session, scope: &Scope) -> Option<Scope> {
    (!session.inner.settings.login.bound()).then(|| scope.clone())
}

/// Throws a token away that a service refused, unless it has been replaced
/// meanwhile.
pub async fn discard(session: &Session, scope: &Scope, refused: &Token) {
    let slot = session.inner.tokens.slot(key(session, scope));
    let mut state = slot.state.lock().await;
    if state
        .token
        .as_ref()
        .is_some_and(|token| token.id == refused.id)
    {
        state.token = None;
    }
}

/// Asks for a token, alone until the credentials have proven good.
async fn obtain(session: &Session, scope: &Scope, step: &mut usize) -> Result<Token, ApiError> {
    let _turn = turn(session).await?;
    let asked = ask(session, scope, step).await;
    if let Err(error) = &asked {
        failed(session, error);
    }
    asked
}

/// Waits for one's turn, or for the failure of whoever had it before.
async fn turn(session: &Session) -> Result<Option<AsyncMutexGuard<'_, ()>>, ApiError> {
    let tokens = &session.inner.tokens;
    let turn = if tokens.proven.load(Ordering::Acquire) {
        None
    } else {
        let seen = tokens.failures.load(Ordering::Acquire);
        let turn = tokens.first.lock().await;
        let failure = tokens
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if tokens.failures.load(Ordering::Acquire) != seen
            && let Some(error) = failure.as_ref()
        {
            return Err(error.clone());
        }
        Some(turn)
    };
    match tokens.refused.get() {
        Some(refused) => Err(refused.clone()),
        None => Ok(turn),
    }
}

/// Tells those who wait, if it concerns them too.
fn failed(session: &Session, error: &ApiError) {
    let tokens = &session.inner.tokens;
    if error.is_outage() && !tokens.proven.load(Ordering::Acquire) {
        let mut failure = tokens
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *failure = Some(error.clone());
        tokens.failures.fetch_add(1, Ordering::Release);
    }
}

async fn ask(session: &Session, scope: &Scope, step: &mut usize) -> Result<Token, ApiError> {
    let login = &session.inner.settings.login;
    if login.bound() {
        return post(session, scope, &Target::Unsaid)
            .await
            .map_err(|error| refuse(session, error));
    }
    match scope {
        Scope::System => system(session, step).await,
        Scope::Unscoped => post(session, scope, &Target::Unscoped)
            .await
            .map_err(|error| refuse(session, error)),
        Scope::Project(id) => {
            let target = Target::Project(ProjectRef::Id(id.clone()));
            match post(session, scope, &target).await {
                Err(error) => Err(project_refused(session, scope, id, error).await),
                token => token,
            }
        }
    }
}

/// The system, or what is left of it.
async fn system(session: &Session, step: &mut usize) -> Result<Token, ApiError> {
    let configured = session
        .inner
        .settings
        .login
        .configured
        .as_ref()
        .map(Target::from);
    let mut targets = vec![Target::System];
    targets.extend(configured);
    targets.push(Target::Unsaid);
    let mut failure = None;
    for (at, target) in targets.iter().enumerate().skip(*step) {
        match post(session, &Scope::System, target).await {
            Ok(token) => {
                *step = at;
                if at > 0
                    && !session
                        .inner
                        .tokens
                        .system_refused
                        .swap(true, Ordering::Relaxed)
                {
                    tracing::debug!(
                        "{} has no role on the system; going on with a token for {}",
                        session.inner.settings.login.who(),
                        target.label(),
                    );
                }
                return Ok(token);
            }
            Err(error) if says_no(&error) => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(match failure {
        Some(error) => refuse(session, error),
        // Not reached: the last target is always tried.
        None => ApiError::NoEndpoint {
            service: Service::Identity,
            scope: Scope::System,
            interfaces: Vec::new(),
            region: None,
            available: Vec::new(),
            lacking: false,
        },
    })
}

/// A "no" to this scope, in any of the words Keystones have for it: 401 and
/// 403, 400 where system scope is unknown (before Queens), 500 where it
/// breaks them. Being away (502 to 504) is no answer.
fn says_no(error: &ApiError) -> bool {
    match error {
        ApiError::Unauthorized { .. } | ApiError::Forbidden { .. } => true,
        ApiError::Status { status, .. } => matches!(status, 400 | 500 | 501),
        _ => false,
    }
}

/// The credentials themselves were refused, if it was a 401: final.
fn refuse(session: &Session, error: ApiError) -> ApiError {
    let ApiError::Unauthorized { message, call } = error else {
        return error;
    };
    let error = ApiError::Credentials {
        who: session.inner.settings.login.who(),
        message,
        call,
    };
    let _ = session.inner.tokens.refused.set(error.clone());
    error
}

/// Whether it is the project or the password, with one more request where
/// nothing else can tell.
async fn project_refused(
    session: &Session,
    scope: &Scope,
    project: &str,
    error: ApiError,
) -> ApiError {
    let (ApiError::Unauthorized { message, call } | ApiError::Forbidden { message, call }) = error
    else {
        return error;
    };
    if !session.inner.tokens.proven.load(Ordering::Acquire)
        && let Err(error) = post(session, scope, &Target::Unsaid).await
    {
        return refuse(session, error);
    }
    ApiError::NoRole {
        who: session.inner.settings.login.who(),
        project: project.to_owned(),
        message,
        call,
    }
}

/// See [`Session::resolve_project`].
pub async fn resolve_project(
    session: &Session,
    name: &str,
    domain: &DomainRef,
) -> Result<String, ApiError> {
    let scope = Scope::Unscoped;
    let tokens = &session.inner.tokens;
    let no_id = |token: &Token| ApiError::OtherProject {
        wanted: name.to_owned(),
        own: token.project.clone().unwrap_or_else(|| "none".to_owned()),
    };
    if session.inner.settings.login.bound() {
        let token = slot_token(session, &scope).await?;
        return match (&token.project, &token.project_name) {
            (Some(id), Some(own)) if own == name => Ok(id.clone()),
            _ => Err(no_id(&token)),
        };
    }
    let turn = turn(session).await?;
    let target = Target::Project(ProjectRef::Name {
        name: name.to_owned(),
        domain: domain.clone(),
    });
    let token = match post(session, &scope, &target).await {
        Ok(token) => token,
        Err(error) => {
            failed(session, &error);
            return Err(project_refused(session, &scope, name, error).await);
        }
    };
    drop(turn);
    let id = token.project.clone().ok_or_else(|| no_id(&token))?;
    let slot = tokens.slot(Some(Scope::Project(id.clone())));
    let mut state = slot.state.lock().await;
    if state.token.is_none() {
        state.token = Some(Arc::new(token));
    }
    Ok(id)
}

/// One token request.
async fn post(session: &Session, scope: &Scope, target: &Target) -> Result<Token, ApiError> {
    let mut url = base(session).await?;
    let path = format!("{}/auth/tokens", url.path().trim_end_matches('/'));
    url.set_path(&path);
    let login = &session.inner.settings.login;
    let body = credentials::request_body(login, target).ok_or_else(|| ApiError::BadUrl {
        url: login.auth_url.to_string(),
        detail: "Keystone v3 needs `user_domain_name` with `username`".to_owned(),
        from: "`[keystone_auth]`".to_owned(),
    })?;
    let request = Request {
        method: Method::Post,
        url,
        headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: Some(body),
        scope: target.label(),
    };
    let errand = Errand {
        service: Service::Identity,
        scope,
        repeat_timeouts: true,
    };
    let clock = session.inner.clock.as_ref();
    let mut attempts = Attempts::start(clock);
    let asked = session
        .ask(&request, &errand, &mut attempts, |response| {
            let body: Value = answer::json(response)?;
            Token::from_response(response, &body, clock.now()).map_err(|bad| BadBody::Shape {
                path: bad.path.to_owned(),
                detail: bad.detail,
            })
        })
        .await;
    let token = match asked {
        // Keystone's one 404 here is for an application credential by an id
        // that is gone; any other means that there is no Keystone.
        Err(ApiError::NotFound { message, call }) => {
            return Err(if message.contains("Application Credential") {
                ApiError::Unauthorized { message, call }
            } else {
                ApiError::BadUrl {
                    url: session.inner.settings.login.auth_url.to_string(),
                    detail: format!("no Keystone of version 3 answers {call}: {message}"),
                    from: "`auth_url` in `[keystone_auth]`".to_owned(),
                }
            });
        }
        asked => asked?,
    };
    session.inner.tokens.proven.store(true, Ordering::Release);
    Ok(token)
}

/// Keystone's version 3. Looked up once, where `auth_type` says so.
pub async fn base(session: &Session) -> Result<Url, ApiError> {
    let cell = &session.inner.tokens.base;
    cell.get_or_try_init(|| discover(session)).await.cloned()
}

async fn discover(session: &Session) -> Result<Url, ApiError> {
    let login = &session.inner.settings.login;
    let auth_url = &login.auth_url;
    let by_rule = discovery::v3_base(auth_url);
    let generic = matches!(login.method, LoginMethod::Generic(_));
    if !generic || discovery::names_v3(auth_url) {
        return Ok(by_rule);
    }
    let request = Request {
        method: Method::Get,
        url: auth_url.clone(),
        headers: get_headers(None, Service::Identity, None),
        body: None,
        scope: "none".to_owned(),
    };
    let errand = Errand {
        service: Service::Identity,
        scope: &Scope::Unscoped,
        repeat_timeouts: true,
    };
    let mut attempts = Attempts::start(session.inner.clock.as_ref());
    let document: Result<Value, ApiError> = session
        .ask(&request, &errand, &mut attempts, answer::json)
        .await;
    match document {
        Ok(document) => match discovery::read(&document, auth_url) {
            Found::V3(base) => Ok(base),
            Found::Nothing => Ok(by_rule),
            Found::Others(ids) => Err(ApiError::BadUrl {
                url: auth_url.to_string(),
                detail: format!(
                    "that Keystone has no version 3, only {}; versions before Queens are not supported",
                    ids.join(", ")
                ),
                from: "`auth_url` in `[keystone_auth]`".to_owned(),
            }),
        },
        // Keystone is away, or not to be trusted: no other path changes that.
        Err(error) if error.is_outage() || matches!(error, ApiError::Unrecorded { .. }) => {
            Err(error)
        }
        // Some sites open `/v3` alone.
        Err(error) => {
            tracing::debug!("no version document, so `/v3` is appended: {error}");
            Ok(by_rule)
        }
    }
}
