//! A cloud of a few lines for the tests of this room: Keystone, Nova, Glance,
//! Cinder and Neutron as they behave towards a reader, with rows that a test can take away
//! between two requests.

mod apis;
mod cinder_neutron;
pub mod prometheus;

pub use cinder_neutron::{floating_ip, uuid, volume};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::*;
use caso_base::PinnedClock;
use caso_login::{DomainRef, Login, LoginMethod, PasswordLogin, UserRef};
use caso_model::secret::Secret;
use caso_net::Transport;
use caso_net::{Request, Response, TransportError};
use caso_openstack::{RetryPolicy, SessionSettings};

/// When the tests' run begins, and their window.
pub const NOW: i64 = 1_795_000_000;
pub const WINDOW: Window = Window {
    start: 1_790_000_000,
    end: 1_794_000_000,
};

pub type Reply = Result<Response, TransportError>;
type Event = Box<dyn FnMut(&Call, &mut Cloud) -> Option<Reply> + Send>;

/// A request, as the cloud sees it.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub project: String,
    pub version: (u16, u16),
    /// The question of a search.
    pub body: Value,
    /// All parameters in their order: Ceilometer's come three by three.
    pub pairs: Vec<(String, String)>,
}

impl Call {
    pub fn asks(&self, path: &str) -> bool {
        self.path.contains(path)
    }

    pub fn query(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    fn limit(&self, most: usize) -> usize {
        let asked = self.query("limit").map(|text| text.parse().unwrap());
        asked.unwrap_or(most).min(most)
    }
}

/// A row of Nova's, as its database has it.
#[derive(Debug, Clone)]
pub struct VirtualMachine {
    pub id: Uuid,
    pub project: String,
    pub user: String,
    pub flavor: String,
    pub image: Option<String>,
    pub created: i64,
    pub launched: Option<i64>,
    pub terminated: Option<i64>,
    pub updated: i64,
    pub status: &'static str,
    /// Of its flavor, says the usage API.
    pub vcpus: u32,
    /// The database with its row is away.
    pub in_down_cell: bool,
    /// Replaces fields of its row in `servers/detail`.
    pub odd: Value,
}

impl VirtualMachine {
    /// One that has run since long before the window, unchanged.
    pub fn old(n: u32) -> VirtualMachine {
        VirtualMachine {
            id: Uuid::from_u128(u128::from(n)),
            project: "p1".into(),
            user: "alice".into(),
            flavor: "f1".into(),
            image: Some("i1".into()),
            created: WINDOW.start - 1_000_000 + i64::from(n),
            launched: Some(WINDOW.start - 900_000),
            terminated: None,
            updated: WINDOW.start - 900_000,
            status: "ACTIVE",
            vcpus: 2,
            in_down_cell: false,
            odd: json!({}),
        }
    }

    /// One that was created in the window and runs.
    pub fn new(n: u32) -> VirtualMachine {
        VirtualMachine {
            created: WINDOW.start + i64::from(n),
            launched: Some(WINDOW.start + 60 + i64::from(n)),
            updated: WINDOW.start + 60 + i64::from(n),
            ..VirtualMachine::old(n)
        }
    }

    pub fn delete(&mut self, time: i64) {
        self.terminated = Some(time);
        self.updated = time;
        self.status = "DELETED";
    }

    fn deleted(&self) -> bool {
        self.status == "DELETED"
    }
}

/// All there is, open to a test's events.
pub struct Cloud {
    pub machines: Vec<VirtualMachine>,
    pub flavors: Vec<Value>,
    pub images: Vec<Value>,
    pub users: BTreeMap<String, String>,
    pub projects: Vec<Value>,
    /// Cinder's rows, newest first.
    pub volumes: Vec<Value>,
    /// Neutron's rows, by id.
    pub floating_ips: Vec<Value>,
    /// Neutron takes the account for an administrator: it is shown all that
    /// it does not ask to be left out.
    pub sees_all_networks: bool,
    /// Catalog types of services that the cloud does without.
    pub lacks: Vec<&'static str>,
    pub max_limit: usize,
    pub newest: (u16, u16),
    /// The account has a role on the system.
    pub system: bool,
    /// Type and path of further services, which a test answers for.
    pub more: Vec<(&'static str, &'static str)>,
    pub log: Vec<String>,
}

/// The cloud behind a session.
pub struct Stand {
    cloud: Mutex<Cloud>,
    event: Mutex<Event>,
}

pub fn flavor(id: &str, public: bool) -> Value {
    json!({"id": id, "name": format!("name-{id}"), "vcpus": 2, "ram": 2048, "disk": 20,
        "OS-FLV-EXT-DATA:ephemeral": 5, "os-flavor-access:is_public": public,
        "extra_specs": {"accounting:benchmark_type": "hepscore"}})
}

pub fn image(id: &str) -> Value {
    json!({"id": id, "name": id, "visibility": "public", "vmcatcher_event_ad_mpuri": "uri"})
}

impl Default for Cloud {
    fn default() -> Self {
        Cloud {
            machines: Vec::new(),
            flavors: vec![flavor("f1", true), flavor("f2", true)],
            images: vec![image("i1")],
            users: BTreeMap::from([("alice".into(), "Alice".into())]),
            projects: ["p1", "p2"]
                .map(|id| {
                    json!({"id": id, "name": format!("name-{id}"), "domain_id": "default",
                        "tags": ["caso"], "VO": format!("vo-{id}")})
                })
                .to_vec(),
            volumes: Vec::new(),
            floating_ips: Vec::new(),
            sees_all_networks: false,
            lacks: Vec::new(),
            max_limit: 1000,
            newest: (2, 96),
            system: true,
            more: Vec::new(),
            log: Vec::new(),
        }
    }
}

impl Cloud {
    pub fn start(self) -> Arc<Stand> {
        self.start_with(|_, _| None)
    }

    /// `event` sees every request first, and may change the cloud or answer.
    pub fn start_with(
        self,
        event: impl FnMut(&Call, &mut Cloud) -> Option<Reply> + Send + 'static,
    ) -> Arc<Stand> {
        Arc::new(Stand {
            cloud: Mutex::new(self),
            event: Mutex::new(Box::new(event)),
        })
    }

    pub fn machine(&mut self, n: u32) -> &mut VirtualMachine {
        let id = Uuid::from_u128(u128::from(n));
        self.machines.iter_mut().find(|vm| vm.id == id).unwrap()
    }
}

pub fn ok(body: Value) -> Reply {
    Ok(Response {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    })
}

pub fn status(status: u16) -> Reply {
    Ok(Response {
        status,
        headers: vec![("content-type".into(), "text/html".into())],
        body: b"<html>no</html>".to_vec(),
    })
}

pub fn timeout() -> Reply {
    Err(TransportError::Timeout("test".into()))
}

impl Stand {
    pub fn context(self: &Arc<Self>) -> ExtractContext {
        let mut settings = SessionSettings::new(Login {
            auth_url: "http://cloud/v3".parse().unwrap(),
            method: LoginMethod::Password(PasswordLogin {
                user: UserRef::Name {
                    name: "accounting".into(),
                    domain: DomainRef::Id("default".into()),
                },
                password: Secret::new("secret"),
            }),
            configured: None,
            project_domain: None,
        });
        settings.retry = RetryPolicy {
            retries: 1,
            ..RetryPolicy::default()
        };
        ExtractContext {
            session: Session::new(settings, self.clone(), Arc::new(PinnedClock::at(NOW))),
            caches: Arc::new(RunCaches::default()),
            page_size: 1000,
            now: NOW,
            counters: CounterOptions::default(),
            ip_records_for_past_windows: false,
            without_names: Arc::default(),
            power: None,
        }
    }

    pub fn change(&self, happen: impl FnOnce(&mut Cloud)) {
        happen(&mut self.cloud.lock().unwrap());
    }

    pub fn log(&self) -> Vec<String> {
        self.cloud.lock().unwrap().log.clone()
    }

    /// How often something was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.log().iter().filter(|line| line.contains(path)).count()
    }

    fn token(&self, request: &Request, cloud: &Cloud) -> Response {
        let mut token = json!({"expires_at": "2099-01-01T00:00:00.000000Z"});
        match request.scope.split_once(':') {
            Some(("project", id)) if cloud.projects.iter().any(|p| p["id"] == id) => {
                token["project"] = json!({"id": id});
                let cinder = format!("cinder/v3/{id}");
                token["catalog"] = [
                    ("compute", "nova/v2.1"),
                    ("image", "glance"),
                    ("block-storage", &cinder),
                    ("network", "neutron"),
                ]
                .iter()
                .chain(&cloud.more)
                .filter(|(kind, _)| !cloud.lacks.contains(kind))
                .map(|(kind, path)| {
                    json!({"type": kind, "endpoints": [
                        {"interface": "public", "url": format!("http://cloud/{path}")}]})
                })
                .collect();
            }
            Some(_) => return status(401).unwrap(),
            None if request.scope == "system" && !cloud.system => return status(401).unwrap(),
            None => {
                token["catalog"] = json!([{"type": "identity", "endpoints": [
                        {"interface": "public", "url": "http://cloud/v3"}]}])
            }
        }
        Response {
            status: 201,
            headers: vec![("x-subject-token".into(), request.scope.clone())],
            body: json!({"token": token}).to_string().into_bytes(),
        }
    }
}

impl Transport for Stand {
    fn send(&self, request: Request) -> BoxFuture<'_, Reply> {
        let mut cloud = self.cloud.lock().unwrap();
        cloud.log.push(format!("{} {}", request.scope, request.url));
        if request.url.path().ends_with("/auth/tokens") {
            return ready(Ok(self.token(&request, &cloud))).boxed();
        }
        let call = call(&request.url, &request);
        let answer = (self.event.lock().unwrap())(&call, &mut cloud);
        ready(answer.unwrap_or_else(|| cloud.answer(&call))).boxed()
    }
}

fn call(url: &Url, request: &Request) -> Call {
    let version = request
        .header("openstack-api-version")
        .map_or((2, 1), |text| {
            let (major, minor) = text
                .strip_prefix("compute ")
                .unwrap()
                .split_once('.')
                .unwrap();
            (major.parse().unwrap(), minor.parse().unwrap())
        });
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let query: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert!(
        query.len() == pairs.len() || query.contains_key("q.field"),
        "a parameter twice: {url}"
    );
    Call {
        path: url.path().to_owned(),
        query,
        project: request
            .scope
            .strip_prefix("project:")
            .unwrap_or_default()
            .to_owned(),
        version,
        body: request
            .body
            .as_deref()
            .map_or(Value::Null, |body| serde_json::from_str(body).unwrap()),
        pairs,
    }
}

/// Takes pages and keeps them, as only a test may.
#[derive(Default)]
pub struct Kept(pub Vec<Page>);

impl PageSink for Kept {
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        self.0.push(page);
        ready(Ok(())).boxed()
    }
}

impl Kept {
    pub fn servers(&self) -> Vec<&caso_model::usage::Server> {
        let items = self.0.iter().flat_map(|page| &page.items);
        items
            .map(|item| match item {
                UsageItem::Server(server) => server,
                other => panic!("not a server: {other:?}"),
            })
            .collect()
    }

    /// Numbers of the servers, in order. Fails if one comes twice.
    pub fn numbers(&self) -> Vec<u128> {
        let mut numbers: Vec<u128> = self
            .servers()
            .iter()
            .map(|server| server.id.parse::<Uuid>().unwrap().as_u128())
            .collect();
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "a server twice");
        numbers
    }

    pub fn volumes(&self) -> Vec<&caso_model::usage::Volume> {
        let items = self.0.iter().flat_map(|page| &page.items);
        items
            .map(|item| match item {
                UsageItem::Volume(volume) => volume,
                other => panic!("not a volume: {other:?}"),
            })
            .collect()
    }

    /// How many items all pages have.
    pub fn count(&self) -> usize {
        self.0.iter().map(|page| page.items.len()).sum()
    }

    pub fn errors(&self) -> Vec<String> {
        let errors = self.0.iter().flat_map(|page| &page.errors);
        errors.map(ToString::to_string).collect()
    }
}

pub fn project(id: &str) -> ProjectRef {
    ProjectRef {
        id: id.into(),
        configured: None,
        name: None,
        vo: "vo".into(),
    }
}
