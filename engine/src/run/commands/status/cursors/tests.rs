//! Which run may say of a project that it is accounted no more.

use super::*;

const T: i64 = 1_795_000_000;

/// A run that was given the projects of these clouds, and found these.
fn run(began: i64, listed: &[&str], found: &[&str]) -> RunLine {
    let names = found.iter().map(|id| ((*id).to_owned(), String::new()));
    RunLine {
        began,
        extracted: true,
        listed: listed.iter().map(|it| (*it).to_owned()).collect(),
        names: names.collect(),
        ..RunLine::default()
    }
}

/// One that has a failure of a cloud as a whole; of none, where it ended before its work.
fn away(began: i64, cloud: &str, listed: &[&str], found: &[&str]) -> RunLine {
    RunLine {
        extracted: !cloud.is_empty(),
        failures: vec![FailureLine {
            cloud: cloud.to_owned(),
            project: None,
            name: None,
            extractor: None,
            reason: "away".to_owned(),
        }],
        ..run(began, listed, found)
    }
}

/// Whether each was found, and why the last run did not ask.
fn judged(runs: &[RunLine], cloud: &str, projects: &[&str]) -> (Vec<bool>, Option<String>) {
    let of = OfCloud::of(runs, cloud);
    let found = projects.iter().map(|it| of.found(it, Some(T - 9)));
    (found.collect(), of.not_asked)
}

#[test]
fn a_cloud_that_is_away_loses_no_project() {
    let before = run(T, &["default"], &["a"]);
    let runs = [before, away(T + 1, "default", &[], &[])];
    let (found, why) = judged(&runs, "default", &["a", "lost"]);
    assert_eq!(found, [true, false]);
    assert_eq!(why.as_deref(), Some("the cloud failed as a whole"));
    // It is back.
    let runs = [&runs[..], &[run(T + 2, &["default"], &["a"])]].concat();
    assert_eq!(judged(&runs, "default", &["a"]), (vec![true], None));
    let runs = [&runs[..], &[run(T + 3, &["default"], &[])]].concat();
    assert_eq!(judged(&runs, "default", &["a"]), (vec![false], None));
}

#[test]
fn of_two_clouds_each_is_judged_by_the_last_run_that_had_its_own() {
    let runs = [
        run(T, &["south", "north"], &["a", "b"]),
        away(T + 1, "north", &["south"], &[]),
    ];
    assert_eq!(judged(&runs, "south", &["a"]), (vec![false], None));
    let (found, why) = judged(&runs, "north", &["b", "lost"]);
    assert_eq!(found, [true, false]);
    assert_eq!(why.as_deref(), Some("cloud `north` failed as a whole"));
}

#[test]
fn a_run_that_ended_early_or_was_of_some_projects_accuses_nobody() {
    let before = run(T, &["default"], &["a"]);
    let early = away(T + 1, "", &[], &[]);
    let (found, why) = judged(&[before.clone(), early.clone()], "default", &["a"]);
    assert_eq!(found, [true]);
    assert_eq!(why.as_deref(), Some("the last run ended before it asked"));
    let delivers = RunLine {
        extracted: false,
        ..run(T + 2, &[], &[])
    };
    let runs = [before.clone(), early, delivers];
    assert!(judged(&runs, "default", &["a"]).1.is_some());
    // By hand, of one project: the others are where they were.
    let some = run(T + 1, &[], &["b"]);
    let judged_of = judged(&[before, some], "default", &["a", "b", "lost"]);
    assert_eq!(judged_of, (vec![true, true, false], None));
    // No line says whose projects were known.
    let silent = [run(T, &[], &["b"])];
    assert_eq!(judged(&silent, "default", &["a"]), (vec![true], None));
}

/// Its line could not be written, or was lost; the cursor moved.
#[test]
fn a_cursor_behind_the_run_is_of_a_later_one() {
    let runs = [run(T, &["default"], &[])];
    let of = OfCloud::of(&runs, "default");
    assert!(of.found("a", Some(T + 1)));
    assert!(!of.found("a", Some(T)));
    assert!(!of.found("a", None));
}
