//! `greendigit_cim`: energy records over HTTP to a service that is not ours.
//!
//! The records are put into the journal as a run seals them, so that the cases
//! need no source of energy.

use std::path::Path;
use std::time::Duration;

use caso_disk::Disk;
use caso_journal::{Journal, MapperIdentity, Order, SegmentKey};
use caso_model::Window;
use caso_model::record::{AccountingRecord, EnergyRecord, Head};
use caso_stand_in::Certificate;
use caso_state::Spool;
use caso_tests::cim::{Cim, EMAIL, PASSWORD};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;
use serde_json::json;

use crate::clouds::plain;

const NAME: &str = "greendigit_cim";

/// A site whose records wait for the service.
fn site(cim: &Cim, records: u32) -> Site {
    let mut site = Site::with_auth_url("http://127.0.0.1:9");
    configure(&mut site, cim);
    energy(&site, records);
    site
}

fn configure(site: &mut Site, cim: &Cim) {
    site.set("DEFAULT", "messengers", NAME)
        .set(NAME, "base_url", &cim.url())
        .set(NAME, "email", EMAIL)
        .set(NAME, "password", PASSWORD);
}

fn unit(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn energy(site: &Site, records: u32) {
    let spool = Spool::open(&site.spool(), Disk::default()).unwrap();
    let (journal, _) = Journal::open(&spool, 1_790_000_000).unwrap();
    let key = SegmentKey {
        cloud: "default".to_owned(),
        region: None,
        project: "p".to_owned(),
        extractor: "prometheus".to_owned(),
        window: Window {
            start: 1_789_990_000,
            end: 1_790_000_000,
        },
        again: false,
    };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mapper = MapperIdentity {
        name: "mapper".to_owned(),
        version: "1".to_owned(),
        digest: "0".repeat(64),
    };
    let mut segment = journal
        .begin(key, Vec::new(), order, &[NAME.to_owned()], &mapper)
        .unwrap();
    for number in 0..records {
        segment.append(&record(number)).unwrap();
    }
    segment.seal().unwrap();
}

fn record(number: u32) -> AccountingRecord {
    AccountingRecord::Energy(EnergyRecord {
        head: Head {
            id: format!("e{number}"),
            supersedes: format!("e{number}"),
            measured_at: 1_790_000_000,
            attributes: Vec::new(),
        },
        exec_unit_id: unit(number),
        site_name: "TEST-SITE".to_owned(),
        compute_service: "TEST-SITE-CLOUD".to_owned(),
        cloud_type: "caso/5.2.2 (OpenStack)".to_owned(),
        start: 1_789_990_000,
        end: 1_790_000_000,
        watt_hours: 12.5,
        work: Some(35_996.4),
        efficiency: Some(1.0),
        wall_seconds: 10_000,
        cpu_seconds: Some(20_000),
        suspend_seconds: Some(0),
        cpu_normalization_factor: Some(2.7),
        finished: false,
        status: "started".to_owned(),
        owner: "vo.example".to_owned(),
    })
}

/// The password, as it is and as an address or JSON has it, in no output and in
/// no file but the configuration.
fn password_is_nowhere(site: &Site, outcome: &Outcome) {
    let spellings = [
        PASSWORD.to_owned(),
        "c%C3%B6rrect".to_owned(),
        "h%2Frse".to_owned(),
        PASSWORD.replace('"', "\\\""),
        "rrect".to_owned(),
        "ttery".to_owned(),
    ];
    let clean = |what: &str, text: &str| {
        for spelling in &spellings {
            assert!(!text.contains(spelling), "{what} has `{spelling}`: {text}");
        }
    };
    clean("stdout", &outcome.stdout);
    clean("stderr", &outcome.stderr);
    for file in files(site.path()) {
        if file.file_name().is_some_and(|name| name != "caso.conf") {
            let bytes = std::fs::read(&file).unwrap();
            clean(
                &file.display().to_string(),
                &String::from_utf8_lossy(&bytes),
            );
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

fn units(cim: &Cim) -> Vec<String> {
    let records = cim.records();
    let unit = |record: &serde_json::Value| record["ExecUnitID"].as_str().unwrap().to_owned();
    records.iter().map(unit).collect()
}

fn all(records: u32) -> Vec<String> {
    (0..records).map(unit).collect()
}

#[test]
fn records_arrive_as_caso_posted_them() {
    let cim = Cim::start(None);
    let site = site(&cim, 2);
    let outcome = site.deliver().expect(0).says("not https");
    password_is_nowhere(&site, &outcome);
    assert_eq!((cim.logins(), cim.requests()), (1, 2));
    assert_eq!(units(&cim), all(2));
    assert_eq!(
        cim.records()[0],
        json!({
            "SiteName": "TEST-SITE",
            "CloudType": "caso/5.2.2 (OpenStack)",
            "CloudComputeService": "TEST-SITE-CLOUD",
            "ExecUnitID": "00000000-0000-4000-8000-000000000000",
            "StartExecTime": "2026-09-21T11:26:40Z",
            "EndExecTime": "2026-09-21T14:13:20Z",
            "EnergyWh": 12.5,
            "Work": 35_996.4,
            "Efficiency": 1.0,
            "WallClockTime_s": 10_000,
            "CpuDuration_s": 20_000,
            "SuspendDuration_s": 0,
            "CPUNormalizationFactor": 2.7,
            "ExecUnitFinished": 0,
            "Status": "started",
            "Owner": "vo.example",
        })
    );
    // Once is enough.
    site.deliver().expect(0);
    assert_eq!(cim.requests(), 2);
}

#[test]
fn cloud_records_are_not_for_a_third_party() {
    let cim = Cim::start(None);
    let world = plain();
    let mut site = world.site();
    configure(&mut site, &cim);
    site.set("DEFAULT", "messengers", "ssm, greendigit_cim");
    site.extract_october().expect(0);
    assert!(!site.messages().is_empty());
    assert_eq!(cim.requests(), 0);
    // Unless the site says so.
    site.set("messenger_greendigit_cim", "record_types", "cloud, energy");
    site.extract_october().expect(0);
    let records = cim.records();
    assert!(!records.is_empty() && records.iter().all(|record| record["VMUUID"].is_string()));
}

#[test]
fn a_private_authority_goes_into_cafile() {
    let certificate = Certificate::for_loopback();
    let cim = Cim::start(Some(&certificate));
    let mut site = site(&cim, 1);
    let outcome = site
        .deliver()
        .expect(1)
        .says("cannot be trusted")
        .says("`cafile`");
    password_is_nowhere(&site, &outcome);
    assert_eq!(cim.requests(), 0);

    let cafile = site.path().join("ca.pem");
    std::fs::write(&cafile, &certificate.pem).unwrap();
    site.set(NAME, "cafile", &cafile.display().to_string());
    let outcome = site.deliver().expect(0).never_says("verify_ssl");
    password_is_nowhere(&site, &outcome);
    assert_eq!(units(&cim), all(1));
}

#[test]
fn verify_ssl_says_whether_the_certificate_counts() {
    let cim = Cim::start(Some(&Certificate::for_loopback()));
    let mut site = site(&cim, 1);
    site.set(NAME, "verify_ssl", "false");
    site.deliver().expect(0).says("`verify_ssl` is false");
    assert_eq!(units(&cim), all(1));
}

#[test]
fn a_service_that_is_down_gets_the_records_later() {
    let cim = Cim::start(None);
    let mut site = site(&cim, 3);
    let gone = Cim::start(None);
    site.set(NAME, "base_url", &gone.url());
    drop(gone);
    let outcome = site
        .deliver()
        .expect(1)
        .says("did not answer the login")
        .says("refused");
    password_is_nowhere(&site, &outcome);
    site.set(NAME, "base_url", &cim.url());
    site.deliver().expect(0);
    assert_eq!(units(&cim), all(3));
}

/// The service repeats in its answer what it was asked; we do not.
#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let cim = Cim::start(None);
    let mut site = site(&cim, 1);
    site.set(NAME, "email", "somebody@else.example");
    let outcome = site
        .deliver()
        .expect(1)
        .says("answered the login with 401")
        .says("check `email` and `password`")
        .says("***");
    password_is_nowhere(&site, &outcome);
    assert_eq!(cim.records().len(), 0);
}

#[test]
fn without_an_account_it_does_not_start() {
    let cim = Cim::start(None);
    let mut site = site(&cim, 1);
    site.unset(NAME, "password");
    site.deliver().expect(1).says("[greendigit_cim] password");
    assert_eq!(cim.requests(), 0);
}

#[test]
fn an_error_that_passes_delays_and_loses_nothing() {
    let cim = Cim::start(None);
    let site = site(&cim, 3);
    cim.answer(500, Some(1));
    let outcome = site.deliver().expect(0);
    password_is_nowhere(&site, &outcome);
    assert_eq!(units(&cim), all(3));
}

#[test]
fn an_error_that_stays_leaves_the_records_where_they_are() {
    let cim = Cim::start(None);
    let site = site(&cim, 3);
    cim.answer(503, None);
    let outcome = site
        .deliver()
        .expect(1)
        .says("answered the records with 503");
    password_is_nowhere(&site, &outcome);
    assert_eq!(cim.records().len(), 0);
    site.deliver().expect(0);
    assert_eq!(units(&cim), all(3));
}

#[test]
fn the_one_record_that_is_refused_is_set_aside() {
    let cim = Cim::start(None);
    let site = site(&cim, 40);
    cim.refuse_unit(&unit(17));
    let outcome = site
        .deliver()
        .expect(3)
        .says("1 record is in quarantine")
        .says("no unit 00000000-0000-4000-8000-000000000017");
    password_is_nowhere(&site, &outcome);
    let mut expected = all(40);
    expected.remove(17);
    assert_eq!(units(&cim), expected);
    site.deliver().expect(0);
}

#[test]
fn a_list_that_is_too_large_goes_in_halves() {
    let cim = Cim::start(None);
    let site = site(&cim, 8);
    cim.answer(413, None);
    site.deliver().expect(0);
    assert_eq!(units(&cim), all(8));
}

#[test]
fn a_slow_service_is_waited_for() {
    let cim = Cim::start(None);
    let site = site(&cim, 3);
    cim.pause(Duration::from_millis(700));
    site.deliver().expect(0);
    assert_eq!(units(&cim), all(3));
}

#[test]
fn a_service_that_never_answers_harms_nobody_else() {
    let cim = Cim::start(None);
    let world = plain();
    let mut site = world.site();
    configure(&mut site, &cim);
    site.set("DEFAULT", "messengers", "ssm, greendigit_cim")
        .set("messenger_greendigit_cim", "timeout", "2");
    energy(&site, 2);
    cim.pause(Duration::from_secs(3600));
    let outcome = site.extract_october().expect(3).says(NAME);
    password_is_nowhere(&site, &outcome);
    assert!(!site.messages().is_empty());
    cim.pause(Duration::ZERO);
    site.deliver().expect(0);
    assert_eq!(units(&cim), all(2));
}

#[test]
fn a_dry_run_asks_nobody() {
    let cim = Cim::start(None);
    let world = plain();
    let mut site = world.site();
    configure(&mut site, &cim);
    site.set("messenger_greendigit_cim", "record_types", "cloud");
    let dry = [
        "--dry-run",
        "--extract-from",
        "2026-10-01",
        "--extract-to",
        "2026-10-16",
    ];
    let outcome = site.extract(&dry).expect(0);
    password_is_nowhere(&site, &outcome);
    assert!(
        outcome
            .stdout
            .contains("== messenger `greendigit_cim`, http `service`"),
        "{outcome}"
    );
    assert!(
        outcome
            .stdout
            .contains("/gd-cim-api/v1/token?email=accounting%2Bcloud%40site.example&password=***"),
        "{outcome}"
    );
    assert!(
        outcome
            .stdout
            .contains("/gd-cim-api/v1/submit\n[{\"SiteName\":"),
        "{outcome}"
    );
    assert_eq!(cim.requests(), 0);
}
