//! The points of one record, as they are gathered.

use std::borrow::Cow;

use crate::point::{Kind, Metric, Number, Point};
use crate::request;

/// The points of one record.
#[derive(Default)]
pub struct Points {
    /// Of all of them.
    attributes: Vec<(&'static str, String)>,
    pub made: Vec<Point>,
}

/// When a point is of.
#[derive(Clone, Copy)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

/// What a metric is called, its unit, and what it is.
pub type Named = (Cow<'static, str>, &'static str, Cow<'static, str>);

impl Points {
    /// Adds a fact that all points have; one that is empty is none.
    pub fn with(&mut self, key: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.attributes.push((key, value.to_owned()));
        }
        self
    }

    /// Adds a point, if its value is stated.
    pub fn add(
        &mut self,
        (name, unit, description): Named,
        kind: Kind,
        span: Span,
        more: &[(&str, &str)],
        value: Option<impl Into<Value>>,
    ) -> Result<(), String> {
        let Some(value) = value else {
            return Ok(());
        };
        let number = match value.into() {
            Value::Whole(value) => Number::Whole(
                i64::try_from(value)
                    .map_err(|_| format!("{value} is more than a data point can say"))?,
            ),
            Value::Real(value) => Number::Real(value),
        };
        let metric = Metric {
            name,
            unit,
            description,
            kind,
        };
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(key, value)| (*key, value.as_str()));
        let attributes = request::attributes(attributes.chain(more.iter().copied()));
        let point = Point::new(metric, &attributes, span.start, span.end, number)?;
        self.made.push(point);
        Ok(())
    }
}

/// A value of a record.
pub enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// A metric by constants.
pub const fn named(name: &'static str, unit: &'static str, description: &'static str) -> Named {
    (Cow::Borrowed(name), unit, Cow::Borrowed(description))
}
