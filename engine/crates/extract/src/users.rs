//! The names of users, each asked for once a run, as their ids turn up.
//!
//! A few by their ids, one request each ([`FEW`]). Where more are unknown Keystone is asked for its
//! list once, and by id for those that are not on it: of other domains, or behind the place
//! where Keystone cut the list. A list that is whole leaves nobody out; the first who is not on
//! it is asked for by id all the same, since it was Keystone that said so. Where
//! the list is forbidden, or is none, it goes by ids as before.
//!
//! A name is one field of a record, and no reason to lose the record. So a
//! user that Keystone does not know is remembered as such; and the first "you may
//! not" ends the asking for the whole run. But a VM that ended has its last record in
//! this window, and what that lacks nobody adds later: where Keystone is away, or answers
//! with what is no answer, the window waits for the next run. Not for ever: a project that
//! has failed for a day goes on without the names ([`Patience`]), which are counted then
//! and warned of, once.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use caso_base::Message;
use caso_model::notice::Notices;
use caso_model::usage::User;
use caso_openstack::keystone::{self, UserList};
use caso_openstack::{ApiError, Session};

/// So many users of a run are asked for by id before Keystone is asked for its list, which has
/// every user of the cloud.
const FEW: usize = 2;

/// Lookups side by side: enough to hide the way there and back, too few to
/// trouble a Keystone.
const AT_ONCE: usize = 4;

/// After so many lookups in a run that found no Keystone, no more are tried:
/// each costs the session's retries.
const MOST_OUTAGES: usize = 3;

/// What to do where Keystone fails to give a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The window waits: an error.
    Wait,
    /// The project has waited long enough: its records go without the name.
    GoOn,
}

/// Keystone gave no names where it has some.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the names of users cannot be looked up, so its window waits for the next run (after a day of this its records go out \
     with the ids alone): {text}"
)]
pub struct NoNames {
    text: String,
    hint: Option<String>,
}

impl NoNames {
    fn of(error: &ApiError) -> Self {
        NoNames {
            text: error.to_string(),
            hint: error.hint(),
        }
    }

    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// What Keystone said of an id: a name, or that it does not know it.
type Answer = Arc<OnceCell<Option<String>>>;

#[derive(Debug, Default)]
pub struct UserCache {
    answers: Mutex<HashMap<String, Answer>>,
    /// Held by the first who ask, until one answer came: a forbidden lookup
    /// is then one request, and not one for each of those side by side.
    first: tokio::sync::Mutex<()>,
    allowed: AtomicBool,
    stopped: AtomicBool,
    failures: Mutex<Failures>,
    /// How many were asked for by id, so far.
    asked: AtomicUsize,
    /// What Keystone lists; empty where it lists nobody.
    listed: OnceCell<UserList>,
    /// Whether one who is not on a whole list was found to be gone. Held while that is asked.
    proven: tokio::sync::Mutex<Option<bool>>,
    /// Never by list.
    by_id_alone: bool,
}

#[derive(Debug, Default)]
struct Failures {
    /// Those whose records go out without a name: not where the window waits for it.
    users: BTreeSet<String>,
    outages: usize,
    last: Option<NoNames>,
}

impl UserCache {
    /// One that asks for those who are needed alone, each by its id: what is asked is kept, and
    /// nobody else's name belongs into a recording.
    pub fn by_id_alone() -> Self {
        UserCache {
            by_id_alone: true,
            ..UserCache::default()
        }
    }

    /// The users with these ids. Those that could not be asked for are left
    /// out.
    ///
    /// # Errors
    /// Keystone failed to answer, and there is [`Patience`] to wait.
    pub async fn lookup(
        &self,
        session: &Session,
        ids: &BTreeSet<String>,
        patience: Patience,
        warnings: &Notices,
    ) -> Result<Vec<User>, NoNames> {
        self.list_where_many(session, ids).await;
        // Boxed, because the compiler cannot see that a stream of futures with
        // borrowed ids may move between threads.
        let lookups: Vec<BoxFuture<'_, Result<Option<User>, NoNames>>> = ids
            .iter()
            .map(|id| self.name(session, id, patience, warnings).boxed())
            .collect();
        let found: Vec<Option<User>> = futures_util::stream::iter(lookups)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut users: Vec<User> = found.into_iter().flatten().collect();
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(users)
    }

    /// Asks for the list where more are unknown than are worth a request each. Who comes
    /// meanwhile waits for it.
    async fn list_where_many(&self, session: &Session, ids: &BTreeSet<String>) {
        if self.by_id_alone || self.listed.initialized() || self.stopped.load(Ordering::Acquire) {
            return;
        }
        let unknown = {
            let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            let known = |id: &String| answers.get(id).is_some_and(|answer| answer.initialized());
            ids.iter().filter(|id| !known(id)).count()
        };
        let before = self.asked.fetch_add(unknown, Ordering::AcqRel);
        if unknown == 0 || before + unknown <= FEW {
            return;
        }
        let list = || async {
            match keystone::users(session).await {
                Ok(Some(list)) => {
                    self.allowed.store(true, Ordering::Release);
                    list
                }
                Ok(None) => UserList::default(),
                // What this account may not list, or cannot get whole, it may have by id.
                Err(error) => {
                    tracing::debug!("users are looked up one by one: {error}");
                    UserList::default()
                }
            }
        };
        self.listed.get_or_init(list).await;
    }

    /// What the list says of a user, where it has him.
    fn by_list(&self, id: &str, answer: &Answer) -> Option<Option<String>> {
        let name = self.listed.get()?.names.get(id)?.clone();
        // Where another task asks for him it gets the same.
        let _ = answer.set(name.clone());
        Some(name)
    }

    /// Whether the list should have him if he were there.
    fn is_off_a_whole_list(&self, id: &str) -> bool {
        let list = self.listed.get();
        list.is_some_and(|list| list.whole && !list.names.contains_key(id))
    }

    async fn name(
        &self,
        session: &Session,
        id: &str,
        patience: Patience,
        warnings: &Notices,
    ) -> Result<Option<User>, NoNames> {
        let answer = self.answer(id);
        let known = answer.get().cloned();
        let name = match known.or_else(|| self.by_list(id, &answer)) {
            Some(name) => Some(name),
            None => self.ask(session, id, patience, &answer, warnings).await?,
        };
        Ok(name.map(|name| User {
            id: id.to_owned(),
            name,
            attributes: Vec::new(),
        }))
    }

    /// Asks Keystone, unless that has ended. None where the name is to be done without.
    async fn ask(
        &self,
        session: &Session,
        id: &str,
        patience: Patience,
        answer: &Answer,
        warnings: &Notices,
    ) -> Result<Option<Option<String>>, NoNames> {
        let _first = if self.allowed.load(Ordering::Acquire) {
            None
        } else {
            Some(self.first.lock().await)
        };
        if self.stopped.load(Ordering::Acquire) {
            // Perhaps answered while we waited.
            let name = answer.get().cloned();
            return match (name, self.away(), patience) {
                (None, Some(away), Patience::Wait) => Err(away),
                (None, Some(_), Patience::GoOn) => {
                    self.failures().users.insert(id.to_owned());
                    Ok(None)
                }
                (name, _, _) => Ok(name),
            };
        }
        let mut proof = None;
        if self.is_off_a_whole_list(id) {
            let proven = self.proven.lock().await;
            match *proven {
                Some(true) => return Ok(Some(None)),
                Some(false) => {}
                None => proof = Some(proven),
            }
        }
        let asked = answer.get_or_try_init(|| keystone::user_name(session, id));
        match asked.await {
            Ok(name) => {
                self.allowed.store(true, Ordering::Release);
                if let Some(proven) = &mut proof {
                    **proven = Some(name.is_none());
                }
                Ok(Some(name.clone()))
            }
            Err(error) => {
                let waits = patience == Patience::Wait && self.is_passing(&error);
                self.failed((!waits).then_some(id), &error, warnings);
                match waits {
                    true => Err(NoNames::of(&error)),
                    false => Ok(None),
                }
            }
        }
    }

    /// `without`: the user whose records go out without the name.
    fn failed(&self, without: Option<&str>, error: &ApiError, warnings: &Notices) {
        if error.is_forbidden()
            || error.is_unauthorized()
            || matches!(error, ApiError::NoEndpoint { .. })
        {
            self.stopped.store(true, Ordering::Release);
            // Their keys differ, for what a command gives in the one it does not give in the other.
            let (key, remedy) = match error.call() {
                Some(call) if call.url.contains("/v2.0/") => (
                    "users-forbidden-2.0",
                    "Keystone 2.0 shows users to administrators only, so let one of its roles satisfy `admin_required` in Keystone's policy",
                ),
                _ => (
                    "users-forbidden",
                    "give it the role `reader` on the system (Keystone's right `identity:get_user`)",
                ),
            };
            warnings.warn_once(key, || {
                (
                    format!(
                        "this account may not look up users, so records carry no GlobalUserName: {error}"
                    ),
                    remedy,
                )
            });
            return;
        }
        let mut failures = self.failures();
        failures.users.extend(without.map(str::to_owned));
        failures.last = Some(NoNames::of(error));
        if error.is_outage() {
            failures.outages += 1;
            if failures.outages >= MOST_OUTAGES {
                self.stopped.store(true, Ordering::Release);
            }
        }
    }

    /// The last failure, where Keystone failed so often that it is asked no more.
    fn away(&self) -> Option<NoNames> {
        let failures = self.failures();
        let away = failures.outages >= MOST_OUTAGES;
        failures.last.clone().filter(|_| away)
    }

    /// Says, once, how many users are missing in records because Keystone
    /// failed.
    pub fn warn_of_failures(&self, warnings: &Notices) {
        let failures = self.failures();
        let Some(last) = failures
            .last
            .as_ref()
            .filter(|_| !failures.users.is_empty())
        else {
            return;
        };
        let stopped = if self.stopped.load(Ordering::Acquire) {
            ", and no more were looked up"
        } else {
            ""
        };
        warnings.warn_once("users-failed", || {
            let text = format!(
                "{} {} could not be looked up{stopped}, so their records carry the id and no GlobalUserName; the last \
                 error: {}",
                failures.users.len(),
                if failures.users.len() == 1 { "user" } else { "users" },
                last.text
            );
            Message::from(text).hint(last.hint())
        });
    }

    fn answer(&self, id: &str) -> Answer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(id) {
            Some(answer) => answer.clone(),
            None => answers.entry(id.to_owned()).or_default().clone(),
        }
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next run may get an answer: Keystone, or what stands before it, failed, and
    /// said nothing of the user. What fails for one user, and not for others, is that user's.
    fn is_passing(&self, error: &ApiError) -> bool {
        let broken = matches!(
            error,
            ApiError::NotJson { .. }
                | ApiError::Shape { .. }
                | ApiError::Protocol { .. }
                | ApiError::TooLarge { .. }
        );
        let own = error.status().is_some_and(|status| status >= 500);
        error.is_outage() || (broken || own) && !self.allowed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests;
