//! Which of the lastrun files decides, and what its text means.

use super::*;

const BY_ID: &str = "lastrun.5b0e0b3a4a6c4f7e9d1c2b3a4f5e6d7c";
const BY_NAME: &str = "lastrun.ops";

/// Nova and Cinder at `T`, with a lastrun by name, too.
fn named() -> Place {
    let place = Place::new();
    place.put(BY_NAME, "2026-11-21 12:00:00");
    let run = place.cursors();
    let was = run.starts(PROJECT, Some("ops"), &both()).unwrap()[0].at;
    for key in both() {
        run.advance(PROJECT, &key, window(was.unwrap(), T)).unwrap();
    }
    place
}

fn of(place: &Place, extractor: &str) -> Start {
    let run = place.cursors();
    let mut starts = run.starts(PROJECT, Some("ops"), &[key(extractor)]).unwrap();
    starts.remove(0)
}

fn path(place: &Place, name: &str) -> PathBuf {
    place.dir.path().join(name)
}

fn start(at: Option<i64>, source: StartSource) -> Start {
    let extracted = false;
    Start {
        at,
        source,
        extracted,
        reached: None,
        ahead: false,
    }
}

#[test]
fn a_lastrun_by_name_is_not_begun() {
    let place = extracted();
    let run = place.cursors();
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    for key in both() {
        run.advance(PROJECT, &key, window(T, T + 60)).unwrap();
    }
    assert!(!path(&place, BY_NAME).exists());
    assert_ne!(place.lastrun().unwrap(), TEXT);
}

#[test]
fn an_operators_hand_on_either_counts_and_the_one_by_id_before_the_other() {
    let place = named();
    place.put(BY_NAME, "2026-11-21 10:00:00");
    let by_name = StartSource::Edited(path(&place, BY_NAME));
    let found = of(&place, "nova");
    assert_eq!((found.at, found.source), (Some(T - 25_074), by_name));
    place.put(BY_ID, "2026-11-21 11:00:00");
    let by_id = StartSource::Edited(path(&place, BY_ID));
    let found = of(&place, "nova");
    assert_eq!((found.at, found.source), (Some(T - 21_474), by_id));
}

#[test]
fn a_lastrun_by_name_that_is_removed_changes_nothing() {
    let place = named();
    fs::remove_file(path(&place, BY_NAME)).unwrap();
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    assert_eq!(of(&place, "nova").source, StartSource::Cursor);
}

/// Of the time before 1.4.0: nobody keeps it up.
#[test]
fn the_global_lastrun_is_the_last_resort_and_no_edit() {
    let place = extracted();
    place.put("lastrun", "2026-11-01");
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    let by_id = StartSource::Lastrun(path(&place, BY_ID));
    assert_eq!(of(&place, "neutron"), start(Some(T), by_id));
    fs::remove_file(path(&place, BY_ID)).unwrap();
    let global = StartSource::Lastrun(path(&place, "lastrun"));
    let expected = Start {
        reached: Some(T),
        ahead: true,
        ..start(Some(1_793_491_199), global)
    };
    assert_eq!(of(&place, "nova"), expected);
}

/// Killed before there was another one: it says what it said before.
#[test]
fn a_global_lastrun_is_nobodys_of_ours() {
    let place = Place::new();
    place.put("lastrun", TEXT);
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    assert!(run.commit(vec![moves(PROJECT, T - 1, T + 60)])[0].is_ok());
    let global = StartSource::Lastrun(path(&place, "lastrun"));
    assert_eq!(of(&place, "neutron"), start(Some(T - 1), global));
    assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)]);
}

/// A text of ours is to the second, the beginning included; of anybody else's one is taken off.
#[test]
fn one_that_is_new_starts_at_our_text_and_a_second_before_another_ones() {
    let place = extracted();
    let by_id = || StartSource::Lastrun(path(&place, BY_ID));
    assert_eq!(of(&place, "neutron"), start(Some(T), by_id()));

    let place = Place::new();
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    run.advance(PROJECT, &key("nova"), window(0, T)).unwrap();
    let by_id = || StartSource::Lastrun(path(&place, BY_ID));
    assert_eq!(
        of(&place, "neutron"),
        start(None, by_id()),
        "cinder has none"
    );

    for (text, at) in [
        (BEGINNING, 0),
        ("1970-01-01 00:00:01", 0),
        ("1969-12-31 23:59:59", -1),
        (TEXT, T - 1),
    ] {
        let place = Place::new();
        place.put(BY_ID, text);
        let by_id = StartSource::Lastrun(path(&place, BY_ID));
        assert_eq!(of(&place, "nova"), start(Some(at), by_id));
    }
}

/// Killed between the two: each has one of the texts that are ours.
#[test]
fn of_two_texts_of_ours_the_one_by_id_counts() {
    let place = named();
    let run = place.cursors();
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    assert!(run.commit(vec![moves(PROJECT, T, T + 60)])[0].is_ok());
    place.put(BY_ID, "2026-11-21 16:58:53+00:00");
    let by_id = StartSource::Lastrun(path(&place, BY_ID));
    assert_eq!(of(&place, "neutron"), start(Some(T + 60), by_id));
    assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)]);
    // And the next run mends the other, although nothing moves.
    let next = place.cursors();
    next.starts(PROJECT, Some("ops"), &both()).unwrap();
    assert!(next.settle().is_empty());
    let text = fs::read_to_string(path(&place, BY_NAME)).unwrap();
    assert_eq!(text, "2026-11-21 16:58:53+00:00");
}

/// Killed before the first lastrun was there: the next run writes it, although nothing moves.
#[test]
fn a_lastrun_that_never_came_is_written_by_the_next_run() {
    let place = Place::new();
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    assert!(run.commit(vec![moves(PROJECT, 0, T)])[0].is_ok());
    let next = place.cursors();
    next.starts(PROJECT, None, &both()).unwrap();
    assert!(next.settle().is_empty());
    assert_eq!(place.lastrun().unwrap(), TEXT);
}

/// The cloud turns out to lack a service before the text of this run is settled.
#[test]
fn what_is_lacking_is_left_out_of_what_is_coming() {
    let place = Place::new();
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    let moved = run.0.advance(PROJECT, &key("nova"), window(0, T));
    moved.unwrap();
    run.0.leave_out(PROJECT, &key("cinder")).unwrap();
    assert!(run.settle().is_empty());
    assert_eq!(place.lastrun().unwrap(), TEXT);
}

/// Garbage is never noted as what stood there: killed at once, the next run would know no date.
#[test]
fn a_lastrun_of_ours_that_holds_no_date_is_said_to_and_does_not_stop_the_next_run_either() {
    let place = extracted();
    place.put(BY_ID, "garbage");
    let said = said(|| {
        let run = place.cursors();
        run.starts(PROJECT, None, &both()).unwrap();
        // Nothing has moved: it is left for the operator to see.
        assert!(run.settle().is_empty());
        assert_eq!(place.lastrun().unwrap(), "garbage");
        assert!(run.commit(vec![moves(PROJECT, T, T + 60)])[0].is_ok());
    });
    let text = format!(
        "WARN project `{PROJECT}`: `{}` holds `garbage`, which is no date; cASO wrote `{TEXT}` \
         there and goes on from there",
        path(&place, BY_ID).display()
    );
    assert_eq!(said, [text]);
    assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)]);
}

#[test]
fn of_what_is_no_date_a_message_shows_the_beginning() {
    let place = Place::new();
    place.put(BY_ID, &"é".repeat(61));
    let run = place.cursors();
    let failed = run.starts(PROJECT, None, &both()).unwrap_err();
    assert_eq!(
        failed.to_string(),
        format!(
            "project `{PROJECT}`: `{}` holds `{}`, which is no date",
            path(&place, BY_ID).display(),
            "é".repeat(60)
        )
    );
}

#[test]
fn what_is_removed_or_damaged_is_said() {
    let place = extracted();
    let file = format!("caso-cursors/{PROJECT}.json");
    let whole = fs::read_to_string(path(&place, &file)).unwrap();
    let open = || drop(place.starts());
    assert_eq!(said(open), [""; 0]);
    place.put(&file, &whole.replace("nova", "Nova"));
    let damaged = format!(
        "WARN project `{PROJECT}`: `{}` is damaged (its checksum differs); going on from its \
         lastrun file",
        path(&place, &file).display()
    );
    assert_eq!(said(open), [damaged]);
    place.put(&file, &whole);
    fs::remove_file(path(&place, BY_ID)).unwrap();
    let removed = format!(
        "WARN project `{PROJECT}`: `{}` was removed, so its cursors start anew",
        path(&place, BY_ID).display()
    );
    assert_eq!(said(open), [removed]);
}

/// There is nothing to give away where there is nothing, or where cursors are known.
#[test]
fn a_lastrun_alone_is_foreign() {
    let place = Place::new();
    assert!(!place.cursors().is_foreign(PROJECT, None));
    place.put(BY_NAME, TEXT);
    assert!(place.cursors().is_foreign(PROJECT, Some("ops")));
    assert!(!place.cursors().is_foreign(PROJECT, None));
    assert!(!extracted().cursors().is_foreign(PROJECT, None));
    place.put(BY_NAME, "garbage");
    assert!(!place.cursors().is_foreign(PROJECT, Some("ops")));
}

/// What another project of that name had moved, while this one was called otherwise, is nobody's edit.
#[test]
fn a_lastrun_by_name_says_nothing_of_a_project_that_did_not_move_it() {
    let place = named();
    let other = "0000000000000000000000000000000f";
    let run = place.cursors();
    run.starts(other, Some("ops"), &both()).unwrap();
    for key in both() {
        run.advance(other, &key, window(T, T + 600)).unwrap();
    }
    let now = || fs::read_to_string(path(&place, BY_NAME)).unwrap();
    assert_ne!(now(), TEXT);
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    assert_eq!(of(&place, "nova").source, StartSource::Cursor);
    // Nor is it forgotten with this one.
    let copy = tempfile::tempdir().unwrap();
    for name in [BY_ID, BY_NAME, "caso-lastruns.json"] {
        fs::copy(path(&place, name), copy.path().join(name)).unwrap();
    }
    let cursors = format!("caso-cursors/{PROJECT}.json");
    let kept = fs::read(path(&place, &cursors)).unwrap();
    Cursors::forget(&Spool::look(place.dir.path(), Disk::default()), PROJECT).unwrap();
    assert!(path(&place, BY_NAME).exists() && !path(&place, BY_ID).exists());
    for name in [BY_ID, BY_NAME, "caso-lastruns.json"] {
        fs::copy(copy.path().join(name), path(&place, name)).unwrap();
    }
    fs::write(path(&place, &cursors), kept).unwrap();
    // From here on it is this one's.
    let run = place.cursors();
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    for key in both() {
        run.advance(PROJECT, &key, window(T, T + 60)).unwrap();
    }
    assert_eq!(now(), "2026-11-21 16:58:53+00:00");
    place.put(BY_NAME, "2026-11-21 10:00:00");
    let by_name = StartSource::Edited(path(&place, BY_NAME));
    assert_eq!(of(&place, "nova").source, by_name, "and this is an edit");
}

/// Of the two files that cASO wrote the lastrun file is newer: the cursors go on where they stand, and how far others
/// may have come is known until they have, too.
#[test]
fn cursors_that_are_older_than_their_lastrun_file_were_put_back() {
    let place = extracted();
    let file = format!("caso-cursors/{PROJECT}.json");
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    let copy = fs::read(path(&place, &file)).unwrap();
    for key in both() {
        run.advance(PROJECT, &key, window(T, T + 600)).unwrap();
    }
    fs::write(path(&place, &file), copy).unwrap();
    let put_back = |extractor| {
        let found = of(&place, extractor);
        (found.at, found.reached, found.source)
    };
    let expected = (Some(T), Some(T + 600), StartSource::Cursor);
    assert_eq!(put_back("nova"), expected);
    let told = said(|| {
        let run = place.cursors();
        run.starts(PROJECT, None, &both()).unwrap();
        run.advance(PROJECT, &key("nova"), window(T, T + 60))
            .unwrap();
    });
    let of_it = told.iter().filter(|line| line.contains("from a backup"));
    assert_eq!(of_it.count(), 1, "{told:?}");
    assert_eq!(put_back("cinder"), expected);
    assert_eq!(put_back("nova").0, Some(T + 60));
}
