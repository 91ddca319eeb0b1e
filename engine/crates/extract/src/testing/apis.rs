//! What the cloud's APIs answer, with Nova's own rules for limits, markers and
//! links.

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

impl Cloud {
    pub(super) fn answer(&self, call: &Call) -> Reply {
        match call
            .path
            .trim_start_matches('/')
            .split('/')
            .collect::<Vec<_>>()[..]
        {
            ["nova", "v2.1", ""] => ok(json!({"version": {"id": "v2.1", "min_version": "2.1",
                "version": format!("{}.{}", self.newest.0, self.newest.1)}})),
            ["nova", "v2.1", "servers", "detail"] => self.servers(call),
            ["nova", "v2.1", "servers"] => self.servers_in_brief(call),
            ["nova", "v2.1", "servers", id] => {
                let mut machines = self.machines.iter();
                match machines.find(|vm| vm.id.to_string() == id && vm.project == call.project) {
                    // Nova has a 500 for a server in a down cell, deleted or not.
                    Some(vm) if vm.in_down_cell => status(500),
                    Some(vm) if !vm.deleted() => {
                        ok(json!({"server": self.server(vm, call.version)}))
                    }
                    _ => status(404),
                }
            }
            ["nova", "v2.1", "os-simple-tenant-usage", project] => self.usage(call, project),
            ["nova", "v2.1", "flavors", "detail"] => self.list_flavors(call),
            ["nova", "v2.1", "flavors", id, "os-extra_specs"] => {
                match self.flavors.iter().find(|flavor| flavor["id"] == id) {
                    Some(flavor) => ok(json!({"extra_specs": flavor["extra_specs"]})),
                    None => status(404),
                }
            }
            // Asked for where its lists do not answer.
            ["glance", ""] => status(503),
            ["glance", "v2", "images"] => {
                let ids = call.query("id").unwrap().strip_prefix("in:").unwrap();
                let found = self.images.iter().filter(|image| {
                    ids.split(',').any(|id| image["id"] == id) && self.sees_image(call, image)
                });
                ok(json!({"images": found.collect::<Vec<_>>()}))
            }
            ["glance", "v2", "images", id] => {
                let found = self.images.iter().find(|image| image["id"] == id);
                found.map_or_else(|| status(404), |image| ok(image.clone()))
            }
            ["v3", "users", id] => match self.users.get(id) {
                Some(name) => ok(json!({"user": {"id": id, "name": name}})),
                None => status(404),
            },
            ["v3", "projects"] if !self.system => status(403),
            ["v3", "projects"] => {
                let chosen = self.projects.iter().filter(|project| {
                    call.query("name")
                        .is_none_or(|name| project["name"] == name)
                        && call.query("tags").is_none_or(|tag| {
                            project["tags"].as_array().unwrap().contains(&json!(tag))
                        })
                });
                ok(json!({"projects": chosen.collect::<Vec<_>>()}))
            }
            ["v3", "auth", "projects"] => ok(json!({"projects": self.projects})),
            ["v3", "projects", id] => {
                match self.projects.iter().find(|project| project["id"] == id) {
                    Some(project) => ok(json!({"project": project})),
                    None => status(404),
                }
            }
            ["cinder", "v3", project, "volumes", "detail"] => self.list_volumes(call, project),
            ["neutron", "v2.0", "floatingips"] => self.list_floating_ips(call),
            _ => panic!("nobody should ask {call:?}"),
        }
    }

    fn sees_image(&self, call: &Call, image: &Value) -> bool {
        image["visibility"] == "public" || image["owner"] == call.project
    }

    /// A list without limit and filters. Those in down cells have but an id and their
    /// status; those that are deleted are not shown.
    fn servers_in_brief(&self, call: &Call) -> Reply {
        assert!(call.query.is_empty() && call.version >= (2, 69), "{call:?}");
        let rows = self
            .machines
            .iter()
            .filter(|vm| vm.project == call.project && !vm.deleted());
        let row = |vm: &VirtualMachine| match vm.in_down_cell {
            true => json!({"id": vm.id.to_string(), "status": "UNKNOWN", "links": []}),
            false => json!({"id": vm.id.to_string(), "name": "x", "links": []}),
        };
        ok(json!({"servers": rows.map(row).collect::<Vec<_>>()}))
    }

    fn servers(&self, call: &Call) -> Reply {
        let since = call
            .query("changes-since")
            .map(|text| DateTime::parse_from_rfc3339(text).unwrap().timestamp());
        let mut machines: Vec<&VirtualMachine> = self
            .machines
            .iter()
            .filter(|vm| vm.project == call.project)
            .filter(|vm| match since {
                Some(since) => vm.updated >= since,
                None => !vm.deleted() && vm.status != "SOFT_DELETED",
            })
            .filter(|vm| !vm.in_down_cell)
            .collect();
        machines.sort_by_key(|vm| std::cmp::Reverse((vm.created, vm.id)));
        let Some(rest) = after(call, &machines, |vm| vm.id) else {
            return status(400);
        };
        let limit = call.limit(self.max_limit);
        let page: Vec<_> = rest.iter().take(limit).collect();
        let rows: Vec<Value> = page
            .iter()
            .map(|vm| self.server(vm, call.version))
            .collect();
        let mut body = json!({"servers": rows});
        if page.len() == limit {
            body["servers_links"] = link(
                call,
                "http://internal:8774/v2.1/servers/detail",
                page[limit - 1].id,
            );
        }
        ok(body)
    }

    fn server(&self, vm: &VirtualMachine, version: (u16, u16)) -> Value {
        let z = |time: i64| spell(time) + "Z";
        let micro = |time: Option<i64>| time.map(|time| spell(time) + ".000000");
        let flavor = if version >= (2, 47) {
            json!({"vcpus": 2, "ram": 2048, "disk": 20, "ephemeral": 5, "swap": 0,
                "original_name": format!("name-{}", vm.flavor),
                "extra_specs": {"accounting:benchmark_type": "copied"}})
        } else {
            json!({"id": vm.flavor, "links": []})
        };
        let mut row = json!({
            "id": vm.id.to_string(), "name": format!("vm-{}", vm.id.as_u128()),
            "tenant_id": vm.project, "user_id": vm.user, "status": vm.status,
            "created": z(vm.created), "updated": z(vm.updated),
            "OS-SRV-USG:launched_at": micro(vm.launched),
            "OS-SRV-USG:terminated_at": micro(vm.terminated),
            "image": vm.image.as_ref().map_or(json!(""), |id| json!({"id": id})),
            "flavor": flavor, "addresses": {},
        });
        for (key, value) in vm.odd.as_object().unwrap() {
            row[key] = value.clone();
        }
        row
    }

    fn usage(&self, call: &Call, project: &str) -> Reply {
        let time = |key: &str| caso_base::time::parse_timestamp(call.query(key).unwrap()).unwrap();
        let (start, end) = (time("start"), time("end"));
        let mut machines: Vec<&VirtualMachine> = self
            .machines
            .iter()
            .filter(|vm| vm.project == project)
            .filter(|vm| vm.launched.is_some_and(|launched| launched < end))
            .filter(|vm| vm.terminated.is_none_or(|ended| ended > start))
            .filter(|vm| !vm.in_down_cell)
            .collect();
        machines.sort_by_key(|vm| vm.id);
        let Some(rest) = after(call, &machines, |vm| vm.id) else {
            return status(400);
        };
        let paged = call.version >= (2, 40);
        assert!(paged || call.query("marker").is_none());
        let limit = if paged {
            call.limit(self.max_limit)
        } else {
            self.max_limit
        };
        let page: Vec<_> = rest.iter().take(limit).collect();
        let rows: Vec<Value> = page
            .iter()
            .map(|vm| {
                json!({"instance_id": vm.id.to_string(), "name": format!("vm-{}", vm.id.as_u128()),
                    "started_at": spell(vm.launched.unwrap()) + ".000000",
                    "ended_at": vm.terminated.map(|time| spell(time) + ".000000"),
                    "vcpus": vm.vcpus, "memory_mb": 2048, "local_gb": 25, "state": "active",
                    "flavor": format!("name-{}", vm.flavor)})
            })
            .collect();
        if rows.is_empty() {
            return ok(json!({"tenant_usage": {}}));
        }
        let mut body = json!({"tenant_usage": {"server_usages": rows}});
        if paged && page.len() == limit {
            body["tenant_usage_links"] =
                link(call, "/os-simple-tenant-usage/x", page[limit - 1].id);
        }
        ok(body)
    }

    fn list_flavors(&self, call: &Call) -> Reply {
        let mut seen: Vec<Value> = self
            .flavors
            .iter()
            .filter(|flavor| {
                flavor["os-flavor-access:is_public"] == true || flavor["project"] == call.project
            })
            .cloned()
            .collect();
        if call.version < (2, 61) {
            for flavor in &mut seen {
                flavor.as_object_mut().unwrap().remove("extra_specs");
            }
        }
        ok(json!({"flavors": seen}))
    }
}

/// Rows after the marker; none where the marker is not known.
fn after<'a, T>(call: &Call, rows: &'a [T], id: fn(&T) -> Uuid) -> Option<&'a [T]> {
    match call.query("marker") {
        None => Some(rows),
        Some(marker) => {
            let place = rows.iter().position(|row| id(row).to_string() == marker)?;
            Some(&rows[place + 1..])
        }
    }
}

fn link(call: &Call, base: &str, marker: Uuid) -> Value {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call.query.iter().filter(|(key, _)| *key != "marker"));
    query.append_pair("marker", &marker.to_string());
    json!([{"rel": "next", "href": format!("{base}?{}", query.finish())}])
}

fn spell(time: i64) -> String {
    let time = DateTime::from_timestamp(time, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}
