mod files;
mod hand;
mod lastruns;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::project::BEGINNING;
use super::*;
use crate::Spool;
use crate::lastrun::parse_lastrun;
use crate::ledger::{self, RunId};
use crate::said::said;
use caso_disk::Disk;
use caso_disk::faults::{At, End, folder};

const PROJECT: &str = "5b0e0b3a4a6c4f7e9d1c2b3a4f5e6d7c";
const T: i64 = 1_795_280_273;
const TEXT: &str = "2026-11-21 16:57:53+00:00";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Place {
            dir: folder().unwrap(),
        }
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn lose_cursor_file(&self) {
        let file = format!("caso-cursors/{PROJECT}.json");
        fs::remove_file(self.dir.path().join(file)).unwrap();
    }

    fn lastrun(&self) -> Option<String> {
        fs::read_to_string(self.dir.path().join(format!("lastrun.{PROJECT}"))).ok()
    }

    fn cursors(&self) -> Run {
        self.cursors_on(Disk::default())
    }

    fn cursors_on(&self, disk: Disk) -> Run {
        Run(Cursors::open(&Spool::look(self.dir.path(), disk), false))
    }

    /// Starts of nova and cinder, as a fresh process sees them.
    fn starts(&self) -> Vec<Option<i64>> {
        let starts = self
            .cursors()
            .starts(PROJECT, Some("ops"), &both())
            .unwrap();
        starts.into_iter().map(|start| start.at).collect()
    }
}

/// Cursors of a run that settles its lastrun files after each move.
struct Run(Cursors);

impl std::ops::Deref for Run {
    type Target = Cursors;

    fn deref(&self) -> &Cursors {
        &self.0
    }
}

impl Run {
    fn advance(
        &self,
        project: &str,
        key: &CursorKey,
        window: Window,
    ) -> Result<Advance, CursorError> {
        let moved = self.0.advance(project, key, window)?;
        self.0.settle().pop().map_or(Ok(moved), Err)
    }

    fn leave_out(&self, project: &str, key: &CursorKey) -> Result<(), CursorError> {
        self.0.leave_out(project, key)?;
        self.0.settle().pop().map_or(Ok(()), Err)
    }
}

fn key(extractor: &str) -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: extractor.into(),
    }
}

fn both() -> [CursorKey; 2] {
    [key("nova"), key("cinder")]
}

fn window(start: i64, end: i64) -> Window {
    Window { start, end }
}

#[test]
fn the_fall_backs_in_their_order() {
    let place = Place::new();
    assert_eq!(place.starts(), [None, None]);
    place.put("lastrun", "2026-11-21 16:57:50");
    assert_eq!(place.starts(), [Some(T - 4), Some(T - 4)]);
    place.put("lastrun.ops", "2026-11-21T16:57:51Z");
    assert_eq!(place.starts(), [Some(T - 3), Some(T - 3)]);
    place.put(
        &format!("lastrun.{PROJECT}"),
        "2026-11-21 16:57:53.259158+00:00",
    );
    // One second of overlap: Python wrote its window's end plus one.
    assert_eq!(place.starts(), [Some(T - 1), Some(T - 1)]);
}

#[test]
fn lastrun_holds_the_least_and_the_others_keep_their_place() {
    let place = Place::new();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 12:00:00+00:00");
    let was = place.starts()[0].unwrap();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    let moved = cursors
        .advance(PROJECT, &key("nova"), window(was, T))
        .unwrap();
    assert_eq!(
        moved,
        Advance::Moved {
            from: Some(was),
            to: T
        }
    );
    assert_eq!(place.lastrun().unwrap(), "2026-11-21 11:59:59+00:00");
    assert_eq!(place.starts(), [Some(T), Some(was)]);
    cursors
        .advance(PROJECT, &key("cinder"), window(was, T))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), TEXT);
    assert_eq!(place.starts(), [Some(T), Some(T)]);
}

#[test]
fn one_that_never_ran_starts_at_the_beginning_although_another_did() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), BEGINNING);
    assert_eq!(place.starts(), [Some(T), None]);
}

#[test]
fn one_that_is_switched_off_does_not_hold_lastrun_back() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T - 60))
        .unwrap();
    let later = place.cursors();
    later.starts(PROJECT, None, &[key("nova")]).unwrap();
    later
        .advance(PROJECT, &key("nova"), window(T - 60, T))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), TEXT);
    assert_eq!(place.starts(), [Some(T), None], "and keeps its own place");
}

#[test]
fn an_edited_lastrun_wins_until_the_cursor_moves() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    for key in both() {
        cursors.advance(PROJECT, &key, window(0, T)).unwrap();
    }
    for (edit, at) in [("2026-11-01", 1_793_491_199), ("2026-12-01", 1_796_083_199)] {
        place.put(&format!("lastrun.{PROJECT}"), edit);
        let fresh = place.cursors();
        let starts = fresh.starts(PROJECT, None, &both()).unwrap();
        for start in &starts {
            assert_eq!(start.at, Some(at));
            assert!(matches!(start.source, StartSource::Edited(_)));
        }
        fresh
            .advance(PROJECT, &key("nova"), window(at, at + 60))
            .unwrap();
        assert_eq!(place.starts(), [Some(at + 60), Some(at)]);
    }
}

#[test]
fn our_own_text_with_white_space_around_is_not_an_edit() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    place.put(&format!("lastrun.{PROJECT}"), &format!("{TEXT}\n"));
    assert_eq!(place.starts()[0], Some(T));
}

#[test]
fn a_removed_lastrun_starts_anew_as_with_python() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    fs::remove_file(place.dir.path().join(format!("lastrun.{PROJECT}"))).unwrap();
    assert_eq!(place.starts(), [None, None]);
}

#[test]
fn a_lastrun_by_name_is_kept_up_where_there_is_one() {
    let place = Place::new();
    place.put("lastrun.ops", "2026-11-21 12:00:00");
    let cursors = place.cursors();
    let start = cursors
        .starts(PROJECT, Some("ops"), &[key("nova")])
        .unwrap()[0]
        .at;
    cursors
        .advance(PROJECT, &key("nova"), window(start.unwrap(), T))
        .unwrap();
    let by_name = fs::read_to_string(place.dir.path().join("lastrun.ops")).unwrap();
    assert_eq!(by_name, TEXT);
    assert_eq!(place.starts()[0], Some(T));
}

#[test]
fn a_lastrun_that_is_no_date_names_the_file_and_costs_only_its_project() {
    let place = Place::new();
    for text in ["", "garbage", "10"] {
        place.put(&format!("lastrun.{PROJECT}"), text);
        let cursors = place.cursors();
        let failed = cursors.starts(PROJECT, None, &both()).unwrap_err();
        let message = failed.to_string();
        assert!(message.contains(&format!("lastrun.{PROJECT}")), "{message}");
        assert!(failed.hint().is_some_and(|hint| hint.contains("remove it")));
        cursors.starts("another", None, &both()).unwrap();
    }
}

#[test]
fn a_damaged_cursor_file_falls_back_to_lastrun() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    let file = format!("caso-cursors/{PROJECT}.json");
    place.put(&file, "{");
    // Of our own text there is a note: no second of a volume counts twice.
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    // Python was here since.
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 16:57:54+00:00");
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 16:57:55+00:00");
    assert_eq!(place.starts(), [Some(T + 1), Some(T + 1)]);
    fs::remove_file(place.dir.path().join(format!("lastrun.{PROJECT}"))).unwrap();
    let failed = place.cursors().starts(PROJECT, None, &both()).unwrap_err();
    assert!(matches!(failed, CursorError::Damaged { .. }));
    place.put(&file, r#"{"format": 99, "what": "ever"}"#);
    let failed = place.cursors().starts(PROJECT, None, &both()).unwrap_err();
    assert!(matches!(failed, CursorError::Newer { format: 99, .. }));
}

/// A text that we know was there says nothing new when it is gone: what a crash or a full
/// disk left must not stop a project whose own cursors are intact.
#[test]
fn a_lastrun_of_ours_that_holds_no_date_any_more_is_written_again() {
    for left in ["", "garbage", "\0\0\0\0"] {
        let place = Place::new();
        let cursors = place.cursors();
        cursors.starts(PROJECT, None, &both()).unwrap();
        for (key, end) in [("nova", T), ("cinder", T - 60)] {
            cursors
                .advance(PROJECT, &self::key(key), window(0, end))
                .unwrap();
        }
        place.put(&format!("lastrun.{PROJECT}"), left);
        assert_eq!(place.starts(), [Some(T), Some(T - 60)], "{left:?}");
        let cursors = place.cursors();
        cursors.starts(PROJECT, None, &both()).unwrap();
        cursors
            .advance(PROJECT, &key("nova"), window(T, T + 60))
            .unwrap();
        assert_eq!(place.lastrun().unwrap(), "2026-11-21 16:56:53+00:00");
        assert_eq!(place.starts(), [Some(T + 60), Some(T - 60)]);
    }
}

/// Whatever bit of it a disk changes: a cursor never stands further on than it did.
#[test]
fn a_flipped_bit_in_a_cursor_file_never_moves_a_cursor_on() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    cursors
        .advance(PROJECT, &key("cinder"), window(0, T - 7_200))
        .unwrap();
    let path = place
        .dir
        .path()
        .join(format!("caso-cursors/{PROJECT}.json"));
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[at / 8] ^= 1 << (at % 8);
        fs::write(&path, bad).unwrap();
        let Ok(starts) = place.cursors().starts(PROJECT, None, &both()) else {
            continue;
        };
        assert!(starts[0].at.unwrap() <= T, "bit {at}: {starts:?}");
        assert!(starts[1].at.unwrap() <= T - 7_200, "bit {at}: {starts:?}");
    }
}

/// All of its extractors, whatever their order.
#[test]
fn a_cloud_or_region_that_joins_later_starts_at_the_beginning() {
    let of = |cloud: &str, region: Option<&str>, extractor: &str| CursorKey {
        cloud: cloud.into(),
        region: region.map(Into::into),
        extractor: extractor.into(),
    };
    for (cloud, region) in [("two", None), ("default", Some("north"))] {
        let place = Place::new();
        let cursors = place.cursors();
        cursors.starts(PROJECT, None, &both()).unwrap();
        for key in both() {
            cursors.advance(PROJECT, &key, window(0, T)).unwrap();
        }
        let joined = [
            of(cloud, region, "cinder"),
            of(cloud, region, "nova"),
            of(cloud, region, "neutron"),
        ];
        // In this run, in the next, and when one of them has moved.
        for moved in [None, None, Some(0)] {
            let cursors = place.cursors();
            cursors.starts(PROJECT, None, &both()).unwrap();
            let starts = cursors.starts(PROJECT, None, &joined).unwrap();
            assert!(starts.iter().all(|start| start.at.is_none()), "{starts:?}");
            if let Some(at) = moved {
                cursors.advance(PROJECT, &joined[at], window(0, T)).unwrap();
            }
        }
        let starts = place.cursors().starts(PROJECT, None, &joined).unwrap();
        let at: Vec<Option<i64>> = starts.into_iter().map(|start| start.at).collect();
        assert_eq!(at, [Some(T), None, None]);
    }
}

#[test]
fn frozen_cursors_write_nothing() {
    let place = Place::new();
    let counted = At::never();
    let cursors = Cursors::open(&Spool::look(place.dir.path(), counted.disk()), true);
    cursors.starts(PROJECT, None, &both()).unwrap();
    let unmoved = cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    assert_eq!(unmoved, Advance::Unmoved(Unmoved::Frozen));
    assert_eq!(counted.seen(), 0);
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0);
}

#[test]
fn a_slash_in_a_project_stays_in_the_spool() {
    let place = Place::new();
    let cursors = place.cursors();
    let project = "../../a/b";
    cursors.starts(project, Some("x/y"), &both()).unwrap();
    cursors
        .advance(project, &key("nova"), window(0, T))
        .unwrap();
    let names: Vec<_> = fs::read_dir(place.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["caso-cursors"]);
    let again = place.cursors().starts(project, None, &both()).unwrap();
    assert_eq!(again[0].at, Some(T));
}

/// What lastrun says is the other cloud's progress, not this one's.
#[test]
fn a_new_region_does_not_start_where_another_is() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    let other = CursorKey {
        region: Some("RegionOne".into()),
        ..key("nova")
    };
    let starts = place.cursors().starts(PROJECT, None, &[other]).unwrap();
    assert_eq!(starts[0].at, None);
    assert_eq!(starts[0].source, StartSource::Nothing);
}

fn in_place(cloud: &str, region: Option<&str>) -> CursorKey {
    CursorKey {
        cloud: cloud.into(),
        region: region.map(str::to_owned),
        extractor: "nova".into(),
    }
}

/// What Python left is how far one region is: the first that asks.
#[test]
fn a_foreign_lastrun_is_one_regions() {
    let place = Place::new();
    place.put(&format!("lastrun.{PROJECT}"), TEXT);
    let keys = ["A", "B"].map(|region| in_place("default", Some(region)));
    let cursors = place.cursors();
    assert!(cursors.is_foreign(PROJECT, None));
    let starts = cursors.starts(PROJECT, None, &keys).unwrap();
    assert_eq!(starts[0].at, Some(T - 1));
    assert_eq!(
        (starts[1].at, &starts[1].source),
        (None, &StartSource::Nothing)
    );
    // And of another cloud that has the project, no more.
    let other = in_place("other", None);
    assert_eq!(cursors.starts(PROJECT, None, &[other]).unwrap()[0].at, None);
    // Going back to Python repeats what only one of them has.
    cursors
        .advance(PROJECT, &keys[0], window(T - 1, T + 60))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), BEGINNING);
    cursors
        .advance(PROJECT, &keys[1], window(0, T + 60))
        .unwrap();
    assert!(!place.cursors().is_foreign(PROJECT, None));
}

/// One that is added later was never extracted, whoever wrote lastrun last.
#[test]
fn an_added_region_does_not_start_at_an_edited_lastrun() {
    let place = Place::new();
    let old = in_place("default", Some("A"));
    let cursors = place.cursors();
    cursors
        .starts(PROJECT, None, std::slice::from_ref(&old))
        .unwrap();
    cursors.advance(PROJECT, &old, window(0, T)).unwrap();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-01");
    let new = in_place("default", Some("B"));
    let starts = place.cursors().starts(PROJECT, None, &[old, new]).unwrap();
    assert!(matches!(starts[0].source, StartSource::Edited(_)));
    assert_eq!(
        (starts[1].at, &starts[1].source),
        (None, &StartSource::Nothing)
    );
}

/// Of all that the configuration has, whether or not it was asked today.
#[test]
fn a_cloud_that_is_away_holds_lastrun_back() {
    let place = Place::new();
    let keys = ["prod", "test"].map(|cloud| in_place(cloud, None));
    let open = || Run(place.cursors().0.configured(keys.to_vec()));
    let cursors = open();
    for key in &keys {
        cursors
            .starts(PROJECT, None, std::slice::from_ref(key))
            .unwrap();
        cursors.advance(PROJECT, key, window(0, T)).unwrap();
    }
    assert_eq!(place.lastrun().unwrap(), TEXT);
    let cursors = open();
    cursors.starts(PROJECT, None, &keys[..1]).unwrap();
    cursors
        .advance(PROJECT, &keys[0], window(T, T + 3_600))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), TEXT);
    // It is gone from the configuration.
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &keys[..1]).unwrap();
    cursors
        .advance(PROJECT, &keys[0], window(T, T + 3_660))
        .unwrap();
    assert_ne!(place.lastrun().unwrap(), TEXT);
}

/// Killed behind the write of lastrun: a cursor that is far behind stays there.
#[test]
fn a_killed_write_carries_no_other_cursor_along() {
    let other = CursorKey {
        cloud: "other".into(),
        ..key("nova")
    };
    for step in 0..40 {
        let place = Place::new();
        let cursors = place.cursors();
        cursors
            .starts(PROJECT, None, std::slice::from_ref(&other))
            .unwrap();
        cursors.advance(PROJECT, &other, window(0, 1_000)).unwrap();
        let fault = At::new(End::Kill, step);
        let killed = place.cursors_on(fault.disk());
        killed.starts(PROJECT, None, &[key("nova")]).unwrap();
        let _ = killed.advance(PROJECT, &key("nova"), window(0, T));
        let after = place
            .cursors()
            .starts(PROJECT, None, std::slice::from_ref(&other))
            .unwrap();
        assert_eq!(after[0].at, Some(1_000), "killed at step {step}");
    }
}

/// Who hears that a cursor stands where it stood takes the records of the window back, and who
/// hears that it moved does not.
#[test]
fn a_cursor_is_where_it_is_said_to_be_whatever_step_fails() {
    for end in [End::ErrorOnce, End::FullOnce, End::Full] {
        for at in 0.. {
            let place = Place::new();
            let first = place.cursors();
            first.starts(PROJECT, None, &both()).unwrap();
            for name in ["nova", "cinder"] {
                first
                    .advance(PROJECT, &key(name), window(0, T - 100))
                    .unwrap();
            }
            let fault = At::new(end, at);
            let second = place.cursors_on(fault.disk());
            second.starts(PROJECT, None, &both()).unwrap();
            let moved = second
                .0
                .advance(PROJECT, &key("nova"), window(T - 100, T))
                .is_ok();
            let expected = if moved { T } else { T - 100 };
            assert_eq!(
                place.starts(),
                [Some(expected), Some(T - 100)],
                "{end:?} {at}"
            );
            if at > fault.seen() {
                break;
            }
        }
    }
}

/// Killed, or the disk full, at every step of an advance: no extractor starts
/// later than what it has on disk, and the next run gets on.
#[test]
fn no_kill_makes_a_gap() {
    for end in [End::Kill, End::Torn, End::FullOnce] {
        for at in 0.. {
            let place = Place::new();
            let first = place.cursors();
            first.starts(PROJECT, None, &both()).unwrap();
            first
                .advance(PROJECT, &key("nova"), window(0, T - 100))
                .unwrap();
            first
                .advance(PROJECT, &key("cinder"), window(0, T - 50))
                .unwrap();

            let fault = At::new(end, at);
            let second = place.cursors_on(fault.disk());
            second.starts(PROJECT, None, &both()).unwrap();
            let failed = second
                .advance(PROJECT, &key("nova"), window(T - 100, T))
                .is_err();
            let (nova, cinder) = (place.starts()[0].unwrap(), place.starts()[1].unwrap());
            assert!(nova <= T && (failed || nova == T), "{end:?} {at}: {nova}");
            assert!(cinder <= T - 50, "{end:?} {at}: {cinder}");
            assert!(nova >= T - 101 && cinder >= T - 101, "{end:?} {at}");

            let third = place.cursors();
            third.starts(PROJECT, None, &both()).unwrap();
            third
                .advance(PROJECT, &key("nova"), window(nova, T + 5))
                .unwrap();
            third
                .advance(PROJECT, &key("cinder"), window(cinder, T + 5))
                .unwrap();
            assert_eq!(place.starts(), [Some(T + 5), Some(T + 5)]);
            if at > fault.seen() {
                break;
            }
        }
    }
}

/// The default list asks for Cinder, and a cloud may have none: lastrun would
/// stay in 1970 for ever.
#[test]
fn one_whose_service_is_lacking_does_not_hold_lastrun_back() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T - 10))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), BEGINNING);
    cursors.leave_out(PROJECT, &key("cinder")).unwrap();
    assert_eq!(parse_lastrun(&place.lastrun().unwrap()), Some(T - 10));

    // The next run knows it, and need not mend lastrun again.
    let cursors = place.cursors();
    let starts = cursors.starts(PROJECT, None, &both()).unwrap();
    assert!(starts[0].extracted && !starts[1].extracted);
    cursors
        .advance(PROJECT, &key("nova"), window(T - 10, T - 5))
        .unwrap();
    assert_eq!(parse_lastrun(&place.lastrun().unwrap()), Some(T - 5));
    cursors.leave_out(PROJECT, &key("cinder")).unwrap();
    assert_eq!(parse_lastrun(&place.lastrun().unwrap()), Some(T - 5));

    // One day the cloud has it: its cursor has waited, and counts from now on.
    let cursors = place.cursors();
    let starts = cursors.starts(PROJECT, None, &both()).unwrap();
    assert_eq!(starts[1].at, None);
    cursors
        .advance(PROJECT, &key("cinder"), window(0, T - 7))
        .unwrap();
    assert_eq!(parse_lastrun(&place.lastrun().unwrap()), Some(T - 7));
    let starts = place.cursors().starts(PROJECT, None, &both()).unwrap();
    assert!(starts.iter().all(|start| start.extracted));
}

/// Python had one lastrun for all extractors, and so had a site that extracted
/// servers alone.
#[test]
fn one_that_is_new_to_a_project_starts_at_its_lastrun() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    assert_eq!(place.starts(), [Some(T), Some(T)]);
}

#[test]
fn before_anything_moved_leaving_out_writes_nothing() {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    cursors.leave_out(PROJECT, &key("cinder")).unwrap();
    assert_eq!(place.lastrun(), None);
    cursors
        .advance(PROJECT, &key("nova"), window(0, T))
        .unwrap();
    assert_eq!(place.lastrun().unwrap(), TEXT);
    let frozen = Cursors::open(&Spool::look(place.dir.path(), Disk::default()), true);
    frozen.starts(PROJECT, None, &both()).unwrap();
    frozen.leave_out(PROJECT, &key("nova")).unwrap();
    assert_eq!(place.lastrun().unwrap(), TEXT);
}

/// After a failed write the same process may go on: lastrun is never ahead of
/// the least cursor.
#[test]
fn after_a_full_disk_lastrun_is_not_left_ahead() {
    for at in 0..12 {
        let place = Place::new();
        let cursors = place.cursors_on(At::new(End::FullOnce, at).disk());
        cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
        let _ = cursors.advance(PROJECT, &key("nova"), window(0, T));
        cursors.starts(PROJECT, None, &[key("cinder")]).unwrap();
        let _ = cursors.advance(PROJECT, &key("cinder"), window(0, T - 50));
        let _ = cursors.advance(PROJECT, &key("nova"), window(0, T + 1));
        let least = place.starts().into_iter().min().unwrap();
        let lastrun = place.lastrun().and_then(|text| parse_lastrun(&text));
        assert!(lastrun <= least.or(Some(0)), "{at}: {lastrun:?} {least:?}");
    }
}

fn moves(project: &str, start: i64, end: i64) -> Moves {
    Moves {
        project: project.into(),
        windows: both()
            .map(|key| (key, window(start, end)))
            .into_iter()
            .collect(),
    }
}

/// A sync a project, side by side, and one of their folder; the lastrun files none of their own.
#[test]
fn cursors_of_many_projects_share_their_syncs() {
    let place = Place::new();
    let projects: Vec<String> = (0..16).map(|n| format!("p{n}")).collect();
    let all = |start, end| -> Vec<Moves> {
        let moves = projects.iter().map(|project| moves(project, start, end));
        moves.collect()
    };
    let first = place.cursors();
    for project in &projects {
        first.starts(project, None, &both()).unwrap();
    }
    assert!(first.commit(all(0, T)).iter().all(Result::is_ok));
    assert!(first.settle().is_empty());

    let counted = At::never();
    let second = place.cursors_on(counted.disk());
    for project in &projects {
        second.starts(project, None, &both()).unwrap();
    }
    let moved = second.commit(all(T, T + 60));
    let both_moved = [Advance::Moved {
        from: Some(T),
        to: T + 60,
    }; 2];
    assert!(moved.into_iter().all(|moved| moved.unwrap() == both_moved));
    assert_eq!(counted.waits(), 2);
    let syncs = |steps: &[String]| {
        let of = |sync: &str| steps.iter().filter(|step| step.starts_with(sync)).count();
        (of("SyncFile"), of("SyncFolder"))
    };
    assert_eq!(syncs(&counted.take_steps(place.dir.path())), (16, 1));
    assert!(second.settle().is_empty());
    // The note of what stands there.
    assert_eq!(syncs(&counted.take_steps(place.dir.path())), (1, 2));
    for project in &projects {
        let lastrun = place.dir.path().join(format!("lastrun.{project}"));
        let text = fs::read_to_string(lastrun).unwrap();
        assert_eq!(text, "2026-11-21 16:58:53+00:00");
    }
}

/// The text before is known until the one that comes is settled, and an operator's from then on.
#[test]
fn a_lastrun_that_is_put_back_is_an_edit_only_when_it_was_settled() {
    let place = Place::new();
    let first = place.cursors();
    first.starts(PROJECT, None, &both()).unwrap();
    assert!(first.commit(vec![moves(PROJECT, 0, T)])[0].is_ok());
    // Killed here: there is no lastrun yet, and nothing was removed.
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    assert!(first.settle().is_empty());
    assert_eq!(place.lastrun().unwrap(), TEXT);

    let second = place.cursors();
    second.starts(PROJECT, None, &both()).unwrap();
    assert!(second.commit(vec![moves(PROJECT, T, T + 60)])[0].is_ok());
    // Killed here: lastrun has the text before, which is ours.
    assert_eq!(place.lastrun().unwrap(), TEXT);
    assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)]);
    // The next run mends it, although nothing of the project moves in it.
    let third = place.cursors();
    third.starts(PROJECT, None, &both()).unwrap();
    assert!(third.settle().is_empty());
    assert_eq!(place.lastrun().unwrap(), "2026-11-21 16:58:53+00:00");
    place.put(&format!("lastrun.{PROJECT}"), TEXT);
    assert_eq!(place.starts(), [Some(T - 1), Some(T - 1)]);
}

/// An operator's text, or Python's, from which the cursors have moved is no second edit where
/// the run is killed before it has written its own; and where nothing has moved it stands.
#[test]
fn an_edit_that_was_followed_is_not_followed_twice() {
    for known in [false, true] {
        let place = Place::new();
        if known {
            let first = place.cursors();
            first.starts(PROJECT, None, &both()).unwrap();
            assert!(first.commit(vec![moves(PROJECT, 0, T - 900)])[0].is_ok());
            assert!(first.settle().is_empty());
        }
        place.put(&format!("lastrun.{PROJECT}"), TEXT);
        let idle = place.cursors();
        idle.starts(PROJECT, None, &both()).unwrap();
        assert!(idle.settle().is_empty());
        assert_eq!(place.lastrun().unwrap(), TEXT);
        let run = place.cursors();
        run.starts(PROJECT, None, &both()).unwrap();
        assert!(run.commit(vec![moves(PROJECT, T - 1, T + 60)])[0].is_ok());
        assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)], "{known}");
        assert!(run.settle().is_empty());
        assert_eq!(place.lastrun().unwrap(), "2026-11-21 16:58:53+00:00");
    }
}

/// Killed at every step of a commit of two projects and of the settling: each cursor is the old
/// or the new one, and the next run comes to the end.
#[test]
fn wherever_a_commit_ends_cursors_are_old_or_new() {
    let projects = ["p", "q"];
    for end in [End::Kill, End::Torn, End::FullOnce] {
        for at in 0.. {
            let place = Place::new();
            let run = |cursors: &Run, from: i64, to: i64| {
                for project in projects {
                    cursors.starts(project, None, &both()).unwrap();
                }
                let moves = projects.map(|project| moves(project, from, to));
                let moved = cursors.commit(moves.to_vec());
                let settled = cursors.settle();
                moved.iter().all(Result::is_ok) && settled.is_empty()
            };
            assert!(run(&place.cursors(), 0, T));
            let fault = At::new(end, at);
            let whole = run(&place.cursors_on(fault.disk()), T, T + 60);
            for project in projects {
                let found = place.cursors().starts(project, None, &both()).unwrap();
                let is = |at| found.iter().all(|start| start.at == Some(at));
                assert!(is(T + 60) || (is(T) && !whole), "{end:?} {at}: {found:?}");
            }
            let last = place.cursors();
            assert!(run(&last, T, T + 120), "{end:?} {at}");
            for project in projects {
                let lastrun = place.dir.path().join(format!("lastrun.{project}"));
                let text = fs::read_to_string(lastrun).unwrap();
                assert_eq!(text, "2026-11-21 16:59:53+00:00", "{end:?} {at}");
            }
            if at > fault.seen() {
                break;
            }
        }
    }
}

proptest! {
    /// Whatever windows a site asks for, in whatever order: a cursor never goes
    /// back, and everything below it was extracted.
    #[test]
    fn never_back_and_never_over_a_gap(windows in prop::collection::vec((0i64..50, 1i64..20), 1..40)) {
        let place = Place::new();
        let mut covered = [false; 100];
        let mut cursor: Option<i64> = None;
        for (start, length) in windows {
            let end = start + length;
            let cursors = place.cursors();
            cursors.starts(PROJECT, None, &[key("nova")]).unwrap();
            let outcome = cursors.advance(PROJECT, &key("nova"), window(start, end)).unwrap();
            for second in start..end {
                covered[second as usize] = true;
            }
            let now = place.starts()[0];
            prop_assert!(now >= cursor);
            match outcome {
                Advance::Moved { to, .. } => prop_assert_eq!(now, Some(to)),
                Advance::Unmoved(_) => prop_assert_eq!(now, cursor),
            }
            if let (Some(before), Some(after)) = (cursor, now) {
                prop_assert!((before..after).all(|second| covered[second as usize]));
            }
            cursor = now;
        }
    }
}

/// Nova and Cinder at `T`.
fn extracted() -> Place {
    let place = Place::new();
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    for key in both() {
        cursors.advance(PROJECT, &key, window(0, T)).unwrap();
    }
    place
}

fn source(place: &Place) -> StartSource {
    let cursors = place.cursors();
    let mut starts = cursors.starts(PROJECT, None, &both()).unwrap();
    starts.remove(1).source
}

/// A segment of before that waits in the journal must not carry it on again.
#[test]
fn set_by_hand_it_stays_until_it_is_extracted_from_there() {
    let place = extracted();
    place.cursors().set(PROJECT, None, T - 7_200, true).unwrap();
    assert_eq!(place.lastrun().unwrap(), "2026-11-21 14:57:53+00:00");
    assert_eq!(place.starts(), [Some(T - 7_200); 2]);
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    let before = window(T - 7_200, T);
    let caught_up = |run: &Run, extractor: &str| {
        let moved = run.catch_up(PROJECT, &key(extractor), before, 0);
        moved.unwrap() == CaughtUp::Moved
    };
    assert!(!caught_up(&cursors, "nova"));
    cursors
        .advance(PROJECT, &key("nova"), window(T - 7_200, T - 3_600))
        .unwrap();
    // The other one is where it was put, in the next run too.
    assert_eq!(source(&place), StartSource::Set);
    let cursors = place.cursors();
    cursors.starts(PROJECT, None, &both()).unwrap();
    assert!(!caught_up(&cursors, "cinder"));
    assert!(caught_up(&cursors, "nova"));
    cursors
        .advance(PROJECT, &key("cinder"), window(T - 7_200, T))
        .unwrap();
    assert_eq!(source(&place), StartSource::Cursor);
}

/// An edited lastrun is a cursor that was put there by hand, also when another has moved.
#[test]
fn an_edit_is_remembered_of_those_that_did_not_move_yet() {
    let place = extracted();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 12:00:00+00:00");
    let cursors = place.cursors();
    let starts = cursors.starts(PROJECT, None, &both()).unwrap();
    let at = starts[0].at.unwrap();
    cursors
        .advance(PROJECT, &key("nova"), window(at, T))
        .unwrap();
    assert_eq!(place.starts(), [Some(T), Some(at)]);
    assert_eq!(source(&place), StartSource::Set);
}

/// Whatever it is ended in, cursors and lastrun are the old ones, or the new ones.
#[test]
fn killed_while_it_is_set_they_agree() {
    let counted = At::never();
    let place = extracted();
    place
        .cursors_on(counted.disk())
        .set(PROJECT, None, T + 60, true)
        .unwrap();
    assert!(counted.seen() > 8, "{}", counted.seen());
    for end in [End::Kill, End::Torn, End::FullOnce, End::Full] {
        for at in 0..counted.seen() {
            let place = extracted();
            let cursors = place.cursors_on(At::new(end, at).disk());
            let done = cursors.set(PROJECT, None, T + 60, true);
            let starts = place.starts();
            let what = format!("{end:?} at {at}: {starts:?}");
            assert_eq!(starts[0], starts[1], "{what}");
            assert!([Some(T), Some(T + 60)].contains(&starts[0]), "{what}");
            assert!(done.is_err() || starts[0] == Some(T + 60), "{what}");
        }
    }
}

#[test]
fn a_forgotten_project_starts_as_a_new_one() {
    let place = extracted();
    place.put("lastrun.else", "2026-11-21 12:00:00+00:00");
    let spool = Spool::look(place.dir.path(), Disk::default());
    Cursors::forget(&spool, PROJECT).unwrap();
    assert_eq!(place.lastrun(), None);
    assert_eq!(place.starts(), [None, None]);
    assert!(place.dir.path().join("lastrun.else").exists());
    Cursors::forget(&spool, PROJECT).unwrap();
}
