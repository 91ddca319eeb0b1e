//! What is said of an OpenStack that is away, forbids, knows nobody, or is not what
//! the site believes: the error and its remedy.

use std::fmt::Write as _;
use std::fs;

use caso_stand_in::{Certificate, Cloud, Fault, Plan, Rule, project_id};
use caso_tests::prometheus::{Mood, Prometheus};
use caso_tests::site::Site;

use super::{kept, printed, site};
use crate::clouds::{FROM, TO, plain, project};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// Each way to fail, at each service: exit code and words.
#[test]
fn of_answers_that_are_none() {
    for (name, pattern) in [
        ("failing-keystone", "/identity/v3/auth"),
        ("failing-keystone-projects", "/identity/v3/projects"),
        ("failing-nova", "/compute"),
        ("failing-cinder", "/volume"),
        ("failing-neutron", "/network"),
    ] {
        let cloud = Cloud::start(Plan {
            projects: vec![project(0)],
            ..Plan::default()
        });
        let mut all = String::new();
        for (fault, of) in [
            (Fault::Status(400), "status 400"),
            (Fault::Status(401), "status 401"),
            (Fault::Status(403), "status 403"),
            (Fault::Status(404), "status 404"),
            (Fault::Status(500), "status 500"),
            (Fault::Status(503), "status 503"),
            (Fault::Html, "a page for people"),
            (Fault::Truncated, "half an answer"),
            (Fault::Closed, "a closed connection"),
        ] {
            let mut site = site(&cloud);
            site.unset("DEFAULT", "extractor").set(
                "DEFAULT",
                "ip_records_for_past_windows",
                "true",
            );
            cloud.inject(Rule::on(pattern), fault);
            let outcome = site.extract(&WINDOW);
            cloud.heal();
            let _ = write!(
                all,
                "--- {of}: exit code {}\n{}\n",
                outcome.code(),
                outcome.filtered()
            );
        }
        kept(name, &all);
    }
}

#[test]
fn of_silence() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.set("keystone_auth", "timeout", "1");
    world.cloud.inject(Rule::on("/identity"), Fault::Never);
    printed("silent-keystone", &site.extract(&WINDOW));
    world.cloud.heal();
    world.cloud.inject(Rule::on("/compute"), Fault::Never);
    printed("silent-nova", &site.extract(&WINDOW));
}

#[test]
fn of_addresses() {
    let world = plain();
    let certificate = Certificate::for_loopback();
    let secure = Cloud::start_tls(world.plan.clone(), &certificate);
    let plan = world.plan.clone();
    let version_2 = Cloud::start(Plan {
        version_2: true,
        ..plan
    });
    let at = |url: &str| site_at(&world.cloud, url).extract(&WINDOW);
    printed(
        "address-where-nothing-listens",
        &at("http://127.0.0.1:9/v3"),
    );
    printed(
        "address-without-keystone",
        &at(&format!("{}/compute", world.cloud.url())),
    );
    printed(
        "address-of-tls-without-s",
        &at(&secure.auth_url().replace("https", "http")),
    );
    printed(
        "address-of-tls-by-an-unknown-issuer",
        &at(&secure.auth_url()),
    );
    printed(
        "address-with-s-without-tls",
        &at(&world.cloud.auth_url().replace("http", "https")),
    );
    printed(
        "address-of-an-old-keystone",
        &at(&format!("{}/identity/v3", version_2.url())),
    );
    let mut site = site_at(&secure, &secure.auth_url());
    site.set("keystone_auth", "cafile", "/nowhere/ca.pem");
    printed("cafile-that-is-not-there", &site.extract(&WINDOW));
    fs::write(site.path().join("ca.pem"), "no certificate\n").unwrap();
    let cafile = site.path().join("ca.pem").display().to_string();
    site.set("keystone_auth", "cafile", &cafile);
    printed("cafile-without-certificate", &site.extract(&WINDOW));
    site.unset("keystone_auth", "cafile")
        .set("keystone_auth", "insecure", "true");
    printed("insecure", &site.extract(&WINDOW));
}

fn site_at(cloud: &Cloud, url: &str) -> Site {
    let mut site = site(cloud);
    site.set("keystone_auth", "auth_url", url);
    site
}

#[test]
fn of_logins_and_projects() {
    let world = plain();
    let with = |section: &str, option: &str, value: &str| {
        let mut site = site(&world.cloud);
        site.set(section, option, value);
        site.extract(&WINDOW)
    };
    printed(
        "wrong-password",
        &with("keystone_auth", "password", "wrong-secret").never_says("wrong-secret"),
    );
    printed(
        "unknown-domain",
        &with("keystone_auth", "user_domain_id", "nowhere"),
    );
    printed("unknown-project", &with("DEFAULT", "projects", "nobodys"));
    printed("no-project", &with("DEFAULT", "caso_tag", "nobody-tags-so"));
    printed(
        "unknown-region",
        &with("DEFAULT", "region_name", "Elsewhere"),
    );
    printed(
        "mapping-file-that-is-not-there",
        &with("DEFAULT", "mapping_file", "/nowhere/voms.json"),
    );
    world
        .cloud
        .change(|plan| plan.projects[0].properties.clear());
    printed("no-vo", &with("DEFAULT", "vo_property", "VO"));
    let mut site = site(&world.cloud);
    fs::write(site.path().join("voms.json"), "{\"VO\": ").unwrap();
    printed("mapping-file-that-is-no-json", &site.extract(&WINDOW));
    site.unset("DEFAULT", "site_name");
    printed("no-site-name", &site.extract(&WINDOW));
    site.unset("keystone_auth", "auth_type")
        .unset("keystone_auth", "auth_url")
        .unset("keystone_auth", "username")
        .set("DEFAULT", "site_name", "TEST");
    printed("no-login", &site.extract(&WINDOW));
}

#[test]
fn of_services_that_are_not_there() {
    let world = plain();
    world
        .cloud
        .change(|plan| plan.lacks = vec!["block-storage".into(), "network".into()]);
    let mut site = site(&world.cloud);
    site.unset("DEFAULT", "extractor");
    printed("no-cinder-no-neutron", &site.extract(&WINDOW));
    site.set("DEFAULT", "extractor", "cinder");
    printed("cinder-alone-without-cinder", &site.extract(&WINDOW));
    site.set("DEFAULT", "extractor", "ceilometer");
    printed("no-telemetry", &site.extract(&WINDOW));
    world.cloud.change(|plan| plan.lacks.clear());
    site.set("DEFAULT", "extractor", "cinder");
    site.extract(&["--extract-to", "2026-10-09"]).expect(0);
    world
        .cloud
        .change(|plan| plan.lacks = vec!["block-storage".into()]);
    printed("cinder-that-has-gone", &site.extract(&["--extract-to", TO]));
}

#[test]
fn of_clocks_and_cursors() {
    let world = plain();
    let site = site(&world.cloud);
    site.set_cursor(&project_id(0), "2099-01-01 00:00:00+00:00");
    printed("cursor-in-the-future", &site.extract(&[]));
    site.set_cursor(&project_id(0), "some day");
    printed("cursor-that-is-no-date", &site.extract(&[]));
    let site = super::site(&world.cloud);
    printed(
        "window-that-is-empty",
        &site.extract(&["--extract-from", TO, "--extract-to", FROM]),
    );
    printed(
        "window-from-a-wrong-date",
        &site.extract(&["--extract-from", "yesterday"]),
    );
    printed(
        "window-into-the-future",
        &site.extract(&["--extract-to", "2099-01-01"]),
    );
    world.cloud.change(|plan| plan.clock_ahead = -3600);
    let outcome = super::site(&world.cloud).extract(&[]).expect(0);
    // Both clocks are read in whole seconds.
    let words = outcome.filtered().replace(" 3601 s ", " 3600 s ");
    kept("clock-behind", &words);
}

#[test]
fn of_prometheus() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.set("DEFAULT", "extractor", "prometheus").set(
        "prometheus",
        "prometheus_endpoint",
        "http://127.0.0.1:9",
    );
    printed("prometheus-that-is-down", &site.extract(&WINDOW));
    let prometheus = Prometheus::start();
    site.set("prometheus", "prometheus_endpoint", &prometheus.url());
    prometheus.set_mood(Mood::Status(500));
    printed("prometheus-that-fails", &site.extract(&WINDOW));
    prometheus.set_mood(Mood::Normal);
    printed("prometheus-that-knows-no-server", &site.extract(&WINDOW));
}
