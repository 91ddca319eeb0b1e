//! What people are told, in its two parts: what is, and what to do about it.
//!
//! They stay apart up to where they are printed, the second on a line `hint: …` of its own or
//! in a field `hint`. An error that carries its way out has a method `hint` beside its text;
//! where the error is no more, this is what is left of it.

use std::fmt;

/// What is, and what to do about it where that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    /// What is: one sentence, which names the thing.
    pub text: String,
    /// What to do: a command to type, an option to set.
    pub hint: Option<String>,
}

impl Message {
    /// One with its way out, if there is one.
    #[must_use]
    pub fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }

    /// The same behind the name of a place, a project, a messenger.
    #[must_use]
    pub fn of(self, before: &str) -> Self {
        Self {
            text: format!("{before}{}", self.text),
            ..self
        }
    }
}

/// In one line, where there is no second one.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self { text, hint: None }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// What is, and what to do.
impl<T: Into<String>, H: Into<String>> From<(T, H)> for Message {
    fn from((text, hint): (T, H)) -> Self {
        Self {
            text: text.into(),
            hint: Some(hint.into()),
        }
    }
}
