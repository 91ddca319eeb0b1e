//! A stand-in Prometheus: the instant query of a range selector, and of its
//! count, over series that a test makes up; refusals as the API has them.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>,
//! and for the texts of refusals Prometheus 2.42 (tests/openstack/parts).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

/// How it answers.
#[derive(Clone, Debug)]
pub enum Mood {
    Normal,
    /// This status to every query.
    Status(u16),
    /// `422` to a query that names this server.
    NotOf(String),
}

/// Labels, and samples in seconds and microwatts.
type Series = (BTreeMap<String, String>, Vec<(i64, f64)>);

struct State {
    mood: Mood,
    /// What `Authorization` must be.
    authorization: Option<String>,
    series: Vec<Series>,
    queries: Vec<String>,
}

/// Listens on a port of the loopback interface as long as the process lives.
pub struct Prometheus {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Prometheus {
    pub fn start() -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Normal,
            authorization: None,
            series: Vec::new(),
            queries: Vec::new(),
        }));
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || serve(&stream, &shared));
            }
        });
        Prometheus {
            port: address.port(),
            state,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A server's power in watts every 30 s, from and to included.
    pub fn add(&self, server: &str, labels: &[(&str, &str)], from: i64, to: i64, watts: f64) {
        let mut all = BTreeMap::from([
            ("__name__".to_owned(), "prometheus_value".to_owned()),
            (
                "instance".to_owned(),
                "compute-7.example.net:9103".to_owned(),
            ),
            (
                "type_instance".to_owned(),
                "scaph_process_power_microwatts".to_owned(),
            ),
            ("uuid".to_owned(), server.to_owned()),
        ]);
        all.extend(
            labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let samples = (from..=to).step_by(30).map(|time| (time, watts * 1e6));
        self.lock().series.push((all, samples.collect()));
    }

    /// From now on only this header opens.
    pub fn only_for(&self, authorization: &str) {
        self.lock().authorization = Some(authorization.to_owned());
    }

    pub fn set_mood(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    /// The expressions that were asked for.
    pub fn queries(&self) -> Vec<String> {
        self.lock().queries.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request a connection.
fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = answer(&first, &headers, &mut state);
    let text = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all(text.as_bytes());
}

fn answer(first: &str, headers: &[String], state: &mut State) -> (u16, String) {
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some(wanted) = &state.authorization {
        let sent = headers.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then_some(value)
        });
        if sent != Some(wanted.as_str()) {
            return (401, "Unauthorized\n".to_owned());
        }
    }
    if path != "/api/v1/query" {
        return (404, "404 page not found\n".to_owned());
    }
    let parameters: BTreeMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let (query, time) = (&parameters["query"], &parameters["time"]);
    state.queries.push(query.clone());
    let error = |status, kind: &str, text: &str| {
        let body = json!({"status": "error", "errorType": kind, "error": text});
        (status, body.to_string())
    };
    match &state.mood {
        Mood::Normal => {}
        Mood::Status(status) => return (*status, "out of order\n".to_owned()),
        Mood::NotOf(server) => {
            if query.contains(server) {
                return error(422, "execution", "this server is cursed");
            }
        }
    }
    let end: i64 = time.parse().expect("whole seconds");
    let count = query.starts_with("sum(count_over_time(");
    let range = query.rsplit_once('[').map(|(_, range)| range);
    let seconds = range.and_then(|range| range.split_once("s]"));
    let Some(Ok(seconds)) = seconds.map(|(seconds, _)| seconds.parse::<i64>()) else {
        return error(400, "bad_data", "parse error");
    };
    let mut found: Vec<Value> = Vec::new();
    let mut total = 0;
    for (labels, samples) in &state.series {
        // As the selector has them: every label that it names, by value.
        let asked = |(name, value): (&String, &String)| {
            let named = ["{", ","]
                .iter()
                .any(|before| query.contains(&format!("{before}{name}=")));
            !named || query.contains(value.as_str())
        };
        if !labels.iter().all(asked) {
            continue;
        }
        let values: Vec<Value> = samples
            .iter()
            .filter(|(time, _)| (end - seconds..=end).contains(time))
            .map(|(time, value)| json!([time, value.to_string()]))
            .collect();
        total += values.len();
        if !values.is_empty() && !count {
            found.push(json!({"metric": labels, "values": values}));
        }
    }
    if count && total > 0 {
        found.push(json!({"metric": {}, "value": [end, total.to_string()]}));
    }
    let kind = if count { "vector" } else { "matrix" };
    let body = json!({"status": "success", "data": {"resultType": kind, "result": found}});
    (200, body.to_string())
}
