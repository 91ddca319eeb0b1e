//! Labels of Prometheus's series.

use super::{Kind, Value, texts};

/// The name of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelName(pub String);

/// A list of names of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelNames(pub Vec<String>);

/// Labels that a series must have, with their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelFilters(pub Vec<(String, String)>);

/// A name that the query language takes unquoted, in every version.
/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn label_name(text: &str) -> Result<String, String> {
    let mut characters = text.chars();
    let first = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(text.to_owned())
    } else {
        Err("names of labels, of letters, digits and `_`".to_owned())
    }
}

/// cASO left a filter without a colon out with a warning, and then added up
/// series that were never meant: percentages to microwatts.
fn filter(pair: &str) -> Result<(String, String), String> {
    let expected = || "a list of labels, each as name:value".to_owned();
    let (name, value) = pair.split_once(':').ok_or_else(expected)?;
    Ok((label_name(name.trim())?, value.trim().to_owned()))
}

impl Value for LabelName {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Text;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        label_name(text).map(|name| Some(Self(name)))
    }
}

impl Value for LabelNames {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Texts;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        let names: Result<_, _> = texts(text).iter().map(|name| label_name(name)).collect();
        names.map(|names| Some(Self(names)))
    }
}

impl Value for LabelFilters {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Texts;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        let filters: Result<_, _> = texts(text).iter().map(|pair| filter(pair)).collect();
        filters.map(|filters| Some(Self(filters)))
    }
}
