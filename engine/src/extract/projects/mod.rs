//! Which projects are accounted, and the VO of each: those of the
//! configuration, in its order, then those that carry the tag in Keystone.
//!
//! A project that is gone, that this account may not read, or that has no VO
//! is one failure with its name, and the others go on. Nothing is reported for
//! it, and its cursor stays, so that nothing is lost once it is mended.

mod mapping;
mod vo;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;

pub use self::mapping::MappingError;
use self::mapping::VoMapping;
use self::vo::with_vo;
use super::Warnings;
use crate::model::login::DomainRef;
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
    pub error: Box<ProjectError>,
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
                error: Box::new(error),
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
