//! Which queries bring the samples of several servers, and no more at a time
//! than both sides bear.
//!
//! One query serves [`SERVERS`] servers. Its span is at most so long that, by
//! the configured step, no series gives more than [`POINTS`] samples and all
//! together no more than [`SAMPLES`]: an hour's run asks one query a page of
//! servers. A longer span (a first run, from 1970) is counted first, which
//! costs a number as an answer, and halved until a piece is empty or small
//! enough: nobody reads the years before Prometheus knew anything in pieces of
//! days. Where the step is not what the option says and an answer is too much
//! for Prometheus or for us, its servers are halved, then its span.

use caso_base::time::format_utc;
use std::ops::Range;

use super::energy::{Reading, Rule};
use super::{Life, PowerSource};
use crate::ExtractError;
use caso_model::Window;
use caso_openstack::prometheus::{PrometheusError, Series};

/// Ids in one query: with 40 characters each, an address that every server in
/// between takes (8 kB).
const SERVERS: usize = 100;
/// Samples of one series in one answer; as many points as `query_range` gives.
const POINTS: i64 = 11_000;
/// Samples in one answer; 25 bytes each.
const SAMPLES: i64 = 400_000;

/// A query to make: some servers of the group, and a span.
struct Task {
    servers: Range<usize>,
    span: Window,
}

/// What was found of each server, in their order.
pub async fn measure(source: &PowerSource, lives: &[Life]) -> Result<Vec<Reading>, ExtractError> {
    let mut readings = Vec::with_capacity(lives.len());
    for group in lives.chunks(SERVERS) {
        readings.extend(measure_group(source, group).await?);
    }
    Ok(readings)
}

async fn measure_group(source: &PowerSource, group: &[Life]) -> Result<Vec<Reading>, ExtractError> {
    let mut readings = vec![Reading::default(); group.len()];
    let whole = Window {
        start: group.iter().map(|life| life.span.start).min().unwrap_or(0),
        end: group.iter().map(|life| life.span.end).max().unwrap_or(0),
    };
    let mut tasks = vec![Task {
        servers: 0..group.len(),
        span: whole,
    }];
    while let Some(task) = tasks.pop() {
        let servers = group.get(task.servers.clone()).unwrap_or_default();
        let seconds = task.span.end - task.span.start;
        if servers.is_empty() || seconds <= 0 {
            continue;
        }
        let query = Query {
            source,
            servers,
            span: task.span,
        };
        let outcome = if query.expected() > query.most() {
            match query.count().await {
                Ok(0) => continue,
                // Sparse, as a few days in many years are.
                Ok(count) if count <= POINTS as u64 => query.samples().await,
                Ok(_) => {
                    halve_span(&mut tasks, &task);
                    continue;
                }
                Err(error) => Err(error),
            }
        } else {
            query.samples().await
        };
        match outcome {
            Ok(series) => {
                let found = readings.get_mut(task.servers.clone()).unwrap_or_default();
                for (life, reading) in servers.iter().zip(found) {
                    reading.add(query.reading(life, &series));
                }
            }
            Err(PrometheusError::TooMuch { .. }) if servers.len() > 1 => {
                let middle = task.servers.start + servers.len() / 2;
                for servers in [middle..task.servers.end, task.servers.start..middle] {
                    let span = task.span;
                    tasks.push(Task { servers, span });
                }
            }
            Err(PrometheusError::TooMuch { .. }) if seconds > source.step => {
                halve_span(&mut tasks, &task);
            }
            Err(error) => return Err(query.failed(error)),
        }
    }
    Ok(readings)
}

fn halve_span(tasks: &mut Vec<Task>, task: &Task) {
    let Window { start, end } = task.span;
    let middle = start + (end - start) / 2;
    for (start, end) in [(middle, end), (start, middle)] {
        tasks.push(Task {
            servers: task.servers.clone(),
            span: Window { start, end },
        });
    }
}

struct Query<'a> {
    source: &'a PowerSource,
    servers: &'a [Life],
    span: Window,
}

impl Query<'_> {
    fn rule(&self) -> Rule<'_> {
        Rule {
            step: self.source.step,
            sum_labels: &self.source.sum_labels,
        }
    }

    /// Samples of one series, if they come as the option says.
    fn expected(&self) -> i64 {
        (self.span.end - self.span.start) / self.source.step + 1
    }

    fn most(&self) -> i64 {
        let servers = i64::try_from(self.servers.len()).unwrap_or(i64::MAX).max(1);
        POINTS.min(SAMPLES / servers)
    }

    fn selector(&self) -> String {
        let ids = self.servers.iter().map(|life| life.id.as_str());
        self.source.selector.of_servers(ids)
    }

    /// With the samples before the span that decide on its first ones.
    fn seconds(&self) -> i64 {
        self.span.end - self.span.start + self.rule().lookback()
    }

    async fn count(&self) -> Result<u64, PrometheusError> {
        let client = &self.source.client;
        client
            .count(&self.selector(), self.span.end, self.seconds())
            .await
    }

    async fn samples(&self) -> Result<Vec<Series>, PrometheusError> {
        let client = &self.source.client;
        client
            .samples(&self.selector(), self.span.end, self.seconds())
            .await
    }

    /// What the answer says of one of the servers.
    fn reading(&self, life: &Life, series: &[Series]) -> Reading {
        let label = &self.source.selector.uuid_label;
        let its: Vec<&Series> = series
            .iter()
            .filter(|series| series.labels.get(label) == Some(&life.id))
            .collect();
        let span = Window {
            start: self.span.start.max(life.span.start),
            end: self.span.end.min(life.span.end),
        };
        if its.is_empty() || span.start >= span.end {
            return Reading::default();
        }
        self.rule().energy(&its, span, life.born)
    }

    fn failed(&self, error: PrometheusError) -> ExtractError {
        if error.is_outage() {
            return ExtractError::Prometheus(error);
        }
        let first = self.servers.first().map_or("?", |life| life.id.as_str());
        let whose = match self.servers.len() {
            1 => format!("server `{first}`"),
            more => format!("server `{first}` and {} more", more - 1),
        };
        ExtractError::Power {
            whose,
            from: format_utc(self.span.start),
            to: format_utc(self.span.end),
            source: error,
        }
    }
}
