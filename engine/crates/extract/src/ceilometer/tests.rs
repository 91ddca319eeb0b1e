//! The whole extractor, on the stand-in's Gnocchi and its Ceilometer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use caso_stand_in::{Counter, Policy, Telemetry};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::testing::*;
use caso_model::extraction::Extractor;
use caso_model::extraction::{CounterOptions, CounterReading};

/// The first sample was taken so long before the window's end, and then one each
/// hour: within one, two boots are one.
const FIRST: i64 = WINDOW.end - 40 * HOUR + 17;
const HOUR: i64 = 3600;

/// Two sizes of buckets, of which the small ones do not go back far.
const HOURLY: Policy = Policy {
    name: "hourly",
    definition: &[(1, 3600), (3600, 8760)],
    methods: &["mean", "rate:mean"],
};
const USELESS: Policy = Policy {
    name: "useless",
    definition: &[(3600, 720)],
    methods: &["rate:mean"],
};

/// What is measured of the servers of `p1`.
#[derive(Clone, Default)]
struct Measured(Vec<Counter>);

impl Measured {
    fn cpu(self, server: u32, policy: Policy, values: &[f64]) -> Self {
        self.add(server, None, policy, "cpu", values)
    }

    fn interface(self, server: u32, incoming: &[f64], outgoing: &[f64]) -> Self {
        let own = format!("{:08x}-0000-4000-8000-00000000abcd", self.0.len());
        let low = Policy::LOW_RATE;
        self.add(server, Some(&own), low, "network.incoming.bytes", incoming)
            .add(server, Some(&own), low, "network.outgoing.bytes", outgoing)
    }

    fn add(
        mut self,
        server: u32,
        interface: Option<&str>,
        policy: Policy,
        meter: &'static str,
        values: &[f64],
    ) -> Self {
        let values = values.iter().enumerate();
        self.0.push(Counter {
            project: "p1".into(),
            server: uuid(server),
            interface: interface.map(str::to_owned),
            by_port: false,
            meter,
            policy,
            samples: values
                .map(|(n, value)| (FIRST + HOUR * n as i64, *value))
                .collect(),
        });
        self
    }
}

fn spelled(time: i64) -> String {
    let time = chrono::DateTime::from_timestamp(time, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Servers 1 to `count` in a cloud with these services.
fn cloud(count: u32, services: &[&str], measured: Measured) -> Plan {
    let mut plan = Plan {
        telemetry: Telemetry {
            gnocchi: services.contains(&"gnocchi"),
            ceilometer: services.contains(&"ceilometer"),
            counters: measured.0,
            ..Telemetry::default()
        },
        ..plan()
    };
    *plan.servers() = (1..=count).map(new).collect();
    plan
}

fn stand(count: u32, services: &[&str], measured: Measured) -> Arc<Stand> {
    cloud(count, services, measured).start()
}

const GNOCCHI: &[&str] = &["gnocchi"];
const METERING: &[&str] = &["ceilometer"];

async fn extract_with(
    stand: &Arc<Stand>,
    options: CounterOptions,
) -> (Result<(), ExtractError>, Kept, ExtractContext) {
    let mut context = stand.context();
    context.counters = options;
    let mut kept = Kept::default();
    let outcome = crate::extract(
        Extractor::Ceilometer,
        Task {
            context: &context,
            project: &project("p1"),
            window: WINDOW,
            history: &Mutex::default(),
            volumes: None,
        },
        &mut kept,
    )
    .await;
    for call in stand.seen() {
        let list = call.asks("/v1/search/") || call.path.ends_with("/v1/metric");
        assert!(!list || call.param("sort") == Some("id:asc"), "{call:?}");
        // For an account that sees other projects as well.
        if call.asks("/v1/search/") {
            let question: Value = serde_json::from_str(&call.body).unwrap();
            assert_eq!(question["and"][0], json!({"=": {"project_id": "p1"}}));
        }
        if call.asks("/v1/aggregates") || call.asks("/measures") {
            assert!(call.param("stop").is_some(), "{call:?}");
        }
    }
    (outcome, kept, context)
}

/// Counters by the servers' numbers: CPU time, received, sent.
type Told = BTreeMap<u128, (Option<u64>, Option<u64>, Option<u64>)>;

fn told(kept: &Kept) -> Told {
    let counted = kept.servers().into_iter().filter_map(|server| {
        let counters = server.counters.as_ref()?;
        Some((
            server.id.parse::<Uuid>().unwrap().as_u128(),
            (
                counters.cpu_nanoseconds,
                counters.network_incoming_bytes,
                counters.network_outgoing_bytes,
            ),
        ))
    });
    counted.collect()
}

async fn extract(stand: &Arc<Stand>) -> Told {
    let (outcome, kept, context) = extract_with(stand, CounterOptions::default()).await;
    outcome.unwrap();
    assert_eq!(context.caches.closing_warnings(), []);
    told(&kept)
}

/// Some of everything: steady, reset, several interfaces, one sample, none.
fn measured() -> Measured {
    Measured::default()
        .cpu(1, Policy::LOW_RATE, &[5e9, 6e9, 9e9])
        .interface(1, &[10.0, 20.0], &[1.0, 2.0])
        .interface(1, &[7.0, 8.0, 3.0], &[4.0])
        .cpu(2, Policy::LOW_RATE, &[5e9, 9e9, 2e9, 4e9])
        .cpu(3, Policy::LOW_RATE, &[42.0])
        .cpu(4, Policy::LOW_RATE, &[])
        .interface(5, &[0.0], &[0.0])
        // Of nobody that Nova knows.
        .cpu(99, Policy::LOW_RATE, &[1e9])
}

fn expected() -> Told {
    BTreeMap::from([
        (1, (Some(9_000_000_000), Some(20 + 8 + 3), Some(2 + 4))),
        (2, (Some(13_000_000_000), None, None)),
        (3, (Some(42), None, None)),
        (5, (None, Some(0), Some(0))),
    ])
}

#[tokio::test]
async fn gnocchi_in_few_requests() {
    let stand = stand(6, GNOCCHI, measured());
    assert_eq!(extract(&stand).await, expected());
    // Two searches, the second of each for the empty page; a list of metrics
    // for each counter; and all the series at once.
    assert_eq!(stand.asked("/metric/v1/search/"), 4);
    assert_eq!(stand.asked("/metric/v1/metric?"), 3);
    assert_eq!(stand.asked("/metric/v1/aggregates"), 1);
    assert_eq!(stand.asked("/metric/v1/"), 8);
}

#[tokio::test]
async fn ceilometers_own_api_says_the_same() {
    let stand = stand(6, METERING, measured());
    assert_eq!(extract(&stand).await, expected());
    // For each meter what there is, and then hour by hour.
    assert_eq!(stand.asked("/metering/"), 6);
}

#[tokio::test]
async fn interfaces_with_a_ports_id_are_found_by_what_is_noted_of_them() {
    let port = Some("0000b0b0-0000-4000-8000-000000000000");
    let meter = "network.incoming.bytes";
    let mut measured = Measured::default().add(1, port, Policy::LOW_RATE, meter, &[3.0]);
    measured.0[0].by_port = true;
    let stand = stand(1, METERING, measured);
    assert_eq!(
        extract(&stand).await,
        BTreeMap::from([(1, (None, Some(3), None))])
    );
    assert_eq!(stand.asked("/v2/resources"), 1);
}

#[tokio::test]
async fn what_caso_told_is_there_for_who_wants_it() {
    let options = CounterOptions {
        reading: CounterReading::Largest,
        ..CounterOptions::default()
    };
    for services in [GNOCCHI, METERING] {
        let stand = stand(6, services, measured());
        let (outcome, kept, _) = extract_with(&stand, options).await;
        outcome.unwrap();
        let told = told(&kept);
        // The largest of one counter: a reset loses what was before, one
        // interface stands for all.
        assert_eq!(told[&1], (Some(9_000_000_000), Some(20), Some(4)));
        assert_eq!(told[&2].0, Some(9_000_000_000));
        // In the window, and in no time before.
        let start = spelled(WINDOW.start).replace(':', "%3A");
        assert!(stand.asked(&start) > 0, "{:?}", stand.log());
    }
}

#[tokio::test]
async fn a_small_max_limit_cuts_no_list() {
    let measured = (10..40).fold(measured(), |measured, server| {
        measured.cpu(server, Policy::LOW_RATE, &[f64::from(server)])
    });
    let mut cloud = cloud(40, GNOCCHI, measured);
    cloud.telemetry.max_limit = 3;
    let told = extract(&cloud.start()).await;
    assert_eq!(told.len(), 34);
    assert_eq!(told[&39].0, Some(39));
}

#[tokio::test]
async fn archive_policies_are_not_mixed_in_one_question() {
    // Means of an hour over a reset: 510 is no boot of its own.
    let measured = measured().cpu(6, HOURLY, &[1000.0, 1010.0, 510.0, 15.0, 25.0]);
    let stand = stand(6, GNOCCHI, measured);
    let mut expected = expected();
    expected.insert(6, (Some(1035), None, None));
    assert_eq!(extract(&stand).await, expected);
    assert_eq!(stand.asked("/aggregates"), 2);
    assert_eq!(stand.asked("/measures"), 0);
}

#[tokio::test]
async fn a_policy_that_keeps_no_counter_is_named() {
    let stand = stand(1, GNOCCHI, Measured::default().cpu(1, USELESS, &[5.0]));
    let (outcome, kept, context) = extract_with(&stand, CounterOptions::default()).await;
    outcome.unwrap();
    assert_eq!(told(&kept), Told::new());
    let warnings = context.caches.closing_warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].text.contains("`useless`"), "{}", warnings[0]);
}

#[tokio::test]
async fn a_gnocchi_without_aggregates_is_asked_metric_by_metric() {
    for refused in [400, 403, 404, 500] {
        let stand = cloud(6, GNOCCHI, measured())
            .start_with(move |call, _| call.asks("/v1/aggregates").then(|| status(refused)));
        assert_eq!(extract(&stand).await, expected(), "{refused}");
        // Each metric of a server of ours.
        assert_eq!(stand.asked("/measures"), 10);
    }
}

#[tokio::test]
async fn gnocchi_goes_before_ceilometer_unless_told_otherwise() {
    let both = [GNOCCHI[0], METERING[0]];
    for (source, asked) in [
        (CounterSource::Any, "/metric/v1/"),
        (CounterSource::Gnocchi, "/metric/v1/"),
        (CounterSource::Ceilometer, "/metering/"),
    ] {
        let stand = stand(1, &both, measured());
        let options = CounterOptions {
            source,
            ..CounterOptions::default()
        };
        let (outcome, kept, _) = extract_with(&stand, options).await;
        outcome.unwrap();
        assert_eq!(told(&kept).len(), 1);
        let others = stand.asked("/metric/v1/") + stand.asked("/metering/") - stand.asked(asked);
        assert_eq!(others, 0);
    }
}

#[tokio::test]
async fn a_back_end_that_is_away_fails_the_window_by_name() {
    for (services, name) in [(GNOCCHI, "Gnocchi"), (METERING, "Ceilometer")] {
        let stand = cloud(3, services, measured()).start_with(|call, _| {
            (call.asks("/metric/v1/") || call.asks("/metering/")).then(|| status(503))
        });
        let (outcome, kept, _) = extract_with(&stand, CounterOptions::default()).await;
        let error = outcome.unwrap_err();
        assert!(error.is_outage(), "{error}");
        assert!(error.to_string().starts_with(name), "{error}");
        assert!(kept.0.is_empty(), "a page without its counters");
    }
}

#[tokio::test]
async fn no_back_end_at_all_says_what_to_do() {
    let stand = stand(1, &[], Measured::default());
    let (outcome, ..) = extract_with(&stand, CounterOptions::default()).await;
    let error = outcome.unwrap_err();
    assert!(!error.is_outage());
    assert!(error.to_string().contains("neither Gnocchi"), "{error}");
}

#[tokio::test]
async fn a_project_without_servers_asks_nobody() {
    let stand = stand(0, &[], Measured::default());
    assert_eq!(extract(&stand).await, Told::new());
}

/// What Gnocchi's own rates add up to, of the same minutes.
#[test]
fn bridged_readings_are_the_sum_of_gnocchis_rates() {
    let all: Value =
        serde_json::from_str(include_str!("../../../openstack/src/testdata/gnocchi.json")).unwrap();
    let values = |name: &str| -> Vec<f64> {
        let points = all[name]["answer"].as_array().unwrap();
        points
            .iter()
            .map(|point| point[2].as_f64().unwrap())
            .collect()
    };
    let readings = values("measures-reset");
    let after_reset = readings[3];
    let rates = values("measures-reset-rate");
    assert!(rates.iter().any(|rate| *rate < 0.0));
    // The first rate leads up to the first reading.
    let grown: f64 = rates[1..].iter().filter(|rate| **rate > 0.0).sum();
    let count = bridge::Count::of(readings.iter().copied(), false).unwrap();
    assert_eq!(count.used, readings[0] + grown + after_reset);
    assert_eq!(count.resets, 1);
    // A reset within the hour: what `last` of that hour lacks, `max` has.
    let last = bridge::Count::of(values("measures-accounting-last"), false).unwrap();
    let max = bridge::Count::of(values("measures-accounting-max"), false).unwrap();
    assert_eq!((last.resets, max.resets), (1, 1));
    assert!(max.used > last.used);
}
