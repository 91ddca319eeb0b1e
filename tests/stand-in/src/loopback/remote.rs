//! How another process makes the cloud misbehave: the faults of a test in words.
//!
//! `POST /stand-in/faults` with `{"on": "/servers/detail", "nth": 2, "fault": "closed"}` injects
//! one (see [`Rule`] and [`Fault`]; without `nth` it befalls every request), `GET` answers how
//! often one struck since, as `{"struck": 1}`, and `DELETE` makes all well again. A number for
//! `fault` is a status, `{"clock_ahead": 3600}` sets the cloud's clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::fault::{Fault, Rule};
use super::{Port, lock};
use crate::answer::Answer;
use crate::request::Seen;

pub fn answer(port: &Port, seen: &Seen) -> Answer {
    match seen.method.as_str() {
        "GET" => Answer::json(200, &json!({"struck": lock(&port.faults).struck()})),
        "DELETE" => {
            lock(&port.faults).clear();
            port.state.change(|plan| plan.clock_ahead = 0);
            Answer::json(200, &Value::Null)
        }
        _ => match inject(port, &seen.body) {
            Some(()) => Answer::json(200, &Value::Null),
            None => Answer::json(400, &json!({"unknown": seen.body})),
        },
    }
}

fn inject(port: &Port, body: &str) -> Option<()> {
    let asked: Value = serde_json::from_str(body).ok()?;
    if let Some(ahead) = asked.get("clock_ahead") {
        let ahead = ahead.as_i64()?;
        port.state.change(|plan| plan.clock_ahead = ahead);
        return Some(());
    }
    let fault = match &asked["fault"] {
        Value::Number(status) => Fault::Status(u16::try_from(status.as_u64()?).ok()?),
        Value::String(name) => named(name)?,
        _ => return None,
    };
    let rule = Rule::on(asked["on"].as_str()?);
    let rule = match asked.get("nth") {
        None => rule,
        Some(nth) => rule.nth(u32::try_from(nth.as_u64()?).ok()?),
    };
    lock(&port.faults).add(rule, fault);
    Some(())
}

fn named(name: &str) -> Option<Fault> {
    Some(match name {
        "html" => Fault::Html,
        "truncated" => Fault::Truncated,
        "half a body" => Fault::HalfBody,
        "slow" => Fault::Slow(Duration::from_millis(300)),
        "never" => Fault::Never,
        "closed" => Fault::Closed,
        "the token ends" => Fault::TokenEnds,
        _ => return None,
    })
}
