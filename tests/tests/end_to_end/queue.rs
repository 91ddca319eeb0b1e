//! `caso queue`: what waits and what is in quarantine, shown, put back and given up.

use std::fs;

use caso_stand_in::{Cloud, Plan, project_id};
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;
use caso_tests::spool;

use crate::clouds::{FROM, TO, plain};

fn forget(site: &Site, arguments: &[&str]) -> Outcome {
    site.start("caso", &["queue", "forget"], arguments).finish()
}

/// Sealed segments, of which records wait.
fn segments(site: &Site) -> usize {
    let folder = site.spool().join("caso-journal").join("segments");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// `ssm` has all; what waits for `mischief` was offered once.
fn with_a_backlog(world: &crate::clouds::World) -> Site {
    let mut site = world.site();
    site.with_mischief("misconfigured");
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
        .expect(3);
    world.check(&site, &[0]);
    assert_eq!(segments(&site), 1);
    site
}

#[test]
fn what_waits_for_a_removed_messenger_is_given_up_by_the_command_that_the_run_names() {
    let world = plain();
    let mut site = with_a_backlog(&world);

    site.set("DEFAULT", "messengers", "ssm");
    site.deliver().expect(0).says("`caso queue drop mischief`");
    let spool = site.spool();
    let whole = spool.with_extension("whole");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&spool, &whole])
        .status();
    assert!(copied.unwrap().success());
    let dropped = site.start("caso", &["queue", "drop"], &["mischief", "--yes"]);
    dropped
        .finish()
        .expect(0)
        .says("dropped 10 records that wait for messenger `mischief`");
    assert_eq!(segments(&site), 0);
    let silent = site.deliver().expect(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));
    std::fs::remove_dir_all(&spool).unwrap();
    std::fs::rename(&whole, &spool).unwrap();

    // The shorter way, which keeps no copy.
    let done = forget(&site, &["mischief"]).expect(0);
    assert_eq!(
        done.stdout,
        "dropped 10 records that waited for messenger `mischief`\n"
    );
    assert_eq!(done.stderr, "");
    assert_eq!(segments(&site), 0);
    let messages = site.messages().len();
    let silent = site.deliver().expect(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));

    // Put back, and ready to show in a queue of its own whatever it is given.
    let shown = site.path().join("mine");
    let shown_text = shown.display().to_string();
    site.with_mischief("put")
        .set("mischief", "output", &shown_text)
        .set(
            "messenger_mischief",
            "grants",
            &format!("queue:{shown_text}"),
        );
    site.deliver().expect(0);
    assert!(spool::read(&shown).is_empty(), "it was sent something old");
    assert_eq!(site.messages().len(), messages, "`ssm` was sent it again");
}

#[test]
fn a_name_that_nothing_waits_for_is_an_error_that_names_those_that_have_something() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    site.set("DEFAULT", "messengers", "ssm");
    forget(&site, &["mishcief"])
        .expect(1)
        .says("nothing waits for messenger `mishcief`")
        .says("`mischief` (10 records)");
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief"]).expect(0);
    forget(&site, &["mischief"])
        .expect(1)
        .says("nothing waits for messenger `mischief`, or for any other");
}

#[test]
fn a_messenger_that_is_still_configured_is_refused_unless_it_is_meant() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    forget(&site, &["mischief"])
        .expect(2)
        .says("`messengers`")
        .says("--even-if-configured");
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief", "--dry-run"]).expect(2);
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief", "--even-if-configured"])
        .expect(0)
        .says("dropped 10 records");
    assert_eq!(segments(&site), 0);
    site.set("mischief", "verb", "accept");
    site.deliver().expect(0);
}

#[test]
fn it_waits_for_its_turn_like_any_run() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    let lock_path = site.path().join("lock");
    site.set("DEFAULT", "messengers", "ssm")
        .set("DEFAULT", "lock_path", &lock_path.display().to_string())
        .set("DEFAULT", "lock_timeout", "0");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let lock = runtime
        .block_on(caso_state::Lock::acquire(
            &lock_path,
            std::time::Duration::ZERO,
        ))
        .expect("a fresh folder has no lock");
    forget(&site, &["mischief"])
        .expect(75)
        .says("another cASO runs");
    assert_eq!(segments(&site), 1);
    drop(lock);
    forget(&site, &["mischief"]).expect(0);
}

fn queue(site: &Site, arguments: &[&str]) -> Outcome {
    site.start("caso", &["queue"], arguments).finish()
}

fn sub(site: &Site, command: &str, arguments: &[&str]) -> Outcome {
    site.start("caso", &["queue", command], arguments).finish()
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).expect("JSON on stdout")
}

/// Every file of the spool with what is in it.
fn contents(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(contents(&path)),
            path => {
                let bytes = fs::read(&path).expect("a file of the spool");
                found.insert(path, bytes);
            }
        }
    }
    found
}

/// One record in quarantine, nine delivered.
fn with_a_quarantine(world: &crate::clouds::World) -> Site {
    let mut site = world.site();
    site.with_mischief("refuse-first");
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
        .expect(3);
    site
}

#[test]
fn the_queues_are_shown_without_a_lock_and_nothing_is_written() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    let lock_path = site.path().join("lock");
    site.set("DEFAULT", "lock_path", &lock_path.display().to_string())
        .set("DEFAULT", "lock_timeout", "0");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let lock = caso_state::Lock::acquire(&lock_path, std::time::Duration::ZERO);
    let lock = runtime.block_on(lock).expect("a fresh folder has no lock");
    let before = contents(&site.spool());

    let table = queue(&site, &[]).expect(0);
    assert_eq!(table.stderr, "");
    let lines: Vec<Vec<&str>> = table
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][..3], ["MESSENGER", "STATE", "RECORDS"]);
    assert_eq!(lines[1][..3], ["mischief", "stopped", "10"]);
    assert!(table.stdout.contains("nobody told me where"), "{table}");
    assert_eq!(lines[2][..3], ["ssm", "ok", "0"]);
    assert_eq!(lines[3], ["next", "caso", "queue", "flush", "mischief"]);
    assert_eq!(sub(&site, "list", &[]).expect(0).stdout, table.stdout);

    let facts = json(&queue(&site, &["--json"]).expect(0));
    assert_eq!(facts["format"], 1);
    let first = &facts["queues"][0];
    assert_eq!(first["messenger"], "mischief");
    assert_eq!(
        (&first["waiting"], &first["attempts"]),
        (&10.into(), &1.into())
    );
    assert!(first["quarantine"].is_null());

    let shown = sub(&site, "show", &["mischief"]).expect(0);
    assert_eq!(shown.stdout.lines().count(), 1 + 10 + 2, "{shown}");
    let record = json(&sub(&site, "show", &["mischief", "--json"]).expect(0))["records"][4].clone();
    let server = record["resource"].as_str().expect("a server's id");
    assert_eq!(record["record"]["vm_uuid"], server);
    assert_eq!(record["state"], "waiting");
    let one = sub(&site, "show", &["mischief", server]).expect(0);
    assert!(one.stdout.starts_with("id "), "{one}");
    assert!(one.stdout.contains("\"fqan\""), "{one}");
    sub(&site, "show", &["mischief", "nobody"])
        .expect(1)
        .says("no record `nobody`");
    sub(&site, "show", &["msichief"])
        .expect(1)
        .says("there is: mischief, ssm");
    let empty = sub(&site, "show", &["ssm"]).expect(0);
    assert_eq!(empty.stdout, "nothing waits for messenger `ssm`\n");

    let lines = sub(&site, "export", &["mischief"]).expect(0);
    assert_eq!(lines.stdout.lines().count(), 10);
    for line in lines.stdout.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(entry["format"], 1);
        assert_eq!(entry["origin"]["extractor"], "nova");
    }
    assert_eq!(contents(&site.spool()), before, "something was written");
    drop(lock);
}

#[test]
fn what_is_in_quarantine_is_named_by_every_run_and_put_back_by_the_command_it_names() {
    let world = plain();
    let mut site = with_a_quarantine(&world);
    site.start("caso", &["deliver"], &["--summary"])
        .finish()
        .expect(0)
        .says("`caso queue show mischief --quarantine` says why, and how to fix it");
    let status = site.start("caso", &["status"], &[]).finish().expect(1);
    assert!(
        status
            .stdout
            .contains("`caso queue show mischief --quarantine` says why"),
        "{status}"
    );
    let table = queue(&site, &[]).expect(0);
    assert!(table.stdout.contains("  quarantine"), "{table}");
    assert!(
        table
            .stdout
            .contains("next  caso queue show mischief --quarantine\n"),
        "{table}"
    );
    let facts = json(&queue(&site, &["--json"]).expect(0));
    assert_eq!(facts["queues"][0]["quarantine"]["records"], 1);
    let held = sub(&site, "show", &["mischief", "--quarantine", "--json"]).expect(0);
    let held = json(&held)["records"][0].clone();
    assert_eq!(
        (&held["state"], &held["why"]),
        (&"quarantined".into(), &"refused".into())
    );

    site.set("mischief", "verb", "accept");
    let before = contents(&site.spool());
    sub(&site, "retry", &["mischief", "--dry-run"]).expect(2);
    site.set("DEFAULT", "service_name", "RIGHT");
    sub(&site, "retry", &["mischief", "--remap"])
        .expect(2)
        .says("add `--yes`");
    assert_eq!(contents(&site.spool()), before, "something was written");
    let done = sub(&site, "retry", &["mischief", "--remap", "--yes"]).expect(0);
    assert_eq!(
        done.stdout,
        "1 record goes back into the queue of `mischief`: service_name `TEST-SITE-CLOUD` to `RIGHT` in 1\n\
         1 record put back\n\
         next  caso queue flush mischief\n"
    );
    let waiting =
        json(&sub(&site, "show", &["mischief", "--json"]).expect(0))["records"][0].clone();
    assert_eq!(waiting["id"], held["id"]);
    assert_eq!(waiting["record"]["compute_service"], "RIGHT");
    assert_eq!(waiting["origin"], held["origin"]);
    sub(&site, "flush", &["mischief"])
        .expect(0)
        .says("messenger `mischief`: 1 record delivered");
    let silent = sub(&site, "retry", &["mischief"]).expect(0);
    assert_eq!(
        silent.stdout,
        "nothing is in quarantine for messenger `mischief`\n"
    );
    assert_eq!(segments(&site), 0);
}

/// It is no messenger's, and what cures it is another command.
#[test]
fn of_what_the_mapper_refused_the_cure_is_named() {
    let world = plain();
    let site = with_a_quarantine(&world);
    for (command, more) in [
        ("show", &["mapper", "--quarantine"][..]),
        ("retry", &["mapper"]),
    ] {
        let told = sub(&site, command, more);
        assert_ne!(told.code(), 0, "{told}");
        told.says("no record was made of it").says("caso republish");
    }
}

/// The server's record of an hour later was delivered: the one of before must not take it back.
#[test]
fn what_is_older_than_what_was_delivered_since_stays_in_quarantine() {
    let world = plain();
    let mut site = with_a_quarantine(&world);
    site.set("mischief", "verb", "accept");
    site.extract(&["--extract-to", "2026-10-17"]).expect(0);
    let kept = sub(&site, "retry", &["mischief"]).expect(0);
    assert_eq!(
        kept.stdout,
        "0 records go back into the queue of `mischief`\n\
         1 record stays out: older than what was delivered since, or than what waits: sent now, usage would be \
         taken back\n\
         next  caso queue show mischief --quarantine\n      caso queue drop mischief --quarantine\n"
    );
    let facts = json(&queue(&site, &["--json"]).expect(0));
    assert_eq!(facts["queues"][0]["quarantined"], 1);
}

#[test]
fn what_is_dropped_is_saved_whole_and_only_after_a_yes() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    let exported = sub(&site, "export", &["mischief"]).expect(0).stdout;
    let before = contents(&site.spool());
    sub(&site, "drop", &["mischief"])
        .expect(2)
        .says("there is no terminal to ask at");
    sub(&site, "drop", &["mischief", "--older-than", "soon"]).expect(2);
    let young = sub(&site, "drop", &["mischief", "--older-than", "1d", "--yes"]).expect(0);
    assert_eq!(
        young.stdout,
        "nothing that is older waits for messenger `mischief`\n"
    );
    assert_eq!(contents(&site.spool()), before, "something was written");

    let done = sub(&site, "drop", &["mischief", "--yes"]).expect(0);
    assert!(
        done.stdout
            .ends_with("dropped 10 records that wait for messenger `mischief`\nnext  caso queue\n"),
        "{done}"
    );
    let saved = site.spool().join("dropped");
    let files: Vec<_> = fs::read_dir(&saved).expect("a copy").flatten().collect();
    assert_eq!(files.len(), 1);
    let file = fs::File::open(files[0].path()).expect("a copy");
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).expect("whole");
    assert_eq!(text, exported);
    assert_eq!(segments(&site), 0);
    site.set("mischief", "verb", "accept");
    site.deliver().expect(0);
}

#[test]
fn a_quarantine_is_dropped_alone() {
    let world = plain();
    let site = with_a_quarantine(&world);
    let done = sub(
        &site,
        "drop",
        &["mischief", "--quarantine", "--no-save", "--yes"],
    )
    .expect(0);
    assert!(done.stdout.contains("No copy is kept."), "{done}");
    assert!(
        done.stdout.ends_with(
            "dropped 1 record in quarantine for messenger `mischief`\nnext  caso queue\n"
        ),
        "{done}"
    );
    assert!(!site.spool().join("dropped").exists());
    let nothing = sub(&site, "show", &["mischief", "--quarantine"]).expect(0);
    assert_eq!(
        nothing.stdout,
        "nothing is in quarantine for messenger `mischief`\n"
    );
}

/// A messenger that is away for weeks: the bound stops extraction at a place where nothing is
/// lost, says so each time, and is over when there is room.
#[test]
fn beyond_the_bound_nothing_is_extracted_and_nothing_is_dropped() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    site.with_mischief("misconfigured");
    site.set("DEFAULT", "first_extract_from", "2026-10-08");
    site.extract(&["--extract-to", "2026-10-08 01:00:00"])
        .expect(3);
    let cursor = site.cursor(&project_id(0));
    let waits = |site: &Site| -> u64 {
        let told = site
            .start("caso", &["queue"], &["--json"])
            .finish()
            .expect(0);
        let json: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
        let queues = json["queues"].as_array().expect("queues").clone();
        let mut queues = queues.iter().filter(|it| it["messenger"] == "mischief");
        queues
            .next()
            .and_then(|it| it["waiting"].as_u64())
            .expect("a number")
    };
    let before = waits(&site);
    assert!(before > 0);
    site.set("DEFAULT", "max_waiting", "1k");
    for _ in 0..2 {
        cloud.forget_seen();
        let outcome = site.extract(&["--extract-to", "2026-10-08 02:00:00"]);
        outcome
            .expect(1)
            .says("wait for messenger `mischief`, and `max_waiting` is")
            .says("hint: see why it does not take them (caso queue flush mischief)");
        assert_eq!(
            cloud.seen().len(),
            0,
            "nobody is asked for what is not kept"
        );
        assert_eq!(site.cursor(&project_id(0)), cursor);
        assert_eq!(waits(&site), before);
    }
    // A dry run is somebody's who looks.
    site.extract(&["--dry-run", "--extract-to", "2026-10-08 02:00:00"]);
    assert!(!cloud.seen().is_empty());
    // With room extraction goes on from where it was.
    site.set("DEFAULT", "max_waiting", "1GiB");
    site.extract(&["--extract-to", "2026-10-08 02:00:00"])
        .expect(3);
    assert!(waits(&site) > before);
    assert_ne!(site.cursor(&project_id(0)), cursor);
}

/// A second configuration on one machine: what a command or a log line advises is done to its queue.
#[test]
fn advice_is_for_the_configuration_that_was_asked_for() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    site.set("DEFAULT", "messengers", "ssm");
    queue(&site, &[]).expect(0);
    let own = site.path().join("the second.conf");
    fs::copy(site.path().join("caso.conf"), &own).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = site.command("caso");
        command.args(arguments).arg("--config-file").arg(&own);
        Running::start(command, site.path()).finish()
    };
    let flag = format!("--config-file '{}'", own.display());
    run(&["deliver"])
        .expect(0)
        .says(&format!("`caso queue drop {flag} mischief`"));
    run(&["status"])
        .expect(1)
        .says(&format!("`caso queue drop {flag} mischief`"));
    let listed = run(&["queue"]).expect(0);
    let advised = format!("caso queue drop {flag} mischief");
    assert!(listed.stdout.contains(&advised), "{listed}");
    run(&["queue", "--json"]).expect(0).never_says(&flag);
    // Done as it is written, by a shell in another folder.
    let program = site.command("caso").get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        &format!(
            "cd /; caso() {{ '{}' \"$@\"; }}; {advised} --yes",
            program.display()
        ),
    ]);
    Running::start(shell, site.path())
        .finish()
        .expect(0)
        .says(&format!("next  caso queue {flag}"));
    assert_eq!(segments(&site), 0);
}
