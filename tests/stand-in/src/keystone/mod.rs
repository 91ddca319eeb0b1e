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

mod login;

use serde_json::{Value, json};

use crate::accounts::Account;
use crate::answer::{Answer, identity, put, unauthorized};
use crate::changes;
use crate::documents;
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
        ("POST", "/v3/auth/tokens") => match login::login(state, &world, &seen.body) {
            Some(answer) => answer,
            None => unauthorized(&auth_url),
        },
        ("POST", path) if path.starts_with("/v3/OS-FEDERATION/") => {
            login::federate(state, &world, seen, path, &auth_url)
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

fn account<'a>(world: &'a World, id: &str) -> Option<&'a Account> {
    world.plan.accounts.iter().find(|account| account.id == id)
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
        ["v3", "users"] if token.reads_everything() => users(state, world),
        ["v3", "users"] => forbidden("identity:list_users"),
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

/// Everybody, or as many as `list_limit` lets through, with the word that it was cut.
fn users(state: &State, world: &World) -> Answer {
    let people = world.plan.people.iter().map(|person| &person.id);
    let accounts = world.plan.accounts.iter().map(|account| &account.id);
    let mut all: Vec<Value> = people
        .chain(accounts)
        .filter_map(|id| Some(user_body(state, id, &user_name(world, id)?)))
        .collect();
    let most = world.plan.list_limit.unwrap_or(usize::MAX);
    let cut = all.len() > most;
    all.truncate(most);
    let href = format!("{}/identity/v3/users", state.base);
    let mut list = json!({"users": all, "links": {"next": null, "self": href, "previous": null}});
    if cut {
        list["truncated"] = json!(true);
    }
    Answer::json(200, &list)
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
