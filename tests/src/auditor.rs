//! A stand-in for AUDITOR. It follows the server's source, the crate `auditor` 0.11.2 of
//! crates.io: `startup.rs` (paths, and the 2 MiB that actix-web takes of JSON), `routes/add.rs`
//! and `routes/update.rs` (statuses and texts; many records are one `INSERT`, so that all are
//! stored or none, also where `ignore_record_exists_error` makes the answer 200),
//! `domain/record.rs` and `validname.rs` (what a record must have), `middleware.rs` (403).
//! The texts and statuses are those that this server gave when it was asked; `tests/consumers/auditor`
//! runs ours against it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rest::{Asked, Rest, Said, Service};

/// Bytes of JSON that it takes.
const LIMIT: usize = 2 << 20;

/// What it has, and how it is configured.
#[derive(Default)]
pub struct Auditor {
    /// By `record_id`.
    pub records: BTreeMap<String, Value>,
    /// `ignore_record_exists_error`.
    pub ignores: bool,
    /// It has lost its database.
    pub lost: bool,
    /// It knows no writer of this common name (`write_access_cn`).
    pub stranger: bool,
    /// Records with this text in them are none to it, as if it had another version's rules.
    pub bad: Option<String>,
}

impl Auditor {
    pub fn start() -> Rest<Self> {
        Rest::start(Self::default())
    }
}

fn nothing(status: u16) -> Said {
    Said::new(status, "", "")
}

fn text(status: u16, body: impl Into<String>) -> Said {
    Said::new(status, "text/plain; charset=utf-8", body)
}

/// What is wrong with a name.
fn name(value: &Value) -> Result<&str, String> {
    let name = value.as_str().ok_or("invalid type: expected a string")?;
    // It counts graphemes; of what the tests send each is a character.
    if name.trim().is_empty() || name.chars().count() > 256 {
        return Err(format!("Parsing '{name}' failed"));
    }
    Ok(name)
}

/// What is wrong with a record, as serde says it.
fn check(record: &Value) -> Result<&str, String> {
    let missing = |field: &str| format!("missing field `{field}`");
    let id = name(record.get("record_id").ok_or(missing("record_id"))?)?;
    for (key, values) in record["meta"].as_object().into_iter().flatten() {
        name(&json!(key))?;
        let values = values.as_array().ok_or("invalid type: expected a list")?;
        for value in values {
            name(value)?;
        }
    }
    let components = record["components"].as_array();
    for component in components.ok_or(missing("components"))? {
        name(&component["name"])?;
        let amount = component["amount"]
            .as_i64()
            .ok_or("invalid type: expected i64")?;
        if amount < 0 {
            return Err(format!("Parsing '{amount}' failed."));
        }
        let scores = component["scores"].as_array();
        for score in scores.ok_or(missing("scores"))? {
            name(&score["name"])?;
            if score["value"].as_f64().is_none_or(|value| value < 0.0) {
                return Err("Parsing the value failed".to_owned());
            }
        }
    }
    let start = record.get("start_time").ok_or(missing("start_time"))?;
    for time in [Some(start), record.get("stop_time")].into_iter().flatten() {
        let read = time.as_str().map(chrono::DateTime::parse_from_rfc3339);
        if !matches!(read, Some(Ok(_))) {
            return Err("input contains invalid characters".to_owned());
        }
    }
    Ok(id)
}

impl Service for Auditor {
    fn answer(&mut self, asked: &Asked) -> Said {
        if self.stranger {
            return text(403, "Insufficient permissions");
        }
        if asked.line == "GET /health_check" {
            return nothing(if self.lost { 500 } else { 200 });
        }
        let paths = ["/record", "/records"];
        let Some((method, path)) = asked
            .line
            .split_once(' ')
            .filter(|it| paths.contains(&it.1))
        else {
            return Said::new(
                404,
                "",
                "The requested resource was not found. 404 Not Found",
            );
        };
        if !matches!((method, path), ("POST", _) | ("PUT", "/record")) {
            return nothing(405);
        }
        if asked.header("content-type") != Some("application/json") {
            return text(400, "Content type error");
        }
        let bytes = asked.body.len();
        if bytes > LIMIT {
            return text(
                413,
                format!(
                    "JSON payload ({bytes} bytes) is larger than allowed (limit: {LIMIT} bytes)."
                ),
            );
        }
        let bad = |what: String| text(400, format!("Json deserialize error: {what} at line 1"));
        let records = match (path, serde_json::from_str(&asked.body)) {
            ("/records", Ok(Value::Array(records))) => records,
            ("/record", Ok(record @ Value::Object(_))) => vec![record],
            (_, Ok(_)) => return bad("invalid type".to_owned()),
            (_, Err(error)) => return bad(error.to_string()),
        };
        let mut new = BTreeMap::new();
        let mut again = false;
        for record in records {
            if let Some(text) = &self.bad
                && record.to_string().contains(text)
            {
                return bad(format!("Parsing '{text}' failed"));
            }
            match check(&record) {
                Ok(id) => again |= new.insert(id.to_owned(), record.clone()).is_some(),
                Err(what) => return bad(what),
            }
        }
        if self.lost {
            return Said::new(500, "", "UNEXPECTED_ERROR");
        }
        if method == "PUT" {
            return self.update(new);
        }
        if again || new.keys().any(|id| self.records.contains_key(id)) {
            return match self.ignores {
                true => Said::new(
                    200,
                    "application/json",
                    json!({"warning": "One or more records already exist, but the error was ignored due to AUDITOR configuration."}).to_string(),
                ),
                false => Said::new(500, "", "RECORD_EXISTS"),
            };
        }
        self.records.extend(new);
        nothing(200)
    }
}

impl Auditor {
    /// Sets the stop time, and nothing else.
    fn update(&mut self, records: BTreeMap<String, Value>) -> Said {
        for (id, record) in records {
            let Some(stop) = record.get("stop_time") else {
                return text(400, "Json deserialize error: missing field `stop_time`");
            };
            let Some(known) = self.records.get_mut(&id) else {
                return text(404, format!("Updating unknown record {id} not possible."));
            };
            known["stop_time"] = stop.clone();
        }
        nothing(200)
    }
}
