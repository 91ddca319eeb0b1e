use uuid::Uuid;

use super::*;

const V: Uuid = Uuid::from_u128(7);

fn w(start: i64, end: i64) -> Window {
    Window { start, end }
}

fn shown(updated: i64) -> Shown {
    Shown {
        id: V,
        created: Some(0),
        updated: Some(updated),
    }
}

/// A window of `project`, whose list has these.
fn run(
    known: &Arc<Known>,
    project: &str,
    own: Option<&Volumes>,
    window: Window,
    list: &[Shown],
) -> (Vec<Option<i64>>, Option<Volumes>) {
    let mut holding = Holding::new(project, window, own.cloned(), known, false);
    let from = list.iter().map(|it| holding.from(*it)).collect();
    (from, holding.finish())
}

fn having(ids: &[Uuid]) -> Volumes {
    Volumes {
        held: ids.iter().copied().collect(),
        ..Volumes::default()
    }
}

fn gone(until: i64) -> Volumes {
    Volumes {
        gone: [(V, until)].into(),
        ..Volumes::default()
    }
}

/// `a` had it up to `reached`, and this run reads it or not.
fn known(of_a: &Volumes, reached: Option<i64>, is_read: bool) -> Arc<Known> {
    let mut known = Known::default();
    known.add("a", is_read, reached, of_a);
    known.ready().into()
}

#[test]
fn a_volume_that_comes_is_accounted_from_where_the_other_project_ended() {
    let none = Volumes::default();
    for of_a in [having(&[V]), gone(30)] {
        let known = known(&of_a, Some(30), true);
        for (window, from) in [
            (w(30, 40), Some(30)),
            // The other project is behind, and then this one.
            (w(35, 40), Some(30)),
            (w(10, 40), Some(30)),
            (w(10, 30), None),
        ] {
            let (found, next) = run(&known, "b", Some(&none), window, &[shown(5)]);
            assert_eq!(found, [from], "{window:?}");
            assert!(next.unwrap().held.contains(&V));
        }
        // Of a project of which nothing is known nothing is made up for.
        assert_eq!(run(&known, "b", None, w(35, 40), &[shown(5)]).0, [Some(35)]);
        assert_eq!(run(&known, "b", None, w(0, 40), &[shown(5)]).0, [Some(30)]);
    }
}

/// A row that could not be read in one run costs that run's window, and nothing of the next.
#[test]
fn one_that_was_not_readable_for_a_while_goes_on_with_the_window() {
    let nobody = Arc::default();
    for (own, kept) in [(having(&[V]), true), (Volumes::default(), false)] {
        let mut holding = Holding::new("b", w(20, 30), Some(own.clone()), &nobody, false);
        holding.unreadable(V);
        let next = holding.finish().unwrap_or(own);
        assert_eq!(next.held.contains(&V), kept);
        let (from, _) = run(&nobody, "b", Some(&next), w(30, 40), &[shown(35)]);
        assert_eq!(from, [Some(if kept { 30 } else { 35 })]);
    }
}

#[test]
fn what_nobody_had_is_accounted_from_its_last_change_and_what_nobody_reads_too() {
    let none = Volumes::default();
    let nobody = Arc::default();
    let from =
        |known: &Arc<Known>, updated| run(known, "b", Some(&none), w(30, 40), &[shown(updated)]).0;
    assert_eq!(from(&nobody, 33), [Some(33)]);
    assert_eq!(from(&nobody, 20), [Some(30)]);
    let unread = known(&having(&[V]), Some(10), false);
    assert_eq!(from(&unread, 33), [Some(33)]);
    let unread = known(&having(&[V]), Some(35), false);
    assert_eq!(from(&unread, 33), [Some(35)]);
    let new = Shown {
        created: Some(32),
        ..shown(39)
    };
    let found = run(&nobody, "b", Some(&none), w(30, 40), &[new]);
    assert_eq!(found, (vec![Some(30)], Some(having(&[V]))));
}

/// The list of `a` had it, and then that of `b`, in one run.
#[test]
fn a_volume_that_comes_while_lists_are_read_is_the_next_windows() {
    let none = Volumes::default();
    let of_a = having(&[V]);
    let first = known(&of_a, Some(30), true);
    assert_eq!(
        run(&first, "a", Some(&of_a), w(30, 40), &[shown(5)]).0,
        [Some(30)]
    );
    let (from, next) = run(&first, "b", Some(&none), w(30, 40), &[shown(41)]);
    assert_eq!((from, next), (vec![None], None));
    let second = known(&of_a, Some(40), true);
    let (from, _) = run(&second, "b", Some(&none), w(40, 50), &[shown(41)]);
    assert_eq!(from, [Some(40)]);
    // Or that of `a` had it no more.
    let (_, of_a) = run(&first, "a", Some(&of_a), w(30, 40), &[]);
    assert_eq!(of_a, Some(gone(30)));
    let second = known(&of_a.unwrap(), Some(40), true);
    let (from, _) = run(&second, "b", Some(&none), w(40, 50), &[shown(41)]);
    assert_eq!(from, [Some(30)]);
}

#[test]
fn a_new_volume_that_is_in_two_lists_of_a_run_is_the_first_ones() {
    let none = Volumes::default();
    let known = Arc::default();
    let new = Shown {
        created: Some(32),
        ..shown(41)
    };
    assert_eq!(
        run(&known, "a", Some(&none), w(30, 40), &[new]).0,
        [Some(30)]
    );
    assert_eq!(run(&known, "b", Some(&none), w(30, 40), &[new]).0, [None]);
    // Read again, as where a clock is behind.
    assert_eq!(
        run(&known, "a", Some(&none), w(30, 38), &[new]).0,
        [Some(30)]
    );
}

#[test]
fn a_volume_that_went_and_came_back_is_accounted_once() {
    let of_b = gone(50);
    let mut known = Known::default();
    known.add("b", true, Some(60), &of_b);
    let known = known.ready().into();
    // `a` had noticed that it was away, or had been behind all the time.
    for of_a in [gone(30), having(&[V])] {
        let (from, next) = run(&known, "a", Some(&of_a), w(30, 70), &[shown(55)]);
        assert_eq!(from, [Some(50)]);
        assert!(next.unwrap().gone.is_empty());
    }
    // It was with somebody of whom nothing is known.
    let (from, _) = run(
        &Arc::default(),
        "a",
        Some(&gone(30)),
        w(60, 70),
        &[shown(65)],
    );
    assert_eq!(from, [Some(65)]);
}

/// Republished, or after a kill: with the bounds of the first time.
#[test]
fn what_is_extracted_again_has_the_bounds_of_the_first_time() {
    let known = known(&gone(30), Some(30), true);
    let none = Volumes::default();
    let (_, next) = run(&known, "b", Some(&none), w(35, 40), &[shown(5)]);
    let of_b = next.unwrap();
    let again = |window| {
        let mut holding = Holding::new("b", window, Some(of_b.clone()), &known, true);
        let from = holding.from(shown(5));
        assert_eq!(holding.finish(), None, "nothing is new");
        from
    };
    assert_eq!(again(w(20, 35)), None);
    assert_eq!(again(w(35, 40)), Some(30));
    assert_eq!(again(w(40, 50)), Some(40));
    // Its window was not sealed, and is read again.
    let (from, next) = run(&known, "b", Some(&of_b), w(35, 45), &[shown(5)]);
    assert_eq!((from, next), (vec![Some(30)], None));
    // And it goes on, with nothing to write.
    let (from, next) = run(&known, "b", Some(&of_b), w(45, 50), &[shown(5)]);
    assert_eq!((from, next), (vec![Some(45)], None));
    // It came exactly with a window.
    let (_, next) = run(&known, "b", Some(&none), w(30, 40), &[shown(5)]);
    let mut holding = Holding::new("b", w(20, 30), next, &known, true);
    assert_eq!(holding.from(shown(5)), None);
    // A volume that came since is in no window of the past.
    let mut holding = Holding::new("b", w(20, 30), Some(none), &known, true);
    assert_eq!(holding.from(shown(5)), None);
}

#[test]
fn what_is_gone_is_forgotten_after_a_while_and_of_many_the_last_stay() {
    let own = gone(0);
    let nobody = Arc::default();
    assert_eq!(run(&nobody, "a", Some(&own), w(5, 10), &[]).1, None);
    let (_, next) = run(&nobody, "a", Some(&own), w(5, KEPT + 1), &[]);
    assert_eq!(next, Some(Volumes::default()));
    let many: Vec<Uuid> = (0..3_000).map(Uuid::from_u128).collect();
    let mut own = having(many.get(..2_000).unwrap_or_default());
    own.gone = many.iter().skip(2_000).map(|id| (*id, 1)).collect();
    let (_, next) = run(&nobody, "a", Some(&own), w(5, 10), &[]);
    let next = next.unwrap();
    assert_eq!(next.gone.len(), 2_000);
    assert!(next.gone.values().all(|until| *until == 5));
}

#[test]
fn it_is_read_as_it_was_written_and_a_changed_byte_is_seen() {
    let mut volumes = gone(30);
    volumes.held.insert(Uuid::from_u128(1));
    let came = Came { from: 3, window: 4 };
    volumes.came.insert(Uuid::from_u128(1), came);
    let bytes = volumes.write("p").unwrap();
    assert_eq!(Volumes::read(&bytes).unwrap(), ("p".to_owned(), volumes));
    let text = String::from_utf8(bytes).unwrap();
    let changed = text.replace(":30", ":31");
    let damaged = Volumes::read(changed.as_bytes());
    assert!(
        matches!(damaged, Err(VolumesError::Damaged(_))),
        "{damaged:?}"
    );
    let newer = Volumes::read(text.replace("\"format\":1", "\"format\":2").as_bytes());
    assert!(matches!(newer, Err(VolumesError::Newer { format: 2 })));
    assert!(Volumes::read(b"").is_err());
}
