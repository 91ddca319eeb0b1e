//! `ams`: records signed and published to a stand-in of ARGO's messaging service, through
//! TLS with a client certificate, by the built program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use caso_model::record::AccountingRecord;
use caso_stand_in::{AMS_TOO_LARGE, Ams, AmsFault, Certificate, Gate, Publication};
use caso_tests::build::workspace;
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::every_type::{self, facts, message, numbered, of_vms};

const CLOUD: &str = "eu-egi-cloud-accounting";
const STORAGE: &str = "eu-egi-storage-accounting";
const DN: &str = "/O=Site/CN=caso.example.org";

/// AMS, and the certificate of a host that it knows.
struct Service {
    ams: Ams,
    server: Certificate,
    host: Certificate,
}

fn service() -> Service {
    let server = Certificate::for_loopback();
    let host = Certificate::for_host("caso.example.org");
    Service {
        ams: Ams::start(&server, &host, &[CLOUD, STORAGE]),
        server,
        host,
    }
}

impl Service {
    /// A site whose records wait for it.
    fn site(&self, records: &[AccountingRecord]) -> Site {
        self.site_of("ams", records)
    }

    fn site_of(&self, messengers: &str, records: &[AccountingRecord]) -> Site {
        let mut site = every_type::site(messengers, records);
        self.configure(&mut site);
        site
    }

    fn configure(&self, site: &mut Site) {
        let files = [
            ("cafile", "ca.pem", &self.server.pem),
            ("certificate", "hostcert.pem", &self.host.pem),
            ("key", "hostkey.pem", &self.host.key_pem),
        ];
        for (option, name, text) in files {
            let path = site.path().join(name);
            fs::write(&path, text).unwrap();
            site.set("ams", option, &path.display().to_string());
        }
        site.set("ams", "host", "localhost")
            .set("ams", "port", &self.ams.port().to_string())
            .set("ams", "authn_port", &self.ams.authn_port().to_string())
            .set("ams", "star_record_id", "volume");
    }
}

/// So many cloud records, each of a VM of its own.
fn clouds(count: usize) -> Vec<AccountingRecord> {
    let Some(AccountingRecord::Cloud(sample)) = facts(Some("cloud")).pop() else {
        panic!("there is a cloud record among the facts");
    };
    of_vms(&sample, count)
}

/// The text in a signed message, whose signature others check (`tests/ams/check`).
fn text(publication: &Publication) -> String {
    let signed = String::from_utf8(publication.data.clone()).unwrap();
    let (head, _) = signed.split_once("\n\n").unwrap();
    assert!(head.contains("multipart/signed") && head.contains("protocol=\"application/"));
    let part = signed.split_once("Content-Type: text/plain").unwrap().1;
    let body = part.replace("\r\n", "\n");
    let body = body.split_once("\n\n").unwrap().1;
    body.split_once("\n------").unwrap().0.to_owned()
}

/// The VMs of all messages that were taken, in order.
fn vms(ams: &Ams) -> Vec<String> {
    let of = |publication: &Publication| -> Vec<String> {
        let text = text(publication);
        let lines = text.lines();
        lines
            .filter_map(|line| line.strip_prefix("VMUUID: ").map(str::to_owned))
            .collect()
    };
    ams.published().iter().flat_map(of).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&path)),
            kind if kind.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

/// No line of the key is in what was said, written or published.
fn key_is_nowhere(service: &Service, site: &Site, outcome: &Outcome) {
    let lines = service.host.key_pem.lines();
    let secret: Vec<&str> = lines.filter(|line| !line.starts_with("-----")).collect();
    assert!(!secret.is_empty());
    let clean = |what: &str, text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        for line in &secret {
            assert!(!text.contains(line), "{what} has a line of the key");
        }
    };
    clean("stdout", outcome.stdout.as_bytes());
    clean("stderr", outcome.stderr.as_bytes());
    for publication in service.ams.published() {
        clean("a message", &publication.data);
    }
    for file in files(site.path()) {
        if file.file_name().is_some_and(|name| name != "hostkey.pem") {
            clean(&file.display().to_string(), &fs::read(&file).unwrap());
        }
    }
}

#[test]
fn each_type_is_published_to_its_topic_with_the_text_that_ssm_has() {
    for (kind, topic) in [
        ("cloud", CLOUD),
        ("ip", CLOUD),
        ("accelerator", CLOUD),
        ("storage", STORAGE),
    ] {
        let service = service();
        let site = service.site(&facts(Some(kind)));
        let outcome = site.deliver().expect(0);
        let published = service.ams.published();
        let [publication] = published.as_slice() else {
            panic!("{kind}: {published:?}: {outcome}");
        };
        assert_eq!(
            text(publication).trim_end(),
            message("5.2.2", kind).trim_end()
        );
        assert_eq!(publication.topic, topic);
        let (folder, name) = publication.empaid.split_once('/').unwrap();
        assert_eq!((folder.len(), name.len()), (8, 14));
        assert_eq!(service.ams.requests(), (1, 1));
        key_is_nowhere(&service, &site, &outcome);
        // Once is enough.
        site.deliver().expect(0);
        assert_eq!(service.ams.published().len(), 1);
    }
}

#[test]
fn what_apel_has_no_message_for_is_not_given() {
    let service = service();
    let site = service.site(&facts(Some("energy")));
    site.deliver().expect(0);
    assert_eq!(service.ams.requests(), (0, 0));
}

#[test]
fn many_messages_go_together_in_their_order() {
    let service = service();
    let mut site = service.site(&clouds(1_000));
    site.set("ams", "max_size", "1");
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(1_000));
    let ids: BTreeSet<String> = service
        .ams
        .published()
        .into_iter()
        .map(|it| it.empaid)
        .collect();
    assert_eq!(ids.len(), 1_000);
    let (tokens, requests) = service.ams.requests();
    assert!(tokens == 1 && requests <= 100, "{tokens} and {requests}");
}

#[test]
fn a_token_of_the_sites_needs_no_other() {
    let service = service();
    let mut site = service.site(&clouds(1));
    let token = service.ams.token();
    site.set("ams", "token", &token);
    site.deliver().expect(0);
    assert_eq!(service.ams.requests(), (0, 1));

    let mut site = service.site(&clouds(1));
    site.set("ams", "token", "not-a-token-of-theirs");
    let outcome = site.deliver().expect(1).says("401").says("check `token`");
    outcome.never_says("not-a-token-of-theirs");
    assert_eq!(service.ams.published().len(), 1);
}

#[test]
fn a_token_that_ends_in_the_middle_is_replaced() {
    let service = service();
    let mut site = service.site(&clouds(60));
    site.set("ams", "max_size", "1");
    service.ams.at_publish(AmsFault::Takes(20));
    service.ams.at_publish(AmsFault::TokensEnd);
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(60));
    assert_eq!(service.ams.requests().0, 2);
}

#[test]
fn a_certificate_that_is_not_known_costs_nothing_but_time() {
    let service = service();
    let mut site = service.site(&clouds(2));
    let stranger = Certificate::for_host("stranger.example.org");
    for (option, text) in [("certificate", &stranger.pem), ("key", &stranger.key_pem)] {
        let path = site.path().join(format!("stranger-{option}"));
        fs::write(&path, text).unwrap();
        site.set("ams", option, &path.display().to_string());
    }
    site.deliver().expect(1).says("the request for a token");
    service.configure(&mut site);
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(2));
}

#[test]
fn who_gocdb_does_not_know_reads_which_dn_belongs_where() {
    let unbound = AmsFault::Error(404, "Binding was not found", "NOT_FOUND");
    let forbidden = AmsFault::Error(403, "Access to this resource is forbidden", "FORBIDDEN");
    for (kind, service_type, at_token, fault) in [
        ("cloud", "eu.egi.cloud.accounting", true, unbound),
        ("storage", "eu.egi.storage.accounting", false, forbidden),
    ] {
        let service = service();
        let site = service.site(&facts(Some(kind)));
        match at_token {
            true => service.ams.at_token(fault),
            false => service.ams.at_publish(fault),
        }
        let outcome = site.deliver().expect(1);
        let outcome = outcome.says(&format!("`{DN}` must be the host DN"));
        outcome.says(service_type);
        assert_eq!(service.ams.published(), []);
        site.deliver().expect(0);
        assert_eq!(service.ams.published().len(), 1);
    }
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let service = service();
    let mut site = service.site(&clouds(1));
    site.set("ams", "destination", "no-such-topic");
    site.deliver()
        .expect(1)
        .says("Topic doesn't exist")
        .says("`no-such-topic`");
}

#[test]
fn a_message_that_is_refused_for_good_is_set_aside_with_amss_words() {
    let service = service();
    let mut site = service.site(&clouds(3));
    site.set("ams", "max_size", "1");
    let refusal = || AmsFault::Error(400, "Invalid Message Arguments", "INVALID_ARGUMENT");
    // All together, and then the first alone.
    service.ams.at_publish(refusal());
    service.ams.at_publish(refusal());
    site.deliver()
        .expect(3)
        .says("1 record is in quarantine")
        .says("Invalid Message Arguments (INVALID_ARGUMENT)");
    assert_eq!(vms(&service.ams), numbered(3)[1..]);
}

#[test]
fn what_passes_costs_nothing() {
    let faults = || {
        let balancer = [500, 502, 503, 504].map(AmsFault::Balancer);
        let mut faults = vec![
            AmsFault::Error(408, "Timeout", "TIMEOUT"),
            AmsFault::Balancer(429),
            AmsFault::Balancer(400),
            AmsFault::Cut,
            AmsFault::CutAfter,
        ];
        faults.extend(balancer);
        faults
    };
    for fault in faults() {
        let service = service();
        let site = service.site(&clouds(3));
        service.ams.at_publish(fault.clone());
        let outcome = site.deliver().expect(1).says("`localhost` ");
        let outcome = outcome.never_says("quarantine");
        key_is_nowhere(&service, &site, &outcome);
        site.deliver().expect(0);
        // Where the answer alone was lost it comes twice, with one id.
        let ids: BTreeSet<String> = service
            .ams
            .published()
            .into_iter()
            .map(|it| it.empaid)
            .collect();
        assert_eq!(ids.len(), 1, "{fault:?}");
        let times = usize::from(matches!(fault, AmsFault::CutAfter)) + 1;
        assert_eq!(
            vms(&service.ams),
            vec![numbered(3); times].concat(),
            "{fault:?}"
        );
    }
    for fault in faults() {
        let service = service();
        let site = service.site(&clouds(3));
        // Of a request for a token any answer of another is a matter of configuration.
        service.ams.at_token(fault.clone());
        site.deliver().expect(1).says("the request for a token");
        assert_eq!(service.ams.published(), []);
        site.deliver().expect(0);
        assert_eq!(vms(&service.ams), numbered(3), "{fault:?}");
    }
}

#[test]
fn a_service_that_says_when_is_asked_then() {
    let service = service();
    let site = service.site(&clouds(3));
    service.ams.at_publish(AmsFault::Busy(503, 1));
    service.ams.at_token(AmsFault::Busy(429, 1));
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(3));
}

#[test]
fn an_answer_with_fewer_ids_says_how_many_were_taken() {
    let service = service();
    let mut site = service.site(&clouds(10));
    site.set("ams", "max_size", "1");
    service.ams.at_publish(AmsFault::Takes(4));
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(10));
    let mut site = service.site(&clouds(10));
    site.set("ams", "max_size", "2");
    service.ams.at_publish(AmsFault::Takes(0));
    site.deliver().expect(1).says("took none of them");
    assert_eq!(vms(&service.ams), numbered(10));
}

#[test]
fn what_is_published_stays_below_amss_limit() {
    let service = service();
    let mut site = service.site(&clouds(3_000));
    site.set("ams", "max_size", "3000")
        .set("ams", "max_message_bytes", "5M");
    site.deliver().expect(0).never_says("quarantine");
    assert_eq!(vms(&service.ams), numbered(3_000));
    assert!(service.ams.largest() < AMS_TOO_LARGE);
    assert!(service.ams.largest() > AMS_TOO_LARGE / 2);
    // AMS may take less than it says.
    let too_large = || AmsFault::Error(413, "Message size is too large", "INVALID_ARGUMENT");
    let service = self::service();
    let site = service.site(&clouds(4));
    service.ams.at_publish(too_large());
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(4));
    assert!(service.ams.published().len() > 1);
    let site = service.site(&clouds(1));
    service.ams.at_publish(too_large());
    site.deliver()
        .expect(1)
        .says("the record alone makes a message of")
        .says("Message size is too large");
}

/// Signatures are made for the grant's receiver, whoever the component is.
#[test]
fn with_a_receiver_what_is_published_is_encrypted() {
    let service = service();
    let mut site = service.site(&clouds(200));
    let golden = workspace().join("engine/crates/signature/tests/golden/rsa-cert.pem");
    site.set("ams", "server_cert", &golden.display().to_string());
    site.deliver().expect(0);
    let published = service.ams.published();
    assert!(!published.is_empty());
    for publication in published {
        let data = String::from_utf8(publication.data).unwrap();
        assert!(data.contains("pkcs7-mime") && !data.contains("VMUUID"));
    }
}

/// Killed while AMS has taken messages and not answered yet.
#[test]
fn killed_in_the_middle_each_message_comes_at_least_once_with_one_id() {
    let service = service();
    let mut site = service.site(&clouds(90));
    site.set("ams", "max_size", "3");
    for before in 0..2 {
        let gate = Gate::default();
        for _ in 0..before {
            service.ams.at_publish(AmsFault::Takes(7));
        }
        service.ams.at_publish(AmsFault::Held(gate.clone()));
        let running = site.start("caso", &["deliver"], &[]);
        assert!(gate.is_reached());
        running.kill();
        gate.open();
        service.ams.heal();
    }
    site.deliver().expect(0);
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for publication in service.ams.published() {
        let of = ids.entry(text(&publication)).or_default();
        of.insert(publication.empaid);
    }
    let all: BTreeSet<String> = vms(&service.ams).into_iter().collect();
    assert_eq!(all, numbered(90).into_iter().collect());
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert!(service.ams.published().len() > 30);
}

#[test]
fn a_dry_run_reads_no_key_and_asks_nobody() {
    let service = service();
    let world = crate::clouds::plain();
    let mut site = world.site();
    service.configure(&mut site);
    site.set("DEFAULT", "messengers", "ams")
        .set("ams", "key", "/nowhere/hostkey.pem");
    let dry = [
        "--dry-run",
        "--extract-from",
        "2026-10-01",
        "--extract-to",
        "2026-10-16",
    ];
    let outcome = site.extract(&dry).expect(0);
    for part in ["APEL-cloud-message: v0.4", ":publish", ":authx509"] {
        assert!(outcome.stdout.contains(part), "no {part}: {outcome}");
    }
    assert_eq!(service.ams.requests(), (0, 0));
}

/// The same component as a site's own has what the site grants it, and says what it lacks.
#[test]
fn without_a_grant_nothing_is_signed_nor_sent() {
    let service = service();
    let mut site = service.site_of("mine", &clouds(1));
    let file = site.path().join("mine.wasm");
    fs::write(&file, caso_builtin::builtin("ams").unwrap()).unwrap();
    site.set("messenger_mine", "component", &file.display().to_string());
    let path = |name: &str| site.path().join(name).display().to_string();
    let (ca, certificate, key) = (path("ca.pem"), path("hostcert.pem"), path("hostkey.pem"));
    let (port, authn_port) = (service.ams.port(), service.ams.authn_port());
    let settings = [
        ("cafile", ca.clone()),
        ("certificate", certificate.clone()),
        ("key", key.clone()),
        ("host", "localhost".to_owned()),
        ("port", port.to_string()),
        ("authn_port", authn_port.to_string()),
    ];
    for (option, value) in &settings {
        site.set("mine", option, value);
    }
    let grants = [
        format!("signature:{certificate}?keyfile={key}"),
        format!("http:https://localhost:{port}?cafile={ca}&local=true"),
        format!(
            "http:https://localhost:{authn_port}?cafile={ca}&certfile={certificate}\
             &keyfile={key}&local=true"
        ),
    ];
    for missing in 0..grants.len() {
        let some: Vec<&str> = (0..grants.len())
            .filter(|place| *place != missing)
            .map(|place| grants[place].as_str())
            .collect();
        site.set("messenger_mine", "grants", &some.join(", "));
        let (target, _) = grants[missing].split_once('?').unwrap();
        site.deliver().expect(1).says(target).says("grants");
        assert_eq!(service.ams.requests(), (0, 0), "{target}");
    }
    site.set("messenger_mine", "grants", &grants.join(", "));
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(1));
}

fn adopt(site: &Site, queue: &Path) -> Outcome {
    let queue = queue.display().to_string();
    site.start("caso", &["queue", "adopt"], &[&queue]).finish()
}

/// What `ssm` left for ssmsend goes through `ams` as it is, in its order, once.
#[test]
fn an_old_queue_is_taken_over_in_its_order_and_once() {
    let service = service();
    let mut site = service.site_of("ssm", &clouds(10));
    site.set("ssm", "max_size", "1");
    site.deliver().expect(0);
    let queued: Vec<String> = every_type::texts(&site, "ssm");
    assert_eq!(queued.len(), 10);
    site.set("DEFAULT", "messengers", "ssm");
    let queue = site.ssm();
    adopt(&site, &queue)
        .expect(2)
        .says("`ams` is not in `messengers`");
    site.set("DEFAULT", "messengers", "ssm, ams")
        .set("messenger_ams", "record_types", "cloud");
    adopt(&site, &queue).expect(2).says("`apel-message`");
    site.unset("messenger_ams", "record_types");
    // One that ssmsend is just sending, and something that nobody sends.
    let first = files(&queue).into_iter().min().unwrap();
    let lock = first.with_extension("lck");
    fs::hard_link(&first, &lock).unwrap();
    let strange = first.with_file_name("ffffffffffffff");
    fs::write(&strange, "what is this").unwrap();
    let outcome = adopt(&site, &queue).expect(3);
    let outcome = outcome.says("1 message stay").says("they do not begin");
    assert!(!outcome.stdout.contains("older record"), "{outcome}");
    outcome.says("9 messages of");
    let mut stayed = files(&queue);
    stayed.sort();
    assert_eq!(stayed, [first, lock.clone(), strange.clone()]);
    site.deliver().expect(0);
    let texts: Vec<String> = service.ams.published().iter().map(text).collect();
    let trimmed = |texts: &[String]| -> Vec<String> {
        texts
            .iter()
            .map(|text| text.trim_end().to_owned())
            .collect()
    };
    assert_eq!(trimmed(&texts), trimmed(&queued[1..]));
    // ssmsend gave it up.
    fs::remove_file(&lock).unwrap();
    fs::remove_file(&strange).unwrap();
    adopt(&site, &queue)
        .expect(0)
        .says("1 message of")
        .says("the older record comes last");
    adopt(&site, &queue).expect(0).says("0 messages of");
    site.deliver().expect(0);
    site.deliver().expect(0);
    let texts: Vec<String> = service.ams.published().iter().map(text).collect();
    assert_eq!(texts.len(), 10);
    assert_eq!(texts[9].trim_end(), queued[0].trim_end());
    assert!(!site.spool().join("adopting").exists());
}

/// Killed after the copies and before the seal, the same command goes on.
#[test]
fn what_a_kill_left_between_queue_and_journal_is_taken_over() {
    let service = service();
    let mut site = service.site_of("ssm", &clouds(3));
    site.set("ssm", "max_size", "1");
    site.deliver().expect(0);
    site.set("DEFAULT", "messengers", "ams");
    let adopting = site.spool().join("adopting");
    fs::create_dir(&adopting).unwrap();
    let mut queued = files(&site.ssm());
    queued.sort();
    for (place, file) in queued.iter().enumerate().take(2) {
        let folder = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        let name = format!("{folder}-{}", file.file_name().unwrap().to_str().unwrap());
        fs::copy(file, adopting.join(name)).unwrap();
        // The second was copied and not removed yet.
        if place == 0 {
            fs::remove_file(file).unwrap();
        }
    }
    adopt(&site, &site.ssm()).expect(0).says("3 messages of");
    site.deliver().expect(0);
    assert_eq!(vms(&service.ams), numbered(3));
}
