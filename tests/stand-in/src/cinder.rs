//! Cinder v3: the list of a project's volumes.
//! <https://docs.openstack.org/api-ref/block-storage/v3/#list-accessible-volumes-with-details>
//!
//! Where the reference is silent, as Cinder 29 answers: a full page has a link,
//! whether anything follows or not; a marker that is gone is 404; a project in
//! the path that is not the token's is 400; and a filter that it does not know
//! (`changes-since`) is left out for a reader and makes an administrator's list
//! empty.

use serde_json::{Value, json};

use crate::answer::{Answer, compute, put, unauthorized};
use crate::keystone::Token;
use crate::plan::Volume;
use crate::request::Seen;
use crate::state::{State, World};
use crate::time::micros;

/// What the list may be asked for, beside the volume's own columns.
const KNOWN: [&str; 6] = ["limit", "marker", "offset", "sort", "all_tenants", "status"];

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let world = state.world();
    // Of its own versions it tells everybody, at the root with 300.
    match path.trim_matches('/') {
        "" => return Answer::json(300, &versions(state)),
        "v3" => return Answer::json(200, &versions(state)),
        _ => {}
    }
    let Some(token) = state.token(seen) else {
        return unauthorized(&format!("{}/identity", state.base));
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    // Cinder's refusals have the shape of Nova's.
    match parts.as_slice() {
        // Since microversion 3.67 the project may be left out.
        ["v3", "volumes", "detail"] if token.reads() => {
            let project = token.project().unwrap_or_default();
            list(state, &world, seen, &token, project)
        }
        ["v3", project, ..] if token.project() != Some(project) => {
            compute(400, "Malformed request url")
        }
        ["v3", _, "volumes", "detail"] if !token.reads() => {
            compute(403, "Policy doesn't allow volume:get_all to be performed.")
        }
        ["v3", project, "volumes", "detail"] => list(state, &world, seen, &token, project),
        _ => compute(404, "The resource could not be found."),
    }
    .with("openstack-api-version", "volume 3.0")
    .with("vary", "OpenStack-API-Version")
}

fn versions(state: &State) -> Value {
    let href = format!("{}/volume/v3/", state.base);
    json!({"versions": [{
        "id": "v3.0", "status": "CURRENT", "version": "3.71", "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z", "media-types": [],
        "links": [{"rel": "describedby", "href": "https://docs.openstack.org/"}, {"rel": "self", "href": href}],
    }]})
}

fn list(state: &State, world: &World, seen: &Seen, token: &Token, project: &str) -> Answer {
    let max = world.plan.max_limit;
    let limit = match seen.param("limit").map(str::parse::<usize>) {
        None => max,
        Some(Ok(limit)) => limit.min(max),
        Some(Err(_)) => return compute(400, "limit param must be an integer"),
    };
    let unknown = seen
        .query
        .iter()
        .any(|(key, _)| !KNOWN.contains(&key.as_str()));
    let mut volumes: Vec<&Volume> = world
        .project(project)
        .map(|project| project.volumes.iter().collect())
        .unwrap_or_default();
    volumes.retain(|volume| !world.is_gone(&volume.id));
    if unknown && token.role == "admin" {
        volumes.clear();
    }
    volumes.sort_by_key(|volume| std::cmp::Reverse((volume.created, volume.id.clone())));
    let from = match seen.param("marker") {
        None => 0,
        Some(marker) => match volumes.iter().position(|volume| volume.id == marker) {
            Some(at) => at + 1,
            None => return compute(404, &format!("Volume {marker} could not be found.")),
        },
    };
    let page: Vec<&Volume> = volumes.into_iter().skip(from).take(limit).collect();
    let rows: Vec<Value> = page.iter().map(|volume| body(volume, project)).collect();
    let mut answer = json!({"volumes": rows});
    if let Some(last) = page.last().filter(|_| page.len() == limit) {
        let query = next_query(seen, &last.id);
        let href = format!("{}{}?{query}", state.link_base(world), seen.path);
        answer["volumes_links"] = json!([{"rel": "next", "href": href}]);
    }
    Answer::json(200, &answer)
}

/// The request's own parameters, then the marker.
pub(crate) fn next_query(seen: &Seen, marker: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(seen.query.iter().filter(|(key, _)| key != "marker"));
    query.append_pair("marker", marker);
    query.finish()
}

fn body(volume: &Volume, project: &str) -> Value {
    let attachments: Vec<Value> = volume
        .attachments
        .iter()
        .map(|(server, at)| {
            json!({
                "server_id": server, "attached_at": micros(*at), "volume_id": volume.id, "id": volume.id,
                "attachment_id": volume.id, "host_name": null, "device": "/dev/vdb",
            })
        })
        .collect();
    let mut row = json!({
        "id": volume.id, "status": volume.status, "size": volume.size_gib, "availability_zone": "nova",
        "created_at": micros(volume.created), "updated_at": volume.updated.map(micros), "name": volume.name,
        "description": null, "volume_type": "__DEFAULT__", "snapshot_id": null, "source_volid": null,
        "metadata": {}, "links": [], "user_id": volume.user_id, "bootable": "false", "encrypted": false,
        "replication_status": null, "consistencygroup_id": null, "multiattach": volume.attachments.len() > 1,
        "attachments": attachments, "os-vol-tenant-attr:tenant_id": project,
    });
    put(&mut row, &volume.odd);
    row
}
