//! The same of a Keystone of version 2.0: tenants, and users where the account
//! is an administrator. Source: Identity API v2.0, and a Keystone 12.
//!
//! Any token lists the tenants of its user, with all their properties, so the
//! VO is in that one list. Users are looked up at another address, the one for
//! administrators, and to them alone.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::identity::credentials::V2_DOMAIN;
use super::project::Project;
use super::{ApiError, Scope, Service, Session};
use caso_net::path_segment;

#[derive(Deserialize)]
struct Tenants {
    tenants: Vec<Tenant>,
}

#[derive(Deserialize)]
struct Tenant {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
    /// The VO among them.
    #[serde(flatten)]
    properties: Map<String, Value>,
}

#[derive(Deserialize)]
struct UserBody {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    name: Option<String>,
}

/// The tenants that the account has a role on. Asked once.
pub async fn of_account(session: &Session) -> Result<&[Project], ApiError> {
    let listed = session.tenants().get_or_try_init(|| list(session)).await?;
    Ok(listed)
}

async fn list(session: &Session) -> Result<Vec<Project>, ApiError> {
    let answer: Tenants = session
        .get(
            &Scope::Unscoped,
            Service::Identity,
            "/v2.0/tenants",
            &[],
            None,
        )
        .await?;
    Ok(answer.tenants.into_iter().map(project).collect())
}

fn project(tenant: Tenant) -> Project {
    Project {
        id: tenant.id,
        name: tenant.name.unwrap_or_default(),
        enabled: tenant.enabled,
        domain_id: Some(V2_DOMAIN.to_owned()),
        tags: Vec::new(),
        extra: tenant.properties,
    }
}

/// One tenant. Whether it may be used, its token says: the list has disabled
/// ones too.
pub async fn by_id(session: &Session, id: &str) -> Result<Project, ApiError> {
    let scope = Scope::Project(id.to_owned());
    session.own_project(&scope).await?;
    let listed = of_account(session).await?.iter();
    let found = listed.clone().find(|tenant| tenant.id == id);
    found.cloned().ok_or_else(|| ApiError::NoTenant {
        who: session.settings().login.who(),
        tenant: id.to_owned(),
    })
}

pub async fn by_name(session: &Session, name: &str) -> Result<Option<Project>, ApiError> {
    let mut listed = of_account(session).await?.iter();
    let Some(found) = listed.find(|tenant| tenant.name == name) else {
        return Ok(None);
    };
    by_id(session, &found.id).await.map(Some)
}

/// Name of a user; none when Keystone does not know the id any more. The
/// address for administrators stands in the catalog of a tenant's token only:
/// that of the configured tenant, else of the first.
pub async fn user_name(session: &Session, id: &str) -> Result<Option<String>, ApiError> {
    let scope = match session.own_project(&Scope::System).await? {
        Some(_) => Scope::System,
        None => {
            let usable = of_account(session).await?.iter();
            let usable = usable.filter(|tenant| tenant.enabled != Some(false));
            match usable.map(|tenant| tenant.id.clone()).min() {
                Some(tenant) => Scope::Project(tenant),
                None => Scope::Unscoped,
            }
        }
    };
    let path = format!("/v2.0/users/{}", path_segment(id));
    let found: Result<UserBody, _> = session.get_admin(&scope, Service::Identity, &path).await;
    match found {
        Ok(body) => Ok(body.user.name),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
