//! A journal that an older cASO left, delivered by this one.
//!
//! `tests/golden/journal-1` is in format 1, as the last program before version 1.0 of the
//! contract left it in a killed-off site: a segment of every type of record, of which
//! `logstash` had its batches packed and nothing accepted, `half` one of three cloud
//! records accepted, and `ssm` not even a pack; and a second segment that nobody packed.
//! The records are those of `tests/golden/records/facts.jsonl`.

use std::fs;
use std::path::Path;

use caso_tests::build::workspace;
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;
use serde_json::Value;

use crate::every_type::{TYPES, lines, message, texts};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn site(logstash: &Logstash, half: &Logstash) -> Site {
    let mut site = Site::with_auth_url("http://127.0.0.1:9/never-asked");
    site.set("DEFAULT", "messengers", "ssm, logstash, half")
        .set("ssm", "star_record_id", "volume")
        .set("logstash", "host", "localhost")
        .set("logstash", "port", &logstash.port().to_string())
        .set("messenger_half", "component", "logstash")
        .set("messenger_half", "record_types", "cloud")
        .set("half", "host", "localhost")
        .set("half", "port", &half.port().to_string());
    copy(
        &workspace().join("tests/golden/journal-1"),
        &site.spool().join("caso-journal"),
    );
    site
}

fn deliver(site: &Site) -> Outcome {
    site.start("caso", &["deliver"], &["--summary"]).finish()
}

fn ip_records(message: &str) -> Vec<Value> {
    let message: Value = serde_json::from_str(message).unwrap();
    message["UsageRecords"].as_array().unwrap().clone()
}

#[test]
fn what_an_older_caso_sealed_is_delivered_to_the_byte() {
    let (logstash, half) = (Logstash::start(Mood::Normal), Logstash::start(Mood::Normal));
    let site = site(&logstash, &half);
    deliver(&site)
        .expect(0)
        .says("messenger `ssm`: 11 records delivered")
        .says("messenger `logstash`: 15 records delivered")
        .says("messenger `half`: 2 records delivered")
        .never_says("damaged")
        .never_says("newer");

    let sent = texts(&site, "ssm");
    let [cloud, ip, accelerator, storage] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(*cloud, message("5.2.2", "cloud"));
    assert_eq!(*accelerator, message("5.2.2", "accelerator"));
    assert_eq!(*storage, message("5.2.2", "storage"));
    // Those of both segments.
    let once = ip_records(&message("5.2.2", "ip"));
    assert_eq!(ip_records(ip), [once.clone(), once].concat());

    let second = [lines("ip"), lines("object-storage")].concat();
    assert_eq!(logstash.text(), TYPES.map(lines).concat() + &second);
    // What was accepted then does not come again.
    let all = lines("cloud");
    let left: String = all.split_inclusive('\n').skip(1).collect();
    assert_eq!(half.text(), left);

    // Nothing waits, nothing comes twice, and nothing of it is left on the disk.
    deliver(&site).expect(0).never_says("delivered");
    assert_eq!(half.text(), left);
    let segments = site.spool().join("caso-journal/segments");
    assert_eq!(fs::read_dir(segments).unwrap().count(), 0);
}
