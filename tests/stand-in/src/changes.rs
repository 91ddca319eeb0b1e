//! What of the cloud a request may change: a project's properties and its tags.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/#update-project> and
//! <https://docs.openstack.org/api-ref/identity/v3/#add-single-tag-to-a-project>, with Keystone's
//! default policies (both need the role `admin`) and the answers of Keystone 30.

use serde_json::{Value, json};

use crate::answer::{Answer, identity, unauthorized};
use crate::keystone::project_body;
use crate::request::Seen;
use crate::state::State;

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let Some(token) = state.token(seen) else {
        return unauthorized(&format!("{}/identity/v3", state.base));
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (id, action) = match (seen.method.as_str(), parts.as_slice()) {
        ("PATCH", ["v3", "projects", id]) => (*id, "identity:update_project"),
        ("PUT", ["v3", "projects", id, "tags", _]) => (*id, "identity:create_project_tag"),
        _ => return identity(405, "The method is not allowed for the requested URL."),
    };
    if token.role != "admin" {
        return identity(
            403,
            &format!("You are not authorized to perform the requested action: {action}."),
        );
    }
    if state.world().project(id).is_none() {
        return identity(404, &format!("Could not find project: {id}."));
    }
    let changed = state.change(|plan| {
        let project = plan.projects.iter_mut().find(|project| project.id == id)?;
        match parts.last() {
            Some(tag) if seen.method == "PUT" => {
                if !project.tags.iter().any(|has| has == tag) {
                    project.tags.push((*tag).to_owned());
                }
            }
            _ => {
                let body: Value = serde_json::from_str(&seen.body).ok()?;
                for (name, value) in body["project"].as_object()? {
                    let value = value.as_str()?.to_owned();
                    project.properties.insert(name.clone(), value);
                }
            }
        }
        Some(project.clone())
    });
    match changed {
        None => identity(400, "Expecting to find project in request body."),
        Some(_) if seen.method == "PUT" => Answer::json(201, &Value::Null),
        Some(project) => Answer::json(200, &json!({"project": project_body(state, &project)})),
    }
}
