//! What the cloud knows: its plan, what has become of it since, and whom it let
//! in. Every service answers from here and from nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::keystone::Token;
use crate::plan::{Plan, Project};
use crate::request::Seen;
use crate::server::Server;

/// The plan, and what has become of it since.
#[derive(Clone)]
pub struct World {
    pub plan: Plan,
    gone: HashSet<String>,
    deleted: HashMap<String, i64>,
}

impl World {
    pub fn is_gone(&self, id: &str) -> bool {
        self.gone.contains(id)
    }

    pub fn in_region(&self, region: &str) -> Option<World> {
        Some(World {
            plan: self.plan.in_region(region)?,
            gone: self.gone.clone(),
            deleted: self.deleted.clone(),
        })
    }

    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.plan
            .projects
            .iter()
            .filter(|project| !self.is_gone(&project.id))
    }

    pub fn project(&self, id: &str) -> Option<&Project> {
        self.plan
            .project(id)
            .filter(|project| !self.is_gone(&project.id))
    }

    /// A server, deleted if it was deleted while we were looking.
    pub fn as_it_is(&self, server: Server) -> Server {
        match self.deleted.get(&server.id) {
            Some(at) => server.deleted(*at),
            None => server,
        }
    }
}

pub struct State {
    pub base: String,
    world: RwLock<Arc<World>>,
    tokens: Mutex<HashMap<String, Token>>,
    /// Client and end of each access token of the provider.
    access_tokens: Mutex<HashMap<String, (String, i64)>>,
    issued: AtomicU64,
}

impl State {
    /// `base` is the address that all services stand under.
    pub fn new(plan: Plan, base: String) -> Self {
        State {
            base,
            world: RwLock::new(Arc::new(World {
                plan,
                gone: HashSet::new(),
                deleted: HashMap::new(),
            })),
            tokens: Mutex::default(),
            access_tokens: Mutex::default(),
            issued: AtomicU64::new(1),
        }
    }

    /// As it is now: an answer is of one moment, and no lock is held over it.
    pub fn world(&self) -> Arc<World> {
        let world = self.world.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&world)
    }

    fn world_to_change(&self) -> RwLockWriteGuard<'_, Arc<World>> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        change(&mut Arc::make_mut(&mut self.world_to_change()).plan)
    }

    /// From now on none of this is known any more.
    #[cfg(feature = "loopback")]
    pub fn vanish(&self, ids: impl IntoIterator<Item = String>) {
        Arc::make_mut(&mut self.world_to_change()).gone.extend(ids);
    }

    /// From now on these servers are deleted.
    #[cfg(feature = "loopback")]
    pub fn delete(&self, ids: impl IntoIterator<Item = String>) {
        let mut world = self.world_to_change();
        let now = self.now(&world);
        let deleted = ids.into_iter().map(|id| (id, now));
        Arc::make_mut(&mut world).deleted.extend(deleted);
    }

    pub fn tokens(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        lock(&self.tokens)
    }

    /// The cloud's own clock.
    pub fn now(&self, world: &World) -> i64 {
        let now = world.plan.stopped_at.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.unwrap_or_default().as_secs() as i64
        });
        now + world.plan.clock_ahead
    }

    /// The address in the links of pages: where the services believe they are.
    pub fn link_base<'a>(&'a self, world: &'a World) -> &'a str {
        world.plan.link_base.as_deref().unwrap_or(&self.base)
    }

    pub fn new_token(&self, token: Token) -> String {
        // Long, as Fernet tokens are, and with the characters they have.
        let id = format!(
            "gAAAAAB-{:0>160}_A==",
            self.issued.fetch_add(1, Ordering::Relaxed)
        );
        self.tokens().insert(id.clone(), token);
        id
    }

    /// An opaque access token of the provider.
    pub fn new_access_token(&self, client: &str, expires: i64) -> String {
        let id = format!(
            "access-{:0>36}",
            self.issued.fetch_add(1, Ordering::Relaxed)
        );
        lock(&self.access_tokens).insert(id.clone(), (client.to_owned(), expires));
        id
    }

    /// The client of a living access token: what an introspection tells.
    pub fn introspect(&self, token: &str, now: i64) -> Option<String> {
        let known = lock(&self.access_tokens).get(token).cloned();
        known.and_then(|(client, expires)| (expires > now).then_some(client))
    }

    /// The request's token, if it is one of ours and lives.
    pub fn token(&self, seen: &Seen) -> Option<Token> {
        let token = self.tokens().get(seen.token.as_ref()?).cloned()?;
        (token.expires > self.now(&self.world())).then_some(token)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
