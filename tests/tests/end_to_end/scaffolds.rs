//! What `caso component new --lang rust` makes of each kind, and the examples that are made from
//! it, as they are in the tree. `tests/guests-other` builds them, and those of the other languages, from
//! the registries.

use std::fs;

use caso_tests::build;
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, plain};

fn component(site: &Site, arguments: &[&str]) -> Outcome {
    let mut command = site.command("caso");
    command.arg("component").args(arguments);
    Running::start(command, site.path()).finish()
}

fn bench() -> (World, Site) {
    let world = plain();
    let mut site = world.site();
    let cache = build::workspace()
        .join("target/test-cache")
        .display()
        .to_string();
    site.variable("CACHE_DIRECTORY", &cache);
    (world, site)
}

/// The guide's third command, and what it says of it.
#[test]
fn a_messenger_begins_as_one_that_delivers_and_fits() {
    let (_world, site) = bench();
    let file = build::guests()
        .join("caso_test_starter.wasm")
        .display()
        .to_string();
    component(&site, &["run", &file])
        .expect(0)
        .says("total      3 of 3 records accepted")
        .says("0a9f8b3e-5a41-4c6e-9d0c-6a2f5b1c7e01;vo.example.org;4468812\n");
    component(&site, &["check", &file])
        .expect(0)
        .says(
            "ok    with no option set the host says: `[caso-test-starter] output_path` is not set",
        )
        .says("an empty batch, 1 and 1,000 records of cloud: all accepted")
        .says("\nit fits\n")
        .never_says("warn")
        .never_says("FAIL");
    component(&site, &["check", &file, "--set", "separator="])
        .expect(3)
        .says("`[caso-test-starter] separator`: must not be empty");
}

fn guest(name: &str) -> String {
    let file = build::guests().join(format!("{name}.wasm"));
    file.display().to_string()
}

#[test]
fn a_mapper_begins_as_one_that_makes_records_and_fits() {
    let (_world, site) = bench();
    let file = guest("caso_test_starter_mapper");
    component(&site, &["run", &file])
        .expect(0)
        .says("as the mapper, on the recording in the program\nmakes ")
        .says(" cloud\n");
    component(&site, &["check", &file])
        .expect(0)
        .says("\nit fits\n")
        .never_says("FAIL");
    component(&site, &["check", &file]).says("pin it with `sha256` in [mapper]");
    component(&site, &["run", &file, "--set", "unknown_status="])
        .expect(1)
        .says("`[mapper] unknown_status`: must not be empty");
}

#[test]
fn a_filter_begins_as_one_that_judges_and_fits() {
    let (_world, site) = bench();
    let file = guest("caso_test_starter_filter");
    component(&site, &["run", &file])
        .expect(0)
        .says("as a filter of the sample records");
    component(&site, &["check", &file])
        .expect(0)
        .says("\nit fits\n")
        .never_says("FAIL");
}

/// The guide's mapper in a run: its words, its attribute, its quantities, each once.
#[test]
fn a_sites_own_records_are_delivered() {
    let (_world, mut site) = bench();
    let logstash = Logstash::start(Mood::Normal);
    site.set("DEFAULT", "mapper", &guest("caso_test_own_records"))
        .set("DEFAULT", "messengers", "ssm, logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &logstash.port().to_string());
    let window = ["--extract-from", FROM, "--extract-to", TO];
    site.extract(&window).expect(0);
    let vms = site.cloud_records();
    let own = ["running", "stopped", "completed"];
    assert!(vms.values().all(|vm| own.contains(&vm["Status"].as_str())));
    assert!(vms.values().any(|vm| vm["Status"] == "running"));
    let lines = logstash.lines();
    let hours: Vec<_> = lines
        .iter()
        .filter(|line| line.to_string().contains("vcpu-hours"))
        .collect();
    assert_eq!(hours.len(), vms.len(), "{lines:?}");
}

#[test]
fn the_months_totals_are_written_where_that_is_granted() {
    let (_world, mut site) = bench();
    let file = build::guests()
        .join("caso_test_month_totals.wasm")
        .display()
        .to_string();
    let folder = site.path().join("textfile");
    fs::create_dir(&folder).unwrap();
    let shown = folder.display().to_string();
    site.set("DEFAULT", "messengers", "ssm, totals")
        .set("messenger_totals", "component", &file)
        .set("totals", "folder", &shown);
    let window = ["--extract-from", FROM, "--extract-to", TO];
    site.extract(&window).expect(3).says(&format!(
        "add `directory-write:{shown}` to `grants` in [messenger_totals]"
    ));
    assert!(fs::read_dir(&folder).unwrap().next().is_none());
    site.set(
        "messenger_totals",
        "grants",
        &format!("directory-write:{shown}"),
    );
    site.deliver().expect(0);
    let text = fs::read_to_string(folder.join("caso.prom")).unwrap();
    let sum = |metric: &str| -> u64 {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&format!("{metric}{{")));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    let vms = site.cloud_records();
    assert_eq!(sum("caso_month_vms"), vms.len() as u64, "{text}");
    // All began in the month, so that it is all that APEL is told.
    let wall: u64 = vms
        .values()
        .map(|vm| vm["WallDuration"].parse::<u64>().unwrap())
        .sum();
    assert!(sum("caso_month_wall_seconds") <= wall, "{text}");
    assert!(sum("caso_month_wall_seconds") > 0, "{text}");
    // The same records once more change nothing.
    site.extract(&[&window[..], &["--summary"]].concat());
    assert_eq!(fs::read_to_string(folder.join("caso.prom")).unwrap(), text);
}
