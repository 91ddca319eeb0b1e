//! What the stand-in cloud consists of. A test writes down what it needs and
//! takes the rest from [`Plan::default`].

mod flavor;
mod hourly;
mod project;
mod storage;

use std::collections::BTreeMap;

use crate::accounts::{Account, ApplicationCredential, Federation, Reach};
use crate::ids;
use crate::server::Servers;
use crate::telemetry::Telemetry;

pub use flavor::{Flavor, Image};
pub use project::{Person, Project};
pub use storage::{FloatingIp, Volume};

/// A whole cloud: who may log in, and what they will find.
#[derive(Clone, Debug)]
pub struct Plan {
    pub accounts: Vec<Account>,
    pub application_credentials: Vec<ApplicationCredential>,
    pub projects: Vec<Project>,
    pub people: Vec<Person>,
    pub flavors: Vec<Flavor>,
    pub images: Vec<Image>,
    /// Nova's `[api]max_limit`: no list has more entries, whatever was asked.
    pub max_limit: usize,
    /// Keystone's `list_limit`: no list of users has more entries.
    pub list_limit: Option<usize>,
    /// The newest microversion Nova speaks, as the second number of `2.x`.
    pub microversion: u32,
    pub region: String,
    /// Under which of them the catalog lists each service.
    pub interfaces: Vec<&'static str>,
    /// Where the catalog has a service elsewhere than usual, by type (`compute`):
    /// a path, in which `{project}` stands for the token's project.
    pub endpoints: BTreeMap<String, String>,
    /// Nova takes no deleted server for a marker, as before 2014.2.3-29.
    pub refuses_deleted_markers: bool,
    /// Nova's lists begin with what was touched last, so that a server moves while pages are
    /// read: not Nova's own order, but what a page that is cut by offset amounts to.
    pub lists_by_update: bool,
    /// Catalog types (`network`, `block-storage`) that the cloud does without.
    pub lacks: Vec<String>,
    /// A provider that Keystone believes, and its clients.
    pub federation: Option<Federation>,
    /// Keystone has version 2.0, and nothing else.
    pub version_2: bool,
    /// Further regions, with a Nova of their own and the servers that each
    /// project has there.
    pub more_regions: BTreeMap<String, BTreeMap<String, Servers>>,
    /// How long a token lives, in seconds.
    pub token_seconds: i64,
    /// Where the cloud's clock stands still; `None`: it goes as this machine's.
    pub stopped_at: Option<i64>,
    /// By how many seconds the cloud's clock is ahead of that.
    pub clock_ahead: i64,
    /// What the services believe their address to be, where a proxy stands before
    /// them: the links of pages begin with it.
    pub link_base: Option<String>,
    /// By how many seconds Nova's clock is ahead of the cloud's.
    pub nova_clock_ahead: i64,
    pub telemetry: Telemetry,
}

impl Default for Plan {
    /// A reader `accounting` (password `secret`) on every project and the
    /// system, four flavors (one with a benchmark, one with accelerators),
    /// three images, five people, and no project.
    fn default() -> Self {
        Plan {
            accounts: vec![Account {
                id: ids::user_id(0xacc),
                name: "accounting".into(),
                password: "secret".into(),
                role: "reader".into(),
                reach: Reach::All,
                system: true,
            }],
            application_credentials: Vec::new(),
            projects: Vec::new(),
            people: (0..5).map(Person::numbered).collect(),
            flavors: Flavor::four(),
            images: (0..3).map(Image::numbered).collect(),
            max_limit: 1000,
            list_limit: None,
            microversion: 104,
            region: "RegionOne".into(),
            interfaces: vec!["admin", "public", "internal"],
            endpoints: BTreeMap::new(),
            refuses_deleted_markers: false,
            lists_by_update: false,
            lacks: Vec::new(),
            federation: None,
            version_2: false,
            more_regions: BTreeMap::new(),
            token_seconds: 86_400,
            stopped_at: None,
            clock_ahead: 0,
            link_base: None,
            nova_clock_ahead: 0,
            telemetry: Telemetry::default(),
        }
    }
}

impl Plan {
    /// `projects` projects tagged `caso`, each with that many generated
    /// servers; see [`Servers::Generated`].
    pub fn generated(projects: usize, servers: usize) -> Self {
        Plan {
            projects: (0..projects)
                .map(|n| {
                    Project::numbered(
                        n,
                        Servers::Generated {
                            project: n,
                            count: servers,
                        },
                    )
                })
                .collect(),
            people: (0..10).map(Person::numbered).collect(),
            images: (0..20).map(Image::numbered).collect(),
            ..Plan::default()
        }
    }

    /// The same cloud as another of its regions shows it.
    pub(crate) fn in_region(&self, region: &str) -> Option<Plan> {
        let servers = self.more_regions.get(region)?;
        let mut plan = self.clone();
        for project in &mut plan.projects {
            project.servers = servers
                .get(&project.id)
                .cloned()
                .unwrap_or(Servers::Listed(Vec::new()));
        }
        Some(plan)
    }

    pub(crate) fn project(&self, id: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }
}
