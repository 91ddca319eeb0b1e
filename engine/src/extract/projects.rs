//! Which projects are accounted, and the VO of each: those of the
//! configuration, in its order, then those that carry the tag in Keystone.
//!
//! A project that is gone, that this account may not read, or that has no VO
//! is one failure with its name, and the others go on. Nothing is reported for
//! it, and its cursor stays, so that nothing is lost once it is mended.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;

use super::Warnings;
use super::voms::{MappingError, VoMapping};
use crate::openstack::identity::credentials::DomainRef;
use crate::openstack::keystone::{self, Project};
use crate::openstack::{ApiError, Session};

/// What the configuration says about projects.
#[derive(Debug, Clone)]
pub struct ProjectOptions {
    /// `projects`: ids or names.
    pub configured: Vec<String>,
    /// `caso_tag`; empty for none.
    pub tag: String,
    /// `vo_property`.
    pub vo_property: String,
    /// `mapping_file`.
    pub mapping_file: PathBuf,
    /// Where names are looked up: `project_domain_id` or
    /// `project_domain_name` of `[keystone_auth]`.
    pub domain: Option<DomainRef>,
}

/// A project to be accounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRef {
    pub id: String,
    /// As the configuration writes it, if it does: some cASO versions named
    /// lastrun files so.
    pub configured: Option<String>,
    pub name: Option<String>,
    pub vo: String,
}

/// A project that cannot be accounted.
#[derive(Debug, thiserror::Error)]
#[error("project `{asked}`{}: {error}", self.also())]
pub struct ProjectFailure {
    /// As it was written, or its id.
    pub asked: String,
    /// Its id, as far as it was found.
    pub id: Option<String>,
    pub name: Option<String>,
    pub error: ProjectError,
}

impl ProjectFailure {
    fn also(&self) -> String {
        match &self.name {
            Some(name) if *name != self.asked => format!(" (`{name}`)"),
            _ => String::new(),
        }
    }
}

/// Why a project cannot be accounted.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(
        "this account finds no project of this id, nor of this name in domain {domain}: {source}"
    )]
    Unknown { domain: String, source: ApiError },
    #[error(
        "this account finds no project of this id (were it a name, `project_domain_id` or `project_domain_name` in `[keystone_auth]` would have to say its domain): {source}"
    )]
    UnknownId { source: ApiError },
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(
        "it has no VO: set the property `{property}` of the project in Keystone, or name the project in the mapping file `{}`", .file.display()
    )]
    NoVo { property: String, file: PathBuf },
    #[error("its property `{property}` is no text and so no VO: {value}")]
    OddVo { property: String, value: String },
}

/// Why there is no list of projects at all.
#[derive(Debug, thiserror::Error)]
pub enum ProjectsError {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error("cannot list the projects with tag `{tag}`: {source}")]
    List { tag: String, source: ApiError },
}

impl ProjectsError {
    /// Keystone is away.
    pub fn is_outage(&self) -> bool {
        match self {
            ProjectsError::Mapping(_) => false,
            ProjectsError::List { source, .. } => source.is_outage(),
        }
    }
}

/// From so many projects on, one list of all that this account has a role on
/// costs less than asking for each.
const LIST_FROM: usize = 3;

/// Finds the projects, each once.
pub async fn find(
    session: &Session,
    options: &ProjectOptions,
    warnings: &Warnings,
) -> Result<Vec<Result<ProjectRef, ProjectFailure>>, ProjectsError> {
    let mapping = VoMapping::read(&options.mapping_file, warnings)?;
    let tagged = tagged(session, options, warnings).await?;
    let listed = listed(session, options, &tagged).await;

    let mut found = Vec::new();
    let mut taken = HashSet::new();
    for written in &options.configured {
        let project = tagged
            .iter()
            .chain(&listed)
            .find(|project| project.id == *written)
            .or_else(|| {
                listed
                    .iter()
                    .find(|project| has_name(project, written, options.domain.as_ref()))
            });
        let project = match project {
            Some(project) => Ok(project.clone()),
            None => ask(session, written, options.domain.as_ref()).await,
        };
        match project {
            Err(error) => found.push(Err(ProjectFailure {
                asked: written.clone(),
                id: None,
                name: None,
                error,
            })),
            Ok(project) => {
                if taken.insert(project.id.clone()) {
                    found.push(with_vo(project, Some(written), options, &mapping, warnings));
                } else {
                    warnings.once(&format!("project-twice-{}", project.id), || {
                        format!(
                            "`projects` names project `{}` (`{}`) more than once, by id or by name",
                            project.id, project.name
                        )
                    });
                }
            }
        }
    }
    for project in tagged {
        if taken.insert(project.id.clone()) {
            found.push(with_vo(project, None, options, &mapping, warnings));
        }
    }
    Ok(found)
}

async fn tagged(
    session: &Session,
    options: &ProjectOptions,
    warnings: &Warnings,
) -> Result<Vec<Project>, ProjectsError> {
    let tag = &options.tag;
    if tag.is_empty() {
        return Ok(Vec::new());
    }
    match keystone::projects_by_tag(session, tag).await {
        Ok(projects) => Ok(projects
            .into_iter()
            // An old Keystone (before Queens) does not know tags, and lists
            // every project there is.
            .filter(|project| {
                tag.split(',')
                    .all(|tag| project.tags.iter().any(|has| has == tag))
            })
            .collect()),
        Err(error) if error.is_forbidden() || matches!(error, ApiError::Unauthorized { .. }) => {
            warnings.once("projects-forbidden", || {
                let configured = if options.configured.is_empty() {
                    ", and `projects` names none"
                } else {
                    ", so only those in `projects` are accounted"
                };
                format!(
                    "this account may not list the projects with tag `{tag}`{configured}; give it the role `reader` on the system, or set `caso_tag` to nothing: {error}"
                )
            });
            Ok(Vec::new())
        }
        Err(source) => Err(ProjectsError::List {
            tag: tag.clone(),
            source,
        }),
    }
}

/// The projects that this account has a role on, if several configured ones
/// are not known yet. Only a short cut: whoever is not on it is asked for.
async fn listed(session: &Session, options: &ProjectOptions, tagged: &[Project]) -> Vec<Project> {
    let unknown = options
        .configured
        .iter()
        .filter(|written| tagged.iter().all(|project| project.id != **written))
        .count();
    if unknown < LIST_FROM {
        return Vec::new();
    }
    match keystone::projects_of_account(session).await {
        Ok(projects) => projects,
        Err(error) => {
            tracing::debug!("asking for each project: {error}");
            Vec::new()
        }
    }
}

fn has_name(project: &Project, name: &str, domain: Option<&DomainRef>) -> bool {
    match domain {
        Some(DomainRef::Id(domain)) => {
            project.name == name && project.domain_id.as_ref() == Some(domain)
        }
        // By the domain's name, Keystone itself must decide.
        Some(DomainRef::Name(_)) | None => false,
    }
}

/// One project, by id, then by name.
async fn ask(
    session: &Session,
    written: &str,
    domain: Option<&DomainRef>,
) -> Result<Project, ProjectError> {
    let source = match keystone::project_by_id(session, written).await {
        Ok(project) => return Ok(project),
        // Keystone's word for an unknown project is also "no role on it".
        Err(error)
            if error.is_not_found()
                || error.is_forbidden()
                || matches!(error, ApiError::OtherProject { .. }) =>
        {
            error
        }
        Err(error) => return Err(error.into()),
    };
    let Some(domain) = domain else {
        return Err(ProjectError::UnknownId { source });
    };
    match keystone::project_by_name(session, written, domain).await? {
        Some(project) => Ok(project),
        None => Err(ProjectError::Unknown {
            domain: match domain {
                DomainRef::Id(id) => format!("`{id}`"),
                DomainRef::Name(name) => format!("`{name}`"),
            },
            source,
        }),
    }
}

/// The VO: the project's property, or what the mapping file says, by id or by
/// either name.
fn with_vo(
    project: Project,
    written: Option<&String>,
    options: &ProjectOptions,
    mapping: &VoMapping,
    warnings: &Warnings,
) -> Result<ProjectRef, ProjectFailure> {
    let name = Some(project.name.clone()).filter(|name| !name.is_empty());
    let property = &options.vo_property;
    let vo = match project.extra.get(property) {
        Some(Value::String(vo)) if !vo.is_empty() => Ok(vo.clone()),
        None | Some(Value::Null | Value::String(_)) => {
            let names = [Some(&project.id), written, name.as_ref()];
            match names
                .into_iter()
                .flatten()
                .find_map(|name| mapping.vo(name))
            {
                Some(vo) => {
                    warnings.once("mapping-file-used", || {
                        format!(
                            "VOs are taken from the mapping file `{}` (project `{}` has no property `{property}` in Keystone); cASO is leaving this file behind: `caso-projects` shows how to move to properties",
                            options.mapping_file.display(),
                            project.id,
                        )
                    });
                    Ok(vo.to_owned())
                }
                None => Err(ProjectError::NoVo {
                    property: property.clone(),
                    file: options.mapping_file.clone(),
                }),
            }
        }
        Some(other) => Err(ProjectError::OddVo {
            property: property.clone(),
            value: other.to_string(),
        }),
    };
    match vo {
        Ok(vo) => Ok(ProjectRef {
            id: project.id,
            configured: written.cloned(),
            name,
            vo,
        }),
        Err(error) => Err(ProjectFailure {
            asked: written.cloned().unwrap_or_else(|| project.id.clone()),
            id: Some(project.id),
            name,
            error,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::extract::testing::{Cloud, Stand, status};

    fn options(configured: &[&str]) -> ProjectOptions {
        ProjectOptions {
            configured: configured.iter().map(|&id| id.to_owned()).collect(),
            tag: "caso".into(),
            vo_property: "VO".into(),
            mapping_file: PathBuf::from("/nowhere/voms.json"),
            domain: Some(DomainRef::Id("default".into())),
        }
    }

    /// Projects `p1`, `p2` with the tag, and `q0` to `q3` without.
    fn cloud() -> Cloud {
        let mut cloud = Cloud::default();
        cloud.projects.extend((0..4).map(|n| {
            json!({"id": format!("q{n}"), "name": format!("name/q{n}"), "domain_id": "default",
                "tags": [], "VO": "vo-q"})
        }));
        cloud
    }

    async fn find(
        stand: &std::sync::Arc<Stand>,
        options: &ProjectOptions,
    ) -> (Vec<Result<ProjectRef, ProjectFailure>>, Vec<String>) {
        let context = stand.context();
        let found = super::find(&context.session, options, &context.caches.warnings).await;
        let warnings = context.caches.warnings.take();
        let texts = warnings.into_iter().map(|warning| warning.text).collect();
        (found.unwrap(), texts)
    }

    fn ids(found: &[Result<ProjectRef, ProjectFailure>]) -> Vec<String> {
        found
            .iter()
            .map(|project| match project {
                Ok(project) => project.id.clone(),
                Err(failure) => format!("not {}", failure.asked),
            })
            .collect()
    }

    #[tokio::test]
    async fn the_configured_come_first_and_each_once() {
        let stand = cloud().start();
        let (found, _) = find(&stand, &options(&["q1", "p2", "name/q1"])).await;
        assert_eq!(ids(&found), ["q1", "p2", "p1"]);
        let first = found[0].as_ref().unwrap();
        assert_eq!(first.configured.as_deref(), Some("q1"));
        assert_eq!(first.name.as_deref(), Some("name/q1"));
        assert_eq!(first.vo, "vo-q");
        assert_eq!(found[2].as_ref().unwrap().configured, None);
    }

    #[tokio::test]
    async fn tagged_projects_need_one_request() {
        let stand = cloud().start();
        let (found, _) = find(&stand, &options(&["p1"])).await;
        assert_eq!(ids(&found), ["p1", "p2"]);
        assert_eq!(stand.log().len(), 2, "{:#?}", stand.log());
    }

    #[tokio::test]
    async fn many_configured_projects_need_one_request_more() {
        let stand = cloud().start();
        let (found, _) = find(&stand, &options(&["q0", "name/q1", "q2", "q3"])).await;
        assert_eq!(ids(&found), ["q0", "q1", "q2", "q3", "p1", "p2"]);
        assert_eq!(stand.log().len(), 3, "{:#?}", stand.log());
        assert_eq!(
            found[1].as_ref().unwrap().configured.as_deref(),
            Some("name/q1")
        );
    }

    #[tokio::test]
    async fn a_missing_project_is_one_failure() {
        let stand = cloud().start();
        let (found, _) = find(&stand, &options(&["../gone", "q0"])).await;
        assert_eq!(ids(&found), ["not ../gone", "q0", "p1", "p2"]);
        let text = found[0].as_ref().unwrap_err().to_string();
        assert!(
            text.contains("`../gone`") && text.contains("`default`"),
            "{text}"
        );

        let mut options = options(&["gone"]);
        options.domain = None;
        let (found, _) = find(&stand, &options).await;
        let text = found[0].as_ref().unwrap_err().to_string();
        assert!(text.contains("project_domain_id"), "{text}");
    }

    #[tokio::test]
    async fn without_system_scope_projects_are_read_with_their_own_token() {
        let mut cloud = cloud();
        cloud.system = false;
        let stand = cloud.start_with(|call, _| {
            (call.project.is_empty() && call.asks("/v3/projects")).then(|| status(403))
        });
        let (found, warnings) = find(&stand, &options(&["p1", "gone"])).await;
        assert_eq!(ids(&found), ["p1", "not gone"]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains("only those in `projects`"),
            "{warnings:?}"
        );
    }

    #[tokio::test]
    async fn the_vo_comes_from_the_property_then_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("voms.json");
        std::fs::write(
            &file,
            r#"{"by-file": {"projects": ["p1", "name/q0", "q1"]}}"#,
        )
        .unwrap();
        let mut cloud = cloud();
        for project in &mut cloud.projects {
            match project["id"].as_str().unwrap() {
                "q0" => project["VO"] = json!(null),
                "q1" => project["VO"] = json!(""),
                "q2" => project["VO"] = json!(["a"]),
                "q3" => drop(project.as_object_mut().unwrap().remove("VO")),
                _ => {}
            }
        }
        let stand = cloud.start();
        let mut options = options(&["q0", "q1", "q2", "q3"]);
        options.mapping_file = file;
        let (found, warnings) = find(&stand, &options).await;
        assert_eq!(ids(&found), ["q0", "q1", "not q2", "not q3", "p1", "p2"]);
        let vo = |n: usize| found[n].as_ref().unwrap().vo.as_str();
        assert_eq!([vo(0), vo(1), vo(4)], ["by-file", "by-file", "vo-p1"]);
        let odd = found[2].as_ref().unwrap_err();
        assert!(matches!(odd.error, ProjectError::OddVo { .. }), "{odd}");
        let none = found[3].as_ref().unwrap_err();
        assert!(matches!(none.error, ProjectError::NoVo { .. }), "{none}");
        assert!(none.to_string().contains("`VO`"), "{none}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }

    #[tokio::test]
    async fn a_malformed_mapping_file_and_a_keystone_away_end_the_search() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(&[]);
        options.mapping_file = folder.path().join("voms.json");
        std::fs::write(&options.mapping_file, "{").unwrap();
        let context = cloud().start().context();
        let warnings = Warnings::default();
        let found = super::find(&context.session, &options, &warnings).await;
        assert!(matches!(found, Err(ProjectsError::Mapping(_))));

        options.mapping_file = folder.path().join("none.json");
        let stand = cloud().start_with(|_, _| Some(status(503)));
        let found = super::find(&stand.context().session, &options, &warnings).await;
        assert!(found.unwrap_err().is_outage());
    }
}
