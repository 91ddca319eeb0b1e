//! How many requests an ordinary hour costs, of clouds of several shapes: a token and four lists
//! a project, five with floating IPs, and a handful for all projects together, whatever their users and images.

use std::collections::BTreeMap;

use caso_stand_in::{
    Cloud, Person, Plan, Project, Server, Servers, Volume, epoch, image_id, user_id,
};
use caso_tests::site::Site;

/// Token, usage, changed servers, running servers, volumes, floating IPs.
const A_PROJECT: usize = 6;
/// For all together: versions, the system's token, projects, flavors, images, users.
const TOGETHER: usize = 10;

/// Projects of so many servers, each of a user and an image of its own as far as there are so
/// many; of the users the first so many percent are gone.
fn cloud(projects: usize, servers: usize, users: usize, gone: usize) -> Cloud {
    let server = |project: usize, n: usize| {
        let place = project * servers + n;
        Server {
            user_id: user_id(place % users),
            image_id: Some(image_id(place % 60)),
            created: epoch("2026-10-01"),
            launched: Some(epoch("2026-10-01 00:01:00")),
            updated: epoch("2026-10-01 00:01:00"),
            ..Server::numbered(project, n)
        }
    };
    let project = |n: usize| {
        let servers = (0..servers).map(|i| server(n, i)).collect();
        Project {
            volumes: vec![Volume::numbered(n, 0)],
            ..Project::numbered(n, Servers::Listed(servers))
        }
    };
    Cloud::start(Plan {
        projects: (0..projects).map(project).collect(),
        people: (users * gone / 100..users).map(Person::numbered).collect(),
        images: (0..60).map(caso_stand_in::Image::numbered).collect(),
        ..Plan::default()
    })
}

/// What the second of two hourly runs asks for, by path without ids.
fn hour(cloud: &Cloud) -> (usize, String) {
    let mut site = Site::at(cloud);
    site.unset("DEFAULT", "extractor")
        .set("DEFAULT", "first_extract_from", "2026-10-05")
        .set("DEFAULT", "ip_records_for_past_windows", "true");
    site.extract(&["--extract-to", "2026-10-05T01:00:00"])
        .expect(0);
    cloud.forget_seen();
    site.extract(&["--extract-to", "2026-10-05T02:00:00"])
        .expect(0);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let seen = cloud.seen();
    for request in &seen {
        let parts = request.path.split('/').map(|part| match part.len() {
            32 | 36 => "ID",
            _ => part,
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let changes = request.param("changes-since").map_or("", |_| " changed");
        let kind = format!("{} {path}{changes}", request.method);
        *kinds.entry(kind).or_default() += 1;
    }
    (seen.len(), format!("{kinds:#?}"))
}

fn few(projects: usize, cloud: &Cloud) {
    let (requests, kinds) = hour(cloud);
    let most = A_PROJECT * projects + TOGETHER;
    assert!(requests <= most, "{requests} of at most {most}: {kinds}");
}

#[test]
fn projects_of_ten_servers_with_as_many_users() {
    few(40, &cloud(40, 10, 400, 0));
}

/// Keystone does not know three of ten.
#[test]
fn users_that_are_gone_cost_no_request_each() {
    few(40, &cloud(40, 10, 400, 30));
}

#[test]
fn many_projects_of_one_server() {
    few(60, &cloud(60, 1, 60, 30));
}

/// Two more pages of each list of servers.
#[test]
fn one_project_of_many_servers() {
    let (requests, kinds) = hour(&cloud(1, 2_500, 2_500, 30));
    let most = A_PROJECT + 2 + 3 + TOGETHER;
    assert!(requests <= most, "{requests} of at most {most}: {kinds}");
}
