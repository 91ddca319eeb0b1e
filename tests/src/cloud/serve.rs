//! The running cloud: what it knows, whom it let in, which faults are in
//! force, and every request it has seen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::Response;
use futures_util::stream;
use serde_json::json;
use tokio::runtime::Runtime;

use super::answer::{Answer, compute, identity, image};
use super::fault::{Fault, Faults, Rule};
use super::keystone::{self, Token};
use super::listen::{Certificate, Cut, Door, bind};
use super::plan::{Plan, Project};
use super::request::Seen;
use super::server::Server;
use super::{cinder, glance, keystone_v2, neutron, nova, provider, telemetry, time};

/// A cloud that answers until it is dropped.
pub struct Cloud {
    state: Arc<State>,
    runtime: Option<Runtime>,
}

impl Cloud {
    /// On a free port of the loopback interface.
    pub fn start(plan: Plan) -> Self {
        Cloud::start_at(plan, 0, None).expect("a free port on the loopback interface")
    }

    /// The same behind TLS, with that certificate.
    pub fn start_tls(plan: Plan, certificate: &Certificate) -> Self {
        Cloud::start_at(plan, 0, Some(certificate)).expect("a free port on the loopback interface")
    }

    /// On that port, or on any free one if it is 0.
    pub fn start_at(
        plan: Plan,
        port: u16,
        certificate: Option<&Certificate>,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let (listener, address) = runtime.block_on(bind(port))?;
        let state = Arc::new(State::new(plan, address, certificate.is_some()));
        let router = Router::new().fallback(handle).with_state(state.clone());
        let door = Door {
            listener,
            tls: certificate.map(Certificate::acceptor),
        };
        runtime.spawn(async move {
            axum::serve(door, router.into_make_service_with_connect_info::<Cut>()).await
        });
        Ok(Cloud {
            state,
            runtime: Some(runtime),
        })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.state.base
    }

    /// What goes into `[keystone_auth] auth_url`.
    pub fn auth_url(&self) -> String {
        format!("{}/identity/v3", self.state.base)
    }

    /// From now on, `fault` befalls what `rule` matches.
    pub fn inject(&self, rule: Rule, fault: Fault) {
        lock(&self.state.faults).add(rule, fault);
    }

    /// All well again.
    pub fn heal(&self) {
        lock(&self.state.faults).clear();
    }

    /// Every token issued so far is forgotten.
    pub fn revoke_tokens(&self) {
        lock(&self.state.tokens).clear();
    }

    /// The requests so far, in the order of their arrival.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    /// Forgets the requests so far.
    pub fn forget_seen(&self) {
        lock(&self.state.seen).clear();
    }

    /// How many requests so far have that pattern in method, path and query.
    pub fn count(&self, pattern: &str) -> usize {
        self.seen()
            .iter()
            .filter(|seen| format!("{} {}", seen.method, seen.path).contains(pattern))
            .count()
    }

    /// Changes the cloud: from the next request on it is so.
    pub fn change(&self, change: impl FnOnce(&mut Plan)) {
        self.state.change(change);
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

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

    fn in_region(&self, region: &str) -> Option<World> {
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
    faults: Mutex<Faults>,
    seen: Mutex<Vec<Seen>>,
    issued: AtomicU64,
}

impl State {
    fn new(plan: Plan, address: SocketAddr, tls: bool) -> Self {
        let scheme = if tls { "https" } else { "http" };
        State {
            base: format!("{scheme}://{address}"),
            world: RwLock::new(Arc::new(World {
                plan,
                gone: HashSet::new(),
                deleted: HashMap::new(),
            })),
            tokens: Mutex::default(),
            access_tokens: Mutex::default(),
            faults: Mutex::default(),
            seen: Mutex::default(),
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

    pub fn tokens(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        lock(&self.tokens)
    }

    /// The cloud's own clock.
    pub fn now(&self, world: &World) -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        now.as_secs() as i64 + world.plan.clock_ahead
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

    fn answer(&self, seen: &Seen, body: &[u8]) -> Answer {
        let (service, path) = split(&seen.path);
        match service {
            "identity" | "identity-admin" if self.world().plan.version_2 => {
                keystone_v2::answer(self, seen, body, path, service != "identity")
            }
            "identity" => keystone::answer(self, seen, body, path),
            "oidc" => provider::answer(self, seen, body, path),
            "compute" => nova::answer(self, &self.world(), seen, path),
            "image" => glance::answer(self, seen, path),
            "metric" => telemetry::gnocchi(self, seen, body, path),
            "metering" => telemetry::ceilometer(self, seen, path),
            "volume" => cinder::answer(self, seen, path),
            "network" => neutron::answer(self, seen, path),
            region if region.starts_with("compute-") => {
                let world = self
                    .world()
                    .in_region(region.trim_start_matches("compute-"));
                match world {
                    Some(world) => nova::answer(self, &world, seen, path),
                    None => Answer::html(404, "no such region"),
                }
            }
            _ => Answer::html(404, "<html><body><h1>404 Not Found</h1></body></html>"),
        }
    }

    fn note(&self, seen: Seen) {
        lock(&self.seen).push(seen);
    }

    fn counts(&self) -> Answer {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for seen in lock(&self.seen).iter() {
            *kinds.entry(seen.kind()).or_default() += 1;
        }
        let total: usize = kinds.values().sum();
        Answer::json(200, &json!({"total": total, "kinds": kinds}))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `/compute/v2.1/servers` into `compute` and `/v2.1/servers`; `/api/v1` before it
/// is a front's.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let path = path.trim_start_matches('/');
    let end = path.find('/').unwrap_or(path.len());
    path.split_at(end)
}

async fn handle(
    Shared(state): Shared<Arc<State>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20)
        .await
        .unwrap_or_default();
    let mut seen = Seen::of(&parts);
    // How another process reads and forgets the counts.
    if seen.path == "/stand-in/requests" {
        let answer = state.counts();
        if seen.method == "DELETE" {
            lock(&state.seen).clear();
        }
        return answer.into_response();
    }
    seen.project = state
        .token(&seen)
        .and_then(|token| token.project().map(str::to_owned));
    let due = lock(&state.faults).due(&seen);
    for fault in &due {
        match fault {
            Fault::Never => {
                state.note(seen);
                return std::future::pending().await;
            }
            Fault::Held(gate) => gate.pass().await,
            Fault::Closed => cut.now(),
            Fault::Slow(delay) => tokio::time::sleep(*delay).await,
            Fault::TokenEnds => {
                if let Some(id) = &seen.token {
                    state.tokens().remove(id);
                }
            }
            _ => {}
        }
    }
    let mut answer = state.answer(&seen, &body);
    let mut truncated = false;
    for fault in due {
        match fault {
            Fault::Status(status) => answer = refusal(&seen, status),
            Fault::Refuse {
                status,
                header: (name, value),
            } => answer = refusal(&seen, status).with(name, value),
            Fault::Html => {
                answer = Answer::html(
                    200,
                    "<html><body><h1>Welcome to the network</h1></body></html>",
                )
            }
            Fault::Truncated => truncated = true,
            Fault::Vanish(ids) => {
                let mut world = state.world_to_change();
                Arc::make_mut(&mut world).gone.extend(ids);
            }
            Fault::VanishLast => {
                let mut world = state.world_to_change();
                Arc::make_mut(&mut world)
                    .gone
                    .extend(last_row(&answer.body));
            }
            Fault::Delete(ids) => {
                let mut world = state.world_to_change();
                let now = state.now(&world);
                let deleted = ids.into_iter().map(|id| (id, now));
                Arc::make_mut(&mut world).deleted.extend(deleted);
            }
            Fault::TokenEnds | Fault::Never | Fault::Held(_) | Fault::Closed | Fault::Slow(_) => {}
        }
    }
    answer = answer.with("date", {
        let world = state.world();
        let ahead = match split(&seen.path).0 {
            "compute" => world.plan.nova_clock_ahead,
            _ => 0,
        };
        time::http_date(state.now(&world) + ahead)
    });
    seen.status = answer.status;
    seen.answered_bytes = answer.body.len();
    state.note(seen);
    if truncated {
        half(answer)
    } else {
        answer.into_response()
    }
}

/// The id of the last row of a page.
fn last_row(body: &str) -> Option<String> {
    let page: serde_json::Value = serde_json::from_str(body).ok()?;
    let lists = ["servers", "volumes", "floatingips"];
    let (entries, id) = match lists.iter().find_map(|list| page.get(list)) {
        Some(rows) => (rows, "id"),
        None => (page.pointer("/tenant_usage/server_usages")?, "instance_id"),
    };
    Some(entries.as_array()?.last()?.get(id)?.as_str()?.to_owned())
}

fn refusal(seen: &Seen, status: u16) -> Answer {
    let text = "The server is currently unavailable. Please try again at a later time.";
    match split(&seen.path).0 {
        "identity" => identity(status, text),
        "compute" | "volume" => compute(status, text),
        "network" => identity(status, text),
        _ => image(status, text),
    }
}

/// The proper length, half of the body, and then an end that the HTTP library
/// can only bring about by closing the connection.
fn half(mut answer: Answer) -> Response<Body> {
    let length = answer.body.len();
    let body = std::mem::take(&mut answer.body).into_bytes();
    let first = Bytes::copy_from_slice(&body[..length / 2]);
    let parts = [
        Ok(first),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ];
    let mut response = answer
        .with("content-length", length.to_string())
        .into_response();
    *response.body_mut() = Body::from_stream(stream::iter(parts));
    response
}
