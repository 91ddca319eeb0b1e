//! JSON objects, written key by key.
//!
//! By hand and not by serde: the order of the keys, the spaces and the digits of a number
//! are part of the formats that cASO's consumers have known for years.

use crate::plain::is_plain;
use crate::python;

/// How an object is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As Python's `json.dumps` does: `{"a": 1, "b": "\u00e9"}`, all ASCII.
    Ascii,
    /// As pydantic's `model_dump_json` does: without spaces, in UTF-8: `{"a":1,"b":"é"}`.
    Compact,
}

/// An object under construction.
#[derive(Debug)]
pub struct Object {
    style: Style,
    text: String,
}

impl Object {
    /// An object without keys.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            text: "{".to_owned(),
        }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        quote(&mut self.text, value, self.style);
        self
    }

    /// Adds a text, or nothing at all where it is absent.
    #[must_use]
    pub fn maybe_text(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(self, key: &str, value: impl Into<i128>) -> Self {
        let value = value.into();
        // Nearly all are small, and in a guest to divide 128 bits is dear.
        match i64::try_from(value) {
            Ok(small) => self.raw(key, itoa::Buffer::new().format(small)),
            Err(_) => self.raw(key, itoa::Buffer::new().format(value)),
        }
    }

    /// Adds a whole number, or nothing at all where it is absent.
    #[must_use]
    pub fn maybe_integer(self, key: &str, value: Option<impl Into<i128>>) -> Self {
        match value {
            Some(value) => self.integer(key, value),
            None => self,
        }
    }

    /// Adds a number, always with a fraction or an exponent: `1.0`. It must be finite.
    #[must_use]
    pub fn float(self, key: &str, value: f64) -> Self {
        let text = match self.style {
            Style::Ascii => python::float_repr(value),
            Style::Compact => shortest(value),
        };
        self.raw(key, &text)
    }

    /// Adds a number, or nothing at all where it is absent.
    #[must_use]
    pub fn maybe_float(self, key: &str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.float(key, value),
            None => self,
        }
    }

    /// Adds a value that is JSON already.
    #[must_use]
    pub fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.text.push_str(json);
        self
    }

    /// Adds a value that is JSON already, or nothing at all where it is absent.
    #[must_use]
    pub fn maybe_raw(self, key: &str, json: Option<&str>) -> Self {
        match json {
            Some(json) => self.raw(key, json),
            None => self,
        }
    }

    /// The finished object.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn key(&mut self, key: &str) {
        let (comma, colon) = match self.style {
            Style::Ascii => (", ", ": "),
            Style::Compact => (",", ":"),
        };
        if self.text.len() > 1 {
            self.text.push_str(comma);
        }
        quote(&mut self.text, key, self.style);
        self.text.push_str(colon);
    }
}

/// A number as pydantic's `model_dump_json` writes it: without an exponent from 1e-5 to
/// just below 1e16, and outside of that with one that has no plus sign and no zeros.
fn shortest(value: f64) -> String {
    let exponent = format!("{value:e}");
    let (_, power) = exponent.split_once('e').unwrap_or_default();
    match power.parse::<i32>() {
        Ok(power) if !(-5..16).contains(&power) => exponent,
        _ => {
            let mut text = value.to_string();
            if !text.contains('.') {
                text.push_str(".0");
            }
            text
        }
    }
}

/// Appends a JSON string: escapes as Python's `json` writes them.
fn quote(text: &mut String, value: &str, style: Style) {
    text.push('"');
    if is_plain(value, *b"\"\\") {
        text.push_str(value);
        text.push('"');
        return;
    }
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(c),
            _ if style == Style::Compact && c >= ' ' => text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(style: Style) -> String {
        Object::new(style)
            .text("Name", "b\u{f3}b \"\\\u{1f600}\n\u{7f}\u{1}")
            .maybe_text("Absent", None)
            .integer("Count", 2)
            .float("Benchmark", 99.0)
            .finish()
    }

    #[test]
    fn two_styles() {
        assert_eq!(
            object(Style::Ascii),
            r#"{"Name": "b\u00f3b \"\\\ud83d\ude00\n\u007f\u0001", "Count": 2, "Benchmark": 99.0}"#
        );
        assert_eq!(
            object(Style::Compact),
            "{\"Name\":\"b\u{f3}b \\\"\\\\\u{1f600}\\n\u{7f}\\u0001\",\"Count\":2,\"Benchmark\":99.0}"
        );
        assert_eq!(Object::new(Style::Ascii).finish(), "{}");
    }

    #[test]
    fn numbers_are_pythons_in_one_style_and_pydantics_in_the_other() {
        let number = |style, value| {
            let object = Object::new(style).float("k", value).finish();
            object
                .trim_start_matches("{\"k\":")
                .trim_start()
                .trim_end_matches('}')
                .to_owned()
        };
        // As observed with Python 3.11 and pydantic 2.
        for (value, ascii, compact) in [
            (1.0, "1.0", "1.0"),
            (15.73, "15.73", "15.73"),
            (1e-4, "0.0001", "0.0001"),
            (1e-5, "1e-05", "0.00001"),
            (1.5e-7, "1.5e-07", "1.5e-7"),
            (1e15, "1000000000000000.0", "1000000000000000.0"),
            (1e16, "1e+16", "1e16"),
            (0.0, "0.0", "0.0"),
        ] {
            assert_eq!(number(Style::Ascii, value), ascii);
            assert_eq!(number(Style::Compact, value), compact);
        }
    }

    proptest! {
        #[test]
        fn a_compact_number_reads_back(value in -1e300_f64..1e300) {
            let json = Object::new(Style::Compact).float("k", value).finish();
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["k"].as_f64(), Some(value));
        }

        #[test]
        fn any_text_is_one_line(value in any::<String>()) {
            for style in [Style::Ascii, Style::Compact] {
                let json = Object::new(style).text("k", &value).finish();
                prop_assert!(!json.contains(['\n', '\r']));
                prop_assert!(style == Style::Compact || json.is_ascii());
                let read: serde_json::Value = serde_json::from_str(&json).unwrap();
                prop_assert_eq!(read["k"].as_str(), Some(value.as_str()));
            }
        }
    }
}
