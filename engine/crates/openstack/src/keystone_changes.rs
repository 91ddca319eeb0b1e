//! What can be changed in a cloud through this room: one property and one tag of a
//! project, for `caso-mapping-migrate`. Source: Identity API v3.

use serde_json::{Map, Value};

use super::{ApiError, Scope, Service, Session};
use caso_net::{Method, path_segment};

/// Sets a property of a project, as `openstack project set --property` does.
/// Needs the right to update projects.
pub async fn set_property(
    session: &Session,
    id: &str,
    name: &str,
    value: &str,
) -> Result<(), ApiError> {
    let path = format!("/v3/projects/{}", path_segment(id));
    let mut properties = Map::new();
    properties.insert(name.to_owned(), Value::from(value));
    let body = Value::from(Map::from_iter([(
        "project".to_owned(),
        Value::from(properties),
    )]));
    change_project(session, Method::Patch, id, &path, Some(&body)).await
}

/// Adds a tag to a project, as `openstack project set --tag` does.
pub async fn add_tag(session: &Session, id: &str, tag: &str) -> Result<(), ApiError> {
    let path = format!(
        "/v3/projects/{}/tags/{}",
        path_segment(id),
        path_segment(tag)
    );
    change_project(session, Method::Put, id, &path, None).await
}

/// With the system's token; where that may not, with one for the project.
async fn change_project(
    session: &Session,
    method: Method,
    id: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(), ApiError> {
    let own = session.own_project(&Scope::System).await?;
    let mut refused = None;
    if !session.system_refused() {
        let changed = session
            .change(method, &Scope::System, Service::Identity, path, body)
            .await;
        match changed {
            Err(error) if error.is_forbidden() && own.is_none() => refused = Some(error),
            changed => return changed,
        }
    }
    let scope = Scope::Project(own.unwrap_or_else(|| id.to_owned()));
    let changed = session
        .change(method, &scope, Service::Identity, path, body)
        .await;
    match (changed, refused) {
        // That the system's token may not says more than that there is no other.
        (Err(ApiError::NoRole { .. }), Some(refused)) => Err(refused),
        (changed, _) => changed,
    }
}
