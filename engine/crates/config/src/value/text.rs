//! Texts, secrets, paths, lists of texts and digests.

use std::path::PathBuf;

use caso_model::secret::Secret;

use super::{Kind, Value};
use crate::text::strip;

/// oslo's `List` of texts: divided by commas, the blanks around each cut off;
/// empty entries in the middle stay.
///
/// ```
/// use caso_config::value::texts;
///
/// assert_eq!(texts(" a, b ,"), ["a", "b"]);
/// assert_eq!(texts("a,,b"), ["a", "", "b"]);
/// assert!(texts("").is_empty());
/// ```
#[must_use]
pub fn texts(text: &str) -> Vec<String> {
    let text = strip(text).trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| strip(item).to_owned()).collect()
}

impl Value for String {
    /// What is expected of one that may not be empty.
    type Terms = Option<&'static str>;
    const ANY: Self::Terms = None;
    const KIND: Kind = Kind::Text;

    fn parse(text: &str, needed: Self::Terms) -> Result<Option<Self>, String> {
        match needed {
            Some(expected) if text.is_empty() => Err(expected.to_owned()),
            _ => Ok(Some(text.to_owned())),
        }
    }

    fn is_none(text: &str) -> bool {
        text.is_empty()
    }
}

impl Value for Secret {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Secret;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        Ok(Some(Self::new(text)))
    }

    fn is_none(text: &str) -> bool {
        text.is_empty()
    }
}

impl Value for PathBuf {
    /// What is expected of one that may not be empty.
    type Terms = Option<&'static str>;
    const ANY: Self::Terms = None;
    const KIND: Kind = Kind::Path;

    fn parse(text: &str, needed: Self::Terms) -> Result<Option<Self>, String> {
        match needed {
            Some(expected) if text.is_empty() => Err(expected.to_owned()),
            _ => Ok(Some(Self::from(text)).filter(|_| !text.is_empty())),
        }
    }
}

impl Value for Vec<String> {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Texts;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        Ok(Some(texts(text)))
    }
}

/// A SHA-256 digest, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sha256(pub String);

impl Value for Sha256 {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Text;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        let text = text.to_ascii_lowercase();
        match text.len() {
            0 => Ok(None),
            64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(Some(Self(text))),
            _ => Err("64 hex digits, as sha256sum prints them".to_owned()),
        }
    }
}
