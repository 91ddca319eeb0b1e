//! `otlp` of components/examples: metrics to a stand-in receiver, by the built program. That
//! others read them too is tried by `tests/consumers/otlp`.

use std::collections::BTreeSet;

use caso_model::record::AccountingRecord;
use caso_tests::build;
use caso_tests::otlp::{Receiver, Taken};
use caso_tests::rest::{Fault, Rest, Said};
use caso_tests::site::Site;

use crate::every_type::{self, TYPES, facts, numbered, of_vms};

const NAME: &str = "otlp";
const SECTION: &str = "messenger_otlp";

/// A site whose records wait for it.
fn site(receiver: &Rest<Receiver>, records: &[AccountingRecord]) -> Site {
    let mut site = every_type::site(NAME, records);
    let file = build::guests().join("caso_otlp.wasm");
    site.set(SECTION, "component", &file.display().to_string())
        .set(SECTION, "grants", &grant(receiver))
        .set(NAME, "endpoint", &receiver.url());
    site
}

fn grant(receiver: &Rest<Receiver>) -> String {
    format!("http:{}", receiver.url())
}

/// So many VMs.
fn vms(count: usize) -> Vec<AccountingRecord> {
    let Some(AccountingRecord::Cloud(sample)) = facts(Some("cloud")).into_iter().next() else {
        panic!("there is a cloud record among the facts");
    };
    of_vms(&sample, count)
}

fn points(receiver: &Rest<Receiver>) -> Vec<Taken> {
    receiver.with(|receiver| receiver.points.clone())
}

/// The VMs that it has the wall-clock time of, in the order in which they came.
fn walls(receiver: &Rest<Receiver>) -> Vec<String> {
    let points = points(receiver).into_iter();
    let wall = points.filter(|it| it.metric == "caso.vm.wall.time");
    wall.map(|it| it.attributes[0].1.clone()).collect()
}

/// To the byte.
#[test]
fn a_vm_is_a_request_as_the_specification_has_it() {
    let receiver = Receiver::start();
    let mut records = facts(Some("cloud"));
    records.truncate(1);
    let site = site(&receiver, &records);
    site.deliver().expect(0);
    let asked = receiver.asked();
    let [request] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(request.line, "POST /v1/metrics");
    assert_eq!(request.header("content-type"), Some("application/json"));
    let attributes = [
        ("host.id", "f03d90cc-9de7-5999-9b5d-6548f06c28cf"),
        ("cloud.account.id", "3174786e9d0146608dfdbebc1b4a983e"),
        ("user.id", "27a54f682e7c4c9d85abc5e74806cfb8"),
        ("caso.site", "TEST-SITE"),
        ("caso.service", "TEST-SITE-CLOUD"),
        ("caso.vo", "vo.example.org"),
    ]
    .map(|(key, value)| format!("{{\"key\":\"{key}\",\"value\":{{\"stringValue\":\"{value}\"}}}}"))
    .join(",");
    let measured = "\"timeUnixNano\":\"1794787200000000000\"";
    let state = |name: &str, unit: &str, description: &str, value: &str, more: &str| {
        format!(
            "{{\"name\":\"{name}\",\"unit\":\"{unit}\",\"description\":\"{description}\",\
             \"gauge\":{{\"dataPoints\":[{{\"attributes\":[{attributes}{more}],\
             {measured},{value}}}]}}}}"
        )
    };
    let total = |name: &str, description: &str, value: &str| {
        format!(
            "{{\"name\":\"{name}\",\"unit\":\"s\",\"description\":\"{description}\",\
             \"sum\":{{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[\
             {{\"attributes\":[{attributes}],\"startTimeUnixNano\":\"1790812800000000000\",\
             {measured},\"asInt\":\"{value}\"}}]}}}}"
        )
    };
    let benchmark = ",{\"key\":\"caso.benchmark\",\"value\":{\"stringValue\":\"HEPscore23\"}}";
    let metrics = [
        total(
            "caso.vm.wall.time",
            "For how long the VM has run.",
            "3974400",
        ),
        total("caso.vm.cpu.time", "CPU time of the VM.", "7948800"),
        state(
            "caso.vm.cpu.limit",
            "{cpu}",
            "CPUs of the VM.",
            "\"asDouble\":2.0",
            "",
        ),
        state(
            "caso.vm.memory.limit",
            "By",
            "Memory of the VM.",
            "\"asInt\":\"4294967296\"",
            "",
        ),
        state(
            "caso.vm.disk.limit",
            "By",
            "Disks of the VM's flavor.",
            "\"asInt\":\"21474836480\"",
            "",
        ),
        state(
            "caso.vm.public_ip.count",
            "{address}",
            "Public addresses of the VM.",
            "\"asInt\":\"0\"",
            "",
        ),
        state(
            "caso.vm.cpu.benchmark",
            "1",
            "What a CPU of the VM achieves.",
            "\"asDouble\":99.0",
            benchmark,
        ),
    ]
    .join(",");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        request.body,
        format!(
            "{{\"resourceMetrics\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\
             \"value\":{{\"stringValue\":\"caso\"}}}}]}},\"scopeMetrics\":[{{\"scope\":{{\
             \"name\":\"caso-otlp\",\"version\":\"{version}\"}},\"metrics\":[{metrics}]}}]}}]}}"
        )
    );
    // Once is enough.
    site.deliver().expect(0);
    assert_eq!(receiver.asked().len(), 1);
}

#[test]
fn every_type_is_metrics_with_units() {
    for (kind, metric, unit, what) in [
        ("cloud", "caso.vm.wall.time", "s", "cumulative"),
        ("ip", "caso.project.public_ip.count", "{address}", "gauge"),
        (
            "accelerator",
            "caso.accelerator.active.time",
            "s",
            "cumulative",
        ),
        ("storage", "caso.volume.capacity", "By", "gauge"),
        ("energy", "caso.vm.energy", "J", "delta"),
    ] {
        let receiver = Receiver::start();
        let site = site(&receiver, &facts(Some(kind)));
        site.deliver().expect(0).never_says("quarantine");
        let points = points(&receiver);
        assert!(!points.is_empty(), "{kind}");
        let first = &points[0];
        assert_eq!(
            (first.metric.as_str(), first.unit.as_str(), first.kind),
            (metric, unit, what)
        );
        assert_eq!(first.service, "caso");
        assert!(points.iter().all(|it| !it.unit.is_empty()));
    }
    // All of them in one run, in their order; what has no quantity needs no request.
    let receiver = Receiver::start();
    let mut site = site(&receiver, &facts(None));
    site.set(NAME, "service_name", "site");
    let delivered = format!("messenger `otlp`: {} records delivered", facts(None).len());
    let outcome = site.start("caso", &["deliver"], &["--summary"]).finish();
    outcome.expect(0).says(&delivered);
    assert!(points(&receiver).iter().all(|it| it.service == "site"));
    assert!(receiver.asked().len() < TYPES.len());
}

#[test]
fn what_was_used_in_an_interval_may_be_a_gauge() {
    let receiver = Receiver::start();
    let mut site = site(&receiver, &facts(Some("energy")));
    site.set(NAME, "intervals", "gauge");
    site.deliver().expect(0);
    assert!(points(&receiver).iter().all(|it| it.kind == "gauge"));
    site.set(NAME, "intervals", "histogram");
    site.deliver().says("`[otlp] intervals`");
}

#[test]
fn many_records_go_together_in_their_order() {
    let receiver = Receiver::start();
    let site = site(&receiver, &vms(1_000));
    site.deliver().expect(0);
    assert_eq!(walls(&receiver), numbered(1_000));
    let asked = receiver.asked();
    assert!(asked.len() <= 6, "{}", asked.len());
    // What receivers commonly take.
    assert!(asked.iter().all(|it| it.body.len() < 4 << 20));
    let receiver = Receiver::start();
    let mut site = self::site(&receiver, &vms(3_000));
    site.set(NAME, "max_size", "2000");
    site.deliver().expect(0);
    assert_eq!(walls(&receiver).len(), 3_000);
    assert!(receiver.asked().iter().all(|it| it.body.len() < 4 << 20));
    let receiver = Receiver::start();
    let site = self::site(&receiver, &vms(4));
    receiver.befalls(Fault::Says(Said::page(413)));
    site.deliver().expect(0);
    assert_eq!(walls(&receiver), numbered(4));
}

/// A point that comes twice is the same point: the same stream, time and value.
#[test]
fn an_answer_that_gets_lost_counts_nothing_twice() {
    for kind in TYPES {
        let receiver = Receiver::start();
        let mut site = site(&receiver, &facts(Some(kind)));
        site.set(NAME, "intervals", "gauge");
        receiver.befalls(Fault::CutAfter);
        let outcome = site.deliver();
        if points(&receiver).is_empty() {
            outcome.expect(0);
            continue;
        }
        outcome.expect(1).says("`http://localhost:");
        let first = points(&receiver);
        site.deliver().expect(0).never_says("quarantine");
        let both = points(&receiver);
        assert_eq!(both.len(), 2 * first.len(), "{kind}");
        assert_eq!(both[first.len()..], first);
        let identities: BTreeSet<String> = both.iter().map(Taken::identity).collect();
        assert_eq!(identities.len(), first.len(), "{kind}");
        site.deliver().expect(0);
        assert_eq!(points(&receiver).len(), both.len());
    }
}

#[test]
fn what_is_bad_is_set_aside_with_the_receivers_words() {
    let receiver = Receiver::start();
    receiver.with(|it| it.bad = Some("8000-000000000003".into()));
    let site = site(&receiver, &vms(9));
    site.deliver()
        .expect(3)
        .says_each(&["1 record is in quarantine", "bad data: 8000-000000000003"]);
    let mut expected = numbered(9);
    expected.remove(3);
    assert_eq!(walls(&receiver), expected);
    // All of them: it is not the records'.
    let receiver = Receiver::start();
    receiver.with(|it| it.bad = Some("caso.vm".into()));
    let site = self::site(&receiver, &vms(9));
    site.deliver()
        .expect(1)
        .says("none of 5 records was taken")
        .never_says("quarantine");
    receiver.with(|it| it.bad = None);
    site.deliver().expect(0);
    assert_eq!(walls(&receiver), numbered(9));
}

/// The specification: the client must not retry what was taken in part.
#[test]
fn what_is_taken_in_part_is_not_sent_again() {
    let receiver = Receiver::start();
    receiver.with(|it| it.rejects = Some((2, "too old".into())));
    let site = site(&receiver, &vms(3));
    site.deliver().expect(1).says_each(&[
        "3 records are in quarantine",
        "2 of the 21 data points in its request were rejected",
        "too old",
    ]);
    receiver.with(|it| it.rejects = None);
    site.deliver();
    assert_eq!(receiver.asked().len(), 1);
    // A warning is none of that.
    let receiver = Receiver::start();
    receiver.with(|it| it.rejects = Some((0, "version 1 ends soon".into())));
    let site = self::site(&receiver, &vms(3));
    site.deliver().expect(0).says("version 1 ends soon");
}

#[test]
fn what_passes_costs_nothing() {
    let html = |status| Fault::Says(Said::page(status));
    for fault in [
        html(429),
        html(502),
        html(503),
        html(504),
        Fault::Busy(Said::page(503), 2_000),
        Fault::Cut,
        // Another service in its place.
        html(200),
        Fault::Says(Said::new(200, "application/json", "[]")),
        // Not to be tried again, says the specification: not in this run.
        html(400),
        html(408),
        html(500),
    ] {
        let receiver = Receiver::start();
        let site = site(&receiver, &vms(3));
        receiver.befalls(fault.clone());
        site.deliver()
            .expect(1)
            .says("`http://localhost:")
            .never_says("quarantine");
        assert_eq!(receiver.asked().len(), 1, "{fault:?}");
        site.deliver().expect(0);
        assert_eq!(walls(&receiver), numbered(3), "{fault:?}");
    }
    let receiver = Receiver::start();
    let site = site(&receiver, &vms(3));
    receiver.befalls(Fault::Busy(Said::page(429), 1));
    site.deliver().expect(0);
    assert_eq!(receiver.asked().len(), 2);
    assert_eq!(walls(&receiver), numbered(3));
}

#[test]
fn what_the_site_has_to_mend_is_said_and_no_secret() {
    let receiver = Receiver::start();
    receiver.with(|it| it.authorization = Some("Bearer s3cret-right".into()));
    let mut site = site(&receiver, &vms(3));
    site.deliver().expect(1).says("401").says("check `token`");
    site.set(NAME, "headers", "s3cret-right");
    site.deliver()
        .expect(1)
        .says("`[otlp] headers`")
        .never_says("s3cret-right");
    site.unset(NAME, "headers");
    site.set(NAME, "token", "s3cret-wrong");
    site.deliver()
        .expect(1)
        .says("check `token` and `headers`")
        .never_says("s3cret-wrong");
    site.unset(NAME, "token").set(
        NAME,
        "headers",
        "Authorization=Bearer%20s3cret-right, X-Scope-OrgID=7",
    );
    receiver.befalls(Fault::Says(Said::new(
        403,
        "text/plain",
        "s3cret-right may not write",
    )));
    let outcome = site.deliver().expect(1).never_says("s3cret-right");
    outcome.says_each(&["403", "*** may not write"]);
    site.set(NAME, "endpoint", &format!("{}/elsewhere", receiver.url()));
    site.deliver()
        .expect(1)
        .says("404")
        .says("check `endpoint`");
    site.set(NAME, "endpoint", &format!("{}/", receiver.url()));
    site.deliver().expect(0);
    assert_eq!(walls(&receiver), numbered(3));
    let last = receiver.asked().pop().unwrap();
    assert_eq!(last.header("x-scope-orgid"), Some("7"));
}

#[test]
fn nothing_is_sent_where_that_is_not_granted() {
    let receiver = Receiver::start();
    let mut site = site(&receiver, &vms(3));
    for grants in ["", "http:http://localhost:1"] {
        site.set(SECTION, "grants", grants);
        site.deliver()
            .expect(1)
            .says(&format!("add `http:{}` to `grants`", receiver.url()));
    }
    assert!(receiver.asked().is_empty());
    site.set(SECTION, "grants", &grant(&receiver));
    site.deliver().expect(0);
    assert_eq!(walls(&receiver), numbered(3));
}
