//! Filters between the journal and one messenger: they change what that one gets and nothing
//! else, and nothing goes by one that fails.

use std::collections::{BTreeMap, BTreeSet};

use caso_tests::build;
use caso_tests::site::Site;
use caso_tests::spool;

use crate::clouds::{FROM, TO, World, plain};

/// `ssm`, and the same once more behind these filters.
fn site(filters: &str) -> (World, Site) {
    let world = plain();
    let mut site = world.site();
    let path = site.path().join("second").display().to_string();
    site.set("DEFAULT", "messengers", "ssm, second")
        .set("messenger_second", "component", "ssm")
        .set("messenger_second", "filters", filters)
        .set("second", "output_path", &path);
    (world, site)
}

/// With the tests' own filter under that verb.
fn with_verb(verb: &str) -> (World, Site) {
    let (world, mut site) = site("mine");
    let file = build::guests()
        .join("caso_test_filter.wasm")
        .display()
        .to_string();
    site.set("filter_mine", "component", &file)
        .set("mine", "verb", verb);
    (world, site)
}

fn extract(site: &Site) -> caso_tests::outcome::Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

/// Cloud records by VM, of the messages in this folder.
fn records(site: &Site, folder: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let messages = spool::read(&site.path().join(folder));
    let records = messages
        .into_iter()
        .flat_map(|message| message.cloud_records());
    records
        .map(|record| (record["VMUUID"].clone(), record))
        .collect()
}

#[test]
fn names_are_hashed_for_one_messenger_alone() {
    let (_world, mut site) = site("anonymise");
    site.set("anonymise", "key", "0123456789abcdef-key");
    extract(&site).expect(0).never_says("0123456789abcdef-key");
    let (plain, hidden) = (records(&site, "ssm"), records(&site, "second"));
    assert!(!plain.is_empty());
    let mut hashes = BTreeMap::new();
    for (vm, record) in &plain {
        let mut theirs = hidden[vm].clone();
        for field in ["GlobalUserName", "LocalUserId"] {
            let (Some(own), Some(other)) = (record.get(field), theirs.get(field).cloned()) else {
                continue;
            };
            assert!(
                other.len() == 32 && other.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{field}: {other}"
            );
            // The same for the same user.
            assert_eq!(*hashes.entry(own.clone()).or_insert(other.clone()), other);
            theirs.insert(field.to_owned(), own.clone());
        }
        assert_eq!(*record, theirs, "nothing else has changed");
    }
    assert!(hashes.len() > 1, "{hashes:?}");
    assert_eq!(plain.len(), hidden.len());
}

#[test]
fn names_are_left_out() {
    let (_world, mut site) = site("anonymise");
    site.set("anonymise", "method", "drop").set(
        "anonymise",
        "fields",
        "global-user-name, machine-name",
    );
    extract(&site).expect(0);
    let hidden = records(&site, "second");
    assert!(!hidden.is_empty());
    for (vm, record) in records(&site, "ssm") {
        assert!(
            hidden[&vm]
                .get("GlobalUserName")
                .is_none_or(|name| name == "NULL"),
            "{:?}",
            hidden[&vm]
        );
        assert_eq!(hidden[&vm].get("LocalUserId"), record.get("LocalUserId"));
    }
}

/// A hash without a key would be none: nothing is delivered, and nothing is lost.
#[test]
fn without_a_key_all_waits() {
    let (_world, mut site) = site("anonymise");
    extract(&site)
        .expect(3)
        .says("filter `anonymise` cannot be used")
        .says("`openssl rand -hex 32` makes one");
    assert!(records(&site, "second").is_empty());
    assert!(!records(&site, "ssm").is_empty());
    site.set("anonymise", "key", "0123456789abcdef");
    site.deliver().expect(0);
    assert_eq!(records(&site, "second").len(), records(&site, "ssm").len());
}

/// Of what a filter leaves out a run publishes nothing.
#[test]
fn a_preview_counts_what_is_left() {
    let (_world, site) = with_verb("drop:vm-0-1");
    let shown = site
        .start(
            "caso",
            &["preview"],
            &[
                "--format",
                "json",
                "--extract-from",
                FROM,
                "--extract-to",
                TO,
            ],
        )
        .finish()
        .expect(0);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let records = |name: &str| {
        let mut messengers = shown["messengers"].as_array().unwrap().iter();
        let found = messengers.find(|it| it["name"] == name).unwrap();
        found["records"].as_u64().unwrap()
    };
    assert_eq!(records("second"), records("ssm") - 1, "{shown}");
}

#[test]
fn what_is_dropped_is_counted_and_not_offered_again() {
    let (_world, mut site) = with_verb("drop:vm-0-1");
    let outcome = site
        .extract(&["--extract-from", FROM, "--extract-to", TO, "--summary"])
        .expect(0);
    outcome.says("messenger `second`: 1 record left out by its filters: private (1)");
    let names = |folder: &str| -> BTreeSet<String> {
        let records = records(&site, folder).into_values();
        records
            .map(|record| record["MachineName"].clone())
            .collect()
    };
    let (all, left) = (names("ssm"), names("second"));
    let gone: Vec<&String> = all.difference(&left).collect();
    assert_eq!(gone, ["vm-0-1"]);
    // It is done with.
    site.set("mine", "verb", "keep");
    let before = records(&site, "second");
    site.deliver().expect(0);
    assert_eq!(records(&site, "second"), before);
}

#[test]
fn filters_are_passed_in_order() {
    let (_world, mut site) = with_verb("rename");
    site.set("messenger_second", "filters", "mine, anonymise")
        .set("anonymise", "key", "0123456789abcdef")
        .set("anonymise", "fields", "machine-name");
    extract(&site).expect(0);
    let names: BTreeSet<String> = records(&site, "second")
        .into_values()
        .map(|record| record["MachineName"].clone())
        .collect();
    assert_eq!(names.len(), 1, "the hash of `renamed`: {names:?}");
    assert!(names.iter().all(|name| name.len() == 32), "{names:?}");
}

/// Nothing goes by, whatever it does, nobody else is harmed, and nothing is quarantined.
#[test]
fn nothing_goes_by_one_that_fails() {
    for (verb, words) in [
        ("trap", "failed in `filter`"),
        ("loop", "failed in `filter`"),
        ("too-few", "verdicts for"),
        ("other", "it answers `later`: unheard of"),
        (
            "change-id",
            "it changes the `id` or the `supersedes` of record",
        ),
        ("backwards", "before it starts"),
        ("refuse-to-start", "not today"),
    ] {
        let (_world, mut site) = with_verb(verb);
        site.set("filter_mine", "deadline", "2s");
        extract(&site)
            .expect(3)
            .says(words)
            .never_says("in quarantine")
            .never_says("is unknown and has no effect");
        let all = records(&site, "ssm");
        assert!(!all.is_empty(), "{verb}");
        assert!(records(&site, "second").is_empty(), "{verb}");
        site.set("mine", "verb", "rename");
        site.deliver().expect(0);
        assert_eq!(records(&site, "second").len(), all.len(), "{verb}");
    }
}

#[test]
fn of_wrong_configurations() {
    let refused = |site: &Site, words: &str| {
        extract(site).expect(2).says(words);
    };
    let (_world, misspelt) = site("anonymize");
    refused(
        &misspelt,
        "no filter `anonymize` is built in (there is `anonymise`)",
    );
    let (_world, mut both) = site("ssm");
    both.set("filter_ssm", "component", "anonymise");
    refused(&both, "`ssm` is a filter and a messenger");
    let (_world, reserved) = site("prometheus");
    refused(&reserved, "`prometheus` cannot name a filter");
    let (_world, mut other) = site("mine");
    let file = build::mischief().display().to_string();
    other.set("filter_mine", "component", &file);
    extract(&other)
        .expect(3)
        .says("component `mischief` is a messenger, not a filter")
        .says("a messenger is named in `messengers` in [DEFAULT]");
    other
        .start("caso", &["component", "list"], &["--json"])
        .finish()
        .expect(3)
        .says("\"world\": \"messenger\"");
    let world = plain();
    let mut idle = world.site();
    idle.set("filter_mine", "component", &file)
        .set("filter_anonymise", "sha256", "");
    extract(&idle)
        .expect(0)
        .says("[filter_mine] has no effect: no messenger has `mine` among its `filters`")
        .never_says("[filter_anonymise] has no effect");
}

#[test]
fn the_toolbox_knows_filters() {
    let (_world, mut site) = with_verb("rename");
    let cache = build::workspace()
        .join("target/test-cache")
        .display()
        .to_string();
    site.variable("CACHE_DIRECTORY", &cache);
    let file = build::guests()
        .join("caso_test_filter.wasm")
        .display()
        .to_string();
    let component = |arguments: &[&str]| {
        let mut command = site.command("caso");
        command.arg("component").args(arguments);
        caso_tests::outcome::Running::start(command, site.path()).finish()
    };
    component(&["inspect", &file])
        .expect(0)
        .says(": a filter for this engine")
        .says("[messenger_ssm]\nfilters = test-filter\n");
    component(&["run", &file, "--set", "verb=drop"])
        .expect(0)
        .says("cloud: 0 kept, 0 replaced, 3 dropped: private");
    component(&["check", &file])
        .expect(0)
        .says("judges in the same way twice");
    component(&["check", &file, "--set", "verb=trap"])
        .expect(1)
        .says("FAIL");
    let listed = site
        .start("caso", &["component", "list"], &[])
        .finish()
        .expect(0);
    assert!(
        listed
            .stdout
            .lines()
            .any(|line| line.starts_with("mine ") && line.contains(" filter ")),
        "{listed}"
    );
    assert!(
        listed
            .stdout
            .lines()
            .any(|line| line.starts_with("anonymise ") && line.ends_with("not in use")),
        "{listed}"
    );
}

/// Not a messenger's of that name, which need not exist.
#[test]
fn what_a_filter_says_is_logged_as_a_filters() {
    let (_world, site) = with_verb("warn:vm-0-1");
    extract(&site)
        .expect(0)
        .says("filter `mine`: seen by a filter");
}
