//! Projects, and the people who own what is in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FloatingIp, Volume};
use crate::ids;
use crate::server::Servers;

#[derive(Clone, Debug)]
pub struct Project {
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
    /// Extra properties, such as `VO`.
    pub properties: BTreeMap<String, String>,
    pub enabled: bool,
    pub servers: Servers,
    pub volumes: Vec<Volume>,
    pub floating_ips: Vec<FloatingIp>,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

impl Project {
    /// Project `n`, tagged `caso`, with the VO `vo-n.example.org`.
    pub fn numbered(n: usize, servers: Servers) -> Self {
        Project {
            id: ids::project_id(n),
            name: format!("project-{n}"),
            tags: vec!["caso".into()],
            properties: BTreeMap::from([("VO".into(), format!("vo-{n}.example.org"))]),
            enabled: true,
            servers,
            volumes: Vec::new(),
            floating_ips: Vec::new(),
            odd: BTreeMap::new(),
        }
    }
}

/// A user who owns servers (and need not be able to log in).
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
}

impl Person {
    pub fn numbered(n: usize) -> Self {
        Person {
            id: ids::user_id(n),
            name: format!("user-{n}"),
        }
    }
}
