//! Keystone v3: tokens with their scopes and catalogs, projects, users.
//! <https://docs.openstack.org/api-ref/identity/v3/#authentication-and-token-management>,
//! <https://docs.openstack.org/api-ref/identity/v3/#projects>,
//! <https://docs.openstack.org/api-ref/identity/v3/#users>,
//! <https://docs.openstack.org/api-ref/identity/v3-ext/#request-an-unscoped-os-federation-token>
//!
//! Who may do what follows Keystone's default policies: a reader of the
//! system lists projects and users; a token of a project may read that
//! project and its own user, and gets 403 for the rest; an unscoped token has
//! no catalog. A refused login is 401 without a reason, whatever was wrong.

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::answer::{Answer, identity, put, unauthorized};
use crate::changes;
use crate::documents::{self, Issued, IssuedFor};
use crate::plan::Project;
use crate::request::Seen;
use crate::state::{State, World};

/// What a token was issued for.
#[derive(Clone, Debug)]
pub struct Token {
    pub user_id: String,
    pub scope: Scope,
    pub role: String,
    pub expires: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    System,
    Project(String),
    Unscoped,
}

impl Token {
    /// Whether the policies of 2026 let this role read at all.
    pub fn reads(&self) -> bool {
        matches!(
            self.role.as_str(),
            "reader" | "member" | "manager" | "admin"
        )
    }

    pub fn project(&self) -> Option<&str> {
        match &self.scope {
            Scope::Project(id) => Some(id),
            _ => None,
        }
    }

    fn reads_everything(&self) -> bool {
        (self.scope == Scope::System && self.reads()) || self.role == "admin"
    }
}

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    if matches!(seen.method.as_str(), "PATCH" | "PUT") {
        return changes::answer(state, seen, path);
    }
    let auth_url = format!("{}/identity/v3", state.base);
    let world = state.world();
    match (seen.method.as_str(), path) {
        ("GET", "" | "/") => {
            let version = version(state);
            Answer::json(300, &json!({"versions": {"values": [version]}}))
                .with("location", format!("{auth_url}/"))
        }
        ("GET", "/v3" | "/v3/") => Answer::json(200, &json!({"version": version(state)})),
        ("POST", "/v3/auth/tokens") => match login(state, &world, &seen.body) {
            Some(answer) => answer,
            None => unauthorized(&auth_url),
        },
        ("POST", path) if path.starts_with("/v3/OS-FEDERATION/") => {
            federate(state, &world, seen, path, &auth_url)
        }
        ("GET", _) => match state.token(seen) {
            Some(token) => read(state, &world, seen, &token, path),
            None => unauthorized(&auth_url),
        },
        ("POST", path) if !path.starts_with("/v3/") => identity(
            404,
            "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.",
        ),
        _ => identity(405, "The method is not allowed for the requested URL."),
    }
}

fn version(state: &State) -> Value {
    documents::identity_version(&format!("{}/identity/v3/", state.base))
}

/// `None` is a refusal, whatever the reason.
fn login(state: &State, world: &World, body: &str) -> Option<Answer> {
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
fn federate(state: &State, world: &World, seen: &Seen, path: &str, auth_url: &str) -> Answer {
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

fn account<'a>(world: &'a World, id: &str) -> Option<&'a Account> {
    world.plan.accounts.iter().find(|account| account.id == id)
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
        for interface in ["admin", "public", "internal"] {
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

fn read(state: &State, world: &World, seen: &Seen, token: &Token, path: &str) -> Answer {
    let forbidden = |action: &str| {
        identity(
            403,
            &format!("You are not authorized to perform the requested action: {action}."),
        )
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v3", "projects"] if token.reads_everything() => projects(state, world, seen),
        ["v3", "projects"] => forbidden("identity:list_projects"),
        ["v3", "projects", id] if token.reads_everything() || token.project() == Some(id) => {
            match world.project(id) {
                Some(project) => {
                    Answer::json(200, &json!({"project": project_body(state, project)}))
                }
                None => identity(404, &format!("Could not find project: {id}.")),
            }
        }
        ["v3", "projects", _] => forbidden("identity:get_project"),
        ["v3", "users", id] if token.reads_everything() || token.user_id == *id => {
            match user_name(world, id) {
                Some(name) => Answer::json(200, &json!({"user": user_body(state, id, &name)})),
                None => identity(404, &format!("Could not find user: {id}.")),
            }
        }
        ["v3", "users", _] => forbidden("identity:get_user"),
        ["v3", "auth", "projects"] => {
            let reach = account(world, &token.user_id).map(|account| account.reach.clone());
            let mine: Vec<Value> = world
                .projects()
                .filter(|project| reach.as_ref().is_some_and(|reach| reach.has(&project.id)))
                .map(|project| project_body(state, project))
                .collect();
            collection(state, "projects", mine, path)
        }
        _ => identity(404, "The resource could not be found."),
    }
}

fn projects(state: &State, world: &World, seen: &Seen) -> Answer {
    let tags: Vec<&str> = seen
        .param("tags")
        .map(|tags| tags.split(',').collect())
        .unwrap_or_default();
    let found: Vec<Value> = world
        .projects()
        .filter(|project| {
            tags.iter()
                .all(|tag| project.tags.iter().any(|has| has == tag))
        })
        .filter(|project| seen.param("name").is_none_or(|name| project.name == name))
        .filter(|_| {
            seen.param("domain_id")
                .is_none_or(|domain| domain == "default")
        })
        .map(|project| project_body(state, project))
        .collect();
    collection(state, "projects", found, "/v3/projects")
}

fn collection(state: &State, name: &str, items: Vec<Value>, path: &str) -> Answer {
    let href = format!("{}/identity{path}", state.base);
    Answer::json(
        200,
        &json!({name: items, "links": {"next": null, "self": href, "previous": null}}),
    )
}

pub fn project_body(state: &State, project: &Project) -> Value {
    let mut body = json!({
        "id": project.id, "name": project.name, "domain_id": "default", "description": "",
        "enabled": project.enabled, "parent_id": "default", "is_domain": false,
        "tags": project.tags, "options": {},
        "links": {"self": format!("{}/identity/v3/projects/{}", state.base, project.id)},
    });
    for (key, value) in &project.properties {
        body[key] = json!(value);
    }
    put(&mut body, &project.odd);
    body
}

/// The name of a person or an account, unless it vanished.
pub fn user_name(world: &World, id: &str) -> Option<String> {
    if world.is_gone(id) {
        return None;
    }
    let people = world
        .plan
        .people
        .iter()
        .map(|person| (&person.id, &person.name));
    let accounts = world
        .plan
        .accounts
        .iter()
        .map(|account| (&account.id, &account.name));
    people
        .chain(accounts)
        .find(|(known, _)| *known == id)
        .map(|(_, name)| name.clone())
}

fn user_body(state: &State, id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "domain_id": "default", "enabled": true,
        "password_expires_at": null, "options": {},
        "links": {"self": format!("{}/identity/v3/users/{id}", state.base)},
    })
}
