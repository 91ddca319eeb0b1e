//! Keystone's version 2.0, as in the Identity API v2.0 and, word for word in
//! its refusals, in Keystone 12.0.3, the last one that has it, which
//! `tests/openstack/parts/keystone-v2` runs. The address for administrators is
//! another one, under `/identity-admin`.

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::answer::{Answer, identity, unauthorized};
use crate::keystone::{Scope, Token, user_name};
use crate::plan::Project;
use crate::request::Seen;
use crate::state::{State, World};
use crate::time::token_time;

pub fn answer(state: &State, seen: &Seen, path: &str, admin: bool) -> Answer {
    let world = state.world();
    let base = format!("{}/identity", state.base);
    match (seen.method.as_str(), path.trim_end_matches('/')) {
        ("GET", "") => Answer::json(300, &json!({"versions": {"values": [version(&base)]}})),
        ("GET", "/v2.0") => Answer::json(200, &json!({"version": version(&base)})),
        ("POST", "/v2.0/tokens") => {
            login(state, &world, &seen.body).unwrap_or_else(|| unauthorized(&base))
        }
        ("GET", path) => match state.token(seen) {
            Some(token) => read(&world, &token, path, admin, &base),
            None => unauthorized(&base),
        },
        _ => identity(404, "The resource could not be found."),
    }
}

fn version(base: &str) -> Value {
    json!({"id": "v2.0", "status": "stable", "updated": "2014-04-17T00:00:00Z",
           "links": [{"rel": "self", "href": format!("{base}/v2.0/")}]})
}

fn login(state: &State, world: &World, body: &str) -> Option<Answer> {
    let request: Value = serde_json::from_str(body).ok()?;
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
    let user = "/auth/passwordCredentials";
    let mut accounts = world.plan.accounts.iter();
    let account = accounts.find(|account| {
        text(&format!("{user}/username")) == Some(&account.name)
            || text(&format!("{user}/userId")) == Some(&account.id)
    })?;
    if text(&format!("{user}/password")) != Some(&account.password) {
        return None;
    }
    let wanted = (text("/auth/tenantId"), text("/auth/tenantName"));
    let tenant = match wanted {
        (None, None) => None,
        (id, name) => Some(world.projects().find(|project| {
            let known = id.map_or(name == Some(&project.name), |id| id == project.id);
            known && project.enabled && account.reach.has(&project.id)
        })?),
    };
    Some(issue(state, world, account, tenant))
}

fn issue(state: &State, world: &World, account: &Account, tenant: Option<&Project>) -> Answer {
    let now = state.now(world);
    let expires = now + world.plan.token_seconds;
    let id = state.new_token(Token {
        user_id: account.id.clone(),
        scope: tenant.map_or(Scope::Unscoped, |tenant| Scope::Project(tenant.id.clone())),
        role: account.role.clone(),
        expires,
    });
    let mut token = json!({"id": id, "expires": token_time(expires), "issued_at": token_time(now)});
    if let Some(tenant) = tenant {
        token["tenant"] = body(tenant);
    }
    let roles = tenant.map(|_| json!({"name": account.role}));
    Answer::json(
        200,
        &json!({"access": {
            "token": token,
            "user": {"id": account.id, "name": account.name, "username": account.name,
                     "roles": roles.into_iter().collect::<Vec<_>>(), "roles_links": []},
            "serviceCatalog": tenant.map_or_else(|| json!([]), |_| catalog(state, world)),
            "metadata": {"is_admin": 0, "roles": []},
        }}),
    )
}

fn catalog(state: &State, world: &World) -> Value {
    let entry = |kind: &str, name: &str, path: &str, admin: &str| {
        json!({"type": kind, "name": name, "endpoints_links": [], "endpoints": [{
            "id": kind, "region": world.plan.region,
            "publicURL": format!("{}{path}", state.base),
            "internalURL": format!("{}{path}", state.base),
            "adminURL": format!("{}{admin}", state.base),
        }]})
    };
    json!([
        entry("compute", "nova", "/compute/v2.1", "/compute/v2.1"),
        entry(
            "identity",
            "keystone",
            "/identity/v2.0",
            "/identity-admin/v2.0"
        ),
        entry("image", "glance", "/image", "/image"),
    ])
}

fn body(project: &Project) -> Value {
    let mut body = json!({"id": project.id, "name": project.name, "description": null,
                          "enabled": project.enabled});
    for (key, value) in &project.properties {
        body[key] = json!(value);
    }
    body
}

fn read(world: &World, token: &Token, path: &str, admin: bool, base: &str) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (parts.as_slice(), admin) {
        (["v2.0", "tenants"], false) => {
            let accounts = &world.plan.accounts;
            let own = accounts.iter().find(|account| account.id == token.user_id);
            let mine: Vec<Value> = world
                .projects()
                .filter(|project| own.is_some_and(|own| own.reach.has(&project.id)))
                .map(body)
                .collect();
            Answer::json(200, &json!({"tenants": mine, "tenants_links": []}))
        }
        (["v2.0", "users", _], true) if token.role != "admin" || token.project().is_none() => {
            identity(
                403,
                "You are not authorized to perform the requested action: admin_required.",
            )
        }
        (["v2.0", "users", id], true) => match user_name(world, id) {
            Some(name) => Answer::json(
                200,
                &json!({"user": {"id": id, "name": name, "username": name, "enabled": true}}),
            ),
            None => identity(404, &format!("Could not find user: {id}.")),
        },
        _ => identity(
            404,
            &format!("({base}{path}): The resource could not be found."),
        ),
    }
}
