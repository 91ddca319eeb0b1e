//! Regions that nobody named, and a path for which a token is not good.

use std::collections::{BTreeMap, BTreeSet};

use caso_stand_in::{
    Cloud, Fault, Plan, Project, Rule, Server, Servers, Volume, project_id, server_id,
};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO};
use crate::republish::intervals;

fn plan() -> Plan {
    Plan {
        projects: vec![Project::numbered(
            0,
            Servers::Listed(vec![Server::numbered(0, 0)]),
        )],
        ..Plan::default()
    }
}

#[test]
fn regions_that_are_not_accounted_are_named_once() {
    let mut plan = plan();
    let servers = Servers::Listed(vec![Server::numbered(0, 9)]);
    for region in ["RegionThree", "RegionTwo"] {
        let of_project = BTreeMap::from([(project_id(0), servers.clone())]);
        plan.more_regions.insert(region.to_owned(), of_project);
    }
    let cloud = Cloud::start(plan);
    let mut site = Site::at(&cloud);
    site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-08"])
        .expect(0)
        .says("Nova is read in `RegionOne` alone, not in `RegionThree`, `RegionTwo`")
        .says("`region_name = RegionOne, RegionThree, RegionTwo` accounts them all");
    site.extract(&["--extract-to", TO])
        .expect(0)
        .never_says("region_name");
    assert!(!site.cloud_records().contains_key(&server_id(0, 9)));
    // Said on purpose.
    site.set("DEFAULT", "region_name", "RegionOne");
    site.start(
        "caso",
        &["cursor", "rename"],
        &["default", "default@RegionOne"],
    )
    .finish()
    .expect(0);
    site.extract(&["--extract-from", FROM, "--extract-to", TO, "--dry-run"])
        .expect(0)
        .never_says("RegionThree");
}

#[test]
fn a_token_that_is_refused_at_one_path_points_to_access_rules() {
    let cloud = Cloud::start(plan());
    cloud.inject(Rule::on("/servers/detail"), Fault::Status(401));
    let extract = |cloud: &Cloud| Site::at(cloud).extract(&["--extract-from", FROM]);
    extract(&cloud)
        .expect(1)
        .says("it takes the token for other paths")
        .says("access rules");
    // Nothing of Nova's takes the token.
    let cloud = Cloud::start(plan());
    let call = |path: &str| path.starts_with("/compute/v2.1/") && path != "/compute/v2.1/";
    cloud.inject(
        Rule::on("/compute").when(move |seen| call(&seen.path)),
        Fault::Status(401),
    );
    extract(&cloud)
        .expect(1)
        .says("access rules")
        .says("its own service user");
}

/// What the catalog has, and the option that takes it; and then it goes.
#[test]
fn an_interface_or_a_region_that_the_catalog_lacks_is_answered_with_the_option_to_set() {
    let mut plan = plan();
    plan.more_regions
        .insert("RegionTwo".to_owned(), BTreeMap::new());
    plan.interfaces = vec!["public"];
    let cloud = Cloud::start(plan);
    for (option, value, told, right) in [
        (
            "interface",
            "internal",
            "has no endpoint for Nova",
            "set `interface = public` in [DEFAULT]",
        ),
        (
            "region_name",
            "regionone",
            "the catalog has no region `regionone`",
            "set `region_name = RegionOne` in [DEFAULT]",
        ),
        (
            "region_name",
            "Elsewhere",
            "the catalog has no region `Elsewhere`",
            "set `region_name` to `RegionOne` or `RegionTwo` in [DEFAULT]",
        ),
    ] {
        let mut site = Site::at(&cloud);
        site.set("DEFAULT", option, value);
        site.extract(&["--extract-from", FROM, "--extract-to", TO])
            .expect(1)
            .says(told)
            .says(&format!("hint: {right}"));
        site.start("caso", &["check"], &[])
            .finish()
            .expect(1)
            .says(right);
    }
}

/// Cinder has one address in both: a project's volumes are read once, where they were read before, whichever region
/// comes first.
#[test]
fn a_service_that_two_regions_share_is_read_in_one_of_them() {
    let mut plan = plan();
    plan.projects[0].volumes = vec![Volume::numbered(0, 0)];
    let servers = Servers::Listed(vec![Server::numbered(0, 9)]);
    let of_project = BTreeMap::from([(project_id(0), servers)]);
    plan.more_regions.insert("RegionTwo".to_owned(), of_project);
    let cloud = Cloud::start(plan);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "nova, cinder")
        .set("DEFAULT", "first_extract_from", "2026-10-08")
        .set("DEFAULT", "region_name", "RegionTwo");
    let shared = |region: &str, other: &str| {
        format!(
            "region `{region}`: cinder: the catalog has one address of it in region `{other}` and here: it is read there alone"
        )
    };
    let mut hours = 1..;
    let mut next = |site: &Site| {
        let hour = hours.next().unwrap();
        site.extract(&[
            "--summary",
            "--extract-to",
            &format!("2026-10-08 {hour:02}:00:00"),
        ])
        .expect(0)
    };
    next(&site).never_says("one address");
    site.set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    for _ in 0..2 {
        next(&site).says(&shared("RegionOne", "RegionTwo"));
    }
    // Whose account begins with both takes the first.
    let mut other = Site::at(&cloud);
    other
        .set("DEFAULT", "extractor", "cinder")
        .set("DEFAULT", "first_extract_from", "2026-10-08")
        .set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    for to in ["2026-10-08 01:00:00", "2026-10-08 02:00:00"] {
        other
            .extract(&["--summary", "--extract-to", to])
            .expect(0)
            .says(&shared("RegionTwo", "RegionOne"));
    }
    assert_eq!(intervals(&other).len(), 2);
    assert_eq!(intervals(&site).len(), 3);
    let records = site.storage_records();
    let starts: BTreeSet<&String> = records.iter().map(|it| &it["StartTime"]).collect();
    assert_eq!(starts.len(), 3, "{records:?}");
    // Servers are each region's own.
    for number in [0, 9] {
        assert!(site.cloud_records().contains_key(&server_id(0, number)));
    }
    // lastrun does not wait for what is not read.
    assert!(
        site.cursor(&project_id(0))
            .unwrap()
            .starts_with("2026-10-08 03:")
    );
}

/// Gnocchi has one address in both, and the servers are each Nova's own.
#[test]
fn a_service_that_only_measures_may_be_shared() {
    let mut plan = plan();
    let servers = Servers::Listed(vec![Server::numbered(0, 9)]);
    let of_project = BTreeMap::from([(project_id(0), servers)]);
    plan.more_regions.insert("RegionTwo".to_owned(), of_project);
    plan.telemetry.gnocchi = true;
    let cloud = Cloud::start(plan);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "ceilometer").set(
        "DEFAULT",
        "region_name",
        "RegionOne, RegionTwo",
    );
    site.extract(&["--summary", "--extract-from", FROM, "--extract-to", TO])
        .expect(0)
        .never_says("one address");
    for number in [0, 9] {
        assert!(site.cloud_records().contains_key(&server_id(0, number)));
    }
}

/// Beside a region that keeps its name: counted from the beginning, its storage would count twice.
#[test]
fn a_region_with_another_name_beside_one_that_keeps_its_own_is_asked_for() {
    let mut plan = plan();
    plan.projects[0].volumes = vec![Volume::numbered(0, 0)];
    let of_project = BTreeMap::from([(project_id(0), Servers::Listed(Vec::new()))]);
    for region in ["RegionTwo", "RegionNine"] {
        plan.more_regions
            .insert(region.to_owned(), of_project.clone());
    }
    let cloud = Cloud::start(plan);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "nova")
        .set("DEFAULT", "first_extract_from", "2026-10-08")
        .set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    let hour = |site: &Site, hour: u32| {
        let to = format!("2026-10-08 {hour:02}:00:00");
        site.extract(&["--summary", "--extract-to", &to])
    };
    hour(&site, 1).expect(0);
    site.set("DEFAULT", "region_name", "RegionOne, RegionNine");
    hour(&site, 2)
        .expect(1)
        .says("extracted as `default@RegionTwo`")
        .says("caso cursor rename default@RegionTwo default@RegionNine");
    site.start(
        "caso",
        &["cursor", "rename"],
        &["default@RegionTwo", "default@RegionNine"],
    )
    .finish()
    .expect(0);
    hour(&site, 2).expect(0).never_says("no cursor");
    // One that is new, where none is missing, begins by itself.
    site.set("DEFAULT", "region_name", "RegionOne, RegionNine, RegionTwo");
    hour(&site, 3).expect(0).says("no cursor");
}
