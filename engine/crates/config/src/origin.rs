//! Where a value came from, so that a message can say where to change it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use caso_base::conf::Grammar;

/// The place that set an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A messenger's former name implies it (`ssmv2` sets `cloud_version`).
    Implied(String),
    /// A line of a file; `line` counts from 1.
    File {
        /// The file, as it was found or named.
        path: Arc<PathBuf>,
        /// From 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// A flag, as it is spelled.
    CommandLine(String),
}

impl Origin {
    /// How a text is read there: beside INI's and TOML's files only what has INI's rules.
    #[must_use]
    pub fn grammar(&self) -> Grammar {
        match self {
            Self::File { path, .. } if path.extension().is_some_and(|end| end == "toml") => {
                Grammar::Toml
            }
            _ => Grammar::Ini,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Implied(by) => write!(f, "implied by `{by}`"),
            Self::File { path, line } => write!(f, "`{}:{line}`", path.display()),
            Self::Environment(name) => write!(f, "environment variable `{name}`"),
            Self::CommandLine(flag) => write!(f, "command line `{flag}`"),
        }
    }
}
