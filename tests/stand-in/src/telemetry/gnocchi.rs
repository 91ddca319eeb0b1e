//! Gnocchi: searches, metrics with their archive policies, and measures.
//! <https://gnocchi.osci.io/rest.html>
//!
//! Of the rules that are not in the reference: a list without `sort` begins with what
//! was made first, so that a marker by id leads nowhere; a question about several
//! metrics is refused as a whole where one of them has no such series.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Counter, project};
use crate::answer::Answer;
use crate::request::Seen;
use crate::state::State;
use crate::time::{changes_since, format};

impl Counter {
    fn resource(&self) -> &str {
        self.interface.as_deref().unwrap_or(&self.server)
    }

    /// An id of its own: the resource's, with the meter in its first digit.
    fn metric(&self) -> String {
        let digit = match self.meter {
            "cpu" => "c",
            "network.incoming.bytes" => "1",
            _ => "0",
        };
        format!("{digit}{}", &self.resource()[1..])
    }

    fn metric_json(&self) -> Value {
        let policy = self.policy;
        let definition = policy.definition.iter().map(|(seconds, points)| {
            json!({"granularity": span(*seconds), "timespan": span(seconds * points), "points": points})
        });
        json!({"id": self.metric(), "name": self.meter, "unit": "?", "archive_policy": {
            "name": policy.name, "back_window": 0, "aggregation_methods": policy.methods,
            "definition": definition.collect::<Vec<_>>()}})
    }

    /// The means of a series' buckets that are still kept; none where the policy has
    /// no such series.
    fn series(&self, aggregation: &str, granularity: i64) -> Option<BTreeMap<i64, f64>> {
        let mut definition = self.policy.definition.iter();
        let (_, points) = definition.find(|(seconds, _)| *seconds == granularity)?;
        if aggregation != "mean" || !self.policy.methods.contains(&aggregation) {
            return None;
        }
        let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (at, value) in &self.samples {
            let begin = at - at.rem_euclid(granularity);
            buckets.entry(begin).or_default().push(*value);
        }
        let newest = buckets.keys().last().copied().unwrap_or_default();
        buckets.retain(|begin, _| *begin > newest - granularity * points);
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        Some(
            buckets
                .into_iter()
                .map(|(begin, values)| (begin, mean(values)))
                .collect(),
        )
    }
}

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let own = match project(state, seen) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    let world = state.world();
    let telemetry = &world.plan.telemetry;
    let all = telemetry.counters.iter();
    let counters: Vec<&Counter> = all.filter(|counter| counter.project == own).collect();
    let question: Value = serde_json::from_str(&seen.body).unwrap_or_default();
    let by_id = |id: &str| counters.iter().find(|one| one.metric() == id);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v1", "search", "resource", kind] => {
            let rows = search(&counters, kind, &question);
            page(seen, rows, telemetry.max_limit)
        }
        ["v1", "metric"] => {
            let named = counters
                .iter()
                .filter(|one| seen.param("name") == Some(one.meter));
            let rows = named.map(|one| one.metric_json()).collect();
            page(seen, rows, telemetry.max_limit)
        }
        ["v1", "metric", id] => match by_id(id) {
            Some(one) => Answer::json(200, &one.metric_json()),
            None => refusal(404, "Metric does not exist"),
        },
        ["v1", "metric", id, "measures"] => {
            let aggregation = seen.param("aggregation").unwrap_or("mean");
            let series = granularity(seen)
                .and_then(|seconds| Some((seconds, by_id(id)?.series(aggregation, seconds)?)));
            match series {
                Some((seconds, series)) => {
                    Answer::json(200, &points(within(seen, series), seconds))
                }
                None => refusal(404, "Aggregation method at granularity does not exist"),
            }
        }
        ["v1", "aggregates"] => match aggregates(seen, &counters, &question) {
            Ok(measures) => Answer::json(200, &json!({ "measures": measures })),
            Err(refused) => refused,
        },
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
    let mut found: Vec<Value> = Vec::new();
    for one in counters {
        let fits = one.interface.is_none() == (kind == "instance");
        if fits && wanted.contains(&json!(one.server)) {
            let known = found.iter().position(|row| row["id"] == one.resource());
            let place = known.unwrap_or(found.len());
            if known.is_none() {
                found.push(json!({
                    "id": one.resource(), "type": kind, "project_id": one.project, "ended_at": null,
                    "instance_id": one.interface.as_ref().map(|_| &one.server), "metrics": {}}));
            }
            found[place]["metrics"][one.meter] = json!(one.metric());
        }
    }
    found
}

/// A page by `limit` and `marker`.
fn page(seen: &Seen, mut rows: Vec<Value>, max_limit: usize) -> Answer {
    match seen.param("sort") {
        Some("id:asc") => rows.sort_by_key(|row| row["id"].to_string()),
        Some(_) => return refusal(400, "Invalid input: sort"),
        None => {}
    }
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

/// Many series at once, or the greatest value of each so many seconds of them.
fn aggregates(seen: &Seen, counters: &[&Counter], question: &Value) -> Result<Value, Answer> {
    let (operations, peaks) = match &question["operations"] {
        resample if resample[0] == "resample" => {
            let seconds = resample[2].as_i64().filter(|_| resample[1] == "max");
            let seconds = seconds.ok_or_else(|| refusal(400, "Invalid operations"))?;
            (&resample[3], Some(seconds))
        }
        plain => (plain, None),
    };
    let fill = if peaks.is_some() {
        "full_ffill"
    } else {
        "dropna"
    };
    if seen.param("fill") != Some(fill) {
        return Err(refusal(400, "fill must be a float or a known word"));
    }
    let granularity = granularity(seen).ok_or_else(|| refusal(400, "Granularities are missing"))?;
    let mut measures = json!({});
    for reference in operations.as_array().into_iter().flatten().skip(1) {
        let Some(one) = counters.iter().find(|one| reference[0] == one.metric()) else {
            return Err(refusal(404, "Unknown metrics"));
        };
        let aggregation = reference[1].as_str().unwrap_or_default();
        let series = one
            .series(aggregation, granularity)
            .ok_or_else(|| refusal(400, "No granularity match"))?;
        let mut series = within(seen, series);
        if let Some(seconds) = peaks {
            let mut greatest: BTreeMap<i64, f64> = BTreeMap::new();
            for (at, value) in series {
                let of = greatest.entry(at - at.rem_euclid(seconds)).or_insert(value);
                *of = of.max(value);
            }
            series = greatest;
        }
        measures[one.metric()] = json!({aggregation: points(series, peaks.unwrap_or(granularity))});
    }
    Ok(measures)
}

fn granularity(seen: &Seen) -> Option<i64> {
    seen.param("granularity")?.parse().ok()
}

/// From `start` on, before `stop`.
fn within(seen: &Seen, mut series: BTreeMap<i64, f64>) -> BTreeMap<i64, f64> {
    let time = |name: &str| seen.param(name).and_then(changes_since);
    let (start, stop) = (time("start"), time("stop"));
    series.retain(|at, _| {
        start.is_none_or(|start| *at >= start) && stop.is_none_or(|stop| *at < stop)
    });
    series
}

fn points(series: BTreeMap<i64, f64>, seconds: i64) -> Value {
    let point = |(at, value)| json!([format(at, "%Y-%m-%dT%H:%M:%S+00:00"), seconds as f64, value]);
    series.into_iter().map(point).collect()
}

/// As Python prints a span of time: `30 days, 0:05:00`.
fn span(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{}:{:02}:{:02}", rest / 3600, rest % 3600 / 60, rest % 60);
    match days {
        0 => clock,
        1 => format!("1 day, {clock}"),
        _ => format!("{days} days, {clock}"),
    }
}
