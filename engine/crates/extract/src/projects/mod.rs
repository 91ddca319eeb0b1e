//! Which projects are accounted, and the VO of each: those of the
//! configuration, in its order, then those that carry the tag in Keystone.
//!
//! A project that is gone, that this account may not read, or that has no VO
//! is one failure with its name, and the others go on. Nothing is reported for
//! it, and its cursor stays, so that nothing is lost once it is mended.

mod lookup;
mod mapping;
mod mapping_error;
mod vo;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::lookup::Lookup;
pub use self::mapping::VoMapping;
pub use self::mapping_error::MappingError;
use self::vo::with_vo;
use caso_base::time::format_utc;
use caso_login::DomainRef;
use caso_model::notice::Notices;
use caso_openstack::keystone::{self, Project};
use caso_openstack::{ApiError, Session};

/// Key of the notice that there is no list of the projects that carry the tag.
pub const NO_LIST: &str = "projects-forbidden";

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
    /// Keystone says that it is: then nobody gets a token for it.
    pub disabled: bool,
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
    /// Why the mapping file cannot be used, where the project needs it: one cause for all of which that holds.
    #[must_use]
    pub fn without_mapping(&self) -> Option<&MappingError> {
        match self.error.as_ref() {
            ProjectError::NoMapping { source, .. } => Some(source),
            _ => None,
        }
    }

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
    #[error("this account finds no project by this id or name in domain {domain}: {source}")]
    Unknown { domain: String, source: ApiError },
    #[error("this account finds no project by this id: {source}")]
    UnknownId { source: ApiError },
    /// Not by this name any more.
    #[error(
        "Keystone has no project of this name; the one that was extracted by it, {id}, is now called `{now}`"
    )]
    Renamed { id: String, now: String },
    /// Not by this name, nor by the id that it was extracted by; up to `until`, in epoch seconds.
    #[error(
        "Keystone has no project of this name any more, nor one of the id that it was extracted by, {id}, up to {}",
        format_utc(*.until)
    )]
    Deleted { id: String, until: i64 },
    /// Not by this name; by the id Keystone does not show it.
    #[error(
        "this account finds no project by this name any more; it was {id}, extracted up to {}: {source}",
        format_utc(*.until)
    )]
    Unseen {
        id: String,
        until: i64,
        source: ApiError,
    },
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(
        "it has no VO: Keystone has no property `{property}` of it{}, and the mapping file `{}` does not name it{}",
        instead(.alike.as_ref()), .file.display(), but_named(.written.as_ref())
    )]
    NoVo {
        property: String,
        alike: Option<Alike>,
        file: PathBuf,
        /// A project of the file that has the same name but for blanks and the case of letters.
        written: Option<String>,
    },
    #[error("it has no property `{property}` in Keystone{}, and {source}", instead(.alike.as_ref()))]
    NoMapping {
        property: String,
        alike: Option<Alike>,
        source: Arc<MappingError>,
    },
    #[error("its property `{property}` is no text and so no VO: {value}")]
    OddVo { property: String, value: String },
}

fn but_named(written: Option<&String>) -> String {
    written.map_or_else(String::new, |name| format!(", which has `{name}`"))
}

/// A property that a project has, whose name is much like that of the one it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    pub name: String,
    /// Perhaps the VO.
    pub value: String,
}

fn instead(alike: Option<&Alike>) -> String {
    alike.map_or_else(String::new, |Alike { name, value }| {
        format!(" (it has `{name}`, which is `{value}`)")
    })
}

/// Why there is no list of projects at all.
#[derive(Debug, thiserror::Error)]
pub enum ProjectsError {
    #[error(transparent)]
    Keystone(ApiError),
    #[error("cannot list the projects with tag `{tag}`: {source}")]
    List { tag: String, source: ApiError },
}

impl ProjectError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if let Some((property, alike)) = self.alike() {
            return Some(format!(
                "set `vo_property = {}`, or the property `{property}` of the project in Keystone to its VO",
                alike.name
            ));
        }
        match self {
            ProjectError::Unknown { .. } => Some(
                "if its domain is another one, `project_domain_name` in `[keystone_auth]` has to say so".to_owned(),
            ),
            ProjectError::UnknownId { .. } => Some(
                "if that is its name, set `project_domain_name` in `[keystone_auth]` to its domain (usually `Default`): without it, projects \
                 are looked up by id only"
                    .to_owned(),
            ),
            ProjectError::Renamed { id, now } => {
                Some(format!("write `{now}` or `{id}` in its place in `projects`"))
            }
            ProjectError::Deleted { .. } => {
                Some("take it out of `projects`, and forget its cursors".to_owned())
            }
            ProjectError::Unseen { id, .. } => {
                Some(format!("if it was renamed, write `{id}` in its place in `projects`"))
            }
            ProjectError::Api(error) => error.hint(),
            ProjectError::NoMapping { source, .. } => Some(source.hint()),
            ProjectError::NoVo { property, .. } | ProjectError::OddVo { property, .. } => Some(format!(
                "set the property `{property}` of the project in Keystone to its VO"
            )),
        }
    }

    /// The property that it lacks, and the one of nearly that name which it has, where it has one.
    #[must_use]
    pub fn alike(&self) -> Option<(&str, &Alike)> {
        match self {
            ProjectError::NoVo {
                property, alike, ..
            }
            | ProjectError::NoMapping {
                property, alike, ..
            } => Some((property, alike.as_ref()?)),
            _ => None,
        }
    }

    /// Keystone, asked by an account that may see every project, has none such.
    /// Otherwise it may be there, and this account have no role on it.
    pub fn is_gone(&self) -> bool {
        match self {
            ProjectError::Unknown { source, .. } | ProjectError::UnknownId { source } => {
                source.is_not_found()
            }
            ProjectError::Deleted { .. } => true,
            _ => false,
        }
    }
}

impl ProjectsError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            ProjectsError::Keystone(source) | ProjectsError::List { source, .. } => source.hint(),
        }
    }

    /// Keystone is away.
    pub fn is_outage(&self) -> bool {
        match self {
            ProjectsError::Keystone(source) | ProjectsError::List { source, .. } => {
                source.is_outage()
            }
        }
    }
}

/// Finds the projects, each once.
pub async fn find(
    session: &Session,
    options: &ProjectOptions,
    warnings: &Notices,
) -> Result<Vec<Result<ProjectRef, ProjectFailure>>, ProjectsError> {
    // A file that cannot be read costs the projects that need it.
    let mapping = VoMapping::read(&options.mapping_file, warnings).map_err(Arc::new);
    let without_domains = in_the_one_domain(session, options).await?;
    let options = without_domains.as_ref().unwrap_or(options);
    let tagged = tagged(session, options, warnings).await?;
    let lookup = Lookup::of(
        session,
        options.domain.as_ref(),
        &options.configured,
        &tagged,
    )
    .await;

    let mut found = Vec::new();
    let mut taken = HashSet::new();
    for written in &options.configured {
        match lookup.project(written).await {
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
                    warnings.warn_once(&format!("project-twice-{}", project.id), || {
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
    // Those that need it say so.
    let mut failures = found.iter().filter_map(|it| it.as_ref().err());
    if let Err(error) = &mapping
        && failures.all(|failure| failure.without_mapping().is_none())
    {
        warnings.warn_once("mapping-file-broken", || (error.to_string(), error.hint()));
    }
    Ok(found)
}

/// Keystone 2.0 has one domain, which nobody names, and no tags.
async fn in_the_one_domain(
    session: &Session,
    options: &ProjectOptions,
) -> Result<Option<ProjectOptions>, ProjectsError> {
    let tenants = session
        .has_tenants()
        .await
        .map_err(ProjectsError::Keystone)?;
    Ok(tenants.then(|| ProjectOptions {
        domain: Some(DomainRef::Id(keystone::V2_DOMAIN.to_owned())),
        tag: String::new(),
        ..options.clone()
    }))
}

async fn tagged(
    session: &Session,
    options: &ProjectOptions,
    warnings: &Notices,
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
        // Where `projects` names none there is nothing to go on with.
        Err(error)
            if !options.configured.is_empty()
                && (error.is_forbidden() || matches!(error, ApiError::Unauthorized { .. })) =>
        {
            warnings.warn_once(NO_LIST, || {
                (
                    format!(
                        "this account may not list the projects with tag `{tag}`, so only those in `projects` are \
                         accounted: {error}"
                    ),
                    "give it the role `reader` on the system, or set `caso_tag` to nothing",
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
