//! Windows and cursors: from when to when, and where the next run goes on.

use caso_stand_in::{epoch, project_id, server_id};

use crate::clouds::{FROM, TO, in_every_cloud, plain};

/// The cursor in cASO's words, which Python must be able to read.
fn moment(cursor: Option<String>) -> i64 {
    let text = cursor.expect("a cursor");
    assert!(!text.ends_with('\n'), "{text:?}");
    epoch(
        text.strip_suffix("+00:00")
            .unwrap_or_else(|| panic!("`{text}` is not as cASO writes it")),
    )
}

/// Defect 14: `02:00+02:00` was taken as 02:00 UTC.
#[test]
fn an_offset_is_converted_and_not_dropped() {
    in_every_cloud(|world| {
        let site = world.site();
        site.extract(&[
            "--extract-from",
            "2026-10-05T02:00:00+02:00",
            "--extract-to",
            "2026-10-16T02:00:00+02:00",
        ])
        .expect(0);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
    });
}

/// And a fraction of a second is cut.
#[test]
fn windows_are_whole_seconds() {
    let world = plain();
    let site = world.site();
    site.extract(&[
        "--extract-from",
        FROM,
        "--extract-to",
        "2026-10-16 00:00:00.75",
    ])
    .expect(0);
    world.check(&site, &[0]);
}

#[test]
fn a_first_run_begins_in_1970_and_says_so() {
    in_every_cloud(|world| {
        let site = world.site();
        let outcome = site
            .extract(&["--extract-to", TO, "--summary"])
            .expect(0)
            .says("1970");
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
        assert!(
            moment(site.cursor(&project_id(0))) >= epoch(TO),
            "{outcome}"
        );
    });
}

#[test]
fn a_first_run_begins_where_the_site_wants() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "first_extract_from", "2026-10-11");
    site.extract(&["--extract-to", TO]).expect(0);
    assert!(
        !site.cloud_records().contains_key(&server_id(0, 3)),
        "a server that ended before"
    );
    assert!(site.cloud_records().contains_key(&server_id(0, 1)));
}

#[test]
fn the_next_run_goes_on_where_the_last_one_stopped() {
    in_every_cloud(|world| {
        let site = world.site();
        site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-09"])
            .expect(0);
        assert!(moment(site.cursor(&project_id(0))) >= epoch("2026-10-09"));
        site.extract(&["--extract-to", TO]).expect(0);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        // The last record of a server replaces the one before it.
        world.check(&site, &all);
    });
}

/// As cASO wrote it, with its second added and its microseconds.
#[test]
fn a_lastrun_file_of_python_is_where_we_go_on() {
    let world = plain();
    let site = world.site();
    site.set_cursor(&project_id(0), "2026-10-11 16:57:53.259158+00:00");
    site.extract(&["--extract-to", TO]).expect(0);
    assert!(
        !site.cloud_records().contains_key(&server_id(0, 3)),
        "a server that ended before"
    );
    assert!(site.cloud_records().contains_key(&server_id(0, 1)));
    assert!(moment(site.cursor(&project_id(0))) >= epoch(TO));
}

#[test]
fn somebody_edited_the_file_and_the_file_wins() {
    let world = plain();
    let site = world.site();
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
        .expect(0);
    site.set_cursor(&project_id(0), "2026-10-09");
    world.cloud.forget_seen();
    site.extract(&["--extract-to", TO]).expect(0);
    let since: Vec<i64> = world
        .cloud
        .seen()
        .iter()
        .filter_map(|seen| Some(epoch(seen.param("start")?)))
        .collect();
    assert!(
        !since.is_empty()
            && since
                .iter()
                .all(|at| (epoch("2026-10-08")..=epoch("2026-10-09")).contains(at)),
        "{since:?}"
    );
}

/// Defect 12: a republished month rewound the cursor to it.
#[test]
fn an_explicit_window_never_moves_a_cursor_back_or_over_a_gap() {
    let world = plain();
    let site = world.site();
    site.set_cursor(&project_id(0), "2026-10-12 00:00:00+00:00");
    site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-09"])
        .expect(0);
    assert_eq!(
        moment(site.cursor(&project_id(0))),
        epoch("2026-10-12"),
        "back"
    );
    site.extract(&["--extract-from", "2026-10-14", "--extract-to", TO])
        .expect(0);
    assert_eq!(
        moment(site.cursor(&project_id(0))),
        epoch("2026-10-12"),
        "over a gap"
    );
    site.extract(&["--extract-from", "2026-10-10", "--extract-to", TO])
        .expect(0);
    assert!(
        moment(site.cursor(&project_id(0))) >= epoch(TO),
        "a window that continues it moves it"
    );
}

/// Defect 17.
#[test]
fn a_window_that_is_none_changes_nothing() {
    let world = plain();
    let site = world.site();
    site.set_cursor(&project_id(0), "2026-10-12 00:00:00+00:00");
    site.extract(&["--extract-from", TO, "--extract-to", FROM])
        .expect(2);
    assert_eq!(moment(site.cursor(&project_id(0))), epoch("2026-10-12"));
    assert!(site.messages().is_empty());
}

/// Defect 16: dateutil made the tenth of this month of `10`.
#[test]
fn a_date_that_can_be_read_two_ways_is_refused() {
    let site = plain().site();
    for text in ["10", "01/02/2026", "yesterday"] {
        site.extract(&["--extract-from", text]).expect(2).says(text);
    }
}

/// The spelling of cASO up to 4.0, and `None` for the beginning of time.
#[test]
fn the_flags_of_older_versions_are_taken() {
    let world = plain();
    let site = world.site();
    site.extract(&["--extract_from", "None", "--extract_to", TO])
        .expect(0);
    world.check(&site, &[0]);
    let site = world.site();
    site.extract(&["--extract_from", FROM, "--extract_to", TO, "--dry_run"])
        .expect(0);
    assert!(site.messages().is_empty());
}

#[test]
fn a_dry_run_creates_and_moves_nothing_and_shows_what_it_would_send() {
    in_every_cloud(|world| {
        let site = world.site();
        site.set_cursor(&project_id(0), "2026-10-05 00:00:00+00:00");
        let files = |path: &std::path::Path| {
            let mut all: Vec<_> = walk(path);
            all.sort();
            all
        };
        site.start("caso-extract", &[], &["--version"])
            .finish()
            .expect(0);
        let before = files(site.path());
        let outcome = site
            .extract(&["--extract-from", FROM, "--extract-to", TO, "--dry-run"])
            .expect(0);
        assert_eq!(files(site.path()), before, "{outcome}");
        assert!(outcome.stdout.contains("vm-0-1"), "{outcome}");
        assert_eq!(moment(site.cursor(&project_id(0))), epoch(FROM));
    });
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(|entry| {
            let path = entry.path();
            let below = if path.is_dir() {
                walk(&path)
            } else {
                Vec::new()
            };
            std::iter::once(path).chain(below)
        })
        .collect()
}

/// Typed a year too far, or of a clock that was ahead: one message, with the date that was known before.
#[test]
fn a_lastrun_in_the_future_has_the_command_that_cures_it() {
    let world = plain();
    let site = world.site();
    let id = project_id(0);
    site.extract(&["--extract-to", "2026-10-16"]).expect(0);
    site.set_cursor(&id, "2099-01-01 00:00:00+00:00");
    let cure = format!("caso cursor set {id} 2026-10-16T00:00:00Z");
    let check = site.start("caso", &["check"], &[]).finish();
    for outcome in [site.extract(&[]), check] {
        outcome
            .says("its last run ended at 2098-12-31T23:59:59Z, which is in the future; it was extracted up to 2026-10-16T00:00:00Z")
            .says(&format!("hint: set the clock right, or else the cursor: {cure}\n"))
            .never_says("was written by somebody else");
    }
    site.start(
        "caso",
        &["cursor", "set"],
        &[&id, "2026-10-16T00:00:00Z", "--yes"],
    )
    .finish()
    .expect(0);
    site.extract(&["--extract-to", "2026-10-17"])
        .expect(0)
        .never_says("in the future");
}
