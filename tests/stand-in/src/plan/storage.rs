//! What a project holds beside servers: volumes and floating IPs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ids;
use crate::time::epoch;

/// A row of Cinder's `volumes`.
#[derive(Clone, Debug)]
pub struct Volume {
    pub id: String,
    pub name: Option<String>,
    pub size_gib: u64,
    pub user_id: String,
    pub status: String,
    pub created: i64,
    pub updated: Option<i64>,
    /// Servers, and since when.
    pub attachments: Vec<(String, i64)>,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

impl Volume {
    /// Volume `n` of project `project`, of `n + 1` GiB, free since it was
    /// created on 2026-10-01 at `n` minutes past midnight.
    pub fn numbered(project: usize, n: usize) -> Self {
        let created = epoch("2026-10-01") + 60 * n as i64;
        Volume {
            id: ids::volume_id(project, n),
            name: Some(format!("vol-{project}-{n}")),
            size_gib: n as u64 + 1,
            user_id: ids::user_id(n % 5),
            status: "available".into(),
            created,
            updated: Some(created + 5),
            attachments: Vec::new(),
            odd: BTreeMap::new(),
        }
    }
}

/// A row of Neutron's `floatingips`.
#[derive(Clone, Debug)]
pub struct FloatingIp {
    pub id: String,
    pub address: String,
    pub created: i64,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

impl FloatingIp {
    /// Floating IP `n` of project `project`, held since 2026-10-01.
    pub fn numbered(project: usize, n: usize, address: &str) -> Self {
        FloatingIp {
            id: ids::floating_ip_id(project, n),
            address: address.into(),
            created: epoch("2026-10-01"),
            odd: BTreeMap::new(),
        }
    }
}
