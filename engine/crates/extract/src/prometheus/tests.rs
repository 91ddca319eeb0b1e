//! The servers of a stand-in Nova, and their power of a stand-in Prometheus.

use std::sync::Arc;
use std::sync::Mutex;

use uuid::Uuid;

use super::*;
use crate::testing::prometheus::Meters;
use crate::testing::*;
use crate::{ExtractContext, extract};
use caso_model::extraction::Extractor;
use caso_net::TransportError;

/// An hour, so that one query does.
const HOUR: Window = Window {
    start: WINDOW.end - 3600,
    end: WINDOW.end,
};

fn cloud(servers: u32) -> Plan {
    let mut plan = plan();
    *plan.servers() = (0..servers).map(old).collect();
    plan
}

fn id(number: u32) -> String {
    Uuid::from_u128(u128::from(number)).to_string()
}

struct Run {
    kept: Kept,
    outcome: Result<(), ExtractError>,
    warnings: Vec<String>,
}

async fn run(stand: &Arc<Stand>, meters: &Arc<Meters>, window: Window) -> Run {
    run_with(stand, meters.source(), window).await
}

async fn run_with(stand: &Arc<Stand>, source: PowerSource, window: Window) -> Run {
    let context = ExtractContext {
        power: Some(source),
        ..stand.context()
    };
    let mut kept = Kept::default();
    let outcome = extract(
        Extractor::Prometheus,
        Task {
            context: &context,
            project: &project("p1"),
            window,
            history: &Mutex::default(),
            volumes: None,
        },
        &mut kept,
    )
    .await;
    let warnings = context.caches.closing_warnings();
    Run {
        kept,
        outcome,
        warnings: warnings.into_iter().map(|warning| warning.text).collect(),
    }
}

impl Run {
    fn energies(&self) -> Vec<&Energy> {
        let items = self.kept.0.iter().flat_map(|page| &page.items);
        items
            .map(|item| match item {
                UsageItem::Energy(energy) => energy,
                other => panic!("no energy: {other:?}"),
            })
            .collect()
    }

    /// Number of the server and milliwatt hours, in order.
    fn milliwatt_hours(&self) -> Vec<(u128, i64)> {
        let mut found: Vec<(u128, i64)> = self
            .energies()
            .iter()
            .map(|energy| {
                let number = energy.server.id.parse::<Uuid>().unwrap().as_u128();
                (number, (energy.watt_hours * 1000.0).round() as i64)
            })
            .collect();
        found.sort_unstable();
        found
    }
}

#[tokio::test]
async fn an_hour_is_one_query_a_page_and_no_image_and_no_user() {
    let meters = (0..7).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start - 600, HOUR.end + 600)
    });
    let (stand, meters) = (cloud(7).start(), meters.start());
    let run = run(&stand, &meters, HOUR).await;
    run.outcome.as_ref().unwrap();
    assert_eq!(run.kept.count(), 7);
    let expected: Vec<(u128, i64)> = (0..7).map(|n| (n, 3600)).collect();
    assert_eq!(run.milliwatt_hours(), expected);
    let log = meters.log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0].servers.len(), 7);
    // Four steps of the past decide on the first sample.
    assert_eq!((log[0].end, log[0].seconds), (HOUR.end, 3600 + 120));
    assert_eq!(stand.asked("/images") + stand.asked("/users/"), 0);
    assert_eq!(run.kept.0[0].tables.flavors.len(), 1);
    let energy = run.energies()[0];
    assert_eq!(energy.measured, HOUR);
    assert_eq!(energy.attributes[0].value, "120");
    assert!(run.warnings.is_empty());
}

/// Deleted in the window, created in it, gone before it.
#[tokio::test]
async fn energy_is_cut_to_the_servers_life() {
    let mut cloud = cloud(3);
    cloud.servers().push(caso_stand_in::Server {
        created: HOUR.start + 900,
        launched: Some(HOUR.start + 930),
        updated: HOUR.start + 930,
        ..old(3)
    });
    cloud.server(1).delete(HOUR.start + 1200);
    cloud.server(2).delete(HOUR.start - 1200);
    // An exporter that knows better than Nova.
    let meters = (0..4).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start - 3600, HOUR.end)
    });
    let (stand, meters) = (cloud.start(), meters.start());
    let run = run(&stand, &meters, HOUR).await;
    assert_eq!(run.milliwatt_hours(), [(0, 3600), (1, 1200), (3, 2700)]);
    let asked: Vec<String> = meters
        .log()
        .into_iter()
        .flat_map(|asked| asked.servers)
        .collect();
    assert!(!asked.contains(&id(2)), "{asked:?}");
    let measured: Vec<Window> = run
        .energies()
        .iter()
        .map(|energy| energy.measured)
        .collect();
    assert!(measured.contains(&Window {
        start: HOUR.start,
        end: HOUR.start + 1200
    }));
}

/// What two runs that follow each other tell is what one tells of both.
#[tokio::test]
async fn windows_add_up() {
    let meters = Meters::default()
        .steady(0, HOUR.start - 600, HOUR.end)
        .start();
    let mut sum = 0;
    for (start, end) in [(0, 7), (7, 8), (8, 1799), (1799, 3600)] {
        let window = Window {
            start: HOUR.start + start,
            end: HOUR.start + end,
        };
        let run = run(&cloud(1).start(), &meters, window).await;
        sum += run
            .milliwatt_hours()
            .first()
            .map_or(0, |(_, energy)| *energy);
    }
    assert_eq!(sum, 3600);
}

#[tokio::test]
async fn a_server_without_samples_has_no_item() {
    let meters = Meters::default().steady(0, HOUR.start, HOUR.end).start();
    let run = run(&cloud(3).start(), &meters, HOUR).await;
    run.outcome.as_ref().unwrap();
    assert_eq!(run.kept.count(), 1);
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
}

/// A wrong label rather than a project without power.
#[tokio::test]
async fn no_samples_at_all_are_worth_a_word() {
    let meters = Meters::default().start();
    let run = run(&cloud(3).start(), &meters, HOUR).await;
    run.outcome.as_ref().unwrap();
    assert_eq!(run.kept.count(), 0);
    assert_eq!(run.warnings.len(), 1);
    assert!(
        run.warnings[0].contains(r#"`power{type="vm",uuid="…"}`"#),
        "{:?}",
        run.warnings
    );
    let mut off = cloud(1);
    off.server(0).vm_state = "stopped".into();
    let run = run_with(&off.start(), meters.source(), HOUR).await;
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
}

/// A power of zero was measured; nothing but NaN was not.
#[tokio::test]
async fn zero_is_a_measurement_and_nan_is_none() {
    let flat = |value: f64| {
        (0..=120)
            .map(|n| ((HOUR.start + n * 30) * 1000, value))
            .collect()
    };
    let meters = Meters::default()
        .with(0, &[], flat(0.0))
        .with(1, &[], flat(f64::NAN));
    let run = run(&cloud(2).start(), &meters.start(), HOUR).await;
    assert_eq!(run.milliwatt_hours(), [(0, 0)]);
    assert_eq!(run.warnings.len(), 1);
    assert!(run.warnings[0].contains(&id(1)), "{:?}", run.warnings);
}

#[tokio::test]
async fn parallel_series_count_once_and_unknown_labels_are_told() {
    let flat = || {
        (0..=120)
            .map(|n| ((HOUR.start + n * 30) * 1000, 3.6e6))
            .collect()
    };
    for (label, warned) in [("replica", 0), ("instance", 0), ("pid", 1)] {
        let meters =
            Meters::default()
                .with(0, &[(label, "1")], flat())
                .with(0, &[(label, "2")], flat());
        let meters = meters.start();
        let run = run(&cloud(1).start(), &meters, HOUR).await;
        assert_eq!(run.milliwatt_hours(), [(0, 3600)], "{label}");
        assert_eq!(run.warnings.len(), warned, "{:?}", run.warnings);
        let source = PowerSource {
            sum_labels: vec![label.to_owned()],
            ..meters.source()
        };
        let run = run_with(&cloud(1).start(), source, HOUR).await;
        assert_eq!(run.milliwatt_hours(), [(0, 7200)], "{label}");
        assert!(run.warnings.is_empty());
    }
}

/// Not less energy, but none, and all of it next time.
#[tokio::test]
async fn a_query_that_fails_fails_the_window() {
    let meters = (0..2).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start, HOUR.end)
    });
    let meters = meters.start_with(|_| Some(Err(TransportError::Connect("refused".into()))));
    let run = run(&cloud(2).start(), &meters, HOUR).await;
    let error = run.outcome.unwrap_err();
    assert!(error.is_outage(), "{error}");
    assert!(run.kept.0.is_empty());

    let meters = Meters::default().steady(0, HOUR.start, HOUR.end);
    let meters = meters.start_with(|_| {
        Some(Ok(caso_net::Response {
            status: 400,
            headers: Vec::new(),
            body: br#"{"status":"error","errorType":"bad_data","error":"no such thing"}"#.to_vec(),
        }))
    });
    let run = run_with(&cloud(2).start(), meters.source(), HOUR).await;
    let error = run.outcome.unwrap_err();
    assert!(!error.is_outage());
    let text = error.to_string();
    // Nova's newest first.
    let whose = format!("power of server `{}` and 1 more from 2026-", id(1));
    assert!(text.contains(&whose), "{text}");
    assert!(text.contains("no such thing"), "{text}");
}

/// A page that comes late, after pages that were told: the window fails as a
/// whole.
#[tokio::test]
async fn a_failure_on_a_later_page_fails_the_window() {
    let meters = (0..4).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start, HOUR.end)
    });
    let mut queries = 0;
    let meters = meters.start_with(move |_| {
        queries += 1;
        (queries > 1).then(|| status(500))
    });
    let cloud = Plan {
        max_limit: 2,
        ..cloud(4)
    };
    let run = run(&cloud.start(), &meters, HOUR).await;
    assert_eq!(run.kept.0.len(), 1);
    assert!(run.outcome.unwrap_err().is_outage());
}

/// Prometheus keeps the last days of fifty years.
#[tokio::test]
async fn a_first_run_asks_for_what_there_is() {
    let days = 3 * 86_400;
    let mut cloud = cloud(2);
    cloud.server(0).created = 0;
    let meters = (0..2).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.end - days, HOUR.end)
    });
    let (stand, meters) = (cloud.start(), meters.start());
    let window = Window { start: 0, ..HOUR };
    let run = run(&stand, &meters, window).await;
    // The first sample stands for a step.
    let all = days + 30;
    assert_eq!(run.milliwatt_hours(), [(0, all), (1, all)]);
    let log = meters.log();
    assert!(log.len() < 50, "{} queries", log.len());
    let longest = log
        .iter()
        .filter(|asked| !asked.count)
        .map(|asked| asked.seconds);
    assert!(longest.max().unwrap() <= 11_000 * 30 + 120);
}

/// Sampled every second where the option says 30, or a Prometheus that allows
/// little: servers are halved, then the time, and nothing is lost.
#[tokio::test]
async fn what_is_too_much_is_asked_in_pieces() {
    let meters = (0..5).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start - 600, HOUR.end)
    });
    let (stand, meters) = (cloud(5).start(), meters.at_most(50).start());
    let run = run(&stand, &meters, HOUR).await;
    let expected: Vec<(u128, i64)> = (0..5).map(|n| (n, 3600)).collect();
    assert_eq!(run.milliwatt_hours(), expected);
    assert!(meters.log().iter().any(|asked| asked.servers.len() == 1));

    let none = Meters::default()
        .steady(0, HOUR.start - 600, HOUR.end)
        .at_most(1)
        .start();
    let run = run_with(&cloud(1).start(), none.source(), HOUR).await;
    let error = run.outcome.unwrap_err();
    assert!(error.to_string().contains(&id(0)), "{error}");
    assert!(none.log().len() < 100);
}

/// More servers than go into one address.
#[tokio::test]
async fn many_servers_are_asked_for_in_groups() {
    let meters = Meters::default().steady(249, HOUR.start, HOUR.end).start();
    let run = run(&cloud(250).start(), &meters, HOUR).await;
    assert_eq!(run.milliwatt_hours(), [(249, 3600)]);
    let sizes: Vec<usize> = meters
        .log()
        .iter()
        .map(|asked| asked.servers.len())
        .collect();
    assert_eq!(sizes, [100, 100, 50]);
}

/// A server whose row cannot be read is named and costs no other.
#[tokio::test]
async fn one_odd_row_costs_itself() {
    let mut cloud = cloud(2);
    cloud.server(1).odd = odd(&serde_json::json!({"created": "soon"}));
    let meters = (0..2).fold(Meters::default(), |meters, n| {
        meters.steady(n, HOUR.start - 600, HOUR.end)
    });
    let run = run(&cloud.start(), &meters.start(), HOUR).await;
    assert_eq!(run.milliwatt_hours(), [(0, 3600)]);
    assert_eq!(run.kept.errors().len(), 1);
    assert!(run.kept.errors()[0].contains(&id(1)));
}
