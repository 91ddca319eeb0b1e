//! Projects that were extracted and that Keystone does not give any more as the configuration asks for them:
//! renamed, deleted, without their tag.
//!
//! Nothing of that is an error of a run that selects by tag, and its usage is lost without a word. What became of
//! such a project Keystone says by its id, which the spool knows. Nobody is asked of more than [`MOST`]: a site that
//! never forgets a project is not to pay for it every hour.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::cursor_keys;
use crate::run::summary::words::{count, len};
use crate::run::tags;
use caso_base::digest::sha256_hex;
use caso_base::shell_word as word;
use caso_base::time::format_utc;
use caso_config::CloudConfig;
use caso_extract::{ProjectError, ProjectFailure, ProjectRef};
use caso_model::notice::Notice;
use caso_openstack::Session;
use caso_openstack::keystone::{self, Project};
use caso_state::{Cursors, Spool, ledger};

/// Of so many projects of a cloud Keystone is asked.
const MOST: usize = 10;
/// So many are named where there are more.
const NAMED: usize = 3;
/// So far back names are looked for in the ledger of runs, in seconds.
const LOOK_BACK: i64 = 32 * 86_400;

/// What the spool knows of projects of a cloud that were not found.
pub struct Absent<'a> {
    spool: &'a Spool,
    cloud: &'a CloudConfig,
    now: i64,
    /// Up to where they were extracted, by id: the farthest of the extractors.
    until: BTreeMap<String, i64>,
    /// What those that were found are called now, by id.
    found: BTreeMap<String, String>,
    /// By id: what Keystone called them, the last name first, then what configurations did.
    names: OnceLock<BTreeMap<String, Vec<String>>>,
}

impl<'a> Absent<'a> {
    /// Those that are extracted in this cloud, beside the ones that were found. What cannot be read names nobody:
    /// that it cannot is told elsewhere.
    pub fn beside<'b>(
        found: impl Iterator<Item = &'b ProjectRef>,
        spool: &'a Spool,
        cloud: &'a CloudConfig,
        now: i64,
    ) -> Self {
        let keys = cursor_keys::of_cloud(cloud);
        let named =
            |project: &ProjectRef| (project.id.clone(), project.name.clone().unwrap_or_default());
        let found: BTreeMap<String, String> = found.map(named).collect();
        let ids: Vec<&str> = found.keys().map(String::as_str).collect();
        let cursors = Cursors::beside(spool, &ids).map(|all| all.cursors);
        let mut until = BTreeMap::new();
        for cursor in cursors.unwrap_or_default() {
            if let Some(at) = cursor.at.filter(|_| keys.contains(&cursor.key)) {
                let known = until.entry(cursor.project).or_insert(at);
                *known = at.max(*known);
            }
        }
        Absent {
            spool,
            cloud,
            now,
            until,
            found,
            names: OnceLock::new(),
        }
    }

    /// Read where somebody asks, for the ledger is long.
    fn names(&self, id: &str) -> &[String] {
        let read = || {
            let names = ledger::names(self.spool, self.now - LOOK_BACK);
            let mut names = names.unwrap_or_default();
            for (id, written) in Cursors::names(self.spool).unwrap_or_default() {
                names.entry(id).or_default().extend(written);
            }
            names
        };
        let names = self.names.get_or_init(read).get(id);
        names.map_or(&[], Vec::as_slice)
    }

    fn has_name(&self, id: &str, name: &str) -> bool {
        self.names(id).iter().any(|known| known == name)
    }

    /// For people.
    fn called(&self, id: &str) -> String {
        match self.names(id).first() {
            Some(name) => format!("`{name}` ({id})"),
            None => format!("`{id}`"),
        }
    }

    /// A project that is not found by its name, and that was extracted by it: what became of it, by its id. It may be
    /// accounted by its tag all the while. Any other failure is what it was.
    pub async fn explain(&self, session: &Session, failure: ProjectFailure) -> ProjectFailure {
        let unknown = matches!(
            *failure.error,
            ProjectError::Unknown { .. } | ProjectError::UnknownId { .. }
        );
        let ids = self.until.keys().chain(self.found.keys());
        let mut ids = ids.filter(|id| unknown && self.has_name(id, &failure.asked));
        // Of two that were called so nobody knows which is meant.
        let (Some(id), None) = (ids.next(), ids.next()) else {
            return failure;
        };
        let name = match self.found.get(id) {
            Some(name) => Ok(name.clone()),
            None => keystone::project_by_id(session, id)
                .await
                .map(|found| found.name),
        };
        let until = self.until.get(id).copied().unwrap_or_default();
        let id = id.clone();
        let ProjectFailure { asked, error, .. } = failure;
        let (known, error) = match (name, *error) {
            (Ok(now), _) if now != asked && !now.is_empty() => {
                (Some(id.clone()), ProjectError::Renamed { id, now })
            }
            (Err(error), _) if error.is_not_found() => {
                (Some(id.clone()), ProjectError::Deleted { id, until })
            }
            (
                Err(error),
                ProjectError::Unknown { source, .. } | ProjectError::UnknownId { source },
            ) if !error.is_outage() => {
                let known = Some(id.clone());
                (known, ProjectError::Unseen { id, until, source })
            }
            (_, error) => (failure.id, error),
        };
        ProjectFailure {
            asked,
            id: known,
            name: failure.name,
            error: Box::new(error),
        }
    }

    /// A word on each that nobody has one of yet. For who has asked for all projects of the cloud.
    pub async fn lost(&self, session: &Session, failures: &[&ProjectFailure]) -> Vec<Notice> {
        let named = |id: &str| {
            let of = |failure: &&ProjectFailure| {
                failure.id.as_deref() == Some(id)
                    || failure.asked == id
                    || self.has_name(id, &failure.asked)
            };
            failures.iter().any(of)
        };
        let lost: Vec<(&String, i64)> = self
            .until
            .iter()
            .map(|(id, until)| (id, *until))
            .filter(|(id, _)| !named(id))
            .collect();
        if lost.len() > MOST {
            let ids: Vec<&String> = lost.into_iter().map(|(id, _)| id).collect();
            return vec![self.many(&ids)];
        }
        let mut notices = Vec::new();
        for (id, until) in lost {
            let fate = match keystone::project_by_id(session, id).await {
                Ok(project) if has_tag(&project, self.cloud) => continue,
                Ok(project) => Fate::Unselected(project.name),
                Err(error) if error.is_not_found() => Fate::Deleted,
                Err(error) if error.is_outage() => continue,
                Err(_) => Fate::Unseen,
            };
            notices.push(self.notice(id, until, &fate));
        }
        notices
    }

    fn notice(&self, id: &str, until: i64, fate: &Fate) -> Notice {
        let name = match fate {
            Fate::Unselected(name) if !name.is_empty() => format!("`{name}` ({id})"),
            _ => self.called(id),
        };
        let why = match fate {
            Fate::Deleted => "gone from Keystone".to_owned(),
            Fate::Unselected(_) => format!("`projects` does not name it{}", tagless(self.cloud)),
            Fate::Unseen => format!(
                "this account does not see it any more; it was deleted, or `projects` does not name it{}",
                tagless(self.cloud)
            ),
        };
        let text = format!(
            "project {name} is no longer accounted: {why}; it was extracted up to {}",
            format_utc(until)
        );
        let forget = format!("caso cursor forget {}", word(id));
        let hint = match fate {
            Fate::Deleted => forget,
            Fate::Unselected(_) | Fate::Unseen => format!(
                "{}, to account it; {forget}, to give it up",
                select(self.cloud, &word(id))
            ),
        };
        Notice::warning(
            format!("project-lost:{}:{id}", self.cloud.name),
            (text, hint),
        )
    }

    fn many(&self, lost: &[&String]) -> Notice {
        let named: Vec<String> = lost.iter().take(NAMED).map(|id| self.called(id)).collect();
        let text = format!(
            "{} are no longer accounted: deleted, or `projects` does not name them{}: {} and {} more",
            count(len(lost), "project", "projects"),
            tagless(self.cloud),
            named.join(", "),
            lost.len() - named.len()
        );
        let hint = format!(
            "`caso status` names each; {}, to account one; caso cursor forget <project>, to give one up",
            select(self.cloud, "<project>")
        );
        let ids: Vec<&str> = lost.iter().map(|id| id.as_str()).collect();
        let key = sha256_hex(ids.join(" ").as_bytes());
        Notice::warning(
            format!("projects-lost:{}:{key}", self.cloud.name),
            (text, hint),
        )
    }
}

/// What became of a project.
enum Fate {
    Deleted,
    /// It is there, by this name.
    Unselected(String),
    /// Nobody knows.
    Unseen,
}

/// Keystone's list of them may be cut short.
fn has_tag(project: &Project, cloud: &CloudConfig) -> bool {
    let tags = tags::of(caso_tag(cloud));
    let has = |tag: &&str| project.tags.iter().any(|of| of == tag);
    !tags.is_empty() && tags.iter().all(has)
}

fn tagless(cloud: &CloudConfig) -> String {
    match caso_tag(cloud) {
        "" => String::new(),
        tag => format!(", and it does not have the tag `{tag}`"),
    }
}

/// What makes runs account a project.
pub fn select(cloud: &CloudConfig, project: &str) -> String {
    tags::give(caso_tag(cloud), project)
        .unwrap_or_else(|| format!("write `{project}` into `projects` in [{}]", cloud.section))
}

fn caso_tag(cloud: &CloudConfig) -> &str {
    cloud.caso_tag.as_deref().unwrap_or_default()
}
