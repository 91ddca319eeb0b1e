//! Servers: in detail, in brief, and one alone.

use serde_json::{Value, json};

use super::{Call, unknown_marker};
use crate::answer::{Answer, compute, put};
use crate::server::Server;
use crate::time::{changes_since, instant, micros};

impl Call<'_> {
    pub(super) fn servers(&self) -> Result<Value, Answer> {
        if self.seen.param("all_tenants").is_some_and(|all| all != "0") {
            return Err(compute(
                403,
                "Policy doesn't allow os_compute_api:servers:detail:get_all_tenants to be performed.",
            ));
        }
        let date = |name: &str| {
            match self.seen.param(name) {
            None => Ok(None),
            Some(text) => changes_since(text).map(Some).ok_or_else(|| {
                compute(
                    400,
                    &format!("Invalid input for query parameters {name}. Value: {text}. '{text}' is not a 'date-time'"),
                )
            }),
        }
        };
        let since = date("changes-since")?;
        let before = if self.minor >= 66 {
            date("changes-before")?
        } else {
            None
        };
        let limit = self.limit()?;
        let marker = self.seen.param("marker");
        let Some(page) = self
            .project()
            .and_then(|servers| match self.world.plan.lists_by_update {
                true => servers.last_touched_first(marker),
                false => servers.newest_first(marker),
            })
            .filter(|_| self.marker_known(marker) && self.marker_taken(marker))
        else {
            return Err(unknown_marker(marker));
        };
        let found: Vec<Server> = page
            .filter(|server| !self.world.is_gone(&server.id))
            .map(|server| self.world.as_it_is(server))
            .filter(|server| match since {
                Some(since) => server.updated >= since,
                // A soft-deleted one is in a list of changes only.
                None => !server.is_deleted() && server.vm_state != "soft-delete",
            })
            .filter(|server| !server.in_down_cell && !server.fails)
            .filter(|server| before.is_none_or(|before| server.updated <= before))
            .take(limit)
            .collect();
        let last = found.last().map(|server| server.id.clone());
        let bodies: Vec<Value> = found
            .iter()
            .map(|server| self.server_body(server))
            .collect();
        let mut body = json!({"servers": bodies});
        if let Some(last) = last.filter(|_| found.len() == limit) {
            body["servers_links"] = self.next("servers/detail", &last);
        }
        Ok(body)
    }

    /// Without limit and filters, from 2.69 on with the servers of cells that are down
    /// (<https://docs.openstack.org/api-guide/compute/down_cells.html>). Servers alone
    /// are all that is asked for so.
    pub(super) fn servers_in_brief(&self) -> Result<Value, Answer> {
        let page = self
            .project()
            .and_then(|servers| servers.newest_first(None));
        let rows = page.into_iter().flatten();
        let is_listed = |server: &Server| !server.is_deleted() && !server.fails;
        let rows = rows.filter(|server| is_listed(server) && !self.world.is_gone(&server.id));
        let brief = |server: Server| {
            let links = json!([{"rel": "self", "href": "http://internal/"}]);
            if !server.in_down_cell {
                return Some(json!({"id": server.id, "name": server.name, "links": links}));
            }
            let shown = self.minor >= 69 && self.seen.param("limit").is_none();
            shown.then(|| json!({"id": server.id, "status": "UNKNOWN", "links": links}))
        };
        Ok(json!({"servers": rows.filter_map(brief).collect::<Vec<_>>()}))
    }

    pub(super) fn server(&self, id: &str) -> Result<Value, Answer> {
        let found = self.project().and_then(|servers| servers.find(id));
        if found.as_ref().is_some_and(|server| server.fails) {
            // `nova.api.openstack.wsgi`: what it says of an exception that nobody expected.
            return Err(compute(
                500,
                "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if \
                 possible.\n<class 'TypeError'>",
            ));
        }
        if found.as_ref().is_some_and(|server| server.in_down_cell) {
            // `nova.compute.api.API._get_instance_from_cell`: a 500, in these words.
            return Err(compute(
                500,
                "Cell 1 is not responding and hence instance info is not available.",
            ));
        }
        found
            .filter(|server| !self.world.is_gone(&server.id))
            .map(|server| self.world.as_it_is(server))
            .filter(|server| !server.is_deleted())
            .map(|server| json!({"server": self.server_body(&server)}))
            .ok_or_else(|| compute(404, &format!("Instance {id} could not be found.")))
    }

    fn server_body(&self, server: &Server) -> Value {
        let base = format!("{}/compute", self.state.base);
        let image = match &server.image_id {
            None => json!(""),
            Some(id) => {
                json!({"id": id, "links": [{"rel": "bookmark", "href": format!("{base}/images/{id}")}]})
            }
        };
        let flavor = match self.booted_from(server) {
            Some(flavor) if self.minor >= 47 => {
                let mut copy = json!({
                    "vcpus": flavor.vcpus, "ram": flavor.ram_mib, "disk": flavor.disk_gib,
                    "ephemeral": flavor.ephemeral_gib, "swap": 0, "original_name": flavor.name,
                });
                if self.token.reads() {
                    copy["extra_specs"] = json!(flavor.extra_specs);
                }
                copy
            }
            _ => json!({"id": server.flavor_id, "links": [
                {"rel": "bookmark", "href": format!("{base}/flavors/{}", server.flavor_id)}]}),
        };
        let mut body = json!({
            "accessIPv4": "", "accessIPv6": "", "addresses": addresses(server),
            "created": instant(server.created), "flavor": flavor,
            "hostId": "2d7b9cb097c633f01b27c400d03184f05d9f47f89f84ce8d4a9bf2e0",
            "id": server.id, "image": image,
            "links": [
                {"rel": "self", "href": format!("{base}/v2.1/servers/{}", server.id)},
                {"rel": "bookmark", "href": format!("{base}/servers/{}", server.id)}],
            "metadata": {}, "name": server.name, "status": server.status(),
            "tenant_id": self.token.project(), "user_id": server.user_id,
            "updated": instant(server.updated), "OS-DCF:diskConfig": "MANUAL", "progress": null,
            "OS-EXT-AZ:availability_zone": "nova", "config_drive": "", "key_name": null,
            "OS-SRV-USG:launched_at": server.launched.map(micros),
            "OS-SRV-USG:terminated_at": server.terminated.map(micros),
            "OS-EXT-STS:task_state": server.task_state, "OS-EXT-STS:vm_state": server.vm_state,
            "OS-EXT-STS:power_state": i32::from(server.vm_state == "active"),
            "os-extended-volumes:volumes_attached": [],
        });
        for (from, key, value) in [
            (9, "locked", json!(false)),
            (19, "description", json!(null)),
            (26, "tags", json!([])),
            (73, "locked_reason", json!(null)),
        ] {
            if self.minor >= from {
                body[key] = value;
            }
        }
        put(&mut body, &server.odd);
        body
    }
}

fn addresses(server: &Server) -> Value {
    if server.is_deleted() || server.launched.is_none() {
        return json!({});
    }
    let address = |addr: &str, kind: &str| {
        let version = if addr.contains(':') { 6 } else { 4 };
        json!({
            "version": version, "addr": addr, "OS-EXT-IPS:type": kind,
            "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01",
        })
    };
    let mut all = vec![address("10.0.0.10", "fixed")];
    all.extend(server.floating_ips.iter().map(|ip| address(ip, "floating")));
    json!({"private": all})
}
