//! CPU time and network traffic, by Gnocchi and by Ceilometer's own API.

use caso_stand_in::{
    Cloud, Counter, Fault, Plan, Policy, Project, Rule, Server, Servers, Telemetry, epoch,
    project_id, server_id,
};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO};

const GIB: f64 = (1u64 << 30) as f64;

/// An hour each: a reset must not hide between two values of one hour.
fn hourly(values: &[f64]) -> Vec<(i64, f64)> {
    let first = epoch("2026-10-08");
    let at = |n: usize| first + 3600 * n as i64 + 137;
    values
        .iter()
        .enumerate()
        .map(|(n, value)| (at(n), *value))
        .collect()
}

/// Of three servers, the first with a reset and two interfaces (one of which
/// is long gone), the second with CPU time only, the third with nothing.
fn counters() -> Vec<Counter> {
    let of = |server: usize, interface: Option<u32>, meter, values: &[f64]| Counter {
        project: project_id(0),
        server: server_id(0, server),
        interface: interface.map(|n| format!("{n:08}-0000-4000-8000-000000000000")),
        by_port: false,
        meter,
        policy: Policy::LOW_RATE,
        samples: hourly(values),
    };
    let (incoming, outgoing) = ("network.incoming.bytes", "network.outgoing.bytes");
    vec![
        of(0, None, "cpu", &[1000e9, 5000e9, 200e9, 800e9]),
        of(0, Some(1), incoming, &[1.5 * GIB, 2.5 * GIB, 3.5 * GIB]),
        of(0, Some(1), outgoing, &[0.5 * GIB, 0.9 * GIB, 0.25 * GIB]),
        of(0, Some(2), incoming, &[4.5 * GIB]),
        of(0, Some(2), outgoing, &[0.0]),
        of(1, None, "cpu", &[42.9e9]),
    ]
}

fn cloud(gnocchi: bool, ceilometer: bool) -> Cloud {
    let servers = (0..3).map(|n| Server::numbered(0, n)).collect();
    Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        telemetry: Telemetry {
            gnocchi,
            ceilometer,
            counters: counters(),
            ..Telemetry::default()
        },
        ..Plan::default()
    })
}

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "ceilometer");
    site
}

fn extract(site: &Site) -> caso_tests::outcome::Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

/// CpuDuration, NetworkInbound, NetworkOutbound of a server's record.
fn told(site: &Site, server: usize) -> [Option<String>; 3] {
    let records = site.cloud_records();
    let record = &records[&server_id(0, server)];
    ["CpuDuration", "NetworkInbound", "NetworkOutbound"].map(|field| record.get(field).cloned())
}

fn some(values: [&str; 3]) -> [Option<String>; 3] {
    values.map(|value| Some(value.to_owned()))
}

#[test]
fn records_have_the_use_since_the_start_from_either_back_end() {
    for (gnocchi, ceilometer) in [(true, false), (false, true), (true, true)] {
        let cloud = cloud(gnocchi, ceilometer);
        let site = site(&cloud);
        extract(&site).expect(0);
        // 5000 before the reset and 800 since; 3.5 + 4.5 GiB; 0.9 + 0.25 + 0.
        assert_eq!(told(&site, 0), some(["5800", "8", "1"]));
        assert_eq!(told(&site, 1), [Some("42".into()), None, None]);
        // Nothing was measured: what Nova's record has, and no traffic.
        let [cpu, incoming, outgoing] = told(&site, 2);
        let vcpus = 4;
        let wall = epoch(TO) - epoch("2026-10-01") - 120;
        assert_eq!(cpu, Some((wall * vcpus).to_string()));
        assert_eq!((incoming, outgoing), (None, None));
        // Gnocchi where there are both, and few requests of either.
        assert_eq!(cloud.count("/metric/") > 0, gnocchi);
        assert_eq!(cloud.count("/metering/") > 0, !gnocchi);
        assert!(cloud.count("/metric/") + cloud.count("/metering/") <= 8);
    }
}

#[test]
fn the_largest_reading_for_who_wants_casos_numbers() {
    let cloud = cloud(true, true);
    for source in ["gnocchi", "ceilometer"] {
        let mut site = site(&cloud);
        site.set("ceilometer", "source", source)
            .set("ceilometer", "reading", "largest");
        extract(&site).expect(0);
        assert_eq!(told(&site, 0), some(["5000", "4", "0"]), "{source}");
    }
}

#[test]
fn with_nova_beside_it_there_is_one_record_of_a_server() {
    let cloud = cloud(true, false);
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "nova, ceilometer");
    let outcome = extract(&site).expect(0);
    outcome.says("`nova` does not run");
    let records: usize = site
        .messages()
        .iter()
        .map(|m| m.cloud_records().len())
        .sum();
    assert_eq!(records, 3);
    assert_eq!(told(&site, 0)[0].as_deref(), Some("5800"));
}

#[test]
fn a_back_end_that_is_away_keeps_the_window_for_the_next_run() {
    let cloud = cloud(true, false);
    cloud.inject(Rule::on("/metric/v1/aggregates"), Fault::Status(503));
    let site = site(&cloud);
    let outcome = site.extract(&["--extract-to", TO]).expect(1);
    outcome.says("Gnocchi answered with status 503");
    assert!(site.messages().is_empty());
    assert_eq!(site.cursor(&project_id(0)), None);
    cloud.heal();
    site.extract(&["--extract-to", TO]).expect(0);
    assert_eq!(site.cloud_records().len(), 3);
    assert_eq!(told(&site, 0), some(["5800", "8", "1"]));
}

/// Before its first sample a server has its CPUs for what it used, and the counter is less.
#[test]
fn cpu_time_does_not_fall_with_the_first_sample() {
    for gnocchi in [true, false] {
        let cloud = cloud(gnocchi, !gnocchi);
        cloud.change(|plan| plan.telemetry.counters.clear());
        let site = site(&cloud);
        site.extract(&["--extract-to", "2026-10-02"]).expect(0);
        let before = told(&site, 1)[0].clone();
        // 2 CPUs.
        let estimated = 2 * (epoch("2026-10-02") - epoch("2026-10-01 00:01:00"));
        assert_eq!(before, Some(estimated.to_string()));
        cloud.change(|plan| plan.telemetry.counters = counters());
        site.extract(&["--extract-to", "2026-10-09"]).expect(0);
        assert_eq!(told(&site, 1)[0], before);
        let more = 2e9 * estimated as f64;
        cloud.change(|plan| {
            let mut counters = plan.telemetry.counters.iter_mut();
            let counter = counters.find(|one| one.server == server_id(0, 1)).unwrap();
            counter.samples.push((epoch("2026-10-09 12:00:00"), more));
        });
        site.extract(&["--extract-to", "2026-10-10"]).expect(0);
        assert_eq!(told(&site, 1)[0], Some((2 * estimated).to_string()));
    }
}

/// Gnocchi removes the resource of a server that is deleted, a day later or at once.
#[test]
fn cpu_time_does_not_jump_with_a_resource_that_is_gone() {
    for gnocchi in [true, false] {
        let cloud = cloud(gnocchi, !gnocchi);
        let site = site(&cloud);
        site.extract(&["--extract-to", "2026-10-10"]).expect(0);
        assert_eq!(told(&site, 0), some(["5800", "8", "1"]));
        cloud.change(|plan| {
            plan.telemetry.counters.clear();
            match &mut plan.projects[0].servers {
                Servers::Listed(servers) => servers[0].delete(epoch("2026-10-10 06:00:00")),
                other => panic!("{other:?}"),
            }
        });
        site.extract(&["--extract-to", "2026-10-12"]).expect(0);
        let record = &site.cloud_records()[&server_id(0, 0)];
        assert_eq!(record["Status"], "completed");
        assert_eq!(told(&site, 0), some(["5800", "8", "1"]));
    }
}

#[test]
fn a_catalog_without_either_says_what_to_do() {
    let cloud = cloud(false, false);
    let outcome = extract(&site(&cloud)).expect(1);
    outcome.says("neither Gnocchi (type `metric`) nor Ceilometer's own API (type `metering`)");
}

#[test]
fn who_comes_from_nova_goes_on_where_nova_stopped() {
    let cloud = cloud(true, false);
    let mut site = Site::at(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    cloud.forget_seen();
    site.set("DEFAULT", "extractor", "ceilometer");
    site.extract(&["--extract-to", TO]).expect(0);
    let starts: Vec<String> = cloud
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("os-simple-tenant-usage"))
        .filter_map(|seen| seen.param("start").map(str::to_owned))
        .collect();
    // A minute of overlap, as always.
    assert_eq!(starts, ["2026-10-09T23:59:00"]);
    let cursor = site.cursor(&project_id(0)).expect("a lastrun file");
    assert!(cursor.starts_with("2026-10-16 00:00:00"), "{cursor}");
}

/// Two questions to one address differ in what they carry.
#[test]
fn a_recording_tells_one_question_from_another() {
    let cloud = cloud(true, false);
    let site = site(&cloud);
    let (recording, into) = (site.path().join("recording"), site.path().join("replayed"));
    let (recording, into) = (
        recording.to_str().expect("UTF-8"),
        into.to_str().expect("UTF-8"),
    );
    let window = ["--extract-from", FROM, "--extract-to", TO];
    site.extract(&[&window[..], &["--record", recording]].concat())
        .expect(0);
    let recorded = site.cloud_records();
    drop(cloud);
    site.extract(&["--replay", recording, "--into", into])
        .expect(0);
    let replayed = crate::golden::spools_below(std::path::Path::new(into));
    let replayed: Vec<_> = replayed
        .iter()
        .flat_map(|message| message.cloud_records())
        .collect();
    assert_eq!(replayed.len(), recorded.len());
    for record in replayed {
        let before = &recorded[&record["VMUUID"]];
        assert_eq!(record.get("CpuDuration"), before.get("CpuDuration"));
        assert_eq!(record.get("NetworkInbound"), before.get("NetworkInbound"));
    }
}
