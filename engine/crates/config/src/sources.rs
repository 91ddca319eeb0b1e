//! The layers that set options: command line over environment over files.
//!
//! oslo has two exceptions, which are slips there and are not copied: where a
//! file sets an option too, the environment wins over the command line; and a
//! `--config-file` that stands behind a flag overrides it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::form::Form;
use super::ini::{Assignment, Ini};
use super::origin::Origin;

/// Command line, environment and files, as they were found: with passwords, so
/// `Debug` shows none of it.
#[derive(Clone, Default)]
pub struct Sources {
    /// In the order of reading: a later one overrides.
    pub files: Vec<SourceFile>,
    pub environment: BTreeMap<String, String>,
    /// (section, option) with the value and the flag.
    pub command_line: BTreeMap<(String, String), (String, String)>,
    /// Messengers that are embedded in the engine.
    pub builtin_messengers: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: Arc<PathBuf>,
    pub ini: Ini,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub text: String,
    pub form: Form,
    pub origin: Origin,
}

/// A place where an option may stand: section and name.
pub type Name = (String, String);

/// The variable of an option: `OS_MESSENGER_SSM__RECORD_TYPES`.
pub fn variable(section: &str, option: &str) -> String {
    format!("OS_{}__{}", section.to_uppercase(), option.to_uppercase())
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// The value in force of the option that has these names, its present one
    /// first. Former names count in files only. In one file a present name
    /// goes before a former one, and the last line of a name before others; a
    /// later file goes before an earlier one whatever its names.
    pub fn find(&self, names: &[Name]) -> Option<Found> {
        self.typed(names).or_else(|| self.written(names))
    }

    /// The same without the command line.
    pub fn written(&self, names: &[Name]) -> Option<Found> {
        let present = names.first()?;
        let variable = variable(&present.0, &present.1);
        if let Some(text) = self.environment.get(&variable) {
            return Some(Found {
                text: text.clone(),
                form: Form::Ini,
                origin: Origin::Environment(variable),
            });
        }
        self.files
            .iter()
            .rev()
            .find_map(|file| names.iter().find_map(|name| file.find(name)))
    }

    /// Its flag on the command line.
    pub fn typed(&self, names: &[Name]) -> Option<Found> {
        let (text, flag) = self.command_line.get(names.first()?)?;
        Some(Found {
            text: text.clone(),
            form: Form::Ini,
            origin: Origin::CommandLine(flag.clone()),
        })
    }

    /// Every line of every file that sets something.
    pub fn assignments(&self) -> impl Iterator<Item = (&Assignment, Origin)> {
        self.files.iter().flat_map(|file| {
            file.ini
                .assignments
                .iter()
                .map(|assignment| (assignment, file.at(assignment.line)))
        })
    }

    /// Every section header of every file.
    pub fn sections(&self) -> impl Iterator<Item = (&str, Origin)> {
        self.files.iter().flat_map(|file| {
            file.ini
                .sections
                .iter()
                .map(|(name, line)| (name.as_str(), file.at(*line)))
        })
    }
}

impl SourceFile {
    pub fn at(&self, line: usize) -> Origin {
        Origin::File {
            path: Arc::clone(&self.path),
            line,
        }
    }

    fn find(&self, (section, name): &Name) -> Option<Found> {
        self.ini
            .assignments
            .iter()
            .rev()
            .find(|a| a.section == *section && a.key == *name)
            .map(|a| Found {
                text: a.value.clone(),
                form: a.form,
                origin: self.at(a.line),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: Arc::new(path.into()),
            ini: ini::parse(text).unwrap(),
        }
    }

    fn name(option: &str) -> Name {
        ("DEFAULT".into(), option.into())
    }

    #[test]
    fn command_line_over_environment_over_files() {
        let mut sources = Sources {
            files: vec![
                file("a", "[DEFAULT]\nx = 1\nx = 2\n"),
                file("b", "[DEFAULT]\nold = 3\n"),
            ],
            ..Sources::default()
        };
        let find = |sources: &Sources| {
            let found = sources.find(&[name("x"), name("old")]).unwrap();
            (found.text, found.origin.to_string())
        };
        assert_eq!(find(&sources), ("3".into(), "`b:2`".into()));
        sources.files.pop();
        assert_eq!(find(&sources), ("2".into(), "`a:3`".into()));
        sources
            .environment
            .insert("OS_DEFAULT__X".into(), "4".into());
        assert_eq!(find(&sources).0, "4");
        sources
            .command_line
            .insert(name("x"), ("5".into(), "--x".into()));
        assert_eq!(find(&sources), ("5".into(), "command line `--x`".into()));
    }

    #[test]
    fn a_present_name_goes_before_a_former_one_of_the_same_file() {
        let sources = Sources {
            files: vec![file("a", "[DEFAULT]\nx = 1\nold = 2\n")],
            ..Sources::default()
        };
        assert_eq!(sources.find(&[name("x"), name("old")]).unwrap().text, "1");
    }
}
