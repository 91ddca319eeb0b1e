//! What was extracted before, once more and by hand: `caso cursor`, `caso republish`, `caso report`,
//! and names of the site that no message can carry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use caso_stand_in::{Cloud, Fault, Plan, Rule, Seen, Server, Servers, epoch, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::clouds;

/// A server of GPUs none, a volume, and three hours of each.
pub fn extracted() -> (Cloud, Site) {
    let cloud = Cloud::start(Plan::generated(1, 3));
    cloud.change(|plan| plan.projects[0].volumes = vec![caso_stand_in::Volume::numbered(0, 0)]);
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "extractor", "cinder, nova").set(
        "DEFAULT",
        "first_extract_from",
        "2026-10-08",
    );
    for hour in ["01", "02", "03"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(0);
    }
    (cloud, site)
}

pub fn caso(site: &Site, before: &[&str], after: &[&str]) -> Outcome {
    site.start("caso", before, after).finish()
}

/// Ids of the storage records: whoever gets them adds up those that differ.
pub fn intervals(site: &Site) -> BTreeSet<String> {
    let records = site.storage_records();
    records.iter().map(|it| it["recordId"].clone()).collect()
}

/// Where its cursors stand.
pub fn moments(site: &Site) -> Vec<i64> {
    site.cursors(&project_id(0))
        .into_values()
        .flatten()
        .collect()
}

const ONE: i64 = 1_791_421_200;
pub const THREE: i64 = ONE + 2 * 3_600;

#[test]
fn cursors_are_shown_set_back_and_what_adds_up_is_counted_once() {
    let (_cloud, site) = extracted();
    let shown = caso(&site, &["cursor"], &[]).expect(0);
    assert!(shown.stdout.starts_with("PROJECT "), "{shown}");
    assert_eq!(
        shown.stdout.matches("2026-10-08T03:00:00Z").count(),
        2,
        "{shown}"
    );
    let json = caso(&site, &["cursor"], &["--json"]).expect(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["format"], 1);
    assert_eq!(json["cursors"][0]["at"], THREE);
    let name = json["cursors"][0]["name"]
        .as_str()
        .expect("the last run knew it");

    let right = intervals(&site);
    assert_eq!(right.len(), 3);
    let set = ["cursor", "set"];
    let done = caso(&site, &set, &[name, "2026-10-08T01:00"]).expect(0);
    assert_eq!(
        done.stdout,
        format!(
            "cinder: what was used from 2026-10-08T01:00:00Z to 2026-10-08T03:00:00Z (2 h) is extracted again; \
             in the windows of the first time, by the ledger of runs, so that nothing is counted twice\n\
             nova: what was used from 2026-10-08T01:00:00Z to 2026-10-08T03:00:00Z (2 h) is extracted again; \
             the records replace those of before\n\
             cursors and lastrun of `{name}` are at 2026-10-08T01:00:00Z\n\
             next  caso-extract\n"
        )
    );
    assert_eq!(moments(&site), [ONE, ONE]);
    assert_eq!(
        site.cursor(&project_id(0)).as_deref(),
        Some("2026-10-08 01:00:00+00:00")
    );
    let before = site.storage_records().len();
    site.extract(&["--extract-to", "2026-10-08 03:00:00"])
        .expect(0);
    assert_eq!(
        intervals(&site),
        right,
        "an interval of other bounds is counted twice"
    );
    assert_eq!(site.storage_records().len(), before + 2);
    assert_eq!(moments(&site), [THREE, THREE]);
}

/// As a run leaves the ledger that was killed while it delivered: its cursors have moved. Of the last run
/// (2) they know the windows; of an earlier one, nobody: the file was damaged. `line` is the run's, from nought.
fn without_the_line(site: &Site, line: usize) {
    let runs = site.spool().join("caso-runs");
    let file = fs::read_dir(&runs).unwrap().next().unwrap();
    let file = file.unwrap().path();
    let ledger = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = ledger.lines().collect();
    lines.remove(line);
    fs::write(&file, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_cursor_is_not_set_back_over_storage_in_bounds_that_nobody_knows() {
    let (_cloud, mut site) = extracted();
    without_the_line(&site, 1);
    let set = |site: &Site, to| caso(site, &["cursor", "set"], &[&project_id(0), to]);
    set(&site, "2026-10-08T01:00")
        .expect(1)
        .says(
            "in which windows, if any, usage from 2026-10-08T01:00:00Z to 2026-10-08T02:00:00Z was extracted before",
        )
        .says("--types cloud,accelerator");
    assert_eq!(moments(&site), [THREE, THREE]);
    site.set("DEFAULT", "overlapping_intervals", "true");
    set(&site, "2026-10-08T01:00").expect(0);
    assert_eq!(moments(&site), [ONE, ONE]);
}

/// As operators of Python's cASO have a project extracted anew.
#[test]
fn without_its_lastrun_and_cursors_what_adds_up_is_counted_once() {
    let (_cloud, site) = extracted();
    let counted = intervals(&site);
    let project = project_id(0);
    let lastrun = site.spool().join(format!("lastrun.{project}"));
    let cursors = site.spool().join(format!("caso-cursors/{project}.json"));
    let again = || {
        site.extract(&["--extract-to", "2026-10-08 03:00:00"])
            .expect(0);
        assert_eq!(intervals(&site), counted);
        assert!(moments(&site).iter().all(|at| *at == THREE));
    };
    fs::remove_file(&lastrun).unwrap();
    again();
    // Of a lost cursor file lastrun knows no better than Python does: to the second.
    fs::remove_file(&cursors).unwrap();
    again();
    // Up to date, it was not written again.
    assert!(!cursors.exists());
    fs::remove_file(&lastrun).unwrap();
    again();
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(0);
    assert_eq!(intervals(&site).len(), counted.len() + 1);
}

/// Whoever takes the cursors away, or back: what was extracted is not extracted in other windows, the
/// run says how it goes on, and doing so cures it.
#[test]
fn over_a_gap_in_the_ledger_what_adds_up_is_refused_until_the_cursor_is_behind_it() {
    for how in ["removed", "edited", "forgotten"] {
        for (line, behind) in [(0, "2026-10-08T01:00:00Z"), (1, "2026-10-08T02:00:00Z")] {
            let (_cloud, site) = extracted();
            let counted = intervals(&site);
            without_the_line(&site, line);
            let project = project_id(0);
            let lastrun = site.spool().join(format!("lastrun.{project}"));
            match how {
                "removed" => fs::remove_file(&lastrun).unwrap(),
                "edited" => fs::write(&lastrun, "2026-10-08 00:30:00+00:00").unwrap(),
                _ => drop(caso(&site, &["cursor", "forget"], &[&project, "--yes"]).expect(0)),
            }
            let four = ["--extract-to", "2026-10-08 04:00:00"];
            // Of a second run nothing is new but this.
            for exit in [3, 1] {
                site.extract(&four)
                    .expect(exit)
                    .says("the ledger of runs does not have them")
                    .says(&format!("caso cursor set {project} '{behind}'"));
                assert_eq!(intervals(&site), counted, "{how} {line}");
            }
            caso(&site, &["cursor", "set"], &[&project, behind, "--yes"]).expect(0);
            site.extract(&four).expect(0);
            let after = intervals(&site);
            assert_eq!(after.len(), counted.len() + 1, "{how} {line}");
            assert!(after.is_superset(&counted), "{how} {line}");
        }
    }
}

/// The ledger lacks the run, and its windows stand with the cursors: nothing has to be refused.
#[test]
fn of_a_run_that_was_killed_what_adds_up_goes_in_its_own_windows_again() {
    for how in ["removed", "edited", "forgotten", "set", "by hand"] {
        for later_runs in [0, 2] {
            let (_cloud, site) = extracted();
            without_the_line(&site, 2);
            let mut to = 3;
            for _ in 0..later_runs {
                to += 1;
                site.extract(&["--extract-to", &format!("2026-10-08 0{to}:00:00")])
                    .expect(0);
            }
            let counted = intervals(&site);
            assert_eq!(counted.len(), to);
            let project = project_id(0);
            let lastrun = site.spool().join(format!("lastrun.{project}"));
            let half_past_one = "2026-10-08 01:30:00";
            let end = format!("2026-10-08 0{to}:00:00");
            let mut window = vec!["--extract-to", end.as_str()];
            match how {
                "removed" => fs::remove_file(&lastrun).unwrap(),
                "edited" => fs::write(&lastrun, format!("{half_past_one}+00:00")).unwrap(),
                "forgotten" => {
                    drop(caso(&site, &["cursor", "forget"], &[&project, "--yes"]).expect(0))
                }
                "set" => {
                    drop(caso(&site, &["cursor", "set"], &[&project, half_past_one]).expect(0))
                }
                _ => window.extend(["--extract-from", half_past_one]),
            }
            let before = site.storage_records().len();
            site.extract(&window).expect(0);
            assert_eq!(intervals(&site), counted, "{how} {later_runs}");
            assert!(site.storage_records().len() > before, "{how} {later_runs}");
        }
    }
}

/// A file of a version that noted no windows, and a damaged ledger.
#[test]
fn where_the_ledger_and_the_cursors_lack_the_last_window_it_is_refused() {
    let (_cloud, site) = extracted();
    let counted = intervals(&site);
    without_the_line(&site, 2);
    let project = project_id(0);
    let file = site.spool().join(format!("caso-cursors/{project}.json"));
    let text = fs::read_to_string(&file).unwrap();
    let mut cursors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fields = cursors.as_object_mut().unwrap();
    fields.remove("windows").unwrap();
    fields.remove("sha256").unwrap();
    fs::write(&file, cursors.to_string()).unwrap();
    fs::remove_file(site.spool().join(format!("lastrun.{project}"))).unwrap();
    let behind = "2026-10-08T03:00:00Z";
    let four = ["--extract-to", "2026-10-08 04:00:00"];
    site.extract(&four)
        .expect(3)
        .says(&format!("caso cursor set {project} '{behind}'"));
    assert_eq!(intervals(&site), counted);
    caso(&site, &["cursor", "set"], &[&project, behind, "--yes"]).expect(0);
    site.extract(&four).expect(0);
    assert_eq!(intervals(&site).len(), counted.len() + 1);
}

/// A run with an earlier end, or one of which the second window failed.
#[test]
fn set_back_and_come_half_the_way_the_rest_goes_in_the_windows_of_the_first_time() {
    let (_cloud, site) = extracted();
    let counted = intervals(&site);
    let project = project_id(0);
    caso(&site, &["cursor", "set"], &[&project, "2026-10-08T00:30"]).expect(0);
    for to in ["01:30", "02:30", "03:00"] {
        site.extract(&["--extract-to", &format!("2026-10-08 {to}:00")])
            .expect(0);
        assert_eq!(intervals(&site), counted, "{to}");
    }
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(0);
    assert_eq!(intervals(&site).len(), counted.len() + 1);
}

/// Else a run would count twice what it cannot know.
#[test]
fn without_a_ledger_that_can_be_read_what_adds_up_is_not_extracted_again() {
    let (_cloud, site) = extracted();
    let counted = intervals(&site);
    let runs = site.spool().join("caso-runs");
    let kept = site.spool().join("kept");
    fs::rename(&runs, &kept).unwrap();
    fs::write(&runs, "").unwrap();
    fs::remove_file(site.spool().join(format!("lastrun.{}", project_id(0)))).unwrap();
    let three = ["--extract-to", "2026-10-08 03:00:00"];
    site.extract(&three)
        .expect(3)
        .says("the ledger of runs cannot be read");
    assert_eq!(intervals(&site), counted);
    fs::remove_file(&runs).unwrap();
    fs::rename(&kept, &runs).unwrap();
    site.extract(&three).expect(0);
    assert_eq!(intervals(&site), counted);
}

/// A cloud gets a name, or a region, and a configuration of its own: `clouds`, `region_name`. Whether it is
/// the one that was extracted before nobody knows but the operator.
#[test]
fn under_another_name_nothing_is_counted_twice_nor_skipped() {
    for (option, value, now) in [
        ("clouds", "prod", "prod"),
        ("region_name", "RegionOne", "default@RegionOne"),
    ] {
        let (_cloud, mut site) = extracted();
        let counted = intervals(&site);
        site.set("DEFAULT", option, value);
        if option == "clouds" {
            site.set("cloud_prod", "keystone", "keystone_auth");
        }
        let four = ["--extract-to", "2026-10-08 04:00:00"];
        site.extract(&four)
            .expect(1)
            .says("1 project was extracted as `default`, up to 2026-10-08T03:00:00Z")
            .says(&format!(
                "caso cursor rename default {now}, if it is the same"
            ));
        assert_eq!(intervals(&site), counted);
        let wrong = start(&site, &["cursor", "rename", "elsewhere", now]).expect(1);
        wrong
            .says("no project has a cursor of `elsewhere`")
            .says("there are: default");
        let wrong = start(&site, &["cursor", "rename", "default", "elsewhere"]).expect(2);
        wrong
            .says("the configuration has no `elsewhere`")
            .says(&format!("it has: {now}"));
        let done = start(&site, &["cursor", "rename", "default", now]).expect(0);
        assert_eq!(
            done.stdout,
            format!("1 project: `default` is `{now}` now\nnext  caso-extract\n")
        );
        site.extract(&four).expect(0);
        let after = intervals(&site);
        assert!(after.is_superset(&counted) && after.len() == counted.len() + 1);
        // What the ledger has by the former name is known by the present one.
        caso(
            &site,
            &["cursor", "set"],
            &[&project_id(0), "2026-10-08T00:30"],
        )
        .expect(0);
        site.extract(&four).expect(0);
        assert_eq!(intervals(&site), after, "{option}");
        // What was remembered of its servers went along.
        assert!(!site.spool().join("caso-servers/default").exists());
        assert!(site.spool().join("caso-servers").join(now).is_dir());
    }
}

/// A project's id is of one Keystone: asked for by a second cloud it is the same project, whether that cloud is a copy of
/// the first or the project went from one to the other.
#[test]
fn a_project_that_comes_up_in_a_second_cloud_is_counted_once() {
    let (_cloud, mut site) = extracted();
    let counted = intervals(&site);
    site.set("DEFAULT", "clouds", "default, copy");
    site.set("cloud_copy", "keystone", "keystone_auth");
    let id = project_id(0);
    let four = ["--extract-to", "2026-10-08 04:00:00"];
    let rename = format!("caso cursor rename default copy --project {id}");
    let refused = site.extract(&four).expect(3);
    refused
        .says("1 project was extracted as `default`")
        .says("and `copy` has the same")
        .says(&rename);
    let four_hours = intervals(&site);
    assert!(four_hours.is_superset(&counted) && four_hours.len() == counted.len() + 1);
    start(
        &site,
        &["cursor", "set", &id, "2026-10-08T04:00", "--cloud", "copy"],
    )
    .expect(2)
    .says(&rename);
    start(&site, &["cursor", "rename", "default", "copy"])
        .expect(2)
        .says("caso cursor rename default copy --project ID");
    // It went there, and what was seen of its servers with it.
    let done = start(
        &site,
        &["cursor", "rename", "default", "copy", "--project", &id],
    )
    .expect(0);
    assert_eq!(
        done.stdout,
        format!("`{id}`: `default` is `copy` now\nnext  caso-extract\n")
    );
    site.set("cloud_default", "projects", "elsewhere");
    site.set("cloud_default", "caso_tag", "");
    let five = ["--extract-to", "2026-10-08 05:00:00"];
    site.extract(&five).expect(3).says("`elsewhere`");
    let after = intervals(&site);
    assert!(after.is_superset(&four_hours) && after.len() == four_hours.len() + 1);
    assert!(
        std::fs::read_dir(site.spool().join("caso-servers/copy"))
            .unwrap()
            .count()
            > 0
    );
    // What the ledger has under the first is known under the second.
    caso(&site, &["cursor", "set"], &[&id, "2026-10-08T01:30"]).expect(0);
    site.extract(&five).expect(3);
    assert_eq!(intervals(&site), after);
}

/// Two clouds that exchange their names: what was extracted as the one is now asked for as the other.
#[test]
fn clouds_that_exchange_their_names_are_not_counted_from_the_beginning() {
    let cloud = Cloud::start(Plan::generated(2, 1));
    cloud.change(|plan| {
        for (project, number) in plan.projects.iter_mut().zip(0..) {
            project.volumes = vec![caso_stand_in::Volume::numbered(number, 0)];
        }
    });
    let mut site = Site::at(&cloud);
    let first = cloud.auth_url();
    let second = first.replace("127.0.0.1", "localhost");
    assert_ne!(first, second);
    site.set("DEFAULT", "extractor", "cinder")
        .set("DEFAULT", "first_extract_from", "2026-10-08")
        .set("DEFAULT", "caso_tag", "")
        .set("DEFAULT", "clouds", "one, two");
    for (option, value) in [
        ("auth_type", "v3password"),
        ("username", "accounting"),
        ("password", "secret"),
        ("user_domain_id", "default"),
        ("project_domain_id", "default"),
    ] {
        for section in ["keystone_one", "keystone_two"] {
            site.set(section, option, value);
        }
    }
    let name = |site: &mut Site, one: (&str, usize), two: (&str, usize)| {
        for (name, (url, number)) in [("one", one), ("two", two)] {
            let section = format!("cloud_{name}");
            site.set(&section, "keystone", &format!("keystone_{name}"))
                .set(&section, "projects", &project_id(number))
                .set(&format!("keystone_{name}"), "auth_url", url);
        }
    };
    name(&mut site, (&first, 0), (&second, 1));
    for hour in ["01", "02"] {
        let to = format!("2026-10-08 {hour}:00:00");
        site.extract(&["--extract-to", &to]).expect(0);
    }
    let counted = intervals(&site);
    name(&mut site, (&second, 1), (&first, 0));
    let three = ["--extract-to", "2026-10-08 03:00:00"];
    let mut refused = site.extract(&three).expect(1);
    for (was, now, number) in [("one", "two", 0), ("two", "one", 1)] {
        let rename = format!(
            "caso cursor rename {was} {now} --project {}",
            project_id(number)
        );
        refused = refused
            .says(&format!("1 project was extracted as `{was}`"))
            .says(&format!("when that had the Keystone of `{now}`"))
            .says(&rename);
    }
    assert_eq!(intervals(&site), counted);
    for (was, now, number) in [("one", "two", 0), ("two", "one", 1)] {
        start(
            &site,
            &[
                "cursor",
                "rename",
                was,
                now,
                "--project",
                &project_id(number),
            ],
        )
        .expect(0);
    }
    site.extract(&three).expect(0);
    let after = intervals(&site);
    assert!(after.is_superset(&counted) && after.len() == counted.len() + 2);
    // A cloud whose Keystone moved is still that cloud.
    name(&mut site, (&first, 1), (&second, 0));
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(0);
    assert_eq!(intervals(&site).len(), after.len() + 2);
}

/// Nor is what is remembered of its servers.
#[test]
fn a_project_that_has_cursors_in_both_clouds_is_not_moved() {
    let (_cloud, mut site) = extracted();
    site.set("DEFAULT", "clouds", "default, copy")
        .set("DEFAULT", "overlapping_intervals", "true");
    site.set("cloud_copy", "keystone", "keystone_auth");
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(0);
    let servers = site.spool().join("caso-servers");
    let remembered = |cloud: &str| {
        let files = fs::read_dir(servers.join(cloud)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let read = files.map(|file| (file.clone(), fs::read(file).unwrap()));
        read.collect::<BTreeMap<_, _>>()
    };
    let before = ["default", "copy"].map(remembered);
    // One of them has both of its files, the other its first; and each has which volumes there are.
    assert_eq!([before[0].len(), before[1].len()], [3, 2]);
    let id = project_id(0);
    start(
        &site,
        &["cursor", "rename", "default", "copy", "--project", &id],
    )
    .expect(1)
    .says("has no cursor of `default`, or has one of `copy` already");
    assert_eq!(["default", "copy"].map(remembered), before);
}

/// Another region of the same Keystone, which knows the same projects.
#[test]
fn a_region_that_is_another_one_is_extracted_from_the_beginning() {
    let (_cloud, mut site) = extracted();
    site.set("DEFAULT", "region_name", "RegionOne");
    let four = ["--extract-to", "2026-10-08 04:00:00"];
    site.extract(&four).expect(1);
    start(&site, &["cursor", "forget", "--cloud", "default"])
        .expect(2)
        .says("add `--yes`");
    let done = start(&site, &["cursor", "forget", "--cloud", "default", "--yes"]).expect(0);
    assert!(
        done.stdout
            .ends_with("1 project: `default` is forgotten\nnext  caso cursor\n"),
        "{done}"
    );
    site.extract(&four).expect(0);
    let records = site.storage_records();
    let whole = |it: &BTreeMap<String, String>| {
        it["StartTime"] == "2026-10-08T00:00:00" && it["EndTime"] == "2026-10-08T04:00:00"
    };
    assert!(records.iter().any(whole), "{records:?}");
}

/// A region more beside the one that was there: that goes on, and the new one begins.
#[test]
fn a_region_that_joins_by_name_is_asked_for_once() {
    let (_cloud, mut site) = extracted();
    site.set("DEFAULT", "region_name", "RegionOne, RegionTwo");
    let four = ["--extract-to", "2026-10-08 04:00:00"];
    site.extract(&four)
        .says("caso cursor rename default default@RegionOne");
    start(&site, &["cursor", "rename", "default", "default@RegionOne"]).expect(0);
    let before = intervals(&site);
    site.extract(&four).never_says("caso cursor rename");
    assert_eq!(intervals(&site).len(), before.len() + 1);
}

fn start(site: &Site, words: &[&str]) -> Outcome {
    let (command, rest) = words.split_at(2);
    caso(site, command, rest)
}

#[test]
fn usage_is_skipped_and_a_project_forgotten_only_after_a_yes() {
    let (_cloud, site) = extracted();
    let project = project_id(0);
    let set = ["cursor", "set"];
    caso(&site, &set, &[&project, "2026-10-08T05:00"])
        .expect(2)
        .says("add `--yes`");
    caso(&site, &set, &["nobody", "2026-10-08T05:00"])
        .expect(1)
        .says("there is no cursor of a project `nobody`")
        .says("is set by its id");
    caso(&site, &set, &[&project, "2999-01-01"])
        .expect(2)
        .says("future");
    caso(&site, &set, &[&project, "soon"]).expect(2);
    assert_eq!(moments(&site), [THREE, THREE]);
    let done = caso(&site, &set, &[&project, "2026-10-08T05:00", "--yes"]).expect(0);
    assert!(
        done.stdout
            .contains("(2 h) is skipped: it is not accounted"),
        "{done}"
    );
    assert_eq!(moments(&site), [THREE + 7_200, THREE + 7_200]);

    caso(&site, &["cursor", "forget"], &[&project]).expect(2);
    caso(&site, &["cursor", "forget"], &[&project, "--yes"]).expect(0);
    assert_eq!(moments(&site), [0; 0]);
    assert_eq!(site.cursor(&project), None);
    let shown = caso(&site, &["cursor"], &[]).expect(0);
    assert_eq!(
        shown.stdout,
        "no project has a cursor: a window by hand moves none, and `caso cursor forget` takes them away\nnext  caso-extract\n"
    );
}

/// As an operator sees them who comes from Python's cASO.
#[test]
fn before_the_first_run_the_lastrun_files_are_shown() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let site = Site::at(&cloud);
    site.set_cursor(&project_id(0), "2026-10-08 02:00:00+00:00");
    fs::write(site.spool().join("lastrun"), "soon").unwrap();
    let shown = caso(&site, &["cursor"], &[]).expect(0);
    let project = project_id(0);
    assert_eq!(
        shown.stdout,
        format!(
            "No project was extracted by this cASO yet; it goes on from the lastrun files of the one before:\n\
             LASTRUN OF                        UP TO\n\
             every project                     no date\n\
             {project}  2026-10-08T02:00:00Z\n\
             next  caso-extract --dry-run\n"
        )
    );
}

/// After a loss of the spool, before the first run.
#[test]
fn a_project_without_cursors_is_set_by_its_id() {
    let (_cloud, site) = extracted();
    let project = project_id(0);
    let lastrun = site.spool().join(format!("lastrun.{project}"));
    let cursors = site.spool().join(format!("caso-cursors/{project}.json"));
    let set = |more: &[&str]| {
        let what = [&[project.as_str(), "2026-10-08T02:00"], more].concat();
        caso(&site, &["cursor", "set"], &what)
    };
    let lost: [(&str, &dyn Fn()); 4] = [
        ("all", &|| fs::remove_dir_all(site.spool()).unwrap()),
        ("the cursors", &|| fs::remove_file(&cursors).unwrap()),
        ("both, but for a text of nobody's", &|| {
            fs::remove_file(&cursors).unwrap();
            fs::write(&lastrun, "rubbish").unwrap();
        }),
        ("the lastrun, beside damaged cursors", &|| {
            fs::write(&cursors, "{").unwrap();
            fs::remove_file(&lastrun).unwrap();
        }),
    ];
    for (what, lose) in lost {
        lose();
        set(&[]).expect(2).says("add `--yes`");
        let done = set(&["--yes"]).expect(0);
        assert!(
            done.stdout
                .contains("what was used before 2026-10-08T02:00:00Z it does not account for"),
            "{what}: {done}"
        );
        let told = fs::read_to_string(&lastrun).unwrap();
        assert_eq!(told, "2026-10-08 02:00:00+00:00", "{what}");
        assert_eq!(moments(&site), [ONE + 3_600, ONE + 3_600], "{what}");
        site.extract(&["--extract-to", "2026-10-08 03:00:00"])
            .expect(0);
        assert_eq!(moments(&site), [THREE, THREE], "{what}");
    }
    // Each hour once, whatever was lost.
    assert_eq!(intervals(&site).len(), 3);
    set(&["--cloud", "elsewhere", "--yes"])
        .expect(2)
        .says("`--cloud` is for a project that has none");
    let nobodys = "0123456789abcdef0123456789abcdef";
    caso(
        &site,
        &["cursor", "set"],
        &[nobodys, "2026-10-08", "--cloud", "elsewhere", "--yes"],
    )
    .expect(2)
    .says("no cloud `elsewhere` is configured")
    .says("one of default");
}

#[test]
fn a_month_is_counted_first_and_sent_again_in_the_windows_of_the_first_time() {
    let (_cloud, mut site) = extracted();
    let (right, lastrun) = (intervals(&site), site.cursor(&project_id(0)));
    let (before, messages) = (site.storage_records().len(), site.messages().len());
    let month = ["--month", "2026-10", "--site-was", "TEST-SITE"];
    site.set("DEFAULT", "site_name", "RIGHT-SITE");
    let shown = caso(&site, &["republish"], &month).expect(0);
    for line in [
        "cloud ",
        "storage ",
        "Cursors stay.",
        "GGUS",
        "next  the same with `--yes`",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    assert_eq!(site.messages().len(), messages, "it sent something");

    let done = caso(
        &site,
        &["republish"],
        &[month.as_slice(), &["--yes"]].concat(),
    )
    .expect(0);
    assert!(done.stdout.ends_with("next  caso status\n"), "{done}");
    assert_eq!(
        intervals(&site),
        right,
        "an interval of other bounds is counted twice"
    );
    assert_eq!(site.storage_records().len(), before + 3);
    assert_eq!(moments(&site), [THREE, THREE]);
    assert_eq!(site.cursor(&project_id(0)), lastrun);
    for record in site.cloud_records().values() {
        assert_eq!(record["SiteName"], "RIGHT-SITE");
    }

    // One type alone.
    let before = site.storage_records().len();
    let clouds = [month.as_slice(), &["--types", "cloud", "--yes"]].concat();
    caso(&site, &["republish"], &clouds).expect(0);
    assert_eq!(site.storage_records().len(), before);

    // What nobody knows any more is refused, and the rest goes.
    fs::remove_dir_all(site.spool().join("caso-runs")).unwrap();
    let all = [month.as_slice(), &["--yes"]].concat();
    caso(&site, &["republish"], &all)
        .expect(3)
        .says("--storage-anyway");
    assert_eq!(intervals(&site), right);
}

/// At APEL the record received last of a VM and month stands: one as of the second behind the month
/// would take the next month's usage away, for ever where the VM ended in it.
#[test]
fn a_month_once_more_leaves_the_next_one_as_it_is() {
    let cloud = Cloud::start(Plan::generated(1, 9));
    let mut site = Site::at(&cloud);
    let running = Server::numbered(0, 0);
    let end = epoch("2026-11-05 10:00:00");
    let ended = Server {
        terminated: Some(end),
        updated: end,
        vm_state: "deleted".into(),
        ..Server::numbered(0, 1)
    };
    cloud.change(|plan| plan.projects[0].servers = Servers::Listed(vec![running, ended]));
    site.set("DEFAULT", "first_extract_from", "2026-10-01");
    for to in ["2026-10-20", "2026-11-10"] {
        site.extract(&["--extract-to", to]).expect(0);
    }
    let of_november = || {
        let messages = site.messages();
        let records = messages.iter().flat_map(|message| message.cloud_records());
        let records: Vec<_> = records.collect();
        let number = |record: &clouds::Record, field: &str| record[field].parse().unwrap_or(0);
        let is_of_november = |record: &&clouds::Record| {
            let measured: i64 = match number(record, "EndTime") {
                0 => number(record, "StartTime") + number(record, "WallDuration"),
                end => end,
            };
            measured >= epoch("2026-11-01 00:00:00")
        };
        let november = records.iter().filter(is_of_november).count();
        (records.len(), november)
    };
    let first = of_november();
    assert_eq!(first.1, 2);
    caso(&site, &["republish"], &["--month", "2026-10", "--yes"]).expect(0);
    let again = of_november();
    assert_eq!(again, (first.0 + 2, 2));
    for to in ["2026-11-01", "2026-10-31T23:59:59", "2026-10-15"] {
        site.extract(&["--extract-from", "2026-10-01", "--extract-to", to])
            .expect(0);
    }
    assert_eq!(of_november(), (again.0 + 6, 2));
}

/// The newer record was told before somebody took the cursors away.
#[test]
fn a_window_by_hand_behind_a_forgotten_cursor_sends_no_older_record() {
    let (_cloud, site) = extracted();
    caso(&site, &["cursor", "forget"], &[&project_id(0), "--yes"]).expect(0);
    let by_hand = [
        "--extract-from",
        "2026-10-08 01:10:00",
        "--extract-to",
        "2026-10-08 01:30:00",
    ];
    let before = site.messages().len();
    site.extract(&by_hand)
        .says("reported up to 2026-10-08T03:00:00Z");
    let messages = site.messages();
    let records = messages[before..].iter().flat_map(|it| it.cloud_records());
    let least = records.filter(|it| it["EndTime"] == "0").map(|it| {
        let number = |field: &str| it[field].parse::<i64>().unwrap();
        number("StartTime") + number("WallDuration")
    });
    assert!(least.min().is_none_or(|measured| measured >= THREE));
}

#[test]
fn what_is_no_month_or_no_project_is_refused() {
    let (_cloud, site) = extracted();
    for wrong in ["2026-13", "2026-10-01", "2999-01", "1960-01"] {
        caso(&site, &["republish"], &["--month", wrong]).expect(2);
    }
    caso(
        &site,
        &["republish"],
        &["--month", "2026-10", "--project", "nobody"],
    )
    .expect(2)
    .says("project `nobody` was never extracted");
    caso(
        &site,
        &["republish"],
        &["--month", "2026-10", "--types", "ip"],
    )
    .expect(2);
}

/// A quarantine each hour helps nobody: it is the site's fault, and said before anything is asked.
#[test]
fn a_name_that_no_message_can_carry_is_a_configuration_error() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "service_name", "Zürich-Cloud");
    site.extract_october().expect(2).says(
        "`[DEFAULT] service_name` is `Zürich-Cloud`, which has a character that is not ASCII",
    );
    assert!(!site.spool().join("caso-journal").exists());
    site.set("DEFAULT", "messengers", "noop");
    site.extract_october().expect(0);
}

#[test]
fn a_server_is_explained_by_the_spool_and_by_nova() {
    let (cloud, mut site) = extracted();
    let server = caso_stand_in::server_id(0, 1);
    let told = caso(&site, &["explain"], &[&server]).expect(0);
    for line in [
        "journal     no record of it waits",
        "nova default",
        "nova of",
        "is extracted up to 2026-10-08T03:00:00Z",
        "next  caso status",
    ] {
        assert!(told.stdout.contains(line), "{line}: {told}");
    }
    site.with_mischief("misconfigured");
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(3);
    // Its own address is gone with it.
    cloud.change(|plan| {
        let deleted = caso_stand_in::Server::numbered(0, 1).deleted(1_791_430_200);
        plan.projects[0].servers = caso_stand_in::Servers::Listed(vec![deleted]);
    });
    let told = caso(&site, &["explain"], &[&server]).expect(0);
    assert!(told.stdout.contains(", DELETED, of project "), "{told}");
    let ended = told.stdout.split(", ended ").nth(1).unwrap_or_default();
    let ended = ended.lines().next().unwrap_or_default();
    assert!(ended.ends_with('Z') && !ended.contains('.'), "{told}");
    cloud.inject(Rule::on("/"), Fault::Closed);
    let told = caso(&site, &["explain"], &[&server]).expect(0);
    assert!(told.stdout.contains("waits for `mischief` since"), "{told}");
    assert!(told.stdout.contains("not asked, or no answer"), "{told}");
}

/// An old Nova, or one whose version documents are closed to us, is extracted from, and so it
/// can be asked.
/// In Nova's address `detail` is the list of all servers.
#[test]
fn a_name_is_no_part_of_an_address() {
    let (cloud, site) = extracted();
    let before = cloud.seen().len();
    let found = caso(&site, &["explain"], &["detail", "--json"]).expect(1);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).expect("JSON");
    assert_eq!(found["servers"], serde_json::json!([]));
    assert_eq!(found["unanswered"], serde_json::json!([]));
    let by_name = |it: &Seen| it.query.iter().any(|(name, _)| name == "name");
    let asked = &cloud.seen()[before..];
    let of_servers: Vec<&Seen> = asked
        .iter()
        .filter(|it| it.path.contains("/servers"))
        .collect();
    assert!(!of_servers.is_empty() && of_servers.iter().all(|it| by_name(it)));
    caso(&site, &["explain"], &[""]).expect(2);
}

#[test]
fn a_server_is_explained_by_a_nova_that_hides_its_versions() {
    let (cloud, site) = extracted();
    let is_document =
        |seen: &Seen| ["/compute", "/compute/v2.1"].contains(&seen.path.trim_end_matches('/'));
    cloud.inject(Rule::on("/compute").when(is_document), Fault::Status(404));
    cloud.forget_seen();
    let told = caso(&site, &["explain"], &[&caso_stand_in::server_id(0, 1)]).expect(0);
    assert!(told.stdout.contains("nova of"), "{told}");
    assert!(!told.stdout.contains("no answer"), "{told}");
    assert!(cloud.seen().iter().any(is_document));
}

/// Names are no keys: a tester calls each of his servers `test`.
#[test]
fn all_servers_of_a_name_are_explained_and_programs_read_the_same() {
    let (cloud, mut site) = extracted();
    let ids: Vec<String> = (0..2).map(|n| caso_stand_in::server_id(0, n)).collect();
    let server = |n: usize| {
        let server = Server::numbered(0, n);
        let name = if n < 2 {
            "test (1)".into()
        } else {
            server.name
        };
        Server { name, ..server }
    };
    cloud.change(|plan| plan.projects[0].servers = Servers::Listed((0..3).map(server).collect()));
    let told = caso(&site, &["explain"], &["test (1)"]).expect(0);
    assert!(
        told.stdout.starts_with("2 servers are named `test (1)`\n"),
        "{told}"
    );
    for id in &ids {
        assert!(told.stdout.contains(&format!("\nserver {id}\n")), "{told}");
    }
    let read = |arguments: &[&str]| -> serde_json::Value {
        let told = caso(&site, &["explain"], arguments);
        serde_json::from_str(&told.stdout).expect("JSON")
    };
    let json = read(&["--json", "test (1)"]);
    let servers = json["servers"].as_array().expect("servers");
    let found: Vec<&str> = servers.iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(found, ids);
    assert_eq!(servers[0]["nova"][0]["name"], "test (1)");
    assert_eq!(servers[0]["projects"][0]["id"], project_id(0));
    // Not the one that a regular expression would find.
    assert_eq!(
        read(&["--json", "test .1."])["servers"],
        serde_json::json!([])
    );
    assert_eq!(
        read(&["--json", "nobody"])["unknown_to"],
        serde_json::json!(["default"])
    );

    site.with_mischief("misconfigured");
    site.extract(&["--extract-to", "2026-10-08 04:00:00"])
        .expect(3);
    cloud.inject(Rule::on("/"), Fault::Closed);
    // Without Nova the names in the records that wait are enough.
    let json: serde_json::Value = {
        let told = caso(&site, &["explain"], &["--json", "test (1)"]).expect(0);
        serde_json::from_str(&told.stdout).expect("JSON")
    };
    assert_eq!(json["servers"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["servers"][0]["records"][0]["state"], "waiting");
    assert_eq!(json["unanswered"][0]["cloud"], "default");
}

#[test]
fn a_month_is_reported_from_the_apis_and_nothing_is_moved() {
    let (_cloud, site) = extracted();
    let lastrun = site.cursor(&project_id(0));
    let messages = site.messages().len();
    let month = ["--month", "2026-10"];
    let text = caso(&site, &["report"], &month).expect(0);
    assert!(text.stdout.starts_with("VO "), "{text}");
    assert!(text.stdout.contains("by the ledger: cloud"), "{text}");
    let json = caso(
        &site,
        &["report"],
        &[month.as_slice(), &["--by", "project", "--json"]].concat(),
    );
    let json: serde_json::Value = serde_json::from_str(&json.expect(0).stdout).expect("JSON");
    assert_eq!(json["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["rows"][0]["servers"], 3);
    assert!(json["rows"][0]["wall_seconds"].as_u64() > Some(0), "{json}");
    let csv = caso(&site, &["report"], &[month.as_slice(), &["--csv"]].concat()).expect(0);
    assert_eq!(csv.stdout.lines().count(), 2, "{csv}");
    assert_eq!(site.messages().len(), messages);
    assert_eq!(site.cursor(&project_id(0)), lastrun);
}

/// The page is of the ledger, which has of three hours what the records say of them; a month once
/// more adds nothing, and OpenStack is not asked.
#[test]
fn a_page_of_the_ledger_has_what_the_records_say() {
    let (cloud, site) = extracted();
    let file = site.path().join("page.html");
    let write = |arguments: &[&str]| {
        let file = file.to_str().expect("a path in UTF-8");
        let arguments = [&["--html", file], arguments].concat();
        caso(&site, &["report"], &arguments).expect(0);
        fs::read_to_string(file).expect("a page")
    };
    let totals = |page: &str| -> Vec<String> {
        let parts = page.split("<dd>").skip(1);
        parts
            .filter_map(|part| Some(part.split_once("</dd>")?.0.to_owned()))
            .collect()
    };
    let hours = |seconds: i64| {
        format!(
            "{:.1}",
            f64::from(i32::try_from(seconds).unwrap()) / 3_600.0
        )
    };
    let first = THREE - 3 * 3_600;
    let (mut servers, mut cpus) = (0, 0);
    for record in site.cloud_records().into_values() {
        let number = |name: &str| record[name].parse::<i64>().expect("a number");
        let start = number("StartTime");
        let lived = (start + number("WallDuration")).min(THREE) - start.max(first);
        servers += lived.max(0);
        cpus += lived.max(0) * number("CpuCount");
    }
    assert!(servers > 0);
    let before = totals(&write(&["--month", "2026-10"]));
    assert_eq!(before[..2], [hours(servers), hours(cpus)]);
    assert_ne!(before[3], "not known");
    assert_eq!(before[4], "not known");
    let republished = ["--month", "2026-10", "--types", "cloud,storage", "--yes"];
    caso(&site, &["republish"], &republished).expect(0);
    cloud.inject(Rule::on("/"), Fault::Closed);
    assert_eq!(totals(&write(&["--month", "2026-10"])), before);
    let shown = caso(&site, &["report"], &["--html", "-"]).expect(0);
    assert!(shown.stdout.starts_with("<!DOCTYPE html>"), "{shown}");
    caso(&site, &["report"], &["--html", "-", "--csv"]).expect(2);
    caso(&site, &["report"], &[]).expect(2);
}

/// As a run leaves the spool that is killed when its windows are sealed and no cursor has moved: what it has
/// sealed waits. Another messenger keeps the segments, so that they are there when all is put back.
pub fn killed_when_sealed(site: &mut Site, run: impl FnOnce(&Site)) {
    site.with_mischief("retry");
    let spool = site.spool();
    let project = project_id(0);
    let mut files = vec![
        format!("caso-cursors/{project}.json"),
        format!("lastrun.{project}"),
        "caso-lastruns.json".to_owned(),
    ];
    let runs = fs::read_dir(spool.join("caso-runs")).into_iter().flatten();
    files.extend(runs.map(|it| format!("caso-runs/{}", it.unwrap().file_name().display())));
    let before: Vec<_> = files
        .iter()
        .map(|it| fs::read(spool.join(it)).ok())
        .collect();
    run(site);
    for (file, before) in files.iter().zip(before) {
        match before {
            Some(before) => fs::write(spool.join(file), before).unwrap(),
            None => fs::remove_file(spool.join(file)).unwrap(),
        }
    }
    assert!(
        spool
            .join("caso-journal/segments")
            .read_dir()
            .unwrap()
            .count()
            > 0
    );
}

/// Whoever delivers what a killed run sealed, or moves the cursors before anybody has: the time in it is
/// extracted in its own window and no other.
#[test]
fn what_a_killed_run_sealed_is_counted_once_whatever_comes_next() {
    let project = project_id(0);
    let [four, six] = ["04", "06"].map(|hour| format!("2026-10-08 {hour}:00:00"));
    for between in [
        "deliver",
        "keystone",
        "nova",
        "set",
        "set ahead",
        "removed",
        "forgotten",
        "republish",
        "nothing",
    ] {
        let (cloud, mut site) = extracted();
        killed_when_sealed(&mut site, |site| {
            drop(site.extract(&["--extract-to", &four]).expect(3))
        });
        let five = ["--extract-to", "2026-10-08 05:00:00"];
        let lastrun = site.spool().join(format!("lastrun.{project}"));
        match between {
            "deliver" => drop(site.deliver()),
            "keystone" => {
                cloud.inject(Rule::on("/identity"), Fault::Status(500));
                site.extract(&five);
                cloud.heal();
            }
            "nova" => drop(site.extract(&[&five[..], &["--extractor", "nova"]].concat())),
            "set" => {
                drop(caso(&site, &["cursor", "set"], &[&project, "2026-10-08T02:30"]).expect(0))
            }
            "set ahead" => drop(
                caso(
                    &site,
                    &["cursor", "set"],
                    &[&project, "2026-10-08T03:30", "--yes"],
                )
                .expect(0),
            ),
            "removed" => fs::remove_file(&lastrun).unwrap(),
            "forgotten" => drop(caso(&site, &["cursor", "forget"], &[&project, "--yes"]).expect(0)),
            "republish" => drop(caso(
                &site,
                &["republish", "--month", "2026-10"],
                &["--yes"],
            )),
            _ => {}
        }
        if ["deliver", "keystone", "nova", "republish"].contains(&between) {
            // With one messenger what was delivered is gone.
            site.set("DEFAULT", "messengers", "ssm");
            for folder in ["segments", "messengers/mischief"] {
                let folder = site.spool().join("caso-journal").join(folder);
                for file in folder.read_dir().unwrap() {
                    fs::remove_file(file.unwrap().path()).unwrap();
                }
            }
        }
        site.extract(&["--extract-to", &six]);
        once(&site, between);
    }
}

/// A messenger is down for weeks, and somebody sets the cursor back: the ledger tells of what waits.
#[test]
fn of_what_is_sealed_nothing_is_noted_that_the_ledger_tells_of() {
    let (_cloud, mut site) = extracted();
    site.with_mischief("retry");
    for hour in ["04", "05", "06"] {
        site.extract(&["--extract-to", &format!("2026-10-08 {hour}:00:00")])
            .expect(3);
    }
    let project = project_id(0);
    let noted = || {
        let file = site.spool().join(format!("caso-cursors/{project}.json"));
        let text = fs::read_to_string(file).unwrap();
        let cursors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let windows = cursors["windows"].as_array().unwrap().iter();
        let of = |it: &serde_json::Value| {
            let start = it["window"]["start"].as_i64().unwrap();
            (it["extractor"].as_str().unwrap().to_owned(), start)
        };
        windows.map(of).collect::<Vec<_>>()
    };
    // The last run's, until the next one looks; of servers, whose records replace each other, none.
    let last = [("cinder".to_owned(), epoch("2026-10-08 05:00:00"))];
    assert_eq!(noted(), last);
    caso(&site, &["cursor", "set"], &[&project, "2026-10-08T01:00"]).expect(0);
    site.deliver();
    assert_eq!(noted(), last);
}

/// The intervals of the one volume, each once, follow one another without a gap.
pub fn once(site: &Site, what: &str) {
    let records = site.storage_records();
    let intervals: BTreeSet<(String, String)> = records
        .iter()
        .map(|it| (it["StartTime"].clone(), it["EndTime"].clone()))
        .collect();
    let mut reached = "2026-10-08T00:00:00".to_owned();
    for (start, end) in &intervals {
        assert_eq!(*start, reached, "{what}: {intervals:?}");
        reached.clone_from(end);
    }
    assert_eq!(reached, "2026-10-08T06:00:00", "{what}: {intervals:?}");
}

/// What was lost stays lost: a run in between that could not extract it notes nothing that would make it new.
#[test]
fn lost_cursors_are_lost_behind_a_run_that_failed_too() {
    for damaged in [false, true] {
        let (cloud, site) = extracted();
        let counted = intervals(&site);
        fs::remove_dir_all(site.spool().join("caso-cursors")).unwrap();
        fs::remove_file(site.spool().join(format!("lastrun.{}", project_id(0)))).unwrap();
        fs::remove_file(site.spool().join("caso-lastruns.json")).unwrap();
        if damaged {
            for ledger in ledgers(&site) {
                let text = fs::read_to_string(&ledger).unwrap();
                let (_, rest) = text.split_once('\n').unwrap();
                fs::write(ledger, format!("{{\n{rest}")).unwrap();
            }
        }
        let to = |hour: &str| format!("2026-10-08 {hour}:00:00");
        cloud.inject(Rule::on("/volumes/detail"), Fault::Status(500));
        site.extract(&["--extract-to", &to("04")]).expect(3);
        cloud.heal();
        for hour in ["05", "06"] {
            let outcome = site.extract(&["--extract-to", &to(hour)]);
            match damaged {
                // As often as nobody says where to go on.
                true => drop(outcome.expect(3).says("caso cursor set")),
                false => drop(outcome.expect(0)),
            }
        }
        match damaged {
            true => assert_eq!(intervals(&site), counted),
            false => once(&site, "lost"),
        }
    }
}

fn ledgers(site: &Site) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(site.spool().join("caso-runs")).unwrap();
    files.map(|it| it.unwrap().path()).collect()
}

/// What is left out on the command line alone has its turn another time: Python, which goes on from lastrun,
/// would leave out what it has not extracted yet.
#[test]
fn lastrun_waits_for_what_the_command_line_leaves_out() {
    let (_cloud, mut site) = extracted();
    let four = ["--extractor", "nova", "--extract-to", "2026-10-08 04:00:00"];
    site.extract(&four).expect(0);
    let lastrun = || site.cursor(&project_id(0)).unwrap();
    assert_eq!(lastrun(), "2026-10-08 03:00:00+00:00");
    // What the file leaves out holds nothing back.
    site.set("DEFAULT", "extractor", "nova");
    site.extract(&["--extract-to", "2026-10-08 05:00:00"])
        .expect(0);
    assert_eq!(
        site.cursor(&project_id(0)).unwrap(),
        "2026-10-08 05:00:00+00:00"
    );
}

/// The clock of this machine and that of the cloud were a year ahead for an hour.
#[test]
fn what_was_extracted_up_to_the_future_is_counted_again_when_somebody_says_so() {
    let (_cloud, mut site) = extracted();
    for ledger in ledgers(&site) {
        let text = fs::read_to_string(&ledger).unwrap();
        let ahead = text.replace(&format!("\"end\":{THREE}"), "\"end\":4000000000");
        assert_ne!(ahead, text);
        fs::write(ledger, ahead).unwrap();
    }
    // With the cursors the windows of the last hour stand, too.
    fs::remove_dir_all(site.spool().join("caso-cursors")).unwrap();
    let counted = intervals(&site);
    let set = ["cursor", "set"];
    let back = [&project_id(0), "2026-10-08T02:00", "--yes"];
    caso(&site, &set, &back).expect(0);
    let four = ["--extract-to", "2026-10-08 04:00:00"];
    // Servers have come so far by the second time.
    for code in [3, 1] {
        site.extract(&four)
            .expect(code)
            .says("as the clock was ahead")
            .says("overlapping_intervals = true");
    }
    assert_eq!(intervals(&site), counted);
    site.set("DEFAULT", "overlapping_intervals", "true");
    site.extract(&four).expect(0);
    site.unset("DEFAULT", "overlapping_intervals");
    site.extract(&["--extract-to", "2026-10-08 05:00:00"])
        .expect(0);
    let after = intervals(&site);
    let new: Vec<_> = after.difference(&counted).collect();
    assert_eq!(new.len(), 2, "{new:?}");
    let bounds = |from: i64, to: i64| format!(":{from}:{to}");
    assert!(
        new[0].ends_with(&bounds(ONE + 3_600, THREE + 3_600)),
        "{new:?}"
    );
    assert!(
        new[1].ends_with(&bounds(THREE + 3_600, THREE + 7_200)),
        "{new:?}"
    );
}

/// A run that was refused as its clock was years ahead is not the last one for years.
#[test]
fn a_run_of_the_future_is_not_the_last_one() {
    let (_cloud, site) = extracted();
    let ledger = ledgers(&site).pop().unwrap();
    let text = fs::read_to_string(&ledger).unwrap();
    let mut line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    line["began"] = 4_000_000_000i64.into();
    line["exit"] = 1.into();
    fs::write(ledger.with_file_name("2096-10.jsonl"), format!("{line}\n")).unwrap();
    let shown = caso(&site, &["status"], &[]).expect(1);
    assert!(shown.stdout.contains("exit code 0"), "{shown}");
    assert!(!shown.stdout.contains("2096"), "{shown}");
}

/// The next run goes round it, whether or not one in between came up to it.
#[test]
fn a_window_by_hand_ahead_of_the_cursor_is_gone_round() {
    let six = ["--extract-to", "2026-10-08 06:00:00"];
    let by_hand = [
        "--extract-from",
        "2026-10-08 03:20:00",
        "--extract-to",
        "2026-10-08 04:40:00",
    ];
    for others in [0, 1] {
        let (_cloud, site) = extracted();
        site.extract(&by_hand).expect(0);
        assert_eq!(moments(&site), [THREE, THREE]);
        for _ in 0..others {
            site.extract(&["--extract-to", "2026-10-08 03:30:00"])
                .expect(0);
        }
        site.extract(&six).expect(0);
        once(&site, "ahead");
    }
}
