//! Floating IPs: counted by project and version, as they are now.

use std::time::{SystemTime, UNIX_EPOCH};

use caso_stand_in::{
    Cloud, Fault, FloatingIp, Plan, Project, Rule, Servers, epoch, floating_ip_id, project_id,
};
use caso_tests::site::Site;
use serde_json::{Value, json};

use crate::clouds::{FROM, TO};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// Two projects, pages of three: five IPv4 addresses each, and two IPv6 ones in
/// the second.
fn cloud() -> Cloud {
    let project = |n: usize| {
        let mut project = Project::numbered(n, Servers::Listed(Vec::new()));
        project.floating_ips = (0..5)
            .map(|i| FloatingIp::numbered(n, i, &format!("203.0.{n}.{i}")))
            .collect();
        if n == 1 {
            let v6 = (5..7).map(|i| FloatingIp::numbered(n, i, &format!("2001:db8::{i}")));
            project.floating_ips.extend(v6);
        }
        project
    };
    Cloud::start(Plan {
        projects: vec![project(0), project(1)],
        max_limit: 3,
        ..Plan::default()
    })
}

/// A site that wants what cASO makes of a window of the past.
fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "neutron").set(
        "DEFAULT",
        "ip_records_for_past_windows",
        "true",
    );
    site
}

/// Project, version and count of each record.
fn counts(site: &Site) -> Vec<(String, u64, u64)> {
    site.ip_records()
        .iter()
        .map(|record| {
            let number = |name: &str| record[name].as_u64().unwrap();
            let project = record["LocalGroup"].as_str().unwrap().to_owned();
            (project, number("IPVersion"), number("IPCount"))
        })
        .collect()
}

fn expected() -> Vec<(String, u64, u64)> {
    let record = |n: usize, version, count| (project_id(n), version, count);
    vec![record(0, 4, 5), record(1, 4, 5), record(1, 6, 2)]
}

/// Defect 7: the record of version 6 replaced that of version 4.
#[test]
fn each_version_has_its_record_as_caso_shapes_it() {
    let cloud = cloud();
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    assert_eq!(counts(&site), expected());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for record in site.ip_records() {
        let fields: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(fields.len(), 9, "{fields:?}");
        for absent in ["LocalUser", "GlobalUserName"] {
            assert!(record.get(absent).is_none());
        }
        let measured = record["MeasurementTime"].as_u64().unwrap();
        assert!(measured <= now && now - measured < 120, "{measured}");
    }
    let messages = site.messages();
    let begin = r#"{"Type": "APEL Public IP message", "Version": "0.2", "UsageRecords": [{"SiteName": "TEST-SITE", "CloudType": "#;
    assert!(messages[0].text.starts_with(begin), "{}", messages[0].text);
}

/// Defect 8: Neutron shows an administrator the addresses of all projects.
#[test]
fn an_administrator_counts_each_projects_own() {
    let cloud = cloud();
    cloud.change(|plan| plan.accounts[0].role = "admin".into());
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    assert_eq!(counts(&site), expected());
    // And where the filter is taken off on the way.
    cloud.change(|plan| {
        let odd = &mut plan.projects[0].floating_ips[0].odd;
        odd.insert("project_id".into(), json!(project_id(7)));
    });
    let other = self::site(&cloud);
    other.extract(&WINDOW).expect(0).says("1 of other projects");
    assert_eq!(counts(&other)[0].2, 4);
}

/// Neutron begins anew, without a word, where a marker is gone.
#[test]
fn addresses_given_back_between_pages_count_once() {
    let cloud = cloud();
    for project in 0..2 {
        cloud.inject(
            Rule::on("/floatingips")
                .of_project(&project_id(project))
                .nth(1 + project as u32),
            Fault::VanishLast,
        );
    }
    let site = site(&cloud);
    site.extract(&WINDOW).expect(0);
    assert_eq!(counts(&site), expected());
}

#[test]
fn one_bad_address_costs_itself() {
    let cloud = cloud();
    cloud.change(|plan| {
        let held = &mut plan.projects[1].floating_ips;
        held[0]
            .odd
            .insert("floating_ip_address".into(), json!(null));
        held[1].odd.insert("created_at".into(), Value::Null);
        held[2].created = epoch("2026-10-20");
    });
    let site = site(&cloud);
    site.extract(&WINDOW)
        .expect(3)
        .says(&floating_ip_id(1, 0))
        .says("`floating_ip_address` is missing");
    let mut right = expected();
    right[1].2 = 3;
    assert_eq!(counts(&site), right);
}

/// Defect 46: a snapshot of now says nothing of October, and would replace the
/// present month's.
#[test]
fn a_window_of_the_past_has_no_record_unless_asked_for() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.unset("DEFAULT", "ip_records_for_past_windows");
    site.extract(&WINDOW)
        .expect(0)
        .says("`ip_records_for_past_windows = true`");
    assert_eq!(counts(&site), []);
    assert_eq!(cloud.count("/floatingips"), 0);
    let cursor = site.cursor(&project_id(0)).unwrap();
    assert!(cursor.starts_with(TO), "{cursor}");
    // The hourly run goes on from there, up to now.
    site.extract(&[]).expect(0).never_says("past_windows");
    assert_eq!(counts(&site), expected());
}

/// APEL's draft: no `uuid`, a user always, and a key for each project.
#[test]
fn the_drafts_shape_is_an_option() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("ssm", "ip_format", "strict");
    site.extract(&WINDOW).expect(0);
    assert_eq!(counts(&site), expected());
    assert!(site.messages()[0].text.contains(r#""Version": "v0.2""#));
    let mut keys: Vec<String> = Vec::new();
    for record in site.ip_records() {
        assert!(record.get("uuid").is_none());
        keys.push(format!(
            "{} {}",
            record["GlobalUserName"], record["IPVersion"]
        ));
        assert_eq!(record["LocalUser"], record["LocalGroup"]);
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
}

#[test]
fn a_cloud_without_neutron_is_said_once() {
    let cloud = cloud();
    cloud.change(|plan| plan.lacks = vec!["network".into()]);
    let mut site = site(&cloud);
    site.unset("DEFAULT", "extractor");
    site.extract(&["--extract-to", "2026-10-09"])
        .expect(0)
        .says("no endpoint for Neutron");
    let outcome = site.extract(&["--extract-to", TO]).expect(0);
    outcome.never_says("Neutron");
    let cursor = site.cursor(&project_id(0)).unwrap();
    assert!(cursor.starts_with(TO), "{cursor}");
}
