//! Energy: a Nova that knows the servers, a Prometheus that knows their power,
//! and a Logstash that takes the records.

use std::collections::BTreeMap;
use std::fs;
use std::time::UNIX_EPOCH;

use caso_stand_in::{epoch, project_id, server_id};
use caso_tests::logstash::{Logstash, Mood as LogstashMood};
use caso_tests::outcome::Outcome;
use caso_tests::prometheus::{Mood, Prometheus};
use caso_tests::site::Site;
use serde_json::Value;

use crate::clouds::{World, plain, restless};

/// A day in which server 3 is deleted, at noon or so.
const FROM: &str = "2026-10-10";
const TO: &str = "2026-10-11";
/// Watts of every server but for those below.
const WATTS: f64 = 36.0;

struct Scene {
    /// It answers as long as it is there.
    _world: World,
    prometheus: Prometheus,
    logstash: Logstash,
    site: Site,
}

/// Servers of every project draw 36 W; server 1 is scraped twice, server 2 not
/// at all, server 4 draws nothing.
fn scene(world: World) -> Scene {
    let prometheus = Prometheus::start();
    let (from, to) = (epoch("2026-10-09 12:00:00"), epoch("2026-10-11 12:00:00"));
    for project in 0..world.plan.projects.len() {
        for server in 0..10 {
            let id = server_id(project, server);
            match server {
                1 => {
                    prometheus.add(&id, &[("replica", "a")], from, to, WATTS);
                    prometheus.add(&id, &[("replica", "b")], from + 7, to, WATTS);
                }
                2 => {}
                4 => prometheus.add(&id, &[], from, to, 0.0),
                _ => prometheus.add(&id, &[], from, to, WATTS),
            }
        }
    }
    let logstash = Logstash::start(LogstashMood::Normal);
    let mut site = world.site();
    site.set("DEFAULT", "extractor", "prometheus")
        .set("DEFAULT", "messengers", "logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &logstash.port().to_string())
        .set("prometheus", "prometheus_endpoint", &prometheus.url());
    Scene {
        _world: world,
        prometheus,
        logstash,
        site,
    }
}

impl Scene {
    fn extract(&self) -> Outcome {
        self.site
            .extract(&["--extract-from", FROM, "--extract-to", TO])
    }

    /// A run of cron's, as of a moment.
    fn extract_to(&self, to: &str) -> Outcome {
        self.site.extract(&["--extract-to", to])
    }

    fn energies(&self) -> Vec<Value> {
        let lines = self.logstash.lines();
        let energy = |line: &Value| line.get("EnergyWh").is_some();
        lines.into_iter().filter(energy).collect()
    }

    /// Watt hours of each server, all records together.
    fn watt_hours(&self) -> BTreeMap<String, f64> {
        let mut found = BTreeMap::new();
        for record in self.energies() {
            let id = record["ExecUnitID"].as_str().expect("an id").to_owned();
            let energy = record["EnergyWh"].as_f64().expect("a number");
            *found.entry(id).or_insert(0.0) += energy;
        }
        found
    }
}

#[track_caller]
fn near(found: f64, right: f64) {
    assert!((found - right).abs() < 1e-6 * right, "{found}, not {right}");
}

/// A sample that is on its way when a run comes is the next one's.
#[test]
fn energy_is_extracted_up_to_a_while_before_now() {
    for (delay, seconds) in [(None, 300), (Some("0"), 0), (Some("3600"), 3_600)] {
        let mut scene = scene(plain());
        scene.site.set("DEFAULT", "first_extract_from", FROM);
        if let Some(delay) = delay {
            scene
                .site
                .set("prometheus", "prometheus_delay_seconds", delay);
        }
        let now = || i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let before = now();
        scene.site.extract(&[]).expect(0);
        let cursors = scene.site.cursors(&project_id(0));
        let at = cursors["default/-/prometheus"].expect("a cursor");
        assert!((before - seconds..=now() - seconds).contains(&at), "{at}");
    }
}

#[test]
fn a_day_of_every_server() {
    let scene = scene(plain());
    scene.extract().expect(0);
    let found = scene.watt_hours();
    let ids: Vec<&String> = found.keys().collect();
    let right: Vec<String> = [0, 1, 3, 5, 6, 7, 8, 9].map(|n| server_id(0, n)).into();
    assert_eq!(ids, right.iter().collect::<Vec<_>>());
    for (id, energy) in &found {
        if *id != server_id(0, 3) {
            near(*energy, WATTS * 24.0);
        }
    }
    // Deleted at 12:34:56: the last sample before is that of 12:34:30.
    let (end, last) = ("2026-10-10T12:34:56Z", "2026-10-10 12:34:30");
    let seconds = epoch(last) - epoch("2026-10-10");
    near(found[&server_id(0, 3)], WATTS * seconds as f64 / 3600.0);
    let records = scene.energies();
    let of = |n: usize| {
        let id = server_id(0, n);
        records
            .iter()
            .find(|record| record["ExecUnitID"] == *id)
            .expect("a record")
    };
    let deleted = of(3);
    assert_eq!(deleted["EndExecTime"], end);
    assert_eq!(deleted["Status"], "deleted");
    assert_eq!(deleted["ExecUnitFinished"], 1);
    assert_eq!(
        deleted["WallClockTime_s"],
        epoch("2026-10-10 12:34:56") - epoch(FROM)
    );
    let running = of(0);
    assert_eq!(running["StartExecTime"], "2026-10-10T00:00:00Z");
    assert_eq!(running["Status"], "active");
    assert_eq!(running["Owner"], "vo-0.example.org");
    assert_eq!(running["CPUNormalizationFactor"], 1.0);
    // All servers of Nova's page in one query, and the one that changed in
    // another.
    assert!(scene.prometheus.queries().len() <= 3);
}

/// cASO asked for naive times: another window in another zone.
#[test]
fn the_time_zone_moves_no_window() {
    let mut scene = scene(plain());
    scene.site.variable("TZ", "America/St_Johns");
    scene.extract().expect(0);
    near(scene.watt_hours()[&server_id(0, 0)], WATTS * 24.0);
}

/// Runs of cron's, one after the other: no second is counted twice, though the
/// windows of other extractors overlap, and none is left out.
#[test]
fn windows_follow_each_other() {
    let mut scene = scene(plain());
    scene.site.set("DEFAULT", "first_extract_from", FROM);
    for to in ["2026-10-10T00:00:40", "2026-10-10T10:00:00", TO] {
        scene.extract_to(to).expect(0);
    }
    for (id, energy) in scene.watt_hours() {
        if id != server_id(0, 3) {
            near(energy, WATTS * 24.0);
        }
    }
    let mut starts: Vec<String> = scene
        .energies()
        .iter()
        .filter(|record| record["ExecUnitID"] == server_id(0, 0))
        .map(|record| record["StartExecTime"].to_string())
        .collect();
    starts.sort();
    assert_eq!(
        starts,
        [
            "\"2026-10-10T00:00:00Z\"",
            "\"2026-10-10T00:00:40Z\"",
            "\"2026-10-10T10:00:00Z\""
        ]
    );
}

/// One line, whatever the number of projects; Nova's records go out, and the
/// energy comes with the next run.
#[test]
fn an_outage_of_prometheus_is_its_own() {
    let mut scene = scene(restless());
    scene
        .site
        .set("DEFAULT", "extractor", "nova,prometheus")
        .set("DEFAULT", "first_extract_from", FROM);
    scene.prometheus.set_mood(Mood::Status(500));
    let outcome = scene.extract_to(TO).expect(3);
    let lines = outcome.stderr.lines();
    let lines: Vec<&str> = lines.filter(|line| line.contains("Prometheus")).collect();
    assert_eq!(lines.len(), 1, "{outcome}");
    assert!(lines[0].contains("2 projects"), "{outcome}");
    let cloud_records = scene.logstash.lines().len();
    assert!(cloud_records >= 18, "{cloud_records}");
    assert!(scene.energies().is_empty());

    scene.prometheus.set_mood(Mood::Normal);
    scene.extract_to(TO).expect(0);
    near(scene.watt_hours()[&server_id(0, 0)], WATTS * 24.0);
    near(scene.watt_hours()[&server_id(1, 0)], WATTS * 24.0);
}

/// A server that Prometheus cannot give is named; its project waits as a whole,
/// and the other one does not.
#[test]
fn a_query_that_fails_is_asked_again_by_the_next_run() {
    let mut scene = scene(restless());
    scene.site.set("DEFAULT", "first_extract_from", FROM);
    let cursed = server_id(1, 5);
    scene.prometheus.set_mood(Mood::NotOf(cursed));
    scene
        .extract_to(TO)
        .expect(3)
        .says(&project_id(1))
        .says("this server is cursed")
        .says("power of server");
    let found = scene.watt_hours();
    assert!(found.contains_key(&server_id(0, 0)));
    assert!(!found.contains_key(&server_id(1, 0)), "{found:?}");
    assert_eq!(scene.site.cursor(&project_id(1)), None);

    scene.prometheus.set_mood(Mood::Normal);
    scene.extract_to(TO).expect(0);
    let found = scene.watt_hours();
    near(found[&server_id(1, 5)], WATTS * 24.0);
    near(found[&server_id(0, 0)], WATTS * 24.0);
}

/// caso:hunter2pass, as HTTP has it.
const BASIC: &str = "Basic Y2FzbzpodW50ZXIycGFzcw==";

#[test]
fn a_password_opens_and_is_told_to_nobody() {
    let mut scene = scene(plain());
    scene.prometheus.only_for(BASIC);
    scene
        .extract()
        .expect(1)
        .says("`prometheus_username`")
        .says("401");
    let address = scene.prometheus.url();
    let in_address = address.replace("://", "://caso:hunter2pass@");
    let file = scene.site.path().join("password").display().to_string();
    fs::write(&file, "hunter2pass\n").expect("the site's folder is writable");
    for (endpoint, option, value) in [
        (&in_address, "prometheus_cafile", ""),
        (&address, "prometheus_password", "hunter2pass"),
        (&address, "prometheus_password_file", file.as_str()),
    ] {
        let site = &mut scene.site;
        site.unset("prometheus", "prometheus_password")
            .set("prometheus", "prometheus_endpoint", endpoint)
            .set("prometheus", option, value);
        if option.starts_with("prometheus_password") {
            site.set("prometheus", "prometheus_username", "caso");
        }
        let window = ["--debug", "--extract-from", FROM, "--extract-to", TO];
        scene
            .site
            .extract(&window)
            .expect(0)
            .never_says("hunter2pass")
            .never_says("Y2Fzbzpo");
    }
    assert_eq!(scene.energies().len(), 3 * 8);
}

/// Without a network: what Prometheus said, and no name and no password of it.
#[test]
fn a_recording_holds_what_prometheus_said() {
    let mut scene = scene(plain());
    scene.prometheus.only_for(BASIC);
    let address = scene.prometheus.url();
    let address = address.replace("://", "://caso:hunter2pass@");
    scene
        .site
        .set("prometheus", "prometheus_endpoint", &address);
    let window = ["--extract-from", FROM, "--extract-to", TO];
    let record = [&["--record", "tape"], &window[..]].concat();
    scene.site.extract(&record).expect(0);
    let tape = scene.site.path().join("tape/recording.jsonl");
    let tape = fs::read_to_string(tape).expect("a recording");
    assert!(tape.contains("/api/v1/query"));
    for hidden in ["hunter2pass", "Y2Fzbzpo", "compute-7"] {
        assert!(!tape.contains(hidden), "`{hidden}` is in the recording");
    }
    scene.prometheus.set_mood(Mood::Status(500));
    scene
        .site
        .extract(&["--replay", "tape", "--into", "again"])
        .expect(0);
    let again = fs::read_to_string(scene.site.path().join("again/logstash/server"));
    let mut again: Vec<Value> = again
        .expect("what would have been sent")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut first = scene.energies();
    let id = |record: &Value| record["ExecUnitID"].to_string();
    again.sort_by_key(id);
    first.sort_by_key(id);
    assert_eq!(again, first);
    assert_eq!(first.len(), 8);
}

/// Neither a page of the catalog's nor a name of the metric's is right: said
/// before anybody wonders where the energy is.
#[test]
fn wrong_names_are_told() {
    let mut scene = scene(plain());
    scene
        .site
        .set("prometheus", "labels", "type_instance:watts");
    scene
        .extract()
        .expect(0)
        .says("`vm_uuid_label_name`")
        .says("type_instance=\"watts\"");
    scene.site.set("prometheus", "labels", "watts");
    scene
        .extract()
        .expect(2)
        .says("`[prometheus] labels` is `watts`");
}
