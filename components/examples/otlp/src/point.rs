//! A data point (`NumberDataPoint` of `metrics.proto`), and the metric that it is of.
//!
//! In JSON a 64-bit integer is a text, also a time, which is in nanoseconds.

use std::borrow::Cow;

use caso_component::json::{Object, Style};

/// Nanoseconds in a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// What a metric's points say of the time before them ("Metric points" of the data model).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value at a moment.
    Gauge,
    /// A total since the start, which only grows: the same stream as long as the start is the
    /// same. A point that is sent again says nothing new.
    Cumulative,
    /// What was added between start and end.
    Delta,
}

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    pub name: Cow<'static, str>,
    /// By UCUM.
    pub unit: &'static str,
    pub description: Cow<'static, str>,
    pub kind: Kind,
}

/// A value: a metric's are all whole, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(i64),
    Real(f64),
}

/// A data point, as a text: a batch has some thousand of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub metric: Metric,
    pub json: String,
}

impl Point {
    /// `attributes` is JSON; `start` and `end` are epoch seconds, and a gauge has no start.
    pub fn new(
        metric: Metric,
        attributes: &str,
        start: i64,
        end: i64,
        number: Number,
    ) -> Result<Self, String> {
        let mut json = Object::new(Style::Compact).raw("attributes", attributes);
        if metric.kind != Kind::Gauge {
            if start > end {
                return Err(format!("it starts at {start} and is measured at {end}"));
            }
            json = json.text("startTimeUnixNano", &nanoseconds(start)?);
        }
        json = json.text("timeUnixNano", &nanoseconds(end)?);
        json = match number {
            Number::Whole(value) => json.text("asInt", &value.to_string()),
            Number::Real(value) => json.float("asDouble", value),
        };
        Ok(Self {
            metric,
            json: json.finish(),
        })
    }

    /// Bytes that it has in a request.
    pub fn bytes(&self) -> usize {
        self.json.len() + 1
    }
}

/// A time as a text of nanoseconds, which are counted from 1970 on and in 64 bits.
fn nanoseconds(seconds: i64) -> Result<String, String> {
    u64::try_from(seconds)
        .ok()
        .and_then(|seconds| seconds.checked_mul(NANOSECONDS))
        .map(|nanoseconds| nanoseconds.to_string())
        .ok_or_else(|| format!("{seconds} is no time that OTLP has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(kind: Kind, start: i64, end: i64, number: Number) -> Result<String, String> {
        let metric = Metric {
            name: "a".into(),
            unit: "s",
            description: "".into(),
            kind,
        };
        Point::new(metric, "[]", start, end, number).map(|point| point.json)
    }

    #[test]
    fn whole_numbers_and_times_are_texts() {
        assert_eq!(
            point(Kind::Cumulative, 1, 1_795_281_612, Number::Whole(5)).as_deref(),
            Ok("{\"attributes\":[],\"startTimeUnixNano\":\"1000000000\",\
                \"timeUnixNano\":\"1795281612000000000\",\"asInt\":\"5\"}")
        );
        assert_eq!(
            point(Kind::Gauge, 9, 1, Number::Real(0.5)).as_deref(),
            Ok("{\"attributes\":[],\"timeUnixNano\":\"1000000000\",\"asDouble\":0.5}")
        );
    }

    #[test]
    fn a_time_that_otlp_does_not_have_is_no_point() {
        for (start, end) in [(-1, 1), (1, i64::MAX), (2, 1)] {
            assert!(point(Kind::Delta, start, end, Number::Whole(0)).is_err());
        }
        assert!(point(Kind::Gauge, 0, -1, Number::Whole(0)).is_err());
    }
}
