//! `ExportMetricsServiceRequest` (`collector/metrics/v1/metrics_service.proto`): one resource,
//! which is cASO, and each metric once with all its points. Enumerations are numbers.

use caso_component::json::{Object, Style};

use crate::point::{Kind, Metric, Point};

/// `AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: u8 = 1;
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u8 = 2;

/// The body of a request with these points.
pub fn body<'p>(service_name: &str, points: impl Iterator<Item = &'p Point>) -> String {
    let mut metrics: Vec<(&Metric, Vec<&str>)> = Vec::new();
    for point in points {
        match metrics.iter_mut().find(|(it, _)| **it == point.metric) {
            Some((_, of)) => of.push(&point.json),
            None => metrics.push((&point.metric, vec![&point.json])),
        }
    }
    let metrics = metrics.into_iter();
    let metrics: Vec<String> = metrics
        .map(|(metric, points)| self::metric(metric, &points))
        .collect();
    let service = attributes([("service.name", service_name)]);
    let scope = Object::new(Style::Compact)
        .text("name", env!("CARGO_PKG_NAME"))
        .text("version", env!("CARGO_PKG_VERSION"));
    let scope = Object::new(Style::Compact)
        .raw("scope", &scope.finish())
        .raw("metrics", &list(&metrics));
    let resource = Object::new(Style::Compact).raw("attributes", &service);
    let resource = Object::new(Style::Compact)
        .raw("resource", &resource.finish())
        .raw("scopeMetrics", &list(&[scope.finish()]));
    Object::new(Style::Compact)
        .raw("resourceMetrics", &list(&[resource.finish()]))
        .finish()
}

fn metric(metric: &Metric, points: &[&str]) -> String {
    let described = Object::new(Style::Compact)
        .text("name", &metric.name)
        .text("unit", metric.unit)
        .text("description", &metric.description);
    let data = Object::new(Style::Compact);
    let sum = |temporality: u8| {
        Object::new(Style::Compact)
            .integer("aggregationTemporality", temporality)
            .raw("isMonotonic", "true")
    };
    let (kind, data) = match metric.kind {
        Kind::Gauge => ("gauge", data),
        Kind::Cumulative => ("sum", sum(CUMULATIVE)),
        Kind::Delta => ("sum", sum(DELTA)),
    };
    let data = data.raw("dataPoints", &list(points));
    described.raw(kind, &data.finish()).finish()
}

/// `KeyValue`s.
pub fn attributes<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let attributes = attributes.into_iter();
    let attributes: Vec<String> = attributes
        .map(|(key, value)| {
            let value = Object::new(Style::Compact).text("stringValue", value);
            Object::new(Style::Compact)
                .text("key", key)
                .raw("value", &value.finish())
                .finish()
        })
        .collect();
    list(&attributes)
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(","))
}
