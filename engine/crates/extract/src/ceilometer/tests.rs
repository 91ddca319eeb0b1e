//! The whole extractor, on a stand-in for Gnocchi and one for Ceilometer's API.
//! Both answer in the shapes of Gnocchi 4.7.1 and Ceilometer 9.0.7 (recorded in
//! `openstack/testdata`) and by their rules: refusals, limits, what is inclusive.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::testing::*;
use caso_model::extraction::Extractor;
use caso_model::extraction::{CounterOptions, CounterReading};

/// A metric: id, name, archive policy, values each 300 s.
#[derive(Clone)]
struct Series {
    id: String,
    name: &'static str,
    policy: &'static str,
    values: Vec<f64>,
}

/// A server's or an interface's metrics.
#[derive(Clone)]
struct Sampled {
    id: String,
    /// None for a server.
    server: Option<String>,
    series: Vec<Series>,
}

/// What the stand-ins answer from.
#[derive(Clone, Default)]
struct Telemetry {
    sampled: Vec<Sampled>,
    max_limit: usize,
    /// Refuses `/v1/aggregates` with this status.
    no_aggregates: Option<u16>,
    away: bool,
}

fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

impl Telemetry {
    fn new() -> Telemetry {
        Telemetry {
            max_limit: 1000,
            ..Telemetry::default()
        }
    }

    fn next(&self) -> u128 {
        let series: usize = self.sampled.iter().map(|one| one.series.len() + 1).sum();
        (0xfeed << 64) | series as u128
    }

    fn cpu(self, server: u128, policy: &'static str, values: &[f64]) -> Self {
        self.add(id(server), None, policy, &[("cpu", values)])
    }

    fn interface(self, server: u128, incoming: &[f64], outgoing: &[f64]) -> Self {
        let own = id((0xabcd << 64) | self.next());
        self.add(
            own,
            Some(id(server)),
            "low",
            &[
                ("network.incoming.bytes", incoming),
                ("network.outgoing.bytes", outgoing),
            ],
        )
    }

    fn add(
        mut self,
        own: String,
        server: Option<String>,
        policy: &'static str,
        all: &[(&'static str, &[f64])],
    ) -> Self {
        let first = self.next();
        let series = all.iter().enumerate().map(|(n, (name, values))| Series {
            id: id(first + 1 + n as u128),
            name,
            policy,
            values: values.to_vec(),
        });
        let series = series.collect();
        self.sampled.push(Sampled {
            id: own,
            server,
            series,
        });
        self
    }

    fn all(&self) -> impl Iterator<Item = &Series> {
        self.sampled.iter().flat_map(|one| &one.series)
    }

    fn gnocchi(&self, call: &Call) -> Reply {
        if self.away {
            return status(503);
        }
        let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        match path[1..] {
            ["v1", "search", "resource", kind] => self.search(call, kind),
            ["v1", "metric"] => {
                let named = self
                    .all()
                    .filter(|one| Some(one.name) == call.query("name"));
                let rows = named.map(|one| (one.id.clone(), metric(one))).collect();
                self.page(call, rows)
            }
            ["v1", "metric", id] => match self.all().find(|one| one.id == id) {
                Some(one) => ok(metric(one)),
                None => status(404),
            },
            ["v1", "metric", id, "measures"] => {
                let one = self.all().find(|one| one.id == id).unwrap();
                assert_eq!(call.query("granularity"), Some(granularity(one)));
                ok(points(call, one))
            }
            ["v1", "aggregates"] => self.aggregates(call),
            _ => panic!("{call:?}"),
        }
    }

    fn search(&self, call: &Call, kind: &str) -> Reply {
        assert_eq!(call.body["and"][0], json!({"=": {"project_id": "p1"}}));
        let key = match kind {
            "instance" => "id",
            _ => "instance_id",
        };
        let wanted = call.body["and"][1]["in"][key].as_array().unwrap();
        let found = self.sampled.iter().filter(|one| {
            let server = if kind == "instance" {
                Some(&one.id)
            } else {
                one.server.as_ref()
            };
            one.server.is_none() == (kind == "instance")
                && server.is_some_and(|server| wanted.contains(&json!(server)))
        });
        let rows = found.map(|one| {
            let metrics: BTreeMap<&str, &str> = one
                .series
                .iter()
                .map(|one| (one.name, one.id.as_str()))
                .collect();
            let row = json!({"id": one.id, "instance_id": one.server, "metrics": metrics,
                "ended_at": null, "type": kind});
            (one.id.clone(), row)
        });
        self.page(call, rows.collect())
    }

    fn page(&self, call: &Call, mut rows: Vec<(String, Value)>) -> Reply {
        assert_eq!(call.query("sort"), Some("id:asc"));
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let limit: usize = call.query("limit").unwrap().parse().unwrap();
        let after = call.query("marker");
        if after.is_some_and(|after| rows.iter().all(|row| row.0 != after)) {
            return status(400);
        }
        let rows = rows.into_iter().filter(|row| Some(row.0.as_str()) > after);
        let page: Vec<Value> = rows
            .take(limit.min(self.max_limit))
            .map(|row| row.1)
            .collect();
        ok(json!(page))
    }

    fn aggregates(&self, call: &Call) -> Reply {
        if let Some(refused) = self.no_aggregates {
            return status(refused);
        }
        let mut operations = &call.body["operations"];
        let mut fill = "dropna";
        if operations[0] == "resample" {
            assert_eq!(operations[1], "max");
            operations = &operations[3];
            fill = "full_ffill";
        }
        assert_eq!(call.query("fill"), Some(fill));
        let mut answer = json!({});
        for reference in &operations.as_array().unwrap()[1..] {
            let one = self
                .all()
                .find(|one| json!(one.id) == reference[0])
                .unwrap();
            if call.query("granularity") != Some(granularity(one)) {
                // `No granularity match`, and for all of them.
                return status(400);
            }
            let aggregation = reference[1].as_str().unwrap();
            answer[one.id.as_str()] = json!({aggregation: points(call, one)});
        }
        ok(json!({ "measures": answer }))
    }

    /// Ceilometer's statistics; samples each 300 s, as in Gnocchi.
    fn metering(&self, call: &Call) -> Reply {
        if self.away {
            return status(503);
        }
        let values = |key: &str| -> Vec<&str> {
            let of_key = call.pairs.iter().filter(|pair| pair.0 == key);
            of_key.map(|pair| pair.1.as_str()).collect()
        };
        assert_eq!(values("q.value")[0], "p1");
        if call.path.ends_with("/v2/resources") {
            let of_ports = self
                .sampled
                .iter()
                .map(|one| json!({"resource_id": one.id, "metadata": {"instance_id": one.server}}));
            return ok(of_ports.collect());
        }
        assert_eq!(values("q.field"), ["project_id", "timestamp", "timestamp"]);
        assert_eq!(values("q.op"), ["eq", "ge", "lt"]);
        let meter = call.path.split('/').rev().nth(1).unwrap();
        let (from, to) = (time_of(values("q.value")[1]), time_of(values("q.value")[2]));
        let period: Option<i64> = call.query("period").map(|text| text.parse().unwrap());
        let mut rows = Vec::new();
        for one in &self.sampled {
            for series in one.series.iter().filter(|series| series.name == meter) {
                let samples = series.values.iter().enumerate();
                let samples = samples
                    .map(|(n, value)| (FIRST + 300 * n as i64 + 17, *value))
                    .filter(|(time, _)| *time >= from && *time < to);
                let mut periods: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
                for (time, value) in samples {
                    let of = period.map_or(0, |period| (time - from) / period);
                    periods.entry(of).or_default().push((time, value));
                }
                for (n, samples) in periods {
                    let start = from + n * period.unwrap_or(0);
                    let max = samples.iter().map(|sample| sample.1).fold(0.0, f64::max);
                    let resource = match (&one.server, one.series.len()) {
                        (Some(server), 2) => format!("instance-0000000a-{server}-tap{}", one.id),
                        _ => one.id.clone(),
                    };
                    rows.push(
                        json!({"groupby": {"resource_id": resource}, "max": max, "unit": "?",
                        "duration_start": spelled(samples[0].0), "period_start": spelled(start)}),
                    );
                }
            }
        }
        // In no order that anybody promised.
        rows.reverse();
        ok(json!(rows))
    }
}

/// When the first sample was taken.
const FIRST: i64 = WINDOW.end - 40 * 300;

fn spelled(time: i64) -> String {
    let time = chrono::DateTime::from_timestamp(time, 0).unwrap();
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn time_of(text: &str) -> i64 {
    caso_base::time::parse_timestamp(text).unwrap()
}

fn granularity(series: &Series) -> &'static str {
    match series.policy {
        "hourly" | "useless" => "3600",
        _ => "300",
    }
}

fn metric(series: &Series) -> Value {
    let (definition, methods) = match series.policy {
        "low" => (
            json!([{"granularity": "0:05:00", "timespan": "30 days, 0:00:00", "points": 8640}]),
            json!(["mean", "rate:mean"]),
        ),
        "hourly" => (
            json!([{"granularity": "0:00:01", "timespan": "1:00:00", "points": 3600},
                {"granularity": "1:00:00", "timespan": "365 days, 0:00:00", "points": 8760}]),
            json!(["mean", "rate:mean"]),
        ),
        _ => (
            json!([{"granularity": "1:00:00", "timespan": "30 days, 0:00:00", "points": 720}]),
            json!(["rate:mean"]),
        ),
    };
    json!({"id": series.id, "name": series.name, "unit": "?", "archive_policy":
        {"name": series.policy, "back_window": 0, "definition": definition, "aggregation_methods": methods}})
}

/// From the window's end back.
fn points(call: &Call, series: &Series) -> Value {
    assert!(call.query("stop").is_some());
    let step: i64 = granularity(series).parse().unwrap();
    let start = call.query("start").map(time_of);
    let count = series.values.len() as i64;
    let points = series.values.iter().enumerate().map(|(n, value)| {
        let time = WINDOW.end - step * (count - n as i64);
        (
            time,
            json!([format!("{}+00:00", spelled(time)), step as f64, value]),
        )
    });
    points
        .filter(|(time, _)| start.is_none_or(|start| *time >= start))
        .map(|(_, point)| point)
        .collect()
}

/// Servers 1 to `count` in a cloud with these services.
fn stand(
    count: u32,
    more: &[(&'static str, &'static str)],
    telemetry: Telemetry,
) -> std::sync::Arc<Stand> {
    Cloud {
        machines: (1..=count).map(VirtualMachine::new).collect(),
        more: more.to_vec(),
        ..Cloud::default()
    }
    .start_with(move |call, _| match call.path.split('/').nth(1) {
        Some("gnocchi") => Some(telemetry.gnocchi(call)),
        Some("metering") => Some(telemetry.metering(call)),
        _ => None,
    })
}

const GNOCCHI: &[(&str, &str)] = &[("metric", "gnocchi")];
const METERING: &[(&str, &str)] = &[("metering", "metering")];

async fn extract_with(
    stand: &std::sync::Arc<Stand>,
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
        },
        &mut kept,
    )
    .await;
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

async fn extract(stand: &std::sync::Arc<Stand>) -> Told {
    let (outcome, kept, context) = extract_with(stand, CounterOptions::default()).await;
    outcome.unwrap();
    assert_eq!(context.caches.closing_warnings(), []);
    told(&kept)
}

/// Some of everything: steady, reset, several interfaces, one sample, none.
fn telemetry() -> Telemetry {
    Telemetry::new()
        .cpu(1, "low", &[5e9, 6e9, 9e9])
        .interface(1, &[10.0, 20.0], &[1.0, 2.0])
        .interface(1, &[7.0, 8.0, 3.0], &[4.0])
        .cpu(2, "low", &[5e9, 9e9, 2e9, 4e9])
        .cpu(3, "low", &[42.0])
        .cpu(4, "low", &[])
        .interface(5, &[0.0], &[0.0])
        // Of nobody that Nova knows.
        .cpu(99, "low", &[1e9])
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
    let stand = stand(6, GNOCCHI, telemetry());
    assert_eq!(extract(&stand).await, expected());
    // Two searches, the second of each for the empty page; a list of metrics
    // for each counter; and all the series at once.
    assert_eq!(stand.asked("/gnocchi/v1/search/"), 4);
    assert_eq!(stand.asked("/gnocchi/v1/metric?"), 3);
    assert_eq!(stand.asked("/gnocchi/v1/aggregates"), 1);
    assert_eq!(stand.asked("/gnocchi/"), 8);
}

#[tokio::test]
async fn ceilometers_own_api_says_the_same() {
    // Hours apart: within one, two boots are one.
    let spread =
        |values: &[f64]| -> Vec<f64> { values.iter().flat_map(|value| [*value; 12]).collect() };
    let telemetry = Telemetry::new()
        .cpu(1, "low", &spread(&[5e9, 6e9, 9e9]))
        .interface(1, &spread(&[10.0, 20.0]), &spread(&[1.0, 2.0]))
        .interface(1, &spread(&[7.0, 8.0, 3.0]), &[4.0])
        .cpu(2, "low", &spread(&[9e9, 2e9, 4e9]))
        .cpu(3, "low", &[42.0])
        .cpu(4, "low", &[])
        .interface(5, &[0.0], &[0.0])
        .cpu(99, "low", &[1e9]);
    let stand = stand(6, METERING, telemetry);
    assert_eq!(extract(&stand).await, expected());
    // For each meter what there is, and then hour by hour.
    assert_eq!(stand.asked("/metering/"), 6);
}

#[tokio::test]
async fn interfaces_with_a_ports_id_are_found_by_what_is_noted_of_them() {
    let own = id(0xb0b);
    let telemetry = Telemetry::new().add(
        own,
        Some(id(1)),
        "low",
        &[("network.incoming.bytes", &[3.0])],
    );
    let stand = stand(1, METERING, telemetry);
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
        let stand = stand(6, services, telemetry());
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
    let mut telemetry = telemetry();
    for server in 10u32..40 {
        telemetry = telemetry.cpu(u128::from(server), "low", &[f64::from(server)]);
    }
    telemetry.max_limit = 3;
    let stand = stand(40, GNOCCHI, telemetry);
    let told = extract(&stand).await;
    assert_eq!(told.len(), 34);
    assert_eq!(told[&39].0, Some(39));
}

#[tokio::test]
async fn archive_policies_are_not_mixed_in_one_question() {
    // Means of an hour over a reset: 510 is no boot of its own.
    let telemetry = telemetry().cpu(6, "hourly", &[1000.0, 1010.0, 510.0, 15.0, 25.0]);
    let stand = stand(6, GNOCCHI, telemetry);
    let mut expected = expected();
    expected.insert(6, (Some(1035), None, None));
    assert_eq!(extract(&stand).await, expected);
    assert_eq!(stand.asked("/aggregates"), 2);
    assert_eq!(stand.asked("/measures"), 0);
}

#[tokio::test]
async fn a_policy_that_keeps_no_counter_is_named() {
    let stand = stand(1, GNOCCHI, Telemetry::new().cpu(1, "useless", &[5.0]));
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
        let telemetry = Telemetry {
            no_aggregates: Some(refused),
            ..telemetry()
        };
        let stand = stand(6, GNOCCHI, telemetry);
        assert_eq!(extract(&stand).await, expected(), "{refused}");
        // Each metric of a server of ours.
        assert_eq!(stand.asked("/measures"), 10);
    }
}

#[tokio::test]
async fn gnocchi_goes_before_ceilometer_unless_told_otherwise() {
    let both = [GNOCCHI[0], METERING[0]];
    for (source, asked) in [
        (CounterSource::Any, "/gnocchi/"),
        (CounterSource::Gnocchi, "/gnocchi/"),
        (CounterSource::Ceilometer, "/metering/"),
    ] {
        let stand = stand(1, &both, telemetry());
        let options = CounterOptions {
            source,
            ..CounterOptions::default()
        };
        let (outcome, kept, _) = extract_with(&stand, options).await;
        outcome.unwrap();
        assert_eq!(told(&kept).len(), 1);
        let others = stand.asked("/gnocchi/") + stand.asked("/metering/") - stand.asked(asked);
        assert_eq!(others, 0);
    }
}

#[tokio::test]
async fn a_back_end_that_is_away_fails_the_window_by_name() {
    for (services, name) in [(GNOCCHI, "Gnocchi"), (METERING, "Ceilometer")] {
        let telemetry = Telemetry {
            away: true,
            ..telemetry()
        };
        let stand = stand(3, services, telemetry);
        let (outcome, kept, _) = extract_with(&stand, CounterOptions::default()).await;
        let error = outcome.unwrap_err();
        assert!(error.is_outage(), "{error}");
        assert!(error.to_string().starts_with(name), "{error}");
        assert!(kept.0.is_empty(), "a page without its counters");
    }
}

#[tokio::test]
async fn no_back_end_at_all_says_what_to_do() {
    let stand = stand(1, &[], Telemetry::new());
    let (outcome, ..) = extract_with(&stand, CounterOptions::default()).await;
    let error = outcome.unwrap_err();
    assert!(!error.is_outage());
    assert!(error.to_string().contains("neither Gnocchi"), "{error}");
}

#[tokio::test]
async fn a_project_without_servers_asks_nobody() {
    let stand = stand(0, &[], Telemetry::new());
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
