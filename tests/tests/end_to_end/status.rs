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
    for line in ["exit code 3", "failed in 1 run", "1 project failing"] {
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
    // For people, as much as can be read, and nothing that only the ledger could say.
    let told = status(&site, &[]).expect(1);
    told.says("last run    not known")
        .says("look at     cannot read the ledger of runs")
        .says("ssm: nothing waits")
        .never_says("lose its tag");
}

/// While a run goes on, and however long that takes.
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
    assert!(outcome.stdout.contains("did it lose its tag"), "{outcome}");
    assert!(outcome.stdout.contains(&project_id(1)), "{outcome}");
}

/// Nobody asked Keystone for its projects with success, and none of them is lost for that.
#[test]
fn an_outage_of_keystone_is_no_projects_loss() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let mut site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-16"]).expect(0);
    let names_none = |site: &Site, why: &str| {
        for form in [&[][..], &["--nagios"], &["--json"]] {
            status(site, form)
                .never_says("lose its tag")
                .never_says("cursor forget")
                .never_says("no longer extracted");
        }
        status(site, &[]).expect(1).says(why);
        let cursors = site.start("caso", &["cursor"], &[]).finish().expect(0);
        cursors
            .says(why)
            .never_says("did not find it")
            .never_says("cursor forget");
    };
    cloud.inject(Rule::on("/v3/projects"), Fault::Status(503));
    site.set("keystone_auth", "status_code_retries", "0");
    site.extract(&[]).expect(1);
    names_none(&site, "not asked: the cloud failed as a whole");
    cloud.heal();
    // It ended before it asked.
    let queue = site.ssm().display().to_string();
    let file = site.path().join("file");
    std::fs::write(&file, "").unwrap();
    site.set("ssm", "output_path", &file.display().to_string());
    site.extract(&[]).expect(1);
    names_none(&site, "not asked: the last run ended before it asked");
    site.set("ssm", "output_path", &queue);
    // A run of one of them by hand says nothing of the other, either.
    site.extract(&["--projects", &project_id(0), "--extract-to", "2026-10-17"])
        .expect(0);
    names_none(&site, "behind");
}

/// As a run says to do where a service is gone for good. Left out on the command line it is waited for all the same.
#[test]
fn an_extractor_that_was_taken_out_is_no_failure() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "nova, cinder");
    site.extract(&["--extract-to", "2026-10-16"]).expect(0);
    site.extract(&["--extractor", "nova"]).expect(0);
    status(&site, &[])
        .expect(1)
        .says("project-0 cinder: up to 2026-10-16T00:00:00Z")
        .says("look at     2 projects behind");
    site.set("DEFAULT", "extractor", "nova");
    status(&site, &[])
        .expect(0)
        .says("projects    2 projects, 2 up to date\n")
        .says("off         cinder: it is not in `extractor`; it extracted 2 projects, up to 2026-10-16T00:00:00Z")
        .says("all well");
    status(&site, &["--nagios"]).expect(0).says("CASO OK");
    let page = status(&site, &["--prometheus"]).expect(0).stdout;
    assert!(!page.contains("extractor=\"cinder\""), "{page}");
    let cursors = site.start("caso", &["cursor"], &[]).finish().expect(0);
    cursors.says("off: not in `extractor`");
    // Back again it goes on from where it was.
    site.set("DEFAULT", "extractor", "nova, cinder");
    site.extract(&[]).expect(0).never_says("no cursor");
    status(&site, &[]).expect(0).never_says("off  ");
}

/// All projects are up to date, and the last run failed: in its login, in a cloud that `partial_exit_ok` makes
/// light of, or before it asked anybody.
#[test]
fn a_last_run_that_failed_is_never_all_well() {
    let well = |site: &Site| {
        site.extract(&[]).expect(0);
        status(site, &[]).expect(0);
    };
    let says = |site: &Site, attention: &str| {
        let shown = status(site, &[]).expect(1);
        assert!(shown.stdout.contains(attention), "{attention}: {shown}");
        assert!(!shown.stdout.contains("all well"), "{shown}");
        let nagios = status(site, &["--nagios"]).expect(1);
        assert!(nagios.stdout.starts_with("CASO WARNING"), "{nagios}");
        shown
    };
    let cloud = Cloud::start(Plan::generated(1, 1));

    let mut refused = site(&cloud);
    well(&refused);
    refused.set("keystone_auth", "password", "wrong");
    refused.extract(&[]).expect(1);
    says(&refused, "1 cloud failing as a whole");

    let mut untagged = site(&cloud);
    well(&untagged);
    untagged.set("DEFAULT", "caso_tag", "nosuchtag");
    untagged.extract(&[]).expect(1);
    says(&untagged, "the last run ended with exit code 1");

    let mut partly = site(&cloud);
    partly
        .set("DEFAULT", "clouds", "default, north")
        .set("DEFAULT", "partial_exit_ok", "true")
        .set("cloud_north", "keystone", "keystone_auth_north")
        .set("keystone_auth_north", "auth_url", "http://127.0.0.1:9/v3")
        .set("keystone_auth_north", "auth_type", "v3password")
        .set("keystone_auth_north", "username", "accounting")
        .set("keystone_auth_north", "password", "secret")
        .set("keystone_auth_north", "user_domain_name", "Default")
        .set("keystone_auth_north", "project_domain_name", "Default");
    partly
        .extract(&[])
        .expect(0)
        .says("check `auth_url` in `[keystone_auth_north]`");
    let shown = says(&partly, "1 cloud failing as a whole");
    assert!(shown.stdout.contains("cloud `north`: "), "{shown}");
    assert!(shown.stdout.contains("last whole  none yet"), "{shown}");
}

/// What stops it lies before the first project, and the run before it was well.
#[test]
fn a_run_that_ends_before_its_work_is_the_last_one() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    let metrics = site.path().join("caso.prom");
    site.set("DEFAULT", "metrics_file", &metrics.display().to_string());
    site.extract(&[]).expect(0);
    let file = site.path().join("file");
    std::fs::write(&file, "").unwrap();
    site.set("ssm", "output_path", &file.display().to_string());
    site.extract(&[]).expect(1).says("where a folder must be");
    let shown = status(&site, &[]).expect(1);
    for part in [
        "exit code 1",
        "where a folder must be",
        "ended with exit code 1",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown}");
    }
    let text = std::fs::read_to_string(&metrics).unwrap();
    assert!(text.contains("caso_last_run_exit_code 1\n"), "{text}");
    let nagios = status(&site, &["--nagios"]).expect(1);
    assert!(nagios.stdout.starts_with("CASO WARNING"), "{nagios}");
    // A configuration that cannot be used, too; and one run that found another at work left its traces there.
    site.set("ssm", "output_path", &site.ssm().display().to_string());
    site.set("DEFAULT", "site_name", "");
    site.extract(&[]).expect(2);
    let shown = status(&site, &[]).expect(1);
    assert!(shown.stdout.contains("exit code 2"), "{shown}");
}

/// Whoever looks takes no earlier run for the last one.
#[test]
fn a_run_that_cannot_have_its_lock_leaves_a_line() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    site.extract(&[]).expect(0);
    // Something else stands in the place of the lock file.
    let lock_path = site.path().join("lock");
    std::fs::create_dir_all(lock_path.join("caso_should_not_run_in_parallel")).unwrap();
    site.set("DEFAULT", "lock_path", &lock_path.display().to_string());
    let refused = site.extract(&[]);
    assert_ne!(refused.code(), 0, "{refused}");
    refused.says("cannot take the lock");
    let ledger = std::fs::read_dir(site.spool().join("caso-runs")).unwrap();
    let ledger = std::fs::read_to_string(ledger.last().unwrap().unwrap().path()).unwrap();
    assert_eq!(ledger.lines().count(), 2, "{ledger}");
    assert!(
        ledger
            .lines()
            .last()
            .unwrap()
            .contains("cannot take the lock"),
        "{ledger}"
    );
}
