//! `auditor` of components/examples: records to a stand-in AUDITOR, by the built program. What
//! a real one does with them is tried by `tests/consumers/auditor`.

use std::fs;
use std::path::Path;

use caso_model::record::{AccountingRecord, CloudRecord};
use caso_stand_in::Certificate;
use caso_tests::auditor::Auditor;
use caso_tests::build;
use caso_tests::rest::{Fault, Rest, Said};
use caso_tests::site::Site;
use serde_json::Value;

use crate::clouds::{FROM, TO, plain};
use crate::every_type::{self, facts, of_vms};

const NAME: &str = "auditor";
const SECTION: &str = "messenger_auditor";

/// A site whose records wait for it.
fn site(auditor: &Rest<Auditor>, records: &[AccountingRecord]) -> Site {
    let mut site = every_type::site(NAME, records);
    configure(&mut site, auditor);
    site
}

fn configure(site: &mut Site, auditor: &Rest<Auditor>) {
    let file = build::guests().join("caso_auditor.wasm");
    site.set("DEFAULT", "messengers", NAME)
        .set(SECTION, "component", &file.display().to_string())
        .set(SECTION, "grants", &grant(auditor, ""))
        .set(NAME, "url", &auditor.url());
}

fn grant(auditor: &Rest<Auditor>, terms: &str) -> String {
    format!("http:{}{terms}", auditor.url())
}

fn sample() -> CloudRecord {
    let cloud = |record| match record {
        AccountingRecord::Cloud(record) => record,
        other => panic!("{other:?}"),
    };
    let mut all = facts(Some("cloud")).into_iter().map(cloud);
    all.find(|record| record.end.is_some()).unwrap()
}

/// So many VMs, all of which have ended.
fn ended(count: usize) -> Vec<AccountingRecord> {
    of_vms(&sample(), count)
}

/// The same VMs, which still run, a month before.
fn running(count: usize) -> Vec<AccountingRecord> {
    let mut records = ended(count);
    for record in &mut records {
        if let AccountingRecord::Cloud(record) = record {
            record.end = None;
            record.status = "started".into();
            record.head.id += "-before";
            record.head.supersedes = record.head.id.clone();
        }
    }
    records
}

fn stored(auditor: &Rest<Auditor>) -> usize {
    auditor.with(|auditor| auditor.records.len())
}

fn lines(auditor: &Rest<Auditor>) -> Vec<String> {
    auditor.asked().into_iter().map(|it| it.line).collect()
}

/// All records of the requests that added some, in order.
fn added(auditor: &Rest<Auditor>) -> Vec<String> {
    let posts = auditor.asked().into_iter();
    let posts = posts.filter(|it| it.line.starts_with("POST"));
    let records = posts.flat_map(|it| match serde_json::from_str(&it.body).unwrap() {
        Value::Array(records) => records,
        record => vec![record],
    });
    records
        .map(|it| it["record_id"].as_str().unwrap().to_owned())
        .collect()
}

/// To the byte, with what the record says of the VM and nothing else.
#[test]
fn a_vm_that_has_ended_is_sent_once_and_as_auditor_has_it() {
    let auditor = Auditor::start();
    let site = site(&auditor, &facts(Some("cloud")));
    site.deliver().expect(0);
    let asked = auditor.asked();
    let [request] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(request.line, "POST /records");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(
        request.body,
        "[{\"components\":[\
         {\"amount\":4,\"name\":\"Cores\",\"scores\":[{\"name\":\"hepspec06\",\"value\":15.73}]},\
         {\"amount\":4096,\"name\":\"Memory\",\"scores\":[]},\
         {\"amount\":20,\"name\":\"Disk\",\"scores\":[]},\
         {\"amount\":1,\"name\":\"PublicIPs\",\"scores\":[]},\
         {\"amount\":3600,\"name\":\"WallTime\",\"scores\":[]},\
         {\"amount\":14400,\"name\":\"TotalCPU\",\"scores\":[]}],\
         \"meta\":{\"cloud\":[\"default\"],\
         \"group_id\":[\"3174786e9d0146608dfdbebc1b4a983e\"],\
         \"image_id\":[\"https://appdb.egi.eu/store/vo/image/x\"],\
         \"service\":[\"TEST-SITE-CLOUD\"],\"site_id\":[\"TEST-SITE\"],\
         \"user_id\":[\"27a54f682e7c4c9d85abc5e74806cfb8\"],\
         \"voms\":[\"/vo.example.org/ops/Role=NULL\"]},\
         \"record_id\":\"caso-0dbd3878-23dd-5433-9a53-deb939d33166\",\
         \"start_time\":\"2026-10-01T00:00:00Z\",\"stop_time\":\"2026-10-01T01:00:00Z\"},\
         {\"components\":[\
         {\"amount\":1,\"name\":\"Cores\",\"scores\":[]},\
         {\"amount\":512,\"name\":\"Memory\",\"scores\":[]},\
         {\"amount\":0,\"name\":\"Disk\",\"scores\":[]},\
         {\"amount\":0,\"name\":\"PublicIPs\",\"scores\":[]},\
         {\"amount\":1,\"name\":\"WallTime\",\"scores\":[]},\
         {\"amount\":1,\"name\":\"TotalCPU\",\"scores\":[]}],\
         \"meta\":{\"cloud\":[\"default\"],\
         \"group_id\":[\"3174786e9d0146608dfdbebc1b4a983e\"],\
         \"service\":[\"TEST-SITE-CLOUD\"],\"site_id\":[\"TEST-SITE\"],\
         \"user_id\":[\"27a54f682e7c4c9d85abc5e74806cfb8\"],\
         \"voms\":[\"vo.example.org\"]},\
         \"record_id\":\"caso-6ca2c7ca-d8c8-55fb-b2a7-427e00e0bffe\",\
         \"start_time\":\"2026-10-01T00:00:00Z\",\"stop_time\":\"2026-10-01T00:00:00Z\"}]"
    );
    // Once is enough.
    site.deliver().expect(0);
    assert_eq!(auditor.asked().len(), 1);
}

#[test]
fn volumes_and_energy_are_sent_and_what_is_of_a_moment_is_not_given() {
    for (kind, component, count) in [
        ("storage", "Capacity", 2),
        ("energy", "Energy", 2),
        ("ip", "", 0),
        ("accelerator", "", 0),
    ] {
        let auditor = Auditor::start();
        let site = site(&auditor, &facts(Some(kind)));
        site.deliver().expect(0).never_says("quarantine");
        let records = auditor.with(|auditor| auditor.records.clone());
        assert_eq!(records.len(), count, "{kind}");
        for record in records.values() {
            assert_eq!(record["components"][0]["name"], component);
            assert!(record["start_time"].as_str() < record["stop_time"].as_str());
        }
    }
}

/// In requests that AUDITOR takes.
#[test]
fn many_records_go_together_in_their_order() {
    let auditor = Auditor::start();
    let site = site(&auditor, &ended(1_201));
    site.deliver().expect(0);
    let expected: Vec<String> = (0..1_201)
        .map(|number| format!("caso-00000000-0000-4000-8000-{number:012}"))
        .collect();
    assert_eq!(added(&auditor), expected);
    assert!(auditor.asked().len() <= 5, "{:?}", lines(&auditor));
    // Where a request would be larger than AUDITOR takes it has fewer records.
    let auditor = Auditor::start();
    let mut site = self::site(&auditor, &ended(3_000));
    site.set(NAME, "max_size", "3000");
    site.deliver().expect(0).never_says("quarantine");
    assert_eq!(stored(&auditor), 3_000);
    assert!(auditor.asked().iter().all(|it| it.body.len() <= 2 << 20));
    // A proxy before it may take less.
    let auditor = Auditor::start();
    let site = self::site(&auditor, &ended(4));
    auditor.befalls(Fault::Says(Said::page(413)));
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 4);
}

/// A bulk with one record that AUDITOR has is not stored, and with
/// `ignore_record_exists_error` it is answered with 200 all the same.
#[test]
fn what_auditor_has_is_taken_and_costs_no_other_record() {
    for ignores in [false, true] {
        let auditor = Auditor::start();
        auditor.with(|it| it.ignores = ignores);
        site(&auditor, &ended(12)[5..7]).deliver().expect(0);
        assert_eq!(stored(&auditor), 2);
        site(&auditor, &ended(12))
            .deliver()
            .expect(0)
            .never_says("quarantine");
        assert_eq!(stored(&auditor), 12);
        // All of them once more, as after a spool that was lost.
        let before = auditor.with(|it| it.records.clone());
        site(&auditor, &ended(12)).deliver().expect(0);
        assert_eq!(auditor.with(|it| it.records.clone()), before);
    }
    // As HTTP has a word for it.
    let auditor = Auditor::start();
    site(&auditor, &ended(1)).deliver().expect(0);
    auditor.befalls(Fault::Says(Said::new(409, "", "")));
    site(&auditor, &ended(1)).deliver().expect(0);
    assert_eq!(lines(&auditor)[1..], ["POST /record", "PUT /record"]);
}

#[test]
fn an_answer_that_gets_lost_counts_nothing_twice() {
    let auditor = Auditor::start();
    let site = site(&auditor, &ended(20));
    auditor.befalls(Fault::CutAfter);
    site.deliver().expect(1).says("`http://localhost:");
    assert_eq!(stored(&auditor), 20);
    let before = auditor.with(|it| it.records.clone());
    site.deliver().expect(0).never_says("quarantine");
    assert_eq!(auditor.with(|it| it.records.clone()), before);
    site.deliver().expect(0).never_says("delivered");
}

#[test]
fn a_vm_that_runs_may_be_opened_and_is_closed_by_its_end() {
    let auditor = Auditor::start();
    let mut site = site(&auditor, &running(3));
    site.set(NAME, "running", "open");
    site.deliver().expect(0);
    let open = auditor.with(|it| it.records.clone());
    assert_eq!(open.len(), 3);
    for record in open.values() {
        assert_eq!(record.get("stop_time"), None);
        assert!(!record.to_string().contains("TotalCPU"));
    }
    // Still running, in a later window: nothing changes.
    let mut later = self::site(&auditor, &running(3));
    later.set(NAME, "running", "open");
    later.deliver().expect(0);
    assert_eq!(auditor.with(|it| it.records.clone()), open);
    // Ended; and whoever goes back to `skip` closes what is open as well.
    for setting in ["open", "skip"] {
        let mut last = self::site(&auditor, &ended(3));
        last.set(NAME, "running", setting);
        last.deliver().expect(0);
        let closed = auditor.with(|it| it.records.clone());
        assert_eq!(closed.len(), 3);
        for record in closed.values() {
            assert_eq!(record["stop_time"], "2026-10-01T01:00:00Z");
        }
    }
    // By default nothing is sent of it.
    let auditor = Auditor::start();
    let site = self::site(&auditor, &running(3));
    site.deliver().expect(0).never_says("quarantine");
    assert_eq!(lines(&auditor), [""; 0]);
}

#[test]
fn a_record_that_is_not_taken_is_set_aside_with_the_reason() {
    // By AUDITOR, in its words.
    let auditor = Auditor::start();
    auditor.with(|it| it.bad = Some("8000-000000000003".into()));
    let site = site(&auditor, &ended(9));
    site.deliver()
        .expect(3)
        .says_each(&["1 record is in quarantine", "Json deserialize error"]);
    assert_eq!(stored(&auditor), 8);
    // By us, for what it could not store.
    let auditor = Auditor::start();
    let mut records = ended(9);
    if let Some(AccountingRecord::Cloud(record)) = records.get_mut(3) {
        record.cpu_count = Some(0.5);
    }
    let site = self::site(&auditor, &records);
    site.deliver()
        .expect(3)
        .says_each(&["1 record is in quarantine", "0.5 CPUs"]);
    assert_eq!(stored(&auditor), 8);
    // None of them: it is another version, and all wait.
    let auditor = Auditor::start();
    auditor.with(|it| it.bad = Some("caso-".into()));
    let site = self::site(&auditor, &ended(9));
    site.deliver()
        .expect(1)
        .says("none of 5 records was taken")
        .never_says("quarantine");
    auditor.with(|it| it.bad = None);
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 9);
}

#[test]
fn what_passes_costs_nothing() {
    let html = |status| Fault::Says(Said::page(status));
    let busy = || Fault::Busy(Said::page(503), 2_000);
    for fault in [
        html(408),
        html(429),
        html(500),
        html(502),
        html(503),
        html(504),
        busy(),
        // Another service in its place.
        html(200),
        Fault::Says(Said::new(200, "application/json", "{\"ok\":true}")),
        Fault::Cut,
    ] {
        let auditor = Auditor::start();
        let site = site(&auditor, &ended(3));
        auditor.befalls(fault.clone());
        site.deliver()
            .expect(1)
            .says("`http://localhost:")
            .never_says("quarantine");
        assert_eq!(stored(&auditor), 0, "{fault:?}");
        site.deliver().expect(0);
        assert_eq!(stored(&auditor), 3, "{fault:?}");
    }
    // The database is away: AUDITOR says so of itself.
    let auditor = Auditor::start();
    auditor.with(|it| it.lost = true);
    let site = site(&auditor, &ended(3));
    site.deliver()
        .expect(1)
        .says("it has lost its database")
        .never_says("quarantine");
    assert_eq!(lines(&auditor), ["POST /records", "GET /health_check"]);
    auditor.with(|it| it.lost = false);
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 3);
}

#[test]
fn a_service_that_says_when_is_asked_then() {
    let auditor = Auditor::start();
    let site = site(&auditor, &ended(3));
    auditor.befalls(Fault::Busy(Said::page(429), 1));
    site.deliver().expect(0);
    assert_eq!(lines(&auditor), ["POST /records"; 2]);
    assert_eq!(stored(&auditor), 3);
}

#[test]
fn what_the_site_has_to_mend_is_said() {
    let auditor = Auditor::start();
    auditor.with(|it| it.stranger = true);
    let mut site = site(&auditor, &ended(3));
    site.set(NAME, "token", "s3cret-of-a-proxy");
    let refused = Said::new(401, "", "s3cret-of-a-proxy is no token");
    auditor.befalls(Fault::Says(refused));
    for words in [
        ["answered the records with 401", "`token`"],
        ["Insufficient permissions", "`write_access_cn`"],
    ] {
        let outcome = site.deliver().expect(1).never_says("s3cret-of");
        outcome.says_each(&words);
    }
    let sent = auditor.asked().remove(0);
    assert_eq!(
        sent.header("authorization"),
        Some("Bearer s3cret-of-a-proxy")
    );
    site.set(NAME, "url", &format!("{}/elsewhere", auditor.url()));
    auditor.with(|it| it.stranger = false);
    site.deliver().expect(1).says("404").says("check `url`");
    site.set(NAME, "url", &format!("{}/", auditor.url()));
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 3);
    site.set(NAME, "url", "auditor.example.org");
    site.deliver().says("`[auditor] url`");
}

#[test]
fn nothing_is_sent_where_that_is_not_granted() {
    let auditor = Auditor::start();
    let mut site = site(&auditor, &ended(3));
    for grants in ["", "http:http://localhost:1"] {
        site.set(SECTION, "grants", grants);
        site.deliver()
            .expect(1)
            .says(&format!("add `http:{}` to `grants`", auditor.url()));
    }
    assert_eq!(lines(&auditor), [""; 0]);
    site.set(SECTION, "grants", &grant(&auditor, ""));
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 3);
}

/// In TLS AUDITOR wants a certificate of who writes, which is a term of the grant.
#[test]
fn who_writes_is_known_by_a_certificate() {
    let (server, client) = (
        Certificate::for_loopback(),
        Certificate::for_host("caso.example.org"),
    );
    let auditor = Rest::start_tls(Auditor::default(), &server, &client);
    let mut site = site(&auditor, &ended(3));
    let write = |folder: &Path, name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    site.deliver().expect(1);
    let cafile = write(site.path(), "ca.pem", &server.pem);
    let terms = format!("?cafile={cafile}");
    site.set(SECTION, "grants", &grant(&auditor, &terms));
    site.deliver().expect(1);
    assert_eq!(stored(&auditor), 0);
    let certfile = write(site.path(), "hostcert.pem", &client.pem);
    let keyfile = write(site.path(), "hostkey.pem", &client.key_pem);
    let terms = format!("{terms}&certfile={certfile}&keyfile={keyfile}");
    site.set(SECTION, "grants", &grant(&auditor, &terms));
    site.deliver().expect(0);
    assert_eq!(stored(&auditor), 3);
}

/// In a dry run no request leaves, and what would be sent is shown without the token.
#[test]
fn a_dry_run_asks_nobody() {
    let auditor = Auditor::start();
    let world = plain();
    let mut site = world.site();
    configure(&mut site, &auditor);
    site.set(NAME, "token", "s3cret-of-a-proxy")
        .set(NAME, "running", "open")
        .set(NAME, "max_size", "3");
    let dry = ["--dry-run", "--extract-from", FROM, "--extract-to", TO];
    site.extract(&dry)
        .expect(0)
        .says("== messenger `auditor`, http `auditor`")
        .says("/records\n[{\"components\":")
        .never_says("s3cret-of");
    assert_eq!(lines(&auditor), [""; 0]);
}
