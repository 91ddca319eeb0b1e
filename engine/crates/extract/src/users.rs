//! The names of users, each asked for once a run, as their ids turn up.
//!
//! A name is one field of a record, and no reason to lose the record. So a
//! user that Keystone does not know is remembered as such; the first "you may
//! not" ends the asking for the whole run; and what fails in another way, after
//! the session's own retries, is counted and warned of, once.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::OnceCell;

use caso_model::notice::Notices;
use caso_model::usage::User;
use caso_openstack::{ApiError, Session, keystone};

/// Lookups side by side: enough to hide the way there and back, too few to
/// trouble a Keystone.
const AT_ONCE: usize = 4;

/// After so many lookups in a run that found no Keystone, no more are tried:
/// each costs the session's retries.
const MOST_OUTAGES: usize = 3;

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
}

#[derive(Debug, Default)]
struct Failures {
    users: BTreeSet<String>,
    outages: usize,
    last: Option<String>,
}

impl UserCache {
    /// The users with these ids. Those that could not be asked for are left
    /// out.
    pub async fn lookup(
        &self,
        session: &Session,
        ids: &BTreeSet<String>,
        warnings: &Notices,
    ) -> Vec<User> {
        // Boxed, because the compiler cannot see that a stream of futures with
        // borrowed ids may move between threads.
        let lookups: Vec<BoxFuture<'_, Option<User>>> = ids
            .iter()
            .map(|id| self.name(session, id, warnings).boxed())
            .collect();
        let mut users: Vec<User> = futures_util::stream::iter(lookups)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        users.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        users
    }

    async fn name(&self, session: &Session, id: &str, warnings: &Notices) -> Option<User> {
        let answer = self.answer(id);
        let name = match answer.get().cloned() {
            Some(name) => name,
            None => self.ask(session, id, &answer, warnings).await?,
        };
        Some(User {
            id: id.to_owned(),
            name,
            attributes: Vec::new(),
        })
    }

    /// Asks Keystone, unless that has ended. None where it did not answer.
    async fn ask(
        &self,
        session: &Session,
        id: &str,
        answer: &Answer,
        warnings: &Notices,
    ) -> Option<Option<String>> {
        let _first = if self.allowed.load(Ordering::Acquire) {
            None
        } else {
            Some(self.first.lock().await)
        };
        if self.stopped.load(Ordering::Acquire) {
            // Perhaps answered while we waited.
            return answer.get().cloned();
        }
        let asked = answer.get_or_try_init(|| keystone::user_name(session, id));
        match asked.await {
            Ok(name) => {
                self.allowed.store(true, Ordering::Release);
                Some(name.clone())
            }
            Err(error) => {
                self.failed(id, &error, warnings);
                None
            }
        }
    }

    fn failed(&self, id: &str, error: &ApiError, warnings: &Notices) {
        if error.is_forbidden()
            || error.is_unauthorized()
            || matches!(error, ApiError::NoEndpoint { .. })
        {
            self.stopped.store(true, Ordering::Release);
            warnings.warn_once("users-forbidden", || {
                let remedy = match error.call() {
                    Some(call) if call.url.contains("/v2.0/") => {
                        "Keystone 2.0 shows users to administrators only, so let one of its roles satisfy `admin_required` in Keystone's policy"
                    }
                    _ => {
                        "give it the role `reader` on the system (Keystone's right `identity:get_user`)"
                    }
                };
                format!(
                    "this account may not look up users, so records carry no GlobalUserName; {remedy}: {error}"
                )
            });
            return;
        }
        let mut failures = self.failures();
        failures.users.insert(id.to_owned());
        failures.last = Some(error.to_string());
        if error.is_outage() {
            failures.outages += 1;
            if failures.outages >= MOST_OUTAGES {
                self.stopped.store(true, Ordering::Release);
            }
        }
    }

    /// Says, once, how many users are missing in records because Keystone
    /// failed.
    pub fn warn_of_failures(&self, warnings: &Notices) {
        let failures = self.failures();
        let Some(last) = &failures.last else { return };
        let stopped = if self.stopped.load(Ordering::Acquire) {
            ", and no more were looked up"
        } else {
            ""
        };
        warnings.warn_once("users-failed", || {
            format!(
                "{} users could not be looked up{stopped}, so their records carry no GlobalUserName; the last error: {last}",
                failures.users.len()
            )
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
}
