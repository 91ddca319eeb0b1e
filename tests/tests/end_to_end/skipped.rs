//! What lies before a cursor and was never extracted: who comes back for it is the first.

use caso_stand_in::{Cloud, project_id};
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
    caso(site, &["cursor", "set"], &[&project_id(0), &at, "--yes"]).expect(0);
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
        .says("was extracted before, if it was, is not known")
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
