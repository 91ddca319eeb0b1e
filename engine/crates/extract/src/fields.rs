//! Reading one row of an API's list, field by field.
//!
//! A list is split into rows before any field is looked at, so that one odd
//! row costs only itself; and its error names the row and the field, which a
//! derived deserializer cannot.

use caso_base::time::parse_timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ItemError;
use caso_model::Attribute;

/// A row of a list: an object with an id.
#[derive(Debug)]
pub struct Row {
    kind: &'static str,
    id: String,
    fields: Map<String, Value>,
}

impl Row {
    /// `kind` says what it is, for people; `id_key` names the field with its id.
    pub fn parse(kind: &'static str, id_key: &str, raw: &RawValue) -> Result<Row, ItemError> {
        let unknown = |reason: String| ItemError {
            kind,
            id: "?".into(),
            reason,
        };
        let fields: Map<String, Value> = serde_json::from_str(raw.get())
            .map_err(|error| unknown(format!("is no object: {error}: {}", excerpt(raw.get()))))?;
        match fields.get(id_key) {
            Some(Value::String(id)) if !id.is_empty() => Ok(Row {
                kind,
                id: id.clone(),
                fields,
            }),
            _ => Err(unknown(format!(
                "`{id_key}` is missing: {}",
                excerpt(raw.get())
            ))),
        }
    }

    /// An object inside the row, read by the same rules and under its name.
    pub fn inner(&self, fields: &Map<String, Value>) -> Row {
        Row {
            kind: self.kind,
            id: self.id.clone(),
            fields: fields.clone(),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// An error about this row.
    pub fn error(&self, reason: String) -> ItemError {
        ItemError {
            kind: self.kind,
            id: self.id.clone(),
            reason,
        }
    }

    fn wrong(&self, key: &str, expected: &str, value: &Value) -> ItemError {
        self.error(format!(
            "`{key}` is not {expected}: {}",
            excerpt(&value.to_string())
        ))
    }

    /// The field, unless it is missing or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, ItemError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(key, "text", other)),
        }
    }

    /// The field of something that is no text: an empty one stands for none, as in
    /// `OS-SRV-USG:launched_at` of a server that never ran.
    fn filled(&self, key: &str) -> Option<&Value> {
        self.get(key)
            .filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
    }

    /// A time in any of OpenStack's forms, in seconds since the epoch.
    pub fn time(&self, key: &str) -> Result<Option<i64>, ItemError> {
        match self.filled(key) {
            None => Ok(None),
            Some(value) => match value.as_str().and_then(parse_timestamp) {
                Some(time) => Ok(Some(time)),
                None => Err(self.wrong(key, "a time", value)),
            },
        }
    }

    /// A count. APIs have said 20 and 20.0 for the same.
    pub fn count(&self, key: &str) -> Result<Option<u64>, ItemError> {
        match self.filled(key) {
            None => Ok(None),
            Some(value) => match whole(value) {
                Some(count) => Ok(Some(count)),
                None => Err(self.wrong(key, "a whole number", value)),
            },
        }
    }

    pub fn small_count(&self, key: &str) -> Result<Option<u32>, ItemError> {
        match self.count(key)? {
            None => Ok(None),
            Some(count) => match u32::try_from(count) {
                Ok(count) => Ok(Some(count)),
                Err(_) => Err(self.error(format!("`{key}` is too large: {count}"))),
            },
        }
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    pub fn object(&self, key: &str) -> Result<Option<&Map<String, Value>>, ItemError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.wrong(key, "an object", other)),
        }
    }

    /// An object of texts, such as extra specs. A value of another kind is
    /// given as its JSON.
    pub fn attributes(&self, key: &str) -> Result<Option<Vec<Attribute>>, ItemError> {
        Ok(self.object(key)?.map(attributes))
    }

    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}

/// The members of an object that have a value.
pub fn attributes(object: &Map<String, Value>) -> Vec<Attribute> {
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| Attribute {
            name: name.clone(),
            value: match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        })
        .collect()
}

fn whole(value: &Value) -> Option<u64> {
    if let Some(count) = value.as_u64() {
        return Some(count);
    }
    let number = value.as_f64()?;
    // 2^53: beyond it a float no longer says which whole number it means.
    let exact = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    exact.then_some(number as u64)
}

/// The beginning of a text, for a message.
fn excerpt(text: &str) -> String {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(json: &str) -> Row {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        Row::parse("server", "id", &raw).unwrap()
    }

    #[test]
    fn an_error_names_row_field_and_value() {
        let row = row(r#"{"id": "abc", "created": "yesterday", "vcpus": -1, "name": 7}"#);
        assert_eq!(
            row.time("created").unwrap_err().to_string(),
            "server `abc`: `created` is not a time: \"yesterday\""
        );
        assert!(row.count("vcpus").is_err());
        assert!(row.text("name").is_err());
        assert_eq!(row.time("gone"), Ok(None));
    }

    #[test]
    fn an_empty_text_is_no_time_and_no_number() {
        let row = row(r#"{"id": "a", "launched": "", "ended": " ", "vcpus": "", "name": ""}"#);
        assert_eq!(row.time("launched"), Ok(None));
        assert_eq!(row.time("ended"), Ok(None));
        assert_eq!(row.count("vcpus"), Ok(None));
        assert_eq!(row.small_count("vcpus"), Ok(None));
        assert_eq!(row.text("name"), Ok(Some(String::new())));
    }

    #[test]
    fn counts_may_be_written_as_floats() {
        let row = row(r#"{"id": "a", "x": 20.0, "y": 20.5, "z": 1e300, "big": 4294967296}"#);
        assert_eq!(row.count("x"), Ok(Some(20)));
        assert!(row.count("y").is_err());
        assert!(row.count("z").is_err());
        assert!(row.small_count("big").is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}") {
            let _ = excerpt(&text.repeat(9));
        }
    }
}
