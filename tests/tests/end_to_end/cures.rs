//! What is advised, typed as it stands by a shell in another folder, cures: `caso status` is content in the end.

use std::fs;
use std::path::PathBuf;

use caso_stand_in::{Cloud, Plan, project_id};
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

use crate::clouds::project;

/// One project, whose VO is in the mapping file alone.
fn cloud() -> Cloud {
    let mut project = project(0);
    project.properties.clear();
    Cloud::start(Plan {
        projects: vec![project],
        ..Plan::default()
    })
}

fn mapped(site: &Site, vo: &str) {
    let text = format!("{{\"{vo}\": {{\"projects\": [\"project-0\"]}}}}");
    fs::write(site.path().join("voms.json"), text).unwrap();
}

/// Up to now, as cron's runs are.
fn extracted(site: &Site) -> Outcome {
    site.extract(&["--extract-from", "2026-10-05"])
}

fn typed(site: &Site, line: &str) -> Outcome {
    let program = site.command("caso").get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    // What a test reads has no `--config-file` (`for_the_default`).
    let conf = site.path().join("caso.conf");
    let line = format!(
        "cd /; caso() {{ '{}' \"$@\" --config-file '{}'; }}; {line}",
        program.display(),
        conf.display()
    );
    shell
        .args(["-ec", &line])
        .stdin(std::process::Stdio::null());
    Running::start(shell, site.path()).finish()
}

fn status(site: &Site) -> Outcome {
    site.start("caso", &["status"], &[]).finish()
}

/// What stands behind this in a line.
fn behind(outcome: &Outcome, mark: &str) -> String {
    let mut lines = outcome.stdout.lines().chain(outcome.stderr.lines());
    let found = lines.find_map(|line| Some(line.split_once(mark)?.1.to_owned()));
    found.unwrap_or_else(|| panic!("nothing says `{mark}`: {outcome}"))
}

/// Whoever waits for the messenger gets all that the cloud has.
///
/// A republication is no whole run; the next one is.
fn all_are_there(site: &Site, servers: usize) {
    site.extract(&[]).expect(0);
    assert_eq!(site.cloud_records().len(), servers);
    status(site).expect(0);
}

#[test]
fn a_vo_that_apel_cannot_load_is_mended_and_its_month_published_once_more() {
    let cloud = cloud();
    let site = Site::at(&cloud);
    mapped(&site, "vo.\u{e9}");
    extracted(&site).expect(3).says("in quarantine");
    mapped(&site, "vo.example.org");
    status(&site)
        .expect(1)
        .says("`caso queue show ssm --quarantine` says why, and how to fix it");
    let shown = site
        .start("caso", &["queue", "show"], &["ssm", "--quarantine"])
        .finish()
        .expect(0)
        .says("where the record is wrong");
    let commands: Vec<String> = shown
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("where the record is wrong"))
        .skip(1)
        .take_while(|line| line.starts_with("      "))
        .map(|line| line.trim().to_owned())
        .collect();
    let [republish, drop] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    typed(&site, republish).expect(0);
    typed(&site, &format!("{drop} --yes")).expect(0);
    all_are_there(&site, 10);
    let vos: Vec<String> = site
        .cloud_records()
        .into_values()
        .map(|record| record["FQAN"].clone())
        .collect();
    assert!(vos.iter().all(|vo| vo == "vo.example.org"), "{vos:?}");
}

/// A messenger that takes nothing, until [`takes`].
fn with_a_backlog(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    mapped(&site, "vo.example.org");
    site.with_mischief("misconfigured");
    extracted(&site).expect(3);
    site
}

fn takes(site: &mut Site) {
    site.set("mischief", "verb", "accept");
}

fn segments(site: &Site) -> Vec<PathBuf> {
    let folder = fs::read_dir(site.spool().join("caso-journal/segments")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_a_damaged_segment_held_is_made_again_by_what_is_typed() {
    for empty in [true, false] {
        let cloud = cloud();
        let mut site = with_a_backlog(&cloud);
        let [segment] = segments(&site).try_into().unwrap();
        let whole = fs::read(&segment).unwrap();
        fs::write(
            &segment,
            if empty {
                &[]
            } else {
                &whole[..whole.len() - 9]
            },
        )
        .unwrap();
        takes(&mut site);
        site.deliver().says("set aside");
        let told = status(&site).expect(1);
        // Once, however many files and lists it is in.
        assert_eq!(told.stdout.matches(" && rm ").count(), 1, "{told}");
        let advised = behind(&told, "was not delivered; ");
        typed(&site, &advised).expect(0);
        all_are_there(&site, 10);
    }
}

fn lost(site: &Site) -> String {
    behind(&status(site).expect(1), "its messengers did not get it; ")
}

#[test]
fn a_backlog_that_is_gone_with_the_journal_is_told_until_it_was_made_again() {
    let cloud = cloud();
    let mut site = with_a_backlog(&cloud);
    fs::remove_dir_all(site.spool().join("caso-journal")).unwrap();
    takes(&mut site);
    // Before any run has seen it, too.
    let advised = lost(&site);
    site.start("caso", &["check"], &["--offline"])
        .finish()
        .says("is gone: nova of project `");
    // As an error once; then as a line of each summary, not of each mail.
    let missed = site.extract(&[]).says(&format!(
        "error: what waited in `{}` is gone: nova of project `{}`, from 2026-10-05T00:00:00Z to ",
        site.spool().join("caso-journal").display(),
        project_id(0)
    ));
    // Where nothing was used since, nothing else was done.
    assert!([1, 3].contains(&missed.code()), "{missed}");
    for _ in 0..2 {
        site.extract(&[]);
    }
    let silent = site.extract(&[]).expect(0);
    assert_eq!(silent.stderr, "");
    assert_eq!(lost(&site), advised);
    let (republish, forget) = advised.split_once("; if nobody wants it: ").unwrap();
    typed(&site, republish).expect(0);
    all_are_there(&site, 10);

    // Or by hand.
    site.set("mischief", "verb", "misconfigured");
    // As it is set now.
    status(&site).expect(0);
    typed(&site, republish).expect(3);
    fs::remove_dir_all(site.spool().join("caso-journal")).unwrap();
    takes(&mut site);
    site.extract(&[]).says("is gone");
    lost(&site);
    typed(&site, forget).expect(0);
    site.extract(&[]).expect(0);
    status(&site).expect(0);
}

/// A first run, a spool of the version before, which has no note, a queue that was given up, and a journal that is
/// empty and gone.
#[test]
fn where_nothing_waited_nothing_is_lost() {
    let cloud = cloud();
    let journal = |site: &Site| site.spool().join("caso-journal");
    let note = |site: &Site| site.spool().join("caso-waiting.json");
    let content = |site: &Site| {
        site.extract(&[]).expect(0).never_says("is gone");
        status(site).expect(0);
        assert!(!note(site).exists());
    };
    let mut site = with_a_backlog(&cloud);
    assert!(note(&site).exists());
    fs::remove_file(note(&site)).unwrap();
    takes(&mut site);
    content(&site);
    fs::remove_dir_all(journal(&site)).unwrap();
    content(&site);

    let mut site = with_a_backlog(&cloud);
    let drop = ["mischief", "--yes", "--no-save"];
    site.start("caso", &["queue", "drop"], &drop)
        .finish()
        .expect(0);
    assert!(!note(&site).exists());
    fs::remove_dir_all(journal(&site)).unwrap();
    takes(&mut site);
    content(&site);
}
