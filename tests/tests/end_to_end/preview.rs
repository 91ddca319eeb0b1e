//! `caso preview` and `--dry-run --format`: what would be published, and nothing is.

use std::fs;

use caso_stand_in::{Cloud, Fault, Plan, Rule, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;
use caso_tests::spool;

use crate::clouds::{FROM, TO, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

fn preview(site: &Site, arguments: &[&str]) -> Outcome {
    site.start("caso", &["preview"], &[&WINDOW, arguments].concat())
        .finish()
}

fn is_untouched(site: &Site) {
    assert!(spool::names(&site.spool()).is_empty());
    assert!(!site.ssm().exists());
}

#[test]
fn a_table_counts_what_a_run_publishes_then() {
    let world = plain();
    let site = world.site();
    let shown = preview(&site, &[]).expect(0);
    is_untouched(&site);
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "window 2026-10-05T00:00:00Z to 2026-10-16T00:00:00Z"
    );
    assert!(lines[1].starts_with("PROJECT "), "{shown}");
    let row: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(row[2], "10", "{shown}");
    let to = format!(
        "ssm: 12 records in 2 messages to `{}`",
        site.ssm().display()
    );
    assert!(lines.contains(&to.as_str()), "{shown}");
    assert_eq!(lines.last(), Some(&"next  caso extract"), "{shown}");
    // The same of a dry run with the flag; without it a dry run prints the messages.
    let dry = site
        .extract(&[&WINDOW[..], &["--dry-run", "--format", "table"]].concat())
        .expect(0);
    assert_eq!(dry.stdout, shown.stdout);
    is_untouched(&site);
    site.extract(&WINDOW).expect(0);
    assert_eq!(site.cloud_records().len(), 10);
}

#[test]
fn json_has_every_record() {
    let world = plain();
    let site = world.site();
    let shown = preview(&site, &["--format", "json"]).expect(0);
    let facts: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(facts["format"], 1);
    assert_eq!(facts["projects"][0]["project_id"], project_id(0));
    assert_eq!(facts["projects"][0]["records"]["cloud"], 10);
    assert_eq!(facts["messengers"][0]["messages"], 2);
    let records = facts["records"].as_array().expect("a list");
    assert_eq!(records.len(), 12);
    assert_eq!(records[0]["type"], "cloud");
    is_untouched(&site);
}

#[test]
fn a_difference_is_shown_record_by_record() {
    let world = plain();
    let site = world.site();
    site.extract(&WINDOW).expect(0);
    let there = site.ssm().display().to_string();
    let same = preview(&site, &["--format", "diff"]).expect(0);
    assert_eq!(
        same.stdout,
        format!(
            "beside {there}: 12 records the same, 0 only there, 0 only here, 0 different\nnext  caso extract\n"
        )
    );
    // Another site wrote these.
    let message = &site.messages()[0];
    let other = site.path().join("other");
    fs::create_dir_all(other.join("00000000")).expect("a folder");
    let (kept, dropped) = message.text.split_once("%%\n").expect("several records");
    let text = format!("{kept}%%\nVMUUID: gone\nStatus: completed\nEndTime: 1791072000\n");
    assert!(dropped.contains("VMUUID"));
    fs::write(
        other.join("00000000").join("00000000000001"),
        text.replace("SiteName: TEST-SITE\n", "SiteName: ELSEWHERE\n"),
    )
    .expect("a file");
    let differs = preview(&site, &["--against", &other.display().to_string()]).expect(3);
    for text in [
        "0 records the same, 1 only there, 11 only here, 1 different",
        "only there  cloud gone 2026-10",
        "SiteName ELSEWHERE there, TEST-SITE here",
    ] {
        assert!(differs.stdout.contains(text), "{text}: {differs}");
    }
    preview(&site, &["--against", "/nowhere"])
        .expect(2)
        .says("`/nowhere` is not a folder");
}

#[test]
fn a_project_that_cannot_be_read_is_named_and_the_rest_is_shown() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let site = Site::at(&cloud);
    cloud.inject(
        Rule::on("/servers/detail").of_project(&project_id(1)),
        Fault::Status(500),
    );
    let shown = preview(&site, &[]).expect(3);
    assert!(
        shown
            .stdout
            .contains("not read: project `project-1`, nova: "),
        "{shown}"
    );
    assert!(shown.stdout.contains("ssm: "), "{shown}");
    assert!(shown.stdout.ends_with("next  caso check\n"), "{shown}");
    is_untouched(&site);
}

/// Neither it nor a dry run counts itself.
#[test]
fn a_look_is_none_of_the_runs_that_failed() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let site = Site::at(&cloud);
    cloud.inject(
        Rule::on("/servers/detail").of_project(&project_id(1)),
        Fault::Status(500),
    );
    let often = "failed in the last ";
    site.extract(&WINDOW).expect(3).never_says(often);
    preview(&site, &[]).expect(3).never_says(often);
    site.extract(&[&WINDOW[..], &["--dry-run"]].concat())
        .expect(3)
        .never_says(often);
    site.extract(&WINDOW)
        .expect(3)
        .says("failed in the last 2 runs");
    preview(&site, &[])
        .expect(3)
        .says("failed in the last 2 runs");
}

/// Where nobody could be asked, nobody knows whether anything was used.
#[test]
fn without_a_login_it_does_not_say_that_nothing_was_used() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("keystone_auth", "password", "wrong");
    let shown = preview(&site, &[]).expect(1);
    assert!(
        shown.stdout.starts_with("nothing could be read\n"),
        "{shown}"
    );
}

#[test]
fn where_its_output_has_no_room_it_says_so() {
    let world = plain();
    let site = world.site();
    // Which writes its caso.conf.
    preview(&site, &[]).expect(0);
    let mut command = site.command("caso");
    command
        .args(["extract", "--dry-run", "--config-file"])
        .arg(site.path().join("caso.conf"))
        .args(WINDOW);
    let full = std::fs::File::options().write(true).open("/dev/full");
    command.stdout(full.unwrap());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("cannot write to standard output: No space left on device"),
        "{said}"
    );
}

#[test]
fn a_form_without_a_dry_run_is_refused() {
    let world = plain();
    let site = world.site();
    site.extract(&[&WINDOW[..], &["--format", "table"]].concat())
        .expect(2)
        .says("add `--dry-run`");
    is_untouched(&site);
}
