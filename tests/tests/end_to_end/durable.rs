//! What once lost, doubled or blocked something that was not at fault itself: services that
//! fail for an hour, clocks that are days apart, a queue that is away, an answer without end.

use caso_stand_in::{Cloud, Fault, Gate, Plan, Project, Rule, Server, Servers, epoch, project_id};
use std::collections::BTreeSet;

use caso_tests::site::Site;
use caso_tests::spool::{self, Message};

fn cloud() -> Cloud {
    let created = epoch("2026-10-06");
    let server = |n| Server {
        created,
        launched: Some(created),
        updated: created,
        ..Server::numbered(0, n)
    };
    let servers = vec![server(0), server(1).deleted(epoch("2026-10-07"))];
    Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        ..Plan::default()
    })
}

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "first_extract_from", "2026-10-05");
    site.set("DEFAULT", "extractor", "nova");
    site
}

const HOUR: [&str; 2] = ["--extract-to", "2026-10-08"];

/// A VM that ended has its last record in this window: what that lacks nobody adds later.
#[test]
fn an_hour_without_names_costs_no_name() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("keystone_auth", "timeout", "1");
    for fault in [
        Fault::Status(503),
        Fault::Status(500),
        Fault::Html,
        Fault::Truncated,
        Fault::Closed,
        Fault::Never,
    ] {
        cloud.inject(Rule::on("/users/"), fault.clone());
        site.extract(&HOUR)
            .expect(1)
            .says("the names of users cannot be looked up")
            .never_says("could not be looked up");
        assert_eq!(site.cursor(&project_id(0)), None, "{fault:?}");
        cloud.heal();
    }
    site.extract(&HOUR).expect(0);
    let records = site.cloud_records();
    assert_eq!(records.len(), 2);
    for record in records.values() {
        assert!(record.contains_key("GlobalUserName"), "{record:?}");
    }
}

/// Keystone fails for one user, and not for the others: that is no outage.
#[test]
fn a_user_for_whom_keystone_fails_costs_its_own_name() {
    let cloud = cloud();
    cloud.change(|plan| match &mut plan.projects[0].servers {
        Servers::Listed(servers) => servers[1].user_id = caso_stand_in::user_id(1),
        other => panic!("{other:?}"),
    });
    let site = site(&cloud);
    let broken = caso_stand_in::user_id(1);
    cloud.inject(Rule::on(&format!("/users/{broken}")), Fault::Status(500));
    site.extract(&HOUR).expect(0).says("1 user");
    let named = site.cloud_records();
    let named = named
        .values()
        .filter(|record| record.contains_key("GlobalUserName"));
    assert_eq!(named.count(), 1);
}

/// Whose clock is wrong, nobody can tell from here: what was extracted could not be taken back.
#[test]
fn clocks_that_are_days_apart_stop_the_extraction() {
    const DAY: i64 = 86_400;
    for (ahead, words) in [
        (
            -365 * DAY,
            "OpenStack's clock is 365 days behind this machine's",
        ),
        (
            400 * DAY,
            "OpenStack's clock is 400 days ahead of this machine's",
        ),
        (-DAY - 7_300, "26 hours behind"),
    ] {
        let cloud = cloud();
        cloud.change(|plan| plan.clock_ahead = ahead);
        let site = site(&cloud);
        site.extract(&[])
            .expect(1)
            .says(words)
            .says("nothing is extracted until the two agree");
        assert_eq!(site.cursor(&project_id(0)), None);
        assert!(site.messages().is_empty());
    }
}

/// It loses nothing, and the operator learns of it.
#[test]
fn a_machine_behind_openstack_is_said() {
    let cloud = cloud();
    cloud.change(|plan| plan.clock_ahead = 3_600);
    site(&cloud)
        .extract(&[])
        .expect(0)
        .says("this machine's clock is 3")
        .says("nothing is lost");
}

/// The queue of one messenger is away: the other one gets its records, and the first one's wait.
#[test]
fn a_queue_that_cannot_be_written_costs_its_messenger_alone() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "messengers", "ssm, noop");
    let file = site.path().join("in-the-way");
    std::fs::write(&file, "").unwrap();
    let queue = file.join("queue").display().to_string();
    site.set("ssm", "output_path", &queue);
    site.extract(&HOUR)
        .expect(3)
        .says("messenger `ssm` is not used, its records wait")
        .says("messenger `noop`: 2 records delivered");
    std::fs::remove_file(&file).unwrap();
    site.deliver().expect(0);
    let messages = spool::read(&file.join("queue"));
    let records = messages.iter().flat_map(Message::cloud_records);
    assert_eq!(records.count(), 2);
}

/// What was not read by then waits; what was read is delivered.
#[test]
fn an_extraction_without_end_is_ended() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "extraction_timeout", "1");
    cloud.inject(Rule::on("/servers/detail"), Fault::Never);
    site.extract(&HOUR)
        .expect(1)
        .says("the extraction took longer than `extraction_timeout` (1 s)")
        .says("it was reading nova of `project-0`");
    // Whoever looks later learns at what.
    site.start("caso", &["status"], &[])
        .finish()
        .expect(1)
        .says("never extracted: not read to its end within `extraction_timeout` (1 s)");
    cloud.heal();
    site.set("DEFAULT", "extraction_timeout", "1h");
    site.extract(&HOUR).expect(0);
    assert_eq!(site.cloud_records().len(), 2);
}

#[test]
fn who_waits_for_the_lock_can_be_asked_to_end() {
    let cloud = cloud();
    let site = site(&cloud);
    let gate = Gate::default();
    cloud.inject(Rule::on("/servers/detail"), Fault::Held(gate.clone()));
    let first = site.start("caso-extract", &[], &HOUR);
    assert!(gate.is_reached(), "nothing was asked");
    let second = site.start("caso-extract", &[], &HOUR);
    second.hears_sigterm();
    let outcome = second.terminate();
    assert_eq!(outcome.code(), 1, "{outcome}");
    outcome.says("asked to end while waiting for the lock");
    gate.open();
    first.finish().expect(0);
}

/// cASO runs without it; so do we, and say that it is not there.
#[test]
fn a_log_that_cannot_be_written_stops_no_accounting() {
    let cloud = cloud();
    let mut site = site(&cloud);
    let nowhere = site.path().join("no/folder/caso.log").display().to_string();
    site.set("DEFAULT", "log_file", &nowhere);
    site.extract(&HOUR)
        .expect(0)
        .says("can't open the log file")
        .says("standard error")
        .says("correct `log_file` or `log_dir`")
        .never_says("use_syslog");
    assert_eq!(site.cloud_records().len(), 2);
    // It is the same from hour to hour, and so is every mail about it.
    site.extract(&["--extract-to", "2026-10-09"])
        .expect(0)
        .never_says("log file");
}

/// A person looks on: what cron has mailed once still holds.
#[test]
fn a_standing_warning_is_shown_to_who_looks_on() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("ssm", "ouput_path", "/nowhere");
    let word = "`[ssm] ouput_path` is not an option";
    site.extract(&["--extract-to", "2026-10-08"])
        .expect(0)
        .says(word);
    site.extract(&["--extract-to", "2026-10-09"])
        .expect(0)
        .never_says(word);
    site.extract(&["--extract-to", "2026-10-10", "--summary"])
        .expect(0)
        .says(word);
}

/// What is missing often stands there under a name that nobody knows.
#[test]
fn a_misspelt_option_is_named_beside_what_is_missing_for_it() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.unset("keystone_auth", "username");
    site.set("keystone_auth", "usernme", "accounting");
    site.extract(&HOUR)
        .expect(2)
        .says("did you mean `username`?");
}

#[test]
fn the_spelling_of_casos_own_sample_is_taken() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.unset("keystone_auth", "username");
    site.set("keystone_auth", "user-name", "accounting");
    site.extract(&HOUR).expect(0);
}

/// Whoever gets them adds the intervals of a volume up: extracted again they must be the same.
#[test]
fn a_window_by_hand_counts_no_interval_twice() {
    let cloud = cloud();
    cloud.change(|plan| plan.projects[0].volumes = vec![caso_stand_in::Volume::numbered(0, 0)]);
    let mut site = site(&cloud);
    site.set("DEFAULT", "extractor", "cinder, nova");
    for hour in ["01", "02", "03"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(0);
    }
    let ids = |site: &Site| {
        let records = site.storage_records();
        let ids: BTreeSet<String> = records.iter().map(|it| it["recordId"].clone()).collect();
        ids
    };
    let (right, before) = (ids(&site), site.storage_records().len());
    assert_eq!(right.len(), 3);
    let by_hand = [
        "--extract-from",
        "2026-10-08 01:30:00",
        "--extract-to",
        "2026-10-08 02:30:00",
    ];
    site.extract(&by_hand).expect(0);
    assert_eq!(ids(&site), right);
    assert_eq!(site.storage_records().len(), before + 2);
    // What nobody knows any more is refused, and Nova's part goes on.
    std::fs::remove_dir_all(site.spool().join("caso-runs")).unwrap();
    site.extract(&by_hand)
        .expect(3)
        .says("was extracted before: the ledger of runs does not have them");
    assert_eq!(ids(&site), right);
    site.set("DEFAULT", "overlapping_intervals", "true");
    site.extract(&by_hand).expect(0);
    assert_eq!(ids(&site).len(), 4);
}
