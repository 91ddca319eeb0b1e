//! Every type of record through every messenger: what comes out, to the byte, or
//! that it is not given and who says so.
//!
//! The records are those of `tests/golden/records/facts.jsonl`, sealed in the
//! journal of a site as an extraction would have left them; `caso deliver` does
//! the rest. What must come out is what cASO 5.2.2, and for v0.2 cASO 2.1.2, made
//! of the same facts (`tests/tools/golden_records.py`).

use std::fs;

use caso_disk::Disk;
use caso_journal::{Journal, MapperIdentity, Order, SegmentKey};
use caso_model::Window;
use caso_model::record::{AccountingRecord, CloudRecord};
use caso_stand_in::Certificate;
use caso_state::Spool;
use caso_tests::build::workspace;
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;
use caso_tests::spool;
use serde_json::Value;

/// As in `record_types`; the last one is the kind of an `other` record.
pub const TYPES: [&str; 6] = [
    "cloud",
    "ip",
    "accelerator",
    "storage",
    "energy",
    "object-storage",
];

fn golden(name: &str) -> Vec<Value> {
    let path = workspace().join("tests/golden/records").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The records of that type; of every type without one.
pub fn facts(kind: Option<&str>) -> Vec<AccountingRecord> {
    golden("facts.jsonl")
        .into_iter()
        .map(|line| serde_json::from_value(line["record"].clone()).unwrap())
        .filter(|record: &AccountingRecord| kind.is_none_or(|kind| kind == record.record_type()))
        .collect()
}

/// A cloud record so many times, each of a VM of its own.
pub fn of_vms(sample: &CloudRecord, count: usize) -> Vec<AccountingRecord> {
    let record = |number: usize| {
        let mut record = sample.clone();
        record.vm_uuid = vm(number);
        record.head.id = format!("vm-{number}");
        record.head.supersedes = record.head.id.clone();
        AccountingRecord::Cloud(record)
    };
    (0..count).map(record).collect()
}

/// The id of one of these VMs.
fn vm(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The ids of so many of them.
pub fn numbered(count: usize) -> Vec<String> {
    (0..count).map(vm).collect()
}

/// The text of cASO's message of that type.
pub fn message(version: &str, kind: &str) -> String {
    golden(&format!("{version}.jsonl"))
        .into_iter()
        .filter_map(|line| Some(line.get("message")?.as_str()?.to_owned()))
        .find(|text| kind_of(text) == kind)
        .unwrap()
}

fn kind_of(message: &str) -> &'static str {
    let signs = [
        ("APEL-cloud-message", "cloud"),
        ("{\"Type\": \"APEL Public IP message\"", "ip"),
        ("{\"Type\": \"APEL-accelerator-message\"", "accelerator"),
        ("<sr:StorageUsageRecords", "storage"),
    ];
    let known = signs.iter().find(|(sign, _)| message.starts_with(sign));
    known
        .unwrap_or_else(|| panic!("no message of APEL's: {message}"))
        .1
}

/// cASO's lines of that type.
pub fn lines(kind: &str) -> String {
    if kind == "object-storage" {
        // On one line, and else as the component gave it.
        return "{\"Bucket\":\"b\u{f3}b\",  \"Bytes\":12}\n".to_owned();
    }
    let text = |line: &Value| line.get("json")?.as_str().map(|json| format!("{json}\n"));
    let of_kind = |line: &&Value| {
        line["name"]
            .as_str()
            .is_some_and(|name| name.starts_with(kind))
    };
    golden("5.2.2.jsonl")
        .iter()
        .filter(of_kind)
        .filter_map(text)
        .collect()
}

/// A site whose journal holds these records for these messengers.
pub fn site(messengers: &str, records: &[AccountingRecord]) -> Site {
    let mut site = Site::with_auth_url("http://127.0.0.1:9/never-asked");
    site.set("DEFAULT", "messengers", messengers)
        .set("ssm", "star_record_id", "volume")
        .set("logstash", "host", "localhost");
    let spool = Spool::open(&site.spool(), Disk::default()).unwrap();
    let (journal, _) = Journal::open(&spool, 1_794_787_200).unwrap();
    let key = SegmentKey {
        cloud: "default".into(),
        region: None,
        project: "p".into(),
        extractor: "nova".into(),
        window: Window {
            start: 1_790_812_800,
            end: 1_794_787_200,
        },
        again: false,
    };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mapper = MapperIdentity {
        name: "mapper".into(),
        version: "1".into(),
        digest: String::new(),
    };
    let names: Vec<String> = messengers.split(", ").map(str::to_owned).collect();
    let mut segment = journal
        .begin(key, Vec::new(), order, &names, &mapper)
        .unwrap();
    for record in records {
        segment.append(record).unwrap();
    }
    segment.seal().unwrap();
    site
}

fn deliver(site: &Site) -> Outcome {
    site.start("caso", &["deliver"], &["--summary"]).finish()
}

pub fn texts(site: &Site, queue: &str) -> Vec<String> {
    let messages = spool::read(&site.path().join(queue));
    messages.into_iter().map(|message| message.text).collect()
}

/// What becomes of the records of a type.
enum Fate {
    Message(String),
    Lines(String),
    /// Taken, and nothing made of it.
    Taken,
    /// Left out by what the messenger takes, and said to be.
    NotGiven,
}

fn fate(messenger: &str, kind: &str) -> Fate {
    match (messenger, kind) {
        ("ssm", "energy" | "object-storage") => Fate::NotGiven,
        ("ssm", kind) => Fate::Message(message("5.2.2", kind)),
        ("ssmv2", "cloud") => Fate::Message(message("2.1.2", "cloud")),
        ("ssmv2", _) => Fate::NotGiven,
        ("logstash", kind) => Fate::Lines(lines(kind)),
        ("noop", _) => Fate::Taken,
        _ => panic!("nobody has said what becomes of {kind} records through `{messenger}`"),
    }
}

/// Those whose services need a test of their own: `greendigit`, `ams`.
const ELSEWHERE: [&str; 2] = ["greendigit_cim", "ams"];

#[test]
fn each_type_through_each_messenger() {
    let messengers = caso_builtin::messengers();
    let here = |name: &&String| !ELSEWHERE.contains(&name.as_str());
    for messenger in messengers.iter().filter(here).map(String::as_str) {
        for kind in TYPES {
            let logstash = Logstash::start(Mood::Normal);
            let records = facts(Some(kind));
            let mut site = site(messenger, &records);
            site.set("logstash", "port", &logstash.port().to_string());
            let outcome = deliver(&site).expect(0);
            let count = records.len();
            let noun = if count == 1 { "record" } else { "records" };
            let delivered = format!("messenger `{messenger}`: {count} {noun} delivered");
            let not_given = format!(
                "messenger `{messenger}`: left out by its `record_types`: {count} {kind} {noun}"
            );
            let (sent, said) = match fate(messenger, kind) {
                Fate::Message(text) => ((vec![text], String::new()), delivered),
                Fate::Lines(text) => ((vec![], text), delivered),
                Fate::Taken => ((vec![], String::new()), delivered),
                Fate::NotGiven => ((vec![], String::new()), not_given),
            };
            assert_eq!(
                (texts(&site, "ssm"), logstash.text()),
                sent,
                "{messenger}: {kind}"
            );
            let lost = matches!(fate(messenger, kind), Fate::NotGiven);
            let outcome = outcome.says(&said).never_says("quarantine");
            let warned = outcome.stderr.contains("to no messenger");
            assert_eq!(warned, lost, "{messenger}: {kind}: {outcome}");
            // Nothing waits, and nothing comes twice.
            deliver(&site).expect(0).never_says("delivered");
            assert_eq!(
                (texts(&site, "ssm"), logstash.text()),
                sent,
                "{messenger}: {kind}"
            );
        }
    }
}

#[test]
fn all_types_in_one_run_to_all_messengers() {
    let logstash = Logstash::start(Mood::Normal);
    let records = facts(None);
    let mut site = site("ssm, logstash, noop", &records);
    site.set("logstash", "port", &logstash.port().to_string());
    deliver(&site)
        .expect(0)
        .says("messenger `ssm`: 9 records delivered")
        .says("left out by its `record_types`: 2 energy, 1 object-storage record")
        .says("messenger `logstash`: 12 records delivered")
        .says("messenger `noop`: 12 records delivered")
        .never_says("to no messenger");
    // In cASO's order, a message a type.
    let kinds = ["cloud", "ip", "accelerator", "storage"];
    assert_eq!(
        texts(&site, "ssm"),
        kinds.map(|kind| message("5.2.2", kind))
    );
    assert_eq!(logstash.text(), TYPES.map(lines).concat());
}

/// cASO's release notes tell sites to give energy records to `ssm`, which then
/// sends nothing at all.
#[test]
fn energy_for_ssm_costs_no_other_record() {
    let mut site = site("ssm", &facts(None));
    site.set("messenger_ssm", "record_types", "cloud,energy");
    deliver(&site)
        .expect(0)
        .says("messenger `ssm` is given no `energy` records")
        .says("it takes `cloud`, `ip`, `accelerator`, `storage`");
    assert_eq!(texts(&site, "ssm"), [message("5.2.2", "cloud")]);
}

#[test]
fn energy_through_noop_costs_no_other_messenger() {
    let site = site("noop, ssm", &facts(None));
    deliver(&site)
        .expect(0)
        .says("messenger `noop`: 12 records delivered");
    assert_eq!(texts(&site, "ssm").len(), 4);
}

#[test]
fn record_types_that_leave_nothing_are_said() {
    let mut site = site("ssm", &facts(Some("cloud")));
    site.set("messenger_ssm", "record_types", "energy");
    deliver(&site)
        .expect(0)
        .says("is given no `energy` records")
        .says("3 `cloud` records go to no messenger");
    assert!(texts(&site, "ssm").is_empty());
}

/// cASO sends everything when it knows none of the names.
#[test]
fn an_unknown_record_type_is_refused_with_the_nearest() {
    for (messenger, section) in [
        ("ssm", "messenger_ssm"),
        ("logstash", "messenger_logstash"),
        ("noop", "messenger_noop"),
        ("ssmv2", "messenger_ssmv2"),
    ] {
        let mut site = site(messenger, &facts(Some("cloud")));
        site.set(section, "record_types", "cloud, storrage");
        deliver(&site)
            .expect(1)
            .says("`storrage`")
            .says("`cloud`, `ip`, `accelerator`, `storage`, `energy`")
            .says("did you mean `storage`?")
            .says("its records wait");
        assert!(texts(&site, "ssm").is_empty());
        // Mended, and nothing is lost.
        site.set(section, "record_types", "cloud, storage");
        if messenger != "logstash" {
            deliver(&site).expect(0).says("3 records delivered");
        }
    }
}

#[test]
fn two_instances_share_the_types() {
    let mut site = site("ssm, ssm2", &facts(None));
    let second = site.path().join("second").display().to_string();
    site.set("messenger_ssm", "record_types", "cloud,accelerator")
        .set("messenger_ssm2", "component", "ssm")
        .set("messenger_ssm2", "record_types", "storage")
        .set("ssm2", "output_path", &second)
        .set("ssm2", "star_record_id", "volume");
    deliver(&site)
        .expect(0)
        .says("messenger `ssm`: 5 records delivered")
        .says("messenger `ssm2`: 2 records delivered")
        .says("2 `ip` records go to no messenger");
    let kinds = ["cloud", "accelerator"];
    assert_eq!(
        texts(&site, "ssm"),
        kinds.map(|kind| message("5.2.2", kind))
    );
    assert_eq!(texts(&site, "second"), [message("5.2.2", "storage")]);
}

#[test]
fn a_record_type_has_an_output_path_of_its_own() {
    let mut site = site("ssm", &facts(None));
    for kind in ["storage", "ip"] {
        let path = site.path().join(kind).display().to_string();
        site.set("ssm", &format!("output_path_{kind}"), &path);
    }
    deliver(&site)
        .expect(0)
        .says("messenger `ssm`: 9 records delivered");
    let kinds = ["cloud", "accelerator"];
    assert_eq!(
        texts(&site, "ssm"),
        kinds.map(|kind| message("5.2.2", kind))
    );
    assert_eq!(texts(&site, "ip"), [message("5.2.2", "ip")]);
    assert_eq!(texts(&site, "storage"), [message("5.2.2", "storage")]);
}

#[test]
fn an_output_path_that_cannot_be_is_said_before_keystone_is_asked() {
    let mut site = Site::with_auth_url("http://127.0.0.1:9/never-asked");
    fs::write(site.path().join("file"), "").unwrap();
    let path = site.path().join("file/queue").display().to_string();
    site.set("ssm", "output_path_storage", &path);
    site.extract_october()
        .expect(1)
        .says("messenger `ssm` cannot use its queue")
        .says(&path)
        .never_says("never-asked");
}

/// Names of six versions. `ssm` is what it is in 5.2.2, also where it meant v0.2 in
/// 1.4.1 to 2.1.
#[test]
fn former_names_write_the_version_that_they_name() {
    for (name, instance, version) in [
        ("ssm", "ssm", "5.2.2"),
        ("ssmv4", "ssm", "5.2.2"),
        ("caso.messenger.ssm.SsmMessager", "ssm", "5.2.2"),
        ("caso.messenger.ssm.SSMMessengerV04", "ssm", "5.2.2"),
        ("ssmv2", "ssmv2", "2.1.2"),
        ("caso.messenger.ssm.SSMMessengerV02", "ssmv2", "2.1.2"),
    ] {
        let mut site = site(instance, &facts(Some("cloud")));
        site.set("DEFAULT", "messengers", name);
        let outcome = deliver(&site).expect(0);
        assert_eq!(texts(&site, "ssm"), [message(version, "cloud")], "{name}");
        let old = name != "ssm" && name != "ssmv2";
        assert_eq!(
            outcome.stderr.contains("is an old name"),
            old,
            "{name}: {outcome}"
        );
    }
}

/// A record of v0.4 and, beside it, types that v0.2 knows nothing of, for a site
/// that asks for them by name.
#[test]
fn ssmv2_packs_what_it_is_told_to() {
    let mut site = site("ssmv2", &facts(None));
    site.set("messenger_ssmv2", "record_types", "cloud, storage")
        .set("ssm", "max_size", "2");
    deliver(&site)
        .expect(0)
        .says("messenger `ssmv2`: 5 records delivered");
    let texts = texts(&site, "ssm");
    let heads: Vec<&str> = texts
        .iter()
        .filter_map(|text| text.lines().next())
        .collect();
    assert_eq!(heads.len(), 3);
    assert_eq!(heads[..2], ["APEL-cloud-message: v0.2"; 2]);
    assert_eq!(kind_of(heads[2]), "storage");
}

fn at_tls(site: &mut Site, logstash: &Logstash) {
    site.set("logstash", "port", &logstash.port().to_string())
        .set("logstash", "tls", "true");
}

fn write(site: &Site, name: &str, text: &str) -> String {
    let path = site.path().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn logstash_behind_tls_of_a_private_authority() {
    let certificate = Certificate::for_loopback();
    let logstash = Logstash::start_tls(certificate.server(None));
    let mut site = site("logstash", &facts(None));
    at_tls(&mut site, &logstash);
    deliver(&site)
        .expect(1)
        .says("TLS failed")
        .says("an authority that this machine does not know")
        .says("set a `cafile`");
    assert_eq!(logstash.text(), "");
    let cafile = write(&site, "ca.pem", &certificate.pem);
    site.set("logstash", "cafile", &cafile);
    deliver(&site)
        .expect(0)
        .says("messenger `logstash`: 12 records delivered");
    assert_eq!(logstash.text(), TYPES.map(lines).concat());
}

#[test]
fn logstash_that_asks_for_a_client_certificate() {
    let certificate = Certificate::for_loopback();
    let client = Certificate::for_loopback();
    let logstash = Logstash::start_tls(certificate.server(Some(&client)));
    let mut site = site("logstash", &facts(None));
    at_tls(&mut site, &logstash);
    let cafile = write(&site, "ca.pem", &certificate.pem);
    site.set("logstash", "cafile", &cafile);
    // None: TLS 1.3 says so only after our lines, which nobody read.
    let outcome = deliver(&site).expect(1);
    assert!(
        outcome.stderr.to_lowercase().contains("certificate"),
        "{outcome}"
    );
    assert_eq!(logstash.text(), "");

    // A stranger's.
    let stranger = Certificate::for_loopback();
    let both = write(
        &site,
        "stranger.pem",
        &(stranger.pem.clone() + &stranger.key_pem),
    );
    site.set("logstash", "certfile", &both);
    deliver(&site).expect(1);
    assert_eq!(logstash.text(), "");

    // A key that is not the certificate's, and one that is no key.
    let certfile = write(&site, "client.pem", &client.pem);
    site.set("logstash", "certfile", &certfile)
        .set("logstash", "keyfile", &both);
    deliver(&site)
        .expect(1)
        .says("client.pem")
        .says("stranger.pem");
    site.set("logstash", "keyfile", &certfile);
    deliver(&site)
        .expect(1)
        .says("client.pem")
        .says("no private key");

    let keyfile = write(&site, "client.key", &client.key_pem);
    site.set("logstash", "keyfile", &keyfile);
    deliver(&site)
        .expect(0)
        .says("messenger `logstash`: 12 records delivered");
    assert_eq!(logstash.text(), TYPES.map(lines).concat());
}

#[test]
fn tls_is_not_left_out_in_silence() {
    // Files of TLS without `tls`: nothing goes out in the clear.
    let logstash = Logstash::start(Mood::Normal);
    let mut site = site("logstash", &facts(Some("cloud")));
    site.set("logstash", "port", &logstash.port().to_string())
        .set("logstash", "cafile", "/etc/ssl/ca.pem");
    deliver(&site).expect(1).says("`cafile`").says("`tls`");
    assert_eq!(logstash.text(), "");
    // TLS to a plain port.
    site.set("logstash", "tls", "true")
        .unset("logstash", "cafile");
    deliver(&site).expect(1);
    assert!(!logstash.text().contains("SiteName"));
    // Plain to a port of TLS: nothing counts that nobody read.
    let certificate = Certificate::for_loopback();
    let secure = Logstash::start_tls(certificate.server(None));
    site.set("logstash", "tls", "false")
        .set("logstash", "port", &secure.port().to_string());
    deliver(&site).expect(1);
    assert_eq!(secure.text(), "");
}
