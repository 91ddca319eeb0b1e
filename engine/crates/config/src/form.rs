//! How a value was written. INI, the environment and the command line have
//! texts only, in which `$` stands for other options; TOML has types, and its
//! texts are taken as they are.

use super::value::Kind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text in which `$` substitutes.
    Ini,
    /// A text as it is. What INI can say in a text may be said so in TOML too.
    Text,
    Texts,
    Boolean,
    Number,
    Date,
}

/// What an option of this kind takes instead, where it does not take the form.
pub fn refusal(kind: Kind, form: Form) -> Option<&'static str> {
    let (takes, expected) = match kind {
        Kind::Text | Kind::Secret | Kind::Path | Kind::Url | Kind::Choice(_) => {
            (Form::Text, "a text, in quotes")
        }
        Kind::Texts => (Form::Texts, "a list of texts, such as `[\"a\", \"b\"]`"),
        Kind::Boolean => (Form::Boolean, "`true` or `false`"),
        Kind::Integer(..) | Kind::Positive => (Form::Number, "a number"),
        Kind::Duration(..) => (Form::Number, "seconds, or a text such as `\"15m\"`"),
        Kind::Size(_) => (Form::Number, "bytes, or a text such as `\"64MiB\"`"),
        Kind::Moment => (Form::Date, "a date"),
    };
    let good = matches!(form, Form::Ini | Form::Text) || form == takes;
    (!good).then_some(expected)
}
