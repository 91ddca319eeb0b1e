//! What somebody sees who was woken: faults that no project and no queue tells of.

use std::fs;

use caso_stand_in::{Cloud, Plan, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "nova")
        .set("DEFAULT", "first_extract_from", "2026-10-05");
    site
}

fn caso(site: &Site, before: &[&str], after: &[&str]) -> Outcome {
    site.start("caso", before, after).finish()
}

fn status(site: &Site) -> Outcome {
    caso(site, &["status"], &[])
}

fn nagios(site: &Site) -> Outcome {
    caso(site, &["status"], &["--nagios"])
}

/// It reads standard output alone, and takes 2 for CRITICAL.
#[test]
fn a_configuration_that_cannot_be_used_is_unknown_to_nagios() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    site.set("DEFAULT", "page_size", "many");
    let told = nagios(&site).expect(3);
    assert!(told.stdout.starts_with("CASO UNKNOWN - `"), "{told}");
    assert!(told.stdout.contains("page_size"), "{told}");
    assert_eq!((told.stdout.lines().count(), told.stderr.as_str()), (1, ""));
    status(&site).expect(2);
}

/// Where no configuration is found nothing is well.
#[test]
fn without_a_configuration_nobody_says_that_all_is_well() {
    let empty = tempfile::tempdir().expect("a folder");
    for arguments in [&["status"][..], &["queue"], &["cursor"]] {
        let out = std::process::Command::new(caso_tests::build::program("caso"))
            .args(arguments)
            .env_clear()
            .env("HOME", empty.path())
            .output()
            .expect("it starts");
        let errors = String::from_utf8_lossy(&out.stderr);
        // On a machine that has one it is another's.
        if errors.is_empty() && std::path::Path::new("/etc/caso/caso.conf").exists() {
            return;
        }
        assert_eq!(out.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(
            errors.contains("no configuration file was found"),
            "{errors}"
        );
    }
}

#[test]
fn a_damaged_cursor_file_is_named_and_hides_no_other() {
    let cloud = Cloud::start(Plan::generated(2, 2));
    let site = site(&cloud);
    site.extract(&[]).expect(0);
    let file = site
        .spool()
        .join(format!("caso-cursors/{}.json", project_id(0)));
    for damage in ["empty", "folder"] {
        match damage {
            "empty" => fs::write(&file, "").expect("a file"),
            _ => {
                fs::remove_file(&file).expect("no file");
                fs::create_dir(&file).expect("a folder");
            }
        }
        let name = file.display().to_string();
        status(&site)
            .expect(1)
            .says("projects    1 project, 1 up to date")
            .says(&name)
            .says("1 cursor file of no use");
        assert!(
            nagios(&site)
                .expect(1)
                .stdout
                .contains("1 cursor file of no use")
        );
        caso(&site, &["cursor"], &[]).expect(0).says(&name);
        caso(&site, &["check"], &["--offline"])
            .expect(0)
            .says(&name);
    }
    // What is said to cure it does.
    fs::remove_dir(&file).expect("no folder");
    site.extract(&[]);
    status(&site).never_says("of no use");
}

#[test]
fn a_lock_that_cannot_be_taken_is_named_by_all() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let site = site(&cloud);
    site.extract(&[]).expect(0);
    let lock = site.spool().join("caso_should_not_run_in_parallel");
    for kind in ["folder", "pipe"] {
        let _ = fs::remove_file(&lock);
        match kind {
            "folder" => fs::create_dir(&lock).expect("a folder"),
            _ => {
                fs::remove_dir(&lock).expect("no folder");
                let made = std::process::Command::new("mkfifo").arg(&lock).status();
                assert!(made.expect("mkfifo").success());
            }
        }
        let text = format!("cannot take the lock: `{}` is not a file", lock.display());
        site.extract(&[])
            .expect(1)
            .says(&text)
            .says("hint: remove it");
        status(&site).expect(1).says(&text);
        assert!(nagios(&site).expect(1).stdout.contains(&text), "{kind}");
        caso(&site, &["check"], &["--offline"])
            .expect(1)
            .says(&text);
    }
}

/// A delivery that fails before it has begun, and what a run told as an error and nobody else.
#[test]
fn what_a_run_told_is_told_by_status_with_the_next_step() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    site.extract(&[]).expect(0);
    let lock = site.spool().join("caso-journal/lock");
    fs::remove_file(&lock).expect("no file");
    fs::create_dir(&lock).expect("a folder");
    site.deliver().expect(1).says("hint: make it a file");
    status(&site)
        .expect(1)
        .says("the last run ended with exit code 1")
        .says("hint        make it a file of cASO's");
    fs::remove_dir(&lock).expect("no folder");
    site.deliver().expect(0);
    // No project has the tag any more.
    site.set("DEFAULT", "caso_tag", "nobody");
    let told = site.extract(&[]).expect(1);
    let error = told.stderr.lines().find(|it| it.starts_with("error: "));
    let error = error
        .expect("an error")
        .trim_start_matches("error: ")
        .to_owned();
    status(&site).expect(1).says(&error);
}

#[test]
fn records_that_were_lost_are_told_for_a_while() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = site(&cloud);
    site.with_mischief("retry");
    // Up to a month's end there is a record more.
    site.extract(&["--extract-to", "2026-10-16"]).expect(3);
    let segments = site.spool().join("caso-journal/segments");
    for file in fs::read_dir(segments).expect("segments") {
        fs::remove_file(file.expect("an entry").path()).expect("no file");
    }
    site.deliver().says("lost to it");
    for _ in 0..2 {
        status(&site)
            .expect(1)
            .says("mischief lost 3 records")
            .says("lost        mischief: 3 records, found on ");
        site.deliver();
    }
}

/// It would lie among what the host lives on, for somebody to clean up.
#[test]
fn a_queue_is_not_made_of_the_spool() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    let spool = site.spool().display().to_string();
    let above = site.path().display().to_string();
    for queue in [spool.clone(), format!("{spool}/caso-journal/ssm"), above] {
        site.set("ssm", "output_path", &queue);
        caso(&site, &["check"], &["--offline"])
            .expect(3)
            .says("`spooldir`");
        site.extract(&[]).says("messenger `ssm` is not used");
    }
    site.set("ssm", "output_path", &format!("{spool}/outgoing"));
    site.deliver().expect(0);
    assert_eq!(
        fs::read_dir(format!("{spool}/outgoing"))
            .expect("a queue")
            .count(),
        1
    );
}

#[test]
fn a_beginning_that_lies_ahead_is_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    site.set("DEFAULT", "first_extract_from", "2100-01-01");
    site.extract(&[])
        .expect(1)
        .says("nothing lies between 2100-01-01T00:00:00Z and")
        .says("hint: `first_extract_from` is where it begins");
}

#[test]
fn what_counts_before_the_file_is_named() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = site(&cloud);
    site.variable("OS_DEFAULT__SITE_NAME", "OTHER");
    caso(&site, &["check"], &["--offline"])
        .expect(0)
        .says("the environment overrides the files: OS_DEFAULT__SITE_NAME");
}
