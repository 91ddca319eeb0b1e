//! What the tests' cloud consists of: projects `p1` and `p2`, flavors `f1` and `f2`,
//! image `i1`, user `alice`. Servers, volumes and addresses have numbers for ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use caso_stand_in::{
    Flavor, FloatingIp, Image, Person, Plan, Project, Seen, Server, Servers, Volume,
};
use serde_json::Value;
use uuid::Uuid;

use super::{NOW, Reply, Stand, WINDOW};

/// Without servers, volumes and addresses.
pub fn plan() -> Plan {
    Plan {
        projects: vec![
            project_with("p1", Vec::new()),
            project_with("p2", Vec::new()),
        ],
        people: vec![Person {
            id: "alice".into(),
            name: "Alice".into(),
        }],
        flavors: vec![flavor("f1"), flavor("f2")],
        images: vec![Image {
            id: "i1".into(),
            name: "i1".into(),
            properties: text([("vmcatcher_event_ad_mpuri", "uri")]),
            ..Image::numbered(0)
        }],
        microversion: 96,
        stopped_at: Some(NOW),
        // Not where we asked: links are followed at the catalog's address.
        link_base: Some("http://internal:8774".into()),
        ..Plan::default()
    }
}

/// A project with the tag and a VO.
pub fn project_with(id: &str, servers: Vec<Server>) -> Project {
    Project {
        id: id.into(),
        name: format!("name-{id}"),
        tags: vec!["caso".into()],
        properties: text([("VO", &format!("vo-{id}"))]),
        enabled: true,
        servers: Servers::Listed(servers),
        volumes: Vec::new(),
        floating_ips: Vec::new(),
        odd: BTreeMap::new(),
    }
}

pub fn flavor(id: &str) -> Flavor {
    Flavor {
        id: id.into(),
        name: format!("name-{id}"),
        vcpus: 2,
        ram_mib: 2048,
        disk_gib: 20,
        ephemeral_gib: 5,
        extra_specs: text([("accounting:benchmark_type", "hepscore")]),
        only_for: None,
    }
}

/// Makes it a server of this flavor, of which it has its own copy.
pub fn of_flavor(server: &mut Server, id: &str) {
    server.flavor_id = id.into();
    server.embedded = Some(Flavor {
        extra_specs: text([("accounting:benchmark_type", "copied")]),
        ..flavor(id)
    });
}

/// Server `n`, which has run since long before the window, unchanged.
pub fn old(n: u32) -> Server {
    let mut server = Server {
        id: uuid(n),
        name: format!("vm-{n}"),
        user_id: "alice".into(),
        image_id: Some("i1".into()),
        created: WINDOW.start - 1_000_000 + i64::from(n),
        launched: Some(WINDOW.start - 900_000),
        updated: WINDOW.start - 900_000,
        ..Server::numbered(1, 0)
    };
    of_flavor(&mut server, "f1");
    server
}

/// One that was created in the window and runs.
pub fn new(n: u32) -> Server {
    Server {
        created: WINDOW.start + i64::from(n),
        launched: Some(WINDOW.start + 60 + i64::from(n)),
        updated: WINDOW.start + 60 + i64::from(n),
        ..old(n)
    }
}

/// Volume `n`, of that many GiB, created `n` seconds after the window began.
pub fn volume(n: u32, size: u64) -> Volume {
    Volume {
        id: uuid(n),
        name: Some(format!("vol-{n}")),
        size_gib: size,
        user_id: "alice".into(),
        created: WINDOW.start + i64::from(n),
        updated: None,
        ..Volume::numbered(1, 0)
    }
}

/// Floating IP `n`, held since the window began.
pub fn floating_ip(n: u32, address: &str) -> FloatingIp {
    FloatingIp {
        id: uuid(n),
        address: address.into(),
        created: WINDOW.start,
        odd: BTreeMap::new(),
    }
}

pub fn uuid(n: u32) -> String {
    Uuid::from_u128(u128::from(n)).to_string()
}

/// Fields of a row that are not as they should be.
pub fn odd(fields: &Value) -> BTreeMap<String, Value> {
    let fields = fields.as_object().unwrap().clone();
    fields.into_iter().collect()
}

fn text<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// A plan that a test starts and changes; what it has is that of `p1`.
pub trait Planned: Sized {
    fn start(self) -> Arc<Stand> {
        self.start_with(|_, _| None)
    }
    /// See [`Stand::start`].
    fn start_with(
        self,
        event: impl FnMut(&Seen, &mut Plan) -> Option<Reply> + Send + 'static,
    ) -> Arc<Stand>;
    fn servers(&mut self) -> &mut Vec<Server>;
    fn server(&mut self, n: u32) -> &mut Server {
        let id = uuid(n);
        let mut servers = self.servers().iter_mut();
        servers.find(|server| server.id == id).unwrap()
    }
    fn volumes(&mut self) -> &mut Vec<Volume>;
    fn floating_ips(&mut self) -> &mut Vec<FloatingIp>;
}

impl Planned for Plan {
    fn start_with(
        self,
        event: impl FnMut(&Seen, &mut Plan) -> Option<Reply> + Send + 'static,
    ) -> Arc<Stand> {
        Stand::start(self, event)
    }

    fn servers(&mut self) -> &mut Vec<Server> {
        match &mut self.projects[0].servers {
            Servers::Listed(servers) => servers,
            other => panic!("the tests list their servers: {other:?}"),
        }
    }

    fn volumes(&mut self) -> &mut Vec<Volume> {
        &mut self.projects[0].volumes
    }

    fn floating_ips(&mut self) -> &mut Vec<FloatingIp> {
        &mut self.projects[0].floating_ips
    }
}
