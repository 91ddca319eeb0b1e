//! A Prometheus of a few series: the instant query of a range, and its count.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>.
//! As 2.42 does, it gives the samples of a range with both of its ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NOW, Reply, ok};
use crate::PowerSource;
use caso_base::PinnedClock;
use caso_net::{Request, Response, Transport};
use caso_openstack::RetryPolicy;
use caso_openstack::prometheus::{Prometheus, PrometheusSettings, Selector};

/// A query, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub count: bool,
    pub servers: Vec<String>,
    pub end: i64,
    pub seconds: i64,
}

type Event = Box<dyn FnMut(&Asked) -> Option<Reply> + Send>;

/// A series' labels and samples, in milliseconds and microwatts.
type Meter = (BTreeMap<String, String>, Vec<(i64, f64)>);

#[derive(Default)]
pub struct Meters {
    series: Vec<Meter>,
    /// The most samples that a query may touch.
    most: Option<usize>,
    event: Mutex<Option<Event>>,
    log: Mutex<Vec<Asked>>,
}

impl Meters {
    /// 3.6 W from `from` to `to`, both included: 1 Wh in 1000 s.
    pub fn steady(self, server: u32, from: i64, to: i64) -> Self {
        let times = (from..=to).step_by(30).map(|time| (time * 1000, 3.6e6));
        self.with(server, &[], times.collect())
    }

    pub fn with(mut self, server: u32, more: &[(&str, &str)], samples: Vec<(i64, f64)>) -> Self {
        let id = Uuid::from_u128(u128::from(server)).to_string();
        let mut labels = BTreeMap::from([
            ("__name__".to_owned(), "power".to_owned()),
            ("uuid".to_owned(), id),
            ("type".to_owned(), "vm".to_owned()),
        ]);
        for (name, value) in more {
            labels.insert((*name).to_owned(), (*value).to_owned());
        }
        self.series.push((labels, samples));
        self
    }

    pub fn at_most(mut self, samples: usize) -> Self {
        self.most = Some(samples);
        self
    }

    /// `event` sees every query first, and may answer.
    pub fn start_with(
        mut self,
        event: impl FnMut(&Asked) -> Option<Reply> + Send + 'static,
    ) -> Arc<Self> {
        self.event = Mutex::new(Some(Box::new(event)));
        Arc::new(self)
    }

    pub fn start(self) -> Arc<Self> {
        Arc::new(self)
    }

    pub fn source(self: &Arc<Self>) -> PowerSource {
        let settings = PrometheusSettings {
            endpoint: "http://prometheus:9090".parse().unwrap(),
            login: None,
            retry: RetryPolicy::default(),
        };
        PowerSource {
            client: Prometheus::new(settings, self.clone(), Arc::new(PinnedClock::at(NOW))),
            selector: Selector {
                metric: "power".into(),
                uuid_label: "uuid".into(),
                labels: vec![("type".into(), "vm".into())],
            },
            step: 30,
            sum_labels: Vec::new(),
        }
    }

    pub fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let (from, to) = ((asked.end - asked.seconds) * 1000, asked.end * 1000);
        let mut result: Vec<Value> = Vec::new();
        let mut total = 0;
        for (labels, samples) in &self.series {
            if !asked.servers.contains(&labels["uuid"]) {
                continue;
            }
            let within: Vec<Value> = samples
                .iter()
                .filter(|(time, _)| (from..=to).contains(time))
                .map(|(time, value)| json!([*time as f64 / 1000.0, value.to_string()]))
                .collect();
            if within.is_empty() {
                continue;
            }
            total += within.len();
            if !asked.count {
                result.push(json!({"metric": labels, "values": within}));
            }
        }
        if self.most.is_some_and(|most| total > most) {
            let error =
                "query processing would load too many samples into memory in query execution";
            let body = json!({"status": "error", "errorType": "execution", "error": error});
            return Ok(Response {
                status: 422,
                headers: Vec::new(),
                body: body.to_string().into_bytes(),
            });
        }
        if asked.count && total > 0 {
            result.push(json!({"metric": {}, "value": [asked.end, total.to_string()]}));
        }
        let kind = if asked.count { "vector" } else { "matrix" };
        ok(json!({"status": "success", "data": {"resultType": kind, "result": result}}))
    }
}

impl Transport for Meters {
    fn send(&self, request: Request) -> BoxFuture<'_, Reply> {
        assert_eq!(request.url.path(), "/api/v1/query");
        let parameters: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let asked = read(&parameters["query"], &parameters["time"]);
        self.log.lock().unwrap().push(asked.clone());
        let event = self
            .event
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|event| event(&asked));
        ready(event.unwrap_or_else(|| self.answer(&asked))).boxed()
    }
}

fn read(query: &str, time: &str) -> Asked {
    let inner = query
        .strip_prefix("sum(count_over_time(")
        .and_then(|rest| rest.strip_suffix("))"));
    let (selector, range) = inner.unwrap_or(query).split_once('[').unwrap();
    let ids = selector
        .strip_prefix(r#"power{type="vm",uuid="#)
        .and_then(|rest| rest.strip_suffix(r#""}"#))
        .unwrap_or_else(|| panic!("{selector}"));
    let ids = ids.trim_start_matches('~').trim_start_matches('"');
    Asked {
        count: inner.is_some(),
        servers: ids.split('|').map(str::to_owned).collect(),
        end: time.parse().unwrap(),
        seconds: range.strip_suffix("s]").unwrap().parse().unwrap(),
    }
}
