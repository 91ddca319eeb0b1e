//! `ExportMetricsServiceRequest` (`collector/metrics/v1/metrics_service.proto`): one resource,
//! which is cASO, and each metric once with all its points. Enumerations are numbers.

use serde_json::{Value, json};

use crate::point::{Kind, Metric, Point};

/// `AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: u8 = 1;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// The body of a request with these points.
pub fn body<'p>(service_name: &str, points: impl Iterator<Item = &'p Point>) -> String {
    let mut metrics: Vec<(&Metric, Vec<&Value>)> = Vec::new();
    for point in points {
        match metrics
            .iter_mut()
            .find(|(metric, _)| **metric == point.metric)
        {
            Some((_, of)) => of.push(&point.json),
            None => metrics.push((&point.metric, vec![&point.json])),
        }
    }
    let metrics: Vec<Value> = metrics
        .into_iter()
        .map(|(metric, points)| self::metric(metric, &points))
        .collect();
    json!({
        "resourceMetrics": [{
            "resource": {"attributes": attributes(&[
                ("service.name".to_owned(), service_name.to_owned()),
            ])},
            "scopeMetrics": [{
                "scope": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
                "metrics": metrics,
            }],
        }],
    })
    .to_string()
}

fn metric(metric: &Metric, points: &[&Value]) -> Value {
    let mut json = json!({
        "name": metric.name,
        "unit": metric.unit,
        "description": metric.description,
    });
    let sum = |temporality: u8| {
        json!({
            "aggregationTemporality": temporality,
            "isMonotonic": true,
            "dataPoints": points,
        })
    };
    let (kind, data) = match metric.kind {
        Kind::Gauge => ("gauge", json!({"dataPoints": points})),
        Kind::Cumulative => ("sum", sum(CUMULATIVE)),
        Kind::Delta => ("sum", sum(DELTA)),
    };
    if let Some(object) = json.as_object_mut() {
        object.insert(kind.to_owned(), data);
    }
    json
}

/// `KeyValue`s.
pub fn attributes(attributes: &[(String, String)]) -> Value {
    let attributes = attributes.iter();
    attributes
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}
