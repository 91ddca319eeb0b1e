//! What the stand-in cloud consists of. A test writes down what it needs and
//! takes the rest from [`Plan::default`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::accounts::{Account, ApplicationCredential, Federation, Reach};
use crate::ids;
use crate::server::Servers;
use crate::telemetry::Telemetry;
use crate::time::epoch;

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
    /// The newest microversion Nova speaks, as the second number of `2.x`.
    pub microversion: u32,
    pub region: String,
    /// Where the catalog has a service elsewhere than usual, by type (`compute`):
    /// a path, in which `{project}` stands for the token's project.
    pub endpoints: BTreeMap<String, String>,
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

#[derive(Clone, Debug)]
pub struct Project {
    pub id: String,
    pub name: String,
    pub tags: Vec<String>,
    /// Extra properties, such as `VO`.
    pub properties: BTreeMap<String, String>,
    pub enabled: bool,
    pub servers: Servers,
    pub volumes: Vec<Volume>,
    pub floating_ips: Vec<FloatingIp>,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

/// A row of Cinder's `volumes`.
#[derive(Clone, Debug)]
pub struct Volume {
    pub id: String,
    pub name: Option<String>,
    pub size_gib: u64,
    pub user_id: String,
    pub status: String,
    pub created: i64,
    pub updated: Option<i64>,
    /// Servers, and since when.
    pub attachments: Vec<(String, i64)>,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

/// A row of Neutron's `floatingips`.
#[derive(Clone, Debug)]
pub struct FloatingIp {
    pub id: String,
    pub address: String,
    pub created: i64,
    /// Fields of the answer that are not as they should be.
    pub odd: BTreeMap<String, Value>,
}

/// A user who owns servers (and need not be able to log in).
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Flavor {
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    pub ram_mib: u32,
    pub disk_gib: u32,
    pub ephemeral_gib: u32,
    pub extra_specs: BTreeMap<String, String>,
    /// The projects a private flavor is open to; a public one has `None`.
    pub only_for: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub struct Image {
    pub id: String,
    pub name: String,
    pub properties: BTreeMap<String, String>,
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
            microversion: 104,
            region: "RegionOne".into(),
            endpoints: BTreeMap::new(),
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

impl Project {
    /// Project `n`, tagged `caso`, with the VO `vo-n.example.org`.
    pub fn numbered(n: usize, servers: Servers) -> Self {
        Project {
            id: ids::project_id(n),
            name: format!("project-{n}"),
            tags: vec!["caso".into()],
            properties: BTreeMap::from([("VO".into(), format!("vo-{n}.example.org"))]),
            enabled: true,
            servers,
            volumes: Vec::new(),
            floating_ips: Vec::new(),
            odd: BTreeMap::new(),
        }
    }
}

impl Volume {
    /// Volume `n` of project `project`, of `n + 1` GiB, free since it was
    /// created on 2026-10-01 at `n` minutes past midnight.
    pub fn numbered(project: usize, n: usize) -> Self {
        let created = epoch("2026-10-01") + 60 * n as i64;
        Volume {
            id: ids::volume_id(project, n),
            name: Some(format!("vol-{project}-{n}")),
            size_gib: n as u64 + 1,
            user_id: ids::user_id(n % 5),
            status: "available".into(),
            created,
            updated: Some(created + 5),
            attachments: Vec::new(),
            odd: BTreeMap::new(),
        }
    }
}

impl FloatingIp {
    /// Floating IP `n` of project `project`, held since 2026-10-01.
    pub fn numbered(project: usize, n: usize, address: &str) -> Self {
        FloatingIp {
            id: ids::floating_ip_id(project, n),
            address: address.into(),
            created: epoch("2026-10-01"),
            odd: BTreeMap::new(),
        }
    }
}

impl Person {
    pub fn numbered(n: usize) -> Self {
        Person {
            id: ids::user_id(n),
            name: format!("user-{n}"),
        }
    }
}

impl Image {
    pub fn numbered(n: usize) -> Self {
        Image {
            id: ids::image_id(n),
            name: format!("image-{n}"),
            properties: BTreeMap::new(),
        }
    }
}

impl Flavor {
    fn four() -> Vec<Flavor> {
        let specs = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect()
        };
        let benchmark = [
            ("accounting:benchmark_type", "HEPscore23"),
            ("accounting:benchmark_value", "15.7"),
        ];
        let accelerator = [
            ("Accelerator:Type", "GPU"),
            ("Accelerator:Vendor", "NVIDIA"),
            ("Accelerator:Model", "A100"),
            ("Accelerator:Number", "2"),
        ];
        let flavor = |n: usize, name: &str, vcpus, ram_mib, disk_gib, extra_specs| Flavor {
            id: ids::flavor_id(n),
            name: name.into(),
            vcpus,
            ram_mib,
            disk_gib,
            ephemeral_gib: 0,
            extra_specs,
            only_for: None,
        };
        vec![
            flavor(0, "m1.small", 1, 2048, 20, specs(&benchmark)),
            flavor(1, "m1.medium", 2, 4096, 40, specs(&[])),
            flavor(2, "m1.large", 4, 8192, 80, specs(&benchmark)),
            flavor(
                3,
                "g1.large",
                8,
                32768,
                100,
                specs(
                    &[
                        benchmark,
                        [accelerator[0], accelerator[1]],
                        [accelerator[2], accelerator[3]],
                    ]
                    .concat(),
                ),
            ),
        ]
    }
}
