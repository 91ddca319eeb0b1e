//! What lies before a cursor and was never extracted: who comes back for it is the first.

use caso_stand_in::{Cloud, Plan, Volume, project_id};
use caso_tests::site::Site;

use crate::republish::{caso, extracted, intervals, killed_when_sealed, once};

const SIX: [&str; 2] = ["--extract-to", "2026-10-08 06:00:00"];

fn by_hand(site: &Site, from: &str, to: &str) {
    let [from, to] = [from, to].map(|at| format!("2026-10-08 {at}:00"));
    site.extract(&["--extract-from", &from, "--extract-to", &to])
        .expect(0);
}

fn set(site: &Site, at: &str) {
    let at = format!("2026-10-08T{at}");
    let what = [&project_id(0), &at, "--yes", "--never-extracted"];
    caso(site, &["cursor", "set"], &what).expect(0);
}

/// Three hours, two that an operator skips, and a sixth.
fn with_a_skip() -> (Cloud, Site) {
    let (cloud, site) = extracted();
    set(&site, "05:00");
    site.extract(&SIX).expect(0);
    assert_eq!(intervals(&site).len(), 4);
    (cloud, site)
}

#[test]
fn who_comes_back_for_what_was_skipped_gets_it_once() {
    for how in ["by hand", "in two", "set back", "republish"] {
        let (_cloud, site) = with_a_skip();
        match how {
            "by hand" => by_hand(&site, "03:00", "05:00"),
            // Half of it, and the rest between what is known.
            "in two" => {
                by_hand(&site, "03:30", "04:10");
                by_hand(&site, "02:20", "05:30");
            }
            "set back" => {
                set(&site, "02:30");
                site.extract(&SIX).expect(0);
            }
            _ => {
                let month = ["--month", "2026-10", "--yes"];
                caso(&site, &["republish"], &month).expect(0);
            }
        }
        once(&site, how);
        // From here on it was extracted, in windows that the ledger knows, and the cursors where that is lost.
        let counted = intervals(&site);
        by_hand(&site, "03:40", "04:20");
        set(&site, "00:10");
        site.extract(&SIX).expect(0);
        assert_eq!(intervals(&site), counted, "{how}");
    }
}

/// Sealed, and the cursor has nothing to move over.
#[test]
fn of_a_run_that_was_killed_in_what_was_skipped_the_windows_are_known() {
    for later in ["by hand", "set back"] {
        let (_cloud, mut site) = with_a_skip();
        killed_when_sealed(&mut site, |site| {
            let [from, to] = ["03:00", "04:30"].map(|at| format!("2026-10-08 {at}:00"));
            drop(
                site.extract(&["--extract-from", &from, "--extract-to", &to])
                    .expect(3),
            );
        });
        site.deliver();
        site.set("DEFAULT", "messengers", "ssm");
        let delivered = intervals(&site);
        assert_eq!(delivered.len(), 5);
        match later {
            "by hand" => by_hand(&site, "03:10", "05:00"),
            _ => {
                set(&site, "03:10");
                site.extract(&SIX).expect(0);
            }
        }
        once(&site, later);
    }
}

/// Whoever moves the beginning back later finds that nothing was extracted before it.
#[test]
fn what_lies_before_the_first_window_was_never_extracted() {
    let (_cloud, mut site) = extracted();
    let counted = intervals(&site);
    site.unset("DEFAULT", "first_extract_from");
    let month = ["--month", "2026-10", "--yes"];
    caso(&site, &["republish"], &month).expect(0);
    // The first week of it, which the volume had lived through, and nothing else.
    let after = intervals(&site);
    assert!(after.is_superset(&counted));
    let new: Vec<_> = after.difference(&counted).collect();
    assert_eq!(new.len(), 1);
    assert!(new[0].ends_with(":1790812800:1791417600"), "{new:?}");
}

/// A project that nobody has extracted may begin where an operator says; whoever goes back before that is the
/// first, if he said so.
#[test]
fn what_lies_before_where_a_new_project_is_set_was_never_extracted_if_he_says_so() {
    for said in [false, true] {
        let cloud = Cloud::start(Plan::generated(1, 3));
        cloud.change(|plan| plan.projects[0].volumes = vec![Volume::numbered(0, 0)]);
        let mut site = Site::at(&cloud);
        site.set("DEFAULT", "extractor", "cinder, nova");
        let mut what = vec![project_id(0), "2026-10-08T03:00".into(), "--yes".into()];
        what.extend(said.then(|| "--never-extracted".into()));
        let what: Vec<&str> = what.iter().map(String::as_str).collect();
        let announced = caso(&site, &["cursor", "set"], &what).expect(0);
        assert_eq!(
            announced.stdout.contains("is the first"),
            said,
            "{announced}"
        );
        site.extract(&SIX).expect(0);
        let before = [
            "--extract-from",
            "2026-10-08 00:00:00",
            "--extract-to",
            "2026-10-08 03:00:00",
        ];
        let outcome = site.extract(&before);
        match said {
            true => drop(outcome.expect(0)),
            false => drop(
                outcome
                    .expect(3)
                    .says("it is not known in which windows, if any"),
            ),
        }
        assert_eq!(intervals(&site).len(), 1 + usize::from(said));
    }
}

/// Python cASO may have been there meanwhile: who skipped by a lastrun file is asked.
#[test]
fn what_a_lastrun_file_skips_nobody_knows() {
    let (_cloud, site) = extracted();
    let lastrun = site.spool().join(format!("lastrun.{}", project_id(0)));
    std::fs::write(lastrun, "2026-10-08 05:00:00+00:00").unwrap();
    site.extract(&SIX).expect(0);
    let counted = intervals(&site);
    let window = [
        "--extract-from",
        "2026-10-08 03:00:00",
        "--extract-to",
        "2026-10-08 05:00:00",
    ];
    site.extract(&window)
        .expect(3)
        .says("was extracted before: the ledger of runs does not have them")
        .says("where nobody extracted it");
    assert_eq!(intervals(&site), counted);
}

/// The cursors have another name by the time when somebody finds what was sealed.
#[test]
fn what_was_sealed_under_a_name_that_a_cloud_has_no_more_is_counted_once() {
    let (_cloud, mut site) = extracted();
    killed_when_sealed(&mut site, |site| {
        drop(
            site.extract(&["--extract-to", "2026-10-08 04:00:00"])
                .expect(3),
        );
    });
    site.set("DEFAULT", "clouds", "prod");
    site.set("cloud_prod", "keystone", "keystone_auth");
    caso(&site, &["cursor", "rename"], &["default", "prod"]).expect(0);
    site.extract(&SIX);
    once(&site, "renamed");
}

/// Behind a cursor that somebody put ahead, without a word of whether it was extracted: what is not known is asked for, and
/// who answers gets just that.
#[test]
fn what_nobody_knows_is_extracted_on_demand_and_nothing_else_with_it() {
    for how in ["set", "lastrun"] {
        for then in ["republish", "by hand", "set back"] {
            let (_cloud, mut site) = extracted();
            match how {
                "set" => {
                    let what = [&project_id(0)[..], "2026-10-08T05:00", "--yes"];
                    drop(
                        caso(&site, &["cursor", "set"], &what)
                            .expect(0)
                            .says("--never-extracted"),
                    );
                }
                _ => {
                    let lastrun = site.spool().join(format!("lastrun.{}", project_id(0)));
                    std::fs::write(lastrun, "2026-10-08 05:00:01+00:00").unwrap();
                }
            }
            site.extract(&SIX).expect(0);
            let counted = intervals(&site);
            let month = ["--month", "2026-10", "--yes"];
            caso(&site, &["republish"], &month)
                .expect(3)
                .says("is not known");
            assert_eq!(intervals(&site), counted, "{how}");
            match then {
                "republish" => {
                    let anyway = ["--month", "2026-10", "--yes", "--storage-anyway"];
                    drop(caso(&site, &["republish"], &anyway).expect(0));
                }
                "by hand" => {
                    site.set("DEFAULT", "overlapping_intervals", "true");
                    by_hand(&site, "03:20", "05:40");
                    by_hand(&site, "02:10", "04:00");
                }
                _ => {
                    site.set("DEFAULT", "overlapping_intervals", "true");
                    set(&site, "02:30");
                    site.extract(&SIX).expect(0);
                }
            }
            let after = intervals(&site);
            assert!(after.is_superset(&counted), "{how} {then}");
            if then == "by hand" {
                // What was not asked for is not there.
                assert_eq!(after.len(), counted.len() + 2, "{how}: {after:?}");
            } else {
                once(&site, then);
            }
        }
    }
}

/// An operator looks ahead, and puts the cursor where it was: behind it nothing was extracted but what he did.
#[test]
fn a_cursor_that_is_set_says_how_far_it_was_whatever_was_extracted_ahead() {
    for at in ["03:00", "02:00"] {
        let (_cloud, site) = extracted();
        by_hand(&site, "04:00", "05:00");
        set(&site, at);
        site.extract(&["--extract-to", "2026-10-08 04:00:00"])
            .expect(0);
        site.extract(&SIX).expect(0);
        once(&site, at);
    }
}

#[test]
fn a_window_by_hand_of_a_forgotten_project_hides_nothing_before_it() {
    let (_cloud, site) = extracted();
    caso(&site, &["cursor", "forget"], &[&project_id(0), "--yes"]).expect(0);
    by_hand(&site, "04:00", "05:00");
    site.extract(&SIX).expect(0);
    once(&site, "forgotten");
}

/// Left out for a while, and its cursor taken away with the others'.
#[test]
fn an_extractor_that_comes_back_to_a_forgotten_project_goes_on_from_where_it_was() {
    let (_cloud, mut site) = extracted();
    site.set("DEFAULT", "extractor", "nova");
    caso(&site, &["cursor", "forget"], &[&project_id(0), "--yes"]).expect(0);
    site.extract(&["--extract-to", "2026-10-08 05:00:00"])
        .expect(0);
    site.set("DEFAULT", "extractor", "cinder, nova");
    site.extract(&SIX).expect(0);
    once(&site, "left out");
}

/// Left out for a while, and its cursor lost with the file: the lastrun file is the others'.
#[test]
fn an_extractor_that_comes_back_without_its_cursor_file_goes_on_from_where_it_was() {
    let back = |edit: &dyn Fn(&Site)| {
        let (cloud, mut site) = extracted();
        site.set("DEFAULT", "extractor", "nova");
        site.extract(&["--extract-to", "2026-10-08 05:00:00"])
            .expect(0);
        let name = project_id(0);
        std::fs::remove_file(site.spool().join(format!("caso-cursors/{name}.json"))).unwrap();
        edit(&site);
        site.set("DEFAULT", "extractor", "cinder, nova");
        let came = site.extract(&SIX).expect(0).stderr.clone();
        drop(cloud);
        (site, came)
    };
    let (site, came) = back(&|_| ());
    once(&site, "left out");
    assert!(came.contains("cinder has no cursor any more"), "{came}");
    // Where somebody put it, it is meant.
    let (site, came) = back(&|site| {
        let lastrun = site.spool().join(format!("lastrun.{}", project_id(0)));
        std::fs::write(lastrun, "2026-10-08T05:30:00+00:00").unwrap();
    });
    assert!(!came.contains("cinder has no cursor any more"), "{came}");
    let records = site.storage_records();
    let last = records.iter().map(|it| it["StartTime"].as_str()).max();
    // A lastrun file has the second behind a window's end.
    assert_eq!(last, Some("2026-10-08T05:29:59"));
}

/// Whoever forgets one project has not said what became of the cloud.
#[test]
fn a_forgotten_project_of_a_cloud_with_another_name_is_asked_for_still() {
    for how in ["forgotten", "removed"] {
        let (_cloud, mut site) = extracted();
        let counted = intervals(&site);
        site.set("DEFAULT", "clouds", "prod");
        site.set("cloud_prod", "keystone", "keystone_auth");
        match how {
            "forgotten" => {
                drop(caso(&site, &["cursor", "forget"], &[&project_id(0), "--yes"]).expect(0))
            }
            _ => std::fs::remove_file(site.spool().join(format!("lastrun.{}", project_id(0))))
                .unwrap(),
        }
        site.extract(&SIX)
            .expect(1)
            .says("caso cursor rename default prod");
        assert_eq!(intervals(&site), counted, "{how}");
    }
    // That the cloud is no more is an answer.
    let (_cloud, mut site) = extracted();
    site.set("DEFAULT", "clouds", "prod");
    site.set("cloud_prod", "keystone", "keystone_auth");
    caso(
        &site,
        &["cursor", "forget"],
        &["--cloud", "default", "--yes"],
    )
    .expect(0);
    site.extract(&SIX).expect(0);
}

/// What the cursor file noted of a window by hand is lost with it; the ledger has it.
#[test]
fn without_its_cursor_file_a_window_ahead_is_counted_once() {
    let (_cloud, site) = extracted();
    by_hand(&site, "04:20", "05:30");
    let file = site
        .spool()
        .join(format!("caso-cursors/{}.json", project_id(0)));
    std::fs::remove_file(file).unwrap();
    for to in ["04", "05", "06"] {
        site.extract(&["--extract-to", &format!("2026-10-08 {to}:00:00")]);
        let records = site.storage_records();
        let found: std::collections::BTreeSet<(String, String)> = records
            .iter()
            .map(|it| (it["StartTime"].clone(), it["EndTime"].clone()))
            .collect();
        let found: Vec<_> = found.into_iter().collect();
        assert!(
            found.windows(2).all(|two| two[0].1 <= two[1].0),
            "{to}: {found:?}"
        );
    }
}

/// Who forgot all projects of a cloud that has another name now can still say what became of it.
#[test]
fn of_a_cloud_whose_projects_were_forgotten_both_answers_are_taken() {
    for (answer, exit) in [("rename", 0), ("forget", 0)] {
        let (_cloud, mut site) = extracted();
        let counted = intervals(&site);
        site.set("DEFAULT", "clouds", "prod");
        site.set("cloud_prod", "keystone", "keystone_auth");
        caso(&site, &["cursor", "forget"], &[&project_id(0), "--yes"]).expect(0);
        site.extract(&SIX).expect(1);
        match answer {
            "rename" => caso(&site, &["cursor", "rename"], &["default", "prod"]).expect(exit),
            _ => caso(
                &site,
                &["cursor", "forget"],
                &["--cloud", "default", "--yes"],
            )
            .expect(exit),
        };
        site.extract(&SIX).expect(0);
        if answer == "rename" {
            once(&site, answer);
        } else {
            // Another cloud: it begins at the beginning.
            assert!(intervals(&site).len() > counted.len());
        }
    }
}

/// Said once, and taken back by whoever sets it again without a word, as a spool may have been put back.
#[test]
fn what_was_said_to_be_never_extracted_is_taken_back() {
    let (_cloud, site) = extracted();
    set(&site, "05:00");
    let what = [&project_id(0)[..], "2026-10-08T05:00", "--yes"];
    caso(&site, &["cursor", "set"], &what).expect(0);
    site.extract(&SIX).expect(0);
    let counted = intervals(&site);
    let month = ["--month", "2026-10", "--yes"];
    caso(&site, &["republish"], &month).expect(3);
    assert_eq!(intervals(&site), counted);
    // And said at last, though it stands there already.
    let (_cloud, site) = extracted();
    caso(&site, &["cursor", "set"], &what).expect(0);
    set(&site, "05:00");
    site.extract(&SIX).expect(0);
    caso(&site, &["republish"], &month).expect(0);
    once(&site, "said at last");
}
