//! The clouds that the cases run in, and what must come of each: the record of
//! every server, field by field, computed here from the plan.

use std::collections::BTreeMap;

use caso_stand_in::{
    Cloud, Fault, Flavor, Plan, Project, Rule, Server, Servers, epoch, flavor_id, project_id,
    server_id, user_id,
};
use caso_tests::site::Site;
use caso_tests::spool;

/// Where the window of these cases begins and ends. The servers were created
/// on the first of October, so most of them do not change within it, and only
/// the usage call and the list of running servers know them.
pub const FROM: &str = "2026-10-05";
pub const TO: &str = "2026-10-16";

/// One field after the other of one record.
pub type Record = BTreeMap<String, String>;

/// How many servers each project has.
const SERVERS: usize = 10;

/// A cloud and what is special about it.
pub struct World {
    pub name: &'static str,
    pub cloud: Cloud,
    pub plan: Plan,
    /// Ids that are not known any more before they could be asked for.
    vanished: Vec<String>,
}

/// A project with ten servers, one of each sort that matters.
pub fn project(n: usize) -> Project {
    let server = |i: usize| {
        let server = Server::numbered(n, i);
        match i {
            3 => server.deleted(epoch("2026-10-10 12:34:56")),
            4 => Server {
                vm_state: "stopped".into(),
                updated: epoch("2026-10-12"),
                ..server
            },
            5 => Server {
                image_id: None,
                floating_ips: vec!["203.0.113.7".into()],
                ..server
            },
            6 => Server {
                created: epoch("2026-10-07"),
                launched: Some(epoch("2026-10-07 00:01:00")),
                updated: epoch("2026-10-07 00:01:00"),
                ..server
            },
            _ => server,
        }
    };
    Project::numbered(n, Servers::Listed((0..SERVERS).map(server).collect()))
}

/// One project, all on one page, all well.
pub fn plain() -> World {
    world(
        "plain",
        Plan {
            projects: vec![project(0)],
            ..Plan::default()
        },
    )
}

/// Two projects and pages of three. Between the pages a server, a flavor and a
/// user vanish, of the second project so that the first must not notice.
pub fn restless() -> World {
    let plan = Plan {
        projects: vec![project(0), project(1)],
        max_limit: 3,
        ..Plan::default()
    };
    let mut world = world("restless", plan);
    // The server is on a page that was not read yet, in every order of lists.
    let server = server_id(1, 8);
    let second = project_id(1);
    world.cloud.inject(
        Rule::on("os-simple-tenant-usage")
            .of_project(&second)
            .nth(1),
        Fault::Vanish(vec![server.clone()]),
    );
    world.cloud.inject(
        Rule::on("/servers/detail").of_project(&second).nth(1),
        Fault::Vanish(vec![server.clone(), user_id(4), flavor_id(3)]),
    );
    world.vanished = vec![server, user_id(4), flavor_id(3)];
    world
}

fn world(name: &'static str, plan: Plan) -> World {
    World {
        name,
        cloud: Cloud::start(plan.clone()),
        plan,
        vanished: Vec::new(),
    }
}

/// Runs a case in every cloud.
pub fn in_every_cloud(case: impl Fn(&World)) {
    for world in [plain(), restless()] {
        println!("in the {} cloud", world.name);
        case(&world);
    }
}

impl World {
    pub fn site(&self) -> Site {
        Site::at(&self.cloud)
    }

    /// A record for every server of these projects, as of [`TO`].
    pub fn expected(&self, projects: &[usize]) -> BTreeMap<String, Record> {
        projects
            .iter()
            .flat_map(|n| {
                self.plan.projects[*n]
                    .servers_listed()
                    .iter()
                    .map(move |server| (*n, server))
            })
            .filter(|(_, server)| !self.vanished.contains(&server.id))
            .map(|(n, server)| (server.id.clone(), record(&self.plan, n, server, epoch(TO))))
            .collect()
    }

    /// Fails unless the site's spool has the right records of these projects
    /// and no other. What depends on when something vanished is left out.
    #[track_caller]
    pub fn check(&self, site: &Site, projects: &[usize]) {
        assert_eq!(spool::leftovers(&site.ssm()), Vec::<String>::new());
        let found = site.cloud_records();
        let expected = self.expected(projects);
        let ids = |records: &BTreeMap<String, Record>| records.keys().cloned().collect::<Vec<_>>();
        // A server that vanished may have been seen before.
        let known: BTreeMap<String, Record> = found
            .into_iter()
            .filter(|(id, _)| !self.vanished.contains(id))
            .collect();
        assert_eq!(ids(&known), ids(&expected), "the servers with a record");
        for (id, mut record) in known {
            let mut right = expected[&id].clone();
            // Whether the name was read before the user vanished is chance.
            if self.vanished.contains(&right["LocalUserId"]) {
                record.remove("GlobalUserName");
                right.remove("GlobalUserName");
            }
            assert_eq!(record, right);
        }
    }
}

/// The servers of a project that a test listed.
pub trait Listed {
    fn servers_listed(&self) -> &[Server];
}

impl Listed for Project {
    fn servers_listed(&self) -> &[Server] {
        match &self.servers {
            Servers::Listed(servers) => servers,
            Servers::Generated { .. } => panic!("a generated project has no list"),
        }
    }
}

/// What cASO 5.2.2 makes of such a server, and ours.
pub fn record(plan: &Plan, project: usize, server: &Server, to: i64) -> Record {
    let flavor: &Flavor = server
        .embedded
        .as_ref()
        .or_else(|| {
            plan.flavors
                .iter()
                .find(|flavor| flavor.id == server.flavor_id)
        })
        .expect("a plan knows its flavors");
    let end = server.terminated.filter(|end| *end <= to);
    let wall = end.unwrap_or(to) - server.created;
    let person = plan
        .people
        .iter()
        .find(|person| person.id == server.user_id);
    let mut record: Vec<(&str, String)> = vec![
        ("CloudComputeService", "TEST-SITE-CLOUD".into()),
        ("CloudType", "caso/5.2.2 (OpenStack)".into()),
        ("CpuCount", flavor.vcpus.to_string()),
        ("CpuDuration", (wall * i64::from(flavor.vcpus)).to_string()),
        ("Disk", (flavor.disk_gib + flavor.ephemeral_gib).to_string()),
        ("EndTime", end.unwrap_or(0).to_string()),
        ("FQAN", format!("vo-{project}.example.org")),
        ("LocalGroupId", project_id(project)),
        ("LocalUserId", server.user_id.clone()),
        ("MachineName", server.name.clone()),
        ("Memory", flavor.ram_mib.to_string()),
        ("PublicIPCount", server.floating_ips.len().to_string()),
        ("SiteName", "TEST-SITE".into()),
        ("StartTime", server.created.to_string()),
        (
            "Status",
            if end.is_some() {
                "completed"
            } else {
                "started"
            }
            .into(),
        ),
        ("VMUUID", server.id.clone()),
        ("WallDuration", wall.to_string()),
    ];
    record.extend(server.image_id.clone().map(|id| ("ImageId", id)));
    record.extend(person.map(|person| ("GlobalUserName", person.name.clone())));
    let spec = |key: &str| flavor.extra_specs.get(key).cloned();
    record.extend(spec("accounting:benchmark_type").map(|value| ("BenchmarkType", value)));
    record.extend(spec("accounting:benchmark_value").map(|value| ("Benchmark", value)));
    record
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
