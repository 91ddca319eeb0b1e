//! Volumes: through pages and vanishing rows to StAR records, and what becomes
//! of a Cinder that refuses, is away, or is not there at all.

use std::collections::{BTreeMap, BTreeSet};

use caso_stand_in::{
    Cloud, Fault, Plan, Project, Rule, Servers, Volume, epoch, instant, project_id, server_id,
    user_id, volume_id,
};
use caso_tests::site::Site;
use serde_json::json;

use crate::clouds::{FROM, TO};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];
const GIB: u64 = 1 << 30;

/// So many volumes, among them one without name, one in use by nobody and one
/// of two servers.
fn project(n: usize, volumes: usize) -> Project {
    let mut project = Project::numbered(n, Servers::Listed(Vec::new()));
    project.volumes = (0..volumes)
        .map(|i| {
            let volume = Volume::numbered(n, i);
            let at = epoch("2026-10-07");
            match i {
                1 => Volume {
                    name: None,
                    ..volume
                },
                2 => Volume {
                    status: "in-use".into(),
                    ..volume
                },
                3 => Volume {
                    status: "in-use".into(),
                    attachments: vec![(server_id(n, 0), at), (server_id(n, 1), at)],
                    ..volume
                },
                _ => volume,
            }
        })
        .collect();
    project
}

/// Two projects, pages of three.
fn cloud() -> Cloud {
    Cloud::start(Plan {
        projects: vec![project(0, 7), project(1, 7)],
        max_limit: 3,
        ..Plan::default()
    })
}

/// A site that extracts what cASO extracts by default.
fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.unset("DEFAULT", "extractor");
    site
}

/// Volumes of the site's storage records: each once.
fn volumes(site: &Site) -> BTreeSet<String> {
    let records = site.storage_records();
    let ids: BTreeSet<String> = records.iter().map(volume_of).collect();
    assert_eq!(ids.len(), records.len(), "a volume twice");
    ids
}

fn volume_of(record: &BTreeMap<String, String>) -> String {
    let id = record["recordId"].strip_prefix("storage:").unwrap();
    id.split(':').next().unwrap().to_owned()
}

fn all(projects: &[usize]) -> BTreeSet<String> {
    projects
        .iter()
        .flat_map(|n| (0..7).map(|i| volume_id(*n, i)))
        .collect()
}

fn lastrun(site: &Site, n: usize) -> String {
    site.cursor(&project_id(n)).unwrap_or_default()
}

/// Defects 9, 40, 41 and 42 in one: nameless, attached to none, ids of their
/// own, the window's end.
#[test]
fn every_volume_has_a_record_whatever_the_pages() {
    let cloud = cloud();
    // The marker of the next page is deleted, once.
    cloud.inject(
        Rule::on("/volumes/detail")
            .of_project(&project_id(1))
            .nth(1),
        Fault::VanishLast,
    );
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    assert_eq!(volumes(&site), all(&[0, 1]));
    for record in site.storage_records() {
        let id = volume_of(&record);
        let n: u64 = u64::from_str_radix(&id[24..], 16).unwrap();
        assert_eq!(record["StartTime"], format!("{FROM}T00:00:00"));
        assert_eq!(record["EndTime"], format!("{TO}T00:00:00"));
        assert_eq!(record["ResourceCapacityUsed"], ((n + 1) * GIB).to_string());
        assert_eq!(record["LocalUser"], user_id(n as usize % 5));
        assert_eq!(record["UserIdentity"], format!("user-{}", n % 5));
        assert_eq!(record["StorageSystem"], "TEST-SITE-CLOUD");
        let project = id.starts_with("701e0000-0001");
        assert_eq!(record["LocalGroup"], project_id(usize::from(project)));
        assert_eq!(
            record["Group"],
            format!("vo-{}.example.org", u8::from(project))
        );
    }
}

/// Defect 43: with `changes-since` an administrator's list is empty.
#[test]
fn an_administrator_gets_the_volumes_of_each_project() {
    let cloud = cloud();
    cloud.change(|plan| plan.accounts[0].role = "admin".into());
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    assert_eq!(volumes(&site), all(&[0, 1]));
    assert!(
        cloud.seen().iter().all(|seen| {
            seen.param("changes-since").is_none() || seen.path.contains("/servers/")
        })
    );
}

/// Defect 44: cASO reports it, with a start behind its end.
#[test]
fn a_volume_created_after_the_window_has_no_record() {
    let cloud = cloud();
    cloud.change(|plan| {
        plan.projects[0].volumes[0].created = epoch("2026-10-20");
        plan.projects[0].volumes[5].created = epoch("2026-10-09");
    });
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    let mut right = all(&[0, 1]);
    right.remove(&volume_id(0, 0));
    assert_eq!(volumes(&site), right);
    let created = site.storage_records();
    let created = created
        .iter()
        .find(|record| volume_of(record) == volume_id(0, 5));
    assert_eq!(created.unwrap()["StartTime"], "2026-10-09T00:00:00");
}

/// Defect 40: by the id of the volume, APEL keeps the last interval alone.
#[test]
fn intervals_follow_each_other_without_a_seam() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-09"])
        .expect(0);
    site.extract(&["--extract-to", TO]).expect(0);
    let records = site.storage_records();
    let of = |id: &str| -> Vec<(String, String, String)> {
        records
            .iter()
            .filter(|record| volume_of(record) == id)
            .map(|record| {
                let field = |name: &str| record[name].clone();
                (field("recordId"), field("StartTime"), field("EndTime"))
            })
            .collect()
    };
    for n in 0..2 {
        for i in 0..7 {
            let intervals = of(&volume_id(n, i));
            let [first, second] = intervals.as_slice() else {
                panic!("{intervals:?}")
            };
            assert_eq!(first.2, second.1, "a seam");
            assert_ne!(first.0, second.0);
        }
    }
    // The old behaviour, for who wants it.
    site.set("ssm", "star_record_id", "volume");
    site.extract(&["--extract-to", "2026-10-17"]).expect(0);
    let last = site.storage_records().pop().unwrap();
    assert!(all(&[0, 1]).contains(&last["recordId"]), "{last:?}");
}

#[test]
fn one_bad_volume_costs_itself() {
    let cloud = cloud();
    cloud.change(|plan| {
        let volumes = &mut plan.projects[0].volumes;
        volumes[0].odd.insert("size".into(), json!("big"));
        volumes[1].odd.insert("size".into(), json!(null));
        volumes[2]
            .odd
            .insert("created_at".into(), json!("long ago"));
        volumes[3].odd.insert("attachments".into(), json!("none"));
        volumes[4].odd.insert("id".into(), json!("not-a-uuid"));
        let foreign = json!(project_id(1));
        volumes[5]
            .odd
            .insert("os-vol-tenant-attr:tenant_id".into(), foreign);
    });
    let site = site(&cloud);
    site.extract(&WINDOW)
        .expect(3)
        .says("`size` is not a whole number")
        .says("has no `size`")
        .says("`created_at` is not a time")
        .says("its id is not a UUID")
        .says(&format!("belongs to project `{}`", project_id(1)));
    let mut right = all(&[0, 1]);
    for i in [0, 1, 2, 4, 5] {
        right.remove(&volume_id(0, i));
    }
    assert_eq!(volumes(&site), right);
    assert!(lastrun(&site, 0).starts_with(TO), "the window was read");
}

/// One cause and one command, however many projects lack the right.
#[test]
fn cinder_forbids_all_projects_and_that_is_one_line() {
    let cloud = Cloud::start(Plan::generated(5, 1));
    cloud.inject(Rule::on("/volumes/detail"), Fault::Status(403));
    let site = site(&cloud);
    let outcome = site.extract(&["--extract-to", TO]);
    let lines = outcome.stderr.lines();
    let forbidden: Vec<&str> = lines.filter(|it| it.contains("forbids")).collect();
    assert_eq!(forbidden.len(), 1, "{outcome}");
    assert!(
        forbidden[0].contains("cinder: 5 projects (`project-0`, "),
        "{outcome}"
    );
    let ids: Vec<String> = (0..5).map(project_id).collect();
    let hint = format!(
        "hint: for project in {}; do openstack role add --user accounting --user-domain Default --project \"$project\" \
         reader; done",
        ids.join(" ")
    );
    let all = outcome.stderr.to_lowercase();
    assert!(all.contains(&hint.to_lowercase()), "{outcome}");
}

/// A row without a size makes no record, and the next window begins behind it.
#[test]
fn what_came_to_no_record_is_told_until_it_is_published_once_more() {
    let cloud = cloud();
    let site = site(&cloud);
    let spoil = |size: Option<serde_json::Value>| {
        cloud.change(|plan| {
            let volume = &mut plan.projects[0].volumes[0];
            volume.odd.clear();
            volume.odd.extend(size.map(|it| ("size".to_owned(), it)));
        });
    };
    spoil(Some(json!(null)));
    site.extract(&WINDOW)
        .expect(3)
        .says("hint: once that is fixed `caso republish --month 2026-10`");
    let status = || site.start("caso", &["status"], &[]).finish().stdout;
    let told = status();
    assert!(
        told.contains("left out    project-0 cinder: in 1 window, "),
        "{told}"
    );
    spoil(None);
    assert!(status().contains("left out "));
    site.start(
        "caso",
        &["republish"],
        &[
            "--month",
            "2026-10",
            "--yes",
            "--types",
            "storage",
            "--storage-anyway",
        ],
    )
    .finish()
    .expect(0);
    let told = status();
    assert!(!told.contains("left out"), "{told}");
    let mut records = site.storage_records().into_iter();
    assert!(records.any(|it| volume_of(&it) == volume_id(0, 0)));
}

#[test]
fn cinder_forbids_one_project_and_its_cursor_waits() {
    let cloud = cloud();
    cloud.inject(
        Rule::on("/volumes/detail").of_project(&project_id(1)),
        Fault::Status(403),
    );
    let site = site(&cloud);
    for n in 0..2 {
        site.set_cursor(&project_id(n), "2026-10-05 00:00:01+00:00");
    }
    site.extract(&["--extract-to", "2026-10-09"])
        .expect(3)
        .says("cinder: Cinder forbids this account")
        .says(&project_id(1));
    assert_eq!(volumes(&site), all(&[0]));
    assert!(lastrun(&site, 0).starts_with("2026-10-09"));
    assert!(lastrun(&site, 1).starts_with(FROM), "held by Cinder");

    cloud.heal();
    cloud.forget_seen();
    site.extract(&["--extract-to", TO]).expect(0);
    let records = site.storage_records();
    let starts: BTreeSet<&str> = records
        .iter()
        .filter(|record| record["LocalGroup"] == project_id(1))
        .map(|record| record["StartTime"].as_str())
        .collect();
    assert_eq!(starts, BTreeSet::from(["2026-10-05T00:00:00"]));
    assert!(lastrun(&site, 1).starts_with(TO));
    // The others of the project had gone on: from a minute and, for what becomes
    // visible late, a quarter of an hour before their cursor.
    let since = cloud
        .seen()
        .iter()
        .filter(|seen| seen.project == Some(project_id(1)))
        .find_map(|seen| seen.param("changes-since").map(str::to_owned));
    assert_eq!(since.as_deref(), Some("2026-10-08T23:44:00Z"));
}

#[test]
fn a_page_that_fails_leaves_nothing_of_its_window() {
    let cloud = cloud();
    cloud.inject(
        Rule::on("/volumes/detail")
            .of_project(&project_id(0))
            .when(|seen| seen.param("marker").is_some()),
        Fault::Status(500),
    );
    let site = site(&cloud);
    site.extract(&WINDOW).expect(3).says("status 500");
    assert_eq!(volumes(&site), all(&[1]));
    cloud.heal();
    site.extract(&WINDOW).expect(0);
    let records = site.storage_records();
    let first: BTreeSet<String> = records
        .iter()
        .filter(|record| record["LocalGroup"] == project_id(0))
        .map(volume_of)
        .collect();
    assert_eq!(first, all(&[0]));
}

/// Cinder away costs the volumes, one line, and no server.
#[test]
fn cinder_away_does_not_hold_the_others() {
    let count = 8;
    let servers = |n| Servers::Generated {
        project: n,
        count: 2,
    };
    let cloud = Cloud::start(Plan {
        projects: (0..count)
            .map(|n| Project::numbered(n, servers(n)))
            .collect(),
        ..Plan::default()
    });
    cloud.inject(Rule::on("/volume/"), Fault::Status(503));
    let mut site = site(&cloud);
    site.set("DEFAULT", "concurrency", "1")
        .set("keystone_auth", "status_code_retries", "0");
    let outcome = site
        .extract(&WINDOW)
        .expect(3)
        .says(&format!("cinder: {count} projects are not extracted"));
    assert_eq!(site.cloud_records().len(), 2 * count, "{outcome}");
    assert!(cloud.count("/volumes/detail") <= 3, "asked on and on");
}

/// The default list asks for Cinder; a site without it must not fail for ever.
#[test]
fn a_cloud_without_cinder_is_no_failure_and_is_said_once() {
    let cloud = cloud();
    cloud.change(|plan| plan.lacks = vec!["block-storage".into()]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-09"])
        .expect(0)
        .says("no endpoint for Cinder")
        .says("remove `cinder` from `extractor`");
    // lastrun is that of the others, and not 1970.
    assert!(lastrun(&site, 0).starts_with("2026-10-09"));
    site.extract(&["--extract-to", "2026-10-10"])
        .expect(0)
        .never_says("Cinder");
    assert!(lastrun(&site, 0).starts_with("2026-10-10"));
    assert_eq!(site.storage_records().len(), 0);

    // One day there is one: its volumes count since they were created.
    cloud.change(|plan| plan.lacks.clear());
    site.extract(&["--extract-to", "2026-10-11"]).expect(0);
    assert_eq!(volumes(&site), all(&[0, 1]));
    let record = &site.storage_records()[0];
    assert_eq!(
        record["StartTime"][..10],
        instant(epoch("2026-10-01"))[..10]
    );
    assert!(lastrun(&site, 0).starts_with("2026-10-11"));

    // And one day it has left the catalog: usage may be about to be lost.
    cloud.change(|plan| plan.lacks = vec!["block-storage".into()]);
    site.extract(&["--extract-to", "2026-10-12"])
        .expect(3)
        .says("it was extracted up to 2026-10-11T00:00:00Z")
        .says("if it was taken away for good, remove `cinder` from `extractor`");
    assert!(lastrun(&site, 0).starts_with("2026-10-11"));
    cloud.change(|plan| plan.lacks.clear());
    site.extract(&["--extract-to", "2026-10-13"]).expect(0);
    let records = site.storage_records();
    let ends: BTreeSet<&String> = records.iter().map(|record| &record["EndTime"]).collect();
    let starts: BTreeSet<&String> = records.iter().map(|record| &record["StartTime"]).collect();
    assert!(ends.iter().any(|end| end.starts_with("2026-10-11")));
    assert!(
        starts.contains(&"2026-10-11T00:00:00".to_owned()),
        "{starts:?}"
    );
    assert!(lastrun(&site, 0).starts_with("2026-10-13"));
}

/// Who asks for nothing but volumes wants to know.
#[test]
fn cinder_alone_without_cinder_is_a_failure() {
    let cloud = cloud();
    cloud.change(|plan| plan.lacks = vec!["block-storage".into()]);
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "cinder");
    site.extract(&WINDOW)
        .expect(1)
        .says("no endpoint for Cinder");
}

/// A region that is misspelled is no cloud without Cinder. Neutron is not asked at all
/// for a window of the past, which is no failure of it.
#[test]
fn a_region_without_any_service_is_a_failure() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "cinder,neutron")
        .set("DEFAULT", "region_name", "RegionTwo");
    site.extract(&WINDOW).expect(3).says("RegionTwo");
}

/// Defect 45: cASO asked whatever region came first.
#[test]
fn volumes_are_of_the_region_that_is_named() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne");
    site.extract(&WINDOW).expect(0);
    assert_eq!(volumes(&site), all(&[0, 1]));
}

/// Cinder shows it in the other project as if it had always been there.
#[test]
fn a_transferred_volume_is_accounted_once_and_so_when_it_is_republished() {
    let cloud = Cloud::start(Plan {
        projects: vec![project(0, 1), project(1, 1)],
        ..Plan::default()
    });
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "cinder")
        .set("DEFAULT", "first_extract_from", FROM);
    let run = |site: &Site, hour: &str| {
        let to = format!("{FROM} {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(0);
    };
    run(&site, "01");
    // The second project waits, and the first goes on alone.
    let id = project_id(0);
    let alone = [
        "--extract-to",
        &format!("{FROM} 02:00:00"),
        "--projects",
        &id,
    ];
    site.extract(&alone).expect(0);
    cloud.change(|plan| {
        let mut volume = plan.projects[0].volumes.remove(0);
        volume.updated = Some(epoch(FROM) + 2 * 3_600 + 600);
        plan.projects[1].volumes.push(volume);
    });
    run(&site, "03");
    run(&site, "04");
    let intervals = |site: &Site| {
        let records = site.storage_records().into_iter();
        let of_it = records.filter(|record| volume_of(record) == volume_id(0, 0));
        let times = |it: BTreeMap<String, String>| {
            let hour = |name: &str| it[name][11..13].to_owned();
            (hour("StartTime"), hour("EndTime"), it["LocalGroup"].clone())
        };
        of_it.map(times).collect::<BTreeSet<_>>()
    };
    let right: BTreeSet<_> = [
        ("00", "01", 0),
        ("01", "02", 0),
        ("02", "03", 1),
        ("03", "04", 1),
    ]
    .map(|(start, end, n)| (start.to_owned(), end.to_owned(), project_id(n)))
    .into();
    assert_eq!(intervals(&site), right);
    let month = FROM.get(..7).unwrap();
    site.start("caso", &["republish"], &["--month", month, "--yes"])
        .finish()
        .expect(0);
    assert_eq!(intervals(&site), right);
}
