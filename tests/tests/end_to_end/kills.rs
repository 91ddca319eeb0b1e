//! The end of a run before its end: SIGKILL at every request, in the middle of a
//! write and of a delivery; SIGTERM; another run that holds the lock. Nothing is
//! lost, nothing that a consumer adds up is counted twice; a delivery may be
//! repeated.
//!
//! What the program asks for is the clock: a stand-in withholds an answer, and while
//! the program waits for it, it is in a known state. Every case goes as cron does: a
//! run to a first hour, which is ended, and a run to a second one, which goes on from
//! the cursors. What both delivered is compared with what two undisturbed runs deliver.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::{Duration, Instant};

use caso_stand_in::{
    Certificate, Cloud, Fault, FloatingIp, Gate, Plan, Project, Rule, Volume, project_id,
};
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::{Outcome, Running, SIGKILL, is_in_mask};
use caso_tests::site::Site;

use crate::clouds::{FROM, Record, TO, in_every_cloud, plain, project};

/// Where the window of the run that is ended ends. Server 3 ends before, so that no
/// later window tells of its end; server 4 changes behind it.
const FIRST_END: &str = "2026-10-11";

const VOLUMES: usize = 4;

/// Two projects with something for each of the default extractors, in pages of six.
fn cloud() -> Cloud {
    let project = |n: usize| Project {
        volumes: (0..VOLUMES).map(|i| Volume::numbered(n, i)).collect(),
        floating_ips: vec![FloatingIp::numbered(n, 0, "203.0.113.7")],
        ..project(n)
    };
    Cloud::start(Plan {
        projects: vec![project(0), project(1)],
        max_limit: 6,
        ..Plan::default()
    })
}

/// A site that extracts one thing after the other, so that the requests of each
/// run are the same in the same order, and begins where the cases do.
fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.unset("DEFAULT", "extractor")
        .set("DEFAULT", "concurrency", "1")
        .set("DEFAULT", "first_extract_from", FROM)
        .set("DEFAULT", "ip_records_for_past_windows", "true");
    site
}

fn start(site: &Site) -> Running {
    site.start("caso-extract", &[], &["--extract-to", FIRST_END])
}

/// Waits for what a run does, which goes on meanwhile.
#[track_caller]
fn until(otherwise: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "{otherwise}");
        std::thread::yield_now();
    }
}

/// The servers of this project are listed when the gate is opened.
fn held_at(cloud: &Cloud, project: usize) -> Gate {
    let gate = Gate::default();
    cloud.inject(
        Rule::on("/servers/detail").of_project(&project_id(project)),
        Fault::Held(gate.clone()),
    );
    gate
}

/// The projects of which there are servers.
fn groups(site: &Site) -> BTreeSet<String> {
    let records = site.cloud_records().into_values();
    records.map(|it| it["LocalGroupId"].clone()).collect()
}

/// What a consumer makes of all messages, in their order.
#[derive(Debug, PartialEq)]
struct Delivered {
    /// By server; the last record counts, as at APEL.
    servers: BTreeMap<String, Record>,
    /// Seconds that each accelerator was there and at work; the last record counts.
    accelerators: BTreeMap<String, String>,
    /// By project; the last record counts.
    addresses: BTreeMap<String, String>,
    /// By volume: from when to when, without a gap. A consumer adds intervals up,
    /// unless they have one id.
    volumes: BTreeMap<String, (String, String)>,
}

impl Delivered {
    #[track_caller]
    fn to(site: &Site) -> Self {
        let last = |kind: &str, key: &str, values: &[&str]| -> BTreeMap<String, String> {
            let messages = site.messages().into_iter();
            messages
                .filter(|message| message.kind() == kind)
                .flat_map(|message| message.json_records())
                .map(|record| {
                    let values: Vec<String> =
                        values.iter().map(|name| record[name].to_string()).collect();
                    (record[key].to_string(), values.join(" "))
                })
                .collect()
        };
        Delivered {
            servers: site.cloud_records(),
            accelerators: last(
                "accelerator",
                "AssociatedRecord",
                &["Count", "AvailableDuration", "ActiveDuration"],
            ),
            addresses: last("ip", "LocalGroup", &["IPVersion", "IPCount"]),
            volumes: intervals(site),
        }
    }
}

/// Fails where intervals of a volume overlap or leave a gap.
#[track_caller]
fn intervals(site: &Site) -> BTreeMap<String, (String, String)> {
    let mut volumes: BTreeMap<String, BTreeSet<(String, String, String)>> = BTreeMap::new();
    for record in site.storage_records() {
        let id = record["recordId"].clone();
        let volume = id.split(':').nth(1).expect("an id of ours").to_owned();
        let interval = (record["StartTime"].clone(), record["EndTime"].clone(), id);
        volumes.entry(volume).or_default().insert(interval);
    }
    volumes
        .into_iter()
        .map(|(volume, intervals)| {
            let mut sorted = intervals.iter();
            let (start, mut end, _) = sorted.next().expect("a volume has an interval").clone();
            for (next, its_end, _) in sorted {
                assert_eq!(*next, end, "gap or overlap of {volume}: {intervals:?}");
                end = its_end.clone();
            }
            (volume, (start, end))
        })
        .collect()
}

/// What two undisturbed runs deliver, and how many requests the first one makes.
fn undisturbed(cloud: &Cloud) -> (Delivered, usize) {
    let site = site(cloud);
    cloud.forget_seen();
    start(&site).finish().expect(0);
    let requests = cloud.seen().len();
    site.extract(&["--extract-to", TO]).expect(0);
    let delivered = Delivered::to(&site);
    assert_eq!(delivered.servers.len(), 20);
    assert_eq!(delivered.volumes.len(), 2 * VOLUMES);
    assert_eq!(delivered.addresses.len(), 2);
    assert_eq!(delivered.accelerators.len(), 4);
    let all = (format!("{FROM}T00:00:00"), format!("{TO}T00:00:00"));
    assert!(delivered.volumes.values().all(|interval| *interval == all));
    (delivered, requests)
}

/// A fresh site's run that stands at its `n`-th request.
fn held(cloud: &Cloud, n: usize) -> (Site, Running, Gate) {
    let site = site(cloud);
    let gate = Gate::default();
    let nth = u32::try_from(n).expect("a few requests");
    cloud.inject(Rule::on("").nth(nth), Fault::Held(gate.clone()));
    let run = start(&site);
    assert!(gate.is_reached(), "no request {n}: {}", run.kill());
    (site, run, gate)
}

/// The next hour's run goes on from the cursors, and all is there.
#[track_caller]
fn the_next_run_makes_it_whole(site: &Site, right: &Delivered, ended: &Outcome) {
    let next = site.extract(&["--extract-to", TO]).expect(0);
    let found = Delivered::to(site);
    assert!(
        found == *right,
        "{found:#?}\nis not\n{right:#?}\n--- the run that was ended: {ended}\n--- the next: {next}"
    );
    for n in 0..2 {
        let cursor = site.cursor(&project_id(n)).expect("a cursor");
        assert_eq!(cursor, format!("{TO} 00:00:00+00:00"));
    }
}

/// Killed while the answer to each single request is withheld: the program has done
/// everything that it does between the request before and this one.
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let cloud = cloud();
    let (right, requests) = undisturbed(&cloud);
    for n in 1..=requests {
        let (site, run, _gate) = held(&cloud, n);
        let ended = run.kill();
        assert_eq!(ended.signal(), Some(SIGKILL), "request {n}: {ended}");
        cloud.heal();
        the_next_run_makes_it_whole(&site, &right, &ended);
    }
}

/// The same where servers, volumes and addresses of both projects are read at the same time. The last
/// requests of such a run need not be the same: a user may be asked for by id or be on the list.
#[test]
fn killed_while_everything_is_read_side_by_side_nothing_is_lost() {
    let cloud = cloud();
    let (right, requests) = undisturbed(&cloud);
    for n in (1..requests - 3).step_by(2) {
        let mut site = site(&cloud);
        site.set("DEFAULT", "concurrency", "4");
        let gate = Gate::default();
        let nth = u32::try_from(n).expect("a few requests");
        cloud.inject(Rule::on("").nth(nth), Fault::Held(gate.clone()));
        let run = start(&site);
        assert!(gate.is_reached(), "no request {n}: {}", run.kill());
        let ended = run.kill();
        assert_eq!(ended.signal(), Some(SIGKILL), "request {n}: {ended}");
        cloud.heal();
        the_next_run_makes_it_whole(&site, &right, &ended);
    }
}

/// Larger than a cursor file, smaller than a segment and a message.
const FILE_LIMIT: u64 = 1_000;

/// Between two requests segments are sealed and cursors moved, and behind the last
/// one everything is delivered. There is no request in between, but there are writes:
/// the first large one after each request fails in its middle, and every one after it. Of an
/// extractor that is the one by which the segment is sealed, before which no cursor may have
/// moved. The limit is met by an error, and not by the signal that ends a process unheard.
#[test]
fn a_write_that_meets_the_limit_of_a_files_size_loses_nothing() {
    let cloud = cloud();
    let (right, requests) = undisturbed(&cloud);
    for n in 1..=requests {
        let (site, run, gate) = held(&cloud, n);
        run.limit_files(FILE_LIMIT);
        gate.open();
        let ended = run.finish();
        assert!(matches!(ended.code(), 1 | 3), "request {n}: {ended}");
        let ended = ended.says("LimitFSIZE=");
        cloud.heal();
        the_next_run_makes_it_whole(&site, &right, &ended);
    }
}

/// A segment that cannot get its name when everything else of its window is done, since
/// something else has it: the window is not taken for extracted.
#[test]
fn a_segment_that_cannot_be_sealed_moves_no_cursor() {
    let world = plain();
    let site = world.site();
    let window = ["--extract-from", FROM, "--extract-to", TO];
    let gate = Gate::default();
    world
        .cloud
        .inject(Rule::on("/servers/detail"), Fault::Held(gate.clone()));
    let run = site.start("caso-extract", &[], &window);
    assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
    let in_the_way: Vec<_> = fs::read_dir(site.spool().join("caso-journal/segments"))
        .expect("the journal is open")
        .map(|entry| entry.expect("a listed file").path().with_extension("seg"))
        .collect();
    assert!(!in_the_way.is_empty(), "no segment was begun");
    for name in &in_the_way {
        fs::create_dir(name).expect("a free name");
    }
    gate.open();
    let outcome = run.finish().expect(1);
    let outcome = outcome.says(&in_the_way[0].display().to_string());
    assert_eq!(site.cursor(&project_id(0)), None, "{outcome}");
    assert!(site.messages().is_empty(), "{outcome}");

    for name in &in_the_way {
        fs::remove_dir(name).expect("an empty folder");
    }
    world.cloud.heal();
    site.extract(&window).expect(0);
    world.check(&site, &[0]);
}

/// Killed while a messenger talks to its consumer: what the consumer has not taken is
/// not acknowledged, and the next delivery begins with it.
#[test]
fn killed_while_a_messenger_delivers_nothing_is_lost() {
    let world = plain();
    let certificate = Certificate::for_loopback();
    let logstash = Logstash::start_tls(certificate.server(None));
    let mut site = world.site();
    let cafile = site.path().join("ca.pem");
    fs::write(&cafile, &certificate.pem).unwrap();
    site.set("DEFAULT", "messengers", "logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &logstash.port().to_string())
        .set("logstash", "tls", "true")
        .set("logstash", "cafile", &cafile.display().to_string());
    let gate = Gate::default();
    logstash.set_mood(Mood::Deaf(gate.clone()));
    let run = site.start(
        "caso-extract",
        &[],
        &["--extract-from", FROM, "--extract-to", TO],
    );
    assert!(gate.is_reached(), "no connection: {}", run.kill());
    let ended = run.kill();
    assert_eq!(ended.signal(), Some(SIGKILL), "{ended}");

    logstash.set_mood(Mood::Normal);
    world.cloud.forget_seen();
    let next = site.deliver().expect(0);
    assert_eq!(world.cloud.seen().len(), 0, "extracted again: {next}");
    let lines = logstash.lines();
    let told: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["VMUUID"].as_str())
        .collect();
    let servers = world.expected(&[0]);
    let right: BTreeSet<&str> = servers.keys().map(String::as_str).collect();
    assert_eq!(told, right, "{next}");
}

/// In the middle of an answer that never comes: nothing was done, and the run says so.
#[test]
fn sigterm_ends_a_run_cleanly() {
    let world = plain();
    let gate = Gate::default();
    world
        .cloud
        .inject(Rule::on("/servers/detail"), Fault::Held(gate.clone()));
    let site = world.site();
    let window = ["--extract-from", FROM, "--extract-to", TO];
    let run = site.start("caso-extract", &[], &window);
    assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
    let outcome = run.terminate().expect(1);
    assert_eq!(outcome.stdout, "", "{outcome}");
    assert_eq!(site.cursor(&project_id(0)), None);
    assert!(site.messages().is_empty());
    world.cloud.heal();
    site.extract(&window).expect(0);
    world.check(&site, &[0]);
}

/// One of two projects is done, and stays so.
#[test]
fn sigterm_costs_no_project_that_is_done() {
    a_signal_costs_no_project_that_is_done("SIGTERM", Running::terminate);
}

/// Its terminal is closed; the ledger has the run, and how it ended. Where these tests were themselves started so
/// that they outlive theirs (`nohup`), the run does, too.
#[test]
fn sighup_costs_no_project_that_is_done() {
    let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
    if is_in_mask(&status, "SigIgn:", 1) {
        let cloud = cloud();
        let site = site(&cloud);
        let gate = held_at(&cloud, 1);
        let run = start(&site);
        assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
        run.send("HUP");
        gate.open();
        run.finish().expect(0);
        return;
    }
    let site = a_signal_costs_no_project_that_is_done("SIGHUP", Running::hang_up);
    let files = fs::read_dir(site.spool().join("caso-runs")).expect("the ledger");
    let texts = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("a text"));
    let ledger: String = texts.collect();
    let codes = ledger.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["exit"].as_i64()
    });
    assert_eq!(codes.collect::<Vec<_>>(), [Some(3), Some(0)]);
}

fn a_signal_costs_no_project_that_is_done(name: &str, end: fn(Running) -> Outcome) -> Site {
    let cloud = cloud();
    let site = site(&cloud);
    let gate = held_at(&cloud, 1);
    let run = start(&site);
    assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
    let said = format!("{name}: ending; what is not done yet waits for the next run");
    end(run).expect(3).says(&said);
    assert!(site.cursor(&project_id(0)).is_some());
    assert_eq!(site.cursor(&project_id(1)), None);
    cloud.heal();
    let (right, _) = undisturbed(&cloud);
    site.extract(&["--extract-to", TO]).expect(0);
    assert_eq!(Delivered::to(&site), right);
    site
}

/// What is on disk for good goes to a queue while the next project is read; to another machine when
/// all is. Whoever is killed then goes on from there.
#[test]
fn one_project_is_delivered_while_the_next_is_read() {
    let cloud = cloud();
    let (right, _) = undisturbed(&cloud);
    for killed in [false, true] {
        let logstash = Logstash::start(Mood::Normal);
        let mut site = site(&cloud);
        site.set("DEFAULT", "deliver_while_extracting", "1")
            .set("DEFAULT", "messengers", "ssm, logstash")
            .set("logstash", "host", "127.0.0.1")
            .set("logstash", "port", &logstash.port().to_string());
        let gate = held_at(&cloud, 1);
        let run = start(&site);
        assert!(gate.is_reached(), "nothing was asked: {}", run.kill());
        until("nothing came", || !site.storage_records().is_empty());
        assert!(logstash.lines().is_empty());
        assert_eq!(groups(&site), BTreeSet::from([project_id(0)]));
        let ended = if killed {
            run.kill()
        } else {
            gate.open();
            run.finish().expect(0)
        };
        cloud.heal();
        the_next_run_makes_it_whole(&site, &right, &ended);
        let told: BTreeSet<String> = logstash
            .lines()
            .iter()
            .filter_map(|line| Some(line["VMUUID"].as_str()?.to_owned()))
            .collect();
        assert_eq!(told.len(), right.servers.len(), "{ended}");
    }
}

/// The last project is done first, then the first one, and the second last: each goes when nothing is
/// to come before it, and once.
#[test]
fn nothing_is_delivered_before_what_comes_before_it() {
    let project = |n: usize| Project {
        volumes: vec![Volume::numbered(n, 0)],
        ..project(n)
    };
    let cloud = Cloud::start(Plan {
        projects: vec![project(0), project(1), project(2)],
        ..Plan::default()
    });
    let mut site = site(&cloud);
    site.set("DEFAULT", "concurrency", "4")
        .set("DEFAULT", "deliver_while_extracting", "1");
    let gates = [0, 1].map(|n| held_at(&cloud, n));
    let run = start(&site);
    let cursors = |n| site.cursors(&project_id(n));
    until("the last project was not done", || !cursors(2).is_empty());
    assert!(site.messages().is_empty());
    gates[0].open();
    until("the first project was not done", || !cursors(0).is_empty());
    until("nothing came", || !site.storage_records().is_empty());
    assert_eq!(groups(&site), BTreeSet::from([project_id(0)]));
    gates[1].open();
    let ended = run.finish().expect(0).never_says("delivered again");
    assert_eq!(groups(&site).len(), 3, "{ended}");
    assert_eq!(site.storage_records().len(), 3, "{ended}");
}

/// The second run waits as long as it is configured to, names the first, and ends
/// with 75.
#[test]
fn two_runs_do_not_meet() {
    in_every_cloud(|world| {
        let gate = Gate::default();
        world
            .cloud
            .inject(Rule::on("/compute"), Fault::Held(gate.clone()));
        let mut site = world.site();
        site.set("DEFAULT", "lock_timeout", "1");
        let window = ["--extract-from", FROM, "--extract-to", TO];
        let first = site.start("caso-extract", &[], &window);
        assert!(gate.is_reached(), "nothing was asked: {}", first.kill());
        site.extract(&window)
            .expect(75)
            .says(&first.id().to_string());
        first.kill();
    });
}
