//! What must be known of an option without its type: how TOML may write it,
//! what the sample says of it, and what `$name` puts in its place.

use caso_model::component::OptionKind;

use super::{boolean, integer};
use crate::form::Form;

/// What sort of value an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the name of what it takes")]
pub enum Kind {
    Text,
    Secret,
    Path,
    Url,
    Endpoint,
    Boolean,
    Integer,
    Number,
    /// A number of seconds, without units.
    Seconds,
    Texts,
    Duration,
    Size,
    Date,
    /// One of a few words.
    Choice,
}

impl Kind {
    /// As the sample names it, but for bounds and words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Text | Self::Choice => "text",
            Self::Secret => "secret text",
            Self::Path => "path",
            Self::Url => "URL",
            Self::Endpoint => "host:port",
            Self::Boolean => "true or false",
            Self::Integer => "whole number",
            Self::Number => "number",
            Self::Seconds => "seconds",
            Self::Texts => "list",
            Self::Duration => "span of time: 90, 90s, 15m, 2h",
            Self::Size => "amount of data: 700000, 700k, 64MiB",
            Self::Date => "date",
        }
    }

    /// What an option of this kind takes instead, where it does not take the
    /// form.
    pub(crate) fn refusal(self, form: Form) -> Option<&'static str> {
        let (takes, expected) = match self {
            Self::Text | Self::Secret | Self::Path | Self::Url | Self::Endpoint | Self::Choice => {
                (Form::Text, "text in quotes")
            }
            Self::Texts => (Form::Texts, "a list such as `[\"a\", \"b\"]`"),
            Self::Boolean => (Form::Boolean, "`true` or `false`"),
            Self::Integer | Self::Number | Self::Seconds => (Form::Number, "a number"),
            Self::Duration => (Form::Number, "seconds, or text such as `\"15m\"`"),
            Self::Size => (Form::Number, "bytes, or text such as `\"64MiB\"`"),
            Self::Date => (Form::Date, "a date"),
        };
        let good = matches!(form, Form::Ini | Form::Text) || form == takes;
        (!good).then_some(expected)
    }

    /// What oslo puts in place of `$name` is the value as Python prints it.
    pub(crate) fn as_python_prints(self, text: String) -> String {
        match self {
            Self::Boolean => match boolean(&text) {
                Ok(true) => "True".into(),
                Ok(false) => "False".into(),
                Err(_) => text,
            },
            Self::Integer => match integer(&text, i64::MIN, i64::MAX) {
                Ok(Some(number)) => number.to_string(),
                _ => text,
            },
            _ => text,
        }
    }
}

impl From<&OptionKind> for Kind {
    fn from(kind: &OptionKind) -> Self {
        match kind {
            OptionKind::Text | OptionKind::Other(_) => Self::Text,
            OptionKind::Integer => Self::Integer,
            OptionKind::Number => Self::Number,
            OptionKind::Boolean => Self::Boolean,
            OptionKind::Duration => Self::Duration,
            OptionKind::Size => Self::Size,
            OptionKind::Path => Self::Path,
            OptionKind::Url => Self::Url,
            OptionKind::Endpoint => Self::Endpoint,
            OptionKind::Choice(_) => Self::Choice,
            OptionKind::Texts => Self::Texts,
            OptionKind::Secret => Self::Secret,
        }
    }
}
