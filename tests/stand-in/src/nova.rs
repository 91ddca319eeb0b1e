//! Nova v2.1: version documents, servers, flavors, usage, each in the shape
//! that its microversion gives it.
//! <https://docs.openstack.org/api-ref/compute/#list-servers-detailed>,
//! <https://docs.openstack.org/api-ref/compute/#show-server-details>,
//! <https://docs.openstack.org/api-ref/compute/#show-usage-statistics-for-tenant>,
//! <https://docs.openstack.org/api-ref/compute/#list-flavors-with-details>,
//! <https://docs.openstack.org/api-ref/compute/#list-extra-specs-for-a-flavor>
//!
//! Three habits of Nova's matter to whoever pages through it. A page is never
//! longer than `[api]max_limit`. A page that is exactly full carries a link to
//! the next one even if nothing follows. And the usage call pages only from
//! 2.40 on: below, it stops at `max_limit` without a word, and its links go
//! through the form of URL that has the project in it twice.

use serde_json::{Value, json};

use crate::answer::{Answer, compute, put, unauthorized};
use crate::documents;
use crate::keystone::{Scope, Token};
use crate::plan::Flavor;
use crate::request::Seen;
use crate::server::Server;
use crate::state::{State, World};
use crate::time::{changes_since, instant, micros, usage_bound};

pub fn answer(state: &State, world: &World, seen: &Seen, path: &str) -> Answer {
    let newest = world.plan.microversion;
    match path {
        "" | "/" => {
            let old = json!({
                "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
                "updated": "2025-07-04T12:00:00Z",
                "links": [{"rel": "self", "href": format!("{}/compute/v2/", state.base)}],
            });
            return Answer::json(200, &json!({"versions": [old, version(state, newest)]}));
        }
        "/v2.1" | "/v2.1/" => {
            return Answer::json(200, &json!({"version": version(state, newest)}));
        }
        _ => {}
    }
    let Some(token) = state.token(seen) else {
        return unauthorized(&format!("{}/identity", state.base));
    };
    let asked = seen.microversion.as_deref().unwrap_or("2.1");
    let answer = match microversion(asked, newest) {
        Some(minor) => Call {
            state,
            world,
            seen,
            token,
            minor,
        }
        .answer(path)
        .with("openstack-api-version", format!("compute 2.{minor}"))
        .with("x-openstack-nova-api-version", format!("2.{minor}")),
        None => compute(
            406,
            &format!(
                "Version {asked} is not supported by the API. Minimum is 2.1 and maximum is 2.{newest}."
            ),
        ),
    };
    answer.with("vary", "OpenStack-API-Version")
}

fn version(state: &State, newest: u32) -> Value {
    documents::compute_version(newest, &format!("{}/compute/v2.1/", state.base))
}

fn microversion(asked: &str, newest: u32) -> Option<u32> {
    if asked == "latest" {
        return Some(newest);
    }
    let minor: u32 = asked.strip_prefix("2.")?.parse().ok()?;
    (1..=newest).contains(&minor).then_some(minor)
}

/// One authenticated request at one microversion.
struct Call<'a> {
    state: &'a State,
    world: &'a World,
    seen: &'a Seen,
    token: Token,
    minor: u32,
}

impl Call<'_> {
    fn answer(&self, path: &str) -> Answer {
        let mut parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        // Nova takes the project's id as the first part and ignores it.
        let project_in_path = parts
            .first()
            .is_some_and(|part| self.token.project() == Some(part));
        if project_in_path {
            parts.remove(0);
        }
        let policy = match parts.as_slice() {
            ["servers", "detail"] => "servers:detail",
            ["servers"] => "servers:index",
            ["servers", _] => "servers:show",
            ["os-simple-tenant-usage", _] => "os-simple-tenant-usage:show",
            ["flavors", _, "os-extra_specs"] => "os-flavor-extra-specs:index",
            ["flavors", _] => "",
            _ => return compute(404, "The resource could not be found."),
        };
        let another = matches!(parts.as_slice(), ["os-simple-tenant-usage", id] if self.token.project() != Some(id));
        let scoped = matches!(self.token.scope, Scope::Project(_));
        if !scoped || another || (!policy.is_empty() && !self.token.reads()) {
            return compute(
                403,
                &format!("Policy doesn't allow os_compute_api:{policy} to be performed."),
            );
        }
        let result = match parts.as_slice() {
            ["servers", "detail"] => self.servers(),
            ["servers"] => self.servers_in_brief(),
            ["servers", id] => self.server(id),
            ["os-simple-tenant-usage", id] => self.usage(id),
            ["flavors", id, "os-extra_specs"] => self
                .flavor(id)
                .map(|flavor| json!({"extra_specs": flavor.extra_specs})),
            ["flavors", "detail"] => self.flavors(),
            ["flavors", id] => self
                .flavor(id)
                .map(|flavor| json!({"flavor": self.flavor_body(flavor)})),
            _ => Err(compute(404, "The resource could not be found.")),
        };
        result.map_or_else(|refusal| refusal, |body| Answer::json(200, &body))
    }

    fn servers(&self) -> Result<Value, Answer> {
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
            .and_then(|servers| servers.newest_first(marker))
            .filter(|_| self.marker_known(marker))
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
            .filter(|server| !server.in_down_cell)
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
    fn servers_in_brief(&self) -> Result<Value, Answer> {
        let page = self
            .project()
            .and_then(|servers| servers.newest_first(None));
        let rows = page.into_iter().flatten();
        let rows = rows.filter(|server| !server.is_deleted() && !self.world.is_gone(&server.id));
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

    fn server(&self, id: &str) -> Result<Value, Answer> {
        let found = self.project().and_then(|servers| servers.find(id));
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

    fn usage(&self, project: &str) -> Result<Value, Answer> {
        let bound = |name: &str, default: i64| match self.seen.param(name) {
            None => Ok(default),
            Some(text) => usage_bound(text).ok_or_else(|| {
                compute(
                    400,
                    "Invalid datetime string: Datetime is in invalid format",
                )
            }),
        };
        let now = self.state.now(self.world);
        let (start, stop) = (bound("start", now)?, bound("end", now)?);
        if start >= stop {
            return Err(compute(
                400,
                "Invalid start time. The start time cannot occur after the end time.",
            ));
        }
        let paged = self.minor >= 40;
        let limit = if paged {
            self.limit()?
        } else {
            self.world.plan.max_limit
        };
        let marker = self.seen.param("marker").filter(|_| paged);
        let Some(page) = self
            .project()
            .and_then(|servers| servers.by_id(marker))
            .filter(|_| self.marker_known(marker))
        else {
            return Err(unknown_marker(marker));
        };
        let found: Vec<(Server, Value)> = page
            .filter(|server| !self.world.is_gone(&server.id))
            .map(|server| self.world.as_it_is(server))
            .filter_map(|server| {
                let entry = self.usage_body(&server, start, stop, now)?;
                Some((server, entry))
            })
            .take(limit)
            .collect();
        let Some((last, _)) = found.last() else {
            return Ok(json!({"tenant_usage": {}}));
        };
        let last = last.id.clone();
        let full = found.len() == limit;
        // Hours, and hours times what the flavor has of that.
        let total = |times: Option<&str>| -> f64 {
            let number = |entry: &Value, name: &str| entry[name].as_f64().unwrap_or_default();
            let one = |entry: &Value| {
                number(entry, "hours") * times.map_or(1.0, |name| number(entry, name))
            };
            found.iter().map(|(_, entry)| one(entry)).sum()
        };
        let totals = [
            total(Some("vcpus")),
            total(Some("memory_mb")),
            total(Some("local_gb")),
            total(None),
        ];
        let entries: Vec<Value> = found.into_iter().map(|(_, entry)| entry).collect();
        let mut body = json!({"tenant_usage": {
            "tenant_id": project, "server_usages": entries,
            "total_vcpus_usage": totals[0], "total_memory_mb_usage": totals[1],
            "total_local_gb_usage": totals[2], "total_hours": totals[3],
            "start": micros(start), "stop": micros(stop),
        }});
        if full && paged {
            let path = format!("{project}/os-simple-tenant-usage/{project}");
            body["tenant_usage_links"] = self.next(&path, &last);
        }
        Ok(body)
    }

    fn flavors(&self) -> Result<Value, Answer> {
        let limit = self.limit()?;
        let marker = self.seen.param("marker");
        if marker.is_some_and(|id| self.visible_flavors().all(|flavor| flavor.id != id)) {
            return Err(unknown_marker(marker));
        }
        let mut visible: Vec<&Flavor> = self.visible_flavors().collect();
        visible.sort_by(|a, b| a.id.cmp(&b.id));
        let found: Vec<&Flavor> = visible
            .into_iter()
            .filter(|flavor| marker.is_none_or(|marker| flavor.id.as_str() > marker))
            .take(limit)
            .collect();
        let bodies: Vec<Value> = found
            .iter()
            .map(|flavor| self.flavor_body(flavor))
            .collect();
        let mut body = json!({"flavors": bodies});
        if let Some(last) = found.last().filter(|_| found.len() == limit) {
            body["flavors_links"] = self.next("flavors/detail", &last.id);
        }
        Ok(body)
    }

    fn flavor(&self, id: &str) -> Result<&Flavor, Answer> {
        self.visible_flavors()
            .find(|flavor| flavor.id == id)
            .ok_or_else(|| compute(404, &format!("Flavor {id} could not be found.")))
    }

    fn visible_flavors(&self) -> impl Iterator<Item = &Flavor> {
        self.world.plan.flavors.iter().filter(|flavor| {
            let open = flavor
                .only_for
                .as_ref()
                .is_none_or(|only| only.iter().any(|id| self.token.project() == Some(id)));
            open && !self.world.is_gone(&flavor.id)
        })
    }

    fn project(&self) -> Option<&crate::server::Servers> {
        let id = self.token.project()?;
        Some(&self.world.project(id)?.servers)
    }

    /// A server whose row is gone is no marker any more.
    fn marker_known(&self, marker: Option<&str>) -> bool {
        marker.is_none_or(|id| !self.world.is_gone(id))
    }

    fn limit(&self) -> Result<usize, Answer> {
        let max = self.world.plan.max_limit;
        match self.seen.param("limit") {
            None => Ok(max),
            Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(text.parse().unwrap_or(max).min(max))
            }
            Some(text) => Err(compute(
                400,
                &format!(
                    "Invalid input for query parameters limit. Value: {text}. '{text}' does not match '^[0-9]*$'"
                ),
            )),
        }
    }

    /// The request's own parameters in order of their names, then the marker.
    fn next(&self, path: &str, marker: &str) -> Value {
        let mut query: Vec<(String, String)> = self
            .seen
            .query
            .iter()
            .filter(|(key, _)| key != "marker")
            .cloned()
            .collect();
        query.sort();
        query.push(("marker".into(), marker.into()));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let base = self.state.link_base(self.world);
        json!([{"rel": "next", "href": format!("{base}/compute/v2.1/{path}?{query}")}])
    }

    fn usage_body(&self, server: &Server, start: i64, stop: i64, now: i64) -> Option<Value> {
        let launched = server.launched.filter(|launched| *launched <= stop)?;
        if server.in_down_cell {
            return None;
        }
        if server
            .terminated
            .is_some_and(|terminated| terminated < start)
        {
            return None;
        }
        let flavor = self.booted_from(server)?;
        let until = server.terminated.unwrap_or(stop).min(stop);
        let seconds = (until - launched.max(start)).max(0);
        let state = match server.terminated {
            Some(_) => "terminated",
            None => server.vm_state.as_str(),
        };
        Some(json!({
            "hours": seconds as f64 / 3600.0, "flavor": flavor.name, "instance_id": server.id,
            "name": server.name, "tenant_id": self.token.project(),
            "memory_mb": flavor.ram_mib, "local_gb": flavor.disk_gib + flavor.ephemeral_gib, "vcpus": flavor.vcpus,
            "started_at": micros(launched), "ended_at": server.terminated.map(micros),
            "state": state, "uptime": server.terminated.unwrap_or(now) - launched,
        }))
    }

    /// The flavor as the server has it: its own copy, or the flavor of that
    /// id, listed or not.
    fn booted_from<'s>(&'s self, server: &'s Server) -> Option<&'s Flavor> {
        server.embedded.as_ref().or_else(|| {
            self.world
                .plan
                .flavors
                .iter()
                .find(|flavor| flavor.id == server.flavor_id)
        })
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

    fn flavor_body(&self, flavor: &Flavor) -> Value {
        let base = format!("{}/compute", self.state.base);
        let mut body = json!({
            "id": flavor.id, "name": flavor.name, "ram": flavor.ram_mib, "disk": flavor.disk_gib,
            "swap": if self.minor >= 75 { json!(0) } else { json!("") },
            "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib, "OS-FLV-DISABLED:disabled": false,
            "vcpus": flavor.vcpus, "os-flavor-access:is_public": flavor.only_for.is_none(), "rxtx_factor": 1.0,
            "links": [
                {"rel": "self", "href": format!("{base}/v2.1/flavors/{}", flavor.id)},
                {"rel": "bookmark", "href": format!("{base}/flavors/{}", flavor.id)}],
        });
        if self.minor >= 55 {
            body["description"] = json!(null);
        }
        if self.minor >= 61 && self.token.reads() {
            body["extra_specs"] = json!(flavor.extra_specs);
        }
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

fn unknown_marker(marker: Option<&str>) -> Answer {
    compute(
        400,
        &format!("marker [{}] not found", marker.unwrap_or_default()),
    )
}
