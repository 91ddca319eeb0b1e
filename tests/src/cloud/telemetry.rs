//! Counters of servers and interfaces, by Gnocchi and by Ceilometer's own API.
//!
//! Shapes, refusals and limits are those of Gnocchi 4.7.1 and Ceilometer 9.0.7,
//! which `tests/openstack/parts` runs (their READMEs say what was seen there),
//! as far as an accounting run asks them: Gnocchi's policy is Ceilometer's own
//! (a mean each 300 s, here kept for ever), whatever the samples' times.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Answer;
use super::keystone::Scope;
use super::request::Seen;
use super::serve::State;
use super::time::{changes_since, format};

/// What is measured, and who tells it.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Gnocchi is in the catalog.
    pub gnocchi: bool,
    /// Ceilometer's own API is.
    pub ceilometer: bool,
    pub counters: Vec<Counter>,
}

/// The samples of one counter.
#[derive(Clone, Debug)]
pub struct Counter {
    pub project: String,
    pub server: String,
    /// Its id in Gnocchi; none where the counter is the server's own.
    pub interface: Option<String>,
    /// `cpu`, `network.incoming.bytes`, …
    pub meter: &'static str,
    pub samples: Vec<(i64, f64)>,
}

impl Counter {
    fn resource(&self) -> &str {
        self.interface.as_deref().unwrap_or(&self.server)
    }

    /// An id of its own: the resource's, with the meter in its first digits.
    fn metric(&self) -> String {
        let digit = match self.meter {
            "cpu" => "c",
            "network.incoming.bytes" => "1",
            _ => "0",
        };
        format!("{digit}{}", &self.resource()[1..])
    }

    fn metric_json(&self) -> Value {
        json!({"id": self.metric(), "name": self.meter, "archive_policy": {
            "name": "ceilometer-low-rate", "back_window": 0, "aggregation_methods": ["rate:mean", "mean"],
            "definition": [{"granularity": "0:05:00", "timespan": "30 days, 0:00:00", "points": 8640}]}})
    }
}

/// Both refuse alike: keystonemiddleware stands before them.
fn project(state: &State, seen: &Seen) -> Result<String, Answer> {
    let refused = || {
        let body = json!({"error": {"code": 401, "title": "Unauthorized",
            "message": "The request you have made requires authentication."}});
        Answer::json(401, &body)
    };
    match state.token(seen).map(|token| token.scope) {
        Some(Scope::Project(id)) => Ok(id),
        // No project, and so nothing of anybody's.
        Some(_) => Err(Answer::json(200, &json!([]))),
        None => Err(refused()),
    }
}

pub fn gnocchi(state: &State, seen: &Seen, body: &[u8], path: &str) -> Answer {
    let own = match project(state, seen) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    let world = state.world();
    let counters: Vec<&Counter> = world
        .plan
        .telemetry
        .counters
        .iter()
        .filter(|counter| counter.project == own)
        .collect();
    let question: Value = serde_json::from_slice(body).unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v1", "search", "resource", kind] => {
            let rows = search(&counters, kind, &question);
            page(seen, rows, world.plan.max_limit)
        }
        ["v1", "metric"] => {
            let named = counters
                .iter()
                .filter(|one| seen.param("name") == Some(one.meter));
            let rows = named.map(|one| one.metric_json()).collect();
            page(seen, rows, world.plan.max_limit)
        }
        ["v1", "metric", id] => match counters.iter().find(|one| one.metric() == *id) {
            Some(one) => Answer::json(200, &one.metric_json()),
            None => refusal(404, "Metric does not exist"),
        },
        ["v1", "aggregates"] => aggregates(seen, &counters, &question),
        _ => refusal(404, "The resource could not be found."),
    }
}

fn refusal(status: u16, description: &str) -> Answer {
    Answer::json(
        status,
        &json!({"code": status, "title": "", "description": description}),
    )
}

fn search(counters: &[&Counter], kind: &str, question: &Value) -> Vec<Value> {
    let key = if kind == "instance" {
        "id"
    } else {
        "instance_id"
    };
    let conditions = question["and"].as_array().cloned().unwrap_or_default();
    let wanted: Vec<Value> = conditions
        .iter()
        .find_map(|condition| condition["in"][key].as_array().cloned())
        .unwrap_or_default();
    let mut found: BTreeMap<&str, Value> = BTreeMap::new();
    for one in counters {
        let fits = one.interface.is_none() == (kind == "instance");
        if fits && wanted.contains(&json!(one.server)) {
            let row = found.entry(one.resource()).or_insert_with(|| {
                json!({"id": one.resource(), "type": kind, "project_id": one.project,
                    "instance_id": one.interface.as_ref().map(|_| &one.server), "metrics": {}})
            });
            row["metrics"][one.meter] = json!(one.metric());
        }
    }
    found.into_values().collect()
}

/// A page by `limit` and `marker`, sorted by id.
fn page(seen: &Seen, mut rows: Vec<Value>, max_limit: usize) -> Answer {
    rows.sort_by_key(|row| row["id"].to_string());
    if let Some(marker) = seen.param("marker") {
        let Some(at) = rows.iter().position(|row| row["id"] == marker) else {
            return refusal(400, "Invalid input: marker");
        };
        rows.drain(..=at);
    }
    let asked = seen.param("limit").and_then(|limit| limit.parse().ok());
    rows.truncate(asked.unwrap_or(max_limit).min(max_limit));
    Answer::json(200, &json!(rows))
}

fn aggregates(seen: &Seen, counters: &[&Counter], question: &Value) -> Answer {
    let mut operations = &question["operations"];
    if operations[0] == "resample" {
        operations = &operations[3];
    }
    let time = |name: &str| seen.param(name).and_then(changes_since);
    let (start, stop) = (time("start"), time("stop"));
    if seen.param("granularity") != Some("300") {
        return refusal(400, "Granularities are missing");
    }
    let mut measures = json!({});
    for reference in operations.as_array().into_iter().flatten().skip(1) {
        let Some(one) = counters.iter().find(|one| reference[0] == one.metric()) else {
            return refusal(404, "Unknown metrics");
        };
        let buckets = one
            .samples
            .iter()
            .map(|(at, value)| (at - at.rem_euclid(300), value));
        let points: Vec<Value> = buckets
            .filter(|(at, _)| {
                start.is_none_or(|start| *at >= start) && stop.is_none_or(|stop| *at < stop)
            })
            .map(|(at, value)| json!([format(at, "%Y-%m-%dT%H:%M:%S+00:00"), 300.0, value]))
            .collect();
        measures[one.metric()] = json!({"mean": points});
    }
    Answer::json(200, &json!({ "measures": measures }))
}

pub fn ceilometer(state: &State, seen: &Seen, path: &str) -> Answer {
    let own = match project(state, seen) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    let values = |key: &str| -> Vec<&str> {
        let of_key = seen.query.iter().filter(|pair| pair.0 == key);
        of_key.map(|pair| pair.1.as_str()).collect()
    };
    let (fields, asked) = (values("q.field"), values("q.value"));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (["v2", "meters", meter, "statistics"], ["project_id", "timestamp", "timestamp"]) =
        (parts.as_slice(), fields.as_slice())
    else {
        return fault(404, "Not found");
    };
    if asked.first() != Some(&own.as_str()) {
        return fault(401, "Not Authorized to access project");
    }
    let (Some(from), Some(to)) = (changes_since(asked[1]), changes_since(asked[2])) else {
        return fault(400, "Invalid input for field/attribute timestamp");
    };
    let period: Option<i64> = seen.param("period").and_then(|text| text.parse().ok());
    let world = state.world();
    let counters = world.plan.telemetry.counters.iter();
    let mut rows = Vec::new();
    for one in counters.filter(|one| one.project == own && one.meter == *meter) {
        let resource = match &one.interface {
            None => one.server.clone(),
            Some(id) => format!("instance-00000001-{}-tap{}", one.server, &id[..8]),
        };
        let mut periods: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
        for (at, value) in one.samples.iter().filter(|(at, _)| (from..to).contains(at)) {
            let of = period.map_or(0, |period| (at - from) / period);
            periods.entry(of).or_default().push((*at, *value));
        }
        for (n, samples) in periods {
            let time = |at: i64| format(at, "%Y-%m-%dT%H:%M:%S");
            let max = samples.iter().map(|sample| sample.1).fold(0.0, f64::max);
            rows.push(json!({"groupby": {"resource_id": resource}, "max": max,
                "count": samples.len(), "duration_start": time(samples[0].0),
                "period_start": time(from + n * period.unwrap_or(0))}));
        }
    }
    Answer::json(200, &json!(rows))
}

fn fault(status: u16, text: &str) -> Answer {
    let fault = json!({"faultcode": "Client", "faultstring": text, "debuginfo": null});
    Answer::json(status, &json!({ "error_message": fault }))
}
