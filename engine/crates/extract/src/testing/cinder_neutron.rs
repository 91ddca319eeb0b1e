//! Cinder's and Neutron's lists, with their own rules for markers: Cinder
//! answers 404 to one that is gone, Neutron begins anew.

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// Volume `n` of project `p1`, of that many GiB, created `n` seconds after the
/// window began.
pub fn volume(n: u32, size: u64) -> Value {
    json!({
        "id": uuid(n), "name": format!("vol-{n}"), "size": size, "status": "available",
        "user_id": "alice", "volume_type": "__DEFAULT__", "availability_zone": "nova",
        "created_at": spell(WINDOW.start + i64::from(n)) + ".000000",
        "updated_at": null, "attachments": [], "os-vol-tenant-attr:tenant_id": "p1",
    })
}

/// Floating IP `n` of project `p1`, held since the window began.
pub fn floating_ip(n: u32, address: &str) -> Value {
    json!({
        "id": uuid(n), "floating_ip_address": address, "status": "DOWN",
        "tenant_id": "p1", "project_id": "p1", "created_at": spell(WINDOW.start) + "Z",
    })
}

pub fn uuid(n: u32) -> String {
    Uuid::from_u128(u128::from(n)).to_string()
}

impl Cloud {
    pub(super) fn list_volumes(&self, call: &Call, project: &str) -> Reply {
        assert_eq!(project, call.project, "Malformed request url");
        assert!(
            call.query
                .keys()
                .all(|key| key == "limit" || key == "marker"),
            "Cinder ignores it for some, and shows nothing to others: {call:?}"
        );
        let rows: Vec<&Value> = self
            .volumes
            .iter()
            .filter(|row| row["os-vol-tenant-attr:tenant_id"] == project || row["stray"] == true)
            .collect();
        let from = match call.query("marker") {
            None => 0,
            Some(marker) => match rows.iter().position(|row| row["id"] == marker) {
                Some(place) => place + 1,
                None => return status(404),
            },
        };
        self.page(call, "volumes", &rows, from)
    }

    pub(super) fn list_floating_ips(&self, call: &Call) -> Reply {
        let rows: Vec<&Value> = self
            .floating_ips
            .iter()
            .filter(|row| self.sees_all_networks || row["tenant_id"] == call.project)
            .filter(|row| {
                call.query("project_id")
                    .is_none_or(|id| row["tenant_id"] == id)
                    || row["stray"] == true
            })
            .collect();
        let from = call.query("marker").map_or(0, |marker| {
            let place = rows.iter().position(|row| row["id"] == marker);
            place.map_or(0, |place| place + 1)
        });
        self.page(call, "floatingips", &rows, from)
    }

    fn page(&self, call: &Call, name: &str, rows: &[&Value], from: usize) -> Reply {
        let limit = call.limit(self.max_limit);
        let page: Vec<&Value> = rows.iter().skip(from).take(limit).copied().collect();
        let mut body = json!({name: page});
        if page.len() == limit {
            let last = page[limit - 1]["id"].as_str().unwrap_or_default();
            let href = format!("http://internal{}?limit={limit}&marker={last}", call.path);
            body[format!("{name}_links")] = json!([{"rel": "next", "href": href}]);
        }
        ok(body)
    }
}

fn spell(time: i64) -> String {
    let time = chrono::DateTime::from_timestamp(time, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}
