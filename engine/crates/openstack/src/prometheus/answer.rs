//! What Prometheus answers.
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats>

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// The envelope of every answer, a refusal too.
#[derive(Debug, Deserialize)]
pub struct Envelope<T> {
    pub status: String,
    #[serde(default = "Option::default")]
    pub data: Option<Data<T>>,
    #[serde(default, rename = "errorType")]
    pub error_type: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
    /// Errors that did not end the query: what it then gives may be a part.
    #[serde(default)]
    pub warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Data<T> {
    pub result: Vec<T>,
}

/// The samples of one series, in the order of their times.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Series {
    #[serde(rename = "metric")]
    pub labels: BTreeMap<String, String>,
    /// A series of histograms has none.
    #[serde(default)]
    pub values: Vec<Sample>,
}

/// One value of an instant query.
#[derive(Debug, Deserialize)]
pub struct Point {
    #[serde(rename = "value")]
    pub sample: Sample,
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since the epoch, which is what Prometheus counts in.
    pub milliseconds: i64,
    /// May be NaN or infinite.
    pub value: f64,
}

impl<'de> Deserialize<'de> for Sample {
    /// `[1794268800.007, "45000000"]`: a number of seconds, and a number as
    /// text, for JSON has no NaN.
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Pair<'a>(f64, #[serde(borrow)] Cow<'a, str>);
        let Pair(seconds, text) = Pair::deserialize(reader)?;
        // An empty text stands for no number.
        let value = match text.trim() {
            "" => f64::NAN,
            text => text
                .parse()
                .map_err(|_| D::Error::custom(format!("`{text}` is no number")))?,
        };
        let milliseconds = (seconds * 1000.0).round();
        // Beyond 2^53 a float no longer says which whole number it means.
        if milliseconds.abs() > 9_007_199_254_740_992.0 {
            return Err(D::Error::custom(format!("`{seconds}` is no time")));
        }
        Ok(Sample {
            milliseconds: milliseconds as i64,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_as_the_real_one_gives_it() {
        let text = r#"{"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"__name__": "prometheus_value", "uuid": "a"},
             "values": [[1794268800, "45000000"], [1794268807.5, "NaN"], [1794268830.123, "+Inf"], [1794268860, "-1e-3"]]},
            {"metric": {"uuid": "b"}, "histograms": []}]}}"#;
        let envelope: Envelope<Series> = serde_json::from_str(text).unwrap();
        let series = envelope.data.unwrap().result;
        let times: Vec<i64> = series[0].values.iter().map(|s| s.milliseconds).collect();
        assert_eq!(
            times,
            [
                1_794_268_800_000,
                1_794_268_807_500,
                1_794_268_830_123,
                1_794_268_860_000
            ]
        );
        assert_eq!(series[0].values[0].value, 45_000_000.0);
        assert!(series[0].values[1].value.is_nan());
        assert_eq!(series[0].values[2].value, f64::INFINITY);
        assert_eq!(series[0].values[3].value, -0.001);
        assert!(series[1].values.is_empty());
    }

    #[test]
    fn an_empty_text_is_no_number() {
        let sample: Sample = serde_json::from_str(r#"[1794268800, ""]"#).unwrap();
        assert!(sample.value.is_nan());
    }

    #[test]
    fn what_is_no_sample_is_said() {
        for bad in [
            r#"[1, "x"]"#,
            r#"["1", "2"]"#,
            r#"[1, 2]"#,
            r#"[1]"#,
            r#"[1e300, "1"]"#,
        ] {
            assert!(serde_json::from_str::<Sample>(bad).is_err(), "{bad}");
        }
    }
}
