//! Version 2.0 of Keystone, which OpenStack had until 2018 (Queens): a token
//! and its catalog come in the body, projects are called tenants, and there is
//! one domain, which nobody names. Source: Identity API v2.0 (CURRENT in
//! Keystone's own `api-ref/source/v2`), and a Keystone 12.

use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::credentials::Target;
use super::token::{NotAToken, Token, issued_ahead, renew_at};
use caso_login::{GenericUser, ProjectChoice, TenantRef, V2Login};
use caso_model::secret::Secret;

/// The tenant that a scope stands for; none for a token without one. The
/// system and domains came with version 3.
pub fn tenant(target: &Target) -> Option<TenantRef> {
    match target {
        Target::Project(ProjectChoice::Id(id)) => Some(TenantRef::Id(id.clone())),
        Target::Project(ProjectChoice::Name { name, .. }) => Some(TenantRef::Name(name.clone())),
        Target::System | Target::Domain(_) | Target::Unscoped | Target::Unsaid => None,
    }
}

/// Body of `POST /v2.0/tokens`.
pub fn request_body(login: &V2Login, tenant: Option<&TenantRef>) -> String {
    let (key, user) = match &login.user {
        GenericUser::Id(id) => ("userId", id),
        GenericUser::Name(name) => ("username", name),
    };
    let mut auth = Map::new();
    auth.insert(
        "passwordCredentials".to_owned(),
        json!({key: user, "password": login.password.expose()}),
    );
    match tenant {
        Some(TenantRef::Id(id)) => auth.insert("tenantId".to_owned(), json!(id)),
        Some(TenantRef::Name(name)) => auth.insert("tenantName".to_owned(), json!(name)),
        None => None,
    };
    json!({ "auth": auth }).to_string()
}

/// The token in an answer that came at `now`.
pub fn token(body: &Value, now: i64) -> Result<Token, NotAToken> {
    let text = |pointer: &str| {
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let id = text("/access/token/id").ok_or_else(|| NotAToken {
        path: "access.token.id",
        detail: "missing, so there is no token in the answer".to_owned(),
    })?;
    let project = text("/access/token/tenant/id");
    Ok(Token {
        id: Secret::new(id),
        renew_at: renew_at(
            text("/access/token/expires"),
            text("/access/token/issued_at"),
            now,
        ),
        issued_ahead: issued_ahead(text("/access/token/issued_at"), now),
        // An unscoped token has an empty catalog, which is as good as none.
        catalog: project
            .as_ref()
            .and_then(|_| body.pointer("/access/serviceCatalog"))
            .filter(|catalog| catalog.is_array())
            .map(Catalog::from_v2_json),
        project,
        project_name: text("/access/token/tenant/name"),
        system: false,
        user_id: text("/access/user/id"),
    })
}

#[cfg(test)]
mod tests;
