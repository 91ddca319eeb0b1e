//! `caso status`: what the spool says of the runs so far, and what a run leaves for it.

use caso_stand_in::{Cloud, Fault, Plan, Rule, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "nova");
    site.set("DEFAULT", "first_extract_from", "2026-10-05");
    site
}

fn status(site: &Site, form: &[&str]) -> Outcome {
    site.start("caso", &["status"], form).finish()
}

#[test]
fn a_run_leaves_what_status_shows_and_metrics() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let mut site = site(&cloud);
    let metrics = site.path().join("caso.prom");
    site.set("DEFAULT", "metrics_file", &metrics.display().to_string());
    let before = status(&site, &[]).expect(1);
    assert!(before.stdout.contains("none is known"), "{before}");
    let spool = std::fs::read_dir(site.spool()).map_or(0, Iterator::count);
    assert_eq!(spool, 0, "it writes nothing");

    site.extract(&[]).expect(0);
    let well = status(&site, &[]).expect(0);
    for line in [
        "exit code 0",
        "2 projects, 2 up to date",
        "ssm: nothing waits",
        "all well",
    ] {
        assert!(well.stdout.contains(line), "{line}: {well}");
    }
    let text = std::fs::read_to_string(&metrics).unwrap();
    assert!(text.contains("caso_last_run_exit_code 0\n"), "{text}");
    assert!(
        text.contains("caso_records_waiting{messenger=\"ssm\"} 0\n"),
        "{text}"
    );
    let nagios = status(&site, &["--nagios"]).expect(0);
    assert!(
        nagios.stdout.starts_with("CASO OK - all well | lag="),
        "{nagios}"
    );

    // Back by a day or more, so that there is a window also within the same second.
    for n in 0..2 {
        site.set_cursor(&project_id(n), "2026-11-20 00:00:00+00:00");
    }
    cloud.inject(
        Rule::on("/servers/detail").of_project(&project_id(1)),
        Fault::Status(500),
    );
    site.extract(&[]).expect(3);
    let ill = status(&site, &[]).expect(1);
    for line in ["exit code 3", "failed in 1 run", "1 failing"] {
        assert!(ill.stdout.contains(line), "{line}: {ill}");
    }
    let json = status(&site, &["--json"]).expect(1);
    let facts: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(facts["format"], 1);
    assert_eq!(facts["last_run"]["exit"], 3);
    let failing = |cursor: &&serde_json::Value| cursor["failed_runs"] == 1;
    let cursors = facts["cursors"].as_array().unwrap();
    let failing: Vec<_> = cursors.iter().filter(failing).collect();
    assert_eq!(failing.len(), 1);
    assert_eq!(failing[0]["project"], project_id(1));
    assert!(
        status(&site, &["--prometheus"])
            .expect(0)
            .stdout
            .contains("caso_last_run_failures 1\n")
    );
}

/// While a run goes on, and however long that takes.
/// Nagios shows what stands on standard output, and nothing else.
#[test]
fn a_spool_that_cannot_be_read_is_unknown_to_nagios() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let site = site(&cloud);
    site.extract_october().expect(0);
    let ledger = site.spool().join("caso-runs");
    std::fs::remove_dir_all(&ledger).unwrap();
    std::fs::write(&ledger, "").unwrap();
    let told = status(&site, &["--nagios"]).expect(3);
    assert!(
        told.stdout
            .starts_with("CASO UNKNOWN - cannot read the ledger of runs: "),
        "{told}"
    );
    assert_eq!((told.stdout.lines().count(), told.stderr.as_str()), (1, ""));
    let told = status(&site, &[]).expect(1);
    assert_eq!(told.stdout, "");
    assert!(
        told.stderr.contains("cannot read the ledger of runs"),
        "{told}"
    );
}

#[test]
fn it_waits_for_no_lock() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let site = site(&cloud);
    let gate = caso_stand_in::Gate::default();
    cloud.inject(Rule::on("/servers/detail"), Fault::Held(gate.clone()));
    let run = site.start("caso-extract", &[], &[]);
    assert!(gate.is_reached(), "nothing was asked");
    status(&site, &["--json"]).expect(1);
    gate.open();
    run.finish().expect(0);
}

/// It disappears from Keystone's list without a word, and its usage with it.
#[test]
fn a_project_that_lost_its_tag_is_named() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-16"]).expect(0);
    cloud.change(|plan| plan.projects[1].tags.clear());
    site.extract(&["--extract-to", "2026-10-17"]).expect(0);
    let outcome = status(&site, &[]).expect(1);
    assert!(outcome.stdout.contains("has it lost its tag"), "{outcome}");
    assert!(outcome.stdout.contains(&project_id(1)), "{outcome}");
}
