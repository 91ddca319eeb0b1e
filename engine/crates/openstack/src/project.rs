//! A project (a tenant, in version 2.0) as Keystone states it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A project. The site's own properties, such as the VO, are in `extra`,
/// under the names that Keystone keeps them by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Project {
    pub id: String,
    #[serde(deserialize_with = "text_or_null")]
    pub name: String,
    /// Absent where Keystone does not say.
    #[serde(default)]
    pub enabled: Option<bool>,
    #[serde(default)]
    pub domain_id: Option<String>,
    #[serde(default, deserialize_with = "list_or_null")]
    pub tags: Vec<String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn text_or_null<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(reader)?.unwrap_or_default())
}

fn list_or_null<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(reader)?.unwrap_or_default())
}
