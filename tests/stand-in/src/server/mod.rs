//! A server: its row as Nova has it ([`Server`]), what happens to it (`life.rs`), and
//! the servers of a project with their orders (`list.rs`).

mod life;
mod list;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ids;
use crate::plan::Flavor;
use crate::time::epoch;

pub use list::Servers;

/// One row of Nova's `instances`.
#[derive(Clone, Debug)]
pub struct Server {
    pub id: String,
    pub name: String,
    pub user_id: String,
    pub flavor_id: String,
    /// The copy of the flavor that Nova keeps with the server (microversion
    /// 2.47 shows it). `None`: as the flavor is now.
    pub embedded: Option<Flavor>,
    /// `None` for a boot from volume.
    pub image_id: Option<String>,
    /// Nova's word: `active`, `building`, `stopped`, `deleted`, …
    pub vm_state: String,
    pub task_state: Option<String>,
    pub created: i64,
    pub launched: Option<i64>,
    pub terminated: Option<i64>,
    pub updated: i64,
    pub floating_ips: Vec<String>,
    /// Fields of its row that are not as they should be.
    pub odd: BTreeMap<String, Value>,
    /// The database of its cell is away.
    pub in_down_cell: bool,
    /// No list has it, and Nova fails when it is asked for: its row is broken.
    pub fails: bool,
    /// By how many seconds the clock of its compute host is ahead: that host writes when it
    /// was launched and terminated.
    pub host_clock_ahead: i64,
}

impl Server {
    /// Server `n` of project `project`, active since it was created on
    /// 2026-10-01 at `n` minutes past midnight.
    pub fn numbered(project: usize, n: usize) -> Self {
        let created = epoch("2026-10-01") + 60 * n as i64;
        Server {
            id: ids::server_id(project, n),
            name: format!("vm-{project}-{n}"),
            user_id: ids::user_id(n % 5),
            flavor_id: ids::flavor_id(n % 4),
            embedded: None,
            image_id: Some(ids::image_id(n % 3)),
            vm_state: "active".into(),
            task_state: None,
            created,
            launched: Some(created + 30),
            terminated: None,
            updated: created + 30,
            floating_ips: Vec::new(),
            odd: BTreeMap::new(),
            in_down_cell: false,
            fails: false,
            host_clock_ahead: 0,
        }
    }

    /// The API's word for the state (`nova/api/openstack/common.py`).
    pub fn status(&self) -> &'static str {
        match (self.vm_state.as_str(), self.task_state.as_deref()) {
            ("active", Some("rebooting" | "reboot_pending" | "reboot_started")) => "REBOOT",
            ("active", Some("rebooting_hard" | "reboot_started_hard")) => "HARD_REBOOT",
            ("active", Some("updating_password")) => "PASSWORD",
            ("active", Some("rebuilding")) => "REBUILD",
            ("active", Some("migrating")) => "MIGRATING",
            ("active" | "stopped", Some("resize_prep" | "resize_migrating" | "resize_finish")) => {
                "RESIZE"
            }
            ("active", _) => "ACTIVE",
            ("building", _) => "BUILD",
            ("stopped", _) => "SHUTOFF",
            ("resized", _) => "VERIFY_RESIZE",
            ("paused", _) => "PAUSED",
            ("suspended", _) => "SUSPENDED",
            ("rescued", _) => "RESCUE",
            ("error", _) => "ERROR",
            ("deleted", _) => "DELETED",
            ("soft-delete", _) => "SOFT_DELETED",
            ("shelved", _) => "SHELVED",
            ("shelved_offloaded", _) => "SHELVED_OFFLOADED",
            _ => "UNKNOWN",
        }
    }
}
