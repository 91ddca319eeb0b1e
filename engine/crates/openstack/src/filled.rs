//! A number where some versions of an API write an empty text for "none".

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// For `deserialize_with`: none where there is null or an empty text.
///
/// # Errors
/// Where there is anything else that is no number.
pub fn filled<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<f64>, D::Error> {
    match Value::deserialize(reader)? {
        Value::String(text) if text.trim().is_empty() => Ok(None),
        value => Option::deserialize(value).map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_none_and_any_other_is_an_error() {
        let read = |json: &str| filled(&mut serde_json::Deserializer::from_str(json));
        for none in [r#""""#, r#"" ""#, "null"] {
            assert_eq!(read(none).unwrap(), None, "{none}");
        }
        assert_eq!(read("1.5").unwrap(), Some(1.5));
        assert_eq!(read("0").unwrap(), Some(0.0));
        for bad in [r#""many""#, "[]", "true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
