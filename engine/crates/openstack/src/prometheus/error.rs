//! What can go wrong between us and Prometheus, typed where code decides on it.

use std::fmt;
use std::time::Duration;

use crate::tries::Tries;

/// The call that failed. Its query is not in it: that may name a hundred
/// servers, and the caller knows which.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusCall {
    /// Without user, password and query.
    pub url: String,
    pub tries: u32,
    /// From the first try to the last answer, pauses included.
    pub elapsed: Duration,
}

impl fmt::Display for PrometheusCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries = Tries {
            tries: self.tries,
            elapsed: self.elapsed,
            request_id: None,
        };
        write!(f, "`{}` {tries}", self.url)
    }
}

/// Why no value came back.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PrometheusError {
    #[error("cannot reach Prometheus: {detail}, {call}")]
    Connect {
        detail: String,
        call: PrometheusCall,
    },
    #[error("cannot trust Prometheus: {detail}, {call}")]
    Tls {
        unknown_issuer: bool,
        detail: String,
        call: PrometheusCall,
    },
    #[error("Prometheus did not answer in time ({detail}), {call}")]
    Timeout {
        detail: String,
        call: PrometheusCall,
    },
    #[error("the answer of Prometheus ended in the middle ({detail}), {call}")]
    Truncated {
        detail: String,
        call: PrometheusCall,
    },
    /// 401 or 403.
    #[error("Prometheus refused us with status {status}: {message}, {call}")]
    Unauthorized {
        status: u16,
        message: String,
        call: PrometheusCall,
    },
    /// It is there and cannot answer now.
    #[error("Prometheus failed (status {status}): {message}, {call}")]
    Unavailable {
        status: u16,
        message: String,
        call: PrometheusCall,
    },
    /// More than it, or we, can take at a time: ask for less.
    #[error("too much was asked of Prometheus at a time: {message}, {call}")]
    TooMuch {
        message: String,
        call: PrometheusCall,
    },
    /// Its own error object.
    #[error("Prometheus refused the query ({kind}): {message}, {call}")]
    Refused {
        kind: String,
        message: String,
        call: PrometheusCall,
    },
    #[error("Prometheus sends us on to `{location}`, {call}")]
    Redirect {
        location: String,
        call: PrometheusCall,
    },
    /// Something answers that is no Prometheus.
    #[error("what answers is no Prometheus (status {status}): {detail}, {call}")]
    NotPrometheus {
        status: u16,
        detail: String,
        call: PrometheusCall,
    },
    /// JSON, but not of the documented shape.
    #[error("Prometheus answered in an unexpected form: {detail}, {call}")]
    Shape {
        detail: String,
        call: PrometheusCall,
    },
    /// The recording has no such request.
    #[error("not in the recording: {0}")]
    Unrecorded(String),
    #[error("the exchange with Prometheus failed: {detail}, {call}")]
    Protocol {
        detail: String,
        call: PrometheusCall,
    },
}

impl PrometheusError {
    /// What to do about it, where that is known. The text does not have it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            PrometheusError::Connect { .. } | PrometheusError::NotPrometheus { .. } => {
                "check `prometheus_endpoint` in `[prometheus]`"
            }
            PrometheusError::Tls {
                unknown_issuer: true,
                ..
            } => {
                "set `prometheus_cafile` in `[prometheus]` to a file with the certificate of the authority that signed it"
            }
            PrometheusError::Unauthorized { .. } => {
                "check `prometheus_username` and its password in `[prometheus]`"
            }
            PrometheusError::Redirect { .. } => {
                "set `prometheus_endpoint` in `[prometheus]` to where it is"
            }
            _ => return None,
        })
    }

    /// It is Prometheus or the way to it, and would be the same for every
    /// project: worth one line in a summary.
    pub fn is_outage(&self) -> bool {
        match self {
            PrometheusError::Connect { .. }
            | PrometheusError::Tls { .. }
            | PrometheusError::Timeout { .. }
            | PrometheusError::Truncated { .. }
            | PrometheusError::Unauthorized { .. }
            | PrometheusError::Unavailable { .. }
            | PrometheusError::Redirect { .. }
            | PrometheusError::NotPrometheus { .. } => true,
            PrometheusError::TooMuch { .. }
            | PrometheusError::Refused { .. }
            | PrometheusError::Shape { .. }
            | PrometheusError::Unrecorded(_)
            | PrometheusError::Protocol { .. } => false,
        }
    }
}
