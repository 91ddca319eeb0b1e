//! What an operator did, and what a killed run left, beside each other.

use super::*;

fn caught_up(run: &Run, extractor: &str, window: Window, beginning: i64) -> bool {
    let key = key(extractor);
    let moved = run.catch_up(PROJECT, &key, window, beginning);
    moved.unwrap() == CaughtUp::Moved
}

fn started(place: &Place) -> Run {
    let run = place.cursors();
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    run
}

/// A run was killed when its window was sealed, before the cursor moved.
#[test]
fn what_was_sealed_is_caught_up_with_where_it_continues() {
    let place = extracted();
    let run = started(&place);
    assert!(!caught_up(&run, "nova", window(T - 60, T), 0), "behind");
    assert!(!caught_up(&run, "nova", window(T + 1, T + 60), 0), "a gap");
    assert!(caught_up(&run, "nova", window(T, T + 60), 0));
    assert_eq!(place.starts(), [Some(T + 60), Some(T)]);
}

/// Before the first window nothing was extracted, so that it must begin at the beginning.
#[test]
fn a_first_window_is_caught_up_with_from_the_beginning_alone() {
    for (start, beginning, moves) in [(100, 100, true), (99, 100, true), (101, 100, false)] {
        let place = Place::new();
        let run = started(&place);
        let found = caught_up(&run, "nova", window(start, T), beginning);
        assert_eq!(found, moves, "{start}");
        assert_eq!(place.starts(), [moves.then_some(T), None]);
    }
    // One that has a cursor continues, wherever the others began.
    let place = extracted();
    assert!(caught_up(&started(&place), "nova", window(T, T + 60), 100));
}

#[test]
fn a_dry_run_catches_up_with_nothing() {
    let place = extracted();
    let spool = Spool::look(place.dir.path(), Disk::default());
    let frozen = Cursors::open(&spool, true);
    frozen.starts(PROJECT, None, &both()).unwrap();
    let sealed = window(T, T + 60);
    let caught_up = frozen.catch_up(PROJECT, &key("nova"), sealed, 0);
    assert_eq!(caught_up.unwrap(), CaughtUp::Nothing);
    assert_eq!(place.starts(), [Some(T), Some(T)]);
}

#[test]
fn where_a_lastrun_was_edited_or_removed_nothing_is_caught_up_with() {
    let place = extracted();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 12:00:00+00:00");
    let at = place.starts()[0].unwrap();
    let run = started(&place);
    // One that is new starts from there, too.
    run.starts(PROJECT, None, &[key("neutron")]).unwrap();
    for extractor in ["nova", "cinder", "neutron"] {
        assert!(!caught_up(&run, extractor, window(at, T + 60), 0));
    }

    let place = extracted();
    fs::remove_file(place.dir.path().join(format!("lastrun.{PROJECT}"))).unwrap();
    let run = started(&place);
    assert!(!caught_up(&run, "nova", window(0, T + 60), 0));
    assert_eq!(place.starts(), [None, None]);
}

/// Else an operator who wants it to start elsewhere would see his text vanish.
#[test]
fn an_operators_text_stands_where_a_killed_run_left_its_own_to_come() {
    let edit = "2026-11-21 12:00:00+00:00";
    let place = extracted();
    let killed = started(&place);
    assert!(killed.commit(vec![moves(PROJECT, T, T + 60)])[0].is_ok());
    place.put(&format!("lastrun.{PROJECT}"), edit);
    assert!(started(&place).settle().is_empty());
    assert_eq!(place.lastrun().unwrap(), edit);

    let lastrun = place.dir.path().join(format!("lastrun.{PROJECT}"));
    fs::remove_file(lastrun).unwrap();
    assert!(started(&place).settle().is_empty());
    assert_eq!(place.lastrun(), None);
}

/// A lastrun that is away takes the cursors along, and not what is set after it.
#[test]
fn set_by_hand_where_lastrun_was_removed_it_starts_there() {
    let place = extracted();
    fs::remove_file(place.dir.path().join(format!("lastrun.{PROJECT}"))).unwrap();
    place.cursors().set(PROJECT, None, T - 7_200, true).unwrap();
    assert_eq!(place.lastrun().unwrap(), "2026-11-21 14:57:53+00:00");
    assert_eq!(place.starts(), [Some(T - 7_200); 2]);
    assert_eq!(source(&place), StartSource::Set);
}

/// What is by its id or its name is put right; the file of all projects is not this one's.
#[test]
fn set_by_hand_where_no_lastrun_can_be_read_the_one_of_all_projects_stays() {
    for (name, rubbish_stays) in [
        ("lastrun".to_owned(), true),
        ("lastrun.ops".to_owned(), false),
        (format!("lastrun.{PROJECT}"), false),
    ] {
        let place = Place::new();
        place.put(&name, "rubbish");
        let read = place.cursors().starts(PROJECT, Some("ops"), &both());
        assert!(matches!(read, Err(CursorError::NotADate { .. })), "{name}");
        let run = Run(place.cursors().0.configured(both().into()));
        run.set(PROJECT, Some("ops"), T, true).unwrap();
        assert_eq!(place.starts(), [Some(T); 2], "{name}");
        let text = fs::read_to_string(place.dir.path().join(&name)).unwrap();
        assert_eq!(text == "rubbish", rubbish_stays, "{name}");
    }
}

#[test]
fn a_moment_that_no_lastrun_can_hold_sets_nothing() {
    let place = extracted();
    let failed = place
        .cursors()
        .set(PROJECT, None, i64::MAX, true)
        .unwrap_err();
    assert!(matches!(failed, CursorError::OutOfRange { .. }), "{failed}");
    assert_eq!(place.starts(), [Some(T), Some(T)]);
}

/// A lastrun that was forgotten and comes back is an operator's, as for a new project.
#[test]
fn a_forgotten_project_takes_its_lastruns_and_what_is_noted_of_them_along() {
    let place = extracted();
    place.put("lastrun.ops", TEXT);
    let run = started(&place);
    for extractor in ["nova", "cinder"] {
        let window = window(T, T + 60);
        run.advance(PROJECT, &key(extractor), window).unwrap();
    }
    let spool = Spool::look(place.dir.path(), Disk::default());
    let noted = || settled::read(&spool).into_keys().collect::<Vec<_>>();
    assert_eq!(
        noted(),
        [format!("lastrun.{PROJECT}"), "lastrun.ops".into()]
    );
    Cursors::forget(&spool, PROJECT).unwrap();
    assert!(!place.dir.path().join("lastrun.ops").exists());
    assert_eq!(noted(), [""; 0]);
    assert_eq!(place.starts(), [None, None]);
    place.put(&format!("lastrun.{PROJECT}"), TEXT);
    assert_eq!(place.starts(), [Some(T - 1), Some(T - 1)]);
}

fn reached(place: &Place) -> [Option<i64>; 2] {
    let starts = place.cursors().starts(PROJECT, Some("ops"), &both());
    let reached: Vec<_> = starts.unwrap().into_iter().map(|it| it.reached).collect();
    reached.try_into().unwrap()
}

/// What adds up was extracted in windows of its own up to there, whoever takes the cursors back.
#[test]
fn how_far_it_came_is_known_until_it_has_come_so_far_again() {
    let lastrun = format!("lastrun.{PROJECT}");
    let back = |how: &str| {
        let place = extracted();
        assert_eq!(reached(&place), [None, None]);
        match how {
            "set" => place.cursors().set(PROJECT, None, T - 7_200, true).unwrap(),
            "edited" => place.put(&lastrun, "2026-11-21 12:00:00+00:00"),
            "removed" => fs::remove_file(place.dir.path().join(&lastrun)).unwrap(),
            _ => {
                let spool = Spool::look(place.dir.path(), Disk::default());
                Cursors::forget(&spool, PROJECT).unwrap();
            }
        }
        place
    };
    for how in ["set", "edited", "removed", "forgotten"] {
        let place = back(how);
        let from = place.starts()[0];
        assert!(from < Some(T), "{how}");
        assert_eq!(reached(&place), [Some(T), Some(T)], "{how}");
        // A run that ended half way, or one with an earlier end.
        let run = started(&place);
        let half = window(from.unwrap_or(0), T - 60);
        run.advance(PROJECT, &key("cinder"), half).unwrap();
        assert_eq!(reached(&place), [Some(T), Some(T)], "{how}");
        assert_eq!(place.starts(), [from, Some(T - 60)], "{how}");
        // Somebody sets it once more.
        place.cursors().set(PROJECT, None, T - 3_600, true).unwrap();
        assert_eq!(reached(&place), [Some(T), Some(T)], "{how}");
        let run = started(&place);
        let rest = window(T - 3_600, T);
        run.advance(PROJECT, &key("cinder"), rest).unwrap();
        assert_eq!(reached(&place), [Some(T), None], "{how}");
        assert!(all(&place).iter().any(|it| it.reached == Some(T)), "{how}");
    }
}

fn all(place: &Place) -> Vec<Whereabouts> {
    let spool = Spool::look(place.dir.path(), Disk::default());
    Cursors::all(&spool).unwrap().cursors
}

/// Back for one that is ahead is not forward for one that is behind, which has extracted nothing from there.
#[test]
fn a_lastrun_set_back_takes_no_extractor_forward() {
    let place = extracted();
    let run = started(&place);
    run.advance(PROJECT, &key("nova"), window(T, T + 7_200))
        .unwrap();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 17:57:53+00:00");
    assert_eq!(place.starts(), [Some(T + 3_599), Some(T)]);
    // Forward, as Python does, it holds for all.
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-22 00:00:00+00:00");
    let starts = place.starts();
    assert_eq!(starts[0], starts[1]);
}

fn of_run(place: &Place, began: i64) -> Run {
    let run = RunId { began, process: 7 };
    let run = Run(place.cursors().0.of_run(run));
    run.starts(PROJECT, Some("ops"), &both()).unwrap();
    run
}

fn in_the_ledger(place: &Place, began: i64) {
    let spool = Spool::look(place.dir.path(), Disk::default());
    let line = format!(
        r#"{{"format":1,"version":"6.0.0","began":{began},"took_ms":1,"exit":0,"process":7,"extracted":true,"requests":1}}"#
    );
    let mut run: ledger::RunLine = serde_json::from_str(&line).unwrap();
    run.windows.clear();
    ledger::append(&spool, &run).unwrap();
}

fn noted(place: &Place, extractor: &str) -> Vec<(i64, i64)> {
    let spool = Spool::look(place.dir.path(), Disk::default());
    let all = Cursors::unlisted(&spool).unwrap();
    assert!(all.iter().all(|it| it.project == PROJECT));
    let windows = all.iter().flat_map(|it| &it.windows);
    let of = windows.filter(|(key, ..)| key.extractor == extractor);
    of.map(|(_, window, _)| (window.start, window.end))
        .collect()
}

/// A run that was killed has no line there; its windows are known all the same, whatever becomes of the cursors.
#[test]
fn the_windows_of_a_run_stand_with_the_cursors_until_the_ledger_has_it() {
    let place = Place::new();
    let hour = |number: i64| window(T + number * 3_600, T + (number + 1) * 3_600);
    let seconds = |number: i64| (hour(number).start, hour(number).end);
    for (number, listed) in [(0, true), (1, false), (2, true), (3, true)] {
        let began = hour(number).end;
        let run = of_run(&place, began);
        run.advance(PROJECT, &key("nova"), hour(number)).unwrap();
        if number == 0 {
            run.advance(PROJECT, &key("cinder"), hour(number)).unwrap();
        }
        if listed {
            in_the_ledger(&place, began);
        }
    }
    // The last run's stands there until the next one looks.
    assert_eq!(noted(&place, "nova"), [seconds(1), seconds(3)]);
    // One that moved long ago is looked for when it moves again.
    assert_eq!(noted(&place, "cinder"), [seconds(0)]);
    let run = of_run(&place, hour(4).end);
    run.advance(PROJECT, &key("cinder"), hour(1)).unwrap();
    run.advance(PROJECT, &key("cinder"), hour(2)).unwrap();
    assert_eq!(noted(&place, "cinder"), [seconds(1), seconds(2)]);

    let forgotten = Spool::look(place.dir.path(), Disk::default());
    Cursors::forget(&forgotten, PROJECT).unwrap();
    assert_eq!(noted(&place, "nova"), [seconds(1), seconds(3)]);
    // As long as the ledger keeps anything.
    let later = T + 401 * 86_400;
    let run = of_run(&place, later);
    run.advance(PROJECT, &key("nova"), window(0, later))
        .unwrap();
    assert_eq!(noted(&place, "nova"), [(0, later)]);
}

/// What a killed run sealed is of no run that writes a line.
#[test]
fn a_window_that_was_caught_up_with_stands_with_the_cursors() {
    let place = extracted();
    for began in [T + 60, T + 120] {
        let run = of_run(&place, began);
        let sealed = window(began - 60, began - 30);
        assert!(caught_up(&run, "nova", sealed, 0));
        let rest = window(began - 30, began);
        run.advance(PROJECT, &key("nova"), rest).unwrap();
        in_the_ledger(&place, began);
    }
    let mut found = noted(&place, "nova");
    found.retain(|(start, _)| *start >= T);
    assert_eq!(found, [(T, T + 30), (T + 60, T + 90), (T + 90, T + 120)]);
}

/// Where nothing was extracted nothing counts twice: neither in what an operator skipped, nor in what
/// a lastrun of Python's says.
#[test]
fn what_was_skipped_was_not_reached() {
    let place = extracted();
    place.cursors().set(PROJECT, None, T + 7_200, true).unwrap();
    place.cursors().set(PROJECT, None, T - 60, true).unwrap();
    assert_eq!(reached(&place), [Some(T), Some(T)]);

    let place = Place::new();
    place.put(&format!("lastrun.{PROJECT}"), TEXT);
    let run = started(&place);
    run.advance(PROJECT, &key("nova"), window(T - 1, T + 60))
        .unwrap();
    place.cursors().set(PROJECT, None, T - 60, true).unwrap();
    assert_eq!(reached(&place), [Some(T + 60), None]);
}

/// Noted by whoever sets the cursor forward, and until it is extracted: behind the cursor too.
#[test]
fn what_was_skipped_is_noted_until_it_is_extracted() {
    let skipped = |place: &Place| {
        let spool = Spool::look(place.dir.path(), Disk::default());
        let all = Cursors::unlisted(&spool).unwrap();
        let skipped = all.into_iter().flat_map(|it| it.skipped);
        let of = skipped.filter(|(key, _)| key.extractor == "cinder");
        of.map(|(_, window)| (window.start, window.end))
            .collect::<Vec<_>>()
    };
    let place = extracted();
    let sealed = window(T + 10, T + 20);
    place.cursors().set(PROJECT, None, T + 30, true).unwrap();
    assert_eq!(skipped(&place), [(T, T + 30)]);
    // Nothing was skipped between where it stood and where it had been.
    place.cursors().set(PROJECT, None, T - 60, true).unwrap();
    place.cursors().set(PROJECT, None, T + 30, true).unwrap();
    assert_eq!(skipped(&place), [(T, T + 30)]);
    let run = started(&place);
    let behind = run.advance(PROJECT, &key("cinder"), sealed).unwrap();
    assert_eq!(behind, Advance::Unmoved(Unmoved::Behind { cursor: T + 30 }));
    assert_eq!(skipped(&place), [(T, T + 10), (T + 20, T + 30)]);
    assert!(noted(&place, "cinder").contains(&(T + 10, T + 20)));
    run.advance(PROJECT, &key("cinder"), window(T + 30, T + 40))
        .unwrap();
    assert_eq!(skipped(&place), [(T, T + 10), (T + 20, T + 30)]);
    // Sealed, by a run that was killed: it is to be noted, and is no news then.
    let key = key("cinder");
    let catch_up = |window| started(&place).catch_up(PROJECT, &key, window, 0).unwrap();
    assert_eq!(catch_up(sealed), CaughtUp::Nothing);
    let other = window(T + 20, T + 30);
    assert_eq!(catch_up(other), CaughtUp::Stays);
    started(&place)
        .note(PROJECT, &[(key.clone(), other)])
        .unwrap();
    assert_eq!(catch_up(other), CaughtUp::Nothing);
    assert_eq!(skipped(&place), [(T, T + 10)]);
    // Of a project without cursors nobody knows what was extracted before, unless he says so.
    for said in [false, true] {
        let place = Place::new();
        let unknown = place.cursors().0.configured(both().to_vec());
        unknown.set(PROJECT, None, T, said).unwrap();
        let all = [(0, T)];
        assert_eq!(skipped(&place), all[..usize::from(said)]);
    }
}

/// A first window says where the beginning was.
#[test]
fn before_a_first_window_nothing_was_extracted() {
    let place = Place::new();
    let run = started(&place);
    run.advance(PROJECT, &key("nova"), window(60, T)).unwrap();
    run.advance(PROJECT, &key("cinder"), window(0, T)).unwrap();
    let spool = Spool::look(place.dir.path(), Disk::default());
    let all = Cursors::unlisted(&spool).unwrap();
    assert_eq!(all[0].skipped, [(key("nova"), window(0, 60))]);
    // What was taken away was extracted once.
    let place = extracted();
    fs::remove_file(place.dir.path().join(format!("lastrun.{PROJECT}"))).unwrap();
    started(&place)
        .advance(PROJECT, &key("nova"), window(60, T + 60))
        .unwrap();
    let spool = Spool::look(place.dir.path(), Disk::default());
    assert_eq!(Cursors::unlisted(&spool).unwrap()[0].skipped, []);
}

/// Names come from a file that somebody may have written.
#[test]
fn nothing_but_a_lastrun_of_the_spool_is_removed() {
    let place = Place::new();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::create_dir(place.dir.path().join("lastrun.d")).unwrap();
    for name in ["lastrun", "notes", "lastrun.else"] {
        place.put(name, TEXT);
    }
    fs::write(&victim, "").unwrap();
    let names = [
        "notes".to_owned(),
        "lastrun".to_owned(),
        "lastrun.d/../notes".to_owned(),
        victim.display().to_string(),
        "lastrun.else".to_owned(),
    ];
    let lastrun = names.map(|name| format!("{name:?}: {TEXT:?}")).join(", ");
    let file = format!(
        r#"{{"format": 1, "project": "{PROJECT}", "cursors": [], "lastrun": {{{lastrun}}}}}"#
    );
    fs::create_dir(place.dir.path().join("caso-cursors")).unwrap();
    place.put(&format!("caso-cursors/{PROJECT}.json"), &file);
    let spool = Spool::look(place.dir.path(), Disk::default());
    Cursors::forget(&spool, PROJECT).unwrap();
    let there = |name: &str| place.dir.path().join(name).exists();
    assert!(victim.exists() && there("notes") && there("lastrun"));
    assert!(!there("lastrun.else"));
}

/// The log says what an edit comes to: forward it skips what nobody may have extracted.
#[test]
fn an_edit_is_reported_with_both_dates() {
    let lastrun = format!("lastrun.{PROJECT}");
    let name = |place: &Place| place.dir.path().join(&lastrun).display().to_string();
    let of = |place: &Place| said(|| drop(started(place)));

    let place = extracted();
    place.put(&lastrun, "2026-12-01 00:00:00+00:00");
    let skipped = format!(
        "WARN project `{PROJECT}`: `{}` was written by somebody else: extracting from 2026-11-30 \
         23:59:59+00:00, where cASO had come to {TEXT}. What lies between is not extracted: \
         whoever wrote it has to have done so (Python cASO does); if not, write {TEXT} there before the next run, or \
         have it sent later (caso republish --month 2026-11 --project {PROJECT} --storage-anyway, where Python has sent nothing of that month)",
        name(&place)
    );
    assert_eq!(of(&place), [skipped]);
    for (edit, to) in [
        ("2026-11-01", "2026-10-31 23:59:59+00:00"),
        // A second is taken off: where cASO was, nothing is skipped.
        ("2026-11-21T16:57:54", TEXT),
    ] {
        place.put(&lastrun, edit);
        let again = format!(
            "INFO project `{PROJECT}`: `{}` was set back from {TEXT} to {to}: extracting from \
             there again",
            name(&place)
        );
        assert_eq!(of(&place), [again]);
    }
    // As we left it, and as Python left it before us.
    place.put(&lastrun, TEXT);
    assert_eq!(of(&place), [""; 0]);
    let place = Place::new();
    place.put(&lastrun, TEXT);
    assert_eq!(of(&place), [""; 0]);
}

/// A site that went back to Python for a while has as many as it has projects.
#[test]
fn edits_of_many_projects_are_one_text_and_one_list() {
    let place = Place::new();
    let names: Vec<String> = (10..34).map(|number| format!("p{number}")).collect();
    let run = place.cursors();
    for name in &names {
        run.starts(name, None, &both()).unwrap();
        for key in both() {
            run.advance(name, &key, window(0, T)).unwrap();
        }
    }
    assert!(run.settle().is_empty());
    let read = |names: &[String]| {
        said(|| {
            let run = place.cursors();
            for name in names {
                run.starts(name, None, &both()).unwrap();
            }
            run.say_edits();
            run.say_edits();
        })
    };
    for name in &names[..2] {
        place.put(&format!("lastrun.{name}"), "2026-12-01 00:00:00+00:00");
    }
    let lines = read(&names);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("WARN project `p10`"), "{lines:?}");
    let second = format!(
        "WARN the same of 1 more project: `p11` (from 2026-11-30 23:59:59+00:00, where cASO had come to {TEXT})"
    );
    assert_eq!(lines[1], second);
    for name in &names {
        place.put(&format!("lastrun.{name}"), "2026-11-01");
    }
    let lines = read(&names);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].starts_with("INFO the same of 23 more projects: `p11` (")
            && lines[1].ends_with("), and 3 more"),
        "{lines:?}"
    );
    // Cut off by a crash: what was written is known. An hour that somebody wrote with an editor is his.
    place.put("lastrun.p20", "2026-11");
    place.put("lastrun.p21", "2026-11-21");
    place.put("lastrun.p22", "2026-11-21\n");
    let lines = read(&names[10..13]);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].contains("`2026-11`, which is a part of a date"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("INFO project `p22`"), "{lines:?}");
    assert!(
        lines[2].starts_with("WARN the same of 1 more project: `p21` (`2026-11-21`; from "),
        "{lines:?}"
    );
    for name in &names[..3] {
        fs::remove_file(place.dir.path().join(format!("lastrun.{name}"))).unwrap();
    }
    let lines = read(&names[..3]);
    assert!(lines[0].ends_with("was removed, so its cursors start anew"));
    assert_eq!(lines[1], "WARN the same of 2 more projects: `p11`, `p12`");
}

/// It reads them before what is sealed is delivered, and when it extracts.
#[test]
fn what_a_run_reads_twice_it_says_once() {
    let lastrun = format!("lastrun.{PROJECT}");
    let read = |place: &Place, edits: Edits| {
        let edits = Arc::new(edits);
        said(|| {
            for _ in 0..2 {
                let run = place.cursors().0.telling(edits.clone());
                run.starts(PROJECT, None, &both()).unwrap();
                run.say_edits();
            }
        })
    };
    let place = extracted();
    place.put(&lastrun, "2026-12-01 00:00:00+00:00");
    assert_eq!(read(&place, Edits::of_run(T + 30 * 86_400)).len(), 1);
    // Nothing is extracted from a moment in the future, and the run says so; where it was is known.
    assert_eq!(read(&place, Edits::of_run(T + 60)), [""; 0]);
    let starts = place.cursors().starts(PROJECT, None, &both()).unwrap();
    assert!(starts.iter().all(|start| start.reached == Some(T)));
    fs::remove_file(place.dir.path().join(&lastrun)).unwrap();
    assert_eq!(read(&place, Edits::of_run(T + 60)).len(), 1);
}

/// Between the two it is a step back for the one that had come farthest; forward, a step from the one that had come
/// the least far. One that extracted nothing had come nowhere.
#[test]
fn an_edit_is_compared_with_what_was_extracted() {
    let place = Place::new();
    let run = started(&place);
    run.starts(PROJECT, None, &[key("neutron")]).unwrap();
    run.advance(PROJECT, &key("nova"), window(0, T)).unwrap();
    let cinder = window(0, T - 60);
    run.advance(PROJECT, &key("cinder"), cinder).unwrap();
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 16:57:00");
    let lines = said(|| drop(started(&place)));
    assert_eq!(lines.len(), 1);
    let from = "was set back from 2026-11-21 16:57:53+00:00 to 2026-11-21 16:56:59+00:00";
    assert!(
        lines[0].starts_with("INFO") && lines[0].contains(from),
        "{lines:?}"
    );
    place.put(&format!("lastrun.{PROJECT}"), "2026-11-21 17:57:00");
    let lines = said(|| drop(started(&place)));
    let from = "where cASO had come to 2026-11-21 16:56:53+00:00.";
    assert!(
        lines[0].starts_with("WARN") && lines[0].contains(from),
        "{lines:?}"
    );
}

/// Whoever set it forward may have extracted what lies between, or known who did: what is set back into that is
/// not new.
#[test]
fn up_to_where_a_cursor_was_set_somebody_may_have_extracted() {
    let later = T + 7 * 3_600;
    for removed in [false, true] {
        let place = extracted();
        let cursors = place.cursors();
        cursors.set(PROJECT, None, later, false).unwrap();
        let path = place.dir.path().join(format!("lastrun.{PROJECT}"));
        match removed {
            true => fs::remove_file(path).unwrap(),
            false => fs::write(path, format_lastrun(T + 3_600).unwrap()).unwrap(),
        }
        let starts = place.cursors().starts(PROJECT, None, &both()).unwrap();
        let reached: Vec<_> = starts.iter().map(|start| start.reached).collect();
        assert_eq!(reached, [Some(later); 2], "{removed}");
        assert!(starts.iter().all(|start| start.at < Some(later)));
    }
}

/// Its cursor file is lost, and what is written with the first cursor that moves is of all extractors.
#[test]
fn one_that_others_left_behind_is_written_down_where_it_was() {
    let place = extracted();
    place.lose_cursor_file();
    let run = started(&place);
    run.goes_on_from(PROJECT, &key("cinder"), T - 3_600)
        .unwrap();
    assert!(caught_up(&run, "nova", window(T, T + 3_600), 0));
    drop(run);
    assert_eq!(place.starts(), [Some(T + 3_600), Some(T - 3_600)]);
    // One that has been extracted since stays where it is.
    let run = started(&place);
    run.goes_on_from(PROJECT, &key("nova"), T).unwrap();
    assert_eq!(place.starts()[0], Some(T + 3_600));
}

/// The project's own file said so, and is lost.
#[test]
fn a_lost_cursor_file_does_not_take_the_former_name_of_a_cloud_along() {
    let place = extracted();
    let spool = Spool::look(place.dir.path(), Disk::default());
    let (was, now) = (key("nova").place(), crate::Place::from("new"));
    assert_eq!(Cursors::rename(&spool, &was, &now).unwrap(), (1, 0));
    place.lose_cursor_file();
    assert_eq!(Cursors::renamed(&spool).of(PROJECT), [(now.clone(), was)]);
    // What was sealed by the former name is known to be of the present one.
    let run = place.cursors();
    let here = CursorKey {
        cloud: now.cloud,
        ..key("nova")
    };
    run.starts(PROJECT, None, std::slice::from_ref(&here))
        .unwrap();
    assert!(caught_up(&run, "nova", window(T, T + 60), 0));
    let starts = run.starts(PROJECT, None, &[here]).unwrap();
    assert_eq!(starts[0].at, Some(T + 60));
}
