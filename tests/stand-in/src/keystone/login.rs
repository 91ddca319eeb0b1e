//! Who logs in, for which scope, and the token with its catalog.

use serde_json::Value;

use super::{Scope, Token, account};
use crate::accounts::Account;
use crate::answer::{Answer, identity, unauthorized};
use crate::documents::{self, Issued, IssuedFor};
use crate::request::Seen;
use crate::state::{State, World};

/// `None` is a refusal, whatever the reason.
pub fn login(state: &State, world: &World, body: &str) -> Option<Answer> {
    let request: Value = serde_json::from_str(body).ok()?;
    let identity_part = request.pointer("/auth/identity")?;
    let asked = request.pointer("/auth/scope");
    let method = identity_part.pointer("/methods/0")?.as_str()?;
    let (account, bound) = match method {
        "password" => (by_password(world, identity_part.get("password")?)?, None),
        "token" => {
            let id = identity_part.pointer("/token/id")?.as_str()?;
            let token = state.tokens().get(id).cloned()?;
            (account(world, &token.user_id)?, None)
        }
        "application_credential" => {
            if asked.is_some_and(|scope| scope != "unscoped") {
                return Some(identity(
                    401,
                    "Application credentials cannot request a scope.",
                ));
            }
            let (account, project) =
                by_credential(world, identity_part.get("application_credential")?)?;
            (account, Some(project))
        }
        _ => return None,
    };
    let system = asked.is_some_and(|scope| scope.get("system").is_some());
    if system && is_ephemeral(world, account) {
        return Some(Answer::html(500, "Internal Server Error"));
    }
    let scope = match bound {
        Some(project) => Scope::Project(project),
        None => scope(world, account, asked)?,
    };
    if let Scope::Project(id) = &scope {
        let project = world.project(id)?;
        if !project.enabled || !account.reach.has(id) {
            return None;
        }
    }
    Some(issue(state, world, account, method, scope))
}

/// The federated route: Apache with mod_auth_openidc 2.4 in front, which has
/// the access token introspected, then Keystone's mapping (Identity API v3,
/// OS-FEDERATION).
pub fn federate(state: &State, world: &World, seen: &Seen, path: &str, auth_url: &str) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let [
        _,
        _,
        "identity_providers",
        provider,
        "protocols",
        protocol,
        "auth",
    ] = parts[..]
    else {
        return identity(404, "The requested URL was not found on the server.");
    };
    let Some(federation) = &world.plan.federation else {
        return identity(
            404,
            &format!("Could not find Identity Provider: {provider}."),
        );
    };
    if provider != federation.identity_provider {
        return identity(
            404,
            &format!("Could not find Identity Provider: {provider}."),
        );
    }
    if protocol != federation.protocol {
        return identity(401, "Attempted to authenticate with an unsupported method.");
    }
    let bearer = seen.authorization.as_deref();
    let token = bearer.and_then(|header| header.strip_prefix("Bearer "));
    let Some(client) = token.and_then(|token| state.introspect(token, state.now(world))) else {
        return Answer::html(401, "<html><h1>Unauthorized</h1></html>").with(
            "www-authenticate",
            "Bearer error=\"invalid_token\", error_description=\"Reference token could not be introspected\"",
        );
    };
    let mut clients = federation.clients.iter();
    let mapped = clients
        .find(|known| known.id == client)
        .and_then(|client| account(world, client.account.as_deref()?));
    match mapped {
        Some(account) => issue(state, world, account, "openid", Scope::Unscoped),
        None => unauthorized(auth_url),
    }
}

fn is_ephemeral(world: &World, account: &Account) -> bool {
    let clients = world
        .plan
        .federation
        .iter()
        .flat_map(|known| &known.clients);
    let mut mapped = clients.filter(|client| client.account.as_ref() == Some(&account.id));
    mapped.any(|client| client.ephemeral)
}

fn by_password<'a>(world: &'a World, part: &Value) -> Option<&'a Account> {
    let user = part.get("user")?;
    let text = |name: &str| user.get(name).and_then(Value::as_str);
    let named = world.plan.accounts.iter().find(|account| {
        text("id") == Some(&account.id)
            || (text("name") == Some(&account.name) && default_domain(user.get("domain")))
    })?;
    (text("password") == Some(&named.password)).then_some(named)
}

/// A name needs a domain; the cloud has one, `Default`, whose id is `default`.
fn default_domain(domain: Option<&Value>) -> bool {
    domain.is_some_and(|domain| domain["id"] == "default" || domain["name"] == "Default")
}

fn by_credential<'a>(world: &'a World, part: &Value) -> Option<(&'a Account, String)> {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    let credential = world
        .plan
        .application_credentials
        .iter()
        .find(|credential| {
            let of_user = || {
                let user = &part["user"];
                user["id"] == credential.user_id.as_str()
                    || account(world, &credential.user_id).is_some_and(|account| {
                        user["name"] == account.name.as_str() && default_domain(user.get("domain"))
                    })
            };
            text("id") == Some(&credential.id)
                || (text("name") == Some(&credential.name) && of_user())
        })?;
    (text("secret") == Some(&credential.secret))
        .then(|| account(world, &credential.user_id))
        .flatten()
        .map(|account| (account, credential.project_id.clone()))
}

fn scope(world: &World, account: &Account, asked: Option<&Value>) -> Option<Scope> {
    let Some(asked) = asked.filter(|asked| *asked != "unscoped") else {
        return Some(Scope::Unscoped);
    };
    if asked.pointer("/system/all") == Some(&Value::Bool(true)) {
        return account.system.then_some(Scope::System);
    }
    let project = asked.get("project")?;
    if let Some(id) = project.get("id").and_then(Value::as_str) {
        return Some(Scope::Project(id.to_owned()));
    }
    let name = project.get("name").and_then(Value::as_str)?;
    let found = world.projects().find(|project| project.name == name)?;
    default_domain(project.get("domain")).then(|| Scope::Project(found.id.clone()))
}

fn issue(state: &State, world: &World, account: &Account, method: &str, scope: Scope) -> Answer {
    let now = state.now(world);
    let expires = now + world.plan.token_seconds;
    let id = state.new_token(Token {
        user_id: account.id.clone(),
        scope: scope.clone(),
        role: account.role.clone(),
        expires,
    });
    let name = match &scope {
        Scope::Project(id) => world.project(id).map(|project| project.name.as_str()),
        _ => None,
    };
    let body = documents::token(Issued {
        method,
        user_id: &account.id,
        user_name: &account.name,
        role: &account.role,
        at: now,
        expires,
        scope: match &scope {
            Scope::Unscoped => IssuedFor::Nothing,
            Scope::System => IssuedFor::System {
                catalog: catalog(state, world, None),
            },
            Scope::Project(id) => IssuedFor::Project {
                id,
                name: name.unwrap_or_default(),
                catalog: catalog(state, world, Some(id)),
            },
        },
    });
    Answer::json(201, &body)
        .with("x-subject-token", id)
        .with("vary", "X-Auth-Token")
}

/// Cinder's address has the project in it, so without one it has none.
fn catalog(state: &State, world: &World, project: Option<&str>) -> Value {
    let plan = &world.plan;
    let entry = |kind: &str, name: &str, path: &str| {
        let other = world.plan.endpoints.get(kind);
        let other = other.map(|path| path.replace("{project}", project.unwrap_or_default()));
        let path = other.as_deref().unwrap_or(path);
        let mut endpoints = Vec::new();
        for interface in plan.interfaces.iter().copied() {
            let at = |path: &str| format!("{}{path}", state.base);
            endpoints.push((interface, plan.region.as_str(), at(path)));
            // Keystone is one for all regions, and listed in one of them.
            for region in plan.more_regions.keys().filter(|_| kind != "identity") {
                let path = match kind {
                    "compute" => path.replace("/compute", &format!("/compute-{region}")),
                    _ => path.to_owned(),
                };
                endpoints.push((interface, region.as_str(), at(&path)));
            }
        }
        documents::service(kind, name, endpoints)
    };
    let mut services = vec![
        entry("compute", "nova", "/compute/v2.1"),
        entry("identity", "keystone", "/identity/v3"),
        entry("image", "glance", "/image"),
        entry("network", "neutron", "/network"),
    ];
    if let Some(project) = project {
        services.push(entry(
            "block-storage",
            "cinder",
            &format!("/volume/v3/{project}"),
        ));
    }
    let telemetry = &plan.telemetry;
    if telemetry.gnocchi {
        services.push(entry("metric", "gnocchi", "/metric"));
    }
    if telemetry.ceilometer {
        services.push(entry("metering", "ceilometer", "/metering"));
    }
    services.retain(|service| {
        plan.lacks
            .iter()
            .all(|lacking| service["type"].as_str() != Some(lacking))
    });
    Value::Array(services)
}
