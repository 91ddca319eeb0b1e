//! The page of a ledger that was made up, taken apart again.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use caso_model::Window;
use caso_state::ledger::{RunLine, UseRow, WindowLine};
use caso_state::{FormerNames, Place};

/// 2026-10-01T00:00:00Z.
const OCTOBER: i64 = 1_790_812_800;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn row(day: i64, vo: &str, flavor: &str, servers: u64, cpus: f64) -> UseRow {
    UseRow {
        day: OCTOBER / DAY + day,
        vo: vo.into(),
        flavor: Some(flavor.into()),
        server_seconds: Some(servers * 3_600),
        cpu_seconds: Some(cpus * 3_600.0),
        ..UseRow::default()
    }
}

fn line(extractor: &str, window: Window, used: &[(&str, Option<Vec<UseRow>>)]) -> WindowLine {
    WindowLine {
        cloud: "default".into(),
        extractor: extractor.into(),
        window,
        records: used.iter().map(|(id, _)| ((*id).to_owned(), 1)).collect(),
        used_from: Some(window.start),
        used: used
            .iter()
            .filter_map(|(id, rows)| Some(((*id).to_owned(), rows.clone()?)))
            .collect(),
        ..WindowLine::default()
    }
}

fn run(began: i64, windows: Vec<WindowLine>, names: &[(&str, &str)]) -> RunLine {
    RunLine {
        format: RunLine::FORMAT,
        version: "6.0.0".into(),
        began,
        took_ms: 1,
        exit: 0,
        process: 1,
        extracted: true,
        replay: false,
        listed: Vec::new(),
        requests: 1,
        names: names
            .iter()
            .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
        windows,
        failures: Vec::new(),
        messengers: Vec::new(),
        problems: Vec::new(),
    }
}

fn w(start: i64, end: i64) -> Window {
    Window { start, end }
}

fn made(month: Option<i64>, now: i64, runs: Vec<RunLine>) -> String {
    made_of(month, now, runs, FormerNames::default())
}

fn made_of(month: Option<i64>, now: i64, runs: Vec<RunLine>, renamed: FormerNames) -> String {
    let window = month.map(|first| month::window(first, now).unwrap());
    let mut figures = Figures::new(window, renamed);
    for run in runs {
        figures.run(run);
    }
    let head = Head {
        sites: vec!["EXAMPLE-SITE".into()],
        month: month.map(month::name),
        now,
    };
    page(&head, &figures.finish(now)).unwrap()
}

/// What stands between `open` and `close`, each time.
fn all<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let parts = text.split(open).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(close)?.0))
        .collect()
}

/// The cells of the table of this caption, without tags.
fn table(page: &str, caption: &str) -> Vec<Vec<String>> {
    let tables = all(page, "<table>", "</table>");
    let heading = format!("<caption>{caption}</caption>");
    let table = tables.iter().find(|it| it.contains(&heading)).unwrap();
    let rows = all(table, "<tr>", "</tr>");
    let cells = |row: &&str| {
        let cells = row.split(['<', '>']).skip(2).step_by(2);
        let cells = cells.map(str::to_owned).filter(|cell| !cell.is_empty());
        cells.collect()
    };
    rows.iter().map(cells).collect()
}

/// The drawing with this title.
fn plot<'a>(page: &'a str, title: &str) -> &'a str {
    let title = format!(">{title}</title>");
    let drawings = all(page, "<svg ", "</svg>");
    drawings.into_iter().find(|it| it.contains(&title)).unwrap()
}

fn number(element: &str, attribute: &str) -> f64 {
    let values = all(element, &format!("{attribute}=\""), "\"");
    values[0].parse().unwrap()
}

/// `width` and `height` of the bars of a series.
fn rectangles(drawing: &str, class: &str) -> Vec<(f64, f64)> {
    let bars = all(drawing, "<rect ", "/>");
    let of_class = bars
        .iter()
        .filter(|it| it.contains(&format!("class=\"{class}\"")));
    of_class
        .map(|it| (number(it, " width"), number(it, " height")))
        .collect()
}

/// Three days of two projects: nova, cinder and energy.
fn some() -> Vec<RunLine> {
    let nova = line(
        "nova",
        w(OCTOBER, OCTOBER + 2 * DAY),
        &[
            (
                "p1",
                Some(vec![
                    row(0, "vo.one", "small", 24, 48.0),
                    row(1, "vo.one", "small", 24, 96.0),
                    row(1, "vo.one", "big", 6, 48.0),
                ]),
            ),
            ("p2", Some(vec![row(1, "vo.two", "small", 10, 12.0)])),
        ],
    );
    let gib = |day, days| UseRow {
        day: OCTOBER / DAY + day,
        vo: "vo.one".into(),
        gib_seconds: Some(days * 86_400.0),
        ..UseRow::default()
    };
    let cinder = line(
        "cinder",
        w(OCTOBER, OCTOBER + 2 * DAY),
        &[("p1", Some(vec![gib(0, 40.0), gib(1, 50.5)]))],
    );
    let names = [("p1", "alpha"), ("p2", "beta")];
    vec![run(OCTOBER + 2 * DAY, vec![nova, cinder], &names)]
}

#[test]
fn tables_and_plots_have_the_same_figures() {
    let page = made(Some(OCTOBER), OCTOBER + 2 * DAY, some());
    let cells = |rows: &[&[&str]]| -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(|it| (*it).to_owned()).collect())
            .collect()
    };
    assert_eq!(
        table(&page, "CPU hours by project"),
        cells(&[
            &["Project", "CPU hours", "Server hours"],
            &["alpha", "192.0", "54.0"],
            &["beta", "12.0", "10.0"],
            &["All", "204.0", "64.0"],
        ])
    );
    assert_eq!(
        table(&page, "CPU hours by flavor"),
        cells(&[
            &["Flavor", "CPU hours", "Server hours"],
            &["small", "156.0", "58.0"],
            &["big", "48.0", "6.0"],
            &["All", "204.0", "64.0"],
        ])
    );
    assert_eq!(
        table(&page, "CPU hours by day and VO"),
        cells(&[
            &["Day", "vo.one", "vo.two", "All"],
            &["2026-10-01", "48.0", "0.0", "48.0"],
            &["2026-10-02", "144.0", "12.0", "156.0"],
        ])
    );
    assert_eq!(table(&page, "GiB days by VO")[1], ["vo.one", "90.5"]);
    // Bars are as long as their figures.
    let bars = rectangles(plot(&page, "CPU hours by project"), "s0");
    assert_eq!(bars.len(), 2);
    assert!(
        (bars[1].0 / bars[0].0 - 12.0 / 192.0).abs() < 0.002,
        "{bars:?}"
    );
    let drawing = plot(&page, "CPU hours by day and VO");
    let (one, two) = (rectangles(drawing, "s0"), rectangles(drawing, "s1"));
    assert_eq!((one.len(), two.len()), (2, 1));
    assert!((one[0].1 / one[1].1 - 48.0 / 144.0).abs() < 0.01, "{one:?}");
    assert!((two[0].1 / one[1].1 - 12.0 / 144.0).abs() < 0.01, "{two:?}");
    assert_eq!(rectangles(drawing, "gap"), []);
    for gap in ["days are not known", "known in part"] {
        assert!(!page.contains(gap), "{page}");
    }
}

#[test]
fn each_plot_is_an_image_with_a_name_and_takes_its_colours_from_the_style() {
    let page = made(None, OCTOBER + 2 * DAY, some());
    let drawings = all(&page, "<svg ", "</svg>");
    assert_eq!(drawings.len(), 7);
    for drawing in &drawings {
        let named = all(drawing, "aria-labelledby=\"", "\"")[0];
        for id in named.split(' ') {
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
        assert!(drawing.contains("role=\"img\""));
        assert!(!drawing.contains("\"#"), "{drawing}");
    }
    for foreign in [
        "<script", "http://", "https://", "url(", "@import", "<img", "<link",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

/// A name is what somebody wrote into OpenStack.
#[test]
fn no_name_is_more_than_text() {
    let bad = "</text></svg><script>alert(1)</script>\"'&\u{1b}[2J";
    let window = line(
        "nova",
        w(OCTOBER, OCTOBER + DAY),
        &[(bad, Some(vec![row(0, bad, bad, 5, 5.0)]))],
    );
    let runs = vec![run(OCTOBER, vec![window], &[(bad, bad)])];
    let mut page = made(Some(OCTOBER), OCTOBER + DAY, runs);
    assert!(
        !page.contains("<script") && !page.contains('\u{1b}'),
        "{page}"
    );
    assert_eq!(
        page.matches("</svg>").count(),
        page.matches("<svg ").count()
    );
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;"),
        "{page}"
    );
    // As few tags as a page with plain names has.
    let window = line(
        "nova",
        w(OCTOBER, OCTOBER + DAY),
        &[("p", Some(vec![row(0, "v", "f", 5, 5.0)]))],
    );
    let plain = made(
        Some(OCTOBER),
        OCTOBER + DAY,
        vec![run(OCTOBER, vec![window], &[])],
    );
    assert_eq!(page.matches('<').count(), plain.matches('<').count());
    page.clear();
}

#[test]
fn an_empty_ledger_makes_a_page_that_says_so() {
    for month in [None, Some(OCTOBER)] {
        let page = made(month, OCTOBER + DAY, Vec::new());
        assert_eq!(page.matches("<dd>not known</dd>").count(), 5, "{page}");
        assert!(!page.contains("<svg"));
    }
    let page = made(None, OCTOBER + DAY, Vec::new());
    assert!(page.contains("Use of EXAMPLE-SITE, nothing counted yet"));
}

/// Windows without figures are not nothing; and of two that overlap the first counts.
#[test]
fn what_the_ledger_does_not_know_is_not_zero() {
    let used = |days: &[i64]| {
        let rows = days.iter().map(|day| row(*day, "vo", "f", 24, 24.0));
        vec![("p", Some(rows.collect::<Vec<_>>()))]
    };
    let day = |n: i64| w(OCTOBER + n * DAY, OCTOBER + (n + 1) * DAY);
    let mut old = line("nova", day(1), &[("p", None)]);
    old.used_from = None;
    let windows = vec![
        // A day that is known; one of before; half a day; a gap of a day; two days once more.
        line("nova", day(0), &used(&[0])),
        old,
        line(
            "nova",
            w(day(2).start, day(2).start + 12 * HOUR),
            &used(&[2]),
        ),
        line("nova", day(4), &used(&[4])),
        line("nova", w(day(4).start, day(5).end), &used(&[4, 5])),
        line("nova", day(6), &[("p", Some(Vec::new()))]),
    ];
    let page = made(None, day(6).end, vec![run(OCTOBER, windows, &[])]);
    let rows = table(&page, "CPU hours by day and VO");
    let expected = [
        "2026-10-01 24.0",
        "2026-10-02 not known",
        "2026-10-03 (in part) 24.0",
        "2026-10-04 not known",
        "2026-10-05 24.0",
        "2026-10-06 not known",
        "2026-10-07 0.0",
    ];
    for (row, expected) in rows[1..].iter().zip(expected) {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        let own = match row.as_slice() {
            [day, known, all] => {
                assert_eq!(known, all);
                format!("{day} {known}")
            }
            unknown => unknown.join(" "),
        };
        assert_eq!(own.replace("  ", " "), expected);
    }
    assert_eq!(rows.len(), 8);
    assert_eq!(
        rectangles(plot(&page, "CPU hours by day and VO"), "gap").len(),
        3
    );
    assert!(
        page.contains("Servers: 3 days are not known and 1 day is known in part."),
        "{page}"
    );
    assert_eq!(table(&page, "CPU hours by VO").last().unwrap()[1], "72.0");
}

/// Its cloud has another name since, and the time was extracted once more.
#[test]
fn what_was_extracted_under_a_former_name_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    let (was, now) = (Place::from("default"), Place::from("main"));
    Cursors::rename(&spool, &was, &now).unwrap();
    let again = some().into_iter().map(|mut run| {
        for line in &mut run.windows {
            line.cloud = "main".to_owned();
        }
        run
    });
    let runs = some().into_iter().chain(again).collect();
    let renamed = Cursors::renamed(&spool);
    let page = made_of(Some(OCTOBER), OCTOBER + 2 * DAY, runs, renamed);
    let rows = table(&page, "CPU hours by project");
    assert_eq!(rows.last().unwrap()[1], "204.0", "{rows:?}");
    assert_eq!(table(&page, "GiB days by VO")[1], ["vo.one", "90.5"]);
}

#[test]
fn what_cannot_be_in_a_sum_is_named() {
    let mut without = row(0, "vo", "f", 3, 0.0);
    without.cpu_seconds = None;
    without.without_cpus = Some(3 * 3_600);
    let ended = |id: &str, rows| line("nova", w(OCTOBER, OCTOBER + DAY), &[(id, Some(rows))]);
    let windows = vec![
        ended("p1", vec![without]),
        ended("p2", vec![row(0, "vo", "f", 1, 1.0)]),
        line(
            "nova",
            w(OCTOBER + DAY, OCTOBER + 2 * DAY),
            &[("p2", Some(Vec::new()))],
        ),
    ];
    let names = [("p1", "same"), ("p2", "same")];
    let page = made(
        Some(OCTOBER),
        OCTOBER + 2 * DAY,
        vec![run(OCTOBER, windows, &names)],
    );
    for note in [
        "3.0 server hours are in no sum of CPU hours",
        "Servers of project same (p1) is counted up to 2026-10-02T00:00:00Z",
    ] {
        assert!(page.contains(note), "{note}: {page}");
    }
    let rows = table(&page, "CPU hours by project");
    assert_eq!(rows[1], ["same (p2)", "1.0", "1.0"]);
    assert_eq!(rows[2], ["same (p1)", "not known", "3.0"]);
}

/// A month takes its own days alone, and long lists end in a sum.
#[test]
fn many_names_become_others() {
    let rows = (0..40).map(|n| row(31, &format!("vo{n:02}"), "f", 1, 1.0));
    let mut rows: Vec<_> = rows.collect();
    rows.push(row(0, "october", "f", 1, 1.0));
    let window = line("nova", w(OCTOBER, OCTOBER + 32 * DAY), &[("p", Some(rows))]);
    let runs = vec![run(OCTOBER + 32 * DAY, vec![window], &[])];
    let page = made(Some(OCTOBER + 31 * DAY), OCTOBER + 32 * DAY, runs);
    assert!(!page.contains("october"));
    assert_eq!(table(&page, "CPU hours by VO").len(), 42);
    let drawing = plot(&page, "CPU hours by VO");
    assert_eq!(rectangles(drawing, "s0").len(), 13);
    assert!(drawing.contains("(28 others)"));
    let days = table(&page, "CPU hours by day and VO");
    assert_eq!(days[0].len(), 9);
    assert_eq!(days[1][7..], ["34.0", "40.0"]);
}

/// From the spool to the file: whole, or as it was.
#[test]
fn a_year_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::look(dir.path(), Disk::default());
    let now = OCTOBER + 365 * DAY;
    for day in 0..365_u32 {
        let start = OCTOBER + i64::from(day) * DAY;
        let rows = vec![row(i64::from(day), "vo", "f", 24, f64::from(day))];
        let window = line("nova", w(start, start + DAY), &[("p", Some(rows))]);
        ledger::append(&spool, &run(start + DAY, vec![window], &[])).unwrap();
    }
    let file = dir.path().join("page.html");
    let made = |what| of_spool(dir.path(), vec!["EXAMPLE-SITE".into()], &what, now);
    let what = |month, file: &std::path::Path| ReportPage {
        month,
        file: Some(file.to_owned()),
    };
    made(what(None, &file)).unwrap();
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("2026-10-01 to 2027-09-30"), "{page}");
    assert_eq!(table(&page, "CPU hours by day and VO").len(), 366);
    let total: f64 = (0..365).map(f64::from).sum();
    assert_eq!(
        table(&page, "CPU hours by VO")[1][1],
        page::grouped(&format!("{total:.1}"))
    );
    // A folder that is not there, and a month to come: what is there stays.
    let nowhere = dir.path().join("none/page.html");
    assert!(made(what(None, &nowhere)).is_err());
    assert!(made(what(Some(now + DAY), &file)).is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), page);
    let left: BTreeMap<_, _> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| (entry.unwrap().file_name(), ()))
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// A mapper of a site's own may say anything.
#[test]
fn a_name_takes_the_room_of_a_name() {
    let long = "v".repeat(1 << 20);
    let rows = vec![row(0, &long, &long, 24, 24.0)];
    let window = line("nova", w(OCTOBER, OCTOBER + DAY), &[(&long, Some(rows))]);
    let runs = vec![run(OCTOBER + DAY, vec![window], &[])];
    let page = made(Some(OCTOBER), OCTOBER + DAY, runs);
    assert!(page.contains("vvv…"));
    assert!(page.len() < 100_000, "{}", page.len());
}
