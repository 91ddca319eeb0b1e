//! Cursors from a backup, extractors that a project never had, and lastrun files of an older cASO: where each goes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use caso_stand_in::{Cloud, Plan, Project, Volume, epoch, project_id};
use caso_tests::site::Site;
use tempfile::TempDir;

use crate::republish::{caso, extracted, intervals, once};

const FIVE: [&str; 2] = ["--extract-to", "2026-10-08 05:00:00"];
const SIX: [&str; 2] = ["--extract-to", "2026-10-08 06:00:00"];

/// All that says where a project goes on, but the ledger.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("caso-cursors")).unwrap();
    for part in [".", "caso-cursors"] {
        for entry in fs::read_dir(from.join(part)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with("lastrun") || name == "caso-lastruns.json" || part == "caso-cursors"
            {
                fs::copy(entry.path(), to.join(part).join(name)).unwrap();
            }
        }
    }
}

/// Three hours, of which there is a copy, two more, and the copy put back; what was counted until then.
fn put_back() -> (Cloud, Site, BTreeSet<String>) {
    let (cloud, site, backup) = copied();
    for hour in ["04", "05"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(0);
    }
    let counted = intervals(&site);
    copy(backup.path(), &site.spool());
    (cloud, site, counted)
}

/// Three hours, of which there is a copy.
fn copied() -> (Cloud, Site, TempDir) {
    let (cloud, site) = extracted();
    let backup = tempfile::tempdir().unwrap();
    copy(&site.spool(), backup.path());
    (cloud, site, backup)
}

/// The files agree with each other, and the ledger of runs knows better.
#[test]
fn cursors_that_were_put_back_count_nothing_twice() {
    let (_cloud, site, counted) = put_back();
    site.extract(&SIX)
        .expect(0)
        .says("the cursor of cinder stands at 2026-10-08T03:00:00Z, and the ledger of runs has it extracted up to 2026-10-08T05:00:00Z");
    let after = intervals(&site);
    assert!(after.is_superset(&counted), "{after:?}");
    assert_eq!(after.len(), counted.len() + 1, "{after:?}");
    once(&site, "put back");
    // From here on they stand where it says.
    site.extract(&["--extract-to", "2026-10-08 07:00:00"])
        .expect(0)
        .never_says("put back");
}

/// A line of the ledger is damaged: in which windows its time was extracted nobody knows any more.
#[test]
fn cursors_that_were_put_back_behind_a_gap_in_the_ledger_extract_nothing_that_adds_up() {
    let (_cloud, site, counted) = put_back();
    let end = format!("\"end\":{}", epoch("2026-10-08T04:00:00"));
    for entry in fs::read_dir(site.spool().join("caso-runs")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains(&end)).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    let refused = site.extract(&SIX);
    assert_ne!(refused.code(), 0, "{refused}");
    refused
        .says("it is not known in which windows, if any, usage from 2026-10-08T03:00:00Z to 2026-10-08T04:00:00Z was extracted before")
        .says("caso cursor set");
    assert_eq!(intervals(&site), counted);
}

/// Two lines are damaged: the hint is for both, and what is short of the second is refused by hand, too.
#[test]
fn cursors_that_were_put_back_behind_two_gaps_go_on_where_the_run_says() {
    let (_cloud, site, backup) = copied();
    for hour in ["04", "05", "06", "07"] {
        site.extract(&["--extract-to", &format!("2026-10-08 {hour}:00:00")])
            .expect(0);
    }
    let counted = intervals(&site);
    let ends = ["2026-10-08T04:00:00", "2026-10-08T06:00:00"];
    let ends = ends.map(|end| format!("\"end\":{}", epoch(end)));
    for entry in fs::read_dir(site.spool().join("caso-runs")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let is_whole = |line: &&str| !ends.iter().any(|end| line.contains(end.as_str()));
        let lines: Vec<&str> = text.lines().filter(is_whole).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    copy(backup.path(), &site.spool());
    let eight = ["--extract-to", "2026-10-08 08:00:00"];
    let project = project_id(0);
    let way = format!("caso cursor set {project} '2026-10-08T06:00:00Z'");
    let refused = site.extract(&eight);
    assert_ne!(refused.code(), 0, "{refused}");
    refused.says(&way);
    let short = caso(
        &site,
        &["cursor", "set"],
        &[&project, "2026-10-08T04:00:00Z"],
    );
    assert_ne!(short.code(), 0, "{short}");
    short.says("set it to '2026-10-08T06:00:00Z'");
    caso(
        &site,
        &["cursor", "set"],
        &[&project, "2026-10-08T06:00:00Z", "--yes"],
    )
    .expect(0);
    site.extract(&eight).expect(0);
    let after = intervals(&site);
    assert!(after.is_superset(&counted), "{after:?}");
    assert_eq!(after.len(), counted.len() + 1, "{after:?}");
}

/// What was remembered of sizes since the copy is gone, and the run says so.
#[test]
fn sizes_that_were_put_back_are_said() {
    let (_cloud, site) = extracted();
    let servers = site.spool().join("caso-servers/default");
    let kept: Vec<_> = fs::read_dir(&servers)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    for hour in ["04", "05"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to])
            .expect(0)
            .never_says("is remembered");
    }
    for (path, text) in kept {
        fs::write(path, text).unwrap();
    }
    site.extract(&SIX).expect(0).says(
        "is of 2026-10-08T03:00:00Z, and its cursor stands at 2026-10-08T05:00:00Z, as after `caso cursor set`",
    );
}

/// What its volume used while the extractor was switched off is not lost, as that of the others is not.
#[test]
fn a_project_that_came_while_an_extractor_was_switched_off_has_it_from_its_beginning() {
    let (cloud, mut site) = extracted();
    site.set("DEFAULT", "extractor", "nova");
    cloud.change(|plan| {
        let generated = Plan::generated(2, 1);
        let mut project: Project = generated.projects[1].clone();
        project.volumes = vec![Volume::numbered(1, 0)];
        plan.projects.push(project);
    });
    site.extract(&FIVE).expect(0);
    // A month that is published again has a line in the ledger, too, and no cursor moves by it.
    let month = ["--month", "2026-10", "--yes"];
    site.start("caso", &["republish"], &month)
        .finish()
        .expect(0);
    site.set("DEFAULT", "extractor", "cinder, nova");
    site.extract(&SIX).expect(0).says(&format!(
        "project `{}`: cinder was switched off when the project came",
        project_id(1)
    ));
    let records = site.storage_records();
    let starts = |project: usize| {
        let mut starts: Vec<&str> = records
            .iter()
            .filter(|it| it.values().any(|text| *text == project_id(project)))
            .map(|it| it["StartTime"].as_str())
            .collect();
        starts.sort_unstable();
        starts
    };
    assert_eq!(starts(1), ["2026-10-08T00:00:00"], "{records:?}");
    assert_eq!(
        starts(0).last(),
        Some(&"2026-10-08T03:00:00"),
        "{records:?}"
    );
}

/// As in cASO it begins where the others are, and what that leaves out is said.
#[test]
fn an_extractor_that_is_new_to_the_site_says_where_it_begins() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    cloud.change(|plan| plan.projects[0].volumes = vec![Volume::numbered(0, 0)]);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "nova")
        .set("DEFAULT", "first_extract_from", "2026-10-08");
    site.extract(&FIVE).expect(0);
    site.set("DEFAULT", "extractor", "cinder, nova");
    site.extract(&SIX)
        .expect(0)
        .says("cinder is new here, and begins where the other extractors are")
        .says("caso republish --month 2026-10 --types storage --storage-anyway");
    let month = [
        "--month",
        "2026-10",
        "--types",
        "storage",
        "--storage-anyway",
        "--yes",
    ];
    site.start("caso", &["republish"], &month)
        .finish()
        .expect(0);
    once(&site, "republished");
    site.extract(&["--extract-to", "2026-10-08 07:00:00"])
        .expect(0)
        .never_says("is new here");
}

/// From `projects` to a tag is the step that a site takes with the new cASO.
#[test]
fn a_lastrun_file_by_name_is_that_of_the_project_with_the_tag() {
    for (names, goes_on) in [(1, true), (2, false)] {
        let cloud = Cloud::start(Plan::generated(names, 1));
        let mut site = Site::at(&cloud);
        site.set("DEFAULT", "projects", "")
            .set("DEFAULT", "first_extract_from", "2026-10-01");
        if names == 2 {
            cloud.change(|plan| plan.projects[1].name = plan.projects[0].name.clone());
        }
        fs::create_dir_all(site.spool()).unwrap();
        let file = site.spool().join("lastrun.project-0");
        fs::write(&file, "2026-10-08 03:00:00+00:00").unwrap();
        site.extract(&SIX).expect(0);
        let ledger = fs::read_dir(site.spool().join("caso-runs")).unwrap();
        let ledger: String = ledger
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        // A lastrun file of somebody else's has what changed in its second behind it.
        let start = epoch("2026-10-08T02:59:59").to_string();
        assert_eq!(ledger.contains(&start), goes_on, "{names}: {ledger}");
    }
}

/// What waited when the copy was made was delivered since.
#[test]
fn a_journal_that_was_put_back_is_said() {
    let (_cloud, mut site) = extracted();
    site.with_mischief("retry");
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(3);
    let segments = site.spool().join("caso-journal/segments");
    let kept: Vec<_> = fs::read_dir(&segments)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(!kept.is_empty());
    site.with_mischief("accept");
    site.deliver().expect(0).never_says("put back");
    for (path, text) in kept {
        fs::write(path, text).unwrap();
    }
    // Of a run that began a while after that.
    let ledger = fs::read_dir(site.spool().join("caso-runs")).unwrap();
    let ledger = ledger.last().unwrap().unwrap().path();
    let text = fs::read_to_string(&ledger).unwrap();
    let last = text.lines().last().unwrap();
    let began: serde_json::Value = serde_json::from_str(last).unwrap();
    let began = began["began"].as_i64().unwrap();
    let later = last.replace(
        &format!("\"began\":{began},"),
        &format!("\"began\":{},", began + 60),
    );
    fs::write(&ledger, text.replace(last, &later)).unwrap();

    site.deliver()
        .expect(0)
        .says("messenger `mischief`: ")
        .says("as where `caso-journal` was put back from a backup")
        .says("caso republish --month");
    site.deliver().never_says("put back");
}

/// Not all of what waits is in the copy: the cursors have moved beyond it.
#[test]
fn what_a_journal_from_a_backup_does_not_hold_is_lost_and_said() {
    let (_cloud, mut site) = extracted();
    site.with_mischief("retry");
    let hour = |site: &Site, hour: u32| {
        site.extract(&["--extract-to", &format!("2026-10-08 {hour:02}:00:00")])
            .expect(3)
    };
    hour(&site, 4);
    let backup = tempfile::tempdir().unwrap();
    let cp = |from: &Path, to: &Path| {
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([from, to])
            .status();
        assert!(copied.unwrap().success());
    };
    let journal = site.spool().join("caso-journal");
    cp(&journal, &backup.path().join("copy"));
    hour(&site, 5).never_says("is gone");
    fs::remove_dir_all(&journal).unwrap();
    cp(&backup.path().join("copy"), &journal);
    let gone = "from 2026-10-08T04:00:00Z to 2026-10-08T05:00:00Z; its messengers did not get it";
    hour(&site, 6)
        .says(gone)
        .says("caso republish --month 2026-10");
    // Until somebody has published it again.
    caso(&site, &["status"], &[]).says(gone);
    site.with_mischief("accept");
    caso(&site, &["republish"], &["--month", "2026-10", "--yes"]).expect(0);
    caso(&site, &["status"], &[]).never_says("is gone");
}

/// Not the journal is gone, but a file in it: an older one waits, so that it was not delivered.
#[test]
fn a_segment_that_somebody_removed_is_lost_and_said() {
    let (_cloud, mut site) = extracted();
    site.with_mischief("retry");
    let segments = site.spool().join("caso-journal/segments");
    let names = || -> BTreeSet<_> {
        let entries = fs::read_dir(&segments).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut before = BTreeSet::new();
    let mut of_five = BTreeSet::new();
    for hour in ["04", "05", "06"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(3);
        if hour == "05" {
            of_five = names().difference(&before).cloned().collect();
        }
        before = names();
    }
    assert!(!of_five.is_empty());
    for path in of_five {
        fs::remove_file(path).unwrap();
    }
    let gone = "from 2026-10-08T04:00:00Z to 2026-10-08T05:00:00Z; its messengers did not get it";
    site.extract(&["--extract-to", "2026-10-08 07:00:00"])
        .expect(3)
        .says(gone)
        .says("caso republish --month 2026-10");
    site.with_mischief("accept");
    site.deliver().says(gone);
    caso(&site, &["republish"], &["--month", "2026-10", "--yes"]).expect(0);
    caso(&site, &["status"], &[]).never_says("is gone");
}
