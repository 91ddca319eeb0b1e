//! Where the catalog says that a service is: addresses without a version, behind a
//! front, and in regions that nobody named.

use std::collections::BTreeSet;

use caso_stand_in::{
    Cloud, Fault, FloatingIp, Plan, Project, Rule, Servers, Volume, project_id, volume_id,
};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::clouds::{FROM, TO};

/// Two projects with five servers and four volumes each, in pages of three.
fn plan() -> Plan {
    let project = |n| {
        let mut project = Project::numbered(
            n,
            Servers::Generated {
                project: n,
                count: 5,
            },
        );
        project.volumes = (0..4).map(|i| Volume::numbered(n, i)).collect();
        project
    };
    Plan {
        projects: vec![project(0), project(1)],
        max_limit: 3,
        ..Plan::default()
    }
}

fn cloud(endpoints: &[(&str, &str)]) -> Cloud {
    let mut plan = plan();
    plan.endpoints = endpoints
        .iter()
        .map(|(kind, path)| ((*kind).to_owned(), (*path).to_owned()))
        .collect();
    Cloud::start(plan)
}

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "nova, cinder");
    site
}

fn extract(site: &Site) -> Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

/// As many records as there are servers and volumes, each once.
fn all_is_there(site: &Site, catalog: &str) {
    let servers = Cloud::start(plan());
    let usual = self::site(&servers);
    extract(&usual).expect(0);
    let ids = |site: &Site| -> BTreeSet<String> { site.cloud_records().into_keys().collect() };
    assert_eq!(ids(site), ids(&usual), "{catalog}");
    let volumes: Vec<String> = site
        .storage_records()
        .iter()
        .map(|record| record["recordId"].clone())
        .collect();
    for (n, i) in (0..2).flat_map(|n| (0..4).map(move |i| (n, i))) {
        let named = volumes.iter().filter(|id| id.contains(&volume_id(n, i)));
        assert_eq!(named.count(), 1, "{catalog}: volume {i} of project {n}");
    }
    assert_eq!(volumes.len(), 8, "{catalog}");
}

/// As DevStack has it, and as a front has it whose own path looks like a version.
#[test]
fn a_version_that_the_catalog_does_not_name_is_found() {
    for catalog in [
        [("compute", "/compute"), ("block-storage", "/volume")],
        [("compute", "/compute/"), ("block-storage", "/volume/")],
        // With the project's id, which goes behind the version.
        [
            ("compute", "/compute/{project}"),
            ("block-storage", "/volume/{project}"),
        ],
        [
            ("compute", "/api/v1/compute"),
            ("block-storage", "/api/v1/volume"),
        ],
        [
            ("compute", "/api/v1/compute/v2.1"),
            ("block-storage", "/api/v1/volume/v3/{project}"),
        ],
        [
            ("compute", "/api/v1/compute/v2.1/{project}"),
            ("block-storage", "/api/v1/volume/v3"),
        ],
    ] {
        let cloud = cloud(&catalog);
        let site = site(&cloud);
        extract(&site).expect(0).never_says("version");
        all_is_there(&site, &format!("{catalog:?}"));
        for (_, path) in catalog {
            let asked = cloud.seen().into_iter().filter(|seen| {
                let path = path.replace("/{project}", "");
                seen.path.trim_end_matches('/') == path.trim_end_matches('/')
            });
            assert!(asked.count() <= 2, "{path}: a document is asked for once");
        }
    }
}

/// The id that the catalog has behind the address is kept behind the version.
#[test]
fn the_projects_id_stays_behind_the_version() {
    let cloud = cloud(&[("block-storage", "/volume/{project}")]);
    extract(&site(&cloud)).expect(0);
    for n in 0..2 {
        let list = format!("GET /volume/v3/{}/volumes/detail", project_id(n));
        assert_eq!(cloud.count(&list), 2, "two pages: {list}");
    }
}

/// Their calls have the version in the path: a front does not confuse them.
#[test]
fn images_and_addresses_behind_a_front() {
    let cloud = cloud(&[("image", "/api/v1/image"), ("network", "/api/v1/network")]);
    cloud.change(|plan| {
        plan.projects[0].floating_ips = vec![FloatingIp::numbered(0, 0, "192.0.2.7")];
    });
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "nova, neutron");
    site.extract(&[]).expect(0).never_says("images could not");
    assert!(cloud.count("GET /api/v1/image/v2/images") > 0);
    assert_eq!(site.ip_records().len(), 1);
}

/// The volumes wait, the servers do not.
#[test]
fn a_version_document_that_is_refused_is_named_with_the_way_out() {
    for fault in [
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Html,
    ] {
        let cloud = cloud(&[("block-storage", "/volume")]);
        let root = |path: &str| path.trim_end_matches('/') == "/volume";
        cloud.inject(
            Rule::on("GET /volume").when(move |seen| root(&seen.path)),
            fault.clone(),
        );
        let site = site(&cloud);
        let endpoint = format!("{}/volume", cloud.url());
        extract(&site)
            .expect(3)
            .says(&format!("endpoint of Cinder, `{endpoint}`"))
            .says(&format!("into the catalog (such as `{endpoint}/v3`)"));
        assert_eq!(site.cloud_records().len(), 10, "{fault:?}");
        assert_eq!(cloud.count("volumes/detail"), 0, "{fault:?}");
        // The next run finds it.
        cloud.heal();
        extract(&site).expect(0);
        assert_eq!(site.storage_records().len(), 8, "{fault:?}");
    }
}
