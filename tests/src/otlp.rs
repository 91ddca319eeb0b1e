//! A stand-in for a receiver of metrics by OTLP over HTTP in JSON. It follows the OTLP
//! specification 1.10 (opentelemetry-proto, `docs/specification.md`: "JSON Protobuf Encoding",
//! "OTLP/HTTP Request", "OTLP/HTTP Response") and `opentelemetry/proto/metrics/v1/metrics.proto`.
//! It is stricter than a receiver may be: a field that the messages do not have, an enumeration
//! that is a text and a 64-bit integer that is a number are refused, though readers have to
//! ignore the first and to take the last. `tests/consumers/otlp` has ours read by others'.

use serde_json::{Map, Value, json};

use crate::rest::{Asked, Rest, Said, Service};

/// A data point that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub metric: String,
    pub unit: String,
    /// `gauge`, `cumulative` or `delta`.
    pub kind: &'static str,
    /// `service.name`.
    pub service: String,
    pub attributes: Vec<(String, String)>,
    pub start: Option<u64>,
    pub time: u64,
    pub value: f64,
}

impl Taken {
    /// What tells a point from all others: a store keeps one of each.
    pub fn identity(&self) -> String {
        format!("{} {:?} {}", self.metric, self.attributes, self.time)
    }
}

/// What it took, and how it is configured.
#[derive(Default)]
pub struct Receiver {
    pub points: Vec<Taken>,
    /// Points with this text in them are bad data.
    pub bad: Option<String>,
    /// Of each request so many points are rejected, with these words.
    pub rejects: Option<(usize, String)>,
    /// What `Authorization` must be.
    pub authorization: Option<String>,
}

impl Receiver {
    pub fn start() -> Rest<Self> {
        Rest::start(Self::default())
    }
}

/// A `google.rpc.Status`.
fn status(code: u16, message: impl Into<String>) -> Said {
    let message: String = message.into();
    Said::new(
        code,
        "application/json",
        json!({"message": message}).to_string(),
    )
}

impl Service for Receiver {
    fn answer(&mut self, asked: &Asked) -> Said {
        match asked.line.as_str() {
            "POST /v1/metrics" => {}
            _ => return Said::new(404, "text/plain", "404 page not found\n"),
        }
        if asked.header("content-type") != Some("application/json") {
            return status(415, "unsupported media type");
        }
        let authorization = asked.header("authorization").map(str::to_owned);
        if self.authorization.is_some() && self.authorization != authorization {
            return status(401, format!("not known: {authorization:?}"));
        }
        let points = match serde_json::from_str(&asked.body)
            .map_err(|error| error.to_string())
            .and_then(|body: Value| read(&body))
        {
            Ok(points) => points,
            Err(what) => return status(400, what),
        };
        if let Some(bad) = &self.bad
            && asked.body.contains(bad.as_str())
        {
            return status(400, format!("bad data: {bad}"));
        }
        let mut answer = json!({});
        let mut points = points;
        if let Some((count, message)) = &self.rejects {
            points.truncate(points.len().saturating_sub(*count));
            answer = json!({"partialSuccess": {
                "rejectedDataPoints": count.to_string(),
                "errorMessage": message,
            }});
        }
        self.points.extend(points);
        Said::new(200, "application/json", answer.to_string())
    }
}

type Read<T> = Result<T, String>;

/// An object with these fields and no others.
fn object<'v>(value: &'v Value, fields: &[&str]) -> Read<&'v Map<String, Value>> {
    let object = value.as_object().ok_or("no object")?;
    match object.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown field {key}")),
        None => Ok(object),
    }
}

fn list<'v>(object: &'v Map<String, Value>, name: &str) -> Read<&'v Vec<Value>> {
    let list = object.get(name).and_then(Value::as_array);
    list.filter(|list| !list.is_empty())
        .ok_or_else(|| format!("no {name}"))
}

fn text(object: &Map<String, Value>, name: &str) -> Read<String> {
    let text = object.get(name).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| format!("no {name}"))
}

/// A 64-bit integer, which is a text.
fn whole<T: std::str::FromStr>(value: &Value) -> Read<T> {
    let text = value.as_str().ok_or("a 64-bit integer that is no text")?;
    text.parse().map_err(|_| format!("{text} is no integer"))
}

fn attributes(object: &Map<String, Value>) -> Read<Vec<(String, String)>> {
    let list = object.get("attributes").and_then(Value::as_array);
    let list = list.ok_or("no attributes")?.iter();
    list.map(|it| {
        let pair = self::object(it, &["key", "value"])?;
        let value = pair.get("value").ok_or("no value")?;
        let value = self::object(value, &["stringValue"])?;
        Ok((text(pair, "key")?, text(value, "stringValue")?))
    })
    .collect()
}

/// The points of an `ExportMetricsServiceRequest`.
fn read(body: &Value) -> Read<Vec<Taken>> {
    let mut points = Vec::new();
    for resource in list(object(body, &["resourceMetrics"])?, "resourceMetrics")? {
        let resource = object(resource, &["resource", "scopeMetrics"])?;
        let of = resource.get("resource").ok_or("no resource")?;
        let of = attributes(object(of, &["attributes"])?)?;
        let service = of.iter().find(|(key, _)| key == "service.name");
        let service = service.ok_or("no service.name")?.1.clone();
        for scope in list(resource, "scopeMetrics")? {
            let scope = object(scope, &["scope", "metrics"])?;
            let named = scope.get("scope").ok_or("no scope")?;
            text(object(named, &["name", "version"])?, "name")?;
            for metric in list(scope, "metrics")? {
                metric_points(metric, &service, &mut points)?;
            }
        }
    }
    Ok(points)
}

fn metric_points(metric: &Value, service: &str, points: &mut Vec<Taken>) -> Read<()> {
    let fields = ["name", "unit", "description", "sum", "gauge"];
    let metric = object(metric, &fields)?;
    let (kind, data) = match (metric.get("sum"), metric.get("gauge")) {
        (Some(sum), None) => {
            let sum = object(
                sum,
                &["aggregationTemporality", "isMonotonic", "dataPoints"],
            )?;
            if sum.get("isMonotonic") != Some(&Value::Bool(true)) {
                return Err("a sum that is not monotonic".to_owned());
            }
            match sum.get("aggregationTemporality").and_then(Value::as_u64) {
                Some(1) => ("delta", sum),
                Some(2) => ("cumulative", sum),
                _ => return Err("no temporality, which is a number".to_owned()),
            }
        }
        (None, Some(gauge)) => ("gauge", object(gauge, &["dataPoints"])?),
        _ => return Err("neither a sum nor a gauge".to_owned()),
    };
    for point in list(data, "dataPoints")? {
        let point = object(
            point,
            &[
                "attributes",
                "startTimeUnixNano",
                "timeUnixNano",
                "asInt",
                "asDouble",
            ],
        )?;
        let start = point.get("startTimeUnixNano").map(whole).transpose()?;
        if (kind == "gauge") == start.is_some() {
            return Err(format!("the start of a {kind}"));
        }
        let value = match (point.get("asInt"), point.get("asDouble")) {
            (Some(value), None) => whole::<i64>(value)? as f64,
            (None, Some(value)) => value.as_f64().ok_or("no number")?,
            _ => return Err("no value, or two".to_owned()),
        };
        points.push(Taken {
            metric: text(metric, "name")?,
            unit: text(metric, "unit")?,
            kind,
            service: service.to_owned(),
            attributes: attributes(point)?,
            start,
            time: whole(point.get("timeUnixNano").ok_or("no time")?)?,
            value,
        });
    }
    Ok(())
}
