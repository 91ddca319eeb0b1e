//! `caso check`: what a run would do, said before it does it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use caso_stand_in::{Account, Certificate, Cloud, Fault, Plan, Reach, Rule, project_id, user_id};
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

fn check(site: &Site, arguments: &[&str]) -> Outcome {
    site.start("caso", &["check"], arguments).finish()
}

/// Every file with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => {
                found.insert(path.clone(), Vec::new());
                found.extend(contents(&path));
            }
            path => {
                let bytes = fs::read(&path).expect("a file of the site");
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// The lines of this verdict and area, without the two words.
fn lines(outcome: &Outcome, verdict: &str, area: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in outcome.stdout.lines() {
        let mut words = line.splitn(2, ' ');
        let rest = words.nth(1).unwrap_or_default().trim_start();
        if line.starts_with(verdict)
            && let Some(text) = rest.strip_prefix(area)
        {
            found.push(text.trim_start().to_owned());
        }
    }
    found
}

/// What stands below the line that has this text.
fn hint(outcome: &Outcome, of: &str) -> String {
    let mut lines = outcome.stdout.lines().skip_while(|line| !line.contains(of));
    lines.next();
    let below = lines.next().unwrap_or_default().trim();
    below.strip_prefix("hint: ").unwrap_or_default().to_owned()
}

#[test]
fn a_site_that_is_well_hears_so_and_nothing_is_written() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let mut site = Site::at(&cloud);
    let folder = site.path().display().to_string();
    site.set("DEFAULT", "extractor", "nova, cinder, neutron")
        .set("DEFAULT", "log_file", "caso.log")
        .set("DEFAULT", "log_dir", &folder);
    // The file itself is written by the test.
    check(&site, &["--offline"]).expect(0);
    let before = contents(site.path());
    let well = check(&site, &[]).expect(0);
    assert_eq!(well.stderr, "");
    assert_eq!(contents(site.path()), before, "{well}");
    assert!(site.messages().is_empty());
    for (area, number) in [
        ("configuration", 2),
        ("spool", 1),
        ("lock", 1),
        ("queue", 1),
        ("mapper", 1),
        ("messenger", 1),
        ("login", 1),
        ("clock", 1),
        ("project", 2),
    ] {
        assert_eq!(lines(&well, "ok", area).len(), number, "{area}: {well}");
    }
    let projects = lines(&well, "ok", "project");
    assert!(projects[0].contains("nova 2 servers"), "{well}");
    assert!(
        well.stdout
            .ends_with(" ok; nothing was changed\nnext  caso extract --dry-run\n"),
        "{well}"
    );
    // And the run that it speaks of goes so.
    site.extract(&[]).expect(0);
    check(&site, &[]).expect(0);
}

#[test]
fn a_project_that_fails_hides_no_other_and_the_command_that_cures_it_is_named() {
    let cloud = Cloud::start(Plan::generated(3, 2));
    let mut site = Site::at(&cloud);
    let denied = project_id(1);
    cloud.change(|plan| {
        plan.accounts.push(Account {
            id: user_id(0x100),
            name: "half".into(),
            password: "secret".into(),
            role: "reader".into(),
            reach: Reach::Only(vec![project_id(0), project_id(2)]),
            system: true,
        });
    });
    site.set("keystone_auth", "username", "half");
    let partly = check(&site, &[]).expect(3);
    assert_eq!(partly.stderr, "");
    assert_eq!(lines(&partly, "ok", "project").len(), 2, "{partly}");
    let failed = lines(&partly, "failed", "project");
    assert_eq!(failed.len(), 1, "{partly}");
    assert_eq!(
        hint(&partly, &failed[0]),
        format!("openstack role add --user half --user-domain default --project {denied} reader")
    );
    // The run ends with the same code.
    site.extract(&[]).expect(3);
    // What the hint says cures it.
    cloud.change(|plan| {
        for account in &mut plan.accounts {
            account.reach = Reach::All;
        }
    });
    check(&site, &[]).expect(0);
}

#[test]
fn a_right_that_a_policy_denies_is_named_by_its_rule() {
    let cloud = Cloud::start(Plan::generated(2, 2));
    let mut site = Site::at(&cloud);
    cloud.change(|plan| {
        for account in &mut plan.accounts {
            account.role = "member".into();
        }
    });
    site.set("DEFAULT", "projects", &project_id(0))
        .set("DEFAULT", "caso_tag", "");
    cloud.inject(
        Rule::on("os-simple-tenant-usage").of_project(&project_id(0)),
        Fault::Status(403),
    );
    let nothing = check(&site, &[]).expect(1);
    let failed = lines(&nothing, "failed", "project");
    assert_eq!(failed.len(), 1, "{nothing}");
    let hint = hint(&nothing, &failed[0]);
    let role = format!(
        "openstack role add --user accounting --user-domain default --project {} reader",
        project_id(0)
    );
    assert!(hint.starts_with(&role), "{nothing}");
}

#[test]
fn a_login_that_is_refused_is_one_line_and_what_is_on_the_machine_is_said_all_the_same() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("keystone_auth", "password", "geheim-4711");
    let refused = check(&site, &[]).expect(1).never_says("geheim-4711");
    assert_eq!(lines(&refused, "failed", "login").len(), 1, "{refused}");
    assert_eq!(lines(&refused, "ok", "messenger").len(), 1, "{refused}");
    assert_eq!(lines(&refused, "ok", "spool").len(), 1, "{refused}");
}

#[test]
fn a_fault_of_the_configuration_is_2_and_hides_nothing_either() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.unset("DEFAULT", "site_name")
        .set("DEFAULT", "sitename", "TEST-SITE")
        .set("DEFAULT", "tenants", &project_id(0));
    let wrong = check(&site, &[]).expect(2);
    let failed = lines(&wrong, "failed", "configuration");
    assert_eq!(failed.len(), 1, "{wrong}");
    assert!(failed[0].contains("site_name` is not set"), "{wrong}");
    let odd = lines(&wrong, "warning", "configuration");
    assert_eq!(
        hint(&wrong, "sitename` is not an option"),
        "did you mean `site_name`?"
    );
    assert!(odd.iter().any(|line| line.contains("old name")), "{wrong}");
    assert_eq!(lines(&wrong, "ok", "project").len(), 1, "{wrong}");

    // One that cannot be read at all.
    site.set("DEFAULT", "concurrency", "many");
    let unreadable = check(&site, &[]).expect(2);
    assert!(
        lines(&unreadable, "failed", "configuration")[0].contains("concurrency"),
        "{unreadable}"
    );
    let json = check(&site, &["--json"]).expect(2);
    let facts: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(facts["exit_code"], 2);
}

#[test]
fn offline_asks_nobody() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let logstash = Logstash::down();
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "messengers", "ssm, logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &logstash.to_string());
    let well = check(&site, &["--offline"]).expect(0);
    assert_eq!(lines(&well, "ok", "messenger").len(), 2, "{well}");
    assert!(cloud.seen().is_empty());
    assert!(well.stdout.ends_with("next  caso check\n"), "{well}");
}

#[test]
fn a_destination_is_reached_and_gets_nothing() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let logstash = Logstash::start(Mood::Normal);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "messengers", "ssm, logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &logstash.port().to_string());
    let well = check(&site, &[]).expect(0);
    assert_eq!(lines(&well, "ok", "messenger").len(), 2, "{well}");
    assert_eq!(logstash.text(), "");
    site.set("logstash", "port", &Logstash::down().to_string());
    let down = check(&site, &[]).expect(3);
    let failed = lines(&down, "failed", "messenger");
    assert_eq!(failed.len(), 1, "{down}");
    assert!(failed[0].starts_with("logstash: "), "{down}");
    assert_eq!(lines(&down, "ok", "messenger").len(), 1, "{down}");
    assert_eq!(lines(&down, "ok", "project").len(), 1, "{down}");
}

/// Whoever pins means it, wherever the component comes from.
#[test]
fn a_built_in_component_is_held_against_its_pin_too() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("messenger_ssm", "sha256", &"0".repeat(64));
    site.extract(&[])
        .says("`sha256` names another component than the built-in `ssm`")
        .says("remove `sha256`");
    assert!(site.messages().is_empty());
    site.unset("messenger_ssm", "sha256");
    site.extract(&[]).expect(0);
    assert!(!site.messages().is_empty());
}

#[test]
fn a_queue_that_cannot_be_written_and_a_component_that_is_not_the_pinned_one() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    let file = site.path().join("file");
    fs::write(&file, "").expect("a file");
    site.with_mischief("accept")
        .set("messenger_mischief", "sha256", &"0".repeat(64))
        .set(
            "ssm",
            "output_path",
            &file.join("queue").display().to_string(),
        );
    // None is left that could be used: the run ends before it asks anybody.
    let wrong = check(&site, &[]).expect(1);
    site.extract(&[]).expect(1);
    let failed = lines(&wrong, "failed", "messenger");
    assert_eq!(failed.len(), 2, "{wrong}");
    assert!(failed.iter().any(|line| line.contains("sha256")), "{wrong}");
    assert!(
        failed
            .iter()
            .any(|line| line.contains("where a folder must be")),
        "{wrong}"
    );
}

#[test]
fn a_file_where_a_folder_must_be_is_no_queue_and_no_spool() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    for (section, option, area) in [
        ("ssm", "output_path", "messenger"),
        ("DEFAULT", "spooldir", "spool"),
    ] {
        let mut site = Site::at(&cloud);
        let file = site.path().join("file");
        fs::write(&file, "").expect("a file");
        site.set(section, option, &file.display().to_string());
        let wrong = check(&site, &["--offline"]);
        let failed = lines(&wrong, "failed", area);
        let says = "is a file of";
        assert!(failed.iter().any(|it| it.contains(says)), "{wrong}");
        site.extract(&[])
            .says("where a folder must be")
            .says("move it away");
        assert!(fs::metadata(&file).expect("still there").is_file());
    }
}

/// Of what was found and cannot be accounted each is named, and that is all there is to say.
#[test]
fn a_project_without_a_vo_is_not_one_without_the_tag() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    cloud.change(|plan| plan.projects[0].properties.clear());
    let site = Site::at(&cloud);
    let wrong = check(&site, &[]);
    let failed = lines(&wrong, "failed", "project");
    assert_eq!(failed.len(), 1, "{wrong}");
    assert!(failed[0].contains("VO"), "{wrong}");
    assert!(!wrong.stdout.contains("none has the tag"), "{wrong}");
}

/// Its own component, built from the same source, with a grant for the same queue.
#[test]
fn two_messengers_that_write_the_same_into_one_queue_are_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    let file = site.path().join("two.wasm");
    fs::write(&file, caso_builtin::builtin("ssm").expect("built in")).expect("a file");
    let queue = site.ssm().display().to_string();
    site.set("DEFAULT", "messengers", "ssm, two")
        .set("messenger_two", "component", &file.display().to_string())
        .set("messenger_two", "grants", &format!("queue:{queue}"))
        .set("two", "output_path", &queue);
    let twice = "messengers `ssm` and `two` write the same records into";
    let warned = lines(&check(&site, &[]), "warning", "configuration");
    assert!(warned.iter().any(|it| it.contains(twice)), "{warned:?}");
    // By another name it is the same queue.
    let alias = site.path().join("alias");
    std::os::unix::fs::symlink(site.ssm(), &alias).expect("a link");
    let alias = alias.display().to_string();
    site.set("messenger_two", "grants", &format!("queue:{alias}"))
        .set("two", "output_path", &alias);
    let warned = lines(&check(&site, &[]), "warning", "configuration");
    assert!(warned.iter().any(|it| it.contains(twice)), "{warned:?}");
    // Parted by what they take, they share it rightly.
    site.set("messenger_ssm", "record_types", "cloud").set(
        "messenger_two",
        "record_types",
        "storage",
    );
    let parted = check(&site, &[]);
    assert!(!parted.stdout.contains(twice), "{parted}");
}

#[test]
fn strict_counts_a_warning_as_a_failure() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("ssm", "ouput_path", "/nowhere");
    let lax = check(&site, &[]).expect(0);
    assert!(
        lines(&lax, "warning", "configuration")[0].contains("ouput_path"),
        "{lax}"
    );
    check(&site, &["--strict"]).expect(2);
    check(&site, &["--strict", "--offline"]).expect(2);
}

#[test]
fn noop_alone_a_comment_behind_a_value_and_a_space_in_the_name_are_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "messengers", "noop")
        .set("DEFAULT", "site_name", "TEST-SITE # as in GOCDB")
        .set("keystone_auth", "password", "secret # of May");
    let odd = check(&site, &["--offline"]).expect(0).never_says("of May");
    for (option, text) in [
        ("messengers", "`noop` alone"),
        ("site_name", "a comment needs a line of its own"),
        ("password", "a comment needs a line of its own"),
    ] {
        let said = lines(&odd, "warning", "configuration");
        assert!(
            said.iter()
                .any(|line| line.contains(option) && line.contains(text)),
            "{option}: {text}: {odd}"
        );
    }
    // One thing is one warning.
    odd.never_says("with a space");
    site.set("DEFAULT", "site_name", "TEST SITE");
    check(&site, &["--offline"])
        .expect(0)
        .says("`[DEFAULT] site_name` is `TEST SITE`, with a space");
}

#[test]
fn what_waits_and_why_is_named_with_the_command_that_shows_it() {
    let cloud = Cloud::start(Plan::generated(1, 2));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "first_extract_from", "2026-10-05")
        .with_mischief("refuse");
    site.extract(&[]);
    let odd = check(&site, &["--offline"]).expect(0);
    let queues = lines(&odd, "warning", "queue");
    assert_eq!(queues.len(), 1, "{odd}");
    assert_eq!(
        hint(&odd, &queues[0]),
        "once that is fixed: caso queue flush mischief"
    );
    // So much that a run would extract nothing any more.
    site.set("DEFAULT", "max_waiting", "1k");
    let full = check(&site, &["--offline"]).expect(1);
    let queues = lines(&full, "failed", "queue");
    assert_eq!(queues.len(), 1, "{full}");
    assert!(
        queues[0].contains("`max_waiting` is 1000 bytes: nothing is extracted"),
        "{full}"
    );
    assert!(hint(&full, &queues[0]).contains("caso queue drop mischief"));
}

/// Metrics, log, compiled components: a run goes well without them, and warns each time.
#[test]
fn files_that_a_run_could_not_write_are_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    let file = site.path().join("a-file");
    fs::write(&file, "").expect("a file");
    let file = file.display().to_string();
    let folder = site.path().display().to_string();
    let files = |site: &Site| {
        let found = check(site, &["--offline"]).expect(0);
        lines(&found, "warning", "file").join("\n")
    };
    site.set("DEFAULT", "metrics_file", &format!("{folder}/caso.prom"))
        .set("DEFAULT", "log_file", &format!("{folder}/caso.log"));
    assert_eq!(files(&site), "");
    for (option, value, says) in [
        (
            "metrics_file",
            folder.clone(),
            format!("`{folder}` is a folder"),
        ),
        (
            "metrics_file",
            format!("{folder}/none/a.prom"),
            format!("there is no folder `{folder}/none`"),
        ),
        (
            "metrics_file",
            format!("{file}/a.prom"),
            format!("there is no folder `{file}`"),
        ),
        (
            "log_file",
            folder.clone(),
            format!("`{folder}`: Is a directory"),
        ),
        (
            "log_file",
            format!("{folder}/none/a.log"),
            format!("there is no folder `{folder}/none`"),
        ),
        ("cache_dir", file.clone(), file.clone()),
    ] {
        site.set("DEFAULT", option, &value);
        let found = files(&site);
        assert!(found.contains(&says), "{option} {value}: {found}");
        assert_eq!(found.lines().count(), 1, "{found}");
        site.unset("DEFAULT", option);
    }
}

/// The spool's parts, and lines of its ledger.
#[test]
fn what_is_damaged_in_the_spool_is_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "first_extract_from", "2026-10-05");
    site.extract(&[]).expect(0);
    let spool = site.spool();
    let ledger = fs::read_dir(spool.join("caso-runs")).expect("a ledger");
    let ledger = ledger
        .map(|it| it.expect("an entry").path())
        .next()
        .expect("a month");
    let text = fs::read_to_string(&ledger).expect("a ledger");
    fs::write(&ledger, format!("{}\n{text}", &text[..text.len() / 2])).expect("damage");
    let odd = check(&site, &["--offline"]).expect(0);
    let found = lines(&odd, "warning", "spool");
    assert_eq!(found.len(), 1, "{odd}");
    assert!(
        found[0].contains(&format!("1 line of `{}`", ledger.display())),
        "{odd}"
    );
    let status = site.start("caso", &["status"], &[]).finish().expect(1);
    status
        .says("1 line of the ledger of runs cannot be read")
        .says("what 1 line of it said is lost");
    site.start("caso", &["report"], &["--month", "2026-10"])
        .finish()
        .expect(0)
        .says("cannot be read: this lacks what those runs found");
    fs::remove_dir_all(spool.join("caso-servers")).expect("no folder");
    fs::write(spool.join("caso-servers"), "").expect("a file");
    let failed = check(&site, &["--offline"]).expect(1);
    let found = lines(&failed, "failed", "spool");
    assert_eq!(found.len(), 1, "{failed}");
    assert!(
        found[0].contains("caso-servers` is not a folder"),
        "{failed}"
    );
}

/// What of the spool can be read is shown, whatever cannot.
#[test]
fn a_part_that_cannot_be_read_hides_nothing_else() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "first_extract_from", "2026-10-05");
    site.extract(&[]).expect(0);
    let runs = site.spool().join("caso-runs");
    fs::remove_dir_all(&runs).expect("a ledger");
    fs::write(&runs, "").expect("a file");
    let status = |form: &[&str]| site.start("caso", &["status"], form).finish();
    let shown = status(&[]).expect(1);
    let reason = format!(
        "cannot read the ledger of runs: `{}`: Not a directory",
        runs.display()
    );
    shown
        .says(&reason)
        .says("projects    1 project, 1 up to date")
        .says("ssm: nothing waits");
    let json: serde_json::Value =
        serde_json::from_str(&status(&["--json"]).expect(1).stdout).expect("JSON");
    assert!(
        json["unreadable"][0]
            .as_str()
            .expect("a text")
            .starts_with(&reason)
    );
    assert!(
        status(&["--nagios"])
            .expect(3)
            .stdout
            .starts_with("CASO UNKNOWN - cannot read the ledger")
    );
    status(&["--prometheus"]).expect(1).says(&reason);
    let found = check(&site, &["--offline"]).expect(1);
    let failed = lines(&found, "failed", "spool");
    assert!(failed.iter().any(|it| it.contains(&reason)), "{found}");
}

#[test]
fn certificates_are_named_with_their_end() {
    let certificate = Certificate::for_loopback();
    let cloud = Cloud::start_tls(Plan::generated(1, 1), &certificate);
    let mut site = Site::at(&cloud);
    let file = site.path().join("authority.pem");
    fs::write(&file, &certificate.pem).expect("a file");
    site.set("keystone_auth", "cafile", &file.display().to_string());
    let well = check(&site, &[]).expect(0);
    let ends = lines(&well, "ok", "certificate");
    assert_eq!(ends.len(), 1, "{well}");
    assert!(ends[0].contains(" ends in "), "{well}");
}

/// A year's certificate ends unnoticed, and then every hour fails.
#[test]
fn a_certificate_that_ends_soon_is_a_warning() {
    let in_days = |days: u64| {
        let now = std::time::SystemTime::now();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        let at = i64::try_from(now.as_secs() + days * 86_400).expect("a time");
        let day = caso_stand_in::instant(at);
        let number = |part: std::ops::Range<usize>| day[part].parse::<u16>().expect("a number");
        let (month, day) = (number(5..7) as u8, number(8..10) as u8);
        Certificate::that_ends_on(i32::from(number(0..4)), month, day)
    };
    for (days, verdict) in [(5, "warning"), (60, "ok")] {
        let certificate = in_days(days);
        let cloud = Cloud::start_tls(Plan::generated(1, 1), &certificate);
        let mut site = Site::at(&cloud);
        let file = site.path().join("authority.pem");
        fs::write(&file, &certificate.pem).expect("a file");
        site.set("keystone_auth", "cafile", &file.display().to_string());
        let told = check(&site, &[]).expect(0);
        let ends = lines(&told, verdict, "certificate");
        assert_eq!(ends.len(), 1, "{days}: {told}");
        if verdict == "warning" {
            assert_eq!(hint(&told, &ends[0]), "have it renewed");
        }
    }
}

/// Where nothing looks at it its end stops no run.
#[test]
fn a_certificate_that_ended_is_a_warning_where_nothing_looks_at_it() {
    let certificate = Certificate::that_ends_on(2020, 1, 1);
    let cloud = Cloud::start_tls(Plan::generated(1, 1), &certificate);
    let mut site = Site::at(&cloud);
    site.set("keystone_auth", "insecure", "true");
    let odd = check(&site, &[]).expect(0);
    let ended = lines(&odd, "warning", "certificate");
    assert_eq!(ended.len(), 1, "{odd}");
    assert!(
        ended[0].contains(" ended on ") && ended[0].contains("`insecure` is set"),
        "{odd}"
    );
}

#[test]
fn a_clock_that_is_off_is_a_warning_whose_ever_it_is() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let site = Site::at(&cloud);
    for (ahead, text) in [
        (3_600, "this machine's is 60 min behind OpenStack's"),
        (-3_600, "OpenStack's is 60 min behind this machine's"),
    ] {
        cloud.change(|plan| plan.clock_ahead = ahead);
        let told = check(&site, &[]).expect(0);
        let clocks = lines(&told, "warning", "clock");
        assert_eq!(clocks.len(), 1, "{told}");
        let minutes = text.replace("60 min", "59 min");
        assert!(
            clocks[0].contains(text) || clocks[0].contains(&minutes),
            "{told}"
        );
        assert!(
            hint(&told, &clocks[0]).starts_with("set the clock"),
            "{told}"
        );
    }
}

#[test]
fn what_is_in_quarantine_is_a_warning_with_the_command_that_shows_it() {
    let cloud = Cloud::start(Plan::generated(1, 2));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "first_extract_from", "2026-10-05")
        .with_mischief("refuse-first");
    site.extract(&[]);
    let told = check(&site, &["--offline"]).expect(0);
    let queues = lines(&told, "warning", "queue");
    assert_eq!(queues.len(), 1, "{told}");
    assert!(queues[0].contains("in quarantine"), "{told}");
    assert_eq!(
        hint(&told, &queues[0]),
        "caso queue show mischief --quarantine"
    );
}

/// A site's queue is often a link, to where ssmsend looks.
#[test]
fn messages_that_nobody_takes_are_seen_through_a_link_too() {
    let cloud = Cloud::start(Plan::generated(1, 2));
    let mut site = Site::at(&cloud);
    let (real, link) = (site.path().join("real"), site.path().join("link"));
    fs::create_dir(&real).expect("a folder");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    site.set("DEFAULT", "first_extract_from", "2026-10-05").set(
        "ssm",
        "output_path",
        &link.display().to_string(),
    );
    site.extract(&[]).expect(0);
    let fresh = check(&site, &["--offline"]).expect(0);
    assert_eq!(lines(&fresh, "warning", "queue"), [""; 0], "{fresh}");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    let mut messages = 0;
    for (path, _) in contents(&real) {
        if path.is_file() {
            let file = fs::File::options()
                .write(true)
                .open(&path)
                .expect("a message");
            file.set_modified(long_ago).expect("its time");
            messages += 1;
        }
    }
    // What a reader leaves beside them is none.
    let minute = fs::read_dir(&real)
        .expect("it")
        .flatten()
        .next()
        .expect("a folder");
    fs::write(minute.path().join("6920a001f423fb.lck"), "").expect("a lock");
    let told = check(&site, &["--offline"]).expect(0);
    let queues = lines(&told, "warning", "queue");
    assert_eq!(queues.len(), 1, "{told}");
    assert!(
        queues[0].contains(&format!("has {messages} message")),
        "{told}"
    );
    assert!(
        hint(&told, &queues[0]).starts_with("does ssmsend run"),
        "{told}"
    );
}

#[test]
fn the_json_form_is_stable() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let site = Site::at(&cloud);
    let json = check(&site, &["--json"]).expect(0);
    let facts: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(facts["format"], 1);
    assert_eq!(facts["offline"], false);
    assert_eq!(facts["exit_code"], 0);
    assert_eq!(facts["failed"], 0);
    let findings = facts["findings"].as_array().expect("a list");
    let all: u64 = ["ok", "warnings", "failed"]
        .iter()
        .filter_map(|name| facts[name].as_u64())
        .sum();
    assert_eq!(findings.len() as u64, all);
    for finding in findings {
        let mut names: Vec<&str> = finding
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["area", "hint", "subject", "text", "verdict"]);
    }
}

/// A file with a password that came from Python cASO, as most packages made it.
#[test]
fn a_password_that_everybody_can_read_is_told() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "messengers", "ssm, greendigit_cim")
        .set("greendigit_cim", "email", "a@example.org")
        .set("greendigit_cim", "password", "another secret");
    assert_eq!(
        lines(&check(&site, &["--offline"]), "warning", "file"),
        [""; 0]
    );
    let open = site.path().join("open.conf");
    fs::copy(site.path().join("caso.conf"), &open).unwrap();
    let mode = |mode| fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
    let name = open.display().to_string();
    mode(0o644);
    let found = check(&site, &["--offline", "--config-file", &name]).expect(0);
    let told = format!(
        "`{name}` holds [greendigit_cim] password, [keystone_auth] password, and everybody on this machine can read it"
    );
    assert_eq!(lines(&found, "warning", "file"), [told.as_str()], "{found}");
    assert!(
        hint(&found, &told).starts_with(&format!("chmod o= {name}")),
        "{found}"
    );
    mode(0o640);
    let found = check(&site, &["--offline", "--config-file", &name]).expect(0);
    assert_eq!(lines(&found, "warning", "file"), [""; 0], "{found}");
}

/// What keeps a run from going on with a project is in the spool: `check` says it in the run's words.
#[test]
fn cursors_that_a_run_cannot_go_on_from_are_named() {
    let cloud = Cloud::start(Plan::generated(2, 1));
    let mut site = Site::at(&cloud);
    site.extract_october().expect(0);
    check(&site, &[]).expect(0);
    // Another name of the region.
    site.set("DEFAULT", "region_name", "RegionOne");
    let hint_of = |outcome: &Outcome, start: &str| {
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        let found = all.lines().map(str::trim).find(|line| line.contains(start));
        found.map(str::to_owned)
    };
    let run = site.extract(&[]);
    let found = check(&site, &[]);
    let words = "caso cursor rename default default@RegionOne";
    assert!(hint_of(&run, words).is_some(), "{run}");
    assert!(hint_of(&found, words).is_some(), "{found}");
    assert_ne!(found.code(), 0);
    let renamed = site.start(
        "caso",
        &["cursor", "rename"],
        &["default", "default@RegionOne"],
    );
    renamed.finish().expect(0);
    check(&site, &[]).expect(0);
    // A cursor in the future, and a file that says no date.
    let project = project_id(0);
    let set = site.start(
        "caso",
        &["cursor", "set"],
        &[&project, "2035-01-01", "--yes"],
    );
    set.finish();
    fs::remove_dir_all(site.spool().join("caso-cursors")).unwrap();
    let lastrun = |n, text: &str| {
        fs::write(
            site.spool().join(format!("lastrun.{}", project_id(n))),
            text,
        )
        .unwrap();
    };
    lastrun(0, "2035-01-01 00:00:00+00:00");
    lastrun(1, "soon");
    site.extract(&[]).expect(1);
    let found = check(&site, &[]).expect(1);
    found
        .says("which is in the future")
        .says(&format!("caso cursor set {project} <date>"))
        .says("holds `soon`");
}

/// Extractors count and not projects, and a service that is gone is an error where it was read before.
#[test]
fn its_exit_code_is_that_of_the_run() {
    let cloud = Cloud::start(Plan::generated(2, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "nova, cinder");
    site.set("DEFAULT", "overlapping_intervals", "true");
    site.set("keystone_auth", "status_code_retries", "0");
    site.extract_october().expect(0);
    let both = |site: &Site, code: i32| {
        let found = check(site, &[]).expect(code);
        site.extract(&[]).expect(code);
        for n in 0..2 {
            site.set_cursor(&project_id(n), "2026-11-20 00:00:00+00:00");
        }
        found
    };
    cloud.inject(Rule::on("/servers/detail"), Fault::Status(502));
    both(&site, 3);
    cloud.heal();
    cloud.inject(Rule::on("/volumes/detail"), Fault::Status(403));
    both(&site, 3);
    cloud.heal();
    cloud.change(|plan| plan.lacks = vec!["block-storage".into()]);
    both(&site, 3).says("cinder: it was extracted up to 2026-11-19T23:59:59Z, and now ");
    cloud.change(|plan| plan.lacks.clear());
    // Its queue stops the run before anybody is asked.
    let queue = site.ssm().display().to_string();
    let file = site.path().join("file");
    fs::write(&file, "").unwrap();
    site.set("ssm", "output_path", &file.display().to_string());
    both(&site, 1);
    site.set("ssm", "output_path", &queue);
    // Every project can be read, and none would be.
    for n in 0..2 {
        site.set_cursor(&project_id(n), "2035-01-01 00:00:00+00:00");
    }
    check(&site, &[]).expect(1).says("which is in the future");
    site.extract(&[]).expect(1);
}

/// As long as a run would, whatever a service asks for.
#[test]
fn it_waits_no_longer_than_a_run_and_what_is_alike_is_one_line() {
    let cloud = Cloud::start(Plan::generated(5, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extraction_timeout", "2");
    site.set("DEFAULT", "extractor", "nova");
    cloud.inject(Rule::on("/servers/detail"), Fault::Never);
    let found = check(&site, &[]).expect(1);
    let failed = lines(&found, "failed", "project");
    assert_eq!(failed.len(), 1, "{found}");
    assert!(failed[0].starts_with("nova: 5 projects ("), "{found}");
    assert!(
        failed[0].ends_with("not read to its end within `extraction_timeout` (2 s)"),
        "{found}"
    );
    assert_eq!(
        hint(&found, &failed[0]),
        "see why that takes so long, or raise `extraction_timeout`"
    );
}

/// The next run would extract everything once more, and storage would count twice.
#[test]
fn a_spool_that_was_lost_is_named_where_messages_were_sent() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let site = Site::at(&cloud);
    let lost = "knows of no run: if it was lost, everything is extracted once more";
    check(&site, &[]).expect(0).never_says(lost);
    site.extract_october().expect(0);
    check(&site, &[]).expect(0).never_says(lost);
    fs::remove_dir_all(site.spool()).unwrap();
    check(&site, &[])
        .expect(0)
        .says(lost)
        .says("caso cursor set <project> <date>");
    site.start("caso", &["status"], &[])
        .finish()
        .expect(1)
        .says("/spool is not there\n");
    // cASO in Python knows of no run but its lastrun files.
    fs::create_dir(site.spool()).unwrap();
    site.set_cursor(&project_id(0), "2026-10-16 00:00:00+00:00");
    check(&site, &[]).expect(0).never_says(lost);
}
