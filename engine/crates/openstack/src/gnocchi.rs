//! Gnocchi, as far as accounting needs it: which metrics a project's servers
//! and interfaces have, and what was measured. Written against 4.7.
//! <https://gnocchi.osci.io/rest.html>
//!
//! Every call is for one project and with its token: one for the system gets
//! empty lists, or a 500. Lists are read by `limit`, `marker` and `sort` of our
//! own making (the `Link` of a search has rubbish in it), and end with a page
//! that is empty: `[api]max_limit` may give fewer rows than were asked for
//! without being at the end.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::filled::filled;
use super::pages::LEAST_LIMIT;
use super::{ApiError, Scope, Service, Session};
use caso_base::time::format_naive;

/// Resource type of a server; its id is the server's.
const INSTANCE: &str = "instance";
/// Resource type of a server's interface, which names the server in
/// `instance_id` and nowhere else.
const INTERFACE: &str = "instance_network_interface";

/// Gnocchi, seen by one project.
#[derive(Clone)]
pub struct Gnocchi {
    session: Session,
    project: String,
    page_size: u32,
}

/// A server or an interface, with the ids of its metrics by their names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resource {
    pub id: String,
    /// Of an interface: its server.
    #[serde(default)]
    pub instance_id: Option<String>,
    #[serde(default)]
    pub metrics: BTreeMap<String, String>,
}

/// A metric, and by which rules its measures are kept.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metric {
    pub id: String,
    pub archive_policy: ArchivePolicy,
}

/// What is kept of a metric's measures, and for how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ArchivePolicy {
    pub name: String,
    pub definition: Vec<Definition>,
    /// `mean`, `max`, `rate:mean`, …
    pub aggregation_methods: Vec<String>,
}

/// One line of an archive policy, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Definition {
    #[serde(deserialize_with = "timespan")]
    pub granularity: f64,
    #[serde(deserialize_with = "timespan")]
    pub timespan: f64,
}

/// How a bucket's measures became one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aggregation {
    Max,
    Last,
    Mean,
}

impl Aggregation {
    pub fn as_str(self) -> &'static str {
        match self {
            Aggregation::Max => "max",
            Aggregation::Last => "last",
            Aggregation::Mean => "mean",
        }
    }
}

impl fmt::Display for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of the series that Gnocchi keeps of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series {
    pub aggregation: Aggregation,
    /// In seconds.
    pub granularity: f64,
}

/// The part of a series that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Without it, from the oldest that is kept.
    pub start: Option<i64>,
    /// Not included.
    pub stop: i64,
}

impl Span {
    fn query(&self) -> Vec<(&'static str, String)> {
        let start = self.start.map(|start| ("start", format_naive(start)));
        start
            .into_iter()
            .chain([("stop", format_naive(self.stop))])
            .collect()
    }
}

impl Gnocchi {
    pub fn new(session: Session, project: &str, page_size: u32) -> Gnocchi {
        Gnocchi {
            session,
            project: project.to_owned(),
            page_size,
        }
    }

    fn scope(&self) -> Scope {
        Scope::Project(self.project.clone())
    }

    /// Those of these servers that Gnocchi knows.
    pub async fn servers(&self, ids: &[&str]) -> Result<Vec<Resource>, ApiError> {
        self.resources(INSTANCE, "id", ids, Some(ids.len())).await
    }

    /// The interfaces of these servers, those that are gone too.
    pub async fn interfaces(&self, servers: &[&str]) -> Result<Vec<Resource>, ApiError> {
        self.resources(INTERFACE, "instance_id", servers, None)
            .await
    }

    /// Resources of the project with one of these values; `most`: when there
    /// can be no more than so many.
    async fn resources(
        &self,
        kind: &str,
        attribute: &str,
        values: &[&str],
        most: Option<usize>,
    ) -> Result<Vec<Resource>, ApiError> {
        // The project as well: an account that sees all projects would also see what
        // somebody else wrote down as belonging to our servers.
        let question = json!({"and": [
            {"=": {"project_id": self.project}},
            {"in": {attribute: values}},
        ]});
        let path = format!("/v1/search/resource/{kind}");
        let mut found: Vec<Resource> = Vec::new();
        loop {
            let after = found.last().map(|last| last.id.as_str());
            let page: Vec<Resource> = self.page(&path, Some(&question), &[], after).await?;
            let end = page.is_empty();
            found.extend(page);
            if end || most.is_some_and(|most| found.len() >= most) {
                return Ok(found);
            }
        }
    }

    /// A page of the metrics of this name that the token sees: for most
    /// accounts the project's own, for an administrator the whole cloud's.
    pub async fn metrics(&self, name: &str, after: Option<&str>) -> Result<Vec<Metric>, ApiError> {
        let name = [("name", name.to_owned())];
        self.page("/v1/metric", None, &name, after).await
    }

    /// One metric.
    pub async fn metric(&self, id: &str) -> Result<Metric, ApiError> {
        self.get(&format!("/v1/metric/{id}"), &[]).await
    }

    /// What was measured of one metric, in the order of time.
    pub async fn measures(
        &self,
        metric: &str,
        series: Series,
        span: Span,
    ) -> Result<Vec<f64>, ApiError> {
        let mut query = span.query();
        query.push(("aggregation", series.aggregation.to_string()));
        query.push(("granularity", series.granularity.to_string()));
        let points: Vec<Point> = self
            .get(&format!("/v1/metric/{metric}/measures"), &query)
            .await?;
        Ok(values(points))
    }

    /// The same of many metrics that have this series, in one answer. With
    /// `peaks`, the greatest value of each so many seconds instead of each
    /// value.
    pub async fn many(
        &self,
        metrics: &[&str],
        series: Series,
        span: Span,
        peaks: Option<u32>,
    ) -> Result<BTreeMap<String, Vec<f64>>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            // By metric, then by aggregation.
            measures: BTreeMap<String, BTreeMap<String, Vec<Point>>>,
        }
        let mut read = vec![json!("metric")];
        read.extend(
            metrics
                .iter()
                .map(|id| json!([id, series.aggregation.as_str()])),
        );
        let mut query = span.query();
        query.push(("granularity", series.granularity.to_string()));
        // Gnocchi lays the series side by side on one scale of time. Where one
        // has nothing, its neighbouring value stands: for a counter neither its
        // greatest value nor its falls change by that, while a hole would make
        // the peak around it unknown.
        let operations = match peaks {
            Some(seconds) => {
                query.push(("fill", "full_ffill".to_owned()));
                json!(["resample", "max", seconds, read])
            }
            None => {
                query.push(("fill", "dropna".to_owned()));
                Value::Array(read)
            }
        };
        let answer: Answer = self
            .session
            .search(
                &self.scope(),
                Service::Metric,
                "/v1/aggregates",
                &query,
                &json!({ "operations": operations }),
            )
            .await?;
        let all = answer.measures.into_iter();
        Ok(all
            .map(|(metric, by_aggregation)| {
                (metric, values(by_aggregation.into_values().flatten()))
            })
            .collect())
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ApiError> {
        self.session
            .get(&self.scope(), Service::Metric, path, query, None)
            .await
    }

    /// The rows of a list that come after the one with this id. A page that
    /// comes too late is asked for again at half its limit.
    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        question: Option<&Value>,
        ours: &[(&'static str, String)],
        after: Option<&str>,
    ) -> Result<Vec<T>, ApiError> {
        let scope = self.scope();
        let mut limit = self.page_size;
        let mut earlier = None;
        loop {
            let mut query = ours.to_vec();
            query.push(("limit", limit.to_string()));
            query.push(("sort", "id:asc".to_owned()));
            query.extend(after.map(|id| ("marker", id.to_owned())));
            let answer = match question {
                Some(question) => {
                    let session = &self.session;
                    session
                        .search(&scope, Service::Metric, path, &query, question)
                        .await
                }
                None => self.get(path, &query).await,
            };
            match answer {
                Err(error) if error.is_timeout() && limit > LEAST_LIMIT => {
                    limit = (limit / 2).max(LEAST_LIMIT);
                    earlier = Some(error.after(earlier.as_ref()));
                }
                answer => return answer.map_err(|error| error.after(earlier.as_ref())),
            }
        }
    }
}

/// Time, granularity, value; the value is null where a computation had none.
#[derive(Deserialize)]
struct Point(
    IgnoredAny,
    IgnoredAny,
    #[serde(deserialize_with = "filled")] Option<f64>,
);

fn values(points: impl IntoIterator<Item = Point>) -> Vec<f64> {
    points.into_iter().filter_map(|point| point.2).collect()
}

/// `30 days, 0:00:00`, `0:05:00`, as Python prints a time span; or seconds.
fn timespan<'de, D: Deserializer<'de>>(reader: D) -> Result<f64, D::Error> {
    match Value::deserialize(reader)? {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(text) => seconds_of(&text),
        _ => None,
    }
    .filter(|seconds| *seconds > 0.0)
    .ok_or_else(|| serde::de::Error::custom("no span of time such as `30 days, 0:05:00`"))
}

fn seconds_of(text: &str) -> Option<f64> {
    let (days, clock) = match text.split_once(',') {
        Some((days, clock)) => (days.split_whitespace().next()?.parse().ok()?, clock.trim()),
        None => (0.0, text.trim()),
    };
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok()?;
        parts += 1;
    }
    (parts == 3).then_some(days * 86_400.0 + seconds)
}

#[cfg(test)]
mod tests;
