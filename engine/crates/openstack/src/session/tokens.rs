//! One token a scope, however many ask for it at once; a new one before the
//! old one ends, or after a 401.
//!
//! What a refusal means has to be found out ([`super::refusal`]):
//! * The system refused: fall back to what the configuration names, then to
//!   no scope, and remember it.
//! * A project refused: if any token was ever given, it is the project. If
//!   not, one more request without scope decides.
//! * Refused without scope: the credentials are wrong. That is final for the
//!   session; asking on would lock the account at sites that count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, OnceCell};

use super::super::identity::credentials::Target;
use super::super::identity::discovery::Keystone;
use super::super::identity::token::Token;
use super::super::{ApiError, Scope};
use super::Session;
use super::federation::Federation;
use super::login::{self, TokenRequest};
use super::refusal::{other_project, post, project_refused, refuse, says_no};
use caso_login::{DomainRef, ProjectChoice};

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
    /// Whether Keystone ever gave a token for these credentials.
    pub(super) proven: AtomicBool,
    /// That the credentials are wrong: final.
    pub(super) refused: OnceLock<ApiError>,
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
                Err(other_project(session, wanted, own.as_deref()))
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

/// Waits for one's turn, or for the failure of the one before.
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

/// Passes a failure on to those who wait, if it concerns them too.
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
        return post(session, TokenRequest::new(scope, &Target::Unsaid))
            .await
            .map_err(|error| refuse(session, error));
    }
    match scope {
        Scope::System => system(session, step).await,
        Scope::Unscoped => post(session, TokenRequest::new(scope, &Target::Unscoped))
            .await
            .map_err(|error| refuse(session, error)),
        Scope::Project(id) => {
            let target = Target::Project(ProjectChoice::Id(id.clone()));
            match post(session, TokenRequest::new(scope, &target)).await {
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
        let wanted = TokenRequest {
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
        None => other_project(session, "system", None),
    })
}

/// See [`Session::resolve_project`].
pub async fn resolve_project(
    session: &Session,
    name: &str,
    domain: &DomainRef,
) -> Result<String, ApiError> {
    let scope = Scope::Unscoped;
    let tokens = &session.inner.tokens;
    let no_id = |token: &Token| other_project(session, name, token.project.as_deref());
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
    let token = match post(session, TokenRequest::new(&scope, &target)).await {
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
