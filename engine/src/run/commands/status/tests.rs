//! The four forms, of one set of facts.

use std::path::PathBuf;

use super::facts::{DamagedFile, Outgoing, left_out};
use super::*;
use caso_journal::{Damaged, Held};
use caso_model::Window;
use caso_state::CursorKey;
use caso_state::backlog::{Extent, Lost as LostWindow};
use caso_state::ledger::{FailureLine, MessengerLine, ProblemLine, RunLine, WindowLine};

const NOW: i64 = 1_795_280_273;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn cursor(project: &str, lag: i64) -> Cursor {
    Cursor {
        cloud: "default".into(),
        region: None,
        project: project.into(),
        name: Some(format!("name-of-{project}")),
        extractor: "nova".into(),
        at: Some(NOW - lag),
        reached: None,
        ahead: false,
        lag: Some(lag),
        lacking: false,
        switched_off: false,
        failed_runs: 0,
        failing_since: None,
        reason: None,
        in_last_run: true,
        not_asked: None,
        way_back: None,
    }
}

fn well() -> Status {
    Status {
        format: 1,
        now: NOW,
        spool: "/spool".into(),
        spool_missing: false,
        bytes_free: 5 << 20,
        last_run: Some(RunLine {
            format: 1,
            version: "6.0.0".into(),
            began: NOW - 600,
            took_ms: 1_500,
            exit: 0,
            process: 17,
            extracted: true,
            replay: false,
            listed: Vec::new(),
            requests: 12,
            names: std::collections::BTreeMap::new(),
            windows: Vec::new(),
            failures: Vec::new(),
            problems: Vec::new(),
            messengers: vec![MessengerLine {
                name: "ssm".into(),
                delivered: 5,
                quarantined: 0,
                waiting: 0,
                missing: 0,
                stopped: None,
                queues: vec![PathBuf::from("/out")],
            }],
        }),
        last_whole: Some(NOW - 600),
        first_run: Some(NOW - 600),
        cursors: vec![cursor("a", 600), cursor("b", 600)],
        queues: vec![Queue {
            messenger: "ssm".into(),
            configured: true,
            waiting: 0,
            bytes: 0,
            oldest: None,
            window: None,
            attempts: 0,
            quarantined: 0,
            stopped: None,
        }],
        outgoing: vec![Outgoing {
            messenger: "ssm".into(),
            folder: "/out".into(),
            messages: 0,
            oldest: None,
        }],
        full: false,
        read_only: false,
        running: None,
        lock_problem: None,
        damaged: Vec::new(),
        damaged_cursors: Vec::new(),
        lost: Vec::new(),
        lost_windows: Vec::new(),
        left_out: Vec::new(),
        damaged_ledger: Vec::new(),
        unreadable: Vec::new(),
    }
}

fn ill() -> Status {
    let mut status = well();
    let run = status.last_run.as_mut().unwrap();
    run.exit = 3;
    run.failures.push(FailureLine {
        cloud: "default".into(),
        project: Some("b".into()),
        name: Some("name-of-b".into()),
        extractor: Some("nova".into()),
        reason: "Nova said no".into(),
    });
    status.last_whole = Some(NOW - 7 * DAY);
    status.cursors[1] = Cursor {
        failed_runs: 9,
        failing_since: Some(NOW - 7 * DAY),
        reason: Some("Nova said no".into()),
        ..cursor("b", 7 * DAY)
    };
    status.cursors.push(Cursor {
        in_last_run: false,
        way_back: Some("openstack project set --tag caso c".into()),
        name: None,
        ..cursor("c", 30 * HOUR)
    });
    status.queues[0].quarantined = 38;
    status.queues.push(Queue {
        messenger: "logstash".into(),
        configured: false,
        waiting: 570,
        bytes: 999,
        oldest: Some(NOW - 7 * DAY),
        window: None,
        attempts: 60,
        quarantined: 0,
        stopped: Some("connection refused".into()),
    });
    status.outgoing[0].messages = 57;
    status.outgoing[0].oldest = Some(NOW - 8 * DAY);
    status
}

#[test]
fn what_was_set_aside_is_named_and_what_to_do_with_it() {
    let mut status = well();
    let file = |held: Held| DamagedFile {
        file: "/spool/set-aside/a".into(),
        records: held.is_records(),
        found: Damaged {
            path: "/spool/set-aside/a".into(),
            held,
        },
    };
    status.damaged = vec![file(Held::Progress), file(Held::Records(None))];
    let lost = |start, end| LostWindow {
        at: status.now,
        process: 1,
        extent: Extent {
            key: CursorKey {
                cloud: "default".into(),
                region: None,
                extractor: "nova".into(),
            },
            project: "p".into(),
            window: Window { start, end },
        },
    };
    // In October, the first second of November left out.
    status.lost_windows = vec![lost(1_790_812_800, 1_793_491_200)];
    let text = text(&status);
    for line in [
        "damaged     1 damaged segment of the journal lies in `/spool/set-aside`: what messengers had not yet \
         received of it was not delivered; caso republish --month 2026-10 --yes && rm /spool/set-aside/a\n",
        "damaged     1 damaged file of the journal lies in `/spool/set-aside`: no record was lost with it; look at \
         the disk, then: rm /spool/set-aside/a\n",
        "look at     1 damaged segment set aside; 1 damaged file set aside\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(nagios(&status).text.starts_with("CASO WARNING"));
    assert_eq!(
        serde_json::to_value(&status).unwrap()["damaged"][1]["records"],
        true
    );
}

#[test]
fn for_a_person() {
    assert_eq!(
        text(&well()),
        "last run    2026-11-21T16:47:53Z (10 min ago), exit code 0, 1.5 s, process 17\n\
         last whole  2026-11-21T16:47:53Z (10 min ago)\n\
         projects    2 projects, 2 up to date\n\
         queues      ssm: nothing waits\n\
         spool       /spool, 5 MiB free\n\
         all well\n"
    );
    assert_eq!(
        text(&ill()),
        "last run    2026-11-21T16:47:53Z (10 min ago), exit code 3, 1.5 s, process 17\n\
         last whole  2026-11-14T16:57:53Z (7 days ago)\n\
         projects    3 projects, 1 up to date\n            \
         name-of-b nova: up to 2026-11-14T16:57:53Z, 7 days behind (failed in 9 runs): Nova said no\n            \
         c nova: up to 2026-11-20T10:57:53Z, 30 h behind: the last run did not find it: did it lose its tag, or \
         leave `projects`? Its usage since then is not accounted\n\
         hint        openstack project set --tag caso c, to account it; caso cursor forget c, to give it up\n\
         queues      ssm: nothing waits; 38 in quarantine: `caso queue show ssm --quarantine` says why, and how \
         to fix it\n            \
         logstash: 570 records, 999 bytes, wait, the oldest for 7 days; not in `messengers`: `caso queue drop \
         logstash` drops it; connection refused\n\
         outgoing    /out: 57 messages, the oldest for 8 days: does ssmsend run?\n\
         spool       /spool, 5 MiB free\n\
         look at     no whole run for 7 days; 1 project failing; 1 project no longer extracted; 2 projects behind; ssm 38 in quarantine; logstash 570 waiting; ssm \
         57 messages not taken\n"
    );
}

/// Nothing of it is cured by forgetting a project.
#[test]
fn a_cloud_that_is_away_is_no_projects_loss() {
    let mut status = well();
    let all = status.cursors.iter_mut();
    let other = Cursor {
        extractor: "cinder".into(),
        ..cursor("b", 0)
    };
    let mut cursors: Vec<Cursor> = all.map(|it| cursor(&it.project, 0)).collect();
    cursors.push(other);
    for it in &mut cursors {
        it.lag = Some(5 * HOUR);
        it.at = Some(NOW - 5 * HOUR);
        it.in_last_run = false;
        it.not_asked = Some("cloud `north` failed as a whole".into());
    }
    status.cursors = cursors;
    let shown = text(&status);
    assert!(
        shown.contains(
            "name-of-b nova, cinder: up to 2026-11-21T11:57:53Z, 5 h behind: not asked: cloud `north` failed as a whole\n"
        ),
        "{shown}"
    );
    assert!(
        !shown.contains("forget") && !shown.contains("tag"),
        "{shown}"
    );
    assert_eq!(
        status.attention(),
        ["2 projects not asked", "2 projects behind"]
    );
    // More than a few that are alike are one line.
    status.cursors = (0..5)
        .map(|n| Cursor {
            project: format!("p{n}"),
            name: None,
            ..status.cursors[0].clone()
        })
        .collect();
    let shown = text(&status);
    assert!(
        shown.contains("5 projects (`p0`, `p1`, `p2`, `p3`, `p4`) nova: up to "),
        "{shown}"
    );
}

/// As the run's own hint says to do where a service is gone for good.
#[test]
fn an_extractor_that_was_switched_off_is_no_failure() {
    let mut status = well();
    let of_cinder = |project: &str| Cursor {
        extractor: "cinder".into(),
        switched_off: true,
        not_asked: Some("`cinder` is not in `extractor`".into()),
        reason: Some("it is gone".into()),
        failed_runs: 1,
        failing_since: Some(NOW - 10 * DAY),
        in_last_run: false,
        ..cursor(project, 10 * DAY)
    };
    status.cursors.extend([of_cinder("a"), of_cinder("b")]);
    // It failed in the last run, before somebody took it out.
    status.last_run.as_mut().unwrap().failures = vec![FailureLine {
        cloud: "default".into(),
        project: Some("a".into()),
        name: None,
        extractor: Some("cinder".into()),
        reason: "it is gone".into(),
    }];
    assert_eq!(status.attention(), [""; 0]);
    let shown = text(&status);
    assert!(
        shown.contains(
            "projects    2 projects, 2 up to date\n\
             off         cinder: it is not in `extractor`; it extracted 2 projects, up to 2026-11-11T16:57:53Z, and \
             would go on from there\n"
        ) && shown.ends_with("all well\n"),
        "{shown}"
    );
    assert_eq!(shown.matches("cinder").count(), 1, "{shown}");
    assert_eq!(
        nagios(&status).text,
        "CASO OK - all well | lag=600s run_age=600s waiting=0 quarantined=0 outgoing_age=0s\n"
    );
    let page = prometheus(&status);
    assert!(!page.contains("extractor=\"cinder\""), "{page}");
    assert_eq!(page.matches("caso_cursor_timestamp_seconds{").count(), 2);
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["cursors"][3]["switched_off"], true);
}

/// A project that Keystone has disabled fails in each of its extractors alike.
#[test]
fn extractors_that_never_extracted_a_project_are_one_line() {
    let mut status = well();
    let failed = |extractor: &str, tries: &str| FailureLine {
        cloud: "default".into(),
        project: Some("c".into()),
        name: Some("name-of-c".into()),
        extractor: Some(extractor.into()),
        reason: format!("no token ({tries})"),
    };
    let run = status.last_run.as_mut().unwrap();
    run.failures = vec![
        failed("nova", "1 try in 0.1 s"),
        failed("cinder", "1 try in 0.2 s"),
    ];
    let shown = text(&status);
    assert!(
        shown.contains(
            "3 projects, 2 up to date\n            name-of-c nova, cinder: never extracted: no token (1 try in 0.1 s)\n"
        ),
        "{shown}"
    );
    assert_eq!(
        status.attention(),
        ["1 project never extracted and failing"]
    );
    // Of a project that others extracted, too.
    status.last_run.as_mut().unwrap().failures = vec![FailureLine {
        project: Some("a".into()),
        name: Some("name-of-a".into()),
        ..failed("cinder", "1 try in 0.1 s")
    }];
    let shown = text(&status);
    assert!(
        shown.contains("2 projects, 1 up to date\n            name-of-a cinder: never extracted: "),
        "{shown}"
    );
}

#[test]
fn a_spool_that_is_not_there_has_no_room() {
    let status = Status {
        spool_missing: true,
        ..well()
    };
    let shown = text(&status);
    assert!(
        shown.contains("spool       /spool is not there\n"),
        "{shown}"
    );
}

#[test]
fn reasons_that_differ_in_the_project_and_the_tries_alone_are_one_line() {
    let mut status = well();
    status.cursors = (0..4)
        .map(|n| Cursor {
            reason: Some(format!("no endpoint for project `p{n}` (1 try in 0.{n} s)")),
            ..cursor(&format!("p{n}"), HOUR)
        })
        .collect();
    // The run's line is of the order of the configuration, and its first another one.
    status.last_run.as_mut().unwrap().problems = vec![ProblemLine {
        text: "nova: 4 projects wait; of the first: no endpoint for project `p2` (1 try in 0.2 s)"
            .into(),
        hint: Some("set `interface`".into()),
    }];
    let shown = text(&status);
    assert!(
        shown.contains("(the first of them)\nhint        set `interface`\n"),
        "{shown}"
    );
    let line = "4 projects (`name-of-p0`, `name-of-p1`, `name-of-p2`, `name-of-p3`) nova: up to 2026-11-21T15:57:53Z, \
                60 min behind: no endpoint for project `p0` (1 try in 0.0 s) (the first of them)\n";
    assert!(shown.contains(line), "{shown}");
    assert_eq!(shown.matches("no endpoint").count(), 1, "{shown}");
}

/// What to do stands below what it is about.
#[test]
fn a_hint_of_the_run_stands_below_its_project_and_its_queue() {
    let mut status = ill();
    let run = status.last_run.as_mut().unwrap();
    let problem = |text: &str, hint: &str| ProblemLine {
        text: text.into(),
        hint: Some(hint.into()),
    };
    run.problems = vec![
        problem("project `b`: nova: Nova said no", "ask Nova"),
        problem("messenger `logstash`: connection refused", "flush it"),
        problem("the disk is slow", "buy another"),
    ];
    let shown = text(&status);
    for part in [
        "            the disk is slow\nhint        buy another\nprojects ",
        ": Nova said no\nhint        ask Nova\n",
        "; connection refused\nhint        flush it\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(shown.matches("hint ").count(), 4, "{shown}");
    // Of two projects of one reason each has its own.
    let status = Status {
        cursors: ["id-1", "id-2"]
            .map(|it| Cursor {
                reason: Some("no".into()),
                ..cursor(it, -HOUR)
            })
            .into(),
        last_run: Some(RunLine {
            problems: vec![
                problem("project `one` (id-1): nova: no", "set 1"),
                problem("project `two` (id-2): nova: no", "set 2"),
            ],
            ..well().last_run.unwrap()
        }),
        ..well()
    };
    let shown = text(&status);
    for part in [
        "60 min ahead of the clock: no\nhint        set 1\n",
        ": no\nhint        set 2\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

/// It is of the time of its recording, and cron has nothing to do with it.
#[test]
fn a_replay_is_said_to_be_one() {
    let mut status = well();
    status.cursors = Vec::new();
    status.last_whole = None;
    let run = status.last_run.as_mut().unwrap();
    (run.replay, run.began) = (true, NOW - 40 * DAY);
    assert_eq!(status.attention(), [""; 0]);
    let shown = text(&status);
    assert!(
        shown.starts_with(
            "last run    a replay, at the time of its recording, 2026-10-12T16:57:53Z, exit code 0, 1.5 s, process 17\n\
             projects    none has a cursor, as a replay moves none\n"
        ),
        "{shown}"
    );
    assert!(nagios(&status).text.starts_with("CASO OK"));
}

#[test]
fn a_run_whose_clock_was_ahead_is_in_the_future() {
    let mut status = well();
    status.last_run.as_mut().unwrap().began = NOW + 200;
    let shown = text(&status);
    assert!(
        shown.contains(" (3 min in the future: was the clock ahead?), exit code 0"),
        "{shown}"
    );
}

#[test]
fn for_nagios() {
    let of = |status: &Status| {
        let shown = nagios(status);
        (shown.text, shown.exit.code())
    };
    let (line, code) = of(&well());
    assert_eq!(code, 0);
    assert_eq!(
        line,
        "CASO OK - all well | lag=600s run_age=600s waiting=0 quarantined=0 outgoing_age=0s\n"
    );
    let (line, code) = of(&ill());
    assert_eq!(code, 1);
    assert!(
        line.starts_with("CASO WARNING - no whole run for 7 days, 1 project failing, "),
        "{line}"
    );
    assert!(line.contains("| lag=604800s "), "{line}");
    // What was never extracted has no cursor that could be behind.
    let mut never = well();
    let run = never.last_run.as_mut().unwrap();
    run.exit = 3;
    run.failures.push(FailureLine {
        cloud: "default".into(),
        project: Some("c".into()),
        name: Some("name-of-c".into()),
        extractor: None,
        reason: "it has no VO".into(),
    });
    let (line, code) = of(&never);
    assert_eq!(code, 1);
    assert!(
        line.starts_with("CASO WARNING - 1 project never extracted and failing |"),
        "{line}"
    );
    let page = text(&never);
    assert!(
        page.contains("\n            name-of-c: never extracted: it has no VO\n"),
        "{page}"
    );
    assert!(page.contains("3 projects, 2 up to date"), "{page}");
    // Of a site that has just begun it is no news.
    never.last_whole = None;
    assert!(!of(&never).0.contains("no whole run"));
    assert!(text(&never).contains("last whole  none yet\n"));
    never.first_run = Some(NOW - 32 * DAY);
    assert!(of(&never).0.contains("no whole run in the last 32 days"));
    assert!(text(&never).contains("last whole  none in the last 32 days\n"));
    let mut unsaid = well();
    unsaid.cursors[0].reason = Some("it has no VO".into());
    assert_eq!(of(&unsaid).1, 1);
    let mut dead = well();
    dead.last_run.as_mut().unwrap().began = NOW - 2 * DAY;
    assert_eq!(of(&dead).1, 2);
    let mut new = well();
    new.last_run = None;
    assert_eq!(of(&new).1, 2);
}

/// Every line is a comment, or a name with labels and a number; each name has its type.
#[test]
fn for_prometheus() {
    let mut status = ill();
    status.cursors[0].project = "odd\"\\\nname".into();
    let page = prometheus(&status);
    let mut typed = std::collections::BTreeSet::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed.insert(rest.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            let name = series.split('{').next().unwrap();
            assert!(typed.contains(name), "{line}");
        }
    }
    for line in [
        "caso_last_run_exit_code 3",
        "caso_records_waiting{messenger=\"logstash\"} 570",
        "caso_records_quarantined{messenger=\"ssm\"} 38",
        "caso_outgoing_messages{queue=\"/out\"} 57",
        "project=\"odd\\\"\\\\\\nname\"",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
}

fn line(began: i64, extractor: &str, window: (i64, i64), lost: &[&str]) -> RunLine {
    let by_project =
        |ids: &[&str], number| ids.iter().map(|id| ((*id).to_owned(), number)).collect();
    RunLine {
        windows: vec![WindowLine {
            cloud: "default".into(),
            extractor: extractor.into(),
            window: Window {
                start: window.0,
                end: window.1,
            },
            records: by_project(&["a", "b"], 1),
            lost: by_project(lost, 2),
            ..WindowLine::default()
        }],
        began,
        names: [("a".to_owned(), "name-of-a".to_owned())].into(),
        ..well().last_run.unwrap()
    }
}

/// Until it is extracted once more, and whole; of addresses that cannot be.
#[test]
fn what_came_to_no_record_is_told_until_it_has_one() {
    let told = |runs: &[RunLine]| -> Vec<(String, Option<String>, u64, i64, i64)> {
        let found = left_out(runs, NOW).into_iter();
        found
            .map(|it| (it.project, it.name, it.windows, it.from, it.to))
            .collect()
    };
    let of_a = |windows, from, to| {
        let name = Some("name-of-a".to_owned());
        vec![("a".to_owned(), name, windows, from, to)]
    };
    let mut runs = vec![
        line(NOW - 900, "cinder", (0, 10), &["a"]),
        line(NOW - 800, "cinder", (10, 20), &["a"]),
        line(NOW - 700, "cinder", (20, 30), &[]),
        line(NOW - 600, "neutron", (20, 30), &["a"]),
    ];
    assert_eq!(told(&runs), of_a(2, 0, 20));
    // Once more: a part, another extractor, and as badly as before.
    runs.push(line(NOW - 500, "cinder", (0, 10), &["b"]));
    assert_eq!(told(&runs).len(), 2, "{:?}", told(&runs));
    runs.push(line(NOW - 400, "nova", (0, 30), &[]));
    runs.push(line(NOW - 300, "cinder", (0, 30), &["a", "b"]));
    assert_eq!(told(&runs)[0], of_a(2, 0, 30)[0].clone());
    let mut status = well();
    status.left_out = left_out(&runs, NOW);
    let page = text::text(&status);
    assert!(
        page.contains("left out    name-of-a cinder: in 2 windows, "),
        "{page}"
    );
    assert!(page.contains("caso republish --month 1970-01"), "{page}");
    assert!(page.contains("2 with usage that has no record"), "{page}");
    runs.push(line(NOW - 200, "cinder", (0, 30), &[]));
    assert_eq!(told(&runs), []);
    // It is no news for ever.
    let old = line(NOW - 8 * 86_400, "cinder", (0, 10), &["a"]);
    assert_eq!(told(&[old]), []);
}
