//! What a run says at its end: when all is well, when some of it is not, when nothing
//! is; what a dry run would have done, and what waits.

use std::fs;

use caso_stand_in::{Cloud, Fault, FloatingIp, Plan, Project, Rule, Volume, project_id};
use caso_tests::site::Site;
use serde_json::json;

use super::{printed, site};
use crate::clouds::{FROM, TO, project};

const WINDOW: [&str; 5] = ["--extract-from", FROM, "--extract-to", TO, "--summary"];

/// Two projects with something for each of the default extractors.
fn cloud() -> Cloud {
    let project = |n: usize| Project {
        volumes: (0..2).map(|i| Volume::numbered(n, i)).collect(),
        floating_ips: vec![FloatingIp::numbered(n, 0, "203.0.113.7")],
        ..project(n)
    };
    Cloud::start(Plan {
        projects: vec![project(0), project(1)],
        ..Plan::default()
    })
}

/// With all extractors.
fn all(cloud: &Cloud) -> Site {
    let mut site = site(cloud);
    site.unset("DEFAULT", "extractor")
        .set("DEFAULT", "ip_records_for_past_windows", "true");
    site
}

#[test]
fn of_clean_runs() {
    let cloud = cloud();
    let site = all(&cloud);
    printed(
        "clean-first-run",
        &site.extract(&["--extract-to", "2026-10-11", "--summary"]),
    );
    printed(
        "clean-second-run",
        &site.extract(&["--extract-to", TO, "--summary"]),
    );
    printed(
        "clean-run-up-to-date",
        &site.extract(&["--extract-to", TO, "--summary"]),
    );
    printed(
        "clean-run-of-an-old-window",
        &site.extract(&[
            "--extract-from",
            FROM,
            "--extract-to",
            "2026-10-09",
            "--summary",
        ]),
    );
    printed(
        "clean-run-over-a-gap",
        &site.extract(&[
            "--extract-from",
            "2026-10-17",
            "--extract-to",
            "2026-10-18",
            "--summary",
        ]),
    );
    printed(
        "clean-run-in-silence",
        &site.extract(&["--extract-to", "2026-10-17"]),
    );
    printed(
        "clean-delivery",
        &site.start("caso", &["deliver"], &["--summary"]).finish(),
    );
}

#[test]
fn of_a_run_in_json() {
    let cloud = cloud();
    let mut site = all(&cloud);
    site.set("DEFAULT", "use_json", "true");
    cloud.inject(
        Rule::on("/volumes/detail").of_project(&project_id(1)),
        Fault::Status(403),
    );
    printed(
        "partly-failed-run-in-json",
        &site.extract(&["--extract-to", TO]),
    );
}

#[test]
fn of_a_dry_run() {
    let cloud = cloud();
    let site = all(&cloud);
    let outcome = site
        .extract(&[&WINDOW[..], &["--dry-run"]].concat())
        .expect(0);
    super::kept("dry-run", &outcome.filtered());
}

#[test]
fn of_runs_that_fail_in_part() {
    let cloud = cloud();
    let site = all(&cloud);
    cloud.inject(
        Rule::on("/volumes/detail").of_project(&project_id(1)),
        Fault::Status(403),
    );
    cloud.inject(Rule::on("/floatingips"), Fault::Status(503));
    printed("partly-failed-run", &site.extract(&WINDOW));
    cloud.heal();
    cloud.change(|plan| {
        plan.projects[0].volumes[0]
            .odd
            .insert("size".into(), json!("big"));
        plan.projects[0].volumes[1]
            .odd
            .insert("created_at".into(), json!("long ago"));
        let odd = &mut plan.projects[1].floating_ips[0].odd;
        odd.insert("floating_ip_address".into(), json!(null));
    });
    printed(
        "run-with-bad-items",
        &site.extract(&["--extract-to", "2026-10-17"]),
    );
}

#[test]
fn of_runs_that_fail_as_a_whole() {
    let cloud = cloud();
    let site = all(&cloud);
    cloud.inject(Rule::on("/compute"), Fault::Status(503));
    cloud.inject(Rule::on("/volume"), Fault::Status(503));
    cloud.inject(Rule::on("/network"), Fault::Status(503));
    printed("failed-run", &site.extract(&WINDOW));
    cloud.heal();
    cloud.inject(Rule::on("/identity"), Fault::Status(503));
    printed("failed-run-without-keystone", &site.extract(&WINDOW));
}

#[test]
fn of_a_run_after_one_that_was_killed() {
    let cloud = cloud();
    let site = all(&cloud);
    let gate = caso_stand_in::Gate::default();
    cloud.inject(Rule::on("/servers/detail"), Fault::Held(gate.clone()));
    let run = site.start("caso-extract", &[], &["--extract-to", "2026-10-11"]);
    assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
    run.kill();
    cloud.heal();
    printed(
        "run-after-a-killed-one",
        &site.extract(&["--extract-to", TO, "--summary"]),
    );
}

#[test]
fn of_a_run_that_is_terminated() {
    let cloud = cloud();
    let site = all(&cloud);
    let gate = caso_stand_in::Gate::default();
    cloud.inject(Rule::on("/volumes/detail"), Fault::Held(gate.clone()));
    let run = site.start("caso-extract", &[], &WINDOW);
    assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
    printed("terminated-run", &run.terminate());
}

#[test]
fn of_what_waits() {
    let cloud = cloud();
    let mut site = all(&cloud);
    site.with_mischief("retry");
    printed(
        "run-whose-messenger-waits",
        &site.extract(&["--extract-to", TO]),
    );
    site.set("DEFAULT", "messengers", "ssm");
    printed(
        "run-without-a-messenger-that-waits",
        &site.extract(&["--extract-to", "2026-10-17", "--summary"]),
    );
    printed(
        "delivery-without-a-messenger-that-waits",
        &site.start("caso", &["deliver"], &["--summary"]).finish(),
    );
}

#[test]
fn of_what_was_set_aside() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.with_mischief("retry");
    site.extract(&["--extract-to", TO]).expect(3);
    let segments = site.spool().join("caso-journal/segments");
    let mut names: Vec<_> = fs::read_dir(&segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let text = fs::read(&names[0]).unwrap();
    fs::write(&names[0], &text[..text.len() - 20]).unwrap();
    let deliver = || site.start("caso", &["deliver"], &["--summary"]).finish();
    printed("delivery-with-a-damaged-segment", &deliver());
    printed("delivery-after-a-damaged-segment", &deliver());
}

#[test]
fn of_a_journal_that_is_gone() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.with_mischief("retry");
    site.extract(&["--extract-to", TO]).expect(3);
    fs::remove_dir_all(site.spool().join("caso-journal")).unwrap();
    let deliver = || site.start("caso", &["deliver"], &["--summary"]).finish();
    printed("delivery-whose-journal-is-gone", &deliver());
    printed("delivery-after-the-journal-was-gone", &deliver());
}

#[test]
fn of_quarantine() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.with_mischief("trap-on")
        .set("mischief", "victim", "vm-0-4");
    printed("quarantine-of-a-trap", &site.extract(&["--extract-to", TO]));
    printed(
        "quarantine-afterwards",
        &site.start("caso", &["deliver"], &["--summary"]).finish(),
    );
    site.set("mischief", "verb", "refuse-first");
    printed(
        "quarantine-of-a-refusal",
        &site.extract(&["--extract-to", "2026-10-17"]),
    );
}

/// A second cloud and a second region are named wherever there are two.
#[test]
fn of_regions() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "region_name", "RegionOne, Elsewhere");
    printed("run-with-an-unknown-region", &site.extract(&WINDOW));
}
