//! What is wrong with a configuration. All that can be found is reported in
//! one go: who repairs a file wants the list, not its first line.

use std::fmt;
use std::path::PathBuf;

use super::origin::Origin;
use caso_base::Message;
use caso_model::notice::Notice;

/// One thing that is wrong. Its text names the place, the option, what was read
/// and what is expected, or what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are what the texts name")]
pub enum ConfigError {
    /// A file that was asked for, or found on the search path, cannot be read.
    #[error("cannot read the configuration file `{path}`: {reason}")]
    Unreadable {
        path: PathBuf,
        reason: String,
        hint: String,
    },
    /// `--config-dir` names a folder that is not there.
    #[error("the folder `{path}` given by `--config-dir` cannot be read: {reason}")]
    Folder { path: PathBuf, reason: String },
    /// The search finds the file, or the folder, in both grammars.
    #[error(
        "there are both `{conf}` and `{toml}`, and one of them would be read without the other"
    )]
    Both {
        conf: PathBuf,
        toml: PathBuf,
        flag: &'static str,
    },
    /// `caso config convert` has nothing to convert.
    #[error("{what}")]
    Convert { what: String },
    /// A line that is not in oslo's grammar, nor TOML.
    #[error("`{path}:{line}`: {}", .what.text)]
    Grammar {
        path: PathBuf,
        line: usize,
        what: Message,
    },
    /// A value that its option does not take. `value` is masked for secrets.
    #[error("{at} is {}; expected {expected}", quoted(value))]
    Value {
        at: Box<At>,
        value: String,
        expected: String,
        /// `did you mean …?`, where a known word is near.
        near: Option<String>,
    },
    /// A `$` that is followed by something that is not an option.
    #[error("{at}: {}", .problem.text)]
    Substitution { at: Box<At>, problem: Message },
    /// A component describes options that it cannot have.
    #[error("component `{component}`: {what}")]
    Component { component: String, what: String },
    /// An option that has to be set and is not.
    #[error("`[{section}] {option}` is not set")]
    Missing {
        section: String,
        option: String,
        /// What it is for, and what to set it to.
        why: String,
    },
    /// Something that may be written and that cASO will not do; `what` says why,
    /// and what to write instead.
    #[error("{at}: {}", .what.text)]
    Refused { at: Box<At>, what: Message },
}

impl ConfigError {
    /// Its two parts.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from(self.to_string()).hint(self.hint())
    }

    /// Whether a remark is about the name that this refuses.
    pub(super) fn says(&self, remark: &Notice) -> bool {
        match self {
            Self::Refused { at, .. } => remark.text.starts_with(&format!("{at} ")),
            _ => false,
        }
    }

    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Both { flag, .. } => Some(format!(
                "remove one (`caso config convert` makes the second of the first), or name one with `{flag}`"
            )),
            Self::Grammar { what, .. }
            | Self::Refused { what, .. }
            | Self::Substitution { problem: what, .. } => what.hint.clone(),
            Self::Value { near, .. } => near.clone(),
            Self::Missing { why, .. } => Some(why.clone()).filter(|why| !why.is_empty()),
            Self::Unreadable { hint, .. } => Some(hint.clone()),
            Self::Folder { .. } | Self::Convert { .. } | Self::Component { .. } => None,
        }
    }
}

/// A value as an error quotes it.
fn quoted(value: &str) -> String {
    match value {
        "" => "empty".to_owned(),
        _ => format!("`{value}`"),
    }
}

/// The option that an error is about, and what set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// The file and line, variable or flag.
    pub origin: Origin,
    /// The option's section, without brackets.
    pub section: String,
    /// Its name of today.
    pub option: String,
}

impl At {
    pub(crate) fn new(origin: &Origin, section: &str, option: &str) -> Box<Self> {
        Box::new(Self {
            origin: origin.clone(),
            section: section.to_owned(),
            option: option.to_owned(),
        })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `[{}] {}`", self.origin, self.section, self.option)
    }
}

/// One or more errors, a line each with its hint; and the remarks on names that nobody knows, since one of
/// those is often what was meant by an option that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>, pub Vec<Notice>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.message().fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error], Vec::new())
    }
}

/// Collects errors while the reading goes on.
#[derive(Debug, Default)]
pub(crate) struct Collector(Vec<ConfigError>);

impl Collector {
    /// The value, or a note of what is wrong with it.
    pub fn take<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub fn push(&mut self, error: ConfigError) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` when nothing was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ConfigErrors(self.0, Vec::new())),
        }
    }
}
