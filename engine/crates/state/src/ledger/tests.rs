use super::*;
use crate::cursors::{CursorKey, Cursors};
use crate::histories::Place;
use caso_disk::Disk;
use caso_disk::faults::{At, End, folder};
use caso_model::Window;

const DAY: i64 = 86_400;
const T: i64 = 1_795_280_273;

fn cinder() -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "cinder".into(),
    }
}

fn run(began: i64) -> RunLine {
    RunLine {
        format: FORMAT,
        version: "6.0.0".into(),
        began,
        took_ms: 1_234,
        exit: 3,
        process: 17,
        extracted: true,
        replay: false,
        listed: vec!["default".to_owned()],
        requests: 5,
        names: [("p".to_owned(), "project".to_owned())].into(),
        windows: vec![WindowLine {
            cloud: "default".into(),
            region: None,
            extractor: "cinder".into(),
            window: Window {
                start: began - 3_600,
                end: began,
            },
            records: [("p".to_owned(), 2)].into(),
            lost: BTreeMap::new(),
            types: [("storage".to_owned(), 2)].into(),
            used_from: Some(began - 3_600),
            used: [(
                "p".to_owned(),
                vec![UseRow {
                    day: began / DAY,
                    vo: "vo".into(),
                    gib_seconds: Some(7_200.5),
                    ..UseRow::default()
                }],
            )]
            .into(),
        }],
        failures: Vec::new(),
        messengers: Vec::new(),
        problems: Vec::new(),
    }
}

/// With what was used.
fn whole(spool: &Spool, since: i64) -> Vec<RunLine> {
    let mut runs = Vec::new();
    each(spool, since, &mut |run| runs.push(run)).unwrap();
    runs
}

/// A line of a site of thousands of projects is longer than what is looked at first.
#[test]
fn how_far_each_came_is_in_the_last_lines() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
    let key = cinder();
    let of = |project: &str, now: i64| {
        let mut came = Came::new(&spool, now);
        came.of(&key, project, 1_793_000_000).unwrap()
    };
    assert_eq!(of("p", 9), None);
    let at = 1_794_000_000;
    append(&spool, &run(at)).unwrap();
    append(&spool, &run(at + 3_600)).unwrap();
    assert_eq!(of("p", at + 3_600), Some(at + 3_600));
    assert_eq!(of("p", at + 3_599), Some(at), "not what ends in the future");
    let mut large = run(at + 7_200);
    let projects = (0..60_000).map(|n| (format!("project-of-a-long-name-{n}"), n));
    large.windows[0].records = projects.collect();
    append(&spool, &large).unwrap();
    assert_eq!(
        of("project-of-a-long-name-59999", i64::MAX),
        Some(at + 7_200)
    );
    // The next month's file is short, and looked behind.
    append(&spool, &run(at + 40 * 86_400)).unwrap();
    assert_eq!(of("p", i64::MAX), Some(at + 40 * 86_400));
}

/// As far back as its cursor stands, and no farther: before that nobody extracted it past it.
#[test]
fn how_far_one_came_that_no_run_had_for_long_is_looked_for_behind_its_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
    let key = cinder();
    let at = 1_794_000_000;
    append(&spool, &run(at)).unwrap();
    let mut without = run(at + 3_600);
    let others = (0..60_000).map(|n| (format!("project-of-a-long-name-{n}"), n));
    without.windows[0].records = others.collect();
    append(&spool, &without).unwrap();
    let mut of_another = run(at + 7_200);
    of_another.windows[0].records = [("q".to_owned(), 1)].into();
    append(&spool, &of_another).unwrap();

    let mut came = Came::new(&spool, i64::MAX);
    assert_eq!(came.of(&key, "q", at).unwrap(), Some(at + 7_200));
    assert_eq!(came.of(&key, "p", at + 7_201).unwrap(), None);
    assert_eq!(came.read, came::FIRST, "no run began since");
    assert_eq!(came.of(&key, "p", at - 1).unwrap(), Some(at));
    assert_eq!(came.of(&key, "nobody", 0).unwrap(), None);
    assert!(came.whole);
}

/// The ledger has the name that its cloud had then.
#[test]
fn how_far_each_came_goes_with_a_place_that_gets_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
    let place = |cloud: &str| Place {
        cloud: cloud.into(),
        region: None,
    };
    let of = |cloud: &str| {
        let mut came = Came::new(&spool, i64::MAX);
        let key = place(cloud).key("cinder");
        came.of(&key, "p", 1_793_000_000).unwrap()
    };
    let at = 1_794_000_000;
    append(&spool, &run(at)).unwrap();
    assert_eq!((of("default"), of("prod")), (Some(at), None));
    Cursors::rename(&spool, &place("default"), &place("prod")).unwrap();
    assert_eq!(of("prod"), Some(at));
}

#[test]
fn use_is_read_only_where_it_is_wanted() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    append(&spool, &run(T)).unwrap();
    let windows = &read(&spool, 0).unwrap()[0].windows;
    assert!(windows[0].used.is_empty() && windows[0].used_from.is_none());
    assert_eq!(whole(&spool, 0), [run(T)]);
}

#[test]
fn runs_come_back_in_their_order_and_old_months_go() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    assert_eq!(read(&spool, 0).unwrap(), []);
    for began in [T - 500 * DAY, T - 390 * DAY, T - DAY, T] {
        append(&spool, &run(began)).unwrap();
    }
    let began: Vec<i64> = read(&spool, 0)
        .unwrap()
        .iter()
        .map(|run| run.began)
        .collect();
    assert_eq!(began, [T - 390 * DAY, T - DAY, T]);
    assert_eq!(whole(&spool, T), [run(T)]);
    let files = fs::read_dir(spool.ledger_folder()).unwrap().count();
    assert_eq!(files, 2);
}

/// With the first run of a month, and for 400 days at least.
#[test]
fn a_month_is_kept_until_all_of_it_is_too_old() {
    assert_eq!(KEPT, 34_560_000);
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    let month = 30 * DAY;
    for began in [T - KEPT - month, T - KEPT] {
        append(&spool, &run(began)).unwrap();
    }
    assert_eq!(whole(&spool, 0).len(), 2);
    // By a clock that nobody has compared with another nothing is old.
    let refused = RunLine {
        windows: Vec::new(),
        ..run(T + 2 * KEPT)
    };
    append(&spool, &refused).unwrap();
    assert_eq!(whole(&spool, 0).len(), 3);
    append(&spool, &run(T)).unwrap();
    assert_eq!(whole(&spool, 0), [run(T - KEPT), run(T), refused]);
}

/// A clock that was ahead is put right, and the run after that is the last one.
#[test]
fn the_last_run_is_the_one_that_was_added_last() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), caso_disk::Disk::default()).unwrap();
    append(&spool, &run(T + 1_800)).unwrap();
    append(&spool, &run(T)).unwrap();
    let began: Vec<i64> = read(&spool, 0).unwrap().iter().map(|it| it.began).collect();
    assert_eq!(began, [T + 1_800, T]);
}

/// Damage is passed over; a ledger that cannot be had is not taken for an empty one.
#[test]
fn a_ledger_that_cannot_be_read_is_an_error() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    fs::write(spool.ledger_folder(), "").unwrap();
    let failed = read(&spool, 0).unwrap_err();
    assert_eq!(failed.kind(), io::ErrorKind::NotADirectory);
    assert!(failed.to_string().contains("caso-runs`"), "{failed}");
}

/// Of the runs in them nothing is known. A line that a kill cut short is none, and a later version's neither.
#[test]
fn lines_that_say_nothing_are_counted() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    append(&spool, &run(T)).unwrap();
    let path = spool.ledger_folder().join(format!("{}.jsonl", month(T)));
    let line = fs::read_to_string(&path).unwrap();
    let unreadable = |text: String| {
        fs::write(&path, text).unwrap();
        let (runs, unreadable) = read_with_damage(&spool, 0).unwrap();
        assert_eq!(runs, read(&spool, 0).unwrap());
        let lines: u64 = unreadable.iter().map(|it| it.lines).sum();
        assert!(unreadable.iter().all(|it| it.path == path));
        (runs.len(), lines)
    };
    let half = &line[..line.len() / 2];
    assert_eq!(unreadable(line.repeat(2)), (2, 0));
    assert_eq!(unreadable(format!("{line}{half}")), (1, 0));
    assert_eq!(unreadable(format!("{half}\n\0\0\n{line}")), (1, 2));
    assert_eq!(unreadable(format!("{line}{{\"format\": 99}}\n")), (1, 0));
}

#[test]
fn what_is_no_month_of_the_ledger_is_left_alone() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    append(&spool, &run(T)).unwrap();
    let month = spool.ledger_folder().join("2026-11.jsonl");
    let other = spool.ledger_folder().join("2020-01.txt");
    fs::copy(&month, &other).unwrap();
    append(&spool, &run(T + 31 * DAY)).unwrap();
    assert!(other.exists());
    assert_eq!(whole(&spool, 0).len(), 2);
}

/// As 6.0.0 of before wrote it: what it did not count is not there, and not nothing.
#[test]
fn a_line_from_before_use_was_counted_is_read_without_it() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    append(&spool, &run(T)).unwrap();
    let line = r#"{"format":1,"version":"6.0.0","began":1795280274,"took_ms":1,"exit":0,"process":1,"extracted":true,"requests":5,"windows":[{"cloud":"default","extractor":"nova","window":{"start":1,"end":2},"records":{"p":3}}]}"#;
    fs::write(spool.ledger_folder().join("2026-11.jsonl"), line).unwrap();
    let runs = whole(&spool, 0);
    let window = &runs[0].windows[0];
    assert_eq!(window.records["p"], 3);
    assert_eq!((window.used_from, window.used.len()), (None, 0));
}

#[test]
fn what_cannot_be_read_is_passed_over() {
    let dir = folder().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    append(&spool, &run(T)).unwrap();
    let path = spool.ledger_folder().join("2026-11.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    let newer = RunLine {
        format: FORMAT + 1,
        ..run(T)
    };
    text.push_str(&serde_json::to_string(&newer).unwrap());
    text.push('\n');
    text.push_str("{\"format\":9,\"all\":\"different\"}\n\0\0\n{\"torn");
    fs::write(&path, text).unwrap();
    append(&spool, &run(T + 1)).unwrap();
    assert_eq!(whole(&spool, 0), [run(T), run(T + 1)]);
}

/// A line is there whole, or not at all, and those before it stay.
#[test]
fn killed_at_any_step_it_keeps_what_it_had() {
    let counted = At::never();
    let dir = folder().unwrap();
    append(&Spool::look(dir.path(), counted.disk()), &run(T)).unwrap();
    for end in [End::Kill, End::Torn, End::Full] {
        for at in 0..counted.seen() {
            let dir = folder().unwrap();
            let good = Spool::look(dir.path(), Disk::default());
            append(&good, &run(T)).unwrap();
            let ended = Spool::look(dir.path(), At::new(end, at).disk());
            let _ = append(&ended, &run(T + 1));
            append(&good, &run(T + 2)).unwrap();
            let left = whole(&good, 0);
            assert!(
                left.contains(&run(T)) && left.contains(&run(T + 2)),
                "{left:?}"
            );
        }
    }
}
