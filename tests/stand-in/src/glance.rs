//! Glance v2: the list of images, one image, and the schema that
//! python-glanceclient wants before it understands either.
//! <https://docs.openstack.org/api-ref/image/v2/#list-images>,
//! <https://docs.openstack.org/api-ref/image/v2/#show-image>,
//! <https://docs.openstack.org/api-ref/image/v2/#show-image-schema>
//!
//! `next` is a path without the host and without what stands before `/v2` in
//! the catalog, so a client must join it to the endpoint.

use serde_json::{Value, json};

use crate::answer::{Answer, image};
use crate::keystone::{Scope, Token};
use crate::plan::Image;
use crate::request::Seen;
use crate::state::{State, World};

/// Glance's own defaults, `limit_param_default` and `api_limit_max`.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 1000;

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let world = state.world();
    if path.trim_matches('/').is_empty() {
        let href = format!("{}/image/v2/", state.base);
        return Answer::json(
            300,
            &json!({"versions": [{"id": "v2.15", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}]}),
        );
    }
    let Some(token) = state.token(seen) else {
        return image(
            401,
            "This server could not verify that you are authorized to access the document you requested.",
        )
        .with("www-authenticate", format!("Keystone uri=\"{}/identity\"", state.base));
    };
    if !matches!(token.scope, Scope::Project(_)) || !token.reads() {
        return image(403, "You are not authorized to complete get_images action.");
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v2", "images"] => list(&world, seen, &token),
        ["v2", "images", id] => match images(&world).find(|known| known.id == *id) {
            Some(known) => Answer::json(200, &body(known, &token)),
            None => image(404, &format!("Failed to find image {id}")),
        },
        ["v2", "schemas", "image"] => Answer::json(200, &schema()),
        _ => image(404, "The resource could not be found."),
    }
}

fn images(world: &World) -> impl DoubleEndedIterator<Item = &Image> {
    world
        .plan
        .images
        .iter()
        .filter(|known| !world.is_gone(&known.id))
}

/// Newest first, which is the plan's order backwards.
fn list(world: &World, seen: &Seen, token: &Token) -> Answer {
    let limit = match seen.param("limit").map(str::parse::<usize>) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit)) => limit.min(MAX_LIMIT),
        Some(Err(_)) => return image(400, "limit param must be an integer"),
    };
    let wanted: Option<Vec<&str>> = seen
        .param("id")
        .map(|id| id.strip_prefix("in:").unwrap_or(id).split(',').collect());
    let mut rest: Vec<&Image> = images(world)
        .rev()
        .filter(|known| known.hidden == (seen.param("os_hidden") == Some("true")))
        .filter(|known| match seen.param("visibility") {
            None => known.visibility != "community",
            Some("all") => true,
            Some(visibility) => known.visibility == visibility,
        })
        .filter(|known| {
            wanted
                .as_ref()
                .is_none_or(|ids| ids.contains(&known.id.as_str()))
        })
        .collect();
    if let Some(marker) = seen.param("marker") {
        let Some(at) = rest.iter().position(|known| known.id == marker) else {
            return image(400, "Invalid marker. Image could not be found.");
        };
        rest.drain(..=at);
    }
    rest.truncate(limit);
    let query = |marker: Option<&str>| {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(marker.map(|marker| ("marker", marker)));
        pairs.extend_pairs(seen.query.iter().filter(|(key, _)| key != "marker"));
        match pairs.finish() {
            query if query.is_empty() => "/v2/images".to_owned(),
            query => format!("/v2/images?{query}"),
        }
    };
    let bodies: Vec<Value> = rest.iter().map(|known| body(known, token)).collect();
    let mut answer =
        json!({"images": bodies, "first": query(None), "schema": "/v2/schemas/images"});
    if let Some(last) = rest.last().filter(|_| rest.len() == limit) {
        answer["next"] = json!(query(Some(&last.id)));
    }
    Answer::json(200, &answer)
}

fn body(known: &Image, token: &Token) -> Value {
    let mut body = json!({
        "name": known.name, "disk_format": "qcow2", "container_format": "bare", "visibility": known.visibility,
        "size": null, "virtual_size": null, "status": "active", "checksum": null, "protected": false,
        "min_ram": 0, "min_disk": 0, "owner": token.project(), "os_hidden": known.hidden,
        "os_hash_algo": null, "os_hash_value": null, "id": known.id,
        "created_at": "2026-05-01T00:00:00Z", "updated_at": "2026-05-01T00:00:00Z", "tags": [],
        "self": format!("/v2/images/{}", known.id), "file": format!("/v2/images/{}/file", known.id),
        "schema": "/v2/schemas/image",
    });
    for (key, value) in &known.properties {
        body[key] = json!(value);
    }
    body
}

/// Enough of Glance's schema for a client that makes objects from it: any
/// further property is a string.
fn schema() -> Value {
    json!({
        "name": "image",
        "properties": {
            "id": {"type": "string"},
            "name": {"type": ["null", "string"]},
            "status": {"type": "string", "readOnly": true},
            "visibility": {"type": "string"},
            "protected": {"type": "boolean"},
            "os_hidden": {"type": "boolean"},
            "checksum": {"type": ["null", "string"], "readOnly": true},
            "os_hash_algo": {"type": ["null", "string"], "readOnly": true},
            "os_hash_value": {"type": ["null", "string"], "readOnly": true},
            "owner": {"type": ["null", "string"]},
            "size": {"type": ["null", "integer"], "readOnly": true},
            "virtual_size": {"type": ["null", "integer"], "readOnly": true},
            "container_format": {"type": ["null", "string"]},
            "disk_format": {"type": ["null", "string"]},
            "created_at": {"type": "string", "readOnly": true},
            "updated_at": {"type": "string", "readOnly": true},
            "tags": {"type": "array", "items": {"type": "string"}},
            "min_ram": {"type": "integer"},
            "min_disk": {"type": "integer"},
            "self": {"type": "string", "readOnly": true},
            "file": {"type": "string", "readOnly": true},
            "schema": {"type": "string", "readOnly": true},
        },
        "additionalProperties": {"type": "string"},
        "links": [{"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"}],
    })
}
