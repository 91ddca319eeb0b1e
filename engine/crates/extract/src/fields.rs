//! Reading one row of an API's list, field by field.
//!
//! A list is split into rows before any field is looked at, so that one odd
//! row costs only itself; and its error names the row and the field, which a
//! derived deserializer cannot.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use caso_base::time::parse_timestamp;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::ItemError;
use caso_model::Attribute;

/// A row of a list: an object with an id.
///
/// Its text is gone through once, to find the fields; a field's value is parsed when it is
/// asked for. Most of what a server's row says is never asked for: links, fault, keys.
#[derive(Debug)]
pub struct Row<'a> {
    kind: &'static str,
    id: Cow<'a, str>,
    fields: Fields<'a>,
}

/// The members of an object, with the text of each one's value.
#[derive(Debug)]
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Row<'a> {
    /// `kind` says what it is, for people; `id_key` names the field with its id.
    pub fn parse(
        kind: &'static str,
        id_key: &str,
        raw: &'a RawValue,
    ) -> Result<Row<'a>, ItemError> {
        let unknown = |reason: String| ItemError {
            kind,
            id: "?".into(),
            reason,
        };
        let fields: Fields<'a> = serde_json::from_str(raw.get())
            .map_err(|error| unknown(format!("is no object: {error}: {}", excerpt(raw.get()))))?;
        match fields.get(id_key).and_then(text_of) {
            Some(id) if !id.is_empty() => Ok(Row { kind, id, fields }),
            _ => Err(unknown(format!(
                "`{id_key}` is missing: {}",
                excerpt(raw.get())
            ))),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// An error about this row.
    pub fn error(&self, reason: String) -> ItemError {
        ItemError {
            kind: self.kind,
            id: self.id.clone().into_owned(),
            reason,
        }
    }

    fn wrong(&self, key: &str, expected: &str, value: &RawValue) -> ItemError {
        self.error(format!("`{key}` is not {expected}: {}", shown(value)))
    }

    /// The field, unless it is missing or null.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.fields.get(key)
    }

    /// The field as any JSON there may be, unless it is missing or null.
    pub fn value(&self, key: &str) -> Option<Value> {
        serde_json::from_str(self.get(key)?.get()).ok()
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, ItemError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match text_of(value) {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(self.wrong(key, "text", value)),
            },
        }
    }

    /// The field of something that is no text: an empty one stands for none, as in
    /// `OS-SRV-USG:launched_at` of a server that never ran.
    fn filled(&self, key: &str) -> Option<&'a RawValue> {
        self.get(key)
            .filter(|value| text_of(value).is_none_or(|text| !text.trim().is_empty()))
    }

    /// A time in any of OpenStack's forms, in seconds since the epoch.
    pub fn time(&self, key: &str) -> Result<Option<i64>, ItemError> {
        match self.filled(key) {
            None => Ok(None),
            Some(value) => match text_of(value).and_then(|text| parse_timestamp(&text)) {
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
        serde_json::from_str(self.get(key)?.get()).ok()
    }

    /// An object inside the row, read by the same rules and under the row's name.
    pub fn inner(&self, key: &str) -> Result<Option<Row<'a>>, ItemError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match serde_json::from_str(value.get()) {
                Ok(fields) => Ok(Some(Row {
                    kind: self.kind,
                    id: self.id.clone(),
                    fields,
                })),
                Err(_) => Err(self.wrong(key, "an object", value)),
            },
        }
    }

    /// An object, all of it.
    pub fn object(&self, key: &str) -> Result<Option<Map<String, Value>>, ItemError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match serde_json::from_str(value.get()) {
                Ok(object) => Ok(Some(object)),
                Err(_) => Err(self.wrong(key, "an object", value)),
            },
        }
    }

    /// The id in `{"id": …, "links": […]}`. For a server booted from a volume
    /// Nova's image is an empty text.
    pub fn reference(&self, key: &str) -> Result<Option<String>, ItemError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        if text_of(value).is_some_and(|text| text.is_empty()) {
            return Ok(None);
        }
        let Some(row) = self.inner(key)? else {
            return Ok(None);
        };
        match row.value("id") {
            None => Ok(None),
            Some(Value::String(id)) => Ok(Some(id)),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            Some(_) => Err(self.error(format!("`{key}` has an id that is no text"))),
        }
    }

    /// An object of texts, such as extra specs. A value of another kind is
    /// given as its JSON.
    pub fn attributes(&self, key: &str) -> Result<Option<Vec<Attribute>>, ItemError> {
        Ok(self.object(key)?.map(attributes))
    }

    /// An object of texts that whoever may use the project writes. What it is costs
    /// nobody a record: one that is no object is absent.
    pub fn written_by_users(&self, key: &str) -> Option<Vec<Attribute>> {
        self.object(key).ok()?.map(attributes)
    }

    /// Every field of the row that is a text, in the order of their names.
    pub fn texts(&self) -> impl Iterator<Item = (&str, Cow<'a, str>)> {
        let fields = self.fields.0.iter();
        // Of a name that is there twice, the last.
        let fields: BTreeMap<&str, &'a RawValue> = fields
            .map(|(name, value)| (name.as_ref(), *value))
            .collect();
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, text_of(value)?)))
    }
}

impl<'a> Fields<'a> {
    /// Of a name that is there twice, the last: as everybody reads JSON.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(name, _)| name == key);
        found
            .map(|(_, value)| *value)
            .filter(|value| value.get() != "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Of a server Nova shows some 30 fields.
                let mut fields = Vec::with_capacity(32);
                while let Some(Name(name)) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A member's name, not copied where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text that a value is, if it is one; not copied where it has no escapes.
fn text_of(value: &RawValue) -> Option<Cow<'_, str>> {
    if !value.get().starts_with('"') {
        return None;
    }
    serde_json::from_str(value.get())
        .ok()
        .map(|Name(text)| text)
}

/// The members of an object that have a value.
fn attributes(object: Map<String, Value>) -> Vec<Attribute> {
    object
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| Attribute {
            name,
            value: match value {
                Value::String(text) => text,
                other => other.to_string(),
            },
        })
        .collect()
}

fn whole(value: &RawValue) -> Option<u64> {
    let value: Value = serde_json::from_str(value.get()).ok()?;
    if let Some(count) = value.as_u64() {
        return Some(count);
    }
    let number = value.as_f64()?;
    // 2^53: beyond it a float no longer says which whole number it means.
    let exact = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    exact.then_some(number as u64)
}

/// A value in a message: without the blanks between its parts.
fn shown(value: &RawValue) -> String {
    let parsed: Result<Value, _> = serde_json::from_str(value.get());
    match parsed {
        Ok(parsed) => excerpt(&parsed.to_string()),
        Err(_) => excerpt(value.get()),
    }
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

    fn row(json: &'static str) -> Row<'static> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        Row::parse("server", "id", raw).unwrap()
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

    #[test]
    fn fields_with_escapes_and_fields_that_are_there_twice() {
        let row = row(
            r#"{"id": "a\u0062", "n\u0061me": "x\ty", "size": 1, "size": 2, "gone": 1, "gone": null}"#,
        );
        assert_eq!(row.id(), "ab");
        assert_eq!(row.text("name"), Ok(Some("x\ty".to_owned())));
        assert_eq!(row.count("size"), Ok(Some(2)));
        assert_eq!(row.count("gone"), Ok(None));
    }

    #[test]
    fn what_is_never_asked_for_costs_nothing() {
        let row = row(r#"{"id": "a", "name": "b", "fault": "\ud800"}"#);
        assert_eq!(row.text("name"), Ok(Some("b".to_owned())));
        let error = row.text("fault").unwrap_err().to_string();
        assert_eq!(error, r#"server `a`: `fault` is not text: "\ud800""#);
    }

    #[test]
    fn a_row_is_an_object_with_an_id() {
        for (json, reason) in [
            (
                r#"[1]"#,
                "is no object: invalid type: sequence, expected a map at line 1 column 0: [1]",
            ),
            (r#"{"id": 7}"#, r#"`id` is missing: {"id": 7}"#),
            (r#"{"id": ""}"#, r#"`id` is missing: {"id": ""}"#),
            (r#"{"id": null}"#, r#"`id` is missing: {"id": null}"#),
            (r#"{}"#, "`id` is missing: {}"),
        ] {
            let raw: &RawValue = serde_json::from_str(json).unwrap();
            let error = Row::parse("volume", "id", raw).unwrap_err();
            assert_eq!(error.to_string(), format!("volume `?`: {reason}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in ".{0,40}") {
            let _ = excerpt(&text.repeat(9));
        }
    }
}
