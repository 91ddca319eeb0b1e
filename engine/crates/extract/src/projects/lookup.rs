//! Projects as somebody wrote them, ids or names, to Keystone's.

use super::ProjectError;
use caso_login::DomainRef;
use caso_openstack::keystone::{self, Project};
use caso_openstack::{ApiError, Session};

/// From so many projects on, one list of all that this account has a role on
/// costs less than asking for each.
const LIST_FROM: usize = 3;

/// What is known of projects before any is asked for.
pub struct Lookup<'a> {
    session: &'a Session,
    domain: Option<&'a DomainRef>,
    known: Vec<Project>,
    listed: Vec<Project>,
}

impl<'a> Lookup<'a> {
    /// For these names, with the projects that are known already.
    pub async fn of(
        session: &'a Session,
        domain: Option<&'a DomainRef>,
        written: &[String],
        known: &[Project],
    ) -> Lookup<'a> {
        Lookup {
            session,
            domain,
            known: known.to_vec(),
            listed: listed(session, written, known).await,
        }
    }

    /// One project, by id, then by name.
    pub async fn project(&self, written: &str) -> Result<Project, ProjectError> {
        let mut all = self.known.iter().chain(&self.listed);
        let by_name = || {
            let mut listed = self.listed.iter();
            listed.find(|project| has_name(project, written, self.domain))
        };
        match all.find(|project| project.id == written).or_else(by_name) {
            Some(project) => Ok(project.clone()),
            None => ask(self.session, written, self.domain).await,
        }
    }
}

/// The projects that this account has a role on, if several are not known yet.
/// Only a short cut: what is not on it is asked for.
async fn listed(session: &Session, written: &[String], known: &[Project]) -> Vec<Project> {
    let unknown = written
        .iter()
        .filter(|written| known.iter().all(|project| project.id != **written))
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
