//! The files as they are: what is in them, when they are written, what cannot be read.

use super::*;

fn cursor_file(place: &Place) -> PathBuf {
    let name = format!("caso-cursors/{PROJECT}.json");
    place.dir.path().join(name)
}

/// Other versions read it: what is as it always is does not stand there.
#[test]
fn a_cursor_file_says_no_more_than_there_is() {
    let place = Place::new();
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    run.advance(PROJECT, &key("nova"), window(0, T)).unwrap();
    let text = fs::read_to_string(cursor_file(&place)).unwrap();
    let (body, sum) = text.split_once(",\n  \"sha256\"").unwrap();
    assert_eq!(
        body,
        format!(
            r#"{{
  "format": 1,
  "project": "{PROJECT}",
  "cursors": [
    {{
      "cloud": "default",
      "region": null,
      "extractor": "nova",
      "at": {T},
      "standing": "extracted"
    }},
    {{
      "cloud": "default",
      "region": null,
      "extractor": "cinder",
      "at": null
    }}
  ],
  "windows": [
    {{
      "cloud": "default",
      "region": null,
      "extractor": "nova",
      "window": {{
        "start": 0,
        "end": {T}
      }},
      "run": {{
        "began": 0,
        "process": 0
      }}
    }}
  ],
  "lastrun": {{}},
  "coming": "{BEGINNING}""#
        )
    );
    assert_eq!(sum.len(), ": \"\"\n}\n".len() + 64);
}

/// What is there and cannot be read is not taken for nothing: all would be extracted again.
#[test]
fn what_cannot_be_read_stops_its_project_and_is_left_as_it_is() {
    for name in [
        format!("caso-cursors/{PROJECT}.json"),
        format!("lastrun.{PROJECT}"),
        "lastrun.ops".to_owned(),
        "lastrun".to_owned(),
    ] {
        let place = extracted();
        let path = place.dir.path().join(&name);
        let _ = fs::remove_file(&path);
        fs::create_dir(&path).unwrap();
        let failed = place
            .cursors()
            .starts(PROJECT, Some("ops"), &both())
            .unwrap_err();
        assert!(matches!(failed, CursorError::Read { .. }), "{failed}");
        let text = format!("project `{PROJECT}`: cannot read `{}`", path.display());
        assert_eq!(failed.to_string(), text);
        // Repaired, it goes on.
        fs::remove_dir(&path).unwrap();
        if name.contains(PROJECT) {
            continue;
        }
        assert_eq!(place.starts(), [Some(T), Some(T)], "{name}");
    }
}

/// A run that was killed may have written lastrun, and nobody synced it: it is on disk before the
/// text that stood there is forgotten. Once, and not where nothing was left.
#[test]
fn what_a_killed_run_wrote_into_lastrun_is_synced_before_a_cursor_moves() {
    let place = Place::new();
    let killed = place.cursors();
    for project in ["p", "q"] {
        killed.starts(project, Some("ops"), &both()).unwrap();
    }
    let moved = killed.commit(vec![moves("p", 0, T), moves("q", 0, T)]);
    assert!(moved.iter().all(Result::is_ok));

    let counted = At::never();
    let next = |from| {
        let run = place.cursors_on(counted.disk());
        for project in ["p", "q"] {
            run.starts(project, Some("ops"), &both()).unwrap();
        }
        let moves = ["p", "q"].map(|project| moves(project, from, from + 60));
        assert!(run.commit(moves.to_vec()).iter().all(Result::is_ok));
        let steps = counted.take_steps(place.dir.path());
        assert!(run.settle().is_empty());
        counted.take_steps(place.dir.path());
        let syncs = steps.iter().filter(|step| step.starts_with("SyncFolder"));
        (steps[0].clone(), syncs.count())
    };
    let (first, folders) = next(T);
    assert_eq!((first.as_str(), folders), ("SyncFolder", 2));
    let (first, folders) = next(T + 60);
    assert_ne!(first, "SyncFolder");
    assert_eq!(folders, 1);
}

/// Where that sync fails nothing moves, and it is tried again.
#[test]
fn where_what_a_killed_run_wrote_cannot_be_synced_no_cursor_moves() {
    let place = Place::new();
    let killed = place.cursors();
    killed.starts(PROJECT, None, &both()).unwrap();
    assert!(killed.commit(vec![moves(PROJECT, 0, T)])[0].is_ok());
    let fault = At::new(End::ErrorOnce, 0);
    let run = place.cursors_on(fault.disk());
    run.starts(PROJECT, None, &both()).unwrap();
    let failed = run.commit(vec![moves(PROJECT, T, T + 60)]).remove(0);
    assert!(matches!(failed, Err(CursorError::Write { .. })));
    assert_eq!(fault.take_steps(place.dir.path()), ["SyncFolder"]);
    assert_eq!(place.starts(), [Some(T), Some(T)]);
    assert!(run.commit(vec![moves(PROJECT, T, T + 60)])[0].is_ok());
    assert_eq!(fault.take_steps(place.dir.path())[0], "SyncFolder");
    assert_eq!(place.starts(), [Some(T + 60), Some(T + 60)]);
}

/// Two regions of a project may end together.
#[test]
fn a_project_that_comes_twice_moves_twice() {
    let place = Place::new();
    let run = place.cursors();
    run.starts(PROJECT, None, &both()).unwrap();
    let of = |extractor: &str, start, end| Moves {
        project: PROJECT.into(),
        windows: vec![(key(extractor), window(start, end))],
    };
    let moved = run.commit(vec![
        of("nova", 0, T),
        of("cinder", 0, T - 60),
        of("nova", T, T + 60),
    ]);
    let to = |from, to| vec![Advance::Moved { from, to }];
    let moved: Vec<_> = moved.into_iter().map(Result::unwrap).collect();
    assert_eq!(moved, [to(None, T), to(None, T - 60), to(Some(T), T + 60)]);
    assert_eq!(place.starts(), [Some(T + 60), Some(T - 60)]);
}

#[test]
fn a_settled_spool_is_not_written_again() {
    let place = extracted();
    let counted = At::never();
    let run = place.cursors_on(counted.disk());
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    assert!(run.settle().is_empty());
    assert_eq!(counted.take_steps(place.dir.path()), [""; 0]);
    let moved = run.0.advance(PROJECT, &key("nova"), window(T, T + 60));
    moved.unwrap();
    counted.take_steps(place.dir.path());
    // The least of them has not moved, and stands there already.
    assert!(run.settle().is_empty());
    assert_eq!(counted.take_steps(place.dir.path()), [""; 0]);
}
