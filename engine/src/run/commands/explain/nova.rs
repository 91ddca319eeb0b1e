//! What Nova says of a server: by its id first, then by its name, then among those that were deleted.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::run::commands::cursor::is_id;
use crate::run::commands::status::Status;
use crate::run::kind::Kind;
use caso_config::{CloudConfig, Config};
use caso_openstack::nova::{Nova, ServerList};

/// Servers that ended earlier than all that Nova remembers.
const EVER: i64 = 0;

/// A server, and where it is.
#[derive(Debug, Serialize)]
pub struct Found {
    pub cloud: String,
    pub region: Option<String>,
    pub id: String,
    /// As far as it matters here, in Nova's words.
    #[serde(flatten)]
    pub stated: Stated,
}

/// What Nova states of a server; what it leaves out is none.
#[derive(Debug, Deserialize, Serialize)]
pub struct Stated {
    pub name: Option<String>,
    pub status: Option<String>,
    #[serde(rename(deserialize = "tenant_id"))]
    pub project: Option<String>,
    pub created: Option<String>,
    pub updated: Option<String>,
    #[serde(rename(deserialize = "OS-SRV-USG:terminated_at"))]
    pub ended: Option<String>,
}

impl Found {
    /// Id of its project.
    pub fn project(&self) -> Option<String> {
        self.stated.project.clone()
    }
}

/// Asks Nova in each of the extracted projects of a cloud: for the one of this id, which is
/// enough, or else for all of this name, deleted ones too. None, where it has no such server there.
///
/// # Errors
/// No project of it was extracted yet; or Nova does not answer.
pub async fn ask(
    config: &Config,
    cloud: &CloudConfig,
    asked: &str,
    status: &Status,
) -> anyhow::Result<Vec<Found>> {
    let session = Kind::Real.session(config, cloud, Kind::Real.clock())?;
    let of_cloud = status.cursors.iter().filter(|it| it.cloud == cloud.name);
    let mut projects: Vec<&str> = of_cloud.map(|it| it.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    anyhow::ensure!(!projects.is_empty(), "no project of it was extracted yet");
    let mut places = Vec::new();
    for region in cloud.regions() {
        let session = session.in_region(region.as_deref());
        for project in &projects {
            // What it does not say of its microversions does not matter here.
            let (nova, _) = Nova::open(session.clone(), project).await?;
            // Anything else would be another resource in Nova's address.
            if is_id(asked)
                && let Some(row) = nova.server(asked, None).await?
            {
                return Ok(vec![found(cloud, region.as_deref(), &row)?]);
            }
            places.push((region.clone(), session.clone(), nova));
        }
    }
    // Only then by name, which takes two lists a project.
    let mut servers: Vec<Found> = Vec::new();
    for (region, session, nova) in &places {
        for list in [ServerList::Current, ServerList::ChangedSince(EVER)] {
            let mut pager = nova.servers_named(asked, list, config.page_size);
            while let Some(page) = pager.next(session).await? {
                for row in &page.rows {
                    let found = found(cloud, region.as_deref(), row)?;
                    let is_known = servers.iter().any(|it| it.id == found.id);
                    if found.stated.name.as_deref() == Some(asked) && !is_known {
                        servers.push(found);
                    }
                }
            }
        }
    }
    if !servers.is_empty() || !is_id(asked) {
        return Ok(servers);
    }
    // One that was deleted has no address of its own any more: it stands among all that Nova remembers.
    for (region, session, nova) in places {
        let mut pager = nova.servers(ServerList::ChangedSince(EVER), config.page_size);
        while let Some(page) = pager.next(&session).await? {
            for row in &page.rows {
                let found = found(cloud, region.as_deref(), row)?;
                if found.id == asked {
                    return Ok(vec![found]);
                }
            }
        }
    }
    Ok(servers)
}

fn found(cloud: &CloudConfig, region: Option<&str>, row: &RawValue) -> anyhow::Result<Found> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        #[serde(flatten)]
        stated: Stated,
    }
    let row: Row = serde_json::from_str(row.get()).context("Nova's answer cannot be read")?;
    Ok(Found {
        cloud: cloud.name.clone(),
        region: region.map(str::to_owned),
        id: row.id,
        stated: row.stated,
    })
}
