//! Several regions and several clouds in one run: one that is down costs itself,
//! cursors are apart, and `lastrun.PROJECT` is the least of a project's.

use std::collections::BTreeMap;

use caso_stand_in::{Cloud, Fault, Plan, Project, Rule, Server, Servers, project_id, server_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

const FIRST: [&str; 4] = ["--extract-from", "2026-10-01", "--extract-to", "2026-10-16"];
const SECOND: [&str; 4] = ["--extract-from", "2026-10-16", "--extract-to", "2026-10-20"];
const THE_16TH: &str = "2026-10-16 00:00:00+00:00";
const THE_20TH: &str = "2026-10-20 00:00:00+00:00";
const BEGINNING: &str = "1970-01-01 00:00:00+00:00";

fn at(text: &str) -> Option<i64> {
    Some(caso_stand_in::epoch(text))
}

/// A project with these servers of the numbered ones.
fn project(servers: &[usize]) -> Project {
    let servers = servers.iter().map(|n| Server::numbered(0, *n)).collect();
    Project::numbered(0, Servers::Listed(servers))
}

/// One project, with servers 0 and 1 in RegionOne and 2 in RegionTwo.
fn two_regions() -> Cloud {
    let servers = Servers::Listed(vec![Server::numbered(0, 2)]);
    Cloud::start(Plan {
        projects: vec![project(&[0, 1])],
        more_regions: BTreeMap::from([(
            "RegionTwo".to_owned(),
            BTreeMap::from([(project_id(0), servers)]),
        )]),
        ..Plan::default()
    })
}

fn servers(site: &Site) -> Vec<String> {
    site.cloud_records().into_keys().collect()
}

fn ids(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|n| server_id(0, *n)).collect()
}

#[test]
fn two_regions_share_a_login_and_nothing_else() {
    let cloud = two_regions();
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    site.extract(&FIRST).expect(0);
    assert_eq!(servers(&site), ids(&[0, 1, 2]));
    // The system and the project, once each; users once a cloud.
    assert_eq!(cloud.count("POST /identity/v3/auth/tokens"), 2);
    let users: usize = cloud
        .seen()
        .iter()
        .filter(|s| s.path.contains("/v3/users/"))
        .count();
    assert!(users <= 3, "{users} lookups of three users");
    assert_eq!(
        site.cursors(&project_id(0)),
        BTreeMap::from([
            ("default/RegionOne/nova".into(), at("2026-10-16")),
            ("default/RegionTwo/nova".into(), at("2026-10-16")),
        ])
    );
    assert_eq!(site.cursor(&project_id(0)).as_deref(), Some(THE_16TH));
}

#[test]
fn a_region_that_is_down_does_not_hold_the_other() {
    let cloud = two_regions();
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    cloud.inject(Rule::on("/compute-RegionTwo"), Fault::Status(503));
    let outcome = site
        .extract(&FIRST)
        .expect(3)
        .says("region `RegionTwo`: nova: one project");
    assert_eq!(outcome.stderr.matches("error:").count(), 1, "{outcome}");
    assert_eq!(servers(&site), ids(&[0, 1]));
    assert_eq!(
        site.cursors(&project_id(0)),
        BTreeMap::from([
            ("default/RegionOne/nova".into(), at("2026-10-16")),
            ("default/RegionTwo/nova".into(), None),
        ])
    );
    assert_eq!(site.cursor(&project_id(0)).as_deref(), Some(BEGINNING));
    cloud.heal();
    site.extract(&FIRST).expect(0);
    assert_eq!(servers(&site), ids(&[0, 1, 2]));
    assert_eq!(site.cursor(&project_id(0)).as_deref(), Some(THE_16TH));
}

/// It was never extracted: it starts where a first run does, and that is said.
#[test]
fn a_region_that_is_added_starts_anew_and_the_old_one_goes_on() {
    let cloud = two_regions();
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne");
    site.extract(&FIRST).expect(0).never_says("RegionOne");
    assert_eq!(site.cursor(&project_id(0)).as_deref(), Some(THE_16TH));
    site.set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    site.set("DEFAULT", "first_extract_from", "2026-09-01");
    site.extract(&["--extract-to", "2026-10-20", "--summary"])
        .expect(0)
        .says(
            "region `RegionTwo`: no cursor for 1 of 1 project: extracted from 2026-09-01T00:00:00Z",
        )
        .says("region `RegionOne`: project `project-0`")
        .never_says("region `RegionOne`: no cursor");
    let line = "2026-10-15T23:59:00Z to 2026-10-20T00:00:00Z";
    let cursors = site.cursors(&project_id(0));
    assert!(
        cursors.values().all(|cursor| *cursor == at("2026-10-20")),
        "{cursors:?} {line}"
    );
    assert_eq!(servers(&site), ids(&[0, 1, 2]));
}

#[test]
fn a_region_that_is_in_no_catalog_is_one_line_with_those_there_are() {
    let cloud = two_regions();
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne, Elsewhere");
    site.extract(&FIRST)
        .expect(3)
        .says("the catalog has no region `Elsewhere`; there are `RegionOne`, `RegionTwo`\n")
        .says("hint: take `Elsewhere` out of `region_name` in [DEFAULT], or replace it with one that exists");
    assert_eq!(servers(&site), ids(&[0, 1]));
}

/// Two clouds that share Keystone's ids: one project of this id in each.
struct Two {
    prod: Cloud,
    test: Cloud,
    site: Site,
}

impl Two {
    fn start() -> Self {
        let cloud = |servers: &[usize]| {
            Cloud::start(Plan {
                projects: vec![project(servers)],
                ..Plan::default()
            })
        };
        let (prod, test) = (cloud(&[0, 1]), cloud(&[2]));
        let mut site = Site::at(&prod);
        site.set("DEFAULT", "clouds", "default, test")
            .set("cloud_test", "site_name", "TEST-TWO")
            .set("cloud_test", "service_name", "TEST-TWO-CLOUD");
        for (option, value) in [
            ("auth_type", "v3password"),
            ("auth_url", &test.auth_url()),
            ("username", "accounting"),
            ("password", "secret"),
            ("user_domain_id", "default"),
            ("connect_retries", "0"),
            ("status_code_retries", "0"),
        ] {
            site.set("keystone_auth_test", option, value);
        }
        Two { prod, test, site }
    }

    fn cursors(&self) -> [Option<Option<i64>>; 2] {
        let found = self.site.cursors(&project_id(0));
        ["default/-/nova", "test/-/nova"].map(|key| found.get(key).copied())
    }
}

#[test]
fn each_cloud_reports_under_its_own_names() {
    let two = Two::start();
    two.site.extract(&FIRST).expect(0);
    let records = two.site.cloud_records();
    assert_eq!(records.keys().cloned().collect::<Vec<_>>(), ids(&[0, 1, 2]));
    let of = |n: usize, field: &str| records[&server_id(0, n)][field].clone();
    assert_eq!(of(0, "SiteName"), "TEST-SITE");
    assert_eq!(of(2, "SiteName"), "TEST-TWO");
    assert_eq!(of(2, "CloudComputeService"), "TEST-TWO-CLOUD");
}

#[test]
fn a_cloud_that_is_down_costs_itself_and_lastrun_waits_for_it() {
    let two = Two::start();
    // Both are well: a project in both has a cursor for each.
    two.site.extract(&FIRST).expect(0);
    assert_eq!(
        two.cursors(),
        [Some(at("2026-10-16")), Some(at("2026-10-16"))]
    );
    // One Keystone is away.
    two.test.inject(Rule::on("/identity"), Fault::Status(503));
    let outcome = two.site.extract(&SECOND).expect(3).says("cloud `test`: ");
    assert_eq!(outcome.stderr.matches("503").count(), 1, "{outcome}");
    assert_eq!(
        two.cursors(),
        [Some(at("2026-10-20")), Some(at("2026-10-16"))]
    );
    assert_eq!(two.site.cursor(&project_id(0)).as_deref(), Some(THE_16TH));
    // It is back, and catches up.
    two.test.heal();
    two.prod.inject(Rule::on("/identity"), Fault::Status(503));
    two.site
        .extract(&SECOND)
        .expect(3)
        .says("cloud `default`: ");
    two.prod.heal();
    two.site.extract(&SECOND).expect(0);
    assert_eq!(
        two.cursors(),
        [Some(at("2026-10-20")), Some(at("2026-10-20"))]
    );
    assert_eq!(two.site.cursor(&project_id(0)).as_deref(), Some(THE_20TH));
    // Nothing goes well: that is another code.
    two.test.inject(Rule::on("/identity"), Fault::Status(503));
    two.prod.inject(Rule::on("/identity"), Fault::Status(503));
    two.site
        .extract(&["--extract-from", "2026-10-20", "--extract-to", "2026-10-21"])
        .expect(1);
}

/// What cASO left is the first cloud's in the list, whichever answers first.
#[test]
fn a_lastrun_of_casos_goes_to_the_first_cloud_that_has_the_project() {
    let two = Two::start();
    two.site.set_cursor(&project_id(0), THE_16TH);
    let slow = Fault::Slow(std::time::Duration::from_millis(300));
    two.prod.inject(Rule::on("/identity/v3/projects"), slow);
    two.site
        .extract(&["--extract-to", "2026-10-20"])
        .expect(0)
        .says("cloud `test`: no cursor for 1 of 1 project: extracted from 1970")
        .never_says("cloud `default`: no cursor");
}

/// A site that had one cloud goes on where it was.
#[test]
fn one_cloud_becomes_the_first_of_two() {
    let mut two = Two::start();
    two.site.unset("DEFAULT", "clouds");
    two.site
        .extract(&FIRST)
        .expect(0)
        .never_says("cloud `default`");
    two.site.set("DEFAULT", "clouds", "default, test");
    two.site
        .extract(&["--extract-to", "2026-10-20"])
        .expect(0)
        .never_says("cloud `default`: no cursor");
    assert_eq!(
        two.cursors(),
        [Some(at("2026-10-20")), Some(at("2026-10-20"))]
    );
}

#[test]
fn clouds_and_regions_are_recorded_and_replayed() {
    let mut two = Two::start();
    let servers = Servers::Listed(vec![Server::numbered(0, 3)]);
    two.prod.change(|plan| {
        plan.more_regions = BTreeMap::from([(
            "RegionTwo".to_owned(),
            BTreeMap::from([(project_id(0), servers)]),
        )]);
    });
    two.site
        .set("cloud_default", "region_name", "RegionOne, RegionTwo");
    let folder = |name: &str| two.site.path().join(name).display().to_string();
    let (recording, into) = (folder("recording"), folder("replayed"));
    let run = |more: &[&str]| -> Outcome { two.site.extract(&[&FIRST[..], more].concat()) };
    run(&["--record", &recording, "--record-names"]).expect(0);
    let recorded = two.site.cloud_records();
    assert_eq!(
        recorded.keys().cloned().collect::<Vec<_>>(),
        ids(&[0, 1, 2, 3])
    );
    two.prod.forget_seen();
    two.test.forget_seen();
    run(&["--replay", &recording, "--into", &into]).expect(0);
    assert!(two.prod.seen().is_empty() && two.test.seen().is_empty());
    let queue = std::path::Path::new(&into).join("ssm").join("outgoing");
    let replayed: BTreeMap<_, _> = caso_tests::spool::read(&queue)
        .into_iter()
        .flat_map(|message| message.cloud_records())
        .map(|record| (record["VMUUID"].clone(), record))
        .collect();
    assert_eq!(replayed, recorded);
}
