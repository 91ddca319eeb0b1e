//! Ceilometer's own API, version 2: statistics of a meter, and resources.
//! <https://docs.openstack.org/ceilometer/pike/webapi/v2.html>
//!
//! Where the reference is silent: rows come in no order that anybody promised, and a
//! list without `limit` ends after 100 rows without a word.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Counter, project};
use crate::answer::Answer;
use crate::request::Seen;
use crate::state::State;
use crate::time::{changes_since, format};

/// `[api]default_api_return_limit`.
const DEFAULT_LIMIT: usize = 100;

impl Counter {
    /// What Ceilometer calls it.
    fn sampled(&self) -> String {
        match &self.interface {
            None => self.server.clone(),
            Some(id) if self.by_port => id.clone(),
            Some(id) => format!("instance-00000001-{}-tap{}", self.server, &id[..8]),
        }
    }
}

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let own = match project(state, seen) {
        Ok(own) => own,
        Err(answer) => return answer,
    };
    let values = |key: &str| -> Vec<&str> {
        let of_key = seen.query.iter().filter(|pair| pair.0 == key);
        of_key.map(|pair| pair.1.as_str()).collect()
    };
    let conditions: Vec<(&str, &str)> = values("q.field").into_iter().zip(values("q.op")).collect();
    let asked = values("q.value");
    if conditions.first() == Some(&("project_id", "eq")) && asked.first() != Some(&own.as_str()) {
        return fault(401, "Not Authorized to access project");
    }
    let world = state.world();
    let all = world.plan.telemetry.counters.iter();
    let counters: Vec<&Counter> = all.filter(|one| one.project == own).collect();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (parts.as_slice(), conditions.as_slice()) {
        (["v2", "resources"], [("project_id", "eq")]) => resources(seen, &counters),
        (
            ["v2", "meters", meter, "statistics"],
            [
                ("project_id", "eq"),
                ("timestamp", "ge"),
                ("timestamp", "lt"),
            ],
        ) => match (changes_since(asked[1]), changes_since(asked[2])) {
            (Some(from), Some(to)) => statistics(seen, &counters, meter, from, to),
            _ => fault(400, "Invalid input for field/attribute timestamp"),
        },
        _ => fault(404, "Not found"),
    }
}

fn resources(seen: &Seen, counters: &[&Counter]) -> Answer {
    let limit = seen.param("limit").and_then(|limit| limit.parse().ok());
    let mut rows: BTreeMap<String, Value> = BTreeMap::new();
    for one in counters {
        let of = one.interface.as_ref().map(|_| &one.server);
        let row = json!({"resource_id": one.sampled(), "metadata": {"instance_id": of}});
        rows.insert(one.sampled(), row);
    }
    let rows: Vec<Value> = rows
        .into_values()
        .take(limit.unwrap_or(DEFAULT_LIMIT))
        .collect();
    Answer::json(200, &json!(rows))
}

fn statistics(seen: &Seen, counters: &[&Counter], meter: &str, from: i64, to: i64) -> Answer {
    let period: Option<i64> = seen.param("period").and_then(|text| text.parse().ok());
    let time = |at: i64| format(at, "%Y-%m-%dT%H:%M:%S");
    let mut rows = Vec::new();
    for one in counters.iter().filter(|one| one.meter == meter) {
        let mut periods: BTreeMap<i64, Vec<(i64, f64)>> = BTreeMap::new();
        for (at, value) in one.samples.iter().filter(|(at, _)| (from..to).contains(at)) {
            let of = period.map_or(0, |period| (at - from) / period);
            periods.entry(of).or_default().push((*at, *value));
        }
        for (n, samples) in periods {
            let max = samples.iter().map(|sample| sample.1).fold(0.0, f64::max);
            rows.push(
                json!({"groupby": {"resource_id": one.sampled()}, "max": max, "unit": "?",
                "count": samples.len(), "duration_start": time(samples[0].0),
                "period_start": time(from + n * period.unwrap_or(0))}),
            );
        }
    }
    rows.reverse();
    Answer::json(200, &json!(rows))
}

fn fault(status: u16, text: &str) -> Answer {
    let fault = json!({"faultcode": "Client", "faultstring": text, "debuginfo": null});
    Answer::json(status, &json!({ "error_message": fault }))
}
