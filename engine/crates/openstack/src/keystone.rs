//! Keystone's own resources: projects and users. Source: Identity API v3; what
//! an old Keystone has in their place is in [`tenants`].
//!
//! An account that may see the whole cloud has a role on the system; one
//! that may not can still see the projects it has a role on, each with a
//! token for it. These functions try the one and then the other, and leave
//! the client for the next question as it was.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ApiError, Scope, Service, Session, tenants};
use caso_login::DomainRef;
use caso_net::path_segment;

pub use super::identity::credentials::V2_DOMAIN;
pub use super::keystone_changes::{add_tag, set_property};
pub use super::project::Project;

#[derive(Deserialize)]
struct ProjectBody {
    project: Project,
}

#[derive(Deserialize)]
struct Page {
    /// One by one, so that a bad one costs itself only.
    #[serde(rename = "projects", alias = "users")]
    rows: Vec<Box<RawValue>>,
    #[serde(default)]
    links: Option<Links>,
    /// Keystone's `list_limit` cut the list short, and there is no next page.
    #[serde(default)]
    truncated: Option<bool>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<String>,
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

#[derive(Deserialize)]
struct ListedUser {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// Users of a cloud.
#[derive(Debug, Default)]
pub struct UserList {
    /// Names by id; none for a user that has no name.
    pub names: HashMap<String, Option<String>>,
    /// These are all that Keystone has: it did not cut the list short, and it was asked for with
    /// a token for the system. With one for a project, Keystone may list that project's
    /// domain alone.
    pub whole: bool,
}

/// All projects that carry a tag. Forbidden without a role that may list
/// projects, on the system or a domain.
///
/// Version 2.0 has no tags, so nothing carries one there.
pub async fn projects_by_tag(session: &Session, tag: &str) -> Result<Vec<Project>, ApiError> {
    if session.has_tenants().await? {
        return Ok(Vec::new());
    }
    list(session, "/v3/projects", &[("tags", tag.to_owned())]).await
}

/// The projects that this account has a role on, with all their properties.
/// Needs no right beyond having them, and is one request however many they
/// are.
pub async fn projects_of_account(session: &Session) -> Result<Vec<Project>, ApiError> {
    if session.has_tenants().await? {
        return Ok(tenants::of_account(session).await?.to_vec());
    }
    list(session, "/v3/auth/projects", &[]).await
}

/// One project: with the system's token, or, where that does not do, with
/// one for the project itself.
pub async fn project_by_id(session: &Session, id: &str) -> Result<Project, ApiError> {
    if session.has_tenants().await? {
        return tenants::by_id(session, id).await;
    }
    let path = format!("/v3/projects/{}", path_segment(id));
    // The token first: only then it is known what the system's token is worth,
    // and the same questions follow in whatever order projects are looked at.
    let own = session.own_project(&Scope::System).await?;
    if own.as_deref() == Some(id) || (own.is_none() && !session.system_refused()) {
        let found = session
            .get::<ProjectBody>(&Scope::System, Service::Identity, &path, &[], None)
            .await;
        match found {
            Err(error) if error.is_forbidden() && own.is_none() => {}
            found => return Ok(found?.project),
        }
    }
    let scope = Scope::Project(id.to_owned());
    let body: ProjectBody = session
        .get(&scope, Service::Identity, &path, &[], None)
        .await?;
    Ok(body.project)
}

/// The project of a name in a domain; none when there is no such project.
/// An account that may not list projects is asked for a token by that name,
/// which has its id.
pub async fn project_by_name(
    session: &Session,
    name: &str,
    domain: &DomainRef,
) -> Result<Option<Project>, ApiError> {
    if session.has_tenants().await? {
        return tenants::by_name(session, name).await;
    }
    let own = session.own_project(&Scope::System).await?;
    if own.is_none()
        && !session.system_refused()
        && let DomainRef::Id(domain_id) = domain
    {
        let query = [
            ("name", name.to_owned()),
            ("domain_id", domain_id.to_owned()),
        ];
        match list(session, "/v3/projects", &query).await {
            Ok(found) => {
                // An old Keystone ignores a filter that it does not know.
                return Ok(found.into_iter().find(|project| project.name == name));
            }
            Err(error) if error.is_forbidden() => {}
            Err(error) => return Err(error),
        }
    }
    match session.resolve_project(name, domain).await {
        Ok(id) => project_by_id(session, &id).await.map(Some),
        // With good credentials: not there, or not ours.
        Err(ApiError::NoRole { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Name of a user; none when Keystone does not know the id any more.
pub async fn user_name(session: &Session, id: &str) -> Result<Option<String>, ApiError> {
    if session.has_tenants().await? {
        return tenants::user_name(session, id).await;
    }
    let path = format!("/v3/users/{}", path_segment(id));
    let found = session
        .get::<UserBody>(&Scope::System, Service::Identity, &path, &[], None)
        .await;
    match found {
        Ok(body) => Ok(body.user.name),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The users that Keystone lists for this account; none where it has no such list
/// (version 2.0). It may be forbidden, and where domains have drivers of their own Keystone
/// answers 401: it wants to know of which domain.
/// <https://docs.openstack.org/api-ref/identity/v3/#list-users>
pub async fn users(session: &Session) -> Result<Option<UserList>, ApiError> {
    if session.has_tenants().await? {
        return Ok(None);
    }
    let own = session.own_project(&Scope::System).await?;
    let mut list = UserList::default();
    let mut all_read = true;
    let cut = rows(
        session,
        "/v3/users",
        &[],
        |row| match serde_json::from_str::<ListedUser>(row.get()) {
            Ok(user) => {
                list.names.insert(user.id, user.name);
            }
            Err(_) => all_read = false,
        },
    )
    .await?;
    list.whole = !cut && all_read && own.is_none() && !session.system_refused();
    Ok(Some(list))
}

async fn list(
    session: &Session,
    path: &str,
    query: &[(&str, String)],
) -> Result<Vec<Project>, ApiError> {
    let mut projects = Vec::new();
    let cut = rows(session, path, query, |row| {
        match serde_json::from_str(row.get()) {
            Ok(project) => projects.push(project),
            Err(error) => {
                #[derive(Default, Deserialize)]
                struct OnlyId {
                    #[serde(default)]
                    id: serde_json::Value,
                }
                let id = serde_json::from_str::<OnlyId>(row.get()).unwrap_or_default().id;
                tracing::warn!(
                    "a project that Keystone lists cannot be read, and is left out: {error} (id {id})"
                );
            }
        }
    })
    .await?;
    if cut {
        tracing::warn!(
            "Keystone cut its list of projects short, so some may be missing: ask its operator to raise `list_limit`, or name the projects in `projects`"
        );
    }
    Ok(projects)
}

/// Reads a list of Keystone's to its end; whether Keystone cut it short.
async fn rows(
    session: &Session,
    path: &str,
    query: &[(&str, String)],
    mut take: impl FnMut(&RawValue),
) -> Result<bool, ApiError> {
    let mut page: Page = session
        .get(&Scope::System, Service::Identity, path, query, None)
        .await?;
    let mut cut = false;
    let mut followed = Vec::new();
    loop {
        cut |= page.truncated == Some(true);
        page.rows.iter().for_each(|row| take(row));
        // Keystone lists in one page; a service that sends us round in
        // circles must not keep us.
        match page.links.and_then(|links| links.next) {
            Some(next) if !next.is_empty() && !followed.contains(&next) => {
                page = session
                    .get_link(&Scope::System, Service::Identity, &next, None)
                    .await?;
                followed.push(next);
            }
            _ => return Ok(cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;
    use caso_net::Method;

    fn project(id: &str) -> Value {
        json!({"id": id, "name": "n", "enabled": true, "domain_id": "default",
               "tags": ["caso"], "VO": "vo.example.org", "links": {}})
    }

    #[tokio::test]
    async fn listed_by_tag_over_pages_and_a_bad_one_left_out() {
        let fake = Fake::new(|request| match (request.method, request.url.query()) {
            (Method::Post, _) => token(request, "t"),
            (_, Some("tags=caso")) => answer(
                200,
                &json!({"projects": [project("a"), {"name": "lost"}],
                        "links": {"next": "http://internal/v3/projects?tags=caso&marker=a"}}),
            ),
            _ => answer(
                200,
                &json!({"projects": [project("b")], "links": {"next": null}}),
            ),
        });
        let (session, _) = session(&fake);
        let projects = projects_by_tag(&session, "caso").await.unwrap();
        let ids: Vec<&str> = projects.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(projects[0].extra["VO"], "vo.example.org");
        assert_eq!(projects[0].tags, ["caso"]);
        assert_eq!(fake.lines().len(), 3);
    }

    #[tokio::test]
    async fn a_reader_of_one_project_sees_that_one() {
        let fake = Fake::new(|request| match (request.method, request.scope.as_str()) {
            (Method::Post, "system") => refusal(401),
            (Method::Post, "project:missing") => refusal(401),
            (Method::Post, _) => token(request, "t"),
            (_, "project:a") => answer(200, &json!({"project": project("a")})),
            _ => refusal(403),
        });
        let (session, _) = session(&fake);
        let error = projects_by_tag(&session, "caso").await.unwrap_err();
        assert!(error.is_forbidden(), "{error}");
        assert_eq!(project_by_id(&session, "a").await.unwrap().id, "a");
        let error = project_by_id(&session, "missing").await.unwrap_err();
        assert!(error.to_string().contains("`missing`"), "{error}");
        assert!(user_name(&session, "u").await.unwrap_err().is_forbidden());
    }

    #[tokio::test]
    async fn by_name_with_and_without_the_right_to_list() {
        let domain = DomainRef::Id("default".into());
        let fake = Fake::new(|request| match request.method {
            Method::Post => token(request, "t"),
            _ => answer(200, &json!({"projects": [project("a")]})),
        });
        let (session_one, _) = session(&fake);
        let found = project_by_name(&session_one, "n", &domain).await.unwrap();
        assert_eq!(found.unwrap().id, "a");
        assert_eq!(
            project_by_name(&session_one, "m", &domain).await.unwrap(),
            None
        );

        let fake = Fake::new(|request| match (request.method, request.scope.as_str()) {
            (Method::Post, "system" | "project-name:other") => refusal(401),
            (Method::Post, "project-name:n") => text(
                201,
                &[("x-subject-token", "t")],
                &json!({"token": {"project": {"id": "a", "name": "n"}, "catalog": catalog()}})
                    .to_string(),
            ),
            (Method::Post, _) => token(request, "t"),
            (_, "project:a") => answer(200, &json!({"project": project("a")})),
            _ => refusal(403),
        });
        let (session, _) = session(&fake);
        let found = project_by_name(&session, "n", &domain).await.unwrap();
        assert_eq!(found.unwrap().id, "a");
        // The token that had the id serves the project.
        assert!(!fake.lines().contains(&"POST project:a".to_owned()));
        assert_eq!(
            project_by_name(&session, "other", &domain).await.unwrap(),
            None
        );
    }

    #[tokio::test]
    async fn users_there_gone_and_forbidden() {
        let fake = Fake::new(|request| match request.url.path() {
            "/v3/users/there" => answer(200, &json!({"user": {"name": "bób@example.org"}})),
            "/v3/users/nameless" => answer(200, &json!({"user": {"name": null}})),
            "/v3/users/a%2Fb" => refusal(404),
            _ if request.method == Method::Post => token(request, "t"),
            _ => refusal(403),
        });
        let (session, _) = session(&fake);
        let name = async |id| user_name(&session, id).await;
        assert_eq!(
            name("there").await.unwrap().as_deref(),
            Some("bób@example.org")
        );
        assert_eq!(name("nameless").await.unwrap(), None);
        assert_eq!(name("a/b").await.unwrap(), None);
        assert!(name("other").await.unwrap_err().is_forbidden());
    }

    /// Over pages; a list is whole where Keystone did not cut it, and was asked for the system.
    #[tokio::test]
    async fn users_listed_whole_or_not() {
        for (cut, system, whole) in [
            (false, true, true),
            (true, true, false),
            (false, false, false),
        ] {
            let fake = Fake::new(move |request| {
                match (request.method, request.scope.as_str(), request.url.query()) {
                    (Method::Post, "system", _) if !system => refusal(401),
                    (Method::Post, ..) => token(request, "t"),
                    (_, _, None) => answer(
                        200,
                        &json!({"users": [{"id": "a", "name": "A"}, {"id": "n"}],
                                "links": {"next": "http://internal/v3/users?marker=n"}}),
                    ),
                    _ => answer(
                        200,
                        &json!({"users": [{"id": "b", "name": "B"}], "truncated": cut,
                                "links": {"next": null}}),
                    ),
                }
            });
            let (session, _) = session(&fake);
            let list = users(&session).await.unwrap().unwrap();
            let mut names: Vec<_> = list.names.into_iter().collect();
            names.sort();
            let named = |id: &str, name: Option<&str>| (id.to_owned(), name.map(str::to_owned));
            assert_eq!(
                names,
                [
                    named("a", Some("A")),
                    named("b", Some("B")),
                    named("n", None)
                ]
            );
            assert_eq!(list.whole, whole, "cut {cut}, system {system}");
        }
    }

    #[tokio::test]
    async fn a_project_is_changed_with_the_token_that_may() {
        let fake = Fake::new(|request| match (request.method, request.scope.as_str()) {
            (Method::Post, _) => token(request, "t"),
            (Method::Patch, "system") => refusal(403),
            (Method::Patch, _) => answer(200, &json!({"project": project("a")})),
            // A created tag has no body.
            _ => text(201, &[], ""),
        });
        let (session, _) = session(&fake);
        set_property(&session, "a", "accounting:VO", "vo.é")
            .await
            .unwrap();
        add_tag(&session, "a", "caso/x y").await.unwrap();
        let changes: Vec<String> = fake
            .lines()
            .into_iter()
            .filter(|line| line.starts_with('P') && !line.starts_with("POST"))
            .collect();
        let patch = "PATCH /v3/projects/a {\"project\":{\"accounting:VO\":\"vo.é\"}}";
        assert_eq!(
            changes,
            [patch, patch, "PUT /v3/projects/a/tags/caso%2Fx%20y"]
        );
    }

    #[tokio::test]
    async fn a_change_that_nobody_may_make_is_refused() {
        let fake = Fake::new(|request| match request.method {
            Method::Post => token(request, "t"),
            _ => refusal(403),
        });
        let (session, _) = session(&fake);
        let error = add_tag(&session, "a", "caso").await.unwrap_err();
        assert!(error.is_forbidden(), "{error}");
    }
}
