//! Prometheus, as far as accounting needs it: the raw samples of a few series.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>
//!
//! Not of OpenStack, and asked without a token; but over the same
//! [`Transport`], so that proxies, bounds, recordings and replays are the
//! session's.
//!
//! Samples are asked for by an instant query whose expression is a range
//! (`m{…}[3600s]` at the end of the hour), not by `query_range`. The latter
//! gives points of its own making, each the newest sample of the five minutes
//! before it: a series that ended goes on for ten more points, a gap is filled,
//! a sample counts as often as the step fits into the scrape interval. A range
//! gives each sample once, with its own time, and has no limit of 11,000 points.
//! Before 3.0 a range held its left end as well; the caller cuts that off.

mod answer;
mod error;
mod selector;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use serde::de::DeserializeOwned;
use url::Url;

use self::answer::{Envelope, Point};
use super::session::answer::{self as body, BadBody};
use caso_base::Clock;
use caso_net::retry::retry_after;
use caso_net::{Method, Request, Response, RetryPolicy, Transport, TransportError, clean};

pub use answer::{Sample, Series};
pub use error::{PrometheusCall, PrometheusError};
pub use selector::Selector;

/// What a client needs to know of the configuration.
#[derive(Clone)]
pub struct PrometheusSettings {
    /// Where `/api/v1` begins, without user and password.
    pub endpoint: Url,
    /// User and password of basic authentication.
    pub login: Option<(String, String)>,
    pub retry: RetryPolicy,
}

/// A client. Cheap to clone; all clones share the count of requests.
#[derive(Clone)]
pub struct Prometheus {
    inner: Arc<Inner>,
}

struct Inner {
    query: Url,
    authorization: Option<String>,
    retry: RetryPolicy,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    requests: AtomicU64,
    answers: AtomicU64,
}

/// How often an answer that did not come in time is waited for again: each
/// time costs the whole timeout.
const TIMEOUTS: u32 = 1;

/// The scope's word in a recording.
const SCOPE: &str = "prometheus";

impl Prometheus {
    pub fn new(
        settings: PrometheusSettings,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Prometheus {
        let mut query = settings.endpoint;
        let path = format!("{}/api/v1/query", query.path().trim_end_matches('/'));
        query.set_path(&path);
        query.set_query(None);
        query.set_fragment(None);
        let authorization = settings.login.map(|(user, password)| {
            let pair = format!("{user}:{password}");
            let coded = base64::engine::general_purpose::STANDARD.encode(pair);
            format!("Basic {coded}")
        });
        Prometheus {
            inner: Arc::new(Inner {
                query,
                authorization,
                retry: settings.retry,
                transport,
                clock,
                requests: AtomicU64::new(0),
                answers: AtomicU64::new(0),
            }),
        }
    }

    /// All requests so far, repetitions included.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// How many of them it answered, be it with a refusal of the query.
    pub fn answers(&self) -> u64 {
        self.inner.answers.load(Ordering::Relaxed)
    }

    /// Asks for what is no server's, without patience.
    ///
    /// # Errors
    /// It is away, or does not want us: the same for every project.
    pub async fn is_there(&self, now: i64) -> Result<(), PrometheusError> {
        let asked: Result<Vec<Point>, _> = self.ask(&self.request("vector(1)", now), false).await;
        match asked {
            Err(error) if error.is_outage() => Err(error),
            _ => Ok(()),
        }
    }

    /// The samples of `selector` of the last `seconds` before and at `end`;
    /// and, by releases before 3.0, one right at the beginning.
    pub async fn samples(
        &self,
        selector: &str,
        end: i64,
        seconds: i64,
    ) -> Result<Vec<Series>, PrometheusError> {
        self.query(&format!("{selector}[{seconds}s]"), end).await
    }

    /// How many samples that would be, all series together.
    pub async fn count(
        &self,
        selector: &str,
        end: i64,
        seconds: i64,
    ) -> Result<u64, PrometheusError> {
        let query = format!("sum(count_over_time({selector}[{seconds}s]))");
        let points: Vec<Point> = self.query(&query, end).await?;
        // No series at all is no result.
        let count = points.first().map_or(0.0, |point| point.sample.value);
        Ok(count as u64)
    }

    async fn query<T: DeserializeOwned>(
        &self,
        query: &str,
        time: i64,
    ) -> Result<Vec<T>, PrometheusError> {
        self.ask(&self.request(query, time), true).await
    }

    fn request(&self, query: &str, time: i64) -> Request {
        let mut url = self.inner.query.clone();
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("time", &time.to_string())
            // Thanos leaves out what it cannot reach, unless it is asked not
            // to; others do not know the word.
            .append_pair("partial_response", "false");
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        if let Some(authorization) = &self.inner.authorization {
            headers.push(("authorization".to_owned(), authorization.clone()));
        }
        Request {
            method: Method::Get,
            url,
            headers,
            body: None,
            scope: SCOPE.to_owned(),
        }
    }

    /// One request until it is answered, or the retry rule says stop.
    async fn ask<T: DeserializeOwned>(
        &self,
        request: &Request,
        patient: bool,
    ) -> Result<Vec<T>, PrometheusError> {
        let inner = &self.inner;
        let started = inner.clock.monotonic();
        let (mut tries, mut reconnected, mut repeated, mut late) = (0, 0, 0, 0);
        loop {
            tries += 1;
            inner.requests.fetch_add(1, Ordering::Relaxed);
            let began = inner.clock.monotonic();
            let outcome = inner.transport.send(request.clone()).await;
            let took = inner.clock.monotonic().saturating_sub(began);
            let call = PrometheusCall {
                url: clean(&inner.query),
                tries,
                elapsed: inner.clock.monotonic().saturating_sub(started),
            };
            let (error, wait) = match outcome {
                Ok(response) => {
                    tracing::debug!(
                        "{} {}: {}, {} bytes, {:.2} s",
                        request.method.name(),
                        clean(&request.url),
                        response.status,
                        response.body.len(),
                        took.as_secs_f64()
                    );
                    let result = read(&response, call);
                    if result.as_ref().err().is_none_or(|error| !error.is_outage()) {
                        inner.answers.fetch_add(1, Ordering::Relaxed);
                    }
                    match result {
                        Ok(result) => return Ok(result),
                        Err(error) => (error, retry_after(&response, inner.clock.now())),
                    }
                }
                Err(error) => (no_answer(error, call), None),
            };
            let (spent, bound) = match &error {
                PrometheusError::Connect { .. } => (&mut reconnected, inner.retry.connect_retries),
                PrometheusError::Timeout { .. } => (&mut late, TIMEOUTS.min(inner.retry.retries)),
                PrometheusError::Truncated { .. }
                | PrometheusError::Unavailable {
                    status: 429 | 502 | 503,
                    ..
                } => (&mut repeated, inner.retry.retries),
                _ => return Err(error),
            };
            if *spent >= bound || !patient || inner.retry.gives_up(*spent, wait) {
                return Err(error);
            }
            *spent += 1;
            let pause: Duration = inner.retry.pause(*spent, wait);
            tracing::debug!("{error}; again in {:.1} s", pause.as_secs_f64());
            inner.clock.sleep(pause).await;
        }
    }
}

/// A success as its result, anything else as the error that it is.
fn read<T: DeserializeOwned>(
    response: &Response,
    call: PrometheusCall,
) -> Result<Vec<T>, PrometheusError> {
    let status = response.status;
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        let location = response.header("location").unwrap_or("nowhere").to_owned();
        return Err(PrometheusError::Redirect { location, call });
    }
    if !(200..300).contains(&status) {
        return Err(refusal(response, call));
    }
    let envelope: Envelope<T> = match body::json(response) {
        Ok(envelope) => envelope,
        Err(BadBody::Truncated(detail)) => {
            return Err(PrometheusError::Truncated { detail, call });
        }
        Err(BadBody::NotJson { excerpt, .. }) => {
            return Err(PrometheusError::NotPrometheus {
                status,
                detail: excerpt,
                call,
            });
        }
        Err(BadBody::Shape { path, detail }) => {
            let detail = format!("at `{path}`: {detail}");
            return Err(PrometheusError::Shape { detail, call });
        }
    };
    // A part of the samples would be a part of the energy. Thanos also warns
    // where nobody has anything of that time.
    let part = |warning: &&String| !warning.contains("No StoreAPIs matched");
    if let Some(warning) = envelope.warnings.iter().find(part) {
        let message = format!("what it found may be a part only: {warning}");
        return Err(PrometheusError::Unavailable {
            status,
            message,
            call,
        });
    }
    match envelope.data {
        Some(data) if envelope.status == "success" => Ok(data.result),
        _ => Err(PrometheusError::Shape {
            detail: format!("status `{}`, and no data", envelope.status),
            call,
        }),
    }
}

/// `bad_data` (400), `execution` (422), `timeout`, `canceled` and `unavailable`
/// (503), `internal` (500) come with Prometheus' own error object; what comes
/// without is of somebody in between.
fn refusal(response: &Response, call: PrometheusCall) -> PrometheusError {
    let status = response.status;
    let own: Option<Envelope<serde_json::Value>> = serde_json::from_slice(&response.body).ok();
    let message = || body::message(response);
    match own.and_then(|own| own.error_type.zip(own.error)) {
        Some((kind, message)) => {
            if is_too_much(status, &kind, &message) {
                PrometheusError::TooMuch { message, call }
            } else if status >= 500 || status == 429 {
                PrometheusError::Unavailable {
                    status,
                    message,
                    call,
                }
            } else {
                PrometheusError::Refused {
                    kind,
                    message,
                    call,
                }
            }
        }
        None => match status {
            401 | 403 => PrometheusError::Unauthorized {
                status,
                message: message(),
                call,
            },
            // The address is too long, or the answer took too long, for
            // somebody in between.
            413 | 414 | 431 | 504 => PrometheusError::TooMuch {
                message: format!("status {status}: {}", message()),
                call,
            },
            429 | 500.. => PrometheusError::Unavailable {
                status,
                message: message(),
                call,
            },
            _ => PrometheusError::NotPrometheus {
                status,
                detail: message(),
                call,
            },
        },
    }
}

/// `query processing would load too many samples into memory`, Mimir's `the
/// query hit the … limit`; and a query that takes too long takes less time for
/// less.
fn is_too_much(status: u16, kind: &str, message: &str) -> bool {
    match status {
        503 => kind == "timeout",
        422 => ["too many", "limit"]
            .iter()
            .any(|word| message.contains(word)),
        _ => false,
    }
}

fn no_answer(error: TransportError, call: PrometheusCall) -> PrometheusError {
    match error {
        TransportError::Connect(detail) | TransportError::Proxy { detail, .. } => {
            PrometheusError::Connect { detail, call }
        }
        TransportError::Tls {
            unknown_issuer,
            detail,
            // Of options that are not Prometheus' own.
            remedy: _,
        } => PrometheusError::Tls {
            unknown_issuer,
            detail,
            call,
        },
        TransportError::Timeout(detail) => PrometheusError::Timeout { detail, call },
        TransportError::Truncated(detail) => PrometheusError::Truncated { detail, call },
        TransportError::TooLarge { limit } => PrometheusError::TooMuch {
            message: format!("the answer is larger than {limit} bytes"),
            call,
        },
        TransportError::Unrecorded(detail) => PrometheusError::Unrecorded(detail),
        TransportError::Protocol(detail) => PrometheusError::Protocol { detail, call },
    }
}
