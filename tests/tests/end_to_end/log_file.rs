//! Where standard error is a file, as a cron line has it with `>> caso.log 2>&1`; and logs for
//! programs.

use std::fs::{self, File};
use std::process::Command;

use caso_stand_in::project_id;
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// The lines of a log that a run of this site appended to.
fn appended(site: &Site, arguments: &[&str]) -> Vec<String> {
    // Writes `caso.conf`.
    site.start("caso", &["status"], &[]).finish();
    let log = site.path().join("cron.log");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&log)
        .expect("a file");
    let mut command: Command = site.command("caso-extract");
    let ended = command
        .arg("--config-file")
        .arg(site.path().join("caso.conf"))
        .args(arguments)
        .stdout(file.try_clone().expect("a handle"))
        .stderr(file)
        .status()
        .expect("it starts");
    assert!(ended.code().is_some());
    let text = fs::read_to_string(log).expect("a log");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_good_hour_leaves_its_summary_and_each_line_has_its_time() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "messengers", "ssm");
    let lines = appended(&site, &WINDOW);
    assert!(lines.len() >= 3, "{lines:?}");
    for line in &lines {
        let (time, rest) = line.split_once(' ').expect("words");
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{line}");
        let (process, _) = rest.split_once(' ').expect("words");
        assert!(process.parse::<u32>().is_ok(), "{line}");
    }
    assert!(
        lines.iter().any(|line| line.contains(&format!(
            "info: messenger `ssm`: 12 records delivered to `{}`",
            site.ssm().display()
        ))),
        "{lines:?}"
    );
}

#[test]
fn a_dry_run_has_its_summary_wherever_it_prints() {
    let world = plain();
    let site = world.site();
    site.extract(&[&WINDOW[..], &["--dry-run"]].concat())
        .expect(0)
        .says("messenger `ssm`: 12 records would be delivered to ");
}

#[test]
fn lines_for_programs_have_time_and_fields() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "use_json", "true");
    let outcome = site
        .extract(&[&WINDOW[..], &["--summary"]].concat())
        .expect(0);
    let lines: Vec<serde_json::Value> = outcome
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for line in &lines {
        assert!(
            line["time"].is_string() && line["level"].is_string(),
            "{line}"
        );
    }
    let of = |name: &str| lines.iter().find(|line| line.get(name).is_some());
    let project = of("extractor").expect("a line of an extractor");
    assert_eq!(project["project"], project_id(0));
    assert_eq!(project["records"], 12);
    let messenger = of("messenger").expect("a line of a messenger");
    assert_eq!(messenger["records"], 12);
    assert!(of("requests").expect("the last line")["seconds"].is_number());
}

/// As in Python, the file takes it all, and cron has nothing to mail.
#[test]
fn what_is_asked_and_answered_goes_into_the_log_alone() {
    let world = plain();
    let mut site = world.site();
    let log = site.path().join("caso.log");
    site.set("DEFAULT", "debug", "true")
        .set("DEFAULT", "log_file", &log.display().to_string());
    let outcome = site.extract(&WINDOW).expect(0);
    assert_eq!(outcome.stderr, "", "{outcome}");
    let text = fs::read_to_string(log).expect("a log");
    assert!(text.contains("GET http"), "{text}");
    // Without one they have nowhere else to go.
    let mut site = world.site();
    site.set("DEFAULT", "debug", "true");
    site.extract(&WINDOW).expect(0).says("debug: GET http");
}
