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

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, OnceCell};

use super::super::error::Call;
use super::super::identity::credentials::Target;
use super::super::identity::discovery::Keystone;
use super::super::identity::token::Token;
use super::super::{ApiError, Scope, Service};
use super::Session;
use super::federation::Federation;
use super::login::{self, Wanted};
use caso_login::{DomainRef, LoginMethod, ProjectChoice};

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
    /// Which Keystone answers, see [`login::keystone`].
    pub(super) keystone: OnceCell<Keystone>,
    pub(super) federation: Federation,
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
        return post(session, Wanted::new(scope, &Target::Unsaid))
            .await
            .map_err(|error| refuse(session, error));
    }
    match scope {
        Scope::System => system(session, step).await,
        Scope::Unscoped => post(session, Wanted::new(scope, &Target::Unscoped))
            .await
            .map_err(|error| refuse(session, error)),
        Scope::Project(id) => {
            let target = Target::Project(ProjectChoice::Id(id.clone()));
            match post(session, Wanted::new(scope, &target)).await {
                Err(error) => Err(project_refused(session, scope, id, error).await),
                token => token,
            }
        }
    }
}

/// The system, or what is left of it. Version 2.0 does not have it at all.
async fn system(session: &Session, step: &mut usize) -> Result<Token, ApiError> {
    let v3 = matches!(login::keystone(session).await?, Keystone::V3(_));
    let mut targets: Vec<Target> = v3.then_some(Target::System).into_iter().collect();
    targets.extend(login::configured(session).await?);
    targets.push(Target::Unsaid);
    let refused = &session.inner.tokens.system_refused;
    if !v3 {
        refused.store(true, Ordering::Relaxed);
    }
    let mut failure: Option<ApiError> = None;
    for (at, target) in targets.iter().enumerate().skip(*step) {
        let wanted = Wanted {
            scope: &Scope::System,
            target,
            // Who was away just now need not be waited for again.
            patient: !failure.as_ref().is_some_and(ApiError::is_outage),
        };
        match post(session, wanted).await {
            Ok(token) => {
                *step = at;
                if at > 0 && !refused.swap(true, Ordering::Relaxed) {
                    tracing::debug!(
                        "{} gets no token for the system; going on with one for {}: {}",
                        session.inner.settings.login.who(),
                        target.label(),
                        failure.map(|error| error.to_string()).unwrap_or_default(),
                    );
                }
                return Ok(token);
            }
            // Away all the same: the first to say so waited longest for it.
            Err(error)
                if error.is_outage() && failure.as_ref().is_some_and(ApiError::is_outage) => {}
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
/// 403, 400 where system scope is unknown (before Queens), 500 where it breaks
/// them (a federated user's), and whatever else a proxy makes of that. No
/// answer at all is no "no".
fn says_no(error: &ApiError) -> bool {
    match error {
        ApiError::Unauthorized { .. } | ApiError::Forbidden { .. } => true,
        ApiError::Status { status, .. } => *status == 400 || *status >= 500,
        _ => false,
    }
}

/// The credentials themselves were refused, if it was a 401: final.
fn refuse(session: &Session, error: ApiError) -> ApiError {
    let ApiError::Unauthorized { message, call } = error else {
        return error;
    };
    let login = &session.inner.settings.login;
    let remedy = match &login.method {
        LoginMethod::Token(_) => {
            "the token has expired, was revoked or is not of this Keystone: put a new one into `token` or `token_file` in `[keystone_auth]`, or log in with an application credential, which does not expire by itself"
        }
        LoginMethod::ApplicationCredential(_) => {
            "check `auth_url` and the credentials in `[keystone_auth]`, and whether the application credential has expired"
        }
        _ => "check `auth_url` and the credentials in `[keystone_auth]`",
    };
    let error = ApiError::Credentials {
        by: "Keystone",
        who: login.who(),
        message,
        remedy: remedy.to_owned(),
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
        && let Err(error) = post(session, Wanted::new(scope, &Target::Unsaid)).await
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
    let target = Target::Project(ProjectChoice::Name {
        name: name.to_owned(),
        domain: domain.clone(),
    });
    let token = match post(session, Wanted::new(&scope, &target)).await {
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
async fn post(session: &Session, wanted: Wanted<'_>) -> Result<Token, ApiError> {
    let tokens = &session.inner.tokens;
    let method = &session.inner.settings.login.method;
    match login::request(session, wanted).await {
        Ok(token) => {
            tokens.proven.store(true, Ordering::Release);
            Ok(token)
        }
        // Keystone's own 404s here are for an application credential by an id
        // that is gone, and for a token that it never gave; any other means
        // that there is no Keystone.
        Err(ApiError::NotFound { message, call }) => {
            let by_token = matches!(method, LoginMethod::Token(_) | LoginMethod::Oidc(_));
            let own = message.contains("Application Credential")
                || by_token && message.to_lowercase().contains("token");
            Err(if own {
                ApiError::Unauthorized { message, call }
            } else {
                no_keystone(session, &message, &call)
            })
        }
        // Found out on the way: final, like a wrong password.
        Err(error @ ApiError::Credentials { .. }) => {
            let _ = tokens.refused.set(error.clone());
            Err(error)
        }
        Err(error) => Err(error),
    }
}

fn no_keystone(session: &Session, message: &str, call: &Call) -> ApiError {
    let method = &session.inner.settings.login.method;
    let (version, hint) = match method {
        LoginMethod::V2Password(_) => (
            "2.0",
            "; newer ones have version 3: set `auth_type = v3password`, `user_domain_name` and an `auth_url` that ends with `/v3`",
        ),
        _ => ("3", ""),
    };
    ApiError::BadUrl {
        url: session.inner.settings.login.auth_url.to_string(),
        detail: format!("no Keystone of version {version} answers {call}: {message}{hint}"),
        from: "`auth_url` in `[keystone_auth]`".to_owned(),
    }
}
