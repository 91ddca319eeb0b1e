//! The points of one record, as they are gathered.

use crate::point::{Kind, Metric, Number, Point};

/// The points of one record.
#[derive(Default)]
pub struct Points {
    /// Of all of them.
    attributes: Vec<(String, String)>,
    pub made: Vec<Point>,
}

/// When a point is of.
#[derive(Clone, Copy)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

impl Points {
    /// Adds a fact that all points have; one that is empty is none.
    pub fn with(&mut self, key: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.attributes.push((key.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a point, if its value is stated.
    pub fn add(
        &mut self,
        (name, unit, description): (&str, &str, &str),
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
            name: name.to_owned(),
            unit: unit.to_owned(),
            description: description.to_owned(),
            kind,
        };
        let mut attributes = self.attributes.clone();
        let more = more.iter();
        attributes.extend(more.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
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
